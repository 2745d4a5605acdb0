"""First builds of several partners with NetCDF files: all in one build, against one build for each, in wall time.

Each partner has a server of its own that answers 30 ms late, and is asked with the pause of 0.2 s that definitions have
by default. The floor is the slowest partner alone, which is waited for in any case. `--partners N` (default 4) and
`--files N` (default 60; `--quick` 10 of 2 partners) set the size. The trees of single builds hold the same items.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.bench_nights import FIRST, HEAD, RECORD, draw, first_build
from tests.bench.bench_scale import option
from tests.servers.latency import latency_server


def define(folder: Path, name: str, base: str, files: int) -> None:
    """Write the definition of a partner who names its files one by one."""
    head = HEAD.format(host=base.removeprefix("http://")).replace("delay_s: 0", "delay_s: 0.2")
    records = (RECORD.format(number=number, day=FIRST + timedelta(number), base=base) for number in range(files))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(head.replace("id: ice", f"id: {name}") + "".join(records))


def timed(folder: Path) -> float:
    start = time.monotonic()
    first_build(folder)
    return time.monotonic() - start


def items(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.glob("bench/*/ice_*.json")}


def main(arguments: list[str]) -> None:
    quick = "--quick" in arguments
    partners = option(arguments, "--partners", 2 if quick else 4)
    files = option(arguments, "--files", 10 if quick else 60)
    with tempfile.TemporaryDirectory() as name, ExitStack() as servers:
        scratch = Path(name)
        names = [f"ice-{number}" for number in range(partners)]
        for number, one in enumerate(names):
            data = scratch / "data" / one
            data.mkdir(parents=True)
            for day in range(files):
                draw(data / f"{day}.nc", day, seed=number)
            base = servers.enter_context(latency_server(data))
            for folder in (scratch / one, scratch / "all"):
                define(folder / "collections", one, base.rstrip("/"), files)
        alone = [timed(scratch / one) for one in names]
        together = timed(scratch / "all")
        single = {path: body for one in names for path, body in items(scratch / one / "out").items()}
        assert items(scratch / "all" / "out") == single
        assert len(single) == partners * files
    print(
        f"{partners} partners with {files} files each: {together:.1f} s, {together / sum(alone):.2f} of one after "
        f"another ({sum(alone):.1f} s), {together / max(alone):.2f} times the slowest alone"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
