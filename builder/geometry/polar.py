"""Boxes and order in polar space (EPSG:3413, north polar stereographic), where neither pole nor ±180° is an edge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

HALF_KM = 13_000
"""Half the width of polar space, km: the equator lies within."""

_AXIS_KM = 6378.137
_ECCENTRICITY = 0.0818191908426215  # WGS 84
_TRUE_SCALE = np.radians(70.0)
_MERIDIAN = -45.0


def radius_km(latitude: Values) -> Values:
    """Return the distance from the pole on the map, km, of latitudes in degrees (Snyder 1987, eq. 15-9 and 21-34).

    What lies south of the equator is drawn onto it, so that everything on the globe has a place.
    """
    scale = np.cos(_TRUE_SCALE) / np.sqrt(1 - (_ECCENTRICITY * np.sin(_TRUE_SCALE)) ** 2)
    distance: Values = _AXIS_KM * scale * _conformal(np.radians(np.clip(latitude, 0, 90))) / _conformal(_TRUE_SCALE)
    return distance


def _conformal(latitude: Values) -> Values:
    along = _ECCENTRICITY * np.sin(latitude)
    tangent: Values = np.tan(np.pi / 4 - latitude / 2) / ((1 - along) / (1 + along)) ** (_ECCENTRICITY / 2)
    return tangent


def polar_bounds(boxes: npt.ArrayLike) -> Integers:
    """Return the smallest boxes in polar space around boxes in longitude and latitude.

    Two things that meet on the globe have bounds that meet; the bounds of a box that holds the
    pole hold (0, 0).

    Args:
        boxes: West, south, east, north of each in degrees, shape (n, 4); west > east crosses ±180°.

    Returns:
        Lowest x and y, highest x and y of each, whole km rounded outward, shape (n, 4).
    """
    west, south, east, north = np.asarray(boxes, np.float64).reshape(-1, 4).T
    width = np.where(west <= east, east - west, east - west + 360.0)
    low_sine, high_sine = _range(west - _MERIDIAN, width, 90.0)
    low_cosine, high_cosine = _range(west - _MERIDIAN, width, 0.0)
    inner, outer = radius_km(north), radius_km(south)
    sides = [
        np.where(low_sine < 0, outer, inner) * low_sine,
        -np.where(high_cosine > 0, outer, inner) * high_cosine,
        np.where(high_sine > 0, outer, inner) * high_sine,
        -np.where(low_cosine < 0, outer, inner) * low_cosine,
    ]
    lower, upper = np.floor(sides[:2]), np.ceil(sides[2:])
    return np.vstack([lower, upper]).T.astype(np.int64)


def cells_of(bounds: Integers) -> tuple[Integers, Integers]:
    """Return column and row of the middles of boxes in polar space, in cells of 2 km: 0 to 2**14 - 1."""
    column, row = np.clip(((bounds[:, :2] + bounds[:, 2:]) // 2 + HALF_KM) // 2, 0, 2**14 - 1).T
    return column, row


def _range(start: Values, width: Values, peak: float) -> tuple[Values, Values]:
    """Return least and greatest cosine of the angle from ``peak``, over arcs from ``start``, degrees."""
    ends = np.cos(np.radians(np.vstack([start, start + width]) - peak))
    holds_peak = (peak - start) % 360.0 <= width
    holds_trough = (peak + 180.0 - start) % 360.0 <= width
    return np.where(holds_trough, -1.0, ends.min(axis=0)), np.where(holds_peak, 1.0, ends.max(axis=0))


def hilbert(x: Integers, y: Integers, bits: int = 16) -> Integers:
    """Return how far along the Hilbert curve points lie (Warren 2013, Hacker's Delight, ch. 16).

    Args:
        x: Columns, 0 to 2**bits - 1.
        y: Rows, likewise.
        bits: Order of the curve.
    """
    x, y, distance = x.copy(), y.copy(), np.zeros_like(x)
    for bit in range(bits - 1, -1, -1):
        side = 1 << bit
        right, top = (x & side) > 0, (y & side) > 0
        distance += side * side * ((3 * right) ^ top)
        turned = ~top & right
        x, y = (
            np.where(turned, side - 1 - (x & (side - 1)), x & (side - 1)),
            np.where(turned, side - 1 - (y & (side - 1)), y & (side - 1)),
        )
        x, y = np.where(top, x, y), np.where(top, y, x)
    return distance
