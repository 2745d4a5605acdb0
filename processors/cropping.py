"""Cuts out of a grid what some rows of a map need, so that a batch of work carries no more than that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from processors.grids import GEOGRAPHIC, Floats, Grid
from processors.sampling import Target, on_sphere

EVERY = 8
"""Cells of the map between two points that are looked up to find the part."""

SPARE = 2
"""Cells of the grid kept round the part: one for interpolation, one so that its rim is not taken for the grid's."""


def crop(grid: Grid, target: Target, rows: tuple[int, int], reach: float = 0.0) -> Grid:
    """Return the part of a grid that the target's rows ``rows[0]`` up to ``rows[1]`` are sampled from.

    A lattice of the rows' points is looked up in the grid's system; what lies between is reached by adding a long step
    of the lattice on all sides, measured on the sphere for degrees, which bunch at the pole. Columns of longitude are
    kept whole, because they meet at the antimeridian.

    Args:
        grid: The whole grid.
        target: The map.
        rows: First row, and the one after the last.
        reach: How far the nearest cell of a curvilinear grid may be, in Earth radii.
    """
    x, y = _lattice(grid, target, rows)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return grid
    if grid.is_curvilinear:
        return _cells_near(grid, on_sphere(x, y), reach)
    if grid.crs == GEOGRAPHIC:
        down, across = _part(grid.y, y, np.degrees(_longest_step(on_sphere(x, y)))), slice(None)
    else:
        margin = _longest_step(np.stack([x, y], axis=-1))
        down, across = _part(grid.y, y, margin), _part(grid.x, x, margin)
    return replace(grid, values=grid.values[down, across], x=grid.x[across], y=grid.y[down])


def _lattice(grid: Grid, target: Target, rows: tuple[int, int]) -> tuple[Floats, Floats]:
    from pyproj import Transformer

    across = np.unique(np.append(np.arange(0, target.shape[1], EVERY), target.shape[1]))
    down = np.unique(np.append(np.arange(rows[0], rows[1], EVERY), rows[1]))
    places = np.meshgrid(target.west + across * target.resolution, target.north - down * target.resolution)
    x, y = Transformer.from_crs(target.crs, grid.crs, always_xy=True).transform(*places)
    return x, y


def _longest_step(lattice: Floats) -> float:
    """Return one and a half times the longest step between neighbours of a lattice (rows, columns, coordinates)."""
    return 1.5 * max(float(np.linalg.norm(np.diff(lattice, axis=axis), axis=-1).max()) for axis in (0, 1))


def _part(axis: Floats, wanted: Floats, margin: float) -> slice:
    rising = axis if axis[0] < axis[-1] else axis[::-1]
    low, high = np.searchsorted(rising, (wanted.min() - margin, wanted.max() + margin))
    start = max(0, min(int(low) - SPARE, axis.size - SPARE))
    stop = min(axis.size, max(int(high) + SPARE, start + SPARE))
    return slice(start, stop) if rising is axis else slice(axis.size - stop, axis.size - start)


def _cells_near(grid: Grid, wanted: Floats, reach: float) -> Grid:
    margin = _longest_step(wanted) + reach
    low, high = wanted.min(axis=(0, 1)) - margin, wanted.max(axis=(0, 1)) + margin
    place = on_sphere(grid.x, grid.y)
    near = ((place >= low) & (place <= high)).all(axis=-1)
    rows, columns = (np.flatnonzero(near.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        rows = columns = np.zeros(1, dtype=int)
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return replace(grid, values=grid.values[part], x=grid.x[part], y=grid.y[part])
