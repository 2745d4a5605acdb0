"""Regions of a campaign: a box across the antimeridian or round the pole, or a polygon, as an outline on a map."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from processors.errors import Refusal
from processors.icestats.areas import Floats, Transform
from processors.protocol import JSON

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

STEP_DEG = 0.1
"""Longest step along an edge before it is projected."""
Bools: TypeAlias = npt.NDArray[np.bool_]


class GeoPolygon(BaseModel):
    """A GeoJSON polygon (RFC 7946): an outer ring and holes, longitude before latitude."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["Polygon"]
    coordinates: tuple[tuple[tuple[float, float], ...], ...] = Field(min_length=1)


Box: TypeAlias = tuple[float, float, float, float]
Region: TypeAlias = Literal["all"] | Box | GeoPolygon


def outline_of(region: Region, crs: str, name: str = "region") -> BaseGeometry | None:
    """Return a region as a polygon on a map; None for ``all``.

    Edges of a box follow meridians and parallels; a box whose west is greater than its east crosses the antimeridian,
    and one 360° wide goes round the pole.

    Args:
        region: The region.
        crs: Reference system of the map.
        name: What the user called it.

    Raises:
        Refusal: ``STATS.REGION``: the region is no area, or cannot be shown on the map.
    """
    if isinstance(region, str):
        return None
    try:
        return _outline(region, crs)
    except _NoRegion as trouble:
        takes = "west, south, east, north in degrees"
        hint = f"give {takes}" + (", or a GeoJSON polygon" if name == "region" else "")
        raise Refusal(str(trouble), name, hint, "STATS.REGION") from None


class _NoRegion(ValueError):
    """What a region lacks to be one."""


def _outline(region: Box | GeoPolygon, crs: str) -> BaseGeometry:
    rings = _ring_of_box(region) if isinstance(region, tuple) else [_dense(ring) for ring in region.coordinates]
    shapes = [_projected(ring, crs) for ring in rings]
    if isinstance(region, tuple):
        found = shapes[0].symmetric_difference(shapes[1]) if len(shapes) > 1 else shapes[0]
    else:
        found = shapes[0]
        for hole in shapes[1:]:
            found = found.difference(hole)
    if found.is_empty or not found.area:
        raise _NoRegion("has no area")
    return found


def geojson_of(region: Region) -> JSON | None:
    """Return a region as GeoJSON geometry, cut at the antimeridian; None for ``all``."""
    if isinstance(region, str):
        return None
    if isinstance(region, GeoPolygon):
        return {"type": "Polygon", "coordinates": [[list(point) for point in ring] for ring in region.coordinates]}
    west, south, east, north = region
    parts = [(west, east)] if west < east else [(west, 180.0), (-180.0, east)]
    rings = [[[[left, south], [right, south], [right, north], [left, north], [left, south]]] for left, right in parts]
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": rings[0]}
    return {"type": "MultiPolygon", "coordinates": rings}


def inside(outline: BaseGeometry, transform: Transform, shape: tuple[int, int]) -> Bools:
    """Tell which cells of a map have their centre inside an outline, shape (rows, columns)."""
    from rasterio.features import geometry_mask
    from rasterio.transform import Affine

    if not outline.intersects(_frame(transform, shape)):
        return np.zeros(shape, bool)
    found: Bools = geometry_mask([outline], shape, Affine(*transform), invert=True)
    return found


def _frame(transform: Transform, shape: tuple[int, int]) -> BaseGeometry:
    from shapely.geometry import box

    across, down = transform[2] + transform[0] * shape[1], transform[5] + transform[4] * shape[0]
    return box(min(transform[2], across), min(transform[5], down), max(transform[2], across), max(transform[5], down))


def _ring_of_box(box: Box) -> list[Floats]:
    west, south, east, north = box
    if not (-90 <= south < north <= 90 and -360 <= west <= 360 and -360 <= east <= 360) or west == east:
        raise _NoRegion(f"{list(box)} is no box of west, south, east and north")
    east = east + 360 if east < west else east
    if east - west >= 360:
        around = np.linspace(-180, 180, int(360 / STEP_DEG) + 1)[:-1]
        parallels = [one for one in (south, north) if abs(one) < 90]
        return [np.stack([around, np.full(around.size, one)], axis=1) for one in parallels]
    return [_dense([(west, south), (east, south), (east, north), (west, north), (west, south)])]


def _dense(ring: Sequence[tuple[float, float]]) -> Floats:
    """Add points to every edge."""
    corners = np.asarray(ring, np.float64)
    if len(corners) < 4 or not np.isfinite(corners).all() or np.abs(corners[:, 1]).max() > 90:
        raise _NoRegion("is no closed ring of longitudes and latitudes")
    parts = []
    for start, end in pairwise(corners):
        count = max(1, int(np.ceil(np.abs(end - start).max() / STEP_DEG)))
        parts.append(start + (end - start) * np.arange(count)[:, None] / count)
    return np.concatenate(parts)


def _projected(ring: Floats, crs: str) -> BaseGeometry:
    from pyproj import Transformer
    from shapely import make_valid
    from shapely.geometry import Polygon

    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(ring[:, 0], ring[:, 1])
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise _NoRegion(f"cannot be shown in {crs[:60]}")
    return make_valid(Polygon(np.stack([x, y], axis=1)))
