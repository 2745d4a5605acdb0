"""Drill R3: SIGKILL at random moments of a build, from harvest to writing; a plain run mends it, byte for byte.

    python tests/drills/drill_kill.py [--kills 50]

Half of the runs start from nothing, half from an earlier catalogue, so that files are replaced and withdrawn too.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.drills.scene import contents, define, partners, python, report

DYING = Path(__file__).with_name("dying.py")
KEEP = ("demo-weather", "demo-expeditions")


def run(folder, fatal, *, check=True):
    """Build once, to be killed at an act (0: never); gives what the process told of its end."""
    told = folder / "told"
    words = (folder.parent / "collections", folder / "out", folder / "state", fatal, told)
    done = python("-P", DYING, *words, check=check)
    return told.read_text(), done.returncode


def begin(start, folder):
    shutil.rmtree(folder, ignore_errors=True)
    if start is None:
        folder.mkdir()
    else:
        shutil.copytree(start, folder)


def remembered(folder):
    """Return the state without what the partner's own clock, which nobody holds still, put into it."""
    files = contents(folder)
    for name in files:
        if name.endswith("/harvest.json"):
            files[name] = {**json.loads(files[name]), "since": None}
    return files


def differing(one, other):
    """Return the names of files that are not the same in both."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def drill(base, kills, keep=KEEP):
    """Kill, mend and compare; gives counts of stages, what was not mended, and requests repeated, of those answered."""
    chance, stages, wrong, again, answered = random.Random(3), Counter(), [], 0, 0
    with partners(base) as (url, asked):
        define(base / "collections", url, keep=keep, records=("walrus", "beluga"))
        (base / "early").mkdir()
        run(base / "early", 0)
        define(base / "collections", url, keep=keep, records=("walrus", "narwhal", "seal"))
        wanted = []
        for start in (None, base / "early"):
            begin(start, base / "calm")
            acts, _ = run(base / "calm", 0)
            wanted.append((start, int(acts), contents(base / "calm/out"), remembered(base / "calm/state")))
        for number in range(kills):
            start, acts, out, state = wanted[number % 2]
            begin(start, base / "run")
            asked.clear()
            stage, status = run(base / "run", chance.randint(1, acts), check=False)
            before = Counter(asked)
            asked.clear()
            stages[stage if status == -9 else "lived"] += 1
            run(base / "run", 0)
            again += (Counter(asked) & before).total()
            answered += before.total()
            if other := differing(contents(base / "run/out"), out) + differing(remembered(base / "run/state"), state):
                wrong.append((number, stage, other))
    return stages, wrong, again, answered


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    kills = parser.parse_args().kills
    with tempfile.TemporaryDirectory() as folder:
        stages, wrong, again, answered = drill(Path(folder), kills)
    places = ", ".join(f"{number} in {stage}" for stage, number in sorted(stages.items()))
    failed = report(
        "R3 build, SIGKILL", not wrong and not stages["lived"], f"{places}; {len(wrong)} not mended {wrong}"
    )
    share = again / answered if answered else 0.0
    return failed + report(
        "R3 requests repeated", share <= 0.1, f"{again} of {answered} answered before the kill ({share:.0%}; goal 10 %)"
    )


if __name__ == "__main__":
    sys.exit(main())
