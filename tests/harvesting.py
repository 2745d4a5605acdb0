"""What tests and drills of the harvest share: a definition, a quick run into a state, and what the state then holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from builder.build import Request
from builder.harvests import harvest_only
from builder.memory.state import open_state
from builder.sources.limits import Limits

QUICK = Limits(tries=5, backoff_s=0.001, retry_after_s=0.01, response_s=0.8)


class Switch:
    """A handler or a plan of faults that a test exchanges while the server runs."""

    def __init__(self, now: Callable[[Any], Any]) -> None:
        self.now = now

    def __call__(self, what: Any) -> Any:
        return self.now(what)


def define(folder: Path, name: str, source: dict, **more) -> None:
    """Write a definition; JSON is YAML too."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "id": name,
        "title": name,
        "description": f"Records of {name}.",
        "partner": {"id": "p", "name": "Partner"},
        "source": {"delay_s": 0, **source},
        **more,
    }
    (folder / f"{name}.yaml").write_text(json.dumps(content))


def run(folder: Path, *, failed: bool = False, limits: Limits = QUICK, **asked):
    """Harvest ``folder/collections`` into ``folder/state``; returns the report."""
    request = Request(folder / "collections", folder / "out", folder / "state", limits=limits, **asked)
    return harvest_only(request, lambda _name: None, failed=failed)


def report_of(report, name: str):
    """Return one collection's report."""
    return next(one for one in report.collections if one.id == name)


def live(folder: Path, name: str) -> dict[str, str]:
    """Return the digests of the records that are not withdrawn, by identifier."""
    with open_state(folder / "state") as state:
        return {entry.identifier: entry.sha256 for entry in state.entries(name)}


def kept(folder: Path, name: str) -> dict[str, bytes]:
    """Return everything a collection has in the state that must not depend on interruptions."""
    root = folder / "state" / name
    return {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in sorted(root.rglob("*"))
        if file.is_file() and file.name not in {"harvest.json", "nights.ndjson"} and "answers" not in file.parts
    }
