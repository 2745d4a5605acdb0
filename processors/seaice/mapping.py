"""Classifies a scene strip by strip and brings classes, probabilities and flags onto a map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from processors.sampling import Target
from processors.seaice.area import Area
from processors.seaice.artefact import Model
from processors.seaice.features import Mask
from processors.seaice.land import land_on
from processors.seaice.postprocess import LAND, UNKNOWN, Bytes, Called
from processors.seaice.radiometry import Borders, NoiseRule, border_sums, contrasts
from processors.seaice.safe import Scene
from processors.seaice.strips import (
    Strip,
    calibrate_strip,
    centres,
    describe_channels,
    shape_in_cells,
    strips_of,
    swaths_at,
)
from processors.seaice.textures import Floats
from processors.seaice.warp import Warp

if TYPE_CHECKING:
    from processors.engine import Engine

NO_DATA: Final = 1
COAST: Final = 2
UNSURE: Final = 4
BELOW_NOISE: Final = 8
BORDER: Final = 16
POOR_NOISE: Final = 32
DISTURBED: Final = 64
SPECK: Final = 128
FLAGS = {
    NO_DATA: "no_data", COAST: "land_or_coast", UNSURE: "unsure", BELOW_NOISE: "signal_below_noise",
    BORDER: "sub_swath_border", POOR_NOISE: "noise_unqualified_or_fallback",
    DISTURBED: "interference_or_extrapolated_place", SPECK: "speck_filtered",
}  # fmt: skip
"""Bits of the raster of flags."""
NO_CHANCE: Final = 255


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What a model says of the cells of a scene, in its own geometry.

    Attributes:
        chance: Probability of ice, NaN where nothing is known; shape (rows, columns).
        snr_db: Signal-to-noise ratio at cross polarisation, dB.
        nesz: Noise-equivalent backscatter at the centre of cells, linear, co and cross; shape (2, rows, columns).
        borders: How well sub-swaths join at cross polarisation, see `processors.seaice.radiometry.border_quality`.
        inside: Cells that statistics are made of; shape (rows, columns).
    """

    chance: Floats
    snr_db: Floats
    nesz: Floats
    borders: Mapping[tuple[int, int], float]
    inside: Mask

    @property
    def told(self) -> Mask:
        """Cells that statistics are made of and of which something is known."""
        known: Mask = np.isfinite(self.chance) & self.inside
        return known


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """A classified scene on a map.

    Attributes:
        target: The map.
        classes: 0 nothing, 1 open water, 2 sea ice, 3 land.
        percent: Probability of ice in percent, 255 where there is none.
        flags: Bits of `FLAGS`.
    """

    target: Target
    classes: Bytes
    percent: Bytes
    flags: Bytes


def judge(scene: Scene, model: Model, noise: NoiseRule, engine: Engine, rows: slice, inside: Mask) -> Judged:
    """Compute the probability of ice of cells, in strips that may be worked on anywhere.

    Args:
        scene: The scene.
        model: The model.
        noise: What is subtracted.
        engine: Where strips are worked on.
        rows: Rows of cells that are wanted; nothing is known of the others.
        inside: Cells that statistics are made of, shape (rows, columns).

    Raises:
        Refusal: The scene cannot be read, or lacks what the model was trained with (``MODEL.FEATURE_MISMATCH``).
    """
    shape = shape_in_cells(scene, model.settings)
    chance, snr = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)
    nesz = np.full((2, *shape), np.nan, np.float32)
    strips = ((one, inside[one.first : one.last]) for one in strips_of(scene, model.settings, rows=rows))
    borders = []
    for first, values, ratio, level, sums in engine.map(partial(_strip, scene, model, noise), strips, task="strips"):
        here = slice(first, first + values.shape[0])
        chance[here], snr[here], nesz[:, here] = values, ratio, level
        borders.append(sums)
    return Judged(chance, snr, nesz, contrasts(borders), inside)


Told: TypeAlias = tuple[int, Floats, Floats, Floats, Borders]
"""First row of a strip, and of its cells: probability, signal to noise, noise, and the sums at borders."""


def _strip(scene: Scene, model: Model, noise: NoiseRule, part: tuple[Strip, Mask]) -> Told:
    strip, inside = part
    channels = calibrate_strip(scene, noise, model.settings, strip)
    cells = describe_channels(scene, model.settings, strip, channels)
    size = model.settings.pixels
    lines = slice((strip.first - strip.top) * size, (strip.last - strip.top) * size)
    width = cells.snr_db.shape[1] * size
    level = np.stack([one.nesz[lines, :width][size // 2 :: size, size // 2 :: size] for one in channels])
    cross = channels[1].sigma0[lines]
    if not inside.all():
        pixels = np.repeat(np.repeat(inside, size, axis=0), size, axis=1)
        pixels = np.pad(pixels, ((0, 0), (0, cross.shape[1] - width)), "edge")
        cross = np.where(pixels, cross, np.float32(np.nan))
    sums = border_sums(scene, slice(strip.first * size, strip.last * size), cross)
    return strip.first, model.predict(cells), cells.snr_db, level, sums


def flags_of(scene: Scene, model: Model, judged: Judged, called: Called, *, poor_noise: bool) -> Bytes:
    """Return the flags of cells in the scene's own geometry, all but those of land."""
    shape = called.classes.shape
    flags = np.zeros(shape, np.uint8)
    with np.errstate(invalid="ignore"):
        flags[called.unsure] |= UNSURE
        flags[judged.snr_db < 0] |= BELOW_NOISE
    flags[_borders(scene, model, shape)] |= BORDER
    flags[called.specks] |= SPECK
    flags[_disturbed(scene, model, shape)] |= DISTURBED
    if poor_noise:
        flags |= POOR_NOISE
    flags[called.classes == UNKNOWN] = NO_DATA
    return flags


def _borders(scene: Scene, model: Model, shape: tuple[int, ...]) -> Mask:
    """Return the cells beside another sub-swath."""
    lines, samples = centres(shape[0], 0, model.settings), centres(shape[1], 0, model.settings)
    swaths = swaths_at(scene, lines, samples)
    found = np.zeros(shape, bool)
    differ = swaths[:, 1:] != swaths[:, :-1]
    found[:, 1:] |= differ
    found[:, :-1] |= differ
    return found


def _disturbed(scene: Scene, model: Model, shape: tuple[int, ...]) -> Mask:
    """Return the cells with radio interference, and those beyond the annotated points or ground-range polynomials."""
    lines, samples = centres(shape[0], 0, model.settings), centres(shape[1], 0, model.settings)
    time = lines * scene.annotation.line_interval
    polynomials, points = scene.annotation.ground_range.time, scene.annotation.points
    beyond = (time < polynomials[0]) | (time > polynomials[-1]) | (lines > points.line.max())
    found: Mask = beyond[:, None] | (samples > points.pixel.max())
    swaths = swaths_at(scene, lines, samples)
    for span in {span for channel in scene.channels.values() for span in channel.interference}:
        rows = (time >= span.start) & (time < span.stop)
        found[rows] |= swaths[rows] == span.swath
    return found


def draw_map(area: Area, called: Called, flags: Bytes, pixels: int, resolution: float, land_buffer_m: float) -> Map:
    """Bring cells onto the smallest map that holds what is wanted, the nearest one for each, and put land over them.

    Args:
        area: What is mapped, and in which reference system.
        called: Classes of cells.
        flags: Flags of cells.
        pixels: Pixels of the scene along a cell.
        resolution: Side of a cell of the map, m.
        land_buffer_m: Sea within this distance of land counts as land, m.
    """
    target = area.target(resolution)
    warp, rows = Warp.onto(area.geolocation, target), slice(None)
    classes: Bytes = warp.take(called.classes, rows, fill=UNKNOWN, cell=pixels)
    known = ~np.isnan(called.chance)
    hundredths = np.where(known, np.rint(np.where(known, called.chance, 0) * 100), NO_CHANCE).astype(np.uint8)
    percent: Bytes = warp.take(hundredths, rows, fill=NO_CHANCE, cell=pixels)
    marks: Bytes = warp.take(flags, rows, fill=NO_DATA, cell=pixels)
    outside = area.outside(target)
    classes[outside], percent[outside], marks[outside] = UNKNOWN, NO_CHANCE, NO_DATA
    land = land_on(target, land_buffer_m) & (classes != UNKNOWN)
    classes[land], percent[land] = LAND, NO_CHANCE
    marks[land] |= COAST
    return Map(target, classes, percent, marks)
