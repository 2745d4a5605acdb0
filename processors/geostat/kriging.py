"""Kriging: simple, ordinary, universal, with external drift, of points and blocks, from nearby data or from all.

Estimates minimise the variance of their error among linear unbiased ones (Matheron 1971; Chiles and Delfiner 2012,
chapter 3). Coordinates are metric, (n, 2) or (n, 3): kilometres on a plane, a third axis of scaled time or depth, or
chord coordinates on the sphere; never degrees.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.geostat import drift as drifts
from processors.geostat.data import checked
from processors.geostat.local import Local
from processors.geostat.models import Floats, Model
from processors.geostat.neighbours import Integers, Neighbourhood, rule
from processors.geostat.solver import Block, Data, Solution
from processors.geostat.unique import Unique

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Neighbours: TypeAlias = "int | Literal['all'] | Neighbourhood"


@dataclass(frozen=True, slots=True)
class Estimate:
    """Estimates at m targets; NaN where there are too few data or the drift cannot be told from them.

    Attributes:
        value: Estimates (m,).
        variance: Variance of the error against the signal (m,).
        variance_observation: Variance of the error against a new observation: `variance` and its error (m,).
        neighbours: Data used (m,); redundant ones do not count.
        weights: Weight of each datum in each estimate (m, n), where wanted.
    """

    value: Floats
    variance: Floats
    variance_observation: Floats
    neighbours: Integers
    weights: csr_array | None = None


class Kriging:
    """An estimator made ready: data, model and neighbourhood.

    Args:
        points: Coordinates of the data (n, d).
        values: Values (n,).
        model: Covariance.
        error: Variance of the error of measurement, of each datum or of all; filtered from estimates.
        observation_error: Error variance of a new observation; None for the mean of `error`.
        mean: Known mean, for simple kriging.
        drift: Drift functions at the data besides the constant (n, p).
        neighbours: A number, "all", or a `Neighbourhood`.
        block: Support of the targets.

    Raises:
        Refusal: Data that give no truthful estimate: not finite, contradictory at one place, too few.
    """

    def __init__(
        self,
        points: Floats,
        values: Floats,
        model: Model,
        *,
        error: float | Floats = 0.0,
        observation_error: float | None = None,
        mean: float | None = None,
        drift: Floats | None = None,
        neighbours: Neighbours = 32,
        block: Block | None = None,
    ) -> None:
        points, values, errors = checked(points, values, error)
        self.mean = 0.0 if mean is None else mean
        self.drift = drifts.prepared(drift, len(points), mean is not None)
        self.chosen = rule(neighbours)
        self.block = block
        self.error = errors
        self.observation_error = float(errors.mean()) if observation_error is None else observation_error
        if model.intrinsic:
            if mean is not None:
                raise Refusal("a linear variogram has no simple kriging", "model", "leave the mean to be estimated")
            model = model.spanning(float(np.linalg.norm(np.ptp(points, axis=0))))
        self.data = Data(points, values - self.mean, errors, self.drift.at(drift, len(points)), model)

    def at(
        self,
        targets: Floats,
        drift: Floats | None = None,
        *,
        weights: bool = False,
        tile: int = 16_384,
        threads: int = 1,
    ) -> Estimate:
        """Estimate at targets (m, d); `drift` are the drift functions there (m, p).

        The numbers are the same whatever `tile` (targets of one task) and `threads`.
        """
        targets = np.ascontiguousarray(targets, float)
        if targets.ndim != 2 or targets.shape[1] != self.data.points.shape[1]:
            raise Refusal(f"targets of shape {targets.shape}, data of {self.data.points.shape}", "targets")
        functions = self.drift.at(drift, len(targets))
        solver = self._solver(weights)

        def solve(start: int) -> Solution:
            return solver.solve(targets[start : start + tile], functions[start : start + tile])

        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(solve, range(0, len(targets), tile)))
        return self._estimate(parts, self.observation_error)

    def leave_out(self, groups: npt.ArrayLike | None = None) -> Estimate:
        """Estimate each datum without itself, or without all data of its group.

        Args:
            groups: Group of each datum (n,), of any type that sorts; None for leave-one-out.

        Returns:
            Estimates at the data; `variance_observation` is against the datum with its own error.
        """
        data, one = self.data, np.arange(len(self.data.points))
        own = one if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)
        if len(own) != len(one):
            raise Refusal(f"{len(own)} groups for {len(one)} data", "groups")
        solver = self._solver(weights=False)
        if isinstance(solver, Unique):
            found = solver.leave_out(own)
            return Estimate(found.value + self.mean, found.variance - data.error, found.variance, found.used)
        return self._estimate([solver.solve(data.points, data.drift, own, own)], data.error)

    def _solver(self, weights: bool) -> Local | Unique:
        if self.chosen.count == "all":
            return Unique(self.data, self.block, weights)
        return Local(self.data, self.chosen, self.block, weights)

    def _estimate(self, parts: list[Solution], error: float | Floats) -> Estimate:
        from scipy.sparse import vstack

        value = np.concatenate([part.value for part in parts]) + self.mean
        variance = np.maximum(np.concatenate([part.variance for part in parts]), 0.0)
        used = np.concatenate([part.used for part in parts])
        sparse = [part.weights for part in parts if part.weights is not None]
        return Estimate(value, variance, variance + error, used, vstack(sparse, format="csr") if sparse else None)


def krige(
    points: Floats,
    values: Floats,
    targets: Floats,
    model: Model,
    *,
    error: float | Floats = 0.0,
    observation_error: float | None = None,
    mean: float | None = None,
    drift: Floats | None = None,
    target_drift: Floats | None = None,
    neighbours: Neighbours = 32,
    block: Block | None = None,
    weights: bool = False,
    threads: int = 1,
) -> Estimate:
    """Krige `values` at `points` to `targets`: `Kriging` and `Kriging.at` in one call, with their arguments."""
    known = {"error": error, "observation_error": observation_error, "mean": mean, "drift": drift}
    ready = Kriging(points, values, model, neighbours=neighbours, block=block, **known)  # type: ignore[arg-type]
    return ready.at(targets, target_drift, weights=weights, threads=threads)
