"""Likelihood of a covariance model: exact and restricted for few data, Vecchia's for many.

Both whiten the values and the drift functions; what is left is a regression (Harville 1977). Vecchia (1988) writes the
joint density as a product of each datum's given a few that come before it (Katzfuss and Guinness 2021); here the order
is random and they are the nearest of those before, whose small systems are solved in batches as in kriging.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from processors.geostat.models import Floats, Model
from processors.geostat.neighbours import Integers, packed
from processors.geostat.solver import Parts, batch_length, distances, factor, padded, sum_of
from processors.geostat.unique import single_thread


@dataclass(frozen=True, slots=True)
class Sample:
    """Data of which a likelihood is computed.

    Attributes:
        points: Coordinates (n, d).
        values: Values (n,).
        drift: Drift functions with the constant (n, p).
        error: Known variance of each error (n,).
        replicates: Observations that each datum is the mean of (n,): the nugget is divided by it.
    """

    points: Floats
    values: Floats
    drift: Floats
    error: Floats
    replicates: Floats


class Likelihood(Protocol):
    """A log-likelihood as a function of the model."""

    def __call__(self, model: Model, third: float, *, free_sill: bool) -> tuple[float, float]:
        """Restricted log-likelihood, and the factor of all variances that makes it largest (1 without `free_sill`)."""


def restricted(values: Floats, drift: Floats, logarithms: float, free_sill: bool) -> tuple[float, float]:
    """Restricted log-likelihood from whitened values (n,), drift (n, p) and the log-determinant of the covariance."""
    q, upper = np.linalg.qr(drift)
    rest = max(float(values @ values - np.sum((q.T @ values) ** 2)), 1e-300)
    free = len(values) - drift.shape[1]
    factor_ = rest / free if free_sill else 1.0
    logarithms += 2 * float(np.log(np.abs(np.diag(upper))).sum())
    return -0.5 * (free * np.log(2 * np.pi * factor_) + logarithms + rest / factor_), factor_


class Exact:
    """Restricted likelihood by a Cholesky factor of all data.

    Args:
        sample: The data, some hundreds.
    """

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        rows, columns = np.triu_indices(len(sample.points), 1)
        self._below = columns * len(sample.points) + rows

    def __call__(self, model: Model, third: float, *, free_sill: bool) -> tuple[float, float]:
        """See `Likelihood`; minus infinity where the covariance has no factor."""
        from scipy.linalg import lapack, solve_triangular

        sample, matrix = self.sample, self._covariance(model.filtered()[0], third)
        matrix[np.diag_indices_from(matrix)] += model.nugget / sample.replicates + sample.error + 1e-12 * model.sill
        with single_thread():
            lower, failed = lapack.dpotrf(matrix, lower=1, clean=1)
            if failed:
                return -np.inf, 1.0
            white = solve_triangular(lower, np.column_stack([sample.values, sample.drift]), lower=True)
            return restricted(white[:, 0], white[:, 1:], 2 * float(np.log(np.diag(lower)).sum()), free_sill)

    def _covariance(self, smooth: Model, third: float) -> Floats:
        """Covariances of all pairs (n, n); only the lower triangle is filled, which halves the work."""
        from scipy.spatial.distance import pdist

        points = scaled(self.sample.points, third)
        first, *others = (sum_of(parts, pdist(parts[0].stretch(points))) for parts in smooth.groups())
        for more in others:
            first += more
        matrix = np.zeros((len(points), len(points)))
        matrix.ravel()[self._below] = first
        matrix[np.diag_indices_from(matrix)] = smooth.sill
        return matrix


class Vecchia:
    """Vecchia's likelihood: each datum given its nearest ones before it in a random order.

    Args:
        sample: The data.
        neighbours: Data before each that it is conditioned on.
        terms: Number of data whose terms are summed, the last of the order; None for all.
        third: Factor of the third coordinate with which the nearest are looked for.
        seed: Of the order.
    """

    def __init__(self, sample: Sample, neighbours: int, terms: int | None, third: float, seed: int) -> None:
        order = np.random.default_rng(seed).permutation(len(sample.points))
        self.near = previous(scaled(sample.points[order], third), neighbours, terms)
        self.own = np.arange(len(order))[-len(self.near) :]
        self.points, self.values, self.drift = sample.points[order], sample.values[order], sample.drift[order]
        self.error, self.replicates = np.append(sample.error[order], 0.0), np.append(sample.replicates[order], 1.0)
        self.length = batch_length(neighbours)

    def __call__(self, model: Model, third: float, *, free_sill: bool) -> tuple[float, float]:
        """See `Likelihood`."""
        points = np.vstack([scaled(self.points, third), np.zeros(self.points.shape[1])])
        columns = np.vstack([np.column_stack([self.values, self.drift]), np.zeros(1 + self.drift.shape[1])]).T
        coordinates = [(parts, np.ascontiguousarray(parts[0].stretch(points).T)) for parts in model.groups()]
        diagonal = model.sill - model.nugget + model.nugget / self.replicates + self.error
        white, variances = [], []
        for start in range(0, len(self.own), self.length):
            near, own = self.near[start : start + self.length], self.own[start : start + self.length]
            batch = padded(near, self.length).T, padded(own, self.length)
            spread, rows = self._batch(*batch, coordinates, diagonal, columns)
            white.append(rows[:, : len(own)])
            variances.append(spread[: len(own)])
        found = np.concatenate(white, axis=1)
        return restricted(found[0], found[1:].T, float(np.log(np.concatenate(variances)).sum()), free_sill)

    def _batch(
        self,
        near: Integers,
        own: Integers,
        coordinates: list[tuple[Parts, Floats]],
        diagonal: Floats,
        columns: Floats,
    ) -> tuple[Floats, Floats]:
        """Conditional variances (batch,) and whitened columns (1 + p, batch)."""
        k, none = len(near), len(self.points)
        system = np.empty((k + 1 + len(columns), k, self.length))
        index = np.concatenate([near, own[None]])
        system[: k + 1] = 0.0
        for parts, axes in coordinates:
            spots = axes[:, index]
            for j in range(k):
                h = distances(spots[:, j + 1 :], spots[:, j : j + 1])
                for part in parts:
                    system[j + 1 : k + 1, j] += part.covariance(h)
        for j in range(k):
            system[j, j] = np.where(near[j] == none, -1.0, diagonal[near[j]])
        system[k + 1 :] = columns[:, near]
        factor(system, k, np.full((k, self.length), 1e-12 * float(diagonal.max())))
        spread = diagonal[own] - np.einsum("kb,kb->b", system[k], system[k])
        spread = np.maximum(spread, 1e-12 * diagonal[own])
        return spread, (columns[:, own] - np.einsum("rkb,kb->rb", system[k + 1 :], system[k])) / np.sqrt(spread)


def scaled(points: Floats, third: float) -> Floats:
    """Points with the third coordinate multiplied by a factor."""
    if points.shape[1] < 3 or third == 1:
        return points
    return np.multiply(points, [1.0, 1.0, third])


def previous(points: Floats, count: int, terms: int | None = None) -> Integers:
    """For each of the last `terms` points, the nearest `count` of those before it; n where there are fewer.

    Looks among the first 2^j points for all from 2^(j-1) to 2^j, so that at least half of what is found counts.
    """
    from scipy.spatial import cKDTree

    n = len(points)
    first = 0 if terms is None else max(0, n - terms)
    found = np.full((n - first, count), n, np.int64)
    end = n
    while end > first:
        start = max(first, end // 2) if end > 2 * count else first
        tree, todo, wanted = cKDTree(points[:end]), np.arange(start, end), min(end, 3 * count)
        while len(todo):
            _, near = tree.query(points[todo], k=list(range(1, wanted + 1)))
            near = packed(np.where(near < todo[:, None], near, n), n)[:, :count]
            found[todo - first, : near.shape[1]] = near
            todo = todo[(near[:, -1] == n) & (todo > near.shape[1]) & (wanted < end)]
            wanted = min(end, 2 * wanted)
        end = start
    return found
