"""Cuts a scene into strips of cells that are described one by one, in flat memory, anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from processors.seaice.features import REACH, Cells, Channel, Settings, compute_features
from processors.seaice.radiometry import NoiseRule, incidence_at, sigma0_from
from processors.seaice.safe import Scene
from processors.seaice.textures import Reals

Numbers = npt.NDArray[np.uint16]
Swaths = npt.NDArray[np.uint8]

TALL = 60
"""Rows of cells in a strip."""


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """Some rows of cells, and the numbers around them.

    Attributes:
        first: First row of cells that is wanted.
        last: The row after the last one.
        top: Row of cells with which the numbers begin.
        numbers: Digital numbers of the co- and the cross-polarised channel; whole rows of cells.
    """

    first: int
    last: int
    top: int
    numbers: tuple[Numbers, Numbers]


def shape_in_cells(scene: Scene, settings: Settings) -> tuple[int, int]:
    """Return rows and columns of whole cells."""
    lines, samples = scene.shape
    return lines // settings.pixels, samples // settings.pixels


def centres(count: int, first: int, settings: Settings) -> Reals:
    """Return lines or samples of the centres of cells, counted from 0 at the centre of the first pixel."""
    return (np.arange(first, first + count, dtype=np.float64) + 0.5) * settings.pixels - 0.5


def strips_of(scene: Scene, settings: Settings, *, tall: int = TALL, rows: slice = slice(None)) -> Iterator[Strip]:
    """Read a scene strip by strip; every strip holds the cells around it that its windows reach.

    Args:
        scene: An opened product.
        settings: Size of cells.
        tall: Rows of cells in a strip; no value depends on it.
        rows: Rows of cells that are wanted.

    Raises:
        Refusal: The product ends before (``S1.TIFF_TRUNCATED``).
    """
    height = shape_in_cells(scene, settings)[0]
    begin, end, _ = rows.indices(height)
    for first in range(begin, end, tall):
        last = min(first + tall, end)
        top, bottom = max(0, first - REACH), min(height, last + REACH + 1)
        lines = slice(top * settings.pixels, bottom * settings.pixels)
        co, cross = (scene.read_dn(name, lines) for name in scene.polarisations)
        yield Strip(first, last, top, (co, cross))


def describe_strip(scene: Scene, noise: NoiseRule, settings: Settings, strip: Strip) -> Cells:
    """Take noise off and compute the features of a strip.

    Raises:
        Refusal: The noise of the product does not cover it (``S1.NOISE_SCHEMA``).
    """
    return describe_channels(scene, settings, strip, calibrate_strip(scene, noise, settings, strip))


def calibrate_strip(scene: Scene, noise: NoiseRule, settings: Settings, strip: Strip) -> tuple[Channel, Channel]:
    """Return backscatter and noise of the pixels of a strip, co and cross.

    Raises:
        Refusal: The noise of the product does not cover it (``S1.NOISE_SCHEMA``).
    """
    first = strip.top * settings.pixels
    co, cross = (
        Channel(name, *sigma0_from(scene, name, numbers, first, noise))
        for name, numbers in zip(scene.polarisations, strip.numbers, strict=True)
    )
    return co, cross


def describe_channels(scene: Scene, settings: Settings, strip: Strip, channels: tuple[Channel, Channel]) -> Cells:
    """Compute the features of a strip from its channels."""
    size = settings.pixels
    width = shape_in_cells(scene, settings)[1]
    height = strip.numbers[0].shape[0] // size
    lines, samples = centres(height, strip.top, settings), centres(width, 0, settings)
    incidence = incidence_at(scene, lines, samples).astype(np.float32)
    swaths = swaths_at(scene, lines, samples)
    rows = slice(strip.first - strip.top, strip.last - strip.top)
    co, cross = channels
    return compute_features(co, cross, incidence, swaths == 1, settings, rows)


def swaths_at(scene: Scene, lines: Reals, samples: Reals) -> Swaths:
    """Return the number of the sub-swath where lines and samples cross, 0 outside all."""
    numbers = np.zeros((lines.size, samples.size), np.uint8)
    for block in scene.annotation.blocks:
        rows = (lines >= block.first_line) & (lines <= block.last_line)
        columns = (samples >= block.first_sample) & (samples <= block.last_sample)
        numbers[np.ix_(rows, columns)] = block.swath
    return numbers
