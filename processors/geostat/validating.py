"""Validates a map: each observation, and each group of them, is predicted without itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from processors.geostat.estimating import Recipe
from processors.geostat.observations import Floats
from processors.geostat.parameters import GeostatParameters
from processors.geostat.preparing import Case
from processors.geostat.scores import Scores, is_no_better, scores_of, verdict
from processors.geostat.transforms import moments_back


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """What validation found; the scores of errors are in the unit of the data.

    Attributes:
        single: Leaving out one at a time.
        grouped: Leaving out whole groups, the headline; None where there are none.
        grouping: What the groups are.
        status: ``green`` or ``red``.
        reasons: Why it is red.
        predicted: Prediction of each observation without itself, shape (n,).
        spread: Standard error of that, shape (n,).
        apart: Prediction without its group, shape (n,).
        apart_spread: Standard error of that, shape (n,).
        factor: What variances were multiplied by, as `calibrate` asks for; 1 without.
    """

    single: Scores
    grouped: Scores | None
    grouping: str
    status: str
    reasons: tuple[str, ...]
    predicted: Floats
    spread: Floats
    apart: Floats
    apart_spread: Floats
    factor: float = 1.0

    @property
    def is_no_better(self) -> bool:
        """Whether the mean of the data predicts as well."""
        return is_no_better(self.grouped or self.single)

    def to_dict(self) -> dict[str, object]:
        """Return scores and verdict as JSON."""
        return {
            "status": self.status,
            "reasons": list(self.reasons),
            "leave_one_out": self.single.to_dict(),
            "leave_group_out": None if self.grouped is None else self.grouped.to_dict(),
            "groups": self.grouping,
            "variance_factor": self.factor,
        }


def validate(case: Case, recipe: Recipe, chosen: GeostatParameters) -> Validation:
    """Predict each observation without itself, and without its group."""
    ready = replace(recipe, block=None).kriging()
    factor = 1.0
    alone = ready.leave_out()
    single = _scored(case, alone.value, alone.variance_observation)
    if chosen.calibrate and single.count:
        factor = single.msdr
        single = _scored(case, alone.value, alone.variance_observation * factor)
    predicted, variance = moments_back(case.transform, alone.value, alone.variance_observation * factor)
    apart, apart_variance, grouped = predicted, variance, None
    if chosen.cv != "loo":
        left = ready.leave_out(case.groups)
        grouped = _scored(case, left.value, left.variance_observation * factor)
        apart, apart_variance = moments_back(case.transform, left.value, left.variance_observation * factor)
    status, reasons = verdict(single, grouped or single)
    return Validation(
        single, grouped, case.grouping, status, tuple(reasons),
        predicted, np.sqrt(variance), apart, np.sqrt(apart_variance), factor,
    )  # fmt: skip


def _scored(case: Case, value: Floats, variance: Floats) -> Scores:
    """Score errors in the unit of the data, and their spread on the scale of the estimator, where it is normal."""
    inner = scores_of(case.values, value, variance)
    if case.transform.name == "none":
        return inner
    mean, spread = moments_back(case.transform, value, variance)
    outer = scores_of(case.table.value, mean, spread)
    return replace(
        outer, msdr=inner.msdr, coverage50=inner.coverage50, coverage90=inner.coverage90, pit=inner.pit
    )  # fmt: skip
