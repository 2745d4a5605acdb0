"""Takes GeoJSON geometries apart into arrays of positions, tolerant of what is not valid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from builder.pages.projection import Array

STEP = 2.0
"""Longest piece of an edge that is drawn straight, degrees: off by 0.5 km at 60°N."""


_FARTHEST = np.array((360.0, 90.0))
DEEPEST = 4
"""How far collections within collections of geometries are followed."""


@dataclass
class Shapes:
    """The parts of GeoJSON geometries: arrays of longitude and latitude, one row per point."""

    polygons: list[list[Array]]
    lines: list[Array]
    points: list[Array]


def gather(geometries: Iterable[Mapping[str, Any] | None]) -> Shapes:
    """Sort the parts of GeoJSON geometries by kind; what is not valid is left out."""
    shapes = Shapes([], [], [])
    for geometry in geometries:
        if isinstance(geometry, Mapping):
            _gather(geometry, shapes, depth=0)
    return shapes


def _gather(geometry: Mapping[str, Any], shapes: Shapes, depth: int) -> None:
    kind, parts = str(geometry.get("type")), _sequence(geometry.get("coordinates"))
    several = parts if kind.startswith("Multi") else (parts,)
    match kind.removeprefix("Multi"):
        case "Polygon":
            polygons = [[ring for part in _sequence(one) if len(ring := _array(part)) > 2] for one in several]
            shapes.polygons += filter(None, polygons)
        case "LineString":
            shapes.lines += [line for one in several if len(line := _array(one)) > 1]
        case "Point":
            shapes.points += [points for points in (_array(several),) if len(points)]
        case "GeometryCollection" if depth < DEEPEST:
            for part in _sequence(geometry.get("geometries")):
                if isinstance(part, Mapping):
                    _gather(part, shapes, depth + 1)


def _sequence(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _array(coordinates: object) -> Array:
    try:
        points = np.array([position[:2] for position in _sequence(coordinates)], dtype=np.float64).reshape(-1, 2)
    except (TypeError, ValueError, IndexError, KeyError):
        return np.empty((0, 2))
    return points if (np.abs(points) <= _FARTHEST).all() else np.empty((0, 2))  # not a number is none of them


def box_geometry(box: Sequence[float]) -> dict[str, Any]:
    """Return west, south, east, north as GeoJSON; west > east crosses ±180° and gives two parts (RFC 7946 §3.1.9)."""
    west, south, east, north = box
    if west == east and south == north:
        return {"type": "Point", "coordinates": [west, south]}
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    rings = [[[[w, south], [e, south], [e, north], [w, north], [w, south]]] for w, e in spans]
    return {"type": "MultiPolygon", "coordinates": rings}


def densify(parts: Sequence[Array]) -> tuple[Array, list[int]]:
    """Divide edges so that none is longer than `STEP` degrees; positions stay on the straight GeoJSON edge.

    Returns:
        The positions of all parts, one after the other, and where in them each part ends.
    """
    ends = list(accumulate(map(len, parts)))
    if not parts:
        return np.empty((0, 2)), ends
    points = np.concatenate(parts)
    legs = points[1:] - points[:-1]
    pieces = np.maximum(np.ceil(np.abs(legs).max(axis=1) / STEP).astype(int), 1)
    pieces[[end - 1 for end in ends[:-1]]] = 1  # from a part to the next there is no edge
    if pieces.max() == 1:
        return points, ends
    leg = np.repeat(np.arange(len(legs)), pieces)
    starts = np.concatenate(([0], np.cumsum(pieces)))
    share = (np.arange(len(leg)) - starts[leg]) / pieces[leg]
    dense = np.concatenate((points[leg] + legs[leg] * share[:, None], points[-1:]))
    return dense, [int(starts[end - 1]) + 1 for end in ends]
