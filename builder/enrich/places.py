"""Turns coordinate arrays into a geometry: points, a track or the box of a grid (longitudes in any convention)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from builder.dataset import Box, GeoJSON
from builder.geometry.boxes import FARTHEST

Values = npt.NDArray[np.float64]

MAX_POINTS = 1000
MAX_TRACK_POINTS = 500
CURVILINEAR_GAP = 5.0
POLAR = 88.0
_ROUNDING = (5, 3, 2, 1, 0)


def to_180(longitudes: Values) -> Values:
    """Return longitudes between -180 and 180 degrees; those already there stay as they are."""
    wrapped = (longitudes + 180.0) % 360.0 - 180.0
    return np.where(np.abs(longitudes) <= 180.0, longitudes, wrapped)


def box_of(longitudes: Values, latitudes: Values) -> Box | None:
    """Return the box around valid positions; the widest gap between longitudes is taken for the outside.

    A gap not much wider than the grid's own spacing, or than five degrees in a curvilinear grid, means that
    the grid goes round the globe; one that does and comes near a pole contains it. The east of a box over more than
    half the globe across ±180° is greater than 180, as west > east could be swapped sides there.
    """
    lon, lat = longitudes[np.isfinite(longitudes)], latitudes[np.isfinite(latitudes)]
    lon, lat = lon[np.abs(lon) <= FARTHEST], lat[np.abs(lat) <= 90.0]
    if not lon.size or not lat.size:
        return None
    south, north = round(float(lat.min()), 6), round(float(lat.max()), 6)
    circle = np.unique(np.round(lon % 360.0, 6))
    gaps = np.diff(np.append(circle, circle[0] + 360.0))
    widest = int(gaps.argmax())
    spacing = CURVILINEAR_GAP if longitudes.ndim == 2 else 1.5 * float(np.median(gaps))
    if circle.size > 2 and gaps[widest] <= spacing:
        if longitudes.ndim == 2:
            south, north = (-90.0 if south < -POLAR else south), (90.0 if north > POLAR else north)
        return -180.0, south, 180.0, north
    first, last = circle[(widest + 1) % circle.size], circle[widest]
    west, east = (round(float(value), 6) for value in to_180(np.array([first, last])))
    return west, south, (east + 360.0 if west - east < 180.0 and west > east else east), north


def points_of(longitudes: Values, latitudes: Values, *, track: bool) -> GeoJSON | None:
    """Return the distinct valid positions as Point, MultiPoint or, for a track, LineString (RFC 7946).

    Many positions are thinned: points by rounding, a track by leaving out every so many.
    """
    lon, lat = np.broadcast_arrays(longitudes, latitudes)
    lon, lat = lon.ravel(), lat.ravel()
    valid = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lon) <= FARTHEST) & (np.abs(lat) <= 90.0)
    pairs = np.column_stack([to_180(lon[valid]), lat[valid]])
    if not len(pairs):
        return None
    distinct = list(dict.fromkeys(map(tuple, np.round(pairs, _ROUNDING[0]).tolist())))
    if len(distinct) == 1:
        return {"type": "Point", "coordinates": list(distinct[0])}
    if track or (len(distinct) > MAX_POINTS and _is_path(pairs)):
        step = -(-len(distinct) // MAX_TRACK_POINTS)
        kept = [*distinct[:-1:step], distinct[-1]]
        return {"type": "LineString", "coordinates": [list(pair) for pair in kept]}
    for digits in _ROUNDING:
        distinct = list(dict.fromkeys(map(tuple, np.round(pairs, digits).tolist())))
        if len(distinct) <= MAX_POINTS:
            break
    return {"type": "MultiPoint", "coordinates": sorted(list(pair) for pair in distinct)}


def _is_path(pairs: Values) -> bool:
    """Tell whether many positions, in their order, follow one another closely, as along a flight or a drift."""
    steps = np.abs(np.diff(pairs, axis=0))
    steps[:, 0] = np.minimum(steps[:, 0], 360.0 - steps[:, 0])
    longest = steps.max(axis=1)
    return bool(np.quantile(longest, 0.99) < 0.1 and longest.max() < 1.0)


def merged(geometries: Sequence[GeoJSON]) -> GeoJSON | None:
    """Return one geometry for the parts of a file: itself, or a collection of them; what several say counts once."""
    geometries = [part for i, part in enumerate(geometries) if part not in geometries[:i]]
    if len(geometries) <= 1:
        return geometries[0] if geometries else None
    if all(part["type"] in {"Point", "MultiPoint"} for part in geometries):
        points: list[Any] = []
        for part in geometries:
            points += [part["coordinates"]] if part["type"] == "Point" else part["coordinates"]
        distinct = sorted({tuple(point) for point in points})
        return {"type": "MultiPoint", "coordinates": [list(point) for point in distinct]}
    lines = [part["coordinates"] for part in geometries if part["type"] == "LineString"]
    return {"type": "MultiLineString", "coordinates": lines} if len(lines) == len(geometries) else geometries[0]
