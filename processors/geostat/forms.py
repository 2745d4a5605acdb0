"""Forms of models: their names, and what became of them in a fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from processors.errors import Refusal
from processors.geostat.models import KINDS, NUS, Kind, Model


@dataclass(frozen=True, slots=True)
class Candidate:
    """A form that was tried.

    Attributes:
        name: Its form, for example `exponential` or `spherical+exponential`.
        model: Fitted model; its nugget is the variance of short distances, of whatever origin.
        sserr: Weighted sum of squares against the experimental variogram (weights N/h^2).
        likelihood: Restricted log-likelihood of the data; NaN where only a variogram was fitted. Of many data it is
            that of a part of them, the same part for all forms, except for the chosen form, where it is of all.
        aicc: Akaike's criterion corrected for small samples, of the likelihood where there is one, else of sserr.
        third: What the third coordinate was multiplied by.
    """

    name: str
    model: Model
    sserr: float
    likelihood: float
    aicc: float
    third: float = 1.0


def parts(form: str) -> tuple[tuple[Kind, float], ...]:
    """Kinds and smoothness of a form such as `matern1.5+spherical`.

    Raises:
        Refusal: It is not one.
    """
    found: list[tuple[Kind, float]] = []
    for name in form.split("+"):
        kind = next((kind for kind in KINDS if name == kind), None)
        if kind is not None and kind != "matern":
            found.append((kind, 0.5))
            continue
        smooth = next((nu for nu in NUS if name == f"matern{nu:g}"), None)
        if smooth is None:
            names = [*(kind for kind in KINDS if kind != "matern"), *(f"matern{nu:g}" for nu in NUS)]
            raise Refusal(f"unknown form {name!r}", "model", f"a sum of {', '.join(names)}")
        found.append(("matern", smooth))
    return tuple(found)


def aicc(twice: float, parameters: int, count: int) -> float:
    """Akaike's criterion for small samples (Hurvich and Tsai 1989), from minus twice a log-likelihood."""
    if count <= parameters + 1:
        return float(np.inf)
    return twice + 2 * parameters + 2 * parameters * (parameters + 1) / (count - parameters - 1)
