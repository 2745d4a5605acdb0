"""True areas of the cells of a map, in closed form for polar projections and from PROJ's scale factors for others."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal

if TYPE_CHECKING:
    from pyproj import CRS

Floats: TypeAlias = npt.NDArray[np.float64]
Transform: TypeAlias = tuple[float, float, float, float, float, float]
Inverse: TypeAlias = Callable[[Floats, Floats], Floats]
"""From x and y to true area per area of the map."""

NODES_M = 4000.0
"""Farthest that two places may lie apart between which the scale is interpolated: 1e-7 of the area."""
WIDE_M = 5000.0
"""Cells from this side on are integrated at 2 × 2 Gauss points: the scale at their centre is 1.3e-6 off at 25 km."""
GAUSS = 0.5 / np.sqrt(3.0)


def cell_areas(crs: str, transform: Transform, shape: tuple[int, int]) -> Floats:
    """Return the true area of each cell of a north-up map on its ellipsoid, km², shape (rows, columns).

    Exact to 2e-7: polar stereographic after Snyder (1987, USGS Professional Paper 1395, equations 15-9, 21-33 and
    21-36), equal-area projections by their name, longitude and latitude by the zone of the ellipsoid (equation 3-12),
    any other by PROJ's areal scale.

    Args:
        crs: Code or WKT of the reference system.
        transform: Affine coefficients (a, b, c, d, e, f); no rotation.
        shape: Rows and columns.

    Raises:
        Refusal: The map is rotated, or the system is neither projected nor geographic.
    """
    rows, columns = shape
    if transform[1] or transform[3]:
        raise Refusal("the map is rotated", "transform", "warp it to north up", "STATS.GRID")
    system = _system(crs)
    if system.is_geographic:
        return _zones(system, transform, shape)
    unit = float(system.axis_info[0].unit_conversion_factor)
    flat = abs(transform[0] * transform[4]) * unit * unit / 1e6
    scale = _scale_of(crs)
    if scale is None:
        return np.full(shape, flat)
    side = max(abs(transform[0]), abs(transform[4])) * unit
    if side >= WIDE_M:
        points = [(0.5 + across, 0.5 + down) for down in (-GAUSS, GAUSS) for across in (-GAUSS, GAUSS)]
    else:
        points = [(0.5, 0.5)]
    step = max(1, min(16, int(NODES_M / side)))
    across, down = _nodes(columns, step), _nodes(rows, step)
    total = np.zeros((down.size, across.size))
    for right, below in points:
        x = transform[2] + transform[0] * (across + right)
        y = transform[5] + transform[4] * (down + below)
        total += scale(*np.meshgrid(x, y))
    return _between(flat * total / len(points), across, down, shape)


@lru_cache(maxsize=32)
def _system(crs: str) -> CRS:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        system = CRS.from_user_input(crs)
    except CRSError:
        raise Refusal(f"{crs!r} is no reference system", "crs", "give a code such as EPSG:3413", "STATS.GRID") from None
    if not (system.is_projected or system.is_geographic):
        said = f"{system.name} is neither projected nor geographic"
        raise Refusal(said, "crs", "give a code such as EPSG:3413", "STATS.GRID")
    return system


@lru_cache(maxsize=32)
def _scale_of(crs: str) -> Inverse | None:
    """Return what tells true area per area of the map; None where they are equal everywhere."""
    system = _system(crs)
    operation = system.coordinate_operation
    name = operation.method_name if operation else ""
    if "Equal Area" in name:
        return None
    if operation and name.startswith("Polar Stereographic"):
        return _stereographic(system, {one.name: float(one.value) for one in operation.params})
    return _by_proj(system)


def _stereographic(system: CRS, stated: dict[str, float]) -> Inverse:
    ellipsoid = system.ellipsoid
    assert ellipsoid is not None
    big, e = ellipsoid.semi_major_metre, _eccentricity(ellipsoid)
    unit = float(system.axis_info[0].unit_conversion_factor)
    east, north = stated.get("False easting", 0.0), stated.get("False northing", 0.0)
    if "Latitude of standard parallel" in stated:
        true = np.radians(abs(stated["Latitude of standard parallel"]))
        at_pole = np.cos(true) / np.sqrt(1 - (e * np.sin(true)) ** 2) / _small_t(true, e)
    else:
        natural = stated.get("Scale factor at natural origin", 1.0)
        at_pole = 2 * natural / np.sqrt((1 + e) ** (1 + e) * (1 - e) ** (1 - e))

    def scale(x: Floats, y: Floats) -> Floats:
        sine = np.sin(_latitude(np.hypot(x - east, y - north) * unit / (big * at_pole), e))
        t_over_m = np.sqrt(1 - (e * sine) ** 2) / ((1 + sine) * ((1 - e * sine) / (1 + e * sine)) ** (e / 2))
        found: Floats = 1 / (at_pole * t_over_m) ** 2
        return found

    return scale


def _small_t(latitude: Any, e: float) -> Any:
    """Return Snyder's t (15-9)."""
    sine = np.sin(latitude)
    return np.tan(np.pi / 4 - latitude / 2) / ((1 - e * sine) / (1 + e * sine)) ** (e / 2)


def _latitude(t: Floats, e: float) -> Floats:
    """Return the latitude of Snyder's t (7-9); four steps reach 1e-13."""
    latitude = np.pi / 2 - 2 * np.arctan(t)
    for _ in range(4):
        sine = e * np.sin(latitude)
        latitude = np.pi / 2 - 2 * np.arctan(t * ((1 - sine) / (1 + sine)) ** (e / 2))
    return latitude


def _by_proj(system: CRS) -> Inverse:
    from pyproj import Proj

    projection = Proj(system)

    def scale(x: Floats, y: Floats) -> Floats:
        factors = projection.get_factors(*projection(x, y, inverse=True), errcheck=False)
        found: Floats = 1 / np.asarray(factors.areal_scale)
        return found

    return scale


def _zones(system: CRS, transform: Transform, shape: tuple[int, int]) -> Floats:
    ellipsoid = system.ellipsoid
    assert ellipsoid is not None
    big, e = ellipsoid.semi_major_metre, _eccentricity(ellipsoid)
    edges = np.radians(np.clip(transform[5] + transform[4] * np.arange(shape[0] + 1), -90, 90))
    sine = np.sin(edges)
    q = 2 * sine
    if e:
        q = (1 - e * e) * (sine / (1 - (e * sine) ** 2) + np.arctanh(e * sine) / e)
    zone = big * big / 2 * np.abs(np.diff(q)) * np.radians(abs(transform[0])) / 1e6
    return np.repeat(zone[:, None], shape[1], axis=1)


def _eccentricity(ellipsoid: Any) -> float:
    flattening = 1 / ellipsoid.inverse_flattening if ellipsoid.inverse_flattening else 0.0
    return float(np.sqrt(flattening * (2 - flattening)))


def _nodes(count: int, step: int) -> Floats:
    """Return places every ``step`` cells, up to or beyond the last."""
    return np.arange(0, count - 1 + step, step, dtype=np.float64) if step > 1 else np.arange(count, dtype=np.float64)


def _between(values: Floats, across: Floats, down: Floats, shape: tuple[int, int]) -> Floats:
    """Interpolate linearly, first along the rows, then along the columns."""
    if values.shape == shape:
        return values
    return _along(_along(values, down, shape[0], 0), across, shape[1], 1)


def _along(values: Floats, nodes: Floats, count: int, axis: int) -> Floats:
    step = nodes[1] - nodes[0] if nodes.size > 1 else 1.0
    first = np.minimum((np.arange(count) / step).astype(int), max(nodes.size - 2, 0))
    share = (np.arange(count) - nodes[first]) / step
    share = share[:, None] if axis == 0 else share
    after = np.minimum(first + 1, nodes.size - 1)
    found: Floats = np.take(values, first, axis) * (1 - share) + np.take(values, after, axis) * share
    return found
