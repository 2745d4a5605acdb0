"""Classifies a scene strip by strip and brings classes, probabilities and flags onto a map."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from processors.sampling import Target
from processors.seaice.artefact import Model
from processors.seaice.features import Mask
from processors.seaice.geolocation import Geolocation
from processors.seaice.land import land_on
from processors.seaice.postprocess import LAND, UNKNOWN, Bytes, Called
from processors.seaice.radiometry import NoiseRule
from processors.seaice.safe import Scene
from processors.seaice.strips import Strip, centres, describe_strip, shape_in_cells, strips_of, swaths_at
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
SPECK: Final = 128
FLAGS = {
    NO_DATA: "no_data", COAST: "land_or_coast", UNSURE: "unsure", BELOW_NOISE: "signal_below_noise",
    BORDER: "sub_swath_border", POOR_NOISE: "noise_unqualified_or_fallback", SPECK: "speck_filtered",
}  # fmt: skip
"""Bits of the raster of flags."""
NO_CHANCE: Final = 255


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What a model says of the cells of a scene, in its own geometry.

    Attributes:
        chance: Probability of ice, NaN where nothing is known; shape (rows, columns).
        snr_db: Signal-to-noise ratio at cross polarisation, dB.
    """

    chance: Floats
    snr_db: Floats


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


def judge(scene: Scene, model: Model, noise: NoiseRule, engine: Engine) -> Judged:
    """Compute the probability of ice of all cells, in strips that may be worked on anywhere.

    Raises:
        Refusal: The scene cannot be read, or lacks what the model was trained with (``MODEL.FEATURE_MISMATCH``).
    """
    shape = shape_in_cells(scene, model.settings)
    chance, snr = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)
    strips = strips_of(scene, model.settings)
    for first, values, ratio in engine.map(partial(_strip, scene, model, noise), strips, task="strips"):
        rows = slice(first, first + values.shape[0])
        chance[rows], snr[rows] = values, ratio
    return Judged(chance, snr)


def _strip(scene: Scene, model: Model, noise: NoiseRule, strip: Strip) -> tuple[int, Floats, Floats]:
    cells = describe_strip(scene, noise, model.settings, strip)
    return strip.first, model.predict(cells), cells.snr_db


def flags_of(scene: Scene, model: Model, judged: Judged, called: Called, *, poor_noise: bool) -> Bytes:
    """Return the flags of cells in the scene's own geometry, all but those of land."""
    shape = called.classes.shape
    flags = np.zeros(shape, np.uint8)
    with np.errstate(invalid="ignore"):
        flags[called.unsure] |= UNSURE
        flags[judged.snr_db < 0] |= BELOW_NOISE
    flags[_borders(scene, model, shape)] |= BORDER
    flags[called.specks] |= SPECK
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


def draw_map(
    geolocation: Geolocation, called: Called, flags: Bytes, pixels: int, resolution: float, land_buffer_m: float
) -> Map:
    """Bring cells onto the smallest map that holds the scene, the nearest one for each, and put land over them.

    Args:
        geolocation: Places of the scene in the map's reference system.
        called: Classes of cells.
        flags: Flags of cells.
        pixels: Pixels of the scene along a cell.
        resolution: Side of a cell of the map, m.
        land_buffer_m: Sea within this distance of land counts as land, m.
    """
    target = geolocation.target(resolution)
    warp, rows = Warp.onto(geolocation, target), slice(None)
    classes: Bytes = warp.take(called.classes, rows, fill=UNKNOWN, cell=pixels)
    known = ~np.isnan(called.chance)
    hundredths = np.where(known, np.rint(np.where(known, called.chance, 0) * 100), NO_CHANCE).astype(np.uint8)
    percent: Bytes = warp.take(hundredths, rows, fill=NO_CHANCE, cell=pixels)
    marks: Bytes = warp.take(flags, rows, fill=NO_DATA, cell=pixels)
    land = land_on(target, land_buffer_m) & (classes != UNKNOWN)
    classes[land], percent[land] = LAND, NO_CHANCE
    marks[land] |= COAST
    return Map(target, classes, percent, marks)
