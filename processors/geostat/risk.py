"""Tells what is said of a region as a whole: its mean, and the area above thresholds, from simulated fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from processors.geostat.estimating import Recipe
from processors.geostat.landmask import polygons_of, within
from processors.geostat.lattice import Lattice
from processors.geostat.mapping import Cells, Mapped
from processors.geostat.observations import Floats
from processors.geostat.parameters import GeostatParameters
from processors.geostat.simulation import Fields, Grid, Risk, regional, simulate
from processors.geostat.steps import Step
from processors.geostat.transforms import Transform
from processors.protocol import JSON

MOST_NODES = 5_000
"""Of a larger grid every second, third … row and column stands for its neighbours."""
AT_ONCE = 250
"""Fields that are held at once; they are drawn with seeds of their own."""
SHARES = (0.05, 0.5, 0.95)


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Where risk is told.

    Attributes:
        lattice: A grid of fewer nodes than the map's.
        inside: Its nodes in the region and on the map, shape (rows · columns,).
        areas: What each of those stands for, km².
        longitude: Of those, degrees.
        latitude: Of those.
    """

    lattice: Lattice
    inside: npt.NDArray[np.bool_]
    areas: Floats
    longitude: Floats
    latitude: Floats


def region_of(cells: Cells, outline: Path | None, where: str) -> Region:
    """Return the cells of the map inside an outline, thinned out where they are many.

    Raises:
        Refusal: The outline is no GeoJSON.
    """
    whole = cells.lattice
    every = int(np.ceil(np.sqrt(cells.inside.sum() / MOST_NODES)))
    rows, columns = (max(1, -(-size // every)) for size in whole.shape)
    step = whole.step[0] * every, whole.step[1] * every
    thin = replace(whole, step=step, shape=(rows, columns)) if every > 1 else whole
    longitude, latitude = thin.places()
    inside = np.zeros((rows, columns), bool)
    picked = cells.inside.reshape(whole.shape)[every // 2 :: every, every // 2 :: every]
    inside[: picked.shape[0], : picked.shape[1]] = picked
    inside = inside.ravel() & np.isfinite(longitude) & np.isfinite(latitude)
    if outline is not None:
        inside[inside] = within(polygons_of(outline, where), longitude[inside], latitude[inside])
    return Region(thin, inside, thin.areas()[inside], longitude[inside], latitude[inside])


def risk_of(
    mapped: Mapped, region: Region, steps: Sequence[Step], chosen: GeostatParameters
) -> list[dict[str, JSON]]:  # fmt: skip
    """Return for each time what simulated fields say of the region; nothing where the mean was published."""
    if mapped.choice is None or mapped.is_mean or not chosen.realisations or not region.inside.any():
        return []
    factor = 1.0 if mapped.validation is None else mapped.validation.factor
    recipe = _inflated(replace(mapped.choice.recipe, block=None), factor)
    return [
        {"level": mapped.title, "time": step.title} | _summary(_drawn(recipe, mapped, region, step, chosen), chosen)
        for step in steps
    ]


def _inflated(recipe: Recipe, factor: float) -> Recipe:
    if factor == 1.0:
        return recipe
    return replace(
        recipe, model=recipe.model.scaled(factor), error=recipe.error * factor, single=recipe.single * factor
    )  # fmt: skip


def _drawn(recipe: Recipe, mapped: Mapped, region: Region, step: Step, chosen: GeostatParameters) -> Risk:
    ready = recipe.kriging()
    targets, columns = recipe.targets(region.longitude, region.latitude, step.at)
    where, inside = _where(recipe, region, step, targets)
    estimate = ready.at(targets, columns, weights=True)
    parts = []
    for first in range(0, chosen.realisations, AT_ONCE):
        count = min(AT_ONCE, chosen.realisations - first)
        seed = chosen.seed + first
        fields = simulate(ready, where, count, seed, inside=inside, drift=columns, estimate=estimate)
        parts.append(regional(_back(mapped.case.transform, fields), region.areas, chosen.thresholds))
    mean = np.concatenate([part.mean for part in parts])
    return Risk(mean, np.concatenate([part.area for part in parts], axis=1), parts[0].total)


def _where(
    recipe: Recipe, region: Region, step: Step, targets: Floats
) -> tuple[Grid | Floats, npt.NDArray[np.bool_] | None]:
    """Return the nodes as a grid where they are one in the coordinates of the estimator, which is faster."""
    metric, lattice = recipe.metric, region.lattice
    if metric.kind != "crs":
        return targets, None
    x, y = lattice.x / 1000, lattice.y / 1000
    third = (step.at - metric.epoch) * metric.speed if metric.speed else None
    steps = lattice.step[0] / 1000, -lattice.step[1] / 1000
    return Grid((float(x[0]), float(y[0])), steps, (x.size, y.size), third), region.inside


def _back(transform: Transform, fields: Fields) -> Fields:
    return fields if transform.name == "none" else transform.backward(fields.astype(np.float64))


def _summary(risk: Risk, chosen: GeostatParameters) -> dict[str, JSON]:
    return {
        "region_km2": risk.total,
        "realisations": int(risk.mean.size),
        "mean": _spread(risk.mean),
        "thresholds": [
            {
                "above": threshold,
                "area_km2": _spread(risk.area[number]),
                "probability_mean_above": float(np.mean(risk.mean > threshold)),
            }
            for number, threshold in enumerate(chosen.thresholds)
        ],
    }


def _spread(values: Floats) -> dict[str, JSON]:
    """Return expectation and quantiles over the fields."""
    low, middle, high = (float(one) for one in np.quantile(values, SHARES))
    return {"expected": float(values.mean()), "q05": low, "q50": middle, "q95": high}
