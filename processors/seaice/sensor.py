"""The simulated radar: its orbit, sub-swaths, calibration and thermal noise, drawn anew for each scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from processors.seaice.annotation import Block
from processors.seaice.calibration import Calibration
from processors.seaice.markup import Floats
from processors.seaice.noise import AzimuthVector, Noise, RangeVector

LINES, SAMPLES = 10_708, 10_487
"""Size of a full scene (S1A, 30 November 2022)."""
BETA = 1087.0
"""A of beta nought; that of sigma nought is BETA / sqrt(sin incidence)."""
STARTS = (0, 128, 226, 324, 422)
"""First line of each sub-swath."""
EDGES = (0, 3112, 5013, 7084, 8959, SAMPLES)
"""First sample of each sub-swath from the second block of lines on, and the end."""
EARLY = (0, 6, 8, 8, 7, 0)
"""Samples by which edges lie farther in the first block."""
NEXT_BLOCK = 1345
KNOT, VECTOR = 40, 167
"""Samples between knots, lines between vectors."""
SCALLOP, SCALLOP_KNOT = 506, 10
"""Lines of a period of scalloping, and between its knots."""
UNKNOWN = 45
"""Last samples whose noise is given as 0: not known."""
CROSS_DB = (
    (-20.7, -25.5, -26.2, -24.4, -23.5, -25.4, -26.5, -25.5, -22.2),
    (-28.3, -29.6, -30.2, -30.2, -30.0, -29.6, -29.1, -28.1, -26.6),
    (-27.2, -29.4, -30.7, -31.4, -31.6, -31.3, -30.6, -29.4, -27.4),
    (-29.9, -32.2, -33.6, -34.2, -34.1, -33.4, -32.0, -29.9, -27.1),
    (-31.5, -32.5, -33.2, -33.5, -33.4, -33.0, -32.2, -31.2, -30.2),
)
"""Noise-equivalent sigma nought at HV, dB, at nine places evenly across each sub-swath."""
PEAKS = ((1.215, 1.212, 1.191, 1.169, 1.138), (1.231, 1.221, 1.190, 1.173, 1.146))
"""Highest factor of scalloping at co and cross polarisation."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is drawn of the radar for one polarisation.

    Attributes:
        level: Noise-equivalent sigma nought over that of `CROSS_DB`, dB, by sub-swath.
        phases: Phase of scalloping, 0 to 1, by sub-swath.
        scale: True over annotated noise, by sub-swath.
        offset: What true noise has more, in sigma nought, by sub-swath.
    """

    level: tuple[float, ...]
    phases: tuple[float, ...]
    scale: tuple[float, ...]
    offset: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a full scene that is simulated.

    Attributes:
        first_line: Its first line.
        first_sample: Its first sample.
        lines: How many.
        samples: How many.
    """

    first_line: int
    first_sample: int
    lines: int
    samples: int


def blocks_of(window: Window) -> tuple[Block, ...]:
    """Return sub-swath bounds as in a real product: staggered at the top, moved by some samples at the second block."""
    found = []
    for swath in range(5):
        for start, end, more in ((STARTS[swath], NEXT_BLOCK - 1, EARLY), (NEXT_BLOCK, LINES - 1, (0,) * 6)):
            first, last = EDGES[swath] + more[swath], EDGES[swath + 1] + more[swath + 1] - 1
            top, bottom = max(start - window.first_line, 0), min(end - window.first_line, window.lines - 1)
            left, right = max(first - window.first_sample, 0), min(last - window.first_sample, window.samples - 1)
            if top <= bottom and left <= right:
                found.append(Block(swath + 1, top, bottom, left, right))
    return tuple(found)


def calibration_of(window: Window, incidence: Floats) -> Calibration:
    """Return calibration vectors.

    Args:
        window: Part of the full scene.
        incidence: Degrees at each sample.
    """
    line = np.arange(0, window.lines + VECTOR, VECTOR, dtype=np.float64)
    pixel = _knots(0, window.samples - 1)
    sigma = np.round(BETA / np.sqrt(np.sin(np.radians(incidence[pixel.astype(int)]))), 4)
    return Calibration(line, pixel, np.tile(sigma, (line.size, 1)))


def noise_of(window: Window, drawn: Drawn, peaks: Sequence[float], calibration: Calibration) -> Noise:
    """Return noise vectors as a processor annotates them: 0 outside sub-swaths and at the last samples."""
    blocks = blocks_of(window)
    tops = {block.first_line for block in blocks}
    lines = sorted({*range(min(tops), window.lines, VECTOR), window.lines - 1, *tops})
    azimuth = tuple(_azimuth(window, block, drawn, peaks[block.swath - 1]) for block in blocks)
    return Noise(tuple(_range(window, line, blocks, drawn, calibration) for line in lines), azimuth)


def _knots(first: int, last: int) -> Floats:
    return np.unique([*range(first, last + 1, KNOT), last]).astype(np.float64)


def _range(window: Window, line: int, blocks: tuple[Block, ...], drawn: Drawn, calibration: Calibration) -> RangeVector:
    """Return noise across a line; where no sub-swath is yet, noise is given as 0."""
    pixel, noise = [], []
    for block in (block for block in blocks if block.first_line <= line <= block.last_line):
        own = _knots(block.first_sample, block.last_sample)
        sigma = np.interp(own, calibration.pixel, calibration.sigma[0])
        power = 10 ** (_profile(window, block, own, drawn) / 10) * sigma**2
        power[own + window.first_sample > SAMPLES - UNKNOWN] = 0
        pixel.append(own)
        noise.append(power)
    found = np.concatenate(pixel)
    rest = _knots(0, window.samples - 1)
    rest = rest[rest > found[-1]]
    return RangeVector(line, np.concatenate([found, rest]), np.round(np.concatenate([*noise, 0 * rest]), 3))


def _profile(window: Window, block: Block, pixel: Floats, drawn: Drawn) -> Floats:
    from scipy.interpolate import CubicSpline

    swath = block.swath - 1
    places = np.linspace(EDGES[swath], EDGES[swath + 1] - 1, 9)
    at = np.clip(pixel + window.first_sample, places[0], places[-1])
    profile: Floats = CubicSpline(places, CROSS_DB[swath])(at) + drawn.level[swath]
    return profile


def _azimuth(window: Window, block: Block, drawn: Drawn, peak: float) -> AzimuthVector:
    line = np.unique([*range(block.first_line, block.last_line + 1, SCALLOP_KNOT), block.last_line]).astype(np.float64)
    turn = ((line + window.first_line) / SCALLOP + drawn.phases[block.swath - 1]) % 1
    return AzimuthVector(block, line, np.round(1 + (peak - 1) * (2 * turn - 1) ** 2, 6))


def looks_of(window: Window, first_swath: float, others: float) -> Floats:
    """Return the equivalent number of looks at each sample; the first sub-swath is made of one look more."""
    sample = np.arange(window.samples) + window.first_sample
    return np.where(sample < EDGES[1], first_swath, others)
