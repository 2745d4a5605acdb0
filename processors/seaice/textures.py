"""Sums over cells of a radar image, from which means, spread and co-occurrence textures of any window follow.

The loops are plain Python that `compiled` turns into machine code; each gives the same sums wherever a strip begins.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Reals: TypeAlias = npt.NDArray[np.float64]
Floats: TypeAlias = npt.NDArray[np.float32]
Greys: TypeAlias = npt.NDArray[np.uint8]

LEVELS = 64
FLOOR = np.float32(1e-6)
"""Lowest backscatter that is turned into decibels (-60 dB)."""
BELOW_NOISE = np.float32(0.1)
"""Share of the noise that backscatter below it counts as, where decibels are wanted."""
DECIBELS = np.float32(10 * np.log10(2.0))
LOG2 = tuple(
    np.float32(one)
    for one in (
        -2.805347326527448, 5.106987300233709, -3.568875421462028,
        1.6414107869642598, -0.4193249356791149, 0.045149596470622,
    )
)  # fmt: skip
"""Polynomial for log2 between 1 and 2, lowest power first, exact at both ends; in decibels its error is below 1e-4."""
NEAR = tuple(1.0 / (1 + step * step) for step in range(LEVELS))
"""Weight of a difference of grey levels in homogeneity (Haralick et al., 1973, inverse difference moment)."""


@cache
def compiled(loop: Callable[..., Any]) -> Callable[..., Any]:
    """Return a loop as machine code that is kept on disk and lets other threads run."""
    from numba import njit

    made: Callable[..., Any] = njit(cache=True, nogil=True)(loop)
    return made


def cell_sums(sigma0: Floats, nesz: Floats, shift: Floats, low: float, high: float, side: int) -> tuple[Greys, Reals]:
    """Turn backscatter into grey levels and add it up over cells.

    Args:
        sigma0: Backscatter without noise, linear; shape (rows·side, columns·side); NaN where there is no data.
        nesz: Noise-equivalent backscatter, linear; same shape.
        shift: What incidence adds to the backscatter of each cell, dB; shape (rows, columns).
        low: Lower edge of grey level 1, dB.
        high: Lower edge of the highest grey level, dB.
        side: Pixels along a cell.

    Returns:
        Grey levels 1 to 64, 0 for no data, with a margin of one pixel left, right and below; and the sums of shape
        (5, rows, columns): count, backscatter, noise, decibels, squared decibels (both without ``shift``).
    """
    rows, columns = shift.shape
    grey = np.zeros((rows * side + 1, columns * side + 2), np.uint8)
    sums = np.zeros((5, rows, columns))
    scale = np.float32((LEVELS - 1) / (high - low))
    compiled(add_cells)(sigma0, nesz, shift, np.float32(low), scale, side, grey, sums)
    return grey, sums


def pair_sums(grey: Greys, side: int) -> Reals:
    """Add up pairs of neighbouring grey levels over cells: right, below, and both diagonals below.

    A pair belongs to the cell of its upper (or left) pixel and counts where both pixels hold data.

    Args:
        grey: Levels with their margin, from `cell_sums`.
        side: Pixels along a cell.

    Returns:
        Shape (6, rows, columns): count, a + b, a² + b², a·b, the distance of a and b, 1 / (1 + (a - b)²).
    """
    sums = np.zeros((6, (grey.shape[0] - 1) // side, (grey.shape[1] - 2) // side))
    compiled(add_pairs)(grey, np.array(NEAR), side, sums)
    return sums


def window_sums(sums: Reals, reach: int) -> Reals:
    """Add up cells over windows of (2·reach + 1)² cells; beyond the edge there is nothing."""
    made = np.zeros_like(sums)
    compiled(add_windows)(sums, reach, made)
    return made


def textures(pairs: Reals) -> Reals:
    """Return contrast, homogeneity, correlation and dissimilarity of windows.

    They are those of the symmetric co-occurrence matrix, averaged over four directions at distance 1 (Haralick et al.,
    1973), from the moments of its pairs and without the matrix. A window of one level has correlation 1.

    Args:
        pairs: Window sums of `pair_sums`, shape (6, rows, columns).

    Returns:
        Shape (4, rows, columns); NaN where a window has no pair.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        count = np.where(pairs[0] > 0, pairs[0], np.nan)
        mean = pairs[1] / (2 * count)
        variance = pairs[2] / (2 * count) - mean * mean
        level = ~(variance > 1e-9)  # of integers below 65; rounding leaves less
        correlation = np.where(level, 1.0, (pairs[3] / count - mean * mean) / np.where(level, 1.0, variance))
        contrast = (pairs[2] - 2 * pairs[3]) / count
    return np.stack([contrast, pairs[5] / count, np.where(np.isnan(count), np.nan, correlation), pairs[4] / count])


def add_cells(
    sigma0: Floats, nesz: Floats, shift: Floats, low: Any, scale: Any, side: int, grey: Greys, sums: Reals
) -> None:
    """Fill ``grey`` and ``sums``; see `cell_sums`."""
    rows, columns = shift.shape
    width = columns * side
    power, mantissa = np.empty(width, np.float32), np.empty(width, np.int32)
    exponent, moved, level = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    for row in range(rows):
        for column in range(width):
            moved[column] = shift[row, column // side]
        for line in range(row * side, row * side + side):
            for column in range(width):
                least = max(BELOW_NOISE * nesz[line, column], FLOOR)
                power[column] = max(least, sigma0[line, column])
            bits = power.view(np.int32)
            for column in range(width):
                exponent[column] = (bits[column] >> 23) - 127
                mantissa[column] = (bits[column] & 0x7FFFFF) | 0x3F800000
            part = mantissa.view(np.float32)
            for column in range(width):
                x = part[column]
                p = LOG2[5]
                p = p * x + LOG2[4]
                p = p * x + LOG2[3]
                p = p * x + LOG2[2]
                p = p * x + LOG2[1]
                p = p * x + LOG2[0]
                level[column] = DECIBELS * (exponent[column] + p) - moved[column]
            for column in range(width):
                step = min(max((level[column] - low) * scale, np.float32(0)), np.float32(LEVELS - 1))
                known = sigma0[line, column] == sigma0[line, column]
                grey[line, column + 1] = np.uint8(step) + 1 if known else 0
            for column in range(columns):
                for at in range(column * side, column * side + side):
                    if grey[line, at + 1]:
                        sums[0, row, column] += 1
                        sums[1, row, column] += sigma0[line, at]
                        sums[2, row, column] += nesz[line, at]
                        sums[3, row, column] += level[at]
                        sums[4, row, column] += level[at] * level[at]


def add_pairs(grey: Greys, near: Reals, side: int, sums: Reals) -> None:
    """Fill ``sums``; see `pair_sums`."""
    for row in range(sums.shape[1]):
        for column in range(sums.shape[2]):
            count = total = squares = products = distance = 0
            close = 0.0
            for line in range(row * side, row * side + side):
                for at in range(column * side + 1, column * side + side + 1):
                    a: Any = np.int64(grey[line, at])
                    if a == 0:
                        continue
                    for step in range(4):
                        b: Any = np.int64(grey[line, at + 1] if step == 0 else grey[line + 1, at + step - 2])
                        if b:
                            gap = abs(a - b)
                            count += 1
                            total += a + b
                            squares += a * a + b * b
                            products += a * b
                            distance += gap
                            close += near[gap]
            sums[0, row, column] = count
            sums[1, row, column] = total
            sums[2, row, column] = squares
            sums[3, row, column] = products
            sums[4, row, column] = distance
            sums[5, row, column] = close


def add_windows(sums: Reals, reach: int, made: Reals) -> None:
    """Fill ``made``; see `window_sums`. Columns of cells are added before rows, in a fixed order."""
    planes, rows, columns = sums.shape
    padded = np.zeros(columns + 2 * reach)
    middle = padded[reach : reach + columns]
    for plane in range(planes):
        for row in range(rows):
            middle[:] = 0
            for other in range(max(0, row - reach), min(rows, row + reach + 1)):
                middle += sums[plane, other]
            total = made[plane, row]
            for step in range(2 * reach + 1):
                total += padded[step : step + columns]
