"""Makes the footprint of a projected grid on the globe, whether or not a pole or the antimeridian lies inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from builder.geometry.boxes import box_parts
from builder.geometry.outline import UnusableGeometry, enclosed
from builder.geometry.parts import Parts, Values, geometry_of, span, wrap

if TYPE_CHECKING:
    from pyproj import CRS

Turn: TypeAlias = Callable[[Any, Any], tuple[Any, Any]]
"""Takes places from one reference system to another."""

FINE = 5.0
"""Longest piece of an edge, degrees of longitude or latitude, before it is divided."""

_PIECES = 16
_SHORTEST = 1e-9
_ASIDE = 1e-7
_ROUNDS = 40


def grid_footprint(x: Any, y: Any, crs: Any, affine: Sequence[float] = ()) -> dict[str, Any]:
    """Return the GeoJSON outline of a grid in any reference system.

    The edges are divided until they follow the curves they are on the globe. A grid around a pole
    gives a polygon over all longitudes that reaches the pole.

    Args:
        x: Eastings, or longitudes, of the outer edges in the units of ``crs``: first and last, or all of them.
        y: Northings, or latitudes, likewise.
        crs: Whatever pyproj understands: ``EPSG:3413``, WKT, a PROJ string or a `pyproj.CRS`.
        affine: Six coefficients by which columns and rows, then given as ``x`` and ``y``, become places in ``crs``;
            for a grid that is turned against its axes.

    Raises:
        UnusableGeometry: The reference system is unknown, or nothing of it or of the grid is on the globe.
    """
    system = _system(crs)
    west, east = _ends(x)
    south, north = _ends(y)
    if system.is_geographic and not system.is_derived and not affine:
        return _some(box_parts((west, max(south, -90.0), east, min(north, 90.0))))
    forth, back = _turns(system, affine)
    sides, pole = _beside_poles((west, south, east, north), forth)
    ring = _border(sides, back)
    if not np.isfinite(ring).all():
        return _some(_sampled(sides, back, pole))
    return _some(enclosed(ring, pole))


def _system(crs: Any) -> CRS:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        return CRS.from_user_input(crs)
    except CRSError as trouble:
        raise UnusableGeometry(f"unknown reference system: {str(trouble)[:100]}") from trouble


def _turns(system: CRS, affine: Sequence[float]) -> tuple[Turn, Turn]:
    """Return what takes longitudes and latitudes to a grid, and back."""
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    try:
        forth = Transformer.from_crs("EPSG:4326", system, always_xy=True).transform
        back = Transformer.from_crs(system, "EPSG:4326", always_xy=True).transform
    except ProjError as trouble:
        raise UnusableGeometry("its reference system has no place on the globe") from trouble
    if not affine:
        return forth, back
    a, b, c, d, e, f = affine
    area = a * e - b * d
    if not (np.isfinite(affine).all() and area):
        raise UnusableGeometry("the cells of the grid have no area")

    def to_grid(longitude: Any, latitude: Any) -> tuple[Any, Any]:
        x, y = forth(longitude, latitude)
        return (e * (x - c) - b * (y - f)) / area, (a * (y - f) - d * (x - c)) / area

    return to_grid, lambda column, row: back(a * column + b * row + c, d * column + e * row + f)


def _ends(values: Any) -> tuple[float, float]:
    array = np.asarray(values, dtype=np.float64)
    if not array.size or not np.isfinite(array).all():
        raise UnusableGeometry("the edges of the grid are not all numbers")
    return float(array.min()), float(array.max())


def _beside_poles(
    sides: tuple[float, float, float, float], forth: Turn
) -> tuple[tuple[float, float, float, float], float | None]:
    """Say which pole, as its latitude, lies inside; a side that runs through one is moved aside a little."""
    west, south, east, north = sides
    aside = _ASIDE * max(east - west, north - south)
    inside = None
    for latitude in (90.0, -90.0):
        x, y = forth(0.0, latitude)
        if not (np.isfinite(x) and np.isfinite(y)) or not (
            west - aside <= x <= east + aside and south - aside <= y <= north + aside
        ):
            continue
        if min(x - west, east - x, y - south, north - y) > aside:
            inside = latitude
            continue
        west, east = (x + aside if abs(x - west) <= aside else west), (x - aside if abs(x - east) <= aside else east)
        south, north = (
            (y + aside if abs(y - south) <= aside else south),
            (y - aside if abs(y - north) <= aside else north),
        )
    return (west, south, east, north), inside


def _border(sides: tuple[float, float, float, float], back: Turn) -> Values:
    """Return the closed border counter-clockwise in longitude (unbroken across ±180°) and latitude."""
    west, south, east, north = sides
    corners = np.array([(west, south), (east, south), (east, north), (west, north), (west, south)])
    along = np.linspace(0.0, 4.0, 4 * _PIECES + 1)
    for _ in range(_ROUNDS):
        ring = _places(along, corners, back)
        steps = np.abs(np.diff(ring, axis=0))
        long = (steps > FINE).any(axis=1) & (np.diff(along) > _SHORTEST)
        if not long.any():
            break
        along = np.sort(np.append(along, ((along[:-1] + along[1:]) / 2)[long]))
    return ring


def _places(along: Values, corners: Values, back: Turn) -> Values:
    x, y = (np.interp(along, np.arange(5.0), corners[:, axis]) for axis in (0, 1))
    longitudes, latitudes = back(x, y)
    finite = np.isfinite(longitudes)
    unbroken = np.full(len(along), np.nan)
    unbroken[finite] = np.unwrap(np.asarray(longitudes)[finite], period=360.0)
    return np.column_stack([unbroken, np.where(finite, latitudes, np.nan)])


def _sampled(sides: tuple[float, float, float, float], back: Turn, pole: float | None) -> Parts:
    """Return the box around those cells that are on the globe, where the border is not."""
    west, south, east, north = sides
    x, y = np.meshgrid(np.linspace(west, east, 101), np.linspace(south, north, 101))
    longitudes, latitudes = (np.asarray(axis).ravel() for axis in back(x, y))
    on_globe = np.isfinite(longitudes) & np.isfinite(latitudes)
    if not on_globe.any():
        return Parts()
    lon, lat = np.array([wrap(value) for value in longitudes[on_globe].tolist()]), latitudes[on_globe]
    low, high = float(lat.min()), float(lat.max())
    left, right = span(lon[:, None].repeat(2, axis=1))
    if pole is not None:
        left, right, low, high = -180.0, 180.0, min(low, pole), max(high, pole)
    return box_parts((left, low, right, high))


def _some(parts: Parts) -> dict[str, Any]:
    geometry = geometry_of(parts)
    if geometry is None:
        raise UnusableGeometry("nothing of the grid lies on the globe")
    return geometry
