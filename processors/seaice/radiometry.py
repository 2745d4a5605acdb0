"""Turns digital numbers into sigma nought and takes thermal noise off, block by block of each sub-swath."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.seaice import noise as noises
from processors.seaice.annotation import Block
from processors.seaice.calibration import Calibration
from processors.seaice.kernels import calibrate
from processors.seaice.markup import Floats
from processors.seaice.noise import AzimuthVector, Noise, RangeVector
from processors.seaice.safe import Channel, Scene

Singles: TypeAlias = npt.NDArray[np.float32]
NoiseRule: TypeAlias = Literal["esa", "scaled", "none"]
Borders: TypeAlias = Mapping[tuple[int, int], Floats]
SCALED_IPF = (3.1, 3.4)
"""Versions, the last one excluded, for which `SCALINGS` holds."""
SCALINGS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "S1A": (
        (0.98660, 0.99777, 0.99068, 1.06107, 1.03973),
        (1.2128e-4, -2.0835e-5, 4.5077e-6, -5.8506e-6, -1.4400e-5),
    ),
    "S1B": (
        (0.89486, 0.87433, 0.84301, 0.88333, 0.90162),
        (2.4053e-4, 9.2221e-5, 9.2656e-5, 7.8095e-5, 6.7549e-5),
    ),
}
"""Scale and offset of HV noise by sub-swath: eta' = scale eta + offset A² (Park et al. 2018; Korosov et al. 2022)."""
BORDER = 100
"""Samples on each side of a border of sub-swaths that are compared."""
FLAT = 1e-30
"""Least spread of both sides of a border: sides without any are never divided by 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Noise of one block, spread over its samples.

    Attributes:
        azimuth: The block, and factors along its lines.
        line: Lines of the range vectors, shape (n,).
        noise: Noise in DN² at each sample of the block, shape (n, samples).
    """

    azimuth: AzimuthVector
    line: Floats
    noise: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """What turns digital numbers of one polarisation into sigma nought.

    Attributes:
        line: Lines of the calibration vectors, shape (n,).
        sigma: A at each sample, shape (n, samples).
        patches: Noise of each block.
    """

    line: Floats
    sigma: Floats
    patches: tuple[Patch, ...]


def spread(calibration: Calibration, noise: Noise, samples: int) -> Tables:
    """Spread calibration and noise vectors over all samples: linear between their pixels, the nearest outside.

    Noise is never taken across the edge of a block, nor from pixels where it is given as 0 (not known). Where no vector
    lies within a block, the one nearest to its middle line serves.

    Raises:
        Refusal: A block has no noise at all (``S1.NOISE_SCHEMA``).
    """
    pixel = np.arange(samples, dtype=np.float64)
    sigma = np.array([np.interp(pixel, calibration.pixel, one) for one in calibration.sigma])
    patches = tuple(_patch(one, noise.range_vectors, samples) for one in noise.azimuth_vectors)
    return Tables(calibration.line, sigma, patches)


def _patch(azimuth: AzimuthVector, vectors: tuple[RangeVector, ...], samples: int) -> Patch:
    block = azimuth.block
    last = min(block.last_sample, samples - 1)
    pixel = np.arange(block.first_sample, last + 1, dtype=np.float64)
    known = {vector.line: keep for vector in vectors if (keep := _known(vector, block)).any()}
    if not known:
        message = f"has no noise for lines {block.first_line} to {block.last_line} of sub-swath EW{block.swath}"
        raise Refusal(message, "noise", "fetch the product again", noises.CODE)
    inside = [line for line in known if block.first_line <= line <= block.last_line]
    middle = (block.first_line + block.last_line) / 2
    lines = inside or [min(known, key=lambda line: abs(line - middle))]
    rows = [
        np.interp(pixel, vector.pixel[known[vector.line]], vector.noise[known[vector.line]])
        for vector in vectors
        if vector.line in lines
    ]
    return Patch(azimuth, np.array(lines, np.float64), np.array(rows))


def _known(vector: RangeVector, block: Block) -> npt.NDArray[np.bool_]:
    """Tell which pixels of a vector count in a block: 0 is no data, not a noise."""
    known: npt.NDArray[np.bool_] = (
        (vector.noise > 0) & (vector.pixel >= block.first_sample) & (vector.pixel <= block.last_sample)
    )
    return known


def apply(
    tables: Tables,
    dn: npt.NDArray[np.uint16],
    first: int,
    rule: NoiseRule = "esa",
    scaling: tuple[tuple[float, ...], tuple[float, ...]] | None = None,
) -> tuple[Singles, Singles]:
    """Compute sigma nought and the noise-equivalent sigma nought of some lines, linear: (DN² - η) / A² and η / A².

    Args:
        tables: From `spread`.
        dn: Digital numbers of the lines, shape (lines, samples).
        first: Number of the first of them.
        rule: What is subtracted.
        scaling: Scale and offset by sub-swath, for ``scaled``.

    Returns:
        Both of the shape of ``dn``. NaN outside the sub-swaths; sigma nought also where DN is 0. Sigma nought is
        negative where noise is stronger than the signal, so that means stay unbiased.
    """
    sigma0, nesz = np.full(dn.shape, np.nan, np.float32), np.full(dn.shape, np.nan, np.float32)
    for patch in tables.patches:
        block = patch.azimuth.block
        top, bottom = max(first, block.first_line), min(first + dn.shape[0], block.last_line + 1)
        if top >= bottom:
            continue
        lines = np.arange(top, bottom, dtype=np.float64)
        part = (slice(top - first, bottom - first), slice(block.first_sample, block.last_sample + 1))
        scale, offset = (1.0, 0.0) if scaling is None else (scaling[0][block.swath - 1], scaling[1][block.swath - 1])
        calibrate()(
            dn[part],
            (tables.sigma[:, part[1]], *between(tables.line, lines)),
            (patch.noise, *between(patch.line, lines)),
            np.interp(lines, patch.azimuth.line, patch.azimuth.factor),
            (scale, offset, 0.0 if rule == "none" else 1.0),
            sigma0[part],
            nesz[part],
        )
    return sigma0, nesz


def between(knots: Floats, at: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
    """Return, for each place, the knots below and above it and the weight of the one above; ends are held."""
    below = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, knots.size - 1)
    above = np.minimum(below + 1, knots.size - 1)
    width = np.where(above > below, knots[above] - knots[below], 1.0)
    return below, above, np.clip((at - knots[below]) / width, 0.0, 1.0) * (above > below)


@lru_cache(maxsize=4)
def _tables(channel: Channel) -> Tables:
    return spread(channel.calibration, channel.noise, channel.annotation.shape[1])


def scaling_of(scene: Scene, polarisation: str) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Return the published scale and offset of thermal noise; None where there are none for this scene."""
    known = SCALED_IPF[0] <= scene.ipf < SCALED_IPF[1] and polarisation == "HV"
    return SCALINGS.get(scene.platform) if known else None


def sigma0(scene: Scene, polarisation: str, rows: slice, noise: NoiseRule = "esa") -> tuple[Singles, Singles]:
    """Compute sigma nought and the noise-equivalent sigma nought of some lines, linear (m²/m²).

    Args:
        scene: An opened product.
        polarisation: One of its polarisations.
        rows: Lines; strips of any size give the same numbers.
        noise: ``esa`` subtracts the annotated noise, ``scaled`` scales it as published where that is known for the
            scene (`scaling_of`) and else is ``esa``, ``none`` subtracts nothing. Nothing is subtracted either where the
            processor did it already (flag ``NOISE_ALREADY_REMOVED``).

    Returns:
        See `apply`.

    Raises:
        Refusal: The lines cannot be read, or a block has no noise.
    """
    first, _, _ = rows.indices(scene.shape[0])
    return sigma0_from(scene, polarisation, scene.read_dn(polarisation, rows), first, noise)


def sigma0_from(
    scene: Scene, polarisation: str, dn: npt.NDArray[np.uint16], first: int, noise: NoiseRule = "esa"
) -> tuple[Singles, Singles]:
    """Do as `sigma0` with numbers that were read already, perhaps elsewhere; ``first`` is the line of the first.

    Raises:
        Refusal: A block has no noise.
    """
    channel = scene.channels[polarisation]
    rule: NoiseRule = "none" if channel.annotation.noise_removed else noise
    scaling = scaling_of(scene, polarisation) if rule == "scaled" else None
    return apply(_tables(channel), dn, first, rule, scaling)


def swath_numbers(scene: Scene, rows: slice) -> npt.NDArray[np.uint8]:
    """Return the number of the sub-swath of each sample, 1 to 5; 0 outside all."""
    first, last, _ = rows.indices(scene.shape[0])
    numbers = np.zeros((last - first, scene.shape[1]), np.uint8)
    for block in scene.annotation.blocks:
        top, bottom = max(first, block.first_line), min(last, block.last_line + 1)
        if top < bottom:
            numbers[top - first : bottom - first, block.first_sample : block.last_sample + 1] = block.swath
    return numbers


def incidence_at(scene: Scene, lines: Floats, samples: Floats) -> Floats:
    """Return the incidence angle, degrees, where lines and samples cross: bicubic in the annotated grid.

    Args:
        scene: An opened product.
        lines: Shape (n,), rising.
        samples: Shape (m,), rising.

    Returns:
        Shape (n, m).
    """
    from scipy.interpolate import RectBivariateSpline

    points = scene.annotation.points
    degrees = (min(3, points.line.shape[0] - 1), min(3, points.line.shape[1] - 1))
    spline = RectBivariateSpline(points.line[:, 0], points.pixel[0], points.incidence, kx=degrees[0], ky=degrees[1])
    angle: Floats = spline(lines, samples)
    return angle


def incidence_angle(scene: Scene, rows: slice) -> Singles:
    """Return the incidence angle of each sample of some lines, degrees; see `incidence_at`."""
    first, last, _ = rows.indices(scene.shape[0])
    lines, samples = np.arange(first, last, dtype=np.float64), np.arange(scene.shape[1], dtype=np.float64)
    return incidence_at(scene, lines, samples).astype(np.float32)


def border_quality(
    scene: Scene, polarisation: str, noise: NoiseRule = "esa", strip: int = 512
) -> dict[tuple[int, int], float]:
    """Measure how well noise removal joins neighbouring sub-swaths: |mean a - mean b| / (std a + std b), 0 is best.

    a and b are linear sigma nought of 100 samples on each side of a border, over all lines (Park et al. 2019, RQM).

    Returns:
        Numbers of the two sub-swaths → value.
    """
    tops = range(0, scene.shape[0], strip)
    parts = (slice(top, min(top + strip, scene.shape[0])) for top in tops)
    return contrasts(border_sums(scene, rows, sigma0(scene, polarisation, rows, noise)[0]) for rows in parts)


def border_sums(scene: Scene, rows: slice, values: Singles) -> Borders:
    """Sum sigma nought left and right of each border of sub-swaths in some lines.

    Returns:
        Numbers of the two sub-swaths → sum, sum of squares and count of each side, shape (2, 3).
    """
    sums: dict[tuple[int, int], Floats] = {}
    for pair, sides in _sides(scene, rows, values):
        moments = [[np.sum(one), np.sum(one * one), one.size] for one in sides]
        sums[pair] = sums.get(pair, np.zeros((2, 3))) + np.array(moments)
    return sums


def contrasts(parts: Iterable[Borders]) -> dict[tuple[int, int], float]:
    """Return `border_quality` from the sums of parts of a scene, in their order; not where a side has no values."""
    sums: dict[tuple[int, int], Floats] = {}
    for part in parts:
        for pair, moments in part.items():
            sums[pair] = sums.get(pair, np.zeros((2, 3))) + moments
    return {pair: _contrast(moments) for pair, moments in sorted(sums.items()) if moments[:, 2].all()}


def _sides(scene: Scene, rows: slice, values: Singles) -> Iterator[tuple[tuple[int, int], tuple[Floats, Floats]]]:
    """Yield known values left and right of each border in some lines."""
    blocks = scene.annotation.blocks
    for left in blocks:
        for right in blocks:
            top, bottom = (
                max(rows.start, left.first_line, right.first_line),
                min(rows.stop, left.last_line + 1, right.last_line + 1),
            )
            if right.first_sample != left.last_sample + 1 or top >= bottom:
                continue
            edge = right.first_sample
            part = values[top - rows.start : bottom - rows.start, max(edge - BORDER, 0) : edge + BORDER]
            sides = np.split(part.astype(np.float64), [min(BORDER, edge)], axis=1)
            a, b = (side[np.isfinite(side)] for side in sides)
            yield (left.swath, right.swath), (a, b)


def _contrast(moments: Floats) -> float:
    means = moments[:, 0] / moments[:, 2]
    spread_of = np.sqrt(np.maximum(moments[:, 1] / moments[:, 2] - means**2, 0))
    return float(abs(means[0] - means[1]) / max(spread_of.sum(), FLAT))
