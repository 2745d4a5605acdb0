"""Weighted least squares of a form against an experimental variogram, with the sills solved for exactly."""

from __future__ import annotations

from itertools import product

import numpy as np

from processors.errors import Refusal
from processors.geostat.forms import Candidate, aicc, parts
from processors.geostat.models import Floats, Kind, Model, Structure, correlation
from processors.geostat.variogram import Experimental

TRIALS = {0: 1, 1: 60, 2: 20, 3: 9}
"""Trials of each range in the first search, by the number of ranges."""


def weighted(variogram: Experimental, form: str, longest: float) -> Candidate:
    """Fit one form with weights N/h^2 (Cressie 1985; gstat's method 7), wherever the least of the criterion is.

    Given the ranges, nugget and sills follow by non-negative least squares (Lawson and Hanson 1974), so that only the
    ranges are searched: over a logarithmic grid from half the shortest lag to `longest`, then by Nelder and Mead's
    method from the best three. A linear part has no range; its sill is the rise over the longest lag.

    Raises:
        Refusal: Fewer classes than parameters, or no variance.
    """
    from scipy.optimize import minimize

    kinds = parts(form)
    good = variogram.lags > 0
    h, gamma, pairs = variogram.lags[good], variogram.gamma[good], variogram.pairs[good]
    free = [number for number, (kind, _) in enumerate(kinds) if kind != "linear"]
    if len(h) < 1 + len(kinds) + len(free):
        raise Refusal(f"{len(h)} classes of distance for {form}", "variogram", "use more classes or a simpler form")
    if not gamma.max() > 0:
        raise Refusal("the variogram is zero", "values", "there is no model of a constant")
    if len(free) not in TRIALS:
        raise Refusal(f"{form}: {len(free)} ranges", "model", "at most three")
    criterion = _Criterion(h, gamma, np.sqrt(pairs) / h, kinds, free)
    grid = np.geomspace(h.min() / 2, longest, TRIALS[len(free)])
    trials = sorted(product(grid, repeat=len(free)), key=lambda ranges: criterion.solve(np.array(ranges))[1])
    bounds = [(np.log(h.min() / 2), np.log(longest))] * len(free)
    best = np.array(trials[0])
    for start in trials[:3] if free else ():
        options = {"xatol": 1e-7, "fatol": 0.0, "maxfev": 400}
        found = minimize(criterion, np.log(start), method="Nelder-Mead", bounds=bounds, options=options)
        best = min(best, np.exp(found.x), key=lambda ranges: criterion.solve(ranges)[1])
    sills, error = criterion.solve(best)
    structures = tuple(
        Structure(kind, float(sill), float(range_), nu)
        for (kind, nu), sill, range_ in zip(kinds, sills[1:], criterion.ranges(best), strict=True)
    )
    score = aicc(len(h) * np.log(max(error, 1e-300) / len(h)), 1 + len(kinds) + len(free), len(h))
    return Candidate(form, Model(structures, float(sills[0])), error, float("nan"), score)


class _Criterion:
    """Weighted sum of squares as a function of the logarithms of the free ranges."""

    def __init__(
        self, h: Floats, gamma: Floats, weights: Floats, kinds: tuple[tuple[Kind, float], ...], free: list[int]
    ) -> None:
        self.h, self.kinds, self.free, self.weights = h, kinds, free, weights
        self.right = gamma * weights
        self.scale = float(np.linalg.norm(self.right)) or 1.0

    def __call__(self, logarithms: Floats) -> float:
        return self.solve(np.exp(logarithms))[1] / self.scale**2

    def ranges(self, free: Floats) -> Floats:
        """Ranges of all parts."""
        ranges = np.full(len(self.kinds), self.h.max())
        ranges[self.free] = free
        return ranges

    def solve(self, free: Floats) -> tuple[Floats, float]:
        """Nugget and sills that fit best with these ranges, and the sum of squares."""
        from scipy.optimize import nnls

        columns = [np.ones_like(self.h)]
        for (kind, nu), range_ in zip(self.kinds, self.ranges(free), strict=True):
            columns.append(1.0 - correlation(kind, self.h / range_, nu))
        sills, rest = nnls(np.column_stack(columns) * self.weights[:, None] / self.scale, self.right / self.scale)
        return sills, float(rest * self.scale) ** 2
