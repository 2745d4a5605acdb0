"""A complete recipe of an estimate: data, trend, covariance and neighbourhood; and what it gives at targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from processors.geostat.kriging import Kriging
from processors.geostat.metric import Metric
from processors.geostat.models import Model
from processors.geostat.neighbours import Neighbourhood
from processors.geostat.observations import Floats
from processors.geostat.solver import Block
from processors.geostat.trends import Trend

if TYPE_CHECKING:
    from processors.engine import Engine

TILE = 20_000
"""Targets of one batch; results do not depend on it."""

Targets: TypeAlias = tuple[Floats, Floats | None]
"""Coordinates and columns of the trend at some targets."""


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """Everything an estimate depends on, so that any worker can make it.

    Attributes:
        metric: How distances are measured, with time where it counts.
        trend: Trend.
        model: Covariance of the signal.
        points: Coordinates of the data, km, shape (n, 2 or 3).
        values: Data on the estimator's scale, shape (n,).
        error: Error variance of each, shape (n,).
        single: Error variance of a single observation.
        columns: Columns of the trend at the data, shape (n, p); None without.
        neighbourhood: Which data an estimate uses.
        block: Support of the estimate; None for points.
    """

    metric: Metric
    trend: Trend
    model: Model
    points: Floats
    values: Floats
    error: Floats
    single: float
    columns: Floats | None
    neighbourhood: Neighbourhood
    block: Block | None = None

    def kriging(self, neighbourhood: Neighbourhood | None = None) -> Kriging:
        """Return the estimator."""
        return Kriging(
            self.points,
            self.values,
            self.model,
            error=self.error,
            observation_error=self.single,
            drift=self.columns,
            neighbours=neighbourhood or self.neighbourhood,
            block=self.block,
        )

    def targets(self, longitude: Floats, latitude: Floats, time: float) -> Targets:
        """Return coordinates and trend of places at one time, days since 1970."""
        places = self.metric.places(longitude, latitude)
        points = self.metric.points(longitude, latitude, time)
        return points, self.trend.columns(places, longitude, latitude, time)


@dataclass(frozen=True, slots=True, eq=False)
class Estimated:
    """Estimates at targets, on the estimator's scale; each of shape (m,), NaN where there are none.

    Attributes:
        value: Estimate.
        variance: Variance of its error against the signal.
        observation: Variance of its error against a new observation.
        neighbours: How many data were used.
    """

    value: Floats
    variance: Floats
    observation: Floats
    neighbours: Floats


def estimate(recipe: Recipe, targets: Targets, engine: Engine) -> Estimated:
    """Estimate at targets, in batches wherever the engine works."""
    parts = list(engine.map(partial(_batch, recipe), _batches(targets), task="krige"))
    whole = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    return Estimated(*whole)


def _batches(targets: Targets) -> Iterator[Targets]:
    points, columns = targets
    for first in range(0, max(len(points), 1), TILE):
        some = slice(first, first + TILE)
        yield points[some], None if columns is None else columns[some]


@lru_cache(maxsize=2)
def _ready(recipe: Recipe) -> Kriging:
    return recipe.kriging()


def _batch(recipe: Recipe, targets: Targets) -> tuple[Floats, Floats, Floats, Floats]:
    points, columns = targets
    if not len(points):
        return (np.zeros(0),) * 4
    if columns is not None and not np.isfinite(columns).all():
        return _partly(recipe, points, columns)
    found = _ready(recipe).at(points, columns)
    return found.value, found.variance, found.variance_observation, found.neighbours.astype(np.float64)


def _partly(recipe: Recipe, points: Floats, columns: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Estimate where the trend is known, and leave the rest missing."""
    known = np.isfinite(columns).all(axis=1)
    made = tuple(np.full(len(points), np.nan) for _ in range(4))
    if known.any():
        for whole, part in zip(made, _batch(recipe, (points[known], columns[known])), strict=True):
            whole[known] = part
    return made[0], made[1], made[2], made[3]


def sides_of(points: Floats, targets: Floats, count: int) -> float:
    """Return the share of neighbours in two opposite quadrants, the median of some targets: how much data lie in lines.

    Args:
        points: Data, shape (n, d).
        targets: Where to look, shape (m, d).
        count: Neighbours.
    """
    from scipy.spatial import cKDTree

    step = max(1, len(targets) // 500)
    looked = targets[::step]
    _, near = cKDTree(points).query(looked, min(count, len(points)))
    away = points[np.atleast_2d(near)][..., :2] - looked[:, None, :2]
    same = (away[..., 0] * away[..., 1] > 0).mean(axis=1)
    return float(np.median(np.maximum(same, 1 - same)))
