"""R1: every fault on three adapters at the first, a middle and the last page, passing and lasting; prints figures.

    python tests/drills/drill_faults.py [--jobs 2] [--fault NAME]

A passing fault must end in the complete catalogue, in the same run or after a plain re-run. A
lasting one must leave the last good state, be named in the report, and leave the other collection
alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.drills.faultmatrix import ADAPTERS, cases, drill
from tests.servers.faults import R1


def main() -> int:
    """Run all cases, or those of one fault; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--fault", choices=R1, action="append", help="only these")
    asked = parser.parse_args()
    chosen, began = list(cases(asked.fault or R1)), time.monotonic()
    with ProcessPoolExecutor(asked.jobs) as pool:
        outcomes = list(pool.map(drill, chosen))
    ended = Counter(
        f"{'passing' if case.times else 'lasting'}: {outcome}" for case, outcome in zip(chosen, outcomes, strict=True)
    )
    for outcome, number in sorted(ended.items()):
        print(f"{number:5} {outcome}")
    bad = [(case, outcome) for case, outcome in zip(chosen, outcomes, strict=True) if outcome.startswith("BAD")]
    for case, outcome in bad:
        print(f"  {case}: {outcome}")
    print(
        f"R1: {len(chosen)} cases of {len({case.fault for case in chosen})} faults on {len(ADAPTERS)} adapters,"
        f" {len(bad)} failed, {time.monotonic() - began:.0f} s"
    )
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
