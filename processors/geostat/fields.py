"""Unconditional Gaussian fields with a given covariance: on a grid by circulant embedding, anywhere by a spectral sum.

Circulant embedding (Dietrich and Newsam 1997; Chan and Wood 1997) draws two exact fields with one FFT. The spectral sum
(Shinozuka and Jan 1972) is Gaussian with a covariance that is a mean of cosines; its modes are a low-discrepancy sample
of the spectral measure, the same for every field, so that the mean is close. It serves three coordinates, and ranges
too long to be embedded.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.geostat.kriging import Kriging
from processors.geostat.models import Floats, Model, Structure, correlation
from processors.geostat.neighbours import Integers
from processors.geostat.unique import single_thread

Booleans: TypeAlias = npt.NDArray[np.bool_]
Fields: TypeAlias = npt.NDArray[np.float32] | npt.NDArray[np.float64]

CELLS = 12_000_000
"""Most cells of an embedding: a field of double precision takes 0.2 GB."""
NEGATIVE = 1e-3
"""Largest share of the variance on negative eigenvalues that is cut off."""
STEP = 1024
"""Points at which waves are summed at once."""
MODES = 2048
"""Modes of each structure in a spectral sum; a power of two."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Nodes of a regular grid in the plane of the first two coordinates.

    Attributes:
        origin: Coordinates of the first node.
        step: Distance of nodes along each axis; negative where rows go south.
        shape: Number of nodes along the first axis (columns) and the second (rows).
        third: Third coordinate of all nodes, where data have one.
    """

    origin: tuple[float, float]
    step: tuple[float, float]
    shape: tuple[int, int]
    third: float | None = None

    def nodes(self) -> Floats:
        """Coordinates (rows * columns, 2 or 3), row by row."""
        east = self.origin[0] + self.step[0] * np.arange(self.shape[0])
        north = self.origin[1] + self.step[1] * np.arange(self.shape[1])
        plane = np.column_stack([np.tile(east, len(north)), np.repeat(north, len(east))])
        return plane if self.third is None else np.column_stack([plane, np.full(len(plane), self.third)])


@dataclass(frozen=True, slots=True)
class Torus:
    """A grid and a margin around it, inside a larger domain that closes on itself.

    Attributes:
        model: Covariance without a nugget.
        grid: The grid.
        low: Index of the first column and row of the domain relative to the grid.
        roots: Square roots of the eigenvalues of the covariance (rows, columns).
    """

    model: Model
    grid: Grid
    low: Integers
    roots: Floats


def embedding(model: Model, grid: Grid, points: Floats, padding: float = 2.0) -> Torus | None:
    """Embed a covariance on a torus that holds a grid and points, with a margin of two nodes.

    Args:
        model: Covariance; its nugget is left out.
        grid: The grid.
        points: Points at which values are wanted too (n, d).
        padding: Distance around the torus in effective ranges; doubled once where eigenvalues are negative.

    Returns:
        None where points have a third coordinate, or where that needs more than 12 million cells or leaves negative
        eigenvalues that count.
    """
    from scipy.fft import fft2, next_fast_len

    if points.shape[1] != 2:
        return None
    smooth, step = model.filtered()[0], np.array(grid.step)
    place = (points - grid.origin) / step
    low = np.minimum(np.floor(place.min(axis=0, initial=0.0)).astype(np.int64), 0) - 2
    high = np.maximum(np.ceil(place.max(axis=0, initial=0.0)).astype(np.int64), grid.shape) + 3
    for factor in (1, 2):
        wanted = high - low + np.ceil(factor * padding * smooth.range / np.abs(step)).astype(np.int64)
        columns, rows = (next_fast_len(int(length)) for length in wanted)
        if columns * rows > CELLS:
            return None
        along = [np.fft.fftfreq(count, 1 / count) * length for count, length in zip((columns, rows), step, strict=True)]
        plane = np.column_stack([np.tile(along[0], rows), np.repeat(along[1], columns)])
        values = fft2(smooth.between(plane, np.zeros((1, 2))).reshape(rows, columns)).real
        kept = np.maximum(values, 0.0)
        if kept.sum() <= values.sum() * (1 + NEGATIVE):
            return Torus(smooth, grid, low, np.sqrt(kept * (values.sum() / kept.sum()) / values.size))
    return None


class Embedded:
    """Fields on a grid, and at points from the 16 nodes around each with an independent residual.

    Args:
        torus: The grid and its embedding.
        points: The points (n, 2).
        inside: The nodes that are wanted (rows * columns,); None for all.
    """

    def __init__(self, torus: Torus, points: Floats, inside: Booleans | None) -> None:
        self.torus = torus
        self.inside = slice(None) if inside is None else inside.ravel()
        step = np.array(torus.grid.step)
        place = (points - torus.grid.origin) / step
        first = np.floor(place).astype(np.int64) - 1
        offsets = np.array([[column, row] for row in range(4) for column in range(4)])
        around = Kriging(offsets * step, np.zeros(16), torus.model, mean=0.0, neighbours="all")
        found = around.at((place - first) * step, weights=True)
        width, corner = torus.roots.shape[1], first - torus.low
        self.near: Integers = (corner[:, 1:] + offsets[:, 1]) * width + corner[:, :1] + offsets[:, 0]
        assert found.weights is not None
        self.weights: Floats = found.weights.toarray()
        rounding = found.variance < 1e-12 * torus.model.sill
        self.residual = np.sqrt(np.where(rounding, 0.0, found.variance))

    def fill(self, seed: int, fields: Fields, there: Floats, threads: int) -> None:
        """Write fields at the nodes (count, m) and at the points (n, count), two at a time."""

        def pair(first: int) -> None:
            """Write one field, and the next where there is one."""
            both = self._pair(np.random.default_rng([seed, 0, first]))
            for number, (nodes, points) in enumerate(both[: len(fields) - first], first):
                fields[number], there[:, number] = nodes[self.inside], points

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(pair, range(0, len(fields), 2)))

    def _pair(self, source: np.random.Generator) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """Two fields, each at the nodes and at the points."""
        from scipy.fft import fft2

        roots, low = self.torus.roots, self.torus.low
        noise = np.empty(roots.shape, complex)
        noise.real = source.standard_normal(roots.shape)
        noise.imag = source.standard_normal(roots.shape)
        noise *= roots
        both = fft2(noise, overwrite_x=True)
        columns, rows = self.torus.grid.shape
        window = both[-low[1] : rows - low[1], -low[0] : columns - low[0]].ravel()
        at = np.einsum("nk,nk->n", self.weights, both.ravel()[self.near])
        rest = self.residual * source.standard_normal((2, len(at)))
        return (window.real, at.real + rest[0]), (window.imag, at.imag + rest[1])


class Spectral:
    """Fields anywhere as sums of waves.

    Args:
        model: Covariance; its nugget is left out.
        seed: Of the modes.
    """

    def __init__(self, model: Model, seed: int) -> None:
        self.parts = [part for part in model.structures if part.sill > 0]
        self.modes = [modes(part, number, seed) for number, part in enumerate(self.parts)]

    def fill(
        self, seed: int, at_targets: tuple[Floats, Fields], at_points: tuple[Floats, Floats], threads: int
    ) -> None:
        """Write fields at targets, (m, d) to (count, m), and at points, (n, d) to (n, count)."""
        length, count = 2 * MODES * len(self.parts), at_points[1].shape[1]
        drawn = [np.random.default_rng([seed, 0, number]).standard_normal(length) for number in range(count)]
        amplitudes = np.column_stack(drawn)
        targets, points = at_targets[0], at_points[0]

        def tile(start: int) -> None:
            at_targets[1][:, start : start + STEP] = self._waves(targets[start : start + STEP], amplitudes).T

        with single_thread(), ThreadPoolExecutor(threads) as pool:
            list(pool.map(tile, range(0, len(targets), STEP)))
            for start in range(0, len(points), STEP):
                at_points[1][start : start + STEP] = self._waves(points[start : start + STEP], amplitudes)

    def _waves(self, points: Floats, amplitudes: Floats) -> Floats:
        """Values (n, count) at points (n, d)."""
        found = np.zeros((len(points), amplitudes.shape[1]))
        for number, (part, waves) in enumerate(zip(self.parts, self.modes, strict=True)):
            own = amplitudes[2 * MODES * number : 2 * MODES * (number + 1)]
            phase = part.stretch(points) @ waves[:, : points.shape[1]].T
            found += np.sqrt(part.sill / MODES) * (np.cos(phase) @ own[:MODES] + np.sin(phase) @ own[MODES:])
        return found


def modes(part: Structure, number: int, seed: int) -> Floats:
    """Wave vectors (MODES, 3) of a structure: a scrambled Sobol sample of its spectral measure in three dimensions.

    Matern's measure is a multivariate t distribution with 2 nu degrees of freedom, that of the Gaussian is normal, and
    that of the hole effect a sphere; those of the bounded forms are integrated numerically.
    """
    from scipy.stats import chi2, norm, qmc

    if part.kind == "linear":
        raise Refusal("a linear variogram cannot be simulated", "model", "use an exponential one with a long range")
    uniform = qmc.Sobol(4, rng=np.random.default_rng([seed, 1, number])).random(MODES)
    normal = norm.ppf(uniform[:, :3])
    if part.kind == "gaussian":
        return np.asarray(normal * (np.sqrt(2) / part.range))
    if part.kind in {"exponential", "matern"}:
        return np.asarray(normal / (part.range * np.sqrt(chi2.ppf(uniform[:, 3:], 2 * part.nu))))
    direction = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    radius = np.ones(MODES) if part.kind == "hole" else _radii(part, uniform[:, 3])
    return np.asarray(direction * (radius[:, None] / part.range))


def _radii(part: Structure, uniform: Floats) -> Floats:
    """Quantiles of the wave number of a form that ends at its range: density k^2 times the transform of C."""
    nodes, shares = np.polynomial.legendre.leggauss(800)
    r = (nodes + 1) / 2
    weights = shares / 2 * r * correlation(part.kind, r)
    k = np.linspace(0.0, 400.0, 8001)
    density = np.maximum(k * (np.sin(np.outer(k, r)) @ weights), 0.0)
    total = np.cumsum(density)
    return np.asarray(np.interp(uniform * total[-1], total, k))
