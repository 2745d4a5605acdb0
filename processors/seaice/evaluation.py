"""Measures a model on scenes it was not trained on: accuracy, areas, and whether its probabilities can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from processors.protocol import JSON
from processors.seaice.classifier import probability, select
from processors.seaice.features import Mask
from processors.seaice.textures import Floats
from processors.seaice.training import Architecture, Fitted, Labelled, fit

BINS = 10
DOUBTFUL_ECE = 0.05
"""Calibration error above which probabilities are corrected."""


@dataclass(frozen=True, slots=True)
class Scores:
    """How a model does on cells whose class is known.

    Attributes:
        scene: Scene or group of scenes.
        season: Its season.
        confusion: Counts, rows are the truth and columns the map: open water, sea ice.
        brier: Mean squared error of the probability.
        reliability: For each tenth of probability: count, mean probability, share of ice.
    """

    scene: str
    season: str
    confusion: tuple[tuple[int, int], tuple[int, int]]
    brier: float
    reliability: tuple[tuple[int, float, float], ...]

    @property
    def cells(self) -> int:
        """How many cells were compared."""
        return sum(map(sum, self.confusion))

    @property
    def accuracy(self) -> float:
        """Share of cells that are right."""
        return (self.confusion[0][0] + self.confusion[1][1]) / self.cells

    @property
    def iou(self) -> tuple[float, float]:
        """Intersection over union of open water and of sea ice."""
        (water, as_ice), (as_water, ice) = self.confusion
        wrong = as_ice + as_water
        return water / max(water + wrong, 1), ice / max(ice + wrong, 1)

    @property
    def area_bias(self) -> float:
        """Mapped minus true ice over true ice; 0 where there is none."""
        (_, as_ice), (as_water, ice) = self.confusion
        return (as_ice - as_water) / (ice + as_water) if ice + as_water else 0.0

    @property
    def ece(self) -> float:
        """Expected calibration error: mean distance of probability and share of ice, weighted by count."""
        return sum(count * abs(mean - share) for count, mean, share in self.reliability) / self.cells

    def to_dict(self) -> dict[str, JSON]:
        """Return figures for the record, rounded."""
        return {
            "scene": self.scene,
            "season": self.season,
            "cells": self.cells,
            "accuracy": round(self.accuracy, 4),
            "iou_water": round(self.iou[0], 4),
            "iou_ice": round(self.iou[1], 4),
            "ice_area_bias": round(self.area_bias, 4),
            "brier": round(self.brier, 4),
            "ece": round(self.ece, 4),
            "confusion": [list(row) for row in self.confusion],
            "reliability": [[count, round(mean, 4), round(share, 4)] for count, mean, share in self.reliability],
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model held against scenes.

    Attributes:
        scenes: Scores of each.
        pooled: Scores of all cells together.
    """

    scenes: tuple[Scores, ...]
    pooled: Scores

    @property
    def mean(self) -> float:
        """Mean accuracy of scenes."""
        return float(np.mean([one.accuracy for one in self.scenes]))

    @property
    def worst(self) -> float:
        """Lowest accuracy of a scene."""
        return min(one.accuracy for one in self.scenes)

    def to_dict(self) -> dict[str, JSON]:
        """Return figures for the record."""
        return {
            "mean_accuracy": round(self.mean, 4),
            "worst_accuracy": round(self.worst, 4),
            "pooled": self.pooled.to_dict(),
            "scenes": [one.to_dict() for one in self.scenes],
        }


def score(
    scene: str, chance: Floats, ice: Mask, season: str = "", threshold: float = 0.5, called: Mask | None = None
) -> Scores:
    """Compare probabilities of ice with the truth.

    Args:
        scene: What is compared.
        chance: Probabilities, shape (cells,).
        ice: The truth.
        season: Its season.
        threshold: Probability from which a cell is called ice.
        called: Cells that are called ice, where more than the threshold decides.
    """
    called = chance >= threshold if called is None else called
    counts = [[int(np.sum((ice == truth) & (called == says))) for says in (False, True)] for truth in (False, True)]
    place = np.minimum((chance * BINS).astype(int), BINS - 1)
    bins = []
    for number in range(BINS):
        here = place == number
        if here.any():
            share = float(ice[here].mean())
            bins.append((int(here.sum()), float(chance[here].mean(dtype=np.float64)), share))
    brier = float(np.mean((chance.astype(np.float64) - ice) ** 2))
    (a, b), (c, d) = counts
    return Scores(scene, season, ((a, b), (c, d)), brier, tuple(bins))


def leave_one_out(
    architecture: Architecture, scenes: Sequence[Labelled], *, cells: int = 40_000, seed: int = 0
) -> tuple[Evaluation, tuple[float, float]]:
    """Train as often as there are scenes, each time without one, and measure on that one.

    Returns:
        The scores, and slope and offset that calibrate the margin: (1, 0) where the calibration error is small.
    """
    return measure(scenes, leave_out(architecture, scenes, len(scenes), cells=cells, seed=seed))


def leave_out(
    architecture: Architecture, scenes: Sequence[Labelled], folds: int, *, cells: int = 40_000, seed: int = 0
) -> list[Fitted]:
    """Train once for each fold, without its scenes; scene n belongs to fold n modulo the count of folds.

    Returns:
        The models, in the order of the folds: model ``n % folds`` has not seen scene n.

    Raises:
        Refusal: What is left does not hold both classes (``MODEL.LABELS``).
    """
    kept = ([one for place, one in enumerate(scenes) if place % folds != fold] for fold in range(folds))
    return [fit(architecture, some, cells=cells, seed=seed) for some in kept]


def measure(scenes: Sequence[Labelled], models: Sequence[Fitted]) -> tuple[Evaluation, tuple[float, float]]:
    """Measure each scene with the model of `leave_out` that has not seen it; see `leave_one_out`."""
    chances = [predict(models[place % len(models)], one) for place, one in enumerate(scenes)]
    found = evaluate(scenes, chances)
    if found.pooled.ece <= DOUBTFUL_ECE:
        return found, (1.0, 0.0)
    calibration = calibrate(np.concatenate(chances), np.concatenate([one.ice for one in scenes]))
    return evaluate(scenes, [_calibrated(one, calibration) for one in chances]), calibration


def evaluate(scenes: Sequence[Labelled], chances: Sequence[Floats]) -> Evaluation:
    """Score probabilities scene by scene, and all together."""
    scores = [score(one.scene, chance, one.ice, one.season) for one, chance in zip(scenes, chances, strict=True)]
    pooled = score("all", np.concatenate(list(chances)), np.concatenate([one.ice for one in scenes]))
    return Evaluation(tuple(scores), pooled)


def evaluation_of(scores: Sequence[Scores]) -> Evaluation:
    """Put scores together; of the bins of probability each holds what all scenes have in it."""
    counts = np.sum([one.confusion for one in scores], axis=0)
    total = int(counts.sum())
    brier = sum(one.brier * one.cells for one in scores) / total
    bins: dict[int, list[tuple[int, float, float]]] = {}
    for one in scores:
        for entry in one.reliability:
            bins.setdefault(min(int(entry[1] * BINS), BINS - 1), []).append(entry)
    (a, b), (c, d) = counts.tolist()
    merged = tuple(_merged(bins[number]) for number in sorted(bins))
    return Evaluation(tuple(scores), Scores("all", "", ((a, b), (c, d)), brier, merged))


def _merged(entries: Sequence[tuple[int, float, float]]) -> tuple[int, float, float]:
    count = sum(one[0] for one in entries)
    chance, share = (sum(one[0] * one[place] for one in entries) / count for place in (1, 2))
    return count, chance, share


def predict(fitted: Fitted, scene: Labelled) -> Floats:
    """Return the probability of ice of cells."""
    values = select(np.ascontiguousarray(scene.values.T), scene.names, fitted.features)
    return probability(fitted.kind, fitted.parameters, values)


def calibrate(chance: Floats, ice: Mask) -> tuple[float, float]:
    """Return slope and offset of the margin that make probabilities true to shares of ice (Platt, 1999)."""
    from sklearn.linear_model import LogisticRegression

    regression = LogisticRegression(C=1e6).fit(_margin(chance)[:, None], ice)
    return float(regression.coef_[0, 0]), float(regression.intercept_[0])


def with_calibration(fitted: Fitted, calibration: tuple[float, float]) -> Fitted:
    """Return a model that calibrates its margin."""
    if calibration == (1.0, 0.0):
        return fitted
    return replace(fitted, parameters={**fitted.parameters, "calibration": list(calibration)})


def _calibrated(chance: Floats, calibration: tuple[float, float]) -> Floats:
    made: Floats = (1 / (1 + np.exp(-(calibration[0] * _margin(chance) + calibration[1])))).astype(np.float32)
    return made


def _margin(chance: Floats) -> npt.NDArray[np.float64]:
    held = np.clip(chance.astype(np.float64), 1e-7, 1 - 1e-7)
    made: npt.NDArray[np.float64] = np.log(held / (1 - held))
    return made
