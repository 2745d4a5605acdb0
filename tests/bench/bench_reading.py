"""Opening the references of 365 daily grids and reading a point series, against xarray's own `engine="kerchunk"`.

The grids are served with 30 ms latency per request and per connection and 50 MB/s per connection. Both sides start in
a new process for each run and read the same chunks; wall time is what counts, since the wait is the cost. Medians of
three runs (`--quick`: one). Goals (design of the data half): open at most 0.35 s, series at most 0.1 of the peer.

The last row is the series from a time-major copy, which the build makes where a definition asks for it.
"""

from __future__ import annotations

import base64
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import netCDF4
import numpy as np
import orjson
from kerchunk.df import refs_to_dataframe

from builder.enrich.inspect import Inspector
from builder.enrich.references import make_references
from builder.gathering.timemajor import Keeper, Part
from builder.memory.state import open_state
from tests.servers.latency import latency_server

DAYS = 365
OURS = """
import sys, time, zlib
import iaos, zarr, xarray, dask.array, kerchunk, fastparquet, fsspec.implementations.http
import builder.reading.store, builder.sources.http
start = time.perf_counter()
ice = iaos.open(sys.argv[1])
opened = time.perf_counter() - start
series = ice.ice[:, 300, 400].values
print(opened, time.perf_counter() - start - opened, zlib.crc32(series.astype("<f4").tobytes()))
"""
PEER = """
import sys, time, zlib
import zarr, xarray, dask.array, kerchunk, fastparquet, fsspec.implementations.http, kerchunk.xarray_backend
start = time.perf_counter()
ice = xarray.open_dataset(sys.argv[1], engine="kerchunk")
opened = time.perf_counter() - start
series = ice.ice[:, 300, 400].values
print(opened, time.perf_counter() - start - opened, zlib.crc32(series.astype("<f4").tobytes()))
"""


def make(folder: Path, address: str) -> None:
    """Write one day of ice, 2 variables of 64 chunks, and references to 365 addresses of it."""
    rng = np.random.default_rng(1)
    path = folder / "day.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("time", 1), ("y", 1120), ("x", 760)):
            file.createDimension(name, size)
        file.createVariable("time", "f8", "time")[:] = 0
        file["time"].units = "days since 2018-01-01"
        for name in ("ice", "error"):
            variable = file.createVariable(name, "f4", ("time", "y", "x"), zlib=True, chunksizes=(1, 140, 95))
            variable[:] = np.round(rng.random((1, 1120, 760), dtype="f4"), 2)
    refs = orjson.loads(make_references(path, "hdf5", f"{address}/any/DAY/day.nc")[0])["refs"]
    (folder / "year.json").write_bytes(orjson.dumps({"version": 1, "refs": stack(refs)}))
    refs_to_dataframe({"version": 1, "refs": stack(refs)}, str(folder / "year.parquet"), record_size=100_000)


def copy_time_major(folder: Path, address: str) -> float:
    """Make the time-major copy of the year with the build's own child process; returns the seconds it took."""
    days = [Part(f"{day:03d}", str(day), 1, lambda: nullcontext(folder / "day.nc")) for day in range(DAYS)]
    (folder / "state").mkdir()
    began = time.perf_counter()
    with open_state(folder / "state") as state, Inspector() as inspector:
        combined = (folder / "year.json").read_bytes()
        made = Keeper(state, "ice").of(days, "k", combined, lambda _: f"{address}/series.nc", inspector)
        made.path.replace(folder / "series.nc")
    (folder / "series.json").write_bytes(made.seen.references or b"")
    for name, text in made.seen.parquet.items():
        (folder / "series.parquet" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "series.parquet" / name).write_bytes(base64.b64decode(text))
    return time.perf_counter() - began


def stack(refs: dict[str, object]) -> dict[str, object]:
    """Return the references of one day as those of a year."""
    stacked = {key: value for key, value in refs.items() if key.rpartition("/")[2].startswith(".")}
    for name in ("ice", "error", "time"):
        array = orjson.loads(str(refs[f"{name}/.zarray"]))
        array["shape"][0] = DAYS
        array["chunks"][0] = DAYS if name == "time" else 1
        if name == "time":
            array |= {"compressor": None, "filters": None}
        stacked[f"{name}/.zarray"] = orjson.dumps(array).decode()
        for key, value in refs.items():
            part = key.rpartition("/")[2]
            if key.startswith(f"{name}/") and isinstance(value, list):
                for day in range(DAYS):
                    entry = [str(value[0]).replace("DAY", f"{day:03d}"), *value[1:]]
                    stacked[f"{name}/{day}.{part.partition('.')[2]}"] = entry
    days = np.arange(DAYS, dtype="<f8").tobytes()
    stacked["time/0"] = "base64:" + base64.b64encode(days).decode()
    return stacked


def measure(code: str, target: str, runs: int) -> tuple[float, float, float]:
    """Return the medians of opening and reading, seconds, and the checksum of the values read."""
    done = [
        subprocess.run([sys.executable, "-c", code, target], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(runs)
    ]
    columns = [statistics.median(map(float, column)) for column in zip(*done, strict=True)]
    return columns[0], columns[1], columns[2]


def main() -> None:
    """Measure and print."""
    runs = 1 if "--quick" in sys.argv else 3
    with tempfile.TemporaryDirectory() as name, latency_server(Path(name)) as address:
        make(Path(name), address)
        seconds = copy_time_major(Path(name), address)
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        size = (Path(name) / "series.nc").stat().st_size / 1e6
        print(f"time-major copy of {DAYS} days: {seconds:.0f} s, {size:.0f} MB, children at most {children:.0f} MiB")
        print(f"{'':34}{'open s':>8}{'series s':>10}")
        found = {}
        for label, code, file in (
            ("kerchunk engine, JSON", PEER, "year.json"),
            ("iaos.open, JSON", OURS, "year.json"),
            ("iaos.open, Parquet", OURS, "year.parquet"),
            ("iaos.open, time-major copy", OURS, "series.parquet"),
        ):
            found[label] = measure(code, f"{address}/{file}", runs)
            print(f"{label:34}{found[label][0]:8.2f}{found[label][1]:10.2f}")
        peer, json, parquet, series = found.values()
        assert peer[2] == json[2] == parquet[2] == series[2], "the sides read different values"
        print(f"open: JSON {json[0] / peer[0]:.2f}, Parquet {parquet[0] / peer[0]:.2f} of the peer (goal 0.35 s)")
        print(f"series: JSON {json[1] / peer[1]:.3f}, Parquet {parquet[1] / peer[1]:.3f} of the peer (goal 0.1)")
        print(
            f"series from the time-major copy: {series[1] / peer[1]:.3f} of the peer, {series[1] / json[1]:.2f} of ours"
        )


if __name__ == "__main__":
    main()
