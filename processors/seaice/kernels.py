"""Compiled loops over pixels; importing this module compiles nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import numpy as np

Loop: TypeAlias = Callable[..., Any]


@cache
def calibrate() -> Loop:
    """Return the loop that gives sigma nought and its noise equivalent; see `_calibrate`."""
    from numba import njit

    loop: Loop = njit(cache=True, nogil=True)(_calibrate)
    return loop


def _calibrate(  # pragma: no cover  (runs compiled)
    dn: Any, sigma: Any, noise: Any, along: Any, scaling: Any, sigma0: Any, nesz: Any
) -> None:
    """Fill sigma0 = (DN² - η) / A² and nesz = η / A².

    Args:
        dn: Digital numbers, shape (lines, samples).
        sigma: A of vectors, shape (vectors, samples); for each line those below and above, and the latter's weight.
        noise: The same for noise across, DN².
        along: Factor of each line.
        scaling: Scale and offset of η, and 1 where it is subtracted or 0.
        sigma0: Filled where DN is not 0.
        nesz: Filled.
    """
    gain, a_low, a_high, a_weight = sigma
    across, n_low, n_high, n_weight = noise
    scale, offset, subtract = scaling
    for line in range(dn.shape[0]):
        al, ah, aw = a_low[line], a_high[line], a_weight[line]
        nl, nh, nw, factor = n_low[line], n_high[line], n_weight[line], along[line]
        for sample in range(dn.shape[1]):
            a = gain[al, sample] * (1.0 - aw) + gain[ah, sample] * aw
            inverse = 1.0 / (a * a)
            eta = (across[nl, sample] * (1.0 - nw) + across[nh, sample] * nw) * factor
            equivalent = scale * (eta * inverse) + offset
            nesz[line, sample] = equivalent
            if dn[line, sample] != 0:
                number = float(dn[line, sample])
                sigma0[line, sample] = number * number * inverse - subtract * equivalent


@cache
def resample() -> Loop:
    """Return the loop that takes the values of a scene at the cells of a map; see `_resample`."""
    from numba import njit

    loop: Loop = njit(cache=True, nogil=True)(_resample)
    return loop


def _resample(source: Any, nodes: Any, how: Any, found: Any) -> None:  # pragma: no cover  (runs compiled)
    """Fill the cells of some rows of a map that lie in the source.

    Args:
        source: Shape (lines, samples).
        nodes: Lines and samples of the nodes of the map, and cells from node to node.
        how: First row and column, counted from the first node, pixels of a cell of the source, first line of the
            source, and whether to weigh four.
        found: Shape (rows, columns).
    """
    lines, samples, step = nodes
    first, start, cell, top, weigh = how
    height, width = source.shape
    for row in range(found.shape[0]):
        up, down = divmod(first + row, step)
        v = down / step
        for column in range(found.shape[1]):
            left, right = divmod(start + column, step)
            u = right / step
            line = (1 - v) * ((1 - u) * lines[up, left] + u * lines[up, left + 1])
            line += v * ((1 - u) * lines[up + 1, left] + u * lines[up + 1, left + 1])
            if not line > -1.0:
                continue
            sample = (1 - v) * ((1 - u) * samples[up, left] + u * samples[up, left + 1])
            sample += v * ((1 - u) * samples[up + 1, left] + u * samples[up + 1, left + 1])
            y, x = (line + 0.5) / cell - 0.5 - top, (sample + 0.5) / cell - 0.5
            i, j = int(np.floor(y + 0.5)), int(np.floor(x + 0.5))
            if i < 0 or j < 0 or i >= height or j >= width:
                continue
            if not weigh:
                found[row, column] = source[i, j]
                continue
            if np.isnan(source[i, j]):
                continue
            total, weights = 0.0, 0.0
            for k in range(int(np.floor(y)), int(np.floor(y)) + 2):
                for m in range(int(np.floor(x)), int(np.floor(x)) + 2):
                    if 0 <= k < height and 0 <= m < width and not np.isnan(source[k, m]):
                        weight = (1 - abs(y - k)) * (1 - abs(x - m))
                        total += weight * source[k, m]
                        weights += weight
            found[row, column] = total / weights
