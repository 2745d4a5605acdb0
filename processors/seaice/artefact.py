"""Keeps models as folders `<name>/<version>/` of plain files: numbers, card, STAC item and their digests; no pickle."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from processors.errors import Refusal
from processors.protocol import JSON
from processors.seaice.classifier import MISMATCH, check_parameters, probability, select
from processors.seaice.features import Cells, Settings
from processors.seaice.textures import Floats

SHIPPED = Path(__file__).parent / "models"
MODEL, CARD, ITEM, SUMS = "model.json", "MODEL_CARD.md", "item.json", "SHA256SUMS"
DEFAULT = "ice-water-quadlogit@1"
"""The shipped model that is used where none is asked for."""
SCHEMA = "iaos-ice-model/1"
SEMVER = re.compile(r"(\d+)\.(\d+)\.(\d+)")
REFERENCE = re.compile(r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)(?:@(?P<version>\d+(?:\.\d+){0,2}))?")
DIGEST = "MODEL.SHA256"


@dataclass(frozen=True, slots=True)
class Model:
    """One trained model.

    Attributes:
        name: Lower-case name.
        version: Such as ``1.0.0``; raised with the numbers.
        architecture: What it is, in words.
        kind: Which loop runs it, see `processors.seaice.classifier`.
        polarisations: Channels of the scenes it was trained on, co and cross.
        settings: How features are computed.
        features: Their names, in order.
        parameters: Its numbers.
        training: What it was trained on and how it did: scenes, labels, seasons, accuracies.
        sha256: Digest of its file; empty where it was never written.
    """

    name: str
    version: str
    architecture: str
    kind: str
    polarisations: tuple[str, str]
    settings: Settings
    features: tuple[str, ...]
    parameters: Mapping[str, JSON]
    training: Mapping[str, JSON] = field(default_factory=dict)
    sha256: str = ""

    @property
    def size(self) -> int:
        """How many numbers were learnt."""
        skipped = {"mean", "scale", "left", "right", "feature", "roots", "votes", "calibration"}
        learnt = (value for name, value in self.parameters.items() if name not in skipped)
        return sum(_count(value) for value in learnt)

    def predict(self, cells: Cells) -> Floats:
        """Return the probability of ice in each cell, NaN where nothing is known; shape (rows, columns).

        Raises:
            Refusal: The scene does not have the features of the model (``MODEL.FEATURE_MISMATCH``).
        """
        values = select(cells.values, cells.names, self.features)
        return np.where(cells.known, probability(self.kind, self.parameters, values), np.float32(np.nan))

    def to_json(self) -> bytes:
        """Return the file ``model.json``: equal models give equal bytes."""
        said = {
            "schema": SCHEMA,
            "name": self.name,
            "version": self.version,
            "architecture": self.architecture,
            "kind": self.kind,
            "polarisations": list(self.polarisations),
            "settings": self.settings.to_dict(),
            "features": list(self.features),
            "classes": [{"value": 1, "name": "open_water"}, {"value": 2, "name": "sea_ice"}],
            "output": "probability of sea_ice",
            "parameters": dict(self.parameters),
            "training": dict(self.training),
        }
        return json.dumps(said, indent=1, sort_keys=True, allow_nan=False).encode() + b"\n"


def find_model(reference: str, folder: Path = SHIPPED) -> Path:
    """Return the file of a model named ``name``, ``name@1`` or ``name@1.0.0``: the highest version that fits.

    Raises:
        Refusal: There is none.
    """
    wanted = REFERENCE.fullmatch(reference)
    names = sorted(path.name for path in folder.glob("*") if path.is_dir())
    if wanted is None or wanted["name"] not in names:
        raise Refusal(f"no model is called {reference!r}", "model", f"there are: {', '.join(names)}", "MODEL.UNKNOWN")
    versions = sorted(_number(path.name) for path in (folder / wanted["name"]).iterdir() if SEMVER.fullmatch(path.name))
    part = _number(wanted["version"]) if wanted["version"] else ()
    fitting = [one for one in versions if one[: len(part)] == part]
    if not fitting:
        there = ", ".join(".".join(map(str, one)) for one in versions)
        raise Refusal(f"has no version {wanted['version']}", wanted["name"], f"there are: {there}", "MODEL.UNKNOWN")
    return folder / wanted["name"] / ".".join(map(str, fitting[-1])) / MODEL


def example() -> str:
    """Return a full reference to the model that is used where none is asked for, such as ``name@1.0.0``."""
    path = find_model(DEFAULT)
    return f"{path.parent.parent.name}@{path.parent.name}"


def load_model(path: Path) -> Model:
    """Read a model and hold it against the digests beside it.

    Args:
        path: Its file ``model.json``; ``SHA256SUMS`` lies beside it.

    Raises:
        Refusal: The file is not the one that was written (``MODEL.SHA256``), is no model (``MODEL.UNREADABLE``), or was
            trained with features that this version does not compute (``MODEL.FEATURE_MISMATCH``).
    """
    try:
        raw = path.read_bytes()
        sums = dict(line.split("  ", 1)[::-1] for line in (path.parent / SUMS).read_text("utf-8").splitlines())
    except (OSError, UnicodeDecodeError, ValueError):
        hint = f"give a {MODEL} that has its {SUMS} beside it"
        raise Refusal("cannot be read with its digests", path.name, hint, DIGEST) from None
    digest = hashlib.sha256(raw).hexdigest()
    if sums.get(path.name) != digest:
        raise Refusal(f"has another digest than {SUMS} states", path.name, "fetch the model again", DIGEST)
    try:
        return _model(json.loads(raw), digest)
    except (ValueError, KeyError, TypeError, AttributeError) as trouble:
        raise Refusal(f"is no model: {trouble!r}", path.name, f"its schema is {SCHEMA}", "MODEL.UNREADABLE") from None


def save_model(model: Model, folder: Path, others: Mapping[str, bytes]) -> Path:
    """Write a model with its card and item into ``folder/<name>/<version>``, and the digests of all files.

    Raises:
        Refusal: This version is there already and differs: raise the version.
    """
    home = folder / model.name / model.version
    files = {MODEL: model.to_json(), **others}
    sums = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)).encode()
    if (home / SUMS).exists() and (home / SUMS).read_bytes() != sums:
        hint = "raise the version: a published model never changes"
        raise Refusal(f"{model.name} {model.version} is there already", str(home), hint, "MODEL.EXISTS")
    home.mkdir(parents=True, exist_ok=True)
    for name, content in {**files, SUMS: sums}.items():
        (home / name).write_bytes(content)
    return home / MODEL


def _model(said: Any, digest: str) -> Model:
    if said["schema"] != SCHEMA:
        raise ValueError(said["schema"])
    stated = said["settings"]
    settings = Settings(int(stated["cell_pixels"]), int(stated["looks"]))
    if settings.to_dict() != stated:
        differing = sorted(name for name in stated if settings.to_dict().get(name) != stated[name])
        hint = "train it again with this version"
        raise Refusal(f"was trained with other features: {', '.join(differing)}", MODEL, hint, MISMATCH)
    features = tuple(map(str, said["features"]))
    check_parameters(said["kind"], said["parameters"], len(features))
    co, cross = map(str, said["polarisations"])
    return Model(
        str(said["name"]), str(said["version"]), str(said["architecture"]), said["kind"], (co, cross), settings,
        features, said["parameters"], said.get("training", {}), digest,
    )  # fmt: skip


def _number(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _count(value: JSON) -> int:
    return sum(map(_count, value)) if isinstance(value, list) else 1
