"""Flips bytes of NetCDF-3, NetCDF-4 and GeoTIFF files for a time and prints how the inspection took it.

    python tests/drills/drill_fuzz.py [seconds] [seed]

Mutants that crashed or hung their reader are kept in build/mutants; the parent must have survived all.
"""

from __future__ import annotations

import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.hostile.mutants import run

SECONDS = 600.0


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(Path(folder), seconds, seed)
    number = sum(outcome.counts.values())
    print(f"seed {seed}: {number} mutants in {seconds:g} s, {number / seconds:.1f} a second; ")
    for name, count in outcome.counts.most_common():
        print(f"  {count:6}  {name}")
    print(f"slowest {outcome.slowest_s:.1f} s; the parent grew by {outcome.grown_mb:.0f} MB")
    kept = Path("build/mutants")
    for name, body in outcome.crashers:
        kept.mkdir(parents=True, exist_ok=True)
        (kept / f"{name}-{sha256(body).hexdigest()[:12]}").write_bytes(body)
    print(f"{len(outcome.crashers)} cost their reader the life" + (f"; kept in {kept}" if outcome.crashers else ""))


if __name__ == "__main__":
    main()
