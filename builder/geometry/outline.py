"""Repairs the geometries partners give: any convention of longitude, any winding, across the antimeridian and pole."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import antimeridian
import numpy as np
import shapely
from shapely.affinity import translate
from shapely.geometry import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from builder.errors import RecordError
from builder.geometry.boxes import CIRCLE, FARTHEST, TOLERANCE, box_parts
from builder.geometry.parts import Parts, Values, wrap

MOST_POSITIONS = 200_000
_DEPTH = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
_DEEPEST = 4


class UnusableGeometry(RecordError):
    """A geometry that cannot be placed on the globe; its message says why."""


def outline(geometry: Any, *, crossing: bool = False) -> tuple[Parts, list[str]]:
    """Read a GeoJSON geometry as given and return its parts, valid and cut at the antimeridian.

    A step of more than 180° between two positions goes the short way, across the antimeridian,
    except along the sides of a rectangle, which is what it says it is.

    Args:
        geometry: What the partner gave as GeoJSON.
        crossing: Read a rectangle wider than 180° as the one on the other side of the globe.

    Returns:
        The parts, and what had to be repaired.

    Raises:
        UnusableGeometry: It is no GeoJSON, or lies outside of the globe.
    """
    reader = _Reader(crossing)
    try:
        reader.read(geometry, 0)
    except shapely.errors.ShapelyError as trouble:
        raise UnusableGeometry(f"it cannot be repaired: {str(trouble)[:100]}") from trouble
    if not reader.positions:
        raise UnusableGeometry("it has no positions")
    return reader.parts, list(dict.fromkeys(reader.repairs))


class _Reader:
    def __init__(self, crossing: bool) -> None:
        self.crossing = crossing
        self.parts = Parts()
        self.repairs: list[str] = []
        self.positions = 0

    def read(self, geometry: Any, depth: int) -> None:
        if not isinstance(geometry, Mapping) or depth > _DEEPEST:
            raise UnusableGeometry("the geometry is not a GeoJSON object")
        kind = geometry.get("type")
        if kind == "GeometryCollection" and isinstance(geometry.get("geometries"), list | tuple):
            for part in geometry["geometries"]:
                self.read(part, depth + 1)
        elif isinstance(kind, str) and kind in _DEPTH:
            self._collect(geometry.get("coordinates"), kind.removeprefix("Multi"), _DEPTH[kind])
        else:
            raise UnusableGeometry(f"{str(kind)[:40]!r} is no type of GeoJSON geometry")

    def _collect(self, value: Any, kind: str, depth: int) -> None:
        if depth > _DEPTH[kind] or (kind == "Point" and depth):
            for entry in _sequence(value):
                self._collect(entry, kind, depth - 1)
        elif kind == "Point":
            longitude, latitude = self._places([value])[0]
            self.parts.points.append(Point(wrap(longitude), latitude))
        elif kind == "LineString":
            self._line(self._places(value))
        else:
            self._polygon([self._places(ring) for ring in _sequence(value)])

    def _places(self, value: Any) -> Values:
        places = [_place(entry) for entry in _sequence(value)]
        self.positions += len(places)
        if not places or self.positions > MOST_POSITIONS:
            raise UnusableGeometry("it has no positions" if not places else f"more than {MOST_POSITIONS} positions")
        found = np.array(places)
        found[:, 1] = np.clip(found[:, 1], -90.0, 90.0)
        return found

    def _line(self, places: Values) -> None:
        wrapped = [(wrap(longitude), latitude) for longitude, latitude in places.tolist()]
        if len(set(wrapped)) == 1:
            self.parts.points.append(Point(wrapped[0]))
            return
        cut = antimeridian.fix_line_string(LineString(wrapped), great_circle=False)
        whole = Parts()
        whole.add_shape(cut)
        self.parts.lines += [line for line in whole.lines if line.length > 0]

    def _polygon(self, rings: list[Values]) -> None:
        if not rings:
            raise UnusableGeometry("a polygon without a ring")
        outer = rings[0]
        if len({tuple(place) for place in outer.tolist()}) < 3:
            self._line(outer)
            return
        west, south = outer.min(axis=0).tolist()
        east, north = outer.max(axis=0).tolist()
        within = west >= -180.0 and east <= 180.0
        far = bool(_steps(outer).max() > 180.0)
        if (far or not within or self.crossing) and _is_rectangle(outer):
            turned = self.crossing and 180.0 < east - west < CIRCLE
            self.parts.add(box_parts((east, south, west, north) if turned else (west, south, east, north)))
        else:
            self.parts.add_shape(self._pierced([ring for ring in rings if len(ring) > 2], whole=within and not far))

    def _pierced(self, rings: list[Values], *, whole: bool) -> BaseGeometry:
        """Return an outline without its holes; where it is ``whole`` on the map and valid it is left as it is."""
        if whole:
            given = Polygon(rings[0], rings[1:])
            if given.is_valid:
                return given
        outer, *holes = (self._cut(ring) for ring in rings)
        for hole in holes:
            outer = outer.difference(hole)
        return outer

    def _cut(self, ring: Values) -> BaseGeometry:
        if _steps(ring).max() <= 180.0:
            return unrolled(self._valid(Polygon(ring)))
        polygon = Polygon([(wrap(x), y) for x, y in ring.tolist()])
        round_globe = np.column_stack([np.unwrap([*ring[:, 0], ring[0, 0]], period=360.0), [*ring[:, 1], ring[0, 1]]])
        if abs(round_globe[-1, 0] - round_globe[0, 0]) > 180.0:
            return shapely.union_all(enclosed(round_globe, math.copysign(90.0, ring[:, 1].mean())).polygons)
        try:
            cut = antimeridian.fix_polygon(polygon, fix_winding=True, great_circle=False)
        except (ValueError, AssertionError) as trouble:
            reason = str(trouble)[:100] or "its outline is too tangled"
            raise UnusableGeometry(f"it cannot be cut at the antimeridian: {reason}") from trouble
        return self._valid(cut)

    def _valid(self, shape: BaseGeometry) -> BaseGeometry:
        if shape.is_valid:
            return shape
        self.repairs.append("its outline crossed itself and was untangled")
        whole = Parts()
        whole.add_shape(shapely.make_valid(shape))
        solid = [part for part in whole.polygons if part.area > 0]
        return MultiPolygon(solid) if solid else shapely.make_valid(shape)


def _sequence(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise UnusableGeometry("its coordinates are not nested as GeoJSON demands")
    return list(value)


def _place(value: Any) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise UnusableGeometry("a position is not longitude and latitude")
    longitude, latitude = (_degrees(number) for number in value[:2])
    if abs(latitude) > 90.0 + TOLERANCE:
        raise UnusableGeometry(f"latitude {latitude} is outside -90..90")
    if abs(longitude) > FARTHEST:
        raise UnusableGeometry(f"longitude {longitude} is outside -180..360")
    return longitude, latitude


def _degrees(value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise UnusableGeometry(f"{str(value)[:40]!r} is no number of degrees")
    return number


def _steps(ring: Values) -> Values:
    """Return how far each edge goes in longitude; 360 is no step but the seam of a map."""
    steps = np.abs(np.diff(ring[:, 0], append=ring[0, 0]))
    return np.where(steps == 360.0, 0.0, steps)


def _is_rectangle(ring: Values) -> bool:
    (west, south), (east, north) = ring.min(axis=0), ring.max(axis=0)
    area = (east - west) * (north - south)
    return bool(area > 0 and len(ring) < 10 and np.isclose(Polygon(ring).area, area, rtol=1e-9, atol=0.0))


def enclosed(ring: Values, pole: float | None) -> Parts:
    """Return what a closed ring encloses; one that goes round the globe, everything between it and a pole.

    Args:
        ring: Longitude, unbroken across ±180°, and latitude; the last position is the first.
        pole: Latitude of the pole that it may go round.
    """
    if abs(ring[-1, 0] - ring[0, 0]) > 180.0 and pole is not None:
        ring = np.vstack([ring, [(ring[-1, 0], pole), (ring[0, 0], pole)]])
    middle = 360.0 * round((ring[:, 0].min() + ring[:, 0].max()) / 720.0)
    whole = Parts()
    whole.add_shape(unrolled(shapely.make_valid(Polygon(ring - [middle, 0.0]))))
    return Parts(polygons=[part for part in whole.polygons if part.area > 0])


def unrolled(shape: BaseGeometry) -> BaseGeometry:
    """Cut a shape that is whole in a longitude of its own convention into pieces within ±180°."""
    pieces = Parts()
    for turn in (-360.0, 0.0, 360.0):
        inside = shape.intersection(box(turn - 180.0, -90.0, turn + 180.0, 90.0))
        pieces.add_shape(translate(inside, xoff=-turn))
    return GeometryCollection([*pieces.points, *pieces.lines, *pieces.polygons])
