"""Describes each cell of a scene by twenty numbers: backscatter at three scales, textures, noise and incidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.seaice.textures import (
    BELOW_NOISE,
    FLOOR,
    LEVELS,
    Floats,
    Reals,
    cell_sums,
    pair_sums,
    textures,
    window_sums,
)  # fmt: skip

Mask: TypeAlias = npt.NDArray[np.bool_]

PER_CHANNEL = ("mean_1", "mean_3", "mean_5", "deviation", "contrast", "homogeneity", "correlation", "dissimilarity")
GREY_DB: Mapping[str, tuple[float, float]] = {"HH": (-30, 0), "VV": (-30, 0), "HV": (-35, -10), "VH": (-35, -10)}
SLOPES: Mapping[str, float] = {"HH": -0.24, "VV": -0.24, "HV": -0.16, "VH": -0.16}
"""Change with incidence of the backscatter of deformed first-year ice, dB/° (Mäkynen and Karvonen, 2017)."""
REFERENCE_DEG = 30.0
REACH = 2
"""Cells on each side of a cell that its window takes in."""
SNR_DB = (-10.0, 30.0)
"""Limits of the signal-to-noise ratio; the upper one also stands for no noise."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides the features; a model states those it was trained with.

    Attributes:
        side: Pixels along a cell.
        looks: Pixels along each side that are averaged before anything else (1 keeps those of 40 m).
    """

    side: int = 5
    looks: int = 1

    @property
    def pixels(self) -> int:
        """Pixels of the product along a cell."""
        return self.side * self.looks

    def to_dict(self) -> dict[str, Any]:
        """Return all that somebody needs to compute the features anew, as JSON."""
        return {
            "cell_pixels": self.side,
            "looks": self.looks,
            "window_cells": 2 * REACH + 1,
            "grey_levels": LEVELS,
            "grey_range_db": {name: list(limits) for name, limits in sorted(GREY_DB.items())},
            "incidence_slope_db_per_deg": dict(sorted(SLOPES.items())),
            "incidence_reference_deg": REFERENCE_DEG,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """Backscatter of one polarisation.

    Attributes:
        name: HH, HV, VV or VH.
        sigma0: Linear, noise taken off, NaN where there is no data; shape (lines, samples).
        nesz: Noise-equivalent backscatter, linear; same shape.
    """

    name: str
    sigma0: Floats
    nesz: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Features of cells.

    Attributes:
        names: Their names, in order.
        values: Shape (features, rows, columns), float32; zero where not ``known``.
        known: Whether half of a cell has data in both polarisations; shape (rows, columns).
        snr_db: Signal-to-noise ratio of the cross-polarised window, dB.
    """

    names: tuple[str, ...]
    values: Floats
    known: Mask
    snr_db: Floats


def feature_names(co: str, cross: str) -> tuple[str, ...]:
    """Return the names of all features, e.g. ``hh_contrast``; numbers in names are cells along a window."""
    co, cross = co.lower(), cross.lower()
    own = [f"{channel}_{name}" for channel in (co, cross) for name in PER_CHANNEL]
    return (*own, f"{cross}_snr", f"{cross}_{co}_ratio", "incidence", "ew1")


def compute_features(
    co: Channel, cross: Channel, incidence: Floats, ew1: Mask, settings: Settings, rows: slice = slice(None)
) -> Cells:
    """Compute the features of cells.

    Windows reach two cells beyond a cell: give two rows of cells more above, and three below, than are wanted, where
    the scene has them; values then do not depend on where a strip begins.

    Args:
        co: Co-polarised channel.
        cross: Cross-polarised channel.
        incidence: Incidence angle of cells, degrees; shape (rows, columns).
        ew1: Whether cells lie in the first sub-swath, which has more looks; shape (rows, columns).
        settings: Size of cells.
        rows: Rows of cells that are wanted.
    """
    incidence = incidence.astype(np.float32)
    bulk = [_Sums(channel, incidence, settings, rows) for channel in (co, cross)]
    angle = incidence[rows]
    snr = bulk[1].snr()
    ratio = bulk[1].decibels(5) - bulk[0].decibels(5)
    planes: list[Any] = [*bulk[0].planes(angle), *bulk[1].planes(angle), snr, ratio, angle, ew1[rows]]
    known = bulk[0].known & bulk[1].known
    values = np.empty((len(planes), *angle.shape), np.float32)
    for place, plane in zip(values, planes, strict=True):
        place[...] = np.where(known, plane, 0)
    return Cells(feature_names(co.name, cross.name), values, known, snr.astype(np.float32))


class _Sums:
    """Sums of one channel over windows of 1, 3 and 5 cells, for the rows that are wanted."""

    def __init__(self, channel: Channel, incidence: Floats, settings: Settings, rows: slice) -> None:
        side, (height, width) = settings.side, incidence.shape
        shift = np.float32(SLOPES[channel.name]) * (incidence - np.float32(REFERENCE_DEG))
        sigma0, nesz = (average(part, settings.looks)[: height * side, : width * side] for part in (
            channel.sigma0, channel.nesz))  # fmt: skip
        grey, sums = cell_sums(sigma0, nesz, shift, *GREY_DB[channel.name], side)
        five = window_sums(np.concatenate([sums, pair_sums(grey, side)]), REACH)[:, rows]
        three = window_sums(sums[:3], 1)[:, rows]
        self.slope = SLOPES[channel.name]
        self.windows = {1: sums[:3, rows], 3: three, 5: five[:3]}
        self.levels, self.pairs = five[3:5], five[5:]
        self.known = sums[0, rows] * 2 >= side * side

    def mean(self, cells: int) -> tuple[Reals, Reals]:
        """Return mean backscatter, at least a tenth of the mean noise, and the mean noise."""
        count, signal, noise = self.windows[cells]
        count = np.maximum(count, 1)
        noise = noise / count
        return np.maximum(signal / count, np.maximum(BELOW_NOISE * noise, FLOOR)), noise

    def decibels(self, cells: int) -> Reals:
        """Return mean backscatter, dB."""
        made: Reals = 10 * np.log10(self.mean(cells)[0])
        return made

    def snr(self) -> Reals:
        """Return mean backscatter over mean noise of five cells, dB."""
        signal, noise = self.mean(5)
        ratio = 10 * np.log10(signal / np.maximum(noise, 1e-12))
        made: Reals = np.clip(ratio, *SNR_DB)
        return made

    def planes(self, angle: Floats) -> list[Reals]:
        """Return the features of this channel alone."""
        shift = self.slope * (angle.astype(np.float64) - REFERENCE_DEG)
        means = [self.decibels(cells) - shift for cells in (1, 3, 5)]
        count = np.maximum(self.windows[5][0], 1)
        mean = self.levels[0] / count
        deviation = np.sqrt(np.maximum(self.levels[1] / count - mean * mean, 0))
        return [*means, deviation, *textures(self.pairs)]


def average(values: Floats, looks: int) -> Floats:
    """Average squares of pixels; one without data leaves the square without, and what does not fill one is left out."""
    if looks == 1:
        return values
    height, width = (size // looks for size in values.shape)
    blocks = values[: height * looks, : width * looks].reshape(height, looks, width, looks)
    made: Floats = blocks.mean(axis=(1, 3), dtype=np.float64).astype(np.float32)
    return made
