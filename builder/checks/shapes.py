"""Faults of a GeoJSON geometry and its bounding box, after RFC 7946."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Any

Position = Sequence[float]

_DEPTH = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
"""Type of geometry → how deep its positions lie in the coordinates."""

_TOLERANCE = 1e-6


def faults(geometry: Any, bbox: Any) -> Iterator[str]:
    """Yield what is wrong with an Item's geometry and bbox (RFC 7946 sections 3.1.6, 3.1.9 and 5).

    Args:
        geometry: GeoJSON geometry or None.
        bbox: Four or six numbers, or None.
    """
    if geometry is None:
        if bbox is not None:
            yield "has a bbox but no geometry"
        return
    try:
        lines = list(_lines(geometry))
    except (TypeError, KeyError, AttributeError, ValueError):
        yield "the geometry is not GeoJSON"
        return
    if bbox is None:
        yield "has a geometry but no bbox"
    yield from _ranges(lines)
    yield from _rings(geometry)
    if bbox is not None:
        yield from _outside(lines, bbox)


def _lines(geometry: Any) -> Iterator[list[Position]]:
    """Yield the positions of a geometry: one list per line, ring or point."""
    if geometry["type"] == "GeometryCollection":
        for part in geometry["geometries"]:
            yield from _lines(part)
        return
    depth = _DEPTH[geometry["type"]]
    parts = _parts(geometry)
    if geometry["type"] == "MultiPoint":
        parts = [[point] for point in parts]
    elif depth < 2:
        parts = [parts] if depth else [[parts]]
    for line in parts:
        yield [(float(p[0]), float(p[1])) for p in line]


def _parts(geometry: Any) -> list[Any]:
    parts: list[Any] = geometry["coordinates"]
    if geometry["type"] == "MultiPolygon":
        return [ring for polygon in parts for ring in polygon]
    return parts


def _ranges(lines: list[list[Position]]) -> Iterator[str]:
    for line in lines:
        for x, y in line:
            if not (math.isfinite(x) and math.isfinite(y) and abs(x) <= 180 and abs(y) <= 90):
                yield f"position {x}, {y} is not a longitude and latitude"
                return


def _rings(geometry: Any) -> Iterator[str]:
    if geometry["type"] not in {"Polygon", "MultiPolygon"}:
        return
    for ring in _parts(geometry):
        if len(ring) < 4 or list(ring[0]) != list(ring[-1]):
            yield "a ring has fewer than four positions or is not closed"
            return


def _outside(lines: list[list[Position]], bbox: Any) -> Iterator[str]:
    numbers = isinstance(bbox, list) and all(isinstance(value, int | float) for value in bbox)
    if not numbers or len(bbox) not in {4, 6}:
        yield "the bbox is not four or six numbers"
        return
    half = len(bbox) // 2
    west, south, east, north = bbox[0], bbox[1], bbox[half], bbox[half + 1]
    if south > north:
        yield f"the bbox has its south ({south}) above its north ({north})"
    outside = [
        (x, y) for x, y in chain.from_iterable(lines) if not covers(west, east, x) or not _between(south, north, y)
    ]
    yield from (f"position {x}, {y} lies outside the bbox {bbox}" for x, y in outside[:1])
    yield from _leaps(lines, west, east)


def _leaps(lines: list[list[Position]], west: float, east: float) -> Iterator[str]:
    """Find lines that would go the long way round, outside the bbox, as they are not cut at the antimeridian."""
    for (x, _), (u, _) in chain.from_iterable(map(pairwise, lines)):
        if abs(u - x) > 180 and not covers(west, east, (x + u) / 2):
            yield f"the line from longitude {x} to {u} is not cut at the antimeridian"
            return


def covers(west: float, east: float, longitude: float) -> bool:
    """Tell whether a longitude lies between two others, across the antimeridian where west > east."""
    if abs(abs(longitude) - 180) < _TOLERANCE:
        return any(_within(west, east, rim) for rim in (-180.0, 180.0))
    return _within(west, east, longitude)


def _within(west: float, east: float, longitude: float) -> bool:
    if west <= east:
        return _between(west, east, longitude)
    return longitude >= west - _TOLERANCE or longitude <= east + _TOLERANCE


def _between(low: float, high: float, value: float) -> bool:
    return low - _TOLERANCE <= value <= high + _TOLERANCE
