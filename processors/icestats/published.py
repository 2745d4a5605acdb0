"""Makes a campaign of maps of concentration that others publish, one per day, by the rules of NSIDC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from processors.errors import Refusal
from processors.icestats.areas import Floats
from processors.icestats.campaign import EPOCH, Campaign, Maps
from processors.icestats.comparison import figures_of_cells, flat_cells
from processors.icestats.concentration import Bools, Rules, concentration_of, figures_of
from processors.icestats.edge import displacement_of, edge_of, to_degrees
from processors.icestats.grids import Concentration, read_areas, read_concentration, read_mask
from processors.icestats.region import inside
from processors.protocol import JSON, Input

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True, slots=True)
class Beside:
    """Files that go with maps of concentration, and how they are read.

    Attributes:
        areas: Areas of cells as NSIDC publishes them.
        valid: Mask of where ice can be.
        valid_codes: Its codes that mean so.
        regions: Mask of regions.
        region_codes: Its codes that are wanted.
        variable: Variable of NetCDF files.
    """

    areas: Input | None = None
    valid: Input | None = None
    valid_codes: tuple[int, ...] = (1,)
    regions: Input | None = None
    region_codes: tuple[int, ...] = ()
    variable: str | None = None


def campaign_of_maps(
    files: Sequence[Input],
    references: Sequence[Input],
    beside: Beside,
    rules: Rules,
    outline_on: Callable[[str], BaseGeometry | None],
) -> Campaign:
    """Return the campaign of maps on one grid.

    Args:
        files: The maps.
        references: Maps of the same days to compare with.
        beside: What goes with them.
        rules: How cells are judged.
        outline_on: Returns the region on the map of a reference system; None for all.

    Raises:
        Refusal: ``STATS.MIXED_GRIDS``: grids differ; ``STATS.NO_TIME``; ``STATS.DUPLICATE_SCENE``: two of one day;
            ``STATS.NO_OVERLAP``: no sea inside the region.
    """
    maps = _by_day(files, beside.variable)
    first = next(iter(maps.values()))
    keep = _kept(first, beside)
    outline = outline_on(first.crs)
    if outline is not None:
        keep &= inside(outline, first.transform, (first.share.shape[0], first.share.shape[1]))
    land = np.logical_or.reduce([one.land for one in maps.values()])
    areas = read_areas(beside.areas.path, first.share.shape) if beside.areas else first.areas
    sea = np.where(keep & ~land, areas, 0.0)
    if not sea.any():
        raise Refusal("there is no sea inside the region", "region", "check it", "STATS.NO_OVERLAP")
    shares = np.stack([np.where(keep & ~land, one.share, np.nan) for one in maps.values()])
    known = np.isfinite(shares)
    valid, ice = np.where(known, sea, 0.0), np.where(known, sea * np.where(known, shares, 0.0), 0.0)
    days = tuple((when - EPOCH).days for when in maps)
    pole = [one.pole & keep for one in maps.values()]
    made = Campaign(
        first.crs,
        first.transform,
        sea,
        days,
        valid,
        ice,
        _maps(first, shares, days, rules.threshold),
        pole,
    )
    rows = [_row(made, number, one, rules) for number, one in enumerate(maps.values())]
    compared = _compare(made, references, list(maps), beside.variable, rules) if references else []
    return replace(made, scenes=rows, comparisons=compared)


def _by_day(files: Sequence[Input], variable: str | None) -> dict[date, Concentration]:
    found: dict[date, tuple[str, Concentration]] = {}
    for file in sorted(files, key=lambda one: (one.href, one.sha256)):
        one = _north_up(read_concentration(file.path, file.href.rsplit("/", 1)[-1], variable))
        if not one.when:
            raise Refusal("tells no day", one.name, "its time needs CF attributes", "STATS.NO_TIME")
        when = date.fromisoformat(one.when)
        if when in found and found[when][0] == file.sha256:
            continue
        if when in found:
            said = f"{found[when][1].name} shows the same day, {one.when}"
            raise Refusal(said, one.name, "keep one", "STATS.DUPLICATE_SCENE")
        found[when] = file.sha256, one
    maps = {when: one for when, (_, one) in sorted(found.items())}
    first = next(iter(maps.values()))
    for one in maps.values():
        if (one.crs, one.transform, one.share.shape) != (first.crs, first.transform, first.share.shape):
            raise Refusal(f"has another grid than {first.name}", one.name, "run them apart", "STATS.MIXED_GRIDS")
    return maps


def _north_up(one: Concentration) -> Concentration:
    a, b, c, d, e, f = one.transform
    if e < 0:
        return one
    turned = (a, b, c, d, -e, f + e * one.share.shape[0])
    return replace(one, transform=turned, share=one.share[::-1], land=one.land[::-1], pole=one.pole[::-1])


def _kept(first: Concentration, beside: Beside) -> Bools:
    shape = first.share.shape
    keep = np.ones(shape, bool)
    for mask, codes in ((beside.valid, beside.valid_codes), (beside.regions, beside.region_codes)):
        if mask is not None:
            keep &= np.isin(read_mask(mask.path, shape, mask.href), codes)
    return keep


def _maps(first: Concentration, shares: Floats, days: Sequence[int], threshold: float) -> Maps:
    shape = first.share.shape
    seen, iced, begun, ended = (np.zeros(shape, np.uint16) for _ in range(4))
    for share, day in zip(shares, days, strict=True):
        seen += np.isfinite(share)
        with np.errstate(invalid="ignore"):
            is_ice = share >= threshold
        iced += is_ice
        begun[is_ice & (begun == 0)] = day
        ended[is_ice] = day
    return Maps(first.transform, seen, iced, begun, ended)


def _row(made: Campaign, number: int, one: Concentration, rules: Rules) -> dict[str, JSON]:
    found = figures_of(made.valid[number], made.ice[number], made.sea, rules, made.pole[number])
    unknown = (made.valid[number] == 0) & ~made.pole[number]
    return {
        "scene": one.name,
        "datetime": f"{one.when}T00:00:00Z",
        "valid_km2": found.valid,
        "missing_km2": float(made.sea[unknown].sum()),
        "pole_km2": float(made.sea[made.pole[number]].sum()),
        "coverage": found.coverage,
        "extent_km2": found.extent,
        "ice_area_km2": found.ice_area,
        "ice_area_in_extent_km2": found.ice_area_in_extent,
        "marginal_km2": found.marginal,
    }


def _compare(
    made: Campaign, references: Sequence[Input], whens: Sequence[date], variable: str | None, rules: Rules
) -> list[dict[str, JSON]]:
    theirs = _by_day(references, variable)
    rows = []
    for number, when in enumerate(whens):
        other = theirs.get(when)
        if other is None:
            continue
        if other.share.shape != made.sea.shape or other.transform != made.transform:
            raise Refusal("has another grid than the maps", other.name, "regrid it first", "STATS.MIXED_GRIDS")
        both = (made.valid[number] > 0) & np.isfinite(other.share)
        common = np.where(both, made.sea, 0.0)
        ours, ice = np.where(both, made.ice[number], 0.0), np.where(both, other.share, 0.0) * common
        cells = figures_of_cells(common, ours, ice, made.sea, rules)
        edges = [
            to_degrees(
                edge_of(concentration_of(common, one, made.sea, rules.least), made.transform, rules.threshold), made.crs
            )
            for one in (ours, ice)
        ]
        rows.append(flat_cells(when.isoformat(), cells, displacement_of(*edges)))
    return rows
