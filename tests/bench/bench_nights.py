"""Nights of a partner whose NetCDF files are looked into: the first, one in which nothing changed, and one of 1 % news.

Daily maps (`--files N`, default 1,000; `--quick` 50) lie on a server of this machine. Processor seconds are those of a
build and its children; what they may cost is what the first build takes. Peak memory is that of the build alone.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import netCDF4
import numpy as np

from tests.bench.bench_scale import build_apart, option
from tests.servers.ranged import ranged

FIRST = date(2018, 1, 1)
HEAD = """\
id: ice
title: Ice
description: Daily maps.
partner: {{id: bench, name: Benchmark partner}}
license: CC-BY-4.0
source:
  type: files
  delay_s: 0
  fetch_hosts: ['{host}']
  records:
"""
RECORD = """\
    - id: ice_{number}
      title: Ice {number}
      description: Made for a benchmark.
      start: {day}
      end: {day}
      files: [{{href: '{base}/{number}.nc', roles: [data]}}]
"""


def draw(path: Path, number: int, seed: int = 0) -> None:
    """Write a map of one day, two variables of 120 by 240 cells in eight chunks."""
    random = np.random.default_rng([number, seed])
    with netCDF4.Dataset(path, "w") as file:
        for name, count in (("time", 1), ("lat", 120), ("lon", 240)):
            file.createDimension(name, count)
            file.createVariable(name, "f8", (name,))
        units = {"time": f"days since {FIRST}", "lat": "degrees_north", "lon": "degrees_east"}
        values = {"time": number, "lat": np.linspace(60, 89.75, 120), "lon": np.arange(240) * 1.5 - 180}
        for name, unit in units.items():
            file[name].units = unit
            file[name][:] = values[name]
        for name in ("ice", "melt"):
            variable = file.createVariable(name, "f4", ("time", "lat", "lon"), zlib=True, chunksizes=(1, 60, 120))
            variable[:] = random.random((1, 120, 240)).round(2)


def first_build(folder: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    places = [word for name in ("collections", "out", "state") for word in (f"--{name}", str(folder / name))]
    subprocess.run([sys.executable, "-m", "builder", "build", *places], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(arguments: list[str]) -> None:
    count = option(arguments, "--files", 50 if "--quick" in arguments else 1000)
    with tempfile.TemporaryDirectory() as name, ranged(Path(name)) as (base, _):
        folder = Path(name)
        (folder / "collections").mkdir()
        records = (
            RECORD.format(number=number, day=FIRST + timedelta(days=number), base=base) for number in range(count)
        )
        head = HEAD.format(host=base.removeprefix("http://"))
        (folder / "collections" / "ice.yaml").write_text(head + "".join(records))
        for number in range(count):
            draw(folder / f"{number}.nc", number)
        whole = first_build(folder)
        print(f"first build of {count} files: {whole:.1f} s, {whole / count * 1e3:.0f} ms each", flush=True)
        few = max(1, count // 100)
        for night, news in enumerate((few, 0, few)):
            for number in range(news):
                draw(folder / f"{number}.nc", number, seed=night + 1)
            start = time.monotonic()
            spent, memory = build_apart(folder)
            if night == 0:  # it compiles the modules
                continue
            print(
                f"{news} changed: {spent:.1f} s, {spent / whole:.1%} of the first; "
                f"{(time.monotonic() - start) / count * 1e3:.1f} ms of the clock for each file; {memory}",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
