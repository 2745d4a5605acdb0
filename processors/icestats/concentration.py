"""Turns areas of ice per cell into concentration, extent, marginal zone, and what they are worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from processors.icestats.areas import Floats

Bools: TypeAlias = npt.NDArray[np.bool_]
PACK = 0.8
"""Concentration from which on ice is pack ice; below it, and above the threshold, lies the marginal zone."""
INDEPENDENT = 25
"""Pixels that count as one observation in the interval of a fraction."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How cells are judged.

    Attributes:
        threshold: Concentration from which on a cell belongs to the extent.
        least: Least share of a cell's sea that must be observed.
        coverage: Least share of the sea of a region that must be observed for a total to stand.
    """

    threshold: float = 0.15
    least: float = 0.5
    coverage: float = 0.8


@dataclass(frozen=True, slots=True)
class Figures:
    """Areas of a region at one time, km².

    Attributes:
        valid: Observed sea.
        ice: Observed ice.
        coverage: Observed share of the region's sea.
        cells: Number of cells with a concentration.
        extent: Sea of cells with at least the threshold.
        ice_area: Concentration times sea, of all cells.
        ice_area_in_extent: The same, of the cells of the extent only, as NSIDC counts.
        marginal: Sea of cells between the threshold and 80 %.
        estimate: Sea of the region times the weighted concentration: what there would be if the rest were alike.
        stands: Whether the coverage suffices for the estimate.
    """

    valid: float
    ice: float
    coverage: float
    cells: int
    extent: float
    ice_area: float
    ice_area_in_extent: float
    marginal: float
    estimate: float
    stands: bool


def concentration_of(valid: Floats, ice: Floats, sea: Floats, least: float) -> Floats:
    """Return ice per observed sea of each cell; NaN where less than ``least`` of its sea was observed."""
    known = (valid > 0) & (valid >= least * sea)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, ice / valid, np.nan)


def figures_of(valid: Floats, ice: Floats, sea: Floats, rules: Rules, pole: Bools | None = None) -> Figures:
    """Sum over cells.

    Args:
        valid: Observed sea of each cell, km².
        ice: Observed ice of each cell, km².
        sea: Sea of each cell inside the region, km².
        rules: How cells are judged.
        pole: Cells that no satellite sees and that count as extent.
    """
    sic = concentration_of(valid, ice, sea, rules.least)
    known = np.isfinite(sic)
    share = np.where(known, sic, 0.0)
    within = known & (share >= rules.threshold)
    extent = sea[within].sum() + (sea[pole].sum() if pole is not None else 0.0)
    observed, whole = float(sea[known].sum()), float(sea.sum())
    ice_area = float((share * sea).sum())
    coverage = float(valid.sum()) / whole if whole else 0.0
    return Figures(
        valid=float(valid.sum()),
        ice=float(ice.sum()),
        coverage=coverage,
        cells=int(known.sum()),
        extent=float(extent),
        ice_area=ice_area,
        ice_area_in_extent=float((share * sea)[within].sum()),
        marginal=float(sea[within & (share < PACK)].sum()),
        estimate=whole * ice_area / observed if observed else float("nan"),
        stands=coverage >= rules.coverage,
    )


def interval_of(weight: float, chance: float, spread: float, pixels: int) -> tuple[float, float, float] | None:
    """Return the fraction of ice by its probability, and its 95 % interval; None without probabilities.

    The variance is the mean of p (1 - p) over N / 25 independent observations (normal approximation).

    Args:
        weight: Area with a probability.
        chance: Sum of area times probability.
        spread: Sum of area times p (1 - p).
        pixels: Number of pixels.
    """
    if not weight or not pixels:
        return None
    fraction = chance / weight
    half = 1.959964 * float(np.sqrt(spread / weight / max(1.0, pixels / INDEPENDENT)))
    return fraction, max(0.0, fraction - half), min(1.0, fraction + half)
