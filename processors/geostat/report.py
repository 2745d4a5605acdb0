"""Writes the report of a map: one HTML file with its figures inside, which says how far the map can be trusted."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from processors.geostat.mapping import Mapped
from processors.geostat.netcdf import Layout
from processors.geostat.variography import candidates_of
from processors.protocol import JSON

SCORES = (
    ("observations", "count"), ("mean error", "bias"), ("mean absolute error", "mae"), ("RMSE", "rmse"),
    ("std of the data", "deviation"), ("skill against their mean", "skill"), ("MSDR", "msdr"),
    ("inside the 50 % interval", "coverage50"), ("inside the 90 % interval", "coverage90"), ("CRPS", "crps"),
)  # fmt: skip
_METRICS = {
    "laea": "Distances in an equal-area plane about the data.",
    "chord": "Distances as chords through the sphere.",
    "crs": "Distances in the plane of the grid.",
}


def write_report(
    path: Path,
    layout: Layout,
    pictures: Mapping[str, Sequence[tuple[Path, str]]],
    risk: Mapping[str, Sequence[Mapping[str, JSON]]],
    statistics: Sequence[Mapping[str, JSON]],
    relation: Mapping[str, JSON] | None,
    about: Sequence[tuple[Path, str]] = (),
) -> None:
    """Write the report.

    Args:
        path: File to write.
        layout: The maps.
        pictures: Level → PNG files with their titles.
        risk: Level → what is said of the region at each time.
        statistics: Rows of the table of observations.
        relation: What two variables have to do with each other; None without a second.
        about: Figures of that.
    """
    from jinja2 import Environment, StrictUndefined

    text = files("processors.geostat").joinpath("report.html").read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(text)
    lineage = layout.lineage.to_dict()
    table = layout.table
    names = {"first": table.name, "second": table.second_name}
    profiles, platforms = np.unique(table.profile).size, np.unique(table.platform).size
    page = template.render(
        title=layout.title,
        summary=f"Kriged from {table.size} values of {profiles} profiles and {platforms} platforms.",
        levels=[_level(one, pictures.get(one.title, ()), risk.get(one.title, ())) for one in layout.maps],
        score_rows=SCORES,
        statistics=statistics,
        relation=None if relation is None else {**relation, **names},
        relation_pictures=_embedded(about),
        left_out=table.left_out,
        inputs=lineage["inputs"],
        processor=f"{lineage['processor']} {lineage['version']}",
        parameters={name: json.dumps(value, sort_keys=True) for name, value in lineage["parameters"].items()},
    )
    path.write_text(page, encoding="utf-8", newline="\n")


def _level(
    mapped: Mapped, pictures: Sequence[tuple[Path, str]], risk: Sequence[Mapping[str, JSON]]
) -> dict[str, JSON]:  # fmt: skip
    checked = mapped.validation
    scores = {} if checked is None else {"leaving out one": checked.single.to_dict()}
    if checked is not None and checked.grouped is not None:
        scores["leaving out groups"] = checked.grouped.to_dict()
    told: dict[str, JSON] = {
        "title": mapped.title,
        "status": "" if checked is None else checked.status,
        "reasons": [] if checked is None else checked.reasons,
        "grouping": "" if checked is None else checked.grouping,
        "is_mean": mapped.is_mean,
        "notes": mapped.notes,
        "pictures": _embedded(pictures),
        "scores": scores,
        "candidates": candidates_of(mapped),
        "risk": risk,
        "model": [],
    }
    return told | _model(mapped)


def _embedded(pictures: Sequence[tuple[Path, str]]) -> list[dict[str, str]]:
    return [{"data": b64encode(path.read_bytes()).decode(), "title": title} for path, title in pictures]


def _model(mapped: Mapped) -> dict[str, JSON]:
    if mapped.choice is None:
        return {}
    recipe = mapped.choice.recipe
    parts = [
        {"kind": one.kind, "sill": one.sill, "range": one.range, "reach": one.effective_range}
        for one in recipe.model.structures
    ]
    day = f" A day counts as {recipe.metric.speed:.3g} km." if recipe.metric.speed else ""
    return {
        "model": parts,
        "trend": recipe.trend.title,
        "metric": _METRICS[recipe.metric.kind] + day,
        "nugget": recipe.single if not recipe.model.nugget else recipe.model.nugget,
        "nugget_title": "error of an observation" if not recipe.model.nugget else "nugget",
    }
