"""Writes what goes with a model: a card in plain words and a STAC item of the machine-learning-model extension."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from importlib.metadata import version

from processors.protocol import JSON
from processors.seaice.artefact import CARD, ITEM, MODEL, Model

SCHEMA = "https://stac-extensions.github.io/mlm/v1.4.0/schema.json"
SYNTHETIC = "**Trained on simulated scenes; not validated on real charts.**"
MEASURED = {"maps": "whole maps, smoothed and cleared of specks", "cells": "single cells as they are"}
"""Parts of the record of a model that say how good it is."""
BIASED, POOR = 0.06, 0.93
"""Bias of ice area above which, and accuracy below which, a scene is counted as hard."""
_ARCTIC = ((-180.0, 50.0), (180.0, 50.0), (180.0, 90.0), (-180.0, 90.0), (-180.0, 50.0))


def papers(model: Model) -> dict[str, bytes]:
    """Return the files that are kept beside a model: its card and its item."""
    return {CARD: card(model).encode(), ITEM: json.dumps(item(model), indent=1, sort_keys=True).encode() + b"\n"}


def card(model: Model) -> str:
    """Return the card of a model in Markdown: what it is, what it was trained on, how good it is, what it cannot do."""
    record = model.training
    parts = [
        f"# {model.name} {model.version}",
        (
            f"{model.architecture} that tells sea ice from open water on cells of {40 * model.settings.pixels} m of "
            f"Sentinel-1 EW GRDM scenes in {model.polarisations[0]} and {model.polarisations[1]}."
        ),
        _validation(record),
        "## How good it is",
        (
            "Each scene was measured by a model that had not seen a single cell of it "
            f"(parted into {record.get('folds', 0)} groups of scenes)."
        ),
        _table(record),
        _subset(record),
        _confusion(record),
        "## What it was trained on",
        _trained(record),
        "## What it cannot do",
        "It knows two classes only. Swell, internal waves, grease ice, wet snow, melt ponds, ships, icebergs, radio "
        "interference and land in the window of a cell may be taken for ice or for water. It gives no type and no "
        "concentration of ice." + (" None of these was simulated." if record.get("validation") == "synthetic" else ""),
        "## How to use it again",
        (
            f"`{MODEL}` holds all that is needed: features, how they are computed (`settings`), order, mean and "
            "scale of each, and the coefficients. `SHA256SUMS` lets you check the files. Licence: Apache-2.0."
        ),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def item(model: Model) -> dict[str, JSON]:
    """Return the STAC item of a model (MLM 1.4): what goes in, what comes out, and where its file is."""
    record = model.training
    properties = {
        "title": f"{model.name} {model.version}",
        "description": " ".join(
            part
            for part in ("Tells sea ice from open water.", _validation(record).replace("**", ""), _subset(record))
            if part
        ),
        "datetime": None,
        "start_datetime": "2014-04-03T00:00:00Z",
        "end_datetime": "9999-12-31T23:59:59Z",
        "license": "Apache-2.0",
        "mlm:name": model.name,
        "mlm:architecture": model.architecture,
        "mlm:tasks": ["classification"],
        "mlm:framework": "scikit-learn",
        "mlm:framework_version": _semver(version("scikit-learn")),
        "mlm:total_parameters": model.size,
        "mlm:pretrained": True,
        "bands": [{"name": name, "description": _described(name)} for name in model.features],
        "mlm:input": [_input(model)],
        "mlm:output": [_output()],
        "mlm:hyperparameters": {name: record[name] for name in ("cells_per_scene", "seed", "folds") if name in record}
        or {"seed": 0},
        "model:validation": record.get("validation", "unknown"),
        "model:evaluation": {name: _figures(record[name]) for name in MEASURED if name in record},
    }
    west, south, east, north = -180.0, 50.0, 180.0, 90.0
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [SCHEMA, "https://stac-extensions.github.io/file/v2.1.0/schema.json"],
        "id": f"{model.name}-{model.version}",
        "geometry": {"type": "Polygon", "coordinates": [[list(one) for one in _ARCTIC]]},
        "bbox": [west, south, east, north],
        "properties": properties,
        "assets": {
            "model": {
                "href": f"./{MODEL}",
                "type": "application/json",
                "roles": ["mlm:model", "data"],
                "mlm:artifact_type": "iaos-ice-model",
                "bands": [{"name": name} for name in model.features],
                "file:checksum": "1220" + hashlib.sha256(model.to_json()).hexdigest(),
            },
            "card": {"href": f"./{CARD}", "type": "text/markdown", "roles": ["metadata"]},
        },
        "links": [],
    }


def _input(model: Model) -> dict[str, JSON]:
    bands = [{"name": name} for name in model.features]
    told: dict[str, JSON] = {
        "name": "Features of cells",
        "bands": bands,
        "input": {"shape": [-1, len(bands)], "dim_order": ["batch", "bands"], "data_type": "float32"},
    }
    numbers = model.parameters
    if "mean" in numbers:
        scaled = zip(numbers["mean"], numbers["scale"], strict=True)
        told["value_scaling"] = [{"type": "z-score", "mean": mean, "stddev": spread} for mean, spread in scaled]
    return told


def _described(feature: str) -> str:
    own = {
        "incidence": "Incidence angle, degrees",
        "ew1": "Whether a cell lies in the first sub-swath, which has more looks",
    }
    channel, _, name = feature.partition("_")
    told = {
        "deviation": "standard deviation of backscatter at 30 degrees, dB, window of 5 cells",
        "snr": "signal over noise of a window of 5 cells, dB",
        "hh_ratio": "backscatter over that in HH, window of 5 cells, dB",
        "vv_ratio": "backscatter over that in VV, window of 5 cells, dB",
    }
    mean = f"mean backscatter of {name.removeprefix('mean_')} x {name.removeprefix('mean_')} cells at 30 degrees, dB"
    texture = f"{name} of pairs of grey levels, window of 5 cells"
    return own.get(feature) or f"{channel.upper()}: {mean if name.startswith('mean_') else told.get(name, texture)}"


def _output() -> dict[str, JSON]:
    return {
        "name": "probability of sea ice",
        "tasks": ["classification"],
        "result": {"shape": [-1], "dim_order": ["batch"], "data_type": "float32"},
        "classification:classes": [
            {"value": 1, "name": "open_water", "description": "Open water", "color_hint": "005CE6"},
            {"value": 2, "name": "sea_ice", "description": "Sea ice", "color_hint": "DC1E1E"},
        ],
    }


def _semver(text: str) -> str:
    found = re.match(r"\d+\.\d+\.\d+", text)
    return found[0] if found else "0.0.0"


def _validation(record: Mapping[str, JSON]) -> str:
    if record.get("validation") == "synthetic":
        return SYNTHETIC
    return f"Trained and validated on: {record.get('labels', 'labels that nobody described')}."


def _figures(one: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return what the record says of whole maps or of single cells, with the errors of the probability."""
    return {
        **{name: one[name] for name in ("scenes", "mean_accuracy", "worst_accuracy", "worst_ice_area_bias")},
        **{name: one["pooled"][name] for name in ("ice_area_bias", "ece", "brier")},
    }


def _table(record: Mapping[str, JSON]) -> str:
    lines = [
        "| measured on | scenes | mean accuracy | worst | largest bias of ice area | calibration error | Brier score |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, title in MEASURED.items():
        if name in record:
            one = _figures(record[name])
            lines.append(
                f"| {title} | {one['scenes']} | {one['mean_accuracy']:.3f} | {one['worst_accuracy']:.3f} "
                f"| {one['worst_ice_area_bias']:+.1%} | {one['ece']:.3f} | {one['brier']:.3f} |"
            )
    for name, one in record.get("seasons", {}).items():
        lines.append(
            f"| single cells, {name} | {one['scenes']} | {one['mean_accuracy']:.3f} | {one['worst_accuracy']:.3f} "
            "| | | |"
        )
    return "\n".join(lines) if len(lines) > 2 else "It was not measured."


def _subset(record: Mapping[str, JSON]) -> str:
    """Say of which scenes whole maps were measured, and how hard these are beside all; empty where of all."""
    scenes = record.get("scenes", [])
    count = record.get("maps", {}).get("scenes", 0)
    if not 0 < count < len(scenes):
        return ""
    biased = [abs(one["ice_area_bias"]) > BIASED for one in scenes]
    poor = [one["accuracy"] < POOR for one in scenes]
    said = (
        f"Whole maps were measured of the first {count} scenes only. As single cells, the area of ice is more than "
        f"{BIASED:.0%} off in {sum(biased[:count])} of these and in {sum(biased)} of all {len(scenes)}, and accuracy "
        f"is below {POOR} in {sum(poor[:count])} and in {sum(poor)}."
    )
    easy = all(sum(one[:count]) * len(scenes) < sum(one) * count for one in (biased, poor))
    return said + (" They are an easy part: those of all scenes are likely to be worse." if easy else "")


def _confusion(record: Mapping[str, JSON]) -> str:
    if "cells" not in record:
        return ""
    (water, as_ice), (as_water, ice) = record["cells"]["pooled"]["confusion"]
    return (
        "Single cells of all scenes:\n\n| truth | called open water | called sea ice |\n|---|---|---|\n"
        f"| open water | {water} | {as_ice} |\n| sea ice | {as_water} | {ice} |"
    )


def _trained(record: Mapping[str, JSON]) -> str:
    scenes = record.get("scenes", [])
    lines = [f"{record.get('labels', 'Labels')}: {len(scenes)} scenes, {record.get('cells_per_scene')} cells of each."]
    lines += [f"- {one['scene']} ({one['season'] or 'no season'}): accuracy {one['accuracy']:.3f}" for one in scenes]
    return lines[0] + "\n\n" + "\n".join(lines[1:])
