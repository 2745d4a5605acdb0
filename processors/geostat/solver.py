"""Thousands of small kriging systems at once: Cholesky with the systems along the last axis.

A system is held as rows: the covariances of the k data, then one row for each right-hand side. One loop over the k
columns factors the former and substitutes forward in the latter, each step being an `einsum` over a batch of systems.
A batch has always the same length, so that each system is computed by the same instructions in the same order wherever
in a grid it lies, whatever the tile and the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from processors.geostat.models import Floats, Model, Structure
from processors.geostat.neighbours import Integers

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Number = TypeVar("Number", np.float64, np.int64)
Parts: TypeAlias = tuple[Structure, ...]
REDUNDANT = 1e-11
"""A datum whose variance given nearer data is less than this part of the sill carries nothing new and is left out."""


def batch_length(neighbours: int) -> int:
    """Systems of one batch: 512, fewer where that would need more than about 16 MB; a multiple of 16."""
    return int(min(512, max(16, 2_000_000 // (neighbours + 4) ** 2 // 16 * 16)))


@dataclass(frozen=True, slots=True)
class Block:
    """A support over which an estimate is averaged, as points and weights that add up to one.

    Attributes:
        offsets: Points relative to the centre (q, d).
        weights: Weight of each (q,).
    """

    offsets: Floats
    weights: Floats

    @classmethod
    def rectangle(cls, size: tuple[float, ...], points: int = 4) -> Block:
        """A rectangle or box by Gauss-Legendre quadrature (gstat's rule with its 4 points each way)."""
        nodes, shares = np.polynomial.legendre.leggauss(points)
        axes = np.meshgrid(*[nodes * (length / 2) for length in size], indexing="ij")
        parts = np.meshgrid(*[shares / 2] * len(size), indexing="ij")
        return cls(np.column_stack([axis.ravel() for axis in axes]), np.prod([part.ravel() for part in parts], axis=0))


@dataclass(frozen=True, slots=True)
class Data:
    """What all systems share.

    Attributes:
        points: Coordinates (n, d).
        values: Values, less the known mean if there is one (n,).
        error: Variance of the error of each (n,).
        drift: Drift functions at the data (n, p); p = 0 for simple kriging.
        model: Covariance.
    """

    points: Floats
    values: Floats
    error: Floats
    drift: Floats
    model: Model


@dataclass(frozen=True, slots=True)
class Solution:
    """What a batch of systems gives: arrays over the batch, `weights` (batch, k or sparse n) where wanted."""

    value: Floats
    variance: Floats
    used: Integers
    weights: Floats | csr_array | None


class Systems:
    """Assembles and solves batches of local systems.

    Args:
        data: The data.
        neighbours: Data of one system, k.
        block: Support of the targets; None for points.
        weights: Whether kriging weights are wanted.
    """

    def __init__(self, data: Data, neighbours: int, block: Block | None, weights: bool) -> None:
        self.data = data
        self.k = neighbours
        self.block = block
        self.weights = weights
        self.length = batch_length(neighbours)
        model = data.model
        self.groups = [
            (parts, np.vstack([parts[0].stretch(data.points), np.zeros(data.points.shape[1])]).T)
            for parts in model.groups()
        ]
        self.error = np.append(data.error, 0.0)
        self.values = np.append(data.values, 0.0)
        self.drift = np.vstack([data.drift, np.zeros(data.drift.shape[1])]).T
        self.inside = support_variance(model, block)

    def solve(self, near: Integers, targets: Floats, drift: Floats) -> Solution:
        """Solve one batch of at most `length` targets.

        Args:
            near: Indices of the data (m, k), the number of data where there is none.
            targets: Coordinates (m, d).
            drift: Drift functions at the targets (m, p).
        """
        m = len(targets)
        near, targets, drift = padded(near, self.length), padded(targets, self.length), padded(drift, self.length)
        k, p, none = self.k, drift.shape[1], len(self.data.points)
        index = np.ascontiguousarray(near.T)
        system = np.empty((k + 2 + p, k, self.length))
        self._covariances(system, index, targets)
        system[k + 1 : k + 1 + p] = self.drift[:, index]
        system[k + 1 + p] = self.values[index]
        for j in range(k):
            system[j, j][index[j] == none] = -1.0
        scales = factor(system, k, np.full((k, self.length), REDUNDANT * self.data.model.sill))
        rows = system[k], system[k + 1 : k + 1 + p], system[k + 1 + p]
        value, variance, lagrange = self._estimate(*rows, np.ascontiguousarray(drift.T))
        used = np.count_nonzero(scales, axis=0)
        found = None
        if self.weights:
            found = backward(system, scales, system[k] + np.einsum("pkb,pb->kb", system[k + 1 : k + 1 + p], lagrange))
            found = found.T[:m]
        return Solution(value[:m], variance[:m], used[:m], found)

    def _covariances(self, system: Floats, index: Integers, targets: Floats) -> None:
        """Fill the lower triangle, the only one that is read, and the row of the target."""
        k, model = self.k, self.data.model
        last = k + 1 if self.block is None else k
        system[last : k + 1] = 0.0
        for number, (parts, coordinates) in enumerate(self.groups):
            spots = np.concatenate([coordinates[:, index], parts[0].stretch(targets).T[:, None]], axis=1)
            for j in range(k):
                h = distances(spots[:, j + 1 : last], spots[:, j : j + 1])
                found = sum_of(parts, h)
                if model.nugget and not number and not h.all():
                    found += model.nugget * (h == 0)
                if number:
                    system[j + 1 : last, j] += found
                else:
                    system[j + 1 : last, j] = found
            if self.block is not None:
                self._block_row(system[k], spots, parts[0].stretch(self.block.offsets), self.block.weights, parts)
        for j in range(k):
            system[j, j] = model.sill + self.error[index[j]]

    def _block_row(self, row: Floats, spots: Floats, offsets: Floats, shares: Floats, parts: Parts) -> None:
        for offset, share in zip(offsets, shares, strict=True):
            row += share * sum_of(parts, distances(spots[:, : self.k], spots[:, self.k :] + offset[:, None, None]))

    def _estimate(self, target: Floats, drift: Floats, values: Floats, at: Floats) -> tuple[Floats, Floats, Floats]:
        """Value and variance from the substituted rows; generalised least squares for the drift."""
        value = np.einsum("kb,kb->b", target, values)
        variance = self.inside - np.einsum("kb,kb->b", target, target)
        p = len(drift)
        if not p:
            return value, variance, np.zeros((0, self.length))
        normal = np.empty((p + 2, p, self.length))
        normal[:p] = np.einsum("pkb,qkb->pqb", drift, drift)
        normal[p] = at - np.einsum("pkb,kb->pb", drift, target)
        normal[p + 1] = np.einsum("pkb,kb->pb", drift, values)
        floor = 1e-10 * np.stack([normal[j, j] for j in range(p)])
        scales = factor(normal, p, floor)
        value = value + np.einsum("pb,pb->b", normal[p], normal[p + 1])
        variance = variance + np.einsum("pb,pb->b", normal[p], normal[p])
        value = np.where(np.all(scales > 0, axis=0), value, np.nan)
        return value, variance, backward(normal, scales, normal[p])


def support_variance(model: Model, block: Block | None) -> float:
    """Variance of the mean over a block; the sill for a point. Micro-scale variance averages out in a block."""
    if block is None:
        return model.sill
    smooth = model.filtered()[0]
    return float(block.weights @ smooth.between(block.offsets, block.offsets) @ block.weights)


def sum_of(parts: Parts, h: Floats) -> Floats:
    """Covariance of structures together at distances `h`."""
    total = parts[0].covariance(h)
    for part in parts[1:]:
        total += part.covariance(h)
    return total


def distances(one: Floats, other: Floats) -> Floats:
    """Distances along the first axis of arrays (d, i, batch) and (d, 1 or i, batch)."""
    apart: Floats = one[0] - other[0]
    apart *= apart
    for axis in range(1, len(one)):
        more = one[axis] - other[axis]
        more *= more
        apart += more
    np.sqrt(apart, out=apart)
    return apart


def factor(system: Floats, k: int, floor: Floats) -> Floats:
    """Cholesky factor of the first k rows, and forward substitution of the rest, in place.

    A column whose pivot is not above `floor` is left out: its entries become 0.

    Args:
        system: Rows of covariances and right-hand sides (k + r, k, batch); of the former the lower triangle is read.
        k: Size of the systems.
        floor: Least pivot (k, batch).

    Returns:
        Inverse of the diagonal of the factor (k, batch), 0 where a column is left out.
    """
    scales = np.empty((k, system.shape[-1]))
    for j in range(k):
        if j:
            system[j:, j] -= np.einsum("imb,mb->ib", system[j:, :j], system[j, :j])
        pivot = system[j, j]
        good = pivot > floor[j]
        scales[j] = good / np.sqrt(np.where(good, pivot, 1.0))
        system[j:, j] *= scales[j]
    return scales


def backward(system: Floats, scales: Floats, right: Floats) -> Floats:
    """Solve with the transposed factor: from forward-substituted right-hand sides (k, batch) to solutions."""
    solved = np.zeros_like(right)
    for j in range(len(right) - 1, -1, -1):
        rest = right[j] - np.einsum("ib,ib->b", system[j + 1 : len(right), j], solved[j + 1 :])
        solved[j] = rest * scales[j]
    return solved


def padded(rows: npt.NDArray[Number], length: int) -> npt.NDArray[Number]:
    """Repeat the last row until there are `length`."""
    return np.concatenate([rows, np.repeat(rows[-1:], length - len(rows), axis=0)]) if len(rows) < length else rows
