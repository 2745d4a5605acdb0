"""Points, lines and polygons within ±180°, and how they become one GeoJSON geometry and its bounding box."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon, mapping
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

Values = npt.NDArray[np.float64]

DECIMALS = 6
"""Digits after the point of every coordinate: about 0.1 m."""


@dataclass
class Parts:
    """Simple geometries that lie within -180..180 and -90..90 degrees."""

    points: list[Point] = field(default_factory=list)
    lines: list[LineString] = field(default_factory=list)
    polygons: list[Polygon] = field(default_factory=list)

    def add(self, other: Parts) -> None:
        """Take the parts of another one as well."""
        self.points += other.points
        self.lines += other.lines
        self.polygons += other.polygons

    def add_shape(self, shape: BaseGeometry) -> None:
        """Take the simple geometries a shape is made of; empty ones are left out."""
        for part in getattr(shape, "geoms", [shape]):
            if part.geom_type in {"MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"}:
                self.add_shape(part)
            elif part.geom_type == "Point":
                self.points += [] if part.is_empty else [part]
            elif part.geom_type == "Polygon":
                self.polygons += [] if part.is_empty else [part]
            else:
                self.lines += [] if part.is_empty else [part]


def wrap(longitude: float) -> float:
    """Return a longitude within -180..180 degrees; one that is there already stays as it is."""
    return longitude if -180.0 <= longitude <= 180.0 else (longitude + 180.0) % 360.0 - 180.0


def geometry_of(parts: Parts) -> dict[str, Any] | None:
    """Return one GeoJSON geometry, or None where there are no parts.

    Coordinates are rounded to `DECIMALS`, outer rings run counter-clockwise (RFC 7946, 3.1.6), and
    polygons that overlap become one. Parts of different kinds give a GeometryCollection.
    """
    tidy = Parts()
    for part in (*parts.points, *parts.lines, *parts.polygons):
        tidy.add_shape(_rounded(part))
    kinds = [shape for shape in (_points(tidy.points), _lines(tidy.lines), _polygons(tidy.polygons)) if shape]
    if not kinds:
        return None
    if len(kinds) > 1:
        return {"type": "GeometryCollection", "geometries": [_mapping(shape) for shape in kinds]}
    return _mapping(kinds[0])


def bbox_of(geometry: dict[str, Any]) -> list[float]:
    """Return west, south, east, north of a geometry that is cut at the antimeridian.

    It is the smallest box; where that crosses the antimeridian, west > east (RFC 7946, 5.2).
    """
    parts = Parts()
    parts.add_shape(shapely.geometry.shape(geometry))
    bounds = [part.bounds for part in (*parts.points, *parts.lines, *parts.polygons)]
    west, east = span(np.array([(box[0], box[2]) for box in bounds]))
    return [west, min(box[1] for box in bounds), east, max(box[3] for box in bounds)]


def span(intervals: Values) -> tuple[float, float]:
    """Return the smallest span of longitude around intervals within ±180°: all but the widest gap.

    Args:
        intervals: West and east of each, shape (n, 2), degrees.

    Returns:
        West and east; west > east where the span crosses the antimeridian.
    """
    order = intervals[np.argsort(intervals[:, 0], kind="stable")]
    reached = np.maximum.accumulate(order[:, 1])
    seam = order[0, 0] + 360.0 - reached[-1]
    gaps = order[1:, 0] - reached[:-1]
    if not gaps.size or gaps.max() <= seam:
        return float(order[0, 0]), float(reached[-1])
    widest = int(gaps.argmax())
    return float(order[widest + 1, 0]), float(reached[widest])


def flat(polygon: Polygon) -> BaseGeometry:
    """Return the point or line that a polygon without area really is."""
    west, south, east, north = polygon.bounds
    return Point(west, south) if (west, south) == (east, north) else LineString([(west, south), (east, north)])


def _tidied(shape: BaseGeometry) -> BaseGeometry:
    """Round, and divide edges of more than 180° so that no reader takes them for the short way round."""
    if isinstance(shape, LineString):
        shape = LineString(_divided(shape))
    elif isinstance(shape, Polygon):
        shape = Polygon(_divided(shape.exterior), [_divided(hole) for hole in shape.interiors])
    return shapely.transform(shape, lambda places: np.round(places, DECIMALS) + 0.0)


def _divided(line: BaseGeometry) -> Values:
    places = shapely.get_coordinates(line)
    steps = np.abs(np.diff(places[:, 0]))
    long = np.flatnonzero((steps > 180.0) & (steps < 360.0))
    divided: Values = np.insert(places, long + 1, (places[long] + places[long + 1]) / 2, axis=0)
    return divided


def _rounded(shape: BaseGeometry) -> BaseGeometry:
    rounded = _tidied(shape)
    if not isinstance(rounded, Polygon):
        is_dot = isinstance(rounded, LineString) and rounded.length == 0
        return Point(rounded.coords[0]) if is_dot else rounded
    if rounded.area == 0:
        return _tidied(flat(rounded))
    if not rounded.is_valid:
        rounded = _tidied(shapely.set_precision(shape, 10.0**-DECIMALS))
    return rounded


def _points(points: list[Point]) -> BaseGeometry | None:
    places = list(dict.fromkeys((point.x, point.y) for point in points))
    return None if not places else Point(places[0]) if len(places) == 1 else MultiPoint(places)


def _lines(lines: list[LineString]) -> BaseGeometry | None:
    return None if not lines else lines[0] if len(lines) == 1 else MultiLineString(lines)


def _polygons(polygons: list[Polygon]) -> BaseGeometry | None:
    if not polygons:
        return None
    apart = Parts(polygons=polygons)
    if not MultiPolygon(polygons).is_valid:
        apart = Parts()
        apart.add_shape(shapely.union_all(polygons, grid_size=10.0**-DECIMALS))
    wound = [orient(part) for part in map(_tidied, apart.polygons) if isinstance(part, Polygon)]
    return wound[0] if len(wound) == 1 else MultiPolygon(wound)


def _mapping(shape: BaseGeometry) -> dict[str, Any]:
    described = mapping(shape)
    return {"type": described["type"], "coordinates": _listed(described["coordinates"])}


def _listed(value: Iterable[Any] | float) -> Any:
    return [_listed(entry) for entry in value] if isinstance(value, Iterable) else value
