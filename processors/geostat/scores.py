"""Scores of predictions that were made without the value they predict: errors, their spread, and how often they fit."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from processors.geostat.observations import Floats

RED_MSDR = (0.7, 1.4)


@dataclass(frozen=True, slots=True)
class Scores:
    """How good predictions are; in the unit of the data where they have one.

    Attributes:
        count: How many predictions.
        bias: Mean error, observed less predicted.
        mae: Mean absolute error.
        rmse: Root-mean-square error.
        deviation: Standard deviation of the data.
        skill: 1 less the mean square error over the variance of the data; 0 for the mean, 1 for perfect.
        msdr: Mean squared deviation ratio: mean square of the error over its predicted variance; 1 if it is right.
        coverage50: Share of data inside the predicted 50 % interval.
        coverage90: Share of data inside the predicted 90 % interval.
        crps: Continuous ranked probability score of the normal distribution (Gneiting et al. 2005, equation 5).
        pit: Counts of the probability integral transform in ten classes; even if the predicted spread is right.
    """

    count: int
    bias: float
    mae: float
    rmse: float
    deviation: float
    skill: float
    msdr: float
    coverage50: float
    coverage90: float
    crps: float
    pit: tuple[int, ...]

    def to_dict(self) -> dict[str, float | int | list[int]]:
        """Return the scores as JSON."""
        return asdict(self) | {"pit": list(self.pit)}


_NAN = float("nan")
NOTHING = Scores(0, _NAN, _NAN, _NAN, _NAN, 0.0, _NAN, _NAN, _NAN, _NAN, (0,) * 10)
"""Scores where nothing could be predicted."""


def scores_of(observed: Floats, predicted: Floats, variance: Floats) -> Scores:
    """Score predictions.

    Args:
        observed: Data, shape (n,).
        predicted: Their predictions; those that are NaN are not scored.
        variance: Variance of the prediction of an observation, its own error included.
    """
    from scipy.special import ndtr

    known = np.isfinite(predicted) & np.isfinite(variance)
    if not known.any():
        return NOTHING
    observed, predicted = observed[known], predicted[known]
    spread = np.sqrt(np.maximum(variance[known], 1e-30))
    error = observed - predicted
    ratio = error / spread
    share = ndtr(ratio)
    density = np.exp(-(ratio**2) / 2) / np.sqrt(2 * np.pi)
    crps = spread * (ratio * (2 * share - 1) + 2 * density - 1 / np.sqrt(np.pi))
    square, own = float(np.mean(error**2)), float(np.var(observed))
    return Scores(
        count=int(error.size),
        bias=float(np.mean(error)),
        mae=float(np.mean(np.abs(error))),
        rmse=square**0.5,
        deviation=own**0.5,
        skill=1 - square / own if own > 0 else 0.0,
        msdr=float(np.mean(ratio**2)),
        coverage50=float(np.mean(np.abs(ratio) <= 0.6744897501960817)),
        coverage90=float(np.mean(np.abs(ratio) <= 1.6448536269514722)),
        crps=float(np.mean(crps)),
        pit=tuple(int(one) for one in np.histogram(share, bins=10, range=(0, 1))[0]),
    )


def verdict(single: Scores, grouped: Scores | None) -> tuple[str, list[str]]:
    """Return ``green`` or ``red``, and the reasons for red.

    Red are maps whose standard errors are wrong (MSDR outside 0.7 to 1.4), and those that predict what lies apart from
    their data no better than the mean of the data would.
    """
    if not single.count:
        return "red", ["no datum lies within reach of another, so that none can be predicted without itself"]
    reasons = []
    if not RED_MSDR[0] <= single.msdr <= RED_MSDR[1]:
        reasons.append(
            f"errors are {single.msdr**0.5:.2f} times their standard error (MSDR {single.msdr:.2f}, outside 0.7 to 1.4)"
        )
    if grouped is not None and not grouped.count:
        reasons.append("no datum lies within reach of those of another group")
    elif grouped is not None and is_no_better(grouped):
        reasons.append(
            f"data left out in groups are predicted with an error of {grouped.rmse:.3g}, "
            f"no better than their mean ({grouped.deviation:.3g})"
        )
    return ("red" if reasons else "green"), reasons


def is_no_better(grouped: Scores) -> bool:
    """Tell whether the mean of the data predicts as well as the map, or the map nothing that can be checked."""
    return not grouped.count or grouped.rmse >= grouped.deviation
