"""Makes random valid files for a time; holds references, cuts, pages and builds against netCDF-C, xarray and our rules.

    python tests/drills/drill_random.py [seconds] [seed]

Each file comes from its seed alone; those that went wrong are kept in build/random.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.drills.scene import report
from tests.hostile.randomchecks import built, referenced
from tests.hostile.randomcuts import cut
from tests.hostile.randompages import pages

SECONDS = 120.0
KEPT = Path("build/random")
TOGETHER = 40
"""Files of one build, or asked by one process of Node."""
LONGEST_S = 300


def apart(check, kind, folder, seed):
    """Check in a process of its own, as C libraries may crash; return the outcome, or what went wrong."""
    said = folder / "said"
    child = os.fork()
    if not child:
        signal.alarm(LONGEST_S)
        try:
            said.write_text(check(kind, folder, seed))
        except Exception as trouble:
            said.write_text(f"WRONG {kind} {seed}: {type(trouble).__name__}: {trouble}")
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    return said.read_text() if not status else f"WRONG {kind} {seed}: the reader died with status {status}"


def many(kind, folder, seed):
    built(kind, folder, range(seed, seed + TOGETHER))
    return f"builds of {TOGETHER} files"


def asked(kind, folder, seed):
    outcomes = pages(kind, folder, range(seed, seed + TOGETHER))
    return ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items()))


def run(kind, check, step, seconds, seed):
    """Check one kind of file for a time; return how often each outcome came, and what went wrong."""
    outcomes, wrong, until = Counter(), [], time.monotonic() + seconds
    while time.monotonic() < until:
        with tempfile.TemporaryDirectory() as folder:
            outcome = apart(check, kind, Path(folder), seed)
            outcomes[outcome.partition(":")[0]] += 1
            if outcome.startswith("WRONG"):
                wrong.append(outcome)
                shutil.copytree(folder, KEPT / f"{kind}-{seed}", dirs_exist_ok=True)
        seed += step
    return outcomes, wrong


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    checks = {"hdf5": (referenced, 1), "netcdf": (referenced, 1), "cuts": (cut, 1)}
    if shutil.which("node"):
        checks["pages"] = (asked, TOGETHER)
    checks |= dict.fromkeys(("cf", "geotiff", "text"), (many, TOGETHER))
    failed = 0
    for kind, (check, step) in checks.items():
        outcomes, wrong = run(kind, check, step, seconds / len(checks), seed)
        figures = ", ".join(f"{count} {name}" for name, count in outcomes.most_common(5))
        failed += report(f"random {kind}", not wrong, f"from seed {seed}: {figures}")
        for line in wrong:
            sys.stderr.write(f"{line}\n")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
