"""Fits of covariance models to experimental variograms and to the data themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from processors.geostat.models import Floats, Model
from processors.geostat.variogram import Experimental

AUTOMATIC = ("exponential", "spherical", "matern1", "matern1.5")
"""Forms that are tried when none is named; a plus sign joins nested ones, a number after matern is its nu."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A form that was tried.

    Attributes:
        name: Its form, for example `exponential` or `spherical+exponential`.
        model: Fitted model; its nugget is the variance of short distances, of whatever origin.
        sserr: Weighted sum of squares against the experimental variogram (weights N/h^2); NaN without one.
        likelihood: Log-likelihood of the data; NaN without them.
        aicc: Akaike's criterion corrected for small samples, of the likelihood where there is one, else of sserr.
        third: What the third coordinate was multiplied by.
    """

    name: str
    model: Model
    sserr: float
    likelihood: float
    aicc: float
    third: float = 1.0


@dataclass(frozen=True, slots=True)
class Fit:
    """The chosen model and all that were tried, best first.

    Attributes:
        model: Chosen model, in the coordinates of which the third is multiplied by `third`.
        sserr: As in `Candidate`.
        likelihood: As in `Candidate`.
        candidates: All forms tried, best first.
        third: Factor of the third coordinate (km per day, where it is time in days).
    """

    model: Model
    sserr: float
    likelihood: float
    candidates: tuple[Candidate, ...]
    third: float = 1.0


def fit_variogram(variogram: Experimental, forms: Sequence[str] = AUTOMATIC, *, longest: float | None = None) -> Fit:
    """Fit forms to an experimental variogram by least squares with weights N/h^2; ranges up to `longest`."""
    raise NotImplementedError


def fit(
    points: Floats,
    values: Floats,
    *,
    error: float | Floats = 0.0,
    drift: Floats | None = None,
    forms: Sequence[str] = AUTOMATIC,
    nested: bool = True,
    third: float | Literal["free"] = 1.0,
    seed: int = 0,
) -> Fit:
    """Fit forms to data: least squares first, then likelihood (restricted for few data, Vecchia's for many)."""
    raise NotImplementedError
