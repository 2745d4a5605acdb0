"""Where a search looks: an area on the globe, the same at the pole and on both sides of ±180°."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.affinity import translate
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

from builder.errors import UsageError
from builder.geometry.boxes import FARTHEST, box_parts
from builder.geometry.outline import UnusableGeometry, outline
from builder.geometry.parts import Parts
from builder.geometry.polar import Integers, polar_bounds

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Area:
    """An area as simple shapes within ±180°, and the boxes around them in EPSG:3413, km."""

    shapes: tuple[BaseGeometry, ...]
    polar: Integers

    def near(self, bounds: Any) -> Mask:
        """Tell which boxes in polar space the area may meet: shape (n, 4) of lowest and highest x and y, km."""
        low_x, low_y, high_x, high_y = np.asarray(bounds).reshape(-1, 4).T[:, :, None]
        meets = (low_x <= self.polar[:, 2]) & (high_x >= self.polar[:, 0])
        meets &= (low_y <= self.polar[:, 3]) & (high_y >= self.polar[:, 1])
        near: Mask = meets.any(axis=1)
        return near

    def meets(self, geometries: npt.NDArray[np.object_]) -> Mask:
        """Tell which geometries, cut at ±180° as GeoJSON asks, share a place with the area."""
        met = np.zeros(len(geometries), bool)
        for shape in self.shapes:
            shapely.prepare(shape)
            met |= shapely.intersects(shape, geometries)
        return met


def box_area(numbers: Sequence[float]) -> Area:
    """Return the area of a bbox: west, south, east, north, or six numbers with heights; west > east crosses ±180°.

    Raises:
        UsageError: They are no box.
    """
    box = [float(number) for number in numbers]
    if len(box) not in {4, 6}:
        raise UsageError(f"a bbox has 4 numbers (west, south, east, north) or 6, not {len(box)}")
    half = len(box) // 2
    west, south, east, north = box[0], box[1], box[half], box[half + 1]
    if not all(map(math.isfinite, box)) or not -90 <= south <= north <= 90 or max(abs(west), abs(east)) > FARTHEST:
        raise UsageError(
            f"bbox {[west, south, east, north]} is not on the globe",
            hint="give west, south, east, north in degrees; west > east crosses the antimeridian",
        )
    return _area(box_parts((west, south, east, north)))


def geometry_area(geometry: Mapping[str, Any]) -> Area:
    """Return the area of a GeoJSON geometry or Feature; any convention of longitude, round the pole too.

    Raises:
        UsageError: It is no GeoJSON geometry.
    """
    try:
        parts, _ = outline(geometry.get("geometry") if geometry.get("type") == "Feature" else geometry)
    except UnusableGeometry as trouble:
        raise UsageError(
            f"intersects: {trouble.message}", hint="give a GeoJSON geometry in longitude and latitude"
        ) from trouble
    return _area(parts)


def _area(parts: Parts) -> Area:
    shapes = (*parts.points, *parts.lines, *parts.polygons)
    whole = (*shapes, *(twin for shape in shapes for twin in _twins(shape)))
    return Area(whole, polar_bounds([shape.bounds for shape in whole]))


def _twins(shape: BaseGeometry) -> Iterable[BaseGeometry]:
    """Yield the same places under their other names: ±180° is one meridian, and a pole has every longitude."""
    west, south, east, north = shape.bounds
    for side, touched in ((-180.0, west == -180.0), (180.0, east == 180.0)):
        if touched:
            shared = shapely.intersection(shape, LineString([(side, -90), (side, 90)]))
            yield translate(shared, xoff=-2 * side)
    for pole in {90.0, -90.0} & {south, north}:
        yield LineString([(-180, pole), (180, pole)])
