"""Trains a model on labelled scenes, measures it on scenes that it has not seen, and writes down how that was done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from processors.errors import Refusal
from processors.protocol import JSON
from processors.seaice.artefact import Model
from processors.seaice.classifier import probability, select
from processors.seaice.evaluation import Evaluation, Scores, evaluation_of, leave_out, measure, score, with_calibration
from processors.seaice.features import Settings
from processors.seaice.labels import LABELS, Sheet
from processors.seaice.postprocess import ICE, UNKNOWN, call_classes
from processors.seaice.training import ARCHITECTURES, Architecture, Fitted, Labelled, fit

MORE = 3
"""A model is measured on so many times the cells that it is trained on, of each scene."""
DRAWN = 16
"""Scenes whose whole maps are measured too, as `s1-ice` makes them by default."""


@dataclass(frozen=True, slots=True)
class Course:
    """How a model is trained.

    Attributes:
        name: Name of the model.
        version: Its version.
        architecture: One of `ARCHITECTURES`.
        settings: How features are computed.
        cells: Cells of each scene.
        folds: How often it is trained to be measured; 0 for as often as there are scenes.
        seed: Seed of what starts at random.
        about: What the record should tell of the labels: ``labels``, ``validation``, ``noise``, ``licence``.
    """

    name: str
    version: str
    architecture: Architecture = "quadlogit"
    settings: Settings = field(default_factory=Settings)
    cells: int = 4000
    folds: int = 0
    seed: int = 0
    about: Mapping[str, JSON] | None = None


def teach(course: Course, sheets: Iterable[Sheet]) -> Model:
    """Train a model; scenes are parted as wholes, so that none is measured by a model that has seen a cell of it.

    Args:
        course: How.
        sheets: Labelled scenes, read one by one.

    Raises:
        Refusal: There are fewer than two scenes, they differ in features, or a class is missing (``MODEL.LABELS``).
    """
    scenes: list[Labelled] = []
    whole: list[Sheet] = []
    for sheet in sheets:
        scenes.append(sheet.sample(MORE * course.cells))
        if len(whole) < DRAWN:
            whole.append(sheet)
    if len(scenes) < 2:
        raise Refusal("needs at least two labelled scenes", "training", "one is measured by the other", LABELS)
    folds = min(course.folds or len(scenes), len(scenes))
    models = leave_out(course.architecture, scenes, folds, cells=course.cells, seed=course.seed)
    found, calibration = measure(scenes, models)
    maps = [score_map(one, with_calibration(models[place % folds], calibration)) for place, one in enumerate(whole)]
    fitted = with_calibration(fit(course.architecture, scenes, cells=course.cells, seed=course.seed), calibration)
    return model_of(course, fitted, scenes, _record(course, folds, scenes, found, maps))


def model_of(course: Course, fitted: Fitted, scenes: Sequence[Labelled], record: Mapping[str, JSON]) -> Model:
    """Put a fitted model together with the record of its training."""
    co, cross = (name[: -len("_mean_1")].upper() for name in scenes[0].names if name.endswith("_mean_1"))
    return Model(
        course.name, course.version, ARCHITECTURES[course.architecture], fitted.kind, (co, cross), course.settings,
        fitted.features, fitted.parameters, record,
    )  # fmt: skip


def score_map(sheet: Sheet, fitted: Fitted, **rules: Any) -> Scores:
    """Compare the map of a scene, smoothed and cleared of specks, with its labels.

    Args:
        sheet: The scene.
        fitted: A model that has not seen it.
        rules: Of `processors.seaice.postprocess.call_classes`; those of `s1-ice` where not given.
    """
    values = select(sheet.values, sheet.names, fitted.features)
    chance = np.where(sheet.known, probability(fitted.kind, fitted.parameters, values), np.float32(np.nan))
    called = call_classes(chance, **{"threshold": 0.5, "smooth_cells": 1.0, "least_cells": 5} | rules)
    here = (sheet.classes != UNKNOWN) & sheet.known
    ice = sheet.classes[here] == ICE
    return score(sheet.scene, called.chance[here], ice, sheet.season, called=called.classes[here] == ICE)


def _record(
    course: Course, folds: int, scenes: Sequence[Labelled], found: Evaluation, maps: Sequence[Scores]
) -> dict[str, JSON]:
    listed = [
        {"accuracy": round(one.accuracy, 4), "ice_area_bias": round(one.area_bias, 4), "scene": one.scene,
         "season": one.season, "cells": one.cells, **(scene.about or {})}
        for scene, one in zip(scenes, found.scenes, strict=True)
    ]  # fmt: skip
    seasons = sorted({one.season for one in scenes if one.season})
    return {
        **(course.about or {}),
        "architecture": course.architecture,
        "cells_per_scene": course.cells,
        "folds": folds,
        "seed": course.seed,
        "seasons": {name: _of_season(found, name) for name in seasons},
        "cells": _summary(found),
        "maps": _summary(evaluation_of(maps)),
        "scenes": listed,
    }


def _of_season(found: Evaluation, season: str) -> dict[str, JSON]:
    own = [one.accuracy for one in found.scenes if one.season == season]
    return {"scenes": len(own), "mean_accuracy": round(float(np.mean(own)), 4), "worst_accuracy": round(min(own), 4)}


def _summary(found: Evaluation) -> dict[str, JSON]:
    told = found.to_dict()
    each = told.pop("scenes")
    biases = {one["scene"]: one["ice_area_bias"] for one in each}
    return {**told, "scenes": len(each), "worst_ice_area_bias": max(biases.values(), key=abs)}
