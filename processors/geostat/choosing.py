"""Chooses trend, covariance and the part of time: candidates are fitted and the one that predicts best is taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from processors.errors import Refusal
from processors.geostat.anisotropy import ellipse_of
from processors.geostat.estimating import Recipe, sides_of
from processors.geostat.fitting import Fit, fit
from processors.geostat.metric import Metric
from processors.geostat.models import Model, Structure
from processors.geostat.neighbours import Neighbourhood
from processors.geostat.observations import Floats
from processors.geostat.parameters import Anisotropy, GeostatParameters
from processors.geostat.preparing import FEW, Case
from processors.geostat.scores import Scores, scores_of
from processors.geostat.solver import Block
from processors.geostat.trends import Trend, time_terms

ALIKE = 1.02
"""Candidates whose errors differ by less than 2 % are told apart by how right their standard errors are."""
MINIMUM = 3
SECTORS = {"none": 0, "quadrants": 4, "octants": 8}
LINES = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One candidate.

    Attributes:
        name: What it is, in words.
        recipe: How it estimates.
        fit: How its covariance was fitted; None where it was given.
        single: Scores of leaving out one at a time, on the estimator's scale.
        grouped: Scores of leaving out groups.
    """

    name: str
    recipe: Recipe
    fit: Fit | None
    single: Scores
    grouped: Scores


def choose(
    case: Case, chosen: GeostatParameters, trend: Trend, *, steps: bool
) -> tuple[Choice, list[Choice], list[str]]:
    """Return the best candidate, all of them, and notes.

    Args:
        case: Observations.
        chosen: Parameters.
        trend: The raster for an external trend.
        steps: Whether maps of several times are wanted, so that only candidates with time count.

    Raises:
        Refusal: There are too few observations for the trend, or none has a time where time is asked for.
    """
    plans, notes = _plans(case, chosen, trend, steps=steps)
    tried = [_candidate(case, chosen, one, speed) for one, speed in plans]
    best = _best(tried)
    ellipse = _ellipse(chosen, best)
    if ellipse is not None:
        turned = _stretched(case, chosen, best, ellipse)
        tried.append(turned)
        wanted = isinstance(chosen.anisotropy, Anisotropy)
        best = turned if wanted or turned.grouped.rmse * ALIKE < best.grouped.rmse else best
    return best, tried, notes


def plans_of(case: Case, chosen: GeostatParameters, trend: Trend, *, steps: bool) -> list[str]:
    """Return the candidates that would be tried, in words.

    Raises:
        Refusal: As `choose`.
    """
    plans, _ = _plans(case, chosen, trend, steps=steps)
    return [f"{one.title}{', time in distances' if speed else ''}" for one, speed in plans]


def _ellipse(chosen: GeostatParameters, best: Choice) -> Anisotropy | None:
    """Return the ellipse that is asked for, or the one that the observations show."""
    if isinstance(chosen.anisotropy, Anisotropy):
        return chosen.anisotropy
    return ellipse_of(best.recipe) if chosen.anisotropy and best.fit is not None else None


def _best(tried: list[Choice]) -> Choice:
    least = min(one.grouped.rmse for one in tried)
    near = [one for one in tried if one.grouped.rmse <= ALIKE * least]
    return min(near, key=lambda one: (abs(np.log(max(one.single.msdr, 1e-12))), one.recipe.trend.count))


Plan = tuple[Trend, "float | str"]
"""A trend, and the kilometres a day counts as, or ``free``."""


def _plans(case: Case, chosen: GeostatParameters, trend: Trend, *, steps: bool) -> tuple[list[Plan], list[str]]:
    time, size = case.table.time, case.table.size
    timed = bool(np.isfinite(time).all()) and bool(np.ptp(time) >= 1.0)
    if chosen.drift == "auto" and chosen.model == "auto" and size < FEW:
        note = f"Only {size} observations: an exponential model is assumed, not fitted, and time is left out."
        return [(trend, 0.0)], [note]
    _check_time(chosen, timed, steps=steps)
    trends: list[Plan] = [
        (replace(trend, terms=terms), speed) for terms, speed in _pairs(case, chosen, timed, steps=steps)
    ]
    if not trends:
        hint = "let `drift` or `day_km` be auto, or target_time centre"
        raise Refusal("maps of several times need time in the model", "target_time", hint, "GEOSTAT.NO_TIME")
    fitting = [(one, speed) for one, speed in trends if size >= MINIMUM * one.count]
    if not fitting:
        need = MINIMUM * min(one.count for one, _ in trends)
        said = f"{size} observations are too few for this trend"
        raise Refusal(said, "drift", f"it needs {need}: use fewer terms", "GEOSTAT.TOO_FEW")
    return fitting, []


def _pairs(
    case: Case, chosen: GeostatParameters, timed: bool, *, steps: bool
) -> list[tuple[tuple[str, ...], float | str]]:
    """Return terms of the trend with what a day counts as; automatic ones have time in one of the two at most."""
    speeds = _speeds(case, chosen, timed)
    if chosen.drift == "auto":
        pairs = [(terms, speed) for terms in time_terms(case.table.time) for speed in speeds if not (terms and speed)]
    else:
        pairs = [(tuple(chosen.drift), speed) for speed in speeds]
    return [(terms, speed) for terms, speed in pairs if not steps or speed or set(terms) & {"time", "annual"}]


def _check_time(chosen: GeostatParameters, timed: bool, *, steps: bool) -> None:
    asked = steps or (isinstance(chosen.day_km, float) and chosen.day_km > 0)
    asked = asked or bool(set(() if chosen.drift == "auto" else chosen.drift) & {"time", "annual"})
    if asked and not timed:
        said = "the observations do not all have a time, or all the same"
        raise Refusal(said, "time", "leave time out of the model", "GEOSTAT.NO_TIME")


def _speeds(case: Case, chosen: GeostatParameters, timed: bool) -> list[float | str]:
    if isinstance(chosen.day_km, float):
        return [chosen.day_km]
    flat = case.metric.kind != "chord"  # three coordinates of space leave no room for time
    return [0.0, "free"] if timed and flat and chosen.model == "auto" else [0.0]


def _candidate(case: Case, chosen: GeostatParameters, trend: Trend, speed: float | str) -> Choice:
    table, merged = case.table, case.merged
    epoch = float(np.mean(table.time)) if speed else 0.0
    plain = replace(case.metric, speed=1.0 if speed == "free" else float(speed), epoch=epoch)
    points = plain.points(table.longitude, table.latitude, table.time) if speed else merged.places
    columns = trend.columns(merged.places, table.longitude, table.latitude, table.time)
    known = _known_error(case, chosen)
    fitted = None
    if chosen.model == "auto" and table.size >= FEW:
        third: Any = "free" if speed == "free" else 1.0
        error, count = known * merged.errors, merged.count.astype(np.float64)
        fitted = fit(points, case.values, error=error, replicates=count, drift=columns, third=third, seed=chosen.seed)
        model, metric = fitted.model, replace(plain, speed=plain.speed * fitted.third if speed else 0.0)
    else:
        model, metric = _given(case, chosen), plain
    if speed:
        points = metric.points(table.longitude, table.latitude, table.time)
    recipe = _recipe(case, chosen, metric, trend, model, points, columns)
    return _scored(case, chosen, recipe, fitted, _name(trend, metric))


def _name(trend: Trend, metric: Metric) -> str:
    if not metric.speed:
        return trend.title
    return f"{trend.title}, a day as {metric.speed:.3g} km"


def _known_error(case: Case, chosen: GeostatParameters) -> float:
    """Return the known error variance of an observation on the estimator's scale."""
    spread = float(np.std(case.table.value))
    scale = float(np.std(case.values)) / spread if spread > 0 else 1.0
    return (chosen.obs_error * (1.0 if case.transform.name == "none" else scale)) ** 2


def _given(case: Case, chosen: GeostatParameters) -> Model:
    if chosen.model != "auto":
        return Model.from_dict(chosen.model)
    extent = float(np.linalg.norm(np.ptp(case.merged.places, axis=0)))
    sill = case.variance
    return Model((Structure("exponential", 0.9 * sill, max(extent / 9, 1e-6)),), 0.1 * sill)


def _recipe(
    case: Case, chosen: GeostatParameters, metric: Metric, trend: Trend, model: Model, points: Floats,
    columns: Floats | None,
) -> Recipe:  # fmt: skip
    known = _known_error(case, chosen)
    nugget = 0.0
    if chosen.nugget_is_error and model.structures:
        model, nugget = model.filtered()
    error = (known + nugget) * case.merged.errors
    block = Block.rectangle(chosen.block) if chosen.block and metric.axes == 2 and not metric.speed else None
    if chosen.block and block is None:
        offsets = Block.rectangle(cast("tuple[float, ...]", chosen.block))
        pad = np.zeros((len(offsets.offsets), points.shape[1] - 2))
        block = Block(np.column_stack([offsets.offsets, pad]), offsets.weights)
    if chosen.block and metric.kind == "chord":
        raise Refusal("chords have no plane for a block", "block", "use the metric laea or crs")
    usual: Any = "all" if chosen.neighbours == "all" else min(int(chosen.neighbours), len(points))
    return Recipe(
        metric, trend, model, points, case.values, error, known + nugget, columns, Neighbourhood(usual), block
    )  # fmt: skip


def _scored(case: Case, chosen: GeostatParameters, recipe: Recipe, fitted: Fit | None, name: str) -> Choice:
    ready = replace(recipe, block=None).kriging()
    alone = ready.leave_out()
    single = scores_of(case.values, alone.value, alone.variance_observation)
    if chosen.cv in {"loo", "none"}:
        return Choice(name, recipe, fitted, single, single)
    apart = ready.leave_out(case.groups)
    return Choice(name, recipe, fitted, single, scores_of(case.values, apart.value, apart.variance_observation))


def _stretched(case: Case, chosen: GeostatParameters, best: Choice, ellipse: Anisotropy) -> Choice:
    """Give every structure of a candidate an ellipse of ranges, fitted in coordinates that make it a circle."""
    recipe = best.recipe
    if recipe.points.shape[1] != 2 + bool(recipe.metric.speed):
        raise Refusal("chords have no direction", "anisotropy", "use the metric laea or crs")
    model, fitted = recipe.model, best.fit
    if chosen.model == "auto" and fitted is not None:
        circle = Structure("exponential", 1.0, 1.0, angle=ellipse.angle, ratio=ellipse.ratio).stretch(recipe.points)
        error = _known_error(case, chosen) * case.merged.errors
        count, form = case.merged.count.astype(np.float64), fitted.candidates[0].name
        fitted = fit(
            circle, case.values, error=error, replicates=count, drift=recipe.columns, forms=(form,), nested=False,
            seed=chosen.seed,
        )  # fmt: skip
        model = fitted.model
    parts = tuple(replace(one, angle=ellipse.angle, ratio=ellipse.ratio) for one in model.structures)
    turned = Model(parts, model.nugget)
    made = _recipe(case, chosen, recipe.metric, recipe.trend, turned, recipe.points, recipe.columns)
    if fitted is best.fit:
        made = replace(made, error=recipe.error, single=recipe.single)
    name = f"{best.name}, ranges {ellipse.ratio:.2f} to 1 along {ellipse.angle:g}°"
    return _scored(case, chosen, made, fitted, name)


def neighbourhood_of(recipe: Recipe, chosen: GeostatParameters, diagonal: float, targets: Floats) -> Neighbourhood:
    """Return which data an estimate on the grid uses.

    Args:
        recipe: The chosen candidate.
        chosen: Parameters.
        diagonal: Of the grid, km.
        targets: Coordinates of the grid's cells.
    """
    if chosen.neighbours == "all":
        return Neighbourhood("all")
    count = min(int(chosen.neighbours), len(recipe.points))
    far: float | None
    if chosen.max_distance == "auto":
        days = float(np.ptp(recipe.points[:, -1])) if recipe.metric.speed else 0.0
        reach = 0.6 * float(np.hypot(diagonal, days))
        far = max(min(reach, 3 * recipe.model.range), 1e-6) if recipe.model.range else reach
    else:
        far = float(chosen.max_distance) or None
    return Neighbourhood(count, 1, far, min(_sectors(recipe, chosen, targets, count), count))


def _sectors(recipe: Recipe, chosen: GeostatParameters, targets: Floats, count: int) -> int:
    """Return how many sectors neighbours come from; chords have no plane to be cut into sectors."""
    if recipe.metric.kind == "chord":
        if chosen.sectors in {"quadrants", "octants"}:
            raise Refusal("chords have no plane for sectors", "sectors", "use the metric laea or crs")
        return 0
    if chosen.sectors != "auto":
        return SECTORS[chosen.sectors]
    return 8 if sides_of(recipe.points, targets, count) > LINES and count < len(recipe.points) else 0
