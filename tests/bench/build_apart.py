"""One build of the definitions and state in a folder, without a harvest, and what it cost; nothing else is loaded.

Its own peak memory is that of this program alone: `ru_maxrss` would count the program that started it.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from builder.build import Request, build

WHOSE = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def main(folder: Path) -> None:
    start = time.monotonic()
    build(Request(folder / "collections", folder / "out", folder / "state", no_harvest=True), lambda _: None)
    wall = time.monotonic() - start
    used = [resource.getrusage(who) for who in WHOSE]
    print(sum(one.ru_utime + one.ru_stime for one in used), wall, peak_mb(), used[1].ru_maxrss // 1024)


def peak_mb() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]))
