"""Statistics of levels over time: mean, mode, percentiles, probability density, distribution and exposure level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
STEP_DB = 0.1
"""Width of the classes of a level of which mode and probability density are made (Merchant et al. 2013)."""
ENOUGH = 1000
"""Spectra from which on a probability density is worth drawing (Merchant et al. 2013)."""


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """Of levels at each frequency.

    Attributes:
        rms: Level of the mean power, dB, shape (bands,).
        mode: Centre of the fullest class of 0.1 dB, dB, shape (bands,).
        percentiles: Type 7 of the levels (Hyndman and Fan 1996), dB, shape (percentiles, bands).
    """

    rms: Floats
    mode: Floats
    percentiles: Floats


def statistics_of(levels: npt.NDArray[np.floating], percentiles: Sequence[float]) -> Statistics:
    """Return the statistics of levels, dB, shape (times, bands), exactly.

    The 50th percentile is the median. The level exceeded for a share p of the time is the percentile 100 - p.
    """
    levels = np.asarray(levels, np.float64)
    rms = 10 * np.log10(np.mean(10 ** (levels / 10), axis=0))
    counts, lowest = classes_of(levels)
    mode = (lowest + np.argmax(counts, axis=0)) * STEP_DB
    return Statistics(rms, mode, np.percentile(levels, list(percentiles), axis=0))


def classes_of(levels: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.int64], int]:
    """Count levels in classes of 0.1 dB.

    Returns:
        Counts, shape (classes, bands), and the number of the first class: class n is centred at 0.1 n dB.
    """
    number = np.rint(np.clip(levels, -500, 500) / STEP_DB).astype(np.int64)
    lowest = int(number.min())
    many, bands = int(number.max()) - lowest + 1, levels.shape[1]
    flat = (number - lowest) * bands + np.arange(bands)
    return np.bincount(flat.ravel(), minlength=many * bands).reshape(many, bands), lowest


def density_of(levels: npt.NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Return the spectral probability density, 1/dB, shape (classes, bands), and the centres of its classes, dB."""
    counts, lowest = classes_of(levels)
    density: Floats = counts / (len(levels) * STEP_DB)
    return density, STEP_DB * np.arange(lowest, lowest + len(counts), dtype=np.float64)


def cumulative_of(levels: Floats) -> tuple[Floats, Floats]:
    """Return levels in order and the share of time at or below each."""
    share: Floats = np.linspace(1 / levels.size, 1, levels.size, dtype=np.float64)
    return np.sort(levels), share


def exposure_level(power: Floats, seconds: Floats) -> float:
    """Return the sound exposure level, dB re reference² s: power re reference² of each row times its seconds."""
    return float(10 * np.log10(np.sum(power * seconds)))
