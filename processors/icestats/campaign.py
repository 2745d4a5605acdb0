"""Gathers a campaign: concentration of each day, frequency and dates of ice, and a row for each scene."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.icestats.areas import Floats, Transform
from processors.icestats.comparison import Agreement, figures_of_agreement, figures_of_cells, flat_row
from processors.icestats.concentration import Bools, Figures, Rules, concentration_of, figures_of, interval_of
from processors.icestats.edge import displacement_of, edge_of, length_of, to_degrees
from processors.icestats.region import inside
from processors.icestats.scenes import Lattice, Reader, Scene
from processors.icestats.tiles import Against, Counted, Tile
from processors.protocol import JSON, Input

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Shorts = npt.NDArray[np.uint16]
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """Maps of a campaign's pixels (of its cells where it was given as concentration).

    Attributes:
        transform: Affine coefficients.
        seen: Number of observations.
        iced: Number of observations of ice.
        first: First day of ice since 1970; 0 for none.
        last: Last day of ice.
    """

    transform: Transform
    seen: Shorts
    iced: Shorts
    first: Shorts
    last: Shorts


@dataclass(frozen=True, slots=True, eq=False)
class Campaign:
    """All that is known of a campaign; cells have the shape (rows, columns), km².

    Attributes:
        crs: Reference system.
        transform: Affine coefficients of the cells.
        sea: Sea of each cell inside the region.
        days: Days since 1970, ascending.
        valid: Observed sea of each day, shape (days, rows, columns).
        ice: Ice of each day.
        maps: Frequency and dates.
        pole: Cells that no satellite sees and that count as extent, per day; empty for none.
        scenes: A row per scene.
        comparisons: A row per scene that has a reference.
        agreement: Agreement of all scenes with their references; empty without.
        notes: What a reader should know.
    """

    crs: str
    transform: Transform
    sea: Floats
    days: tuple[int, ...]
    valid: Floats
    ice: Floats
    maps: Maps
    pole: Sequence[Bools] = ()
    scenes: Sequence[Mapping[str, JSON]] = ()
    comparisons: Sequence[Mapping[str, JSON]] = ()
    agreement: Mapping[str, JSON] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def concentration(self, number: int, rules: Rules) -> Floats:
        """Return the concentration of one day."""
        return concentration_of(self.valid[number], self.ice[number], self.sea, rules.least)

    def figures(self, number: int, rules: Rules) -> Figures:
        """Return the sums of one day."""
        pole = self.pole[number] if len(self.pole) else None
        return figures_of(self.valid[number], self.ice[number], self.sea, rules, pole)

    def edge(self, number: int, rules: Rules) -> list[Floats]:
        """Return the ice edge of one day as lines of longitude and latitude."""
        return to_degrees(edge_of(self.concentration(number, rules), self.transform, rules.threshold), self.crs)


def iso_day(day: int) -> str:
    """Return a day since 1970 as ISO 8601."""
    return (EPOCH + timedelta(days=day)).isoformat()


def tiles_of(
    lattice: Lattice, scenes: Sequence[Scene], references: Mapping[int, Input], outline: BaseGeometry | None
) -> Iterator[Tile]:
    """Read the tiles that reach into the region, one after the other; those of no scene are of sea that none shows."""
    with Reader(lattice) as reader:
        for at in lattice.tiles():
            within = inside(outline, lattice.at(*at), (lattice.tile, lattice.tile)) if outline is not None else None
            if within is not None and not within.any():
                continue
            tile = _read(reader, at, scenes, references, within)
            if tile.scenes or within is not None:
                yield tile


def _read(
    reader: Reader, at: tuple[int, int], scenes: Sequence[Scene], references: Mapping[int, Input], within: Bools | None
) -> Tile:
    stack = [(number, reader.tile(one.file, at)) for number, one in enumerate(scenes)]
    shown = [(number, classes) for number, classes in stack if classes is not None]
    return Tile(
        at,
        tuple(number for number, _ in shown),
        tuple(scenes[number].day for number, _ in shown),
        [classes for _, classes in shown],
        [_or_none(reader, scenes[number].probability, at, 255) for number, _ in shown],
        [_or_none(reader, references.get(number), at, 0) for number, _ in shown],
        within,
    )


def _or_none(reader: Reader, file: Input | None, at: tuple[int, int], empty: int) -> npt.NDArray[np.uint8] | None:
    return reader.tile(file, at, empty) if file is not None else None


class Gathering:
    """Puts counted tiles together; the tiles may come in any order, each once."""

    def __init__(self, lattice: Lattice, scenes: Sequence[Scene]) -> None:
        cells, pixels = lattice.cells, lattice.shape
        self._lattice, self._scenes = lattice, scenes
        self._region, self._land = np.zeros(cells), np.zeros(cells)
        self._valid, self._ice = np.zeros((len(scenes), *cells)), np.zeros((len(scenes), *cells))
        self._chance, self._pixels = np.zeros((len(scenes), 4)), [0] * len(scenes)
        self.days = tuple(sorted({one.day for one in scenes}))
        self._of_day = {day: np.zeros((2, *cells)) for day in self.days}
        self.maps = Maps(lattice.transform, *(np.zeros(pixels, np.uint16) for _ in range(4)))
        self._agreement: dict[int, Agreement] = {}
        self._compared: dict[int, Floats] = {}

    def add(self, one: Counted) -> None:
        """Put one tile in its place."""
        cell, side = self._lattice.cell, self._lattice.tile
        rows = min(side, self._lattice.shape[0] - one.at[0])
        columns = min(side, self._lattice.shape[1] - one.at[1])
        pixels = np.s_[one.at[0] : one.at[0] + rows, one.at[1] : one.at[1] + columns]
        here = np.s_[one.at[0] // cell : (one.at[0] + rows) // cell, one.at[1] // cell : (one.at[1] + columns) // cell]
        part = np.s_[: rows // cell, : columns // cell]
        self._region[here], self._land[here] = one.region[part], one.land[part]
        for at, number in enumerate(one.scenes):
            self._valid[number][here], self._ice[number][here] = one.valid[at][part], one.ice[at][part]
            self._chance[number] += one.chance[at]
            self._pixels[number] += one.pixels[at]
        for day, (valid, ice) in one.days.items():
            self._of_day[day][0][here], self._of_day[day][1][here] = valid[part], ice[part]
        maps = self.maps
        for whole, tile in (
            (maps.seen, one.seen), (maps.iced, one.iced), (maps.first, one.first), (maps.last, one.last),
        ):  # fmt: skip
            whole[pixels] = tile[:rows, :columns]
        for number, against in one.against.items():
            self._compare(number, against, (here, part))

    def _compare(self, number: int, one: Against, where: tuple[tuple[slice, ...], tuple[slice, ...]]) -> None:
        here, part = where
        self._agreement.setdefault(number, Agreement.none()).add(one.counts, one.areas, one.brier, one.bins)
        cells = self._compared.setdefault(number, np.zeros((3, *self._lattice.cells)))
        for whole, tile in zip(cells, (one.common, one.ours, one.theirs), strict=True):
            whole[here] = tile[part]

    def finish(self, rules: Rules, notes: Sequence[str]) -> Campaign:
        """Return the campaign.

        Raises:
            Refusal: ``STATS.NO_OVERLAP``: no scene shows sea inside the region.
        """
        if not self._valid.any():
            raise Refusal("no scene shows sea inside the region", "region", "check both", "STATS.NO_OVERLAP")
        sea = self._region - self._land
        rows = [self._row(number, sea, rules) for number in range(len(self._scenes))]
        compared = [self._comparison(number, sea, rules) for number in sorted(self._agreement)]
        whole = Agreement.none()
        for number in sorted(self._agreement):
            one = self._agreement[number]
            whole.add(one.counts, one.areas, one.brier, one.bins)
        stacked = np.stack([self._of_day[day] for day in self.days])
        lattice = self._lattice
        return Campaign(
            lattice.crs, lattice.cell_transform, sea, self.days, stacked[:, 0], stacked[:, 1], self.maps, (), rows,
            compared, figures_of_agreement(whole) if compared else {}, notes,
        )  # fmt: skip

    def _row(self, number: int, sea: Floats, rules: Rules) -> dict[str, JSON]:
        scene, valid, ice = self._scenes[number], self._valid[number], self._ice[number]
        one = figures_of(valid, ice, sea, rules)
        weight, chance, spread, unsure = self._chance[number].tolist()
        told = interval_of(weight, chance, spread, self._pixels[number]) or (None, None, None)
        edge = self._edge(valid, ice, sea, rules)
        return {
            "scene": scene.name,
            "datetime": scene.when.isoformat().replace("+00:00", "Z"),
            "sha256": scene.file.sha256,
            "valid_km2": one.valid,
            "ice_km2": one.ice,
            "water_km2": one.valid - one.ice,
            "unsure_km2": unsure if weight else None,
            "coverage": one.coverage,
            "ice_fraction": one.ice / one.valid if one.valid else None,
            "ice_fraction_by_probability": told[0],
            "ice_fraction_low": told[1],
            "ice_fraction_high": told[2],
            "extent_km2": one.extent,
            "ice_area_km2": one.ice_area,
            "marginal_km2": one.marginal,
            "edge_km": length_of(edge),
        }

    def _edge(self, valid: Floats, ice: Floats, sea: Floats, rules: Rules) -> list[Floats]:
        sic = concentration_of(valid, ice, sea, rules.least)
        return to_degrees(edge_of(sic, self._lattice.cell_transform, rules.threshold), self._lattice.crs)

    def _comparison(self, number: int, sea: Floats, rules: Rules) -> dict[str, JSON]:
        common, ours, theirs = self._compared[number]
        edges = [self._edge(common, ice, sea, rules) for ice in (ours, theirs)]
        agreement = figures_of_agreement(self._agreement[number])
        cells = figures_of_cells(common, ours, theirs, sea, rules)
        return flat_row(self._scenes[number].name, agreement, cells, displacement_of(*edges))


def gather(
    lattice: Lattice, scenes: Sequence[Scene], counted: Iterable[Counted], rules: Rules, notes: Sequence[str]
) -> Campaign:
    """Gather all tiles of a campaign.

    Raises:
        Refusal: ``STATS.NO_OVERLAP``.
    """
    gathering = Gathering(lattice, scenes)
    for one in counted:
        gathering.add(one)
    return gathering.finish(rules, notes)
