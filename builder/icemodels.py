"""Trains and evaluates models of sea ice for the command line: finds scenes and labels, and writes what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import UsageError

if TYPE_CHECKING:
    from builder.progress import Advance
    from processors.seaice.labels import Sheet


@dataclass(frozen=True, slots=True)
class Labels:
    """Where labelled scenes come from.

    Attributes:
        scenes: Sentinel-1 products, labelled by ``charts``.
        charts: Ice charts in SIGRID-3.
        ready: NetCDF files of the AI4Arctic challenge, ready to train.
        simulated: How many scenes are simulated.
        first_seed: Seed of the first of them.
        lines: Lines of each of them.
        noise: What is subtracted from backscatter.
        erode_km: Rim of a chart's polygons that is left out, km.
        fast_ice: Whether fast ice counts as ice.
    """

    scenes: Sequence[Path] = ()
    charts: Sequence[Path] = ()
    ready: Sequence[Path] = ()
    simulated: int = 0
    first_seed: int = 1
    lines: int = 700
    noise: Any = "esa"
    erode_km: float = 3.0
    fast_ice: bool = False

    def sheets(self, advance: Advance, settings: Any = None) -> Iterator[Sheet]:
        """Yield labelled scenes one by one.

        Raises:
            UsageError: No labels were asked for, or two kinds that cannot go together.
        """
        from processors.seaice.charts import Rules, charted_sheet
        from processors.seaice.features import Settings
        from processors.seaice.ready import ready_sheet
        from processors.seaice.simulated import Asked, simulated_sheet

        settings = settings or Settings()
        self._check()
        rules = Rules(self.erode_km * 1000, self.fast_ice)
        makers = [partial(charted_sheet, one, self.charts, settings, self.noise, rules) for one in self.scenes]
        makers += [partial(ready_sheet, one) for one in self.ready]
        seeds = range(self.first_seed, self.first_seed + self.simulated)
        makers += [partial(simulated_sheet, Asked(seed, self.lines, settings, self.noise)) for seed in seeds]
        for make in makers:
            yield make()
            advance("scenes")

    def _check(self) -> None:
        if bool(self.scenes) != bool(self.charts):
            raise UsageError("scenes and charts go together", where="--labels", hint="give both, or neither")
        if self.ready and (self.scenes or self.simulated):
            raise UsageError("their features differ from those of products", where="--ready", hint="train apart")
        if not (self.scenes or self.ready or self.simulated):
            raise UsageError("there are no labels", where="SCENES", hint="give --labels, --ready or --simulated")

    @property
    def about(self) -> dict[str, Any]:
        """What the record of a training says of the labels."""
        kinds = [
            (self.scenes, "ice charts in SIGRID-3"),
            (self.ready, "AI4Arctic ready-to-train scenes and their charts"),
            (self.simulated, "simulated scenes"),
        ]
        said = " and ".join(text for some, text in kinds if some)
        real = bool(self.scenes or self.ready)
        noise = "nersc" if self.ready else self.noise
        return {"labels": said, "validation": "charts" if real else "synthetic", "noise": noise}


def train(labels: Labels, course: dict[str, Any], out: Path, advance: Advance) -> Path:
    """Train a model and write it with its card; return its file.

    Args:
        labels: Labelled scenes.
        course: Of `processors.seaice.teaching.Course`.
        out: Folder of models; the model gets ``NAME/VERSION`` in it.
        advance: Told of each scene.

    Raises:
        UsageError: Scenes or labels cannot be used, or this version is there already.
    """
    from threadpoolctl import threadpool_limits

    from builder.process import plainly
    from processors.seaice.artefact import REFERENCE, SEMVER, save_model
    from processors.seaice.features import Settings
    from processors.seaice.modelcard import papers
    from processors.seaice.ready import SETTINGS
    from processors.seaice.teaching import Course, teach

    if not REFERENCE.fullmatch(course["name"]) or "@" in course["name"]:
        raise UsageError("is no name of a model", where=course["name"], hint="small letters, digits and hyphens")
    if not SEMVER.fullmatch(course["version"]):
        raise UsageError("is no version", where=course["version"], hint="three numbers such as 1.0.0")
    with plainly(), threadpool_limits(1):
        settings = SETTINGS if labels.ready else Settings()
        model = teach(Course(**course, settings=settings, about=labels.about), labels.sheets(advance, settings))
        return save_model(model, out, papers(model))


def evaluate(model_file: Path, labels: Labels, threshold: float, advance: Advance) -> dict[str, Any]:
    """Hold the maps of a model against labels, scene by scene, and return the figures.

    Raises:
        UsageError: The model, scenes or labels cannot be used.
    """
    from builder.process import plainly
    from processors.seaice.artefact import load_model
    from processors.seaice.evaluation import evaluation_of
    from processors.seaice.teaching import score_map
    from processors.seaice.training import Fitted

    with plainly():
        model = load_model(model_file)
        fitted = Fitted(model.kind, model.features, dict(model.parameters))
        sheets = labels.sheets(advance, model.settings)
        scores = [score_map(sheet, fitted, threshold=threshold) for sheet in sheets]
        return {"model": f"{model.name}@{model.version}", "sha256": model.sha256, **evaluation_of(scores).to_dict()}
