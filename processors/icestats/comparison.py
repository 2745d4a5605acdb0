"""Compares a classification with a reference: confusion, calibration, unbiased areas, concentration and extent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from processors.icestats.areas import Floats
from processors.icestats.concentration import Rules, concentration_of
from processors.icestats.tiles import BINS
from processors.protocol import JSON

Counts: TypeAlias = npt.NDArray[np.int64]
CLASSES = ("water", "ice")


@dataclass(eq=False)
class Agreement:
    """What is summed over tiles and scenes, where both know.

    Attributes:
        counts: Pixels by own class (water, ice; rows) and the reference's (columns).
        areas: The same in km².
        brier: Sum of area times squared error of the probability.
        bins: Per bin of probability: area, area times probability, area of the reference's ice.
    """

    counts: Counts
    areas: Floats
    brier: float
    bins: Floats

    @classmethod
    def none(cls) -> Agreement:
        """Return an empty one."""
        return cls(np.zeros((2, 2), np.int64), np.zeros((2, 2)), 0.0, np.zeros((BINS, 3)))

    def add(self, counts: Counts, areas: Floats, brier: float, bins: Floats) -> None:
        """Add the sums of a tile or a scene."""
        self.counts += counts
        self.areas += areas
        self.brier += brier
        self.bins += bins


def figures_of_agreement(one: Agreement) -> dict[str, JSON]:
    """Return confusion, overall accuracy, per class F1, IoU, user's and producer's accuracy, MCC, and calibration.

    Shares are of area. Brier score and expected calibration error (ten bins) are None without probabilities. Areas of
    the classes as the reference would have them come with their standard error.
    """
    areas = one.areas
    total, right = float(areas.sum()), np.diag(areas)
    told = float(one.bins[:, 0].sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.abs(one.bins[:, 1] - one.bins[:, 2]).sum()
        user, producer = right / areas.sum(axis=1), right / areas.sum(axis=0)
        f1 = 2 * right / (areas.sum(axis=0) + areas.sum(axis=1))
        iou = right / (areas.sum(axis=0) + areas.sum(axis=1) - right)
        mapped = areas.sum(axis=1) / total
        shares, errors = estimate_of(one.counts, mapped)
    per_class = {
        name: {
            "users_accuracy": _number(user[k]),
            "producers_accuracy": _number(producer[k]),
            "f1": _number(f1[k]),
            "iou": _number(iou[k]),
            "estimated_area_km2": _number(shares[k] * total),
            "estimated_area_standard_error_km2": _number(errors[k] * total),
        }
        for k, name in enumerate(CLASSES)
    }
    return {
        "pixels": one.counts.tolist(),
        "areas_km2": [[_number(value) for value in row] for row in areas.tolist()],
        "overall_accuracy": _number(right.sum() / total) if total else None,
        "mcc": _number(_mcc(areas)),
        "classes": per_class,
        "brier": _number(one.brier / told) if told else None,
        "expected_calibration_error": _number(off / told) if told else None,
    }


def estimate_of(counts: Counts, weights: Floats) -> tuple[Floats, Floats]:
    """Return the share of each reference class and its standard error, with map classes as strata.

    After Olofsson et al. (2014), doi:10.1016/j.rse.2014.02.015, equations 9 and 10:
    p_k = Σ_i W_i n_ik / n_i and S² = Σ_i W_i² q (1 - q) / (n_i - 1) with q = n_ik / n_i.

    Args:
        counts: Samples by map class (rows) and reference class (columns).
        weights: Share of the map's area in each map class.
    """
    sampled = counts.sum(axis=1, keepdims=True)
    q = np.divide(counts, sampled, out=np.zeros(counts.shape), where=sampled > 0)
    spread = np.divide(q * (1 - q), sampled - 1, out=np.zeros(counts.shape), where=sampled > 1)
    shares: Floats = np.nansum(weights[:, None] * q, axis=0)
    errors: Floats = np.sqrt(np.nansum(weights[:, None] ** 2 * spread, axis=0))
    return shares, errors


def figures_of_cells(common: Floats, ours: Floats, theirs: Floats, sea: Floats, rules: Rules) -> dict[str, JSON]:
    """Return bias, RMSE and R² of the concentration, and the integrated ice-edge error.

    Over- and underestimated extent after Goessling et al. (2016), doi:10.1002/2015GL067232: sea of cells that only one
    of the two counts as extent.

    Args:
        common: Area of each cell where both know, km².
        ours: Ice of it.
        theirs: The reference's ice of it.
        sea: Sea of each cell.
        rules: How cells are judged.
    """
    one, other = (concentration_of(common, ice, sea, rules.least) for ice in (ours, theirs))
    known = np.isfinite(one) & np.isfinite(other)
    if not known.any():
        return {"cells": 0}
    apart, weight = (one - other)[known], sea[known]
    mean = float(np.average(other[known], weights=weight))
    variance = float(np.average((other[known] - mean) ** 2, weights=weight))
    square = float(np.average(apart**2, weights=weight))
    over = known & (one >= rules.threshold) & (other < rules.threshold)
    under = known & (one < rules.threshold) & (other >= rules.threshold)
    return {
        "cells": int(known.sum()),
        "bias": _number(np.average(apart, weights=weight)),
        "rmse": _number(np.sqrt(square)),
        "r2": _number(1 - square / variance) if variance else None,
        "iiee_km2": _number(sea[over | under].sum()),
        "over_km2": _number(sea[over].sum()),
        "under_km2": _number(sea[under].sum()),
    }


def flat_row(
    name: str, agreement: Mapping[str, JSON], cells: Mapping[str, JSON], edge: float | None
) -> dict[str, JSON]:
    """Return one row of the table of comparisons."""
    keys = ("overall_accuracy", "mcc", "brier", "expected_calibration_error")
    ice = agreement["classes"]["ice"]
    shares = {f"ice_{key}": ice[key] for key in ("users_accuracy", "producers_accuracy", "f1", "iou")}
    return {"scene": name, **{key: agreement[key] for key in keys}, **shares, **cells, "edge_displacement_km": edge}


def flat_cells(name: str, cells: Mapping[str, JSON], edge: float | None) -> dict[str, JSON]:
    """Return one row of the table of comparisons of concentrations."""
    return {"scene": name, **cells, "edge_displacement_km": edge}


def _mcc(areas: Sequence[Sequence[float]] | Floats) -> float:
    (both_water, missed), (false, both_ice) = np.asarray(areas, np.float64).tolist()
    below = np.sqrt((both_ice + false) * (both_ice + missed) * (both_water + false) * (both_water + missed))
    return float((both_ice * both_water - false * missed) / below) if below else float("nan")


def _number(value: float) -> float | None:
    """Return a number of JSON: ten digits, None for NaN."""
    return float(f"{value:.10g}") if np.isfinite(value) else None
