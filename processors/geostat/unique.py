"""Kriging from all data in one system: one Cholesky factor for every target and for leaving data out."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy as np

from processors.errors import Refusal
from processors.geostat.models import Floats
from processors.geostat.neighbours import Integers
from processors.geostat.solver import Block, Data, Solution, padded, support_variance

MOST = 10_000
"""Most data of one system: its matrix takes 0.8 GB and its factor minutes."""
STEP = 256
JITTER = (0.0, 1e-12, 1e-10)
"""What is added to the diagonal, as parts of the sill, until a factor exists."""


class Unique:
    """Kriging in one neighbourhood of all data.

    Args:
        data: The data.
        block: Support of the targets.
        weights: Whether weights are wanted.

    Raises:
        Refusal: More than 10,000 data, or a singular system.
    """

    def __init__(self, data: Data, block: Block | None, weights: bool) -> None:
        from scipy.linalg import solve_triangular

        if len(data.points) > MOST:
            raise Refusal(
                f"{len(data.points)} data in one system", "neighbours", f"at most {MOST}; use a moving neighbourhood"
            )
        self.data = data
        self.block = block
        self.weights = weights
        with single_thread():
            self.factor = cholesky(data)
            self.values = solve_triangular(self.factor, data.values, lower=True)
            self.drift = solve_triangular(self.factor, data.drift, lower=True)
        self.normal = np.linalg.cholesky(self.drift.T @ self.drift)
        self.inside = support_variance(data.model, block)

    def solve(self, targets: Floats, drift: Floats) -> Solution:
        """Estimate at targets (m, d) with drift functions (m, p); weights (m, n)."""
        from scipy.sparse import csr_array

        with single_thread():
            parts = [
                self._step(targets[start : start + STEP], drift[start : start + STEP])
                for start in range(0, len(targets), STEP)
            ]
        value, variance = (
            np.concatenate([part.value for part in parts]),
            np.concatenate([part.variance for part in parts]),
        )
        dense = [part.weights for part in parts if part.weights is not None]
        used = np.full(len(targets), len(self.data.points))
        return Solution(value, variance, used, csr_array(np.concatenate(dense)) if dense else None)

    def _step(self, targets: Floats, drift: Floats) -> Solution:
        from scipy.linalg import solve_triangular

        m = len(targets)
        targets, drift = padded(targets, STEP), padded(drift, STEP)
        right = solve_triangular(self.factor, self._toward(targets), lower=True, overwrite_b=True)
        missing = drift.T - self.drift.T @ right
        lagrange = solve_triangular(self.normal, missing, lower=True) if len(missing) else missing
        beta = solve_triangular(self.normal, self.drift.T @ self.values, lower=True) if len(missing) else np.zeros(0)
        value = right.T @ self.values + lagrange.T @ beta
        variance = self.inside - np.einsum("nb,nb->b", right, right) + np.einsum("pb,pb->b", lagrange, lagrange)
        weights = None
        if self.weights:
            if len(missing):
                right = right + self.drift @ solve_triangular(self.normal, lagrange, lower=True, trans="T")
            weights = solve_triangular(self.factor, right, lower=True, trans="T").T[:m]
        return Solution(value[:m], variance[:m], np.zeros(0, np.int64), weights)

    def _toward(self, targets: Floats) -> Floats:
        """Covariance of data and targets (n, m)."""
        model = self.data.model
        if self.block is None:
            return model.between(self.data.points, targets)
        smooth = model.filtered()[0]
        parts = zip(self.block.offsets, self.block.weights, strict=True)
        averaged = np.zeros((len(self.data.points), len(targets)))
        for offset, share in parts:
            averaged += share * smooth.between(self.data.points, targets + offset)
        return averaged

    def leave_out(self, groups: Integers) -> Solution:
        """Estimate each datum from those of other groups (Dubrule 1983): value, and variance against the observation.

        Args:
            groups: Group of each datum (n,).
        """
        from scipy.linalg import solve_triangular

        with single_thread():
            inverse = solve_triangular(self.factor, np.eye(len(groups)), lower=True)
            precision = inverse.T @ inverse
            if self.drift.shape[1]:
                image = solve_triangular(self.normal, self.drift.T @ inverse, lower=True)
                precision -= image.T @ image
            pulled = precision @ self.data.values
            value, variance = np.empty(len(groups)), np.empty(len(groups))
            order = np.argsort(groups, kind="stable")
            for own in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
                spread = _inverse(precision[np.ix_(own, own)])
                value[own] = self.data.values[own] - spread @ pulled[own]
                variance[own] = np.diag(spread)
        _, number, counts = np.unique(groups, return_inverse=True, return_counts=True)
        return Solution(value, variance, len(groups) - counts[number], None)


def _inverse(block: Floats) -> Floats:
    """Inverse of a part of the precision; NaN where the data left cannot tell the drift."""
    return np.asarray(np.linalg.inv(block)) if np.linalg.cond(block) < 1e12 else np.full_like(block, np.nan)


def cholesky(data: Data) -> Floats:
    """Lower factor of the covariance of the data and their errors.

    Raises:
        Refusal: There is none, even with a jitter of 1e-10 of the sill.
    """
    from scipy.linalg import lapack

    matrix = data.model.between(data.points, data.points)
    diagonal = np.diag_indices_from(matrix)
    for jitter in JITTER:
        matrix[diagonal] = data.model.sill * (1 + jitter) + data.error
        lower, failed = lapack.dpotrf(matrix, lower=1, clean=1)
        if not failed:
            return np.asarray(lower)
    hint = "merge data that lie close together, give them an error, or use a rougher model"
    raise Refusal("the covariance of the data is singular", "points", hint)


def single_thread() -> AbstractContextManager[object]:
    """One thread for the linear algebra inside: sums in another order would be other bytes."""
    limits: AbstractContextManager[object] = _libraries().limit(limits=1)
    return limits


@cache
def _libraries() -> Any:
    """Return the BLAS of NumPy and of SciPy, looked for once: that takes longer than a likelihood of 200 data."""
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")
