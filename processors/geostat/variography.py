"""Tells how a covariance was found: experimental variograms of what the trend leaves, candidates, and the choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from processors.geostat.drift import residuals
from processors.geostat.estimating import Recipe
from processors.geostat.mapping import Mapped
from processors.geostat.models import Model
from processors.geostat.variogram import Direction, Experimental, classes, experimental
from processors.protocol import JSON

LAGS = 20
AZIMUTHS = (0.0, 45.0, 90.0, 135.0)
MOST_DIRECTED = 3000
"""Of more observations every second, third … makes the variograms by direction; the one of all pairs has them all."""


@dataclass(frozen=True, slots=True, eq=False)
class Variography:
    """Variograms of one level, on the estimator's scale.

    Attributes:
        mapped: The level.
        every: Of all pairs.
        directions: Of pairs in four directions.
        model: Covariance of the data: that of the signal, and the error of an observation as nugget.
    """

    mapped: Mapped
    every: Experimental
    directions: tuple[Experimental, ...]
    model: Model

    @property
    def timed(self) -> bool:
        """Whether distances have a part of time."""
        return self.mapped.choice is not None and self.mapped.choice.recipe.metric.speed > 0

    def to_dict(self) -> dict[str, JSON]:
        """Return everything as JSON."""
        assert self.mapped.choice is not None
        recipe = self.mapped.choice.recipe
        return {
            "level": self.mapped.title,
            "scale": self.mapped.case.transform.name,
            "trend": recipe.trend.title,
            "metric": recipe.metric.kind,
            "day_km": recipe.metric.speed,
            "model": recipe.model.to_dict(),
            "error_variance": recipe.single,
            "model_with_error": self.model.to_dict(),
            "experimental": [_experimental(one) for one in (self.every, *self.directions)],
            "candidates": candidates_of(self.mapped),
            "chosen": self.mapped.choice.name,
        }

    def rows(self) -> list[dict[str, JSON]]:
        """Return the experimental variograms as a table."""
        return [
            {
                "level": self.mapped.title,
                "azimuth": "" if one.direction is None else one.direction.azimuth,
                "lag_km": float(one.lags[row]),
                "pairs": int(one.pairs[row]),
                "gamma": float(one.gamma[row]),
                "model": float(self.model.variogram(one.lags[row : row + 1])[0]),
            }
            for one in (self.every, *self.directions)
            for row in range(one.lags.size)
        ]


def variography_of(mapped: Mapped, seed: int) -> Variography | None:
    """Compute the variograms of a level; None for values that are all the same."""
    if mapped.choice is None:
        return None
    recipe = mapped.choice.recipe
    left = residuals(recipe.values, recipe.columns)
    edges = classes(recipe.points, LAGS, _reach(recipe))
    every = experimental(recipe.points, left, edges, seed=seed)
    some = slice(None, None, -(-len(left) // MOST_DIRECTED))
    directions = tuple(
        experimental(recipe.points[some], left[some], edges, direction=Direction(azimuth), seed=seed)
        for azimuth in AZIMUTHS
    )
    nugget = recipe.single if recipe.model.nugget == 0 else recipe.model.nugget + recipe.single
    return Variography(mapped, every, directions, Model(recipe.model.structures, nugget))


def _reach(recipe: Recipe) -> float:
    """Return half of the data's diagonal, or twice the range where that is less but a twentieth of it."""
    diagonal = float(np.linalg.norm(np.ptp(recipe.points, axis=0)))
    return min(diagonal / 2, max(2 * recipe.model.range, diagonal / 20)) if recipe.model.range else diagonal / 2


def _experimental(one: Experimental) -> dict[str, JSON]:
    return {
        "estimator": one.estimator,
        "azimuth": None if one.direction is None else one.direction.azimuth,
        "lags_km": one.lags,
        "pairs": one.pairs,
        "gamma": one.gamma,
    }


def candidates_of(mapped: Mapped) -> list[dict[str, JSON]]:
    """Return all candidates with their scores, and the covariances that were tried for each."""
    return [
        {
            "name": one.name,
            "leave_one_out_rmse": one.single.rmse,
            "leave_group_out_rmse": one.grouped.rmse,
            "msdr": one.single.msdr,
            "covariances": []
            if one.fit is None
            else [
                {
                    "name": form.name,
                    "model": form.model.to_dict(),
                    "log_likelihood": form.likelihood,
                    "aicc": form.aicc,
                }
                for form in one.fit.candidates
            ],
        }
        for one in mapped.tried
    ]


def rows_of(found: Sequence[Variography | None]) -> list[dict[str, JSON]]:
    """Return the tables of all levels as one."""
    return [row for one in found if one is not None for row in one.rows()]
