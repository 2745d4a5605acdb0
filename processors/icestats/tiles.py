"""Counts one tile of a campaign: areas of ice and water per cell, scene and day, frequency, dates, and confusion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from processors.icestats.areas import Floats, cell_areas
from processors.icestats.scenes import ICE, LAND, UNKNOWN, WATER, Bytes, Lattice

Bools: TypeAlias = npt.NDArray[np.bool_]
BINS = 10
"""Bins of probability for the calibration error."""


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """What is known of one tile; stacks have the shape (scenes, rows, columns) and the order of time.

    Attributes:
        at: Its first row and column.
        scenes: Numbers of the scenes that reach it.
        days: Days since 1970 of these.
        classes: Their classes.
        chances: For each its probability in percent, or None.
        references: For each the reference's classes, or None.
        inside: Pixels of the region; None for all that a scene shows.
    """

    at: tuple[int, int]
    scenes: tuple[int, ...]
    days: tuple[int, ...]
    classes: Sequence[Bytes]
    chances: Sequence[Bytes | None]
    references: Sequence[Bytes | None]
    inside: Bools | None


@dataclass(frozen=True, slots=True, eq=False)
class Against:
    """One scene against its reference on one tile, where both know.

    Attributes:
        counts: Pixels by own class (water, ice) and the reference's, shape (2, 2).
        areas: The same in km².
        common: Area of each cell, km².
        ours: Ice of the scene in each cell, km².
        theirs: Ice of the reference in each cell, km².
        brier: Sum of area times squared error of the probability.
        bins: Per bin of probability: area, area times probability, area of the reference's ice; shape (10, 3).
    """

    counts: npt.NDArray[np.int64]
    areas: Floats
    common: Floats
    ours: Floats
    theirs: Floats
    brier: float
    bins: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """What one tile gives; cells have the shape (rows, columns) of its cells, km².

    Attributes:
        at: Its first row and column.
        scenes: Numbers of its scenes.
        region: Area inside the region.
        land: Land of it.
        valid: Per scene, area that is water or ice.
        ice: Per scene, area of ice.
        chance: Per scene: area with a probability, area times it, area times p (1 - p), and unsure area.
        pixels: Per scene, pixels that are water or ice.
        days: Day → valid area and ice of the day's composite.
        seen: Pixels' number of observations.
        iced: Pixels' number of observations of ice.
        first: Pixels' first day of ice since 1970; 0 for none.
        last: Pixels' last day of ice.
        against: Number of the scene → comparison.
    """

    at: tuple[int, int]
    scenes: tuple[int, ...]
    region: Floats
    land: Floats
    valid: Sequence[Floats]
    ice: Sequence[Floats]
    chance: Floats
    pixels: Sequence[int]
    days: dict[int, tuple[Floats, Floats]]
    seen: npt.NDArray[np.uint16]
    iced: npt.NDArray[np.uint16]
    first: npt.NDArray[np.uint16]
    last: npt.NDArray[np.uint16]
    against: dict[int, Against]


def count(lattice: Lattice, mean: bool, tile: Tile) -> Counted:
    """Count a tile.

    Args:
        lattice: Where the tile lies.
        mean: Whether a pixel of a day takes the mean of its observations, instead of the latest.
        tile: Its scenes.
    """
    side = lattice.tile
    areas = cell_areas(lattice.crs, lattice.at(*tile.at), (side, side))
    within = tile.inside if tile.inside is not None else _shown(tile.classes, side)
    areas = np.where(within, areas, 0.0)
    seen, iced = np.zeros((side, side), np.uint16), np.zeros((side, side), np.uint16)
    first, last = np.zeros((side, side), np.uint16), np.zeros((side, side), np.uint16)
    land = np.zeros((side, side), bool)
    valid, ice, pixels = [], [], []
    chance = np.zeros((len(tile.scenes), 4))
    against = {}
    for number, classes in enumerate(tile.classes):
        is_ice, known = _known(classes, within)
        land |= classes == LAND
        valid.append(per_cell(np.where(known, areas, 0.0), lattice.cell))
        ice.append(per_cell(np.where(is_ice, areas, 0.0), lattice.cell))
        pixels.append(int(known.sum()))
        seen += known
        iced += is_ice
        first[is_ice & (first == 0)] = tile.days[number]
        last[is_ice] = tile.days[number]
        percent = tile.chances[number]
        if percent is not None:
            chance[number] = _chance(percent, known, areas)
        reference = tile.references[number]
        if reference is not None:
            against[tile.scenes[number]] = _against(classes, reference, percent, areas, lattice.cell)
    days = {
        day: (per_cell(covered * areas, lattice.cell), per_cell(share * areas, lattice.cell))
        for day, covered, share in _composites(tile, within, mean)
    }
    return Counted(
        tile.at, tile.scenes, per_cell(areas, lattice.cell), per_cell(np.where(land, areas, 0.0), lattice.cell),
        valid, ice, chance, pixels, days, seen, iced, first, last, against,
    )  # fmt: skip


def per_cell(values: Floats, cell: int) -> Floats:
    """Sum pixels to cells, along rows first, so that the sum does not depend on how many cells there are."""
    rows, columns = values.shape[0] // cell, values.shape[1] // cell
    lines = np.ascontiguousarray(values).reshape(rows, cell, columns, cell).sum(axis=3)
    total = np.zeros((rows, columns))
    for line in range(cell):
        total += lines[:, line]
    return total


def _shown(stack: Sequence[Bytes], side: int) -> Bools:
    """Tell which pixels a scene shows as water, ice or land."""
    found = np.zeros((side, side), bool)
    for classes in stack:
        found |= (classes >= WATER) & (classes <= LAND)
    return found


def _known(classes: Bytes, within: Bools) -> tuple[Bools, Bools]:
    is_ice = (classes == ICE) & within
    return is_ice, is_ice | ((classes == WATER) & within)


def _composites(tile: Tile, within: Bools, mean: bool) -> Iterator[tuple[int, Floats, Floats]]:
    """Yield each day with its covered pixels and their share of ice."""
    for day in sorted(set(tile.days)):
        shown = [classes for classes, its in zip(tile.classes, tile.days, strict=True) if its == day]
        covered, share = np.zeros(within.shape), np.zeros(within.shape)
        for classes in shown:
            is_ice, known = _known(classes, within)
            if mean:
                covered += known
                share += is_ice
            else:
                covered[known] = 1.0
                share = np.where(known, is_ice.astype(np.float64), share)
        if mean:
            share = share / np.maximum(covered, 1)
            covered = np.minimum(covered, 1)
        yield day, covered, share


def _chance(percent: Bytes, known: Bools, areas: Floats) -> Floats:
    told = known & (percent != UNKNOWN)
    weight, p = areas[told], percent[told] / 100.0
    unsure = (percent[told] >= 35) & (percent[told] <= 65)
    return np.array([weight.sum(), (weight * p).sum(), (weight * p * (1 - p)).sum(), weight[unsure].sum()])


def _against(classes: Bytes, reference: Bytes, percent: Bytes | None, areas: Floats, cell: int) -> Against:
    within = areas > 0
    our_ice, ours = _known(classes, within)
    their_ice, theirs = _known(reference, within)
    both = ours & theirs
    pair = (2 * our_ice[both] + their_ice[both]).astype(np.int64)
    weight = areas[both]
    brier, bins = 0.0, np.zeros((BINS, 3))
    if percent is not None:
        told = both & (percent != UNKNOWN)
        p, truth, part = percent[told] / 100.0, their_ice[told].astype(np.float64), areas[told]
        brier = float((part * (p - truth) ** 2).sum())
        where = np.minimum(percent[told] // (100 // BINS), BINS - 1)
        parts = (part, part * p, part * truth)
        bins = np.stack([np.bincount(where, one, BINS) for one in parts], axis=1)
    return Against(
        np.bincount(pair, minlength=4).reshape(2, 2).astype(np.int64),
        np.bincount(pair, weight, 4).reshape(2, 2).astype(np.float64),
        per_cell(np.where(both, areas, 0.0), cell),
        per_cell(np.where(both & our_ice, areas, 0.0), cell),
        per_cell(np.where(both & their_ice, areas, 0.0), cell),
        brier,
        bins,
    )
