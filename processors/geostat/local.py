"""Kriging from nearby data: the neighbours of each target, and batches of their systems."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from processors.geostat.models import Floats
from processors.geostat.neighbours import Finder, Integers, Neighbourhood
from processors.geostat.solver import Block, Data, Solution, Systems

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class Local:
    """Kriging in a moving neighbourhood.

    Args:
        data: The data.
        chosen: Rule of the neighbourhood; its count is a number.
        block: Support of the targets.
        weights: Whether weights are wanted.
    """

    def __init__(self, data: Data, chosen: Neighbourhood, block: Block | None, weights: bool) -> None:
        self.data = data
        self.minimum = chosen.minimum
        self.finder = Finder(data.points, chosen)
        self.systems = Systems(data, self.finder.count, block, weights)

    def solve(
        self, targets: Floats, drift: Floats, groups: Integers | None = None, own: Integers | None = None
    ) -> Solution:
        """Estimate at targets (m, d) with drift functions (m, p); data of a target's own group are not used."""
        near = self.finder.find(targets, groups, own)
        step = self.systems.length
        parts = [
            self.systems.solve(near[start : start + step], targets[start : start + step], drift[start : start + step])
            for start in range(0, len(targets), step)
        ]
        used = np.concatenate([part.used for part in parts])
        enough = np.count_nonzero(near != len(self.data.points), axis=1) >= self.minimum
        value = np.where(enough, np.concatenate([part.value for part in parts]), np.nan)
        variance = np.where(enough & np.isfinite(value), np.concatenate([part.variance for part in parts]), np.nan)
        dense = [part.weights for part in parts if part.weights is not None]
        weights = rows(near, np.concatenate(dense), len(self.data.points)) if dense else None
        return Solution(value, variance, used, weights)


def rows(near: Integers, weights: Floats, count: int) -> csr_array:
    """Weights (m, k) of the data `near` as a sparse matrix (m, count)."""
    from scipy.sparse import csr_array

    there = near != count
    pointers = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    slim = np.int32 if max(count, int(pointers[-1])) < 2**31 else np.int64
    shape = len(near), count
    return csr_array((weights[there], near[there].astype(slim), pointers.astype(slim)), shape=shape)
