"""Drill R6: builds under other hash seeds, time zones, languages, clocks, processor counts and folders are one tree."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.drills.scene import NIGHT, contents, define, partners, python, report

KEEP = ("demo-weather", "demo-expeditions", "demo-sea-ice")
SURROUNDINGS = (
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LANG": "C", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "42", "TZ": "Pacific/Kiritimati", "LANG": "tr_TR.UTF-8", "LC_ALL": "C.UTF-8", "COLUMNS": "20"},
    {
        "PYTHONHASHSEED": "4711",
        "TZ": "America/St_Johns",
        "LANG": "ar_SA",
        "OMP_NUM_THREADS": "1",
        "HOME": "/nonexistent",
    },
)


def one_processor():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def build(base, name, env, *words, alone=False):
    """Build into folders of their own; gives the tree."""
    options = {"preexec_fn": one_processor} if alone else {}
    python(
        "-m", "builder", "-q", "build", "--collections", base / "collections",
        "--out", base / name / "out", "--state", base / name / "state", *words, env=env, **options,
    )  # fmt: skip
    return contents(base / name / "out")


def differing(trees):
    return sorted(
        {path for tree in trees[1:] for path in trees[0].keys() | tree.keys() if trees[0].get(path) != tree.get(path)}
    )


def drill(base, keep=KEEP, surroundings=SURROUNDINGS):
    """Harvest in each surrounding, then rebuild one state in each at another clock; gives sizes and what differs."""
    with partners(base) as (url, _):
        define(base / "collections", url, keep=keep, records=("walrus", "bluewhale"))
        fresh = [build(base, f"{'x' * 9 * n}n{n}", env, alone=n == 1) for n, env in enumerate(surroundings)]
    rebuilt = [fresh[0]]
    for number, env in enumerate(surroundings):
        shutil.copytree(base / "n0/state", base / f"again{number}/state")
        later = {**env, "SOURCE_DATE_EPOCH": str(int(NIGHT) + 10**7 * number)}
        rebuilt.append(build(base, f"again{number}", later, "--no-harvest", alone=number == 0))
    return len(fresh[0]), differing(fresh), differing(rebuilt)


def main():
    with tempfile.TemporaryDirectory() as folder:
        files, fresh, rebuilt = drill(Path(folder))
    number = len(SURROUNDINGS)
    failed = report(
        "R6 harvested alike", not fresh, f"{number} surroundings, {files} files, {len(fresh)} differ {fresh[:3]}"
    )
    return failed + report(
        "R6 rebuilt alike",
        not rebuilt,
        f"{number} surroundings and clocks, {files} files, {len(rebuilt)} differ {rebuilt[:3]}",
    )


if __name__ == "__main__":
    sys.exit(main())
