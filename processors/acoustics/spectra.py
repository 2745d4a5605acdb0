"""Powers of windowed segments, summed over a chunk of sound: the work that is done in parallel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.acoustics.bands import (
    LOWEST_DECIDECADE,
    Bands,
    bins,
    class_1_filters,
    decidecades,
    hybrid_millidecades,
    shares,
)
from processors.acoustics.calibration import Calibration
from processors.acoustics.deployment import Chunk
from processors.acoustics.recordings import Samples
from processors.acoustics.timestamps import iso
from processors.errors import Refusal

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats: TypeAlias = npt.NDArray[np.float64]
Analysis: TypeAlias = Literal["PSD", "PowerSpec", "TOL", "TOLf", "HMB", "Broadband", "Waveform"]
Window: TypeAlias = Literal["Hann", "Hamming", "Blackman", "Rectangular", "BlackmanHarris", "FlatTop"]
SEGMENTS = 16
"""Segments of one call of the FFT: a multiple of the lanes of its vector instructions."""
CLIPPED = 0.999
WINDOWS: Mapping[Window, tuple[float, ...]] = {
    "Hann": (0.5, 0.5),
    "Hamming": (0.54, 0.46),
    "Blackman": (0.42, 0.5, 0.08),
    "Rectangular": (1.0,),
    "BlackmanHarris": (0.35875, 0.48829, 0.14128, 0.01168),
    "FlatTop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
}
"""Coefficients of sums of cosines (Harris 1978; flat top: D'Antona and Ferrero 2006)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done with each chunk; equal plans share their matrices.

    Attributes:
        analysis: Which analysis.
        rate: Samples per second.
        length: Samples of a segment.
        hop: Samples from one segment to the next.
        window: Window, periodic.
        scale: What makes full scale (or volts, or a pressure) of a sample.
        calibration: What makes pressure of it.
        lowest: Lowest frequency, Hz; None for all (decidecades: from 25 Hz).
        highest: Highest frequency, Hz.
        double: Whether to compute in float64.
        single: Whether each segment stands for itself.
        remove_dc: Whether the mean of each segment is taken off.
    """

    analysis: Analysis
    rate: Fraction
    length: int
    hop: int
    window: Window
    scale: float
    calibration: Calibration
    lowest: float | None
    highest: float
    double: bool
    single: bool
    remove_dc: bool


@dataclass(frozen=True, slots=True)
class Part:
    """What one chunk gives.

    Attributes:
        chunk: Which.
        powers: Sums over segments, or each segment's, re reference², shape (rows, bands).
        broadband: The same over all frequencies, shape (rows,).
        low: Smallest sample, as stored.
        high: Largest sample, as stored.
        clipped: Share of samples at full scale.
        offset: Mean of the samples, as stored.
    """

    chunk: Chunk
    powers: Floats
    broadband: Floats
    low: float
    high: float
    clipped: float
    offset: float


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """What turns sums of |DFT|² into powers of bands.

    Attributes:
        bands: The bands.
        matrix: Shape (bands, bins); None where bands are the bins ``taken``.
        taken: Which bins, where there is no matrix.
        factor: Multiplies the powers of bands: 1/width for densities.
        density: Turns |DFT|² into power per bin, calibrated, shape (bins,).
        broadband: Which bins count for the broadband level, 0 or 1.
    """

    bands: Bands
    matrix: csr_array | None
    taken: slice
    factor: Floats
    density: Floats
    broadband: Floats


def window_of(name: Window, length: int) -> Floats:
    """Return a window, periodic, shape (length,)."""
    turn = 2 * np.pi * np.arange(length) / length
    total: Floats = np.zeros(length)
    for order, coefficient in enumerate(WINDOWS[name]):
        total += (-1) ** order * coefficient * np.cos(order * turn)
    return total


def noise_bandwidth(window: Floats) -> float:
    """Return the equivalent noise bandwidth of a window, bins (Harris 1978)."""
    return float(np.mean(window**2) / np.mean(window) ** 2)


@lru_cache(maxsize=2)
def weights_of(plan: Plan) -> Weights:
    """Return bands and weights of a plan.

    PSD(k) = c |X(k)|² / (rate Σw²), c = 1 at 0 Hz and Nyquist and 2 between; the power of a bin is PSD · rate/length.

    Raises:
        Refusal: The frequencies wanted hold no band.
    """
    rate, window = float(plan.rate), window_of(plan.window, plan.length)
    every = bins(rate, plan.length)
    frequency = every.centre
    sides = np.full(frequency.size, 2.0)
    sides[0] = 1.0
    if plan.length % 2 == 0:
        sides[-1] = 1.0
    density = sides / (plan.length * np.sum(window**2)) * plan.calibration.power(frequency)
    lowest = plan.lowest or 0.0
    audible = ((frequency >= lowest) & (frequency <= plan.highest * (1 + 1e-12))).astype(float)
    matrix, taken, factor = None, slice(0), np.ones(1)
    if plan.analysis in {"PSD", "PowerSpec"}:
        taken = slice(int(np.argmax(audible)), int(np.argmax(audible) + audible.sum()))
        bands = Bands(every.lower[taken], every.centre[taken], every.upper[taken])
        factor = np.full(
            bands.centre.size, noise_bandwidth(window) if plan.analysis == "PowerSpec" else plan.length / rate
        )
    elif plan.analysis in {"TOL", "TOLf"}:
        lowest = LOWEST_DECIDECADE if plan.lowest is None else plan.lowest
        bands = decidecades(plan.highest).within(lowest, plan.highest)
        matrix = (class_1_filters if plan.analysis == "TOL" else shares)(bands, rate, plan.length)
    elif plan.analysis == "HMB":
        bands = hybrid_millidecades(rate / 2).within(lowest, plan.highest)
        matrix, factor = shares(bands, rate, plan.length), 1 / bands.width
    else:
        low, high = np.array([lowest]), np.array([plan.highest])
        bands = Bands(low, (low + high) / 2, high)
    return Weights(bands, matrix, taken, factor, density, audible)


def analyse(plan: Plan, batch: tuple[Chunk, Samples]) -> Part:
    """Return the powers of a chunk.

    Args:
        plan: What to do.
        batch: A chunk and its samples, shape (chunk.last - chunk.first,).

    Raises:
        Refusal: A sample is no finite number.
    """
    chunk, samples = batch
    low, high = samples.min().item(), samples.max().item()
    if not (np.isfinite(low) and np.isfinite(high)):
        count = int((~np.isfinite(samples)).sum())
        raise Refusal(
            f"{count} samples near {iso(chunk.start)} are no finite numbers", "recording", "leave the file out"
        )
    top = CLIPPED / plan.scale
    clipped = float(np.mean(np.abs(samples.astype(np.float64)) >= top)) if max(-low, high) >= top else 0.0
    powers, broadband = np.zeros((1, 0)), np.zeros(1)
    if plan.analysis != "Waveform":
        powers, broadband = _powers(plan, samples)
    else:
        factor = plan.scale**2 * plan.calibration.power(0.0)
        broadband[0] = np.mean(np.square(samples, dtype=np.float64)) * chunk.segments * factor
    return Part(chunk, powers, broadband, low, high, clipped, float(samples.mean(dtype=np.float64)))


def _powers(plan: Plan, samples: Samples) -> tuple[Floats, Floats]:
    weights = weights_of(plan)
    spectra = _single(plan, samples) if plan.single else _summed(plan, samples)[None]
    spectra *= weights.density
    broadband = spectra @ weights.broadband
    if plan.analysis == "Broadband":
        return np.zeros((broadband.size, 0)), broadband
    if weights.matrix is None:
        return spectra[:, weights.taken] * weights.factor, broadband
    return (weights.matrix @ spectra.T).T * weights.factor, broadband


def _summed(plan: Plan, samples: Samples) -> Floats:
    total = np.zeros(plan.length // 2 + 1)
    for squares in _squares(plan, samples):
        total += squares.sum(axis=0).reshape(-1, 2).sum(axis=1)
    return total


def _single(plan: Plan, samples: Samples) -> Floats:
    parts = [squares.reshape(len(squares), -1, 2).sum(axis=2) for squares in _squares(plan, samples)]
    return np.concatenate(parts).astype(np.float64)


def _squares(plan: Plan, samples: Samples) -> Any:
    """Yield the squares of real and imaginary parts, interleaved, of a few segments at a time."""
    from scipy.fft import rfft

    kind = np.float64 if plan.double else np.float32
    window = (window_of(plan.window, plan.length) * plan.scale).astype(kind)
    segments = np.lib.stride_tricks.sliding_window_view(samples, plan.length)[:: plan.hop]
    buffer = np.empty((SEGMENTS, plan.length), kind)
    for first in range(0, len(segments), SEGMENTS):
        some = segments[first : first + SEGMENTS]
        windowed = buffer[: len(some)]
        if plan.remove_dc:
            some = some - some.mean(axis=1, keepdims=True, dtype=np.float64)
        np.multiply(some, window, out=windowed, casting="same_kind")
        parts = rfft(windowed, axis=1).view(kind)
        yield np.multiply(parts, parts, out=parts)
