"""Turns measured positions into a geometry: the track of a ship or buoy, or the points of profiles."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import antimeridian
import numpy as np
import shapely
from shapely.geometry import LineString, Point
from shapely.geometry.base import BaseGeometry

from builder.geometry.parts import DECIMALS, Parts, Values, geometry_of, span, wrap

MOST_POINTS = 500
"""More points than this are thinned out."""

MOST_VERTICES = 200
"""A track of more positions than this is simplified."""

STILL = 0.01
"""A track that stays within so many degrees of latitude, or as far eastward, is a mooring."""


def track(positions: Any) -> dict[str, Any] | None:
    """Return the GeoJSON geometry of a track.

    Args:
        positions: Longitude and latitude in degrees in order of time, shape (n, 2); longitudes in
            any convention. Positions that are no numbers or outside of the globe are left out.

    Returns:
        A LineString, or a MultiLineString where the track crosses the antimeridian; a Point at the
        mean of one that does not move; None without any position. Lines have about `MOST_VERTICES` positions at most.
    """
    places = _usable(positions)
    if not len(places):
        return None
    across = np.unwrap(places[:, 0], period=360.0)
    unrolled = np.column_stack([across, places[:, 1]])
    middle = unrolled.mean(axis=0)
    width, height = np.ptp(unrolled, axis=0)
    parts = Parts()
    if height <= STILL and width * np.cos(np.radians(middle[1])) <= STILL:
        parts.points.append(Point(wrap(float(middle[0])), middle[1]))
        return geometry_of(parts)
    line = _simplified(LineString(unrolled))
    wrapped = LineString([(wrap(x), y) for x, y in _stepped(shapely.get_coordinates(line)).tolist()])
    cut = Parts()
    cut.add_shape(antimeridian.fix_line_string(wrapped, great_circle=False))
    parts.lines = [part for part in cut.lines if part.length > 0]
    return geometry_of(parts)


def points(positions: Any) -> dict[str, Any] | None:
    """Return the GeoJSON geometry of profiles or stations: a Point or a MultiPoint of at most `MOST_POINTS`.

    Args:
        positions: Longitude and latitude in degrees, shape (n, 2); longitudes in any convention.
            Positions that are no numbers or outside of the globe are left out.
    """
    places = np.unique(np.round(_usable(positions), DECIMALS), axis=0)
    return geometry_of(Parts(points=thinned([Point(wrap(x), y) for x, y in places.tolist()])))


def thinned(given: list[Point]) -> list[Point]:
    """Return at most `MOST_POINTS` of some points, evenly, with those that make the bounding box."""
    found = list({(point.x, point.y): point for point in given}.values())
    if len(found) <= MOST_POINTS:
        return found
    places = np.array([(point.x, point.y) for point in found])
    west, east = span(places[:, [0, 0]])
    ends = [int((places[:, 0] == side).argmax()) for side in (west, east)]
    ends += [int(places[:, 1].argmin()), int(places[:, 1].argmax())]
    even = np.linspace(0, len(found) - 1, MOST_POINTS - len(ends)).astype(int)
    return [found[number] for number in sorted({*ends, *even.tolist()})]


def _usable(positions: Any) -> Values:
    places = np.ma.filled(np.ma.asarray(positions, dtype=np.float64), np.nan).reshape(-1, 2)
    valid = np.isfinite(places).all(axis=1) & (np.abs(places[:, 1]) <= 90.0) & (np.abs(places[:, 0]) <= 540.0)
    usable: Values = places[valid]
    return usable


def _simplified(line: LineString) -> BaseGeometry:
    """Leave out positions (Douglas and Peucker 1973), coarser and coarser, until few enough are left."""
    tolerance = 1e-4
    simple: BaseGeometry = line
    while shapely.get_num_points(simple) > MOST_VERTICES:
        simple = line.simplify(tolerance, preserve_topology=False)
        tolerance *= 2
    return simple


def _stepped(places: Values) -> Values:
    """Divide edges that simplifying made longer than 90° of longitude, so that they keep their way round."""
    pieces = [places[:1]]
    for start, end in pairwise(places):
        count = int(np.ceil(abs(end[0] - start[0]) / 90.0)) or 1
        pieces.append(start + np.linspace(0, 1, count + 1)[1:, None] * (end - start))
    return np.vstack(pieces)
