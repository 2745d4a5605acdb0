"""Sums up a classified scene: true areas, concentration on cells of 10 km, extent, edge, noise and how it was made."""

from __future__ import annotations

from math import ceil, floor

import numpy as np

from processors.icestats.areas import Floats, cell_areas
from processors.icestats.concentration import Rules, concentration_of, figures_of, interval_of
from processors.icestats.edge import edge_of, latitudes_of, length_of, to_degrees
from processors.protocol import JSON
from processors.sampling import Target
from processors.seaice.features import Settings
from processors.seaice.mapping import NO_CHANCE, NO_DATA, UNSURE, Judged, Map
from processors.seaice.postprocess import ICE, LAND, WATER
from processors.seaice.radiometry import incidence_at
from processors.seaice.safe import Scene
from processors.seaice.strips import centres
from processors.seaice.textures import Floats as Singles

CELL = 10_000.0
"""Side of a cell of concentration, m; cells begin at multiples of it."""


def areas_told(made: Map) -> dict[str, JSON]:
    """Return true areas of the classes, km², and the share of ice by its probability with a 95 % interval."""
    target = made.target
    areas = cell_areas(target.crs, target.transform, target.shape)
    ice, water = made.classes == ICE, made.classes == WATER
    known = (ice | water) & (made.percent != NO_CHANCE)
    chance = np.where(known, made.percent / 100.0, 0.0)
    weight = float(areas[known].sum())
    spread = float((areas * chance * (1 - chance))[known].sum())
    share = interval_of(weight, float((areas * chance)[known].sum()), spread, int(known.sum()))
    doubtful = known & (made.flags & UNSURE > 0) & (made.flags & NO_DATA == 0)
    return {
        "valid_km2": round(float(areas[ice | water].sum()), 3),
        "ice_km2": round(float(areas[ice].sum()), 3),
        "water_km2": round(float(areas[water].sum()), 3),
        "land_km2": round(float(areas[made.classes == LAND].sum()), 3),
        "unsure_km2": round(float(areas[doubtful].sum()), 3),
        "ice_fraction": None if share is None else [round(one, 6) for one in share],
    }


def concentration_told(made: Map) -> dict[str, JSON]:
    """Return concentration on cells of 10 km, and what follows from it: extent, ice area, marginal zone and edge.

    A cell is known where half of its sea was seen, and then counts with all its sea; `coverage` tells how much of it
    was seen. Land that the scene does not show is taken for sea.
    """
    coarse, (valid, ice, land) = _cells(made)
    sea = cell_areas(coarse.crs, coarse.transform, coarse.shape) - land
    rules = Rules()
    sic = concentration_of(valid, ice, sea, rules.least)
    found = figures_of(valid, ice, sea, rules)
    with np.errstate(invalid="ignore", divide="ignore"):
        seen = np.where(sea > 0, valid / sea, np.nan)
    lines = to_degrees(edge_of(sic, coarse.transform, rules.threshold), coarse.crs)
    return {
        "grid": {"crs": coarse.crs, "transform": list(coarse.transform), "shape": list(coarse.shape)},
        "concentration": _rounded(sic),
        "coverage": _rounded(seen),
        "extent_km2": round(found.extent, 3),
        "ice_area_km2": round(found.ice_area, 3),
        "marginal_km2": round(found.marginal, 3),
        "edge": {
            "geometry": {"type": "MultiLineString", "coordinates": [np.round(one, 5).tolist() for one in lines]},
            "length_km": round(length_of(lines), 3),
            "mean_latitude": {str(lon): round(lat, 5) for lon, lat in latitudes_of(lines).items()},
        },
    }


def noise_told(scene: Scene, judged: Judged) -> dict[str, JSON]:
    """Return medians of noise and signal to noise of the cells inside that are known, and how well sub-swaths join."""
    known = judged.told
    names = zip(scene.polarisations, judged.nesz, strict=True)
    return {
        "nesz_median_db": {name: _median(10 * np.log10(one[known & (one > 0)])) for name, one in names},
        "snr_median_db": _median(judged.snr_db[known]),
        "border_quality": {f"EW{one}-EW{other}": round(how, 4) for (one, other), how in judged.borders.items()},
    }


def incidence_of(scene: Scene, judged: Judged, settings: Settings) -> float:
    """Return the mean incidence angle of the cells inside that are known, of all annotated points where none is."""
    lines, samples = (centres(count, 0, settings) for count in judged.chance.shape)
    angles = incidence_at(scene, lines, samples)[judged.told]
    return float(angles.mean() if angles.size else scene.annotation.points.incidence.mean())


def _rounded(values: Floats) -> list[list[float | None]]:
    return [[None if np.isnan(one) else round(float(one), 4) for one in row] for row in values]


def _median(values: Singles) -> float | None:
    return round(float(np.median(values)), 3) if values.size else None


def _cells(made: Map) -> tuple[Target, list[Floats]]:
    """Return the cells of 10 km, and true areas of sea, ice and land in them, km²."""
    target = made.target
    side = round(CELL / target.resolution)
    west, north = CELL * floor(target.west / CELL), CELL * ceil(target.north / CELL)
    left, above = round((target.west - west) / target.resolution), round((north - target.north) / target.resolution)
    rows, columns = (ceil((more + size) / side) for more, size in zip((above, left), target.shape, strict=True))
    areas = cell_areas(target.crs, target.transform, target.shape)
    sums = []
    for here in (np.isin(made.classes, (WATER, ICE)), made.classes == ICE, made.classes == LAND):
        whole = np.zeros((rows * side, columns * side))
        whole[above : above + target.shape[0], left : left + target.shape[1]] = np.where(here, areas, 0.0)
        sums.append(whole.reshape(rows, side, columns, side).sum(axis=(1, 3)))
    return Target(target.crs, west, north, CELL, (rows, columns)), sums
