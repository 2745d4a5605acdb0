"""A small catalogue to publish, and what the tests of publishing share."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from builder.tree import Tree, apply

ROOT = Path(__file__).resolve().parents[2]
NIGHT = datetime(2026, 3, 1, 2, 17, tzinfo=UTC)


def ignore(task):
    pass


def at(monkeypatch, **later):
    """Set the clock to so much after the first night."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int((NIGHT + timedelta(**later)).timestamp())))


def dumps(content):
    return json.dumps(content).encode()


def stac(items, version=1):
    """Files of a catalogue with one collection and ``items`` items, each with one data object and a page."""
    names = [f"i{number:03}" for number in range(items)]
    files = {
        "catalog.json": (
            dumps({"type": "Catalog", "v": version, "links": [{"rel": "child", "href": "./p/c/collection.json"}]}),
            "application/json",
        ),
        "index.html": (b"<p>Arctic</p>" * 200, "text/html; charset=utf-8"),
        "p/c/collection.json": (
            dumps({"type": "Collection", "links": [{"rel": "item", "href": f"./{name}.json"} for name in names]}),
            "application/json",
        ),
    }
    for name in names:
        item = {"type": "Feature", "v": version, "assets": {"data": {"href": f"./data/{name}.nc"}}, "links": []}
        files[f"p/c/{name}.json"] = (dumps(item), "application/geo+json")
        files[f"p/c/data/{name}.nc"] = (b"CDF\x01" + name.encode() * 500, "application/netcdf")
    return files


def catalogue(folder, files):
    """Write files as `iaos build` does."""
    staging = folder.with_name(f"{folder.name}-staging-{len(list(folder.parent.iterdir()))}")
    staging.mkdir(parents=True)
    tree = Tree(folder, staging)
    for path, (data, kind) in files.items():
        tree.add(path, data, kind)
    apply(tree)
    return folder


def contents(folder):
    """Bytes of every file of a published folder but what it remembers of itself."""
    files = {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}
    return {path: data for path, data in files.items() if not path.startswith("_state/") and path != "manifest.json"}


def killed(folder, target, fatal, endpoint=""):
    """Publish in a process that dies at its ``fatal``-th request (after it, if negative); tell whether it died."""
    done = subprocess.run(
        [sys.executable, ROOT / "tests/drills/killed.py", folder, target, endpoint, str(fatal)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode == -signal.SIGKILL
