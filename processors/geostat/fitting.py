"""Fits of covariance models to experimental variograms and to the data themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from processors.errors import Refusal
from processors.geostat import drift as drifts
from processors.geostat.data import finite
from processors.geostat.forms import Candidate
from processors.geostat.leastsquares import weighted
from processors.geostat.likelihood import Sample
from processors.geostat.models import Floats, Model
from processors.geostat.search import Search
from processors.geostat.variogram import Experimental, classes, experimental

AUTOMATIC = ("exponential", "spherical", "matern1", "matern1.5")
"""Forms that are tried when none is named."""
SECOND = ("spherical", "exponential")
"""Forms of a second structure that are tried beside the best one."""
LEAST = 30
"""Fewest data of an automatic fit."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The chosen model and all that were tried, best first.

    Attributes:
        model: Chosen model, in the coordinates of which the third is multiplied by `third`.
        sserr: As in `Candidate`.
        likelihood: As in `Candidate`.
        candidates: All forms tried, the chosen one first, the others by AICc.
        third: Factor of the third coordinate (km per day, where it is time in days).
    """

    model: Model
    sserr: float
    likelihood: float
    candidates: tuple[Candidate, ...]
    third: float = 1.0

    @classmethod
    def of(cls, best: Candidate, tried: Sequence[Candidate]) -> Fit:
        """A fit whose best candidate is known."""
        rest = sorted((one for one in tried if one.name != best.name), key=lambda one: one.aicc)
        return cls(best.model, best.sserr, best.likelihood, (best, *rest), best.third)


def fit_variogram(variogram: Experimental, forms: Sequence[str] = AUTOMATIC, *, longest: float | None = None) -> Fit:
    """Fit forms to an experimental variogram by least squares with weights N/h^2, and choose by AICc.

    Args:
        variogram: The experimental variogram.
        forms: Forms to try: exponential, spherical, gaussian, cubic, hole, linear, matern0.5 to matern2.5, and sums.
        longest: Longest range; None for twice the longest lag.

    Raises:
        Refusal: Fewer classes than parameters, no variance, or an unknown form.
    """
    longest = 2 * float(variogram.lags.max()) if longest is None else longest
    tried = [weighted(variogram, form, longest) for form in forms]
    return Fit.of(min(tried, key=lambda one: one.aicc), tried)


def fit(
    points: Floats,
    values: Floats,
    *,
    error: float | Floats = 0.0,
    replicates: Floats | None = None,
    drift: Floats | None = None,
    forms: Sequence[str] = AUTOMATIC,
    nested: bool = True,
    third: float | Literal["free"] = 1.0,
    variogram: Experimental | None = None,
    seed: int = 0,
) -> Fit:
    """Fit forms to data: least squares first, then likelihood from there (restricted for few data, Vecchia's for many).

    Ranges are at most twice the diagonal of the data. Many data are fitted by 4,000 terms for each form, and by all for
    the best form.

    Args:
        points: Coordinates (n, d).
        values: Values (n,).
        error: Known variance of the error of each datum, not part of the nugget.
        replicates: Observations each datum is the mean of (n,); the nugget is divided by it.
        drift: Drift functions at the data besides the constant (n, p).
        forms: Forms to try.
        nested: Whether a second structure is tried; it is taken when AICc falls by more than 10.
        third: Factor of the third coordinate; "free" to fit it.
        variogram: To start from; None to estimate one (of residuals, where there is a drift).
        seed: Of the order in Vecchia's likelihood.

    Raises:
        Refusal: Fewer than 30 data, values that do not vary, or numbers that are not finite.
    """
    points, values, errors = finite(points, values, error)
    if len(points) < LEAST:
        hint = f"an automatic fit needs at least {LEAST}; give the model"
        raise Refusal(f"{len(points)} data to fit a model to", "model", hint)
    if np.ptp(values) == 0:
        raise Refusal("the values do not vary", "values", "there is no variogram of a constant")
    functions = drifts.prepared(drift, len(points), known_mean=False).at(drift, len(points))
    counts = np.ones(len(points)) if replicates is None else np.asarray(replicates, float)
    search = Search(Sample(points, values, functions, errors, counts), None if third == "free" else third, seed)
    if variogram is None:
        placed = search.placed()
        variogram = experimental(placed, drifts.residuals(values, drift), classes(placed))
    tried = [search.refine(weighted(variogram, form, search.longest)) for form in forms]
    best = min(tried, key=lambda one: one.aicc)
    if nested and "+" not in best.name:
        doubles = [search.refine(weighted(variogram, f"{best.name}+{form}", search.longest)) for form in SECOND]
        tried += doubles
        double = min(doubles, key=lambda one: one.aicc)
        best = double if double.aicc < best.aicc - 10 else best
    return Fit.of(search.finish(best), tried)
