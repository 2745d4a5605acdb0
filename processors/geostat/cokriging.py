"""Cokriging of two variables with a linear model of coregionalisation."""

from __future__ import annotations

from dataclasses import dataclass

from processors.geostat.models import Floats, Model


@dataclass(frozen=True, slots=True)
class Coregionalisation:
    """Two variables with the same structures: direct models and the cross model.

    Attributes:
        one: Model of the first variable.
        other: Model of the second.
        cross: Structures with cross-sills (negative where the variables are opposed), the cross-nugget first.
    """

    one: Model
    other: Model
    cross: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CoEstimate:
    """Estimates of two variables at m targets.

    Attributes:
        value: (m, 2).
        variance: (m, 2).
        covariance: Covariance of the two errors (m,).
    """

    value: Floats
    variance: Floats
    covariance: Floats


def fit_coregionalisation(points: Floats, one: Floats, other: Floats, edges: Floats, model: Model) -> Coregionalisation:
    """Fit sills of the structures of `model` to both variograms and the cross-variogram (Goulard and Voltz 1992)."""
    raise NotImplementedError


def cokrige(
    one: tuple[Floats, Floats],
    other: tuple[Floats, Floats],
    targets: Floats,
    model: Coregionalisation,
    *,
    neighbours: int | None = None,
) -> CoEstimate:
    """Ordinary cokriging of two variables, each given as points and values; None uses all data."""
    raise NotImplementedError
