"""Takes the values of one grid at the cells of another: the nearest, between four neighbours, or the mean of many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.grids import GEOGRAPHIC, Floats, Grid

Resampling: TypeAlias = Literal["nearest", "bilinear", "mean"]
EARTH_RADIUS_M = 6_371_007.2
"""Authalic radius; only spacing is measured with it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Cells of a map: square, north up.

    Attributes:
        crs: Reference system, in metres.
        west: Left edge.
        north: Upper edge.
        resolution: Side of a cell, metres.
        shape: Rows and columns.
    """

    crs: str
    west: float
    north: float
    resolution: float
    shape: tuple[int, int]

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """Affine coefficients (a, b, c, d, e, f)."""
        return self.resolution, 0.0, self.west, 0.0, -self.resolution, self.north


def sample(
    target: Target, how: Resampling, per_side: int, reach: float, part: tuple[Grid, tuple[int, int]]
) -> npt.NDArray[Any]:
    """Return the values of some rows of the target; NaN outside the grid.

    Args:
        target: Where values go.
        how: ``mean`` is that of ``per_side``² nearest values at points evenly spread over each cell.
        per_side: Points along each side of a cell, for ``mean``.
        reach: See `reach_of`.
        part: The grid, or what `processors.cropping.crop` leaves of it; and the first row and the one after the last.
    """
    grid, rows = part
    look = _Neighbours(grid, reach)
    if how != "mean":
        return look.at(*_points(grid, target, rows, 0.5, 0.5), bilinear=how == "bilinear").astype(grid.values.dtype)
    total = np.zeros((rows[1] - rows[0], target.shape[1]))
    count = np.zeros_like(total)
    steps = (np.arange(per_side) + 0.5) / per_side
    for down in steps:
        for across in steps:
            values = look.at(*_points(grid, target, rows, across, down), bilinear=False)
            known = np.isfinite(values)
            total[known] += values[known]
            count += known
    with np.errstate(invalid="ignore"):
        return (total / count).astype(grid.values.dtype)


def spacings(grid: Grid) -> tuple[float, float]:
    """Return the usual distances between neighbouring cells, metres: down the rows and along them (medians).

    Columns of latitudes and longitudes come together towards the pole, so there both are that of the rows.
    """
    if grid.is_curvilinear:
        place = on_sphere(grid.x, grid.y)
        down, along = (float(np.nanmedian(np.linalg.norm(np.diff(place, axis=axis), axis=-1))) for axis in (0, 1))
        return down * EARTH_RADIUS_M, along * EARTH_RADIUS_M
    if grid.crs == GEOGRAPHIC:
        down = float(np.median(np.abs(np.diff(np.radians(grid.y))))) * EARTH_RADIUS_M
        return down, down
    return float(np.median(np.abs(np.diff(grid.y)))), float(np.median(np.abs(np.diff(grid.x))))


def cell_size(grid: Grid) -> float:
    """Return the usual distance of a cell from its nearest neighbour, metres."""
    return min(spacings(grid))


def reach_of(grid: Grid) -> float:
    """Return how far from a point the nearest cell of a curvilinear grid may be, in Earth radii."""
    return 1.5 * max(spacings(grid)) / EARTH_RADIUS_M


def _points(grid: Grid, target: Target, rows: tuple[int, int], across: float, down: float) -> tuple[Floats, Floats]:
    """Return coordinates, in the grid's own system, of one point in each target cell."""
    from pyproj import Transformer

    x = target.west + (np.arange(target.shape[1]) + across) * target.resolution
    y = target.north - (np.arange(*rows) + down) * target.resolution
    transformer = Transformer.from_crs(target.crs, grid.crs, always_xy=True)
    there_x, there_y = transformer.transform(*np.meshgrid(x, y))
    return there_x, there_y


class _Neighbours:
    """Finds the cells of a grid round a point."""

    def __init__(self, grid: Grid, reach: float) -> None:
        self._grid = grid
        self._values = grid.values.astype(np.float64)
        self._geographic = grid.crs == GEOGRAPHIC
        if grid.is_curvilinear:
            from scipy.spatial import cKDTree

            places = on_sphere(grid.x, grid.y).reshape(-1, 3)
            known = np.isfinite(places).all(axis=1)
            self._tree, self._reach = cKDTree(places[known]), reach
            self._values = np.append(self._values.ravel()[known], np.nan)  # the last for a point that has no neighbour
            return
        self._x, self._y = np.unwrap(grid.x, period=360) if self._geographic else grid.x, grid.y
        if self._geographic and abs(np.ptp(self._x) + abs(_step(self._x)) - 360) < abs(_step(self._x)) / 2:
            self._close_seam()
        if self._x[0] > self._x[-1]:
            self._x, self._values = self._x[::-1], self._values[:, ::-1]
        if self._y[0] > self._y[-1]:
            self._y, self._values = self._y[::-1], self._values[::-1]

    def _close_seam(self) -> None:
        """Repeat the outer columns of a grid round the globe, so that there is no gap between them."""
        turn = np.sign(_step(self._x)) * 360.0
        self._x = np.concatenate([self._x[-1:] - turn, self._x, self._x[:1] + turn])
        self._values = np.concatenate([self._values[:, -1:], self._values, self._values[:, :1]], axis=1)

    def at(self, x: Floats, y: Floats, *, bilinear: bool) -> Floats:
        """Return values at points of any shape; where a neighbour is missing, ``bilinear`` takes the nearest cell."""
        if self._grid.is_curvilinear:
            return self._of_tree(x, y)
        if self._geographic:
            x = self._x[0] + np.mod(x - self._x[0], 360.0)
            beyond = x > self._x[-1] + abs(_step(self._x)) / 2
            x = np.where(beyond, x - 360.0, x)
        column, row = _index(self._x, x), _index(self._y, y)
        inside = np.isfinite(column) & np.isfinite(row)
        column, row = np.where(inside, column, 0.0), np.where(inside, row, 0.0)
        found = self._values[_whole(row, self._y), _whole(column, self._x)]
        if bilinear:
            between = self._between(column, row)
            found = np.where(np.isfinite(between) & np.isfinite(found), between, found)
        return np.where(inside, found, np.nan)

    def _between(self, column: Floats, row: Floats) -> Floats:
        left = np.clip(np.floor(column).astype(int), 0, self._x.size - 2)
        top = np.clip(np.floor(row).astype(int), 0, self._y.size - 2)
        right, down = np.clip(column - left, 0, 1), np.clip(row - top, 0, 1)
        upper = self._values[top, left] * (1 - right) + self._values[top, left + 1] * right
        lower = self._values[top + 1, left] * (1 - right) + self._values[top + 1, left + 1] * right
        found: Floats = upper * (1 - down) + lower * down
        return found

    def _of_tree(self, x: Floats, y: Floats) -> Floats:
        finite = np.isfinite(x) & np.isfinite(y)
        place = on_sphere(np.where(finite, x, 0.0), np.where(finite, y, 0.0))
        distance, nearest = self._tree.query(place.reshape(-1, 3))
        found = self._values[nearest].reshape(x.shape)
        return np.where(finite & (distance.reshape(x.shape) <= self._reach), found, np.nan)


def _step(axis: Floats) -> float:
    return float((axis[-1] - axis[0]) / (axis.size - 1))


def _index(axis: Floats, at: Floats) -> Floats:
    """Return fractional positions on an ascending axis; NaN further than half a cell outside."""
    first, last = axis[1] - axis[0], axis[-1] - axis[-2]
    edges = np.concatenate([[axis[0] - first], axis, [axis[-1] + last]])
    position = np.interp(at, edges, np.arange(-1.0, axis.size + 1))
    return np.where(np.isfinite(at) & (position >= -0.5) & (position <= axis.size - 0.5), position, np.nan)


def _whole(position: Floats, axis: Floats) -> npt.NDArray[np.int64]:
    """Round half up, so that points on an edge go one way."""
    return np.clip(np.floor(position + 0.5).astype(np.int64), 0, axis.size - 1)


def on_sphere(lon: Floats, lat: Floats) -> Floats:
    """Return unit vectors of longitudes and latitudes in degrees, shape (..., 3)."""
    theta, phi = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)], axis=-1)
