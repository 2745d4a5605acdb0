"""Brings values to a scale on which they are about normal, and estimates back from it without bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np

from processors.errors import Refusal
from processors.geostat.observations import Floats

Wanted: TypeAlias = Literal["auto", "none", "log", "normal-score"]
SKEWED = 1.0
"""Skewness beyond which ``auto`` transforms (Webster and Oliver 2007, section 2.4)."""
_NODES = 32


class Transform(Protocol):
    """A monotonic change of scale."""

    @property
    def name(self) -> str: ...  # noqa: D102
    def forward(self, values: Floats) -> Floats: ...  # noqa: D102
    def backward(self, values: Floats) -> Floats: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Identity:
    """Leaves values as they are."""

    name: str = "none"

    def forward(self, values: Floats) -> Floats:
        """Return the values."""
        return values

    def backward(self, values: Floats) -> Floats:
        """Return the values."""
        return values


@dataclass(frozen=True, slots=True)
class Log:
    """Natural logarithm of positive values."""

    name: str = "log"

    def forward(self, values: Floats) -> Floats:
        """Return logarithms."""
        logarithms: Floats = np.log(values)
        return logarithms

    def backward(self, values: Floats) -> Floats:
        """Return exponentials."""
        exponentials: Floats = np.exp(values)
        return exponentials


@dataclass(frozen=True, slots=True, eq=False)
class NormalScore:
    """Quantiles of the standard normal for the weighted ranks of the data.

    Goovaerts (1997), Geostatistics for Natural Resources Evaluation, section 7.2.2; the tails end at the extremes of
    the data.

    Attributes:
        values: Distinct values in order.
        scores: Their scores.
    """

    values: Floats
    scores: Floats
    name: str = "normal-score"

    @classmethod
    def of(cls, values: Floats, weights: Floats) -> NormalScore:
        """Learn the scale of data with declustering weights."""
        from scipy.special import ndtri

        distinct, index = np.unique(values, return_inverse=True)
        share = np.bincount(index.ravel(), weights) / weights.sum()
        scores: Floats = ndtri(np.cumsum(share) - share / 2)
        return cls(distinct, scores)

    def forward(self, values: Floats) -> Floats:
        """Return scores, linear between the data."""
        return np.interp(values, self.values, self.scores)

    def backward(self, values: Floats) -> Floats:
        """Return values, linear between the data and constant beyond."""
        return np.interp(values, self.scores, self.values)


def transform_of(wanted: Wanted, values: Floats, weights: Floats) -> tuple[Transform, str]:
    """Choose a scale; return it and why.

    ``auto`` leaves values alone whose weighted skewness is below 1; else it takes logarithms where they are positive
    and less skewed than the values, and normal scores otherwise.

    Raises:
        Refusal: Logarithms of values that are not positive are asked for.
    """
    if wanted == "log" and not (values > 0).all():
        raise Refusal(f"{int((values <= 0).sum())} values are not positive", "transform", "use normal-score or none")
    if wanted == "auto":
        skewed = skewness(values, weights)
        if abs(skewed) < SKEWED:
            return Identity(), f"skewness {skewed:.2f}: left as they are"
        positive = bool((values > 0).all())
        if positive and abs(skewness(np.log(values), weights)) < SKEWED:
            return Log(), f"skewness {skewed:.2f}: logarithms"
        return NormalScore.of(values, weights), f"skewness {skewed:.2f}: normal scores"
    if wanted == "log":
        return Log(), "logarithms, as asked for"
    if wanted == "normal-score":
        return NormalScore.of(values, weights), "normal scores, as asked for"
    return Identity(), "left as they are, as asked for"


def skewness(values: Floats, weights: Floats) -> float:
    """Return the weighted skewness; 0 for values without spread."""
    mean = np.average(values, weights=weights)
    variance = np.average((values - mean) ** 2, weights=weights)
    if variance <= 0:
        return 0.0
    return float(np.average((values - mean) ** 3, weights=weights) / variance**1.5)


def moments_back(transform: Transform, mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Return mean and variance on the scale of the data of normal distributions on the other scale.

    Logarithms have a closed form (Aitchison and Brown 1957); otherwise Gauss-Hermite quadrature with 32 nodes.

    Args:
        transform: The scale.
        mean: On its scale, any shape; NaN stays NaN.
        variance: On its scale.
    """
    if transform.name == "none":
        return mean, variance
    if transform.name == "log":
        first: Floats = np.exp(mean + variance / 2)
        return first, first**2 * np.expm1(variance)
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    weights = weights / weights.sum()
    deviation = np.sqrt(variance)
    total, square = np.zeros_like(mean), np.zeros_like(mean)
    for node, weight in zip(nodes, weights, strict=True):
        values = transform.backward(mean + node * deviation)
        total += weight * values
        square += weight * values**2
    missing = np.isnan(mean)
    spread = np.maximum(square - total**2, 0.0)
    return np.where(missing, np.nan, total), np.where(missing, np.nan, spread)
