"""References: our scanner beside kerchunk and VirtualiZarr, on local files and over HTTP with 30 ms of latency.

Every row is a ratio of medians measured in one run, the competitors in turns: processor seconds for local work, wall
seconds where latency rules. Files are synthetic, shaped like real ones: a year of CTD casts (8,316 chunks of 59 MB),
daily ice grids, one file with more than 100,000 chunks. The server runs in a process of its own, answers 30 ms late,
takes 30 ms more for a new connection and sends 50 MB/s on each. `--quick` takes one run of each and smaller files.
"""

from __future__ import annotations

import gc
import json
import shutil
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import h5py  # noqa: E402
import netCDF4  # noqa: E402
import numpy as np  # noqa: E402
from kerchunk.combine import MultiZarrToZarr  # noqa: E402
from kerchunk.df import refs_to_dataframe  # noqa: E402
from kerchunk.hdf import SingleHdf5ToZarr  # noqa: E402

from builder.enrich.combine import combine  # noqa: E402
from builder.enrich.correct import correct  # noqa: E402
from builder.enrich.fetching import fetch_parts  # noqa: E402
from builder.enrich.translate import translate  # noqa: E402
from builder.references.hdf5 import scan_hdf5  # noqa: E402
from builder.references.table import local_reader  # noqa: E402
from builder.sources.http import HttpGate  # noqa: E402
from builder.sources.ranges import RangedFile  # noqa: E402
from tests.servers.latency import latency_server  # noqa: E402

QUICK = "--quick" in sys.argv
RUNS = 1 if QUICK else 3
LATENCY_S = 0.03


def ctd(path: Path, casts: int = 756, levels: int = 4000) -> Path:
    random = np.random.default_rng(int(path.stem.split("-")[-1]))
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("TIME", None)
        file.createDimension("DEPTH", levels)
        file.createVariable("TIME", "f8", ("TIME",)).units = "days since 1950-01-01"
        file["TIME"][:] = np.arange(casts) + 0.5
        for name, units in (("LATITUDE", "degrees_north"), ("LONGITUDE", "degrees_east")):
            file.createVariable(name, "f4", ("TIME",)).units = units
            file[name][:] = random.random(casts) * 60
        for number in range(11):
            variable = file.createVariable(
                f"P{number}", "f4", ("TIME", "DEPTH"), zlib=True, complevel=1, shuffle=True, chunksizes=(1, levels),
                fill_value=-999.0,
            )  # fmt: skip
            variable.units = "1"
        for cast in range(casts):
            for number in range(11):
                file[f"P{number}"][cast] = np.round(np.cumsum(random.normal(size=levels)), 1)
    return path


def many_chunks(path: Path, days: int) -> Path:
    with netCDF4.Dataset(path, "w") as file:
        for name, length in (("time", days), ("y", 480), ("x", 640)):
            file.createDimension(name, length)
        file.createVariable("time", "f8", ("time",)).units = "days since 2000-01-01"
        file["time"][:] = np.arange(days)
        ice = file.createVariable("ice", "i2", ("time", "y", "x"), zlib=True, complevel=1, chunksizes=(1, 30, 32))
        for day in range(days):
            ice[day] = np.full((480, 640), day % 100, "i2")
    return path


def ice_day(path: Path, day: int) -> Path:
    with netCDF4.Dataset(path, "w") as file:
        for name, length in (("time", 1), ("y", 512), ("x", 512)):
            file.createDimension(name, length)
        file.createVariable("time", "f8", ("time",)).units = "days since 2020-01-01"
        file["time"][:] = day
        for name in ("ice", "error"):
            file.createVariable(name, "i2", ("time", "y", "x"), zlib=True, chunksizes=(1, 64, 64))[:] = day % 100
    return path


def medians(processor: bool, *sides: Callable[[], Any]) -> list[float]:
    """Run the competitors in turns; processor seconds of this process, five times as often, or wall seconds.

    What they imported is kept from the garbage collector, so that one does not wait for what belongs to another.
    """
    clock = time.process_time if processor else time.perf_counter
    taken: list[list[float]] = [[] for _ in sides]
    for side in sides if processor else ():
        side()  # imports and caches
    gc.freeze()
    for _ in range(RUNS * 5 if processor else RUNS):
        for side, times in zip(sides, taken, strict=True):
            began = clock()
            side()
            times.append(clock() - began)
    return list(map(statistics.median, taken))


def show(what: str, ours: float, theirs: float, peer: str, goal: str, unit: str) -> None:
    print(f"{what:44} {ours:9.3f} {unit}   {peer:34} {theirs:9.3f} {unit}   ratio {ours / theirs:6.3f}   goal {goal}")


def our_json(path: Path) -> bytes:
    return correct(translate(path, "hdf5"), path).aimed("https://example.org/x.nc")


def kerchunk_json(path: Path) -> bytes:
    with path.open("rb") as file:
        return json.dumps(SingleHdf5ToZarr(file, "https://example.org/x.nc").translate()).encode()


def virtualizarr_json(path: Path) -> Any:
    from obspec_utils.registry import ObjectStoreRegistry
    from obstore.store import LocalStore
    from virtualizarr import open_virtual_dataset
    from virtualizarr.parsers import HDFParser

    registry = ObjectStoreRegistry({"file://": LocalStore()})
    with open_virtual_dataset(f"file://{path}", registry=registry, parser=HDFParser(), loadable_variables=[]) as data:
        return data.vz.to_kerchunk(format="dict")


def our_tables(path: Path) -> Any:
    with h5py.File(path) as file, path.open("rb") as raw:
        return scan_hdf5(file, local_reader(raw.fileno()), path.stat().st_size)


def h5py_tables(path: Path) -> Any:
    found: dict[str, Any] = {}
    with h5py.File(path) as file:
        for name, dataset in file.items():
            rows: list[Any] = []
            found[name] = (dict(dataset.attrs), rows)
            if dataset.chunks:
                dataset.id.chunk_iter(rows.append)
    return found


def our_parquet(path: Path, folder: Path) -> None:
    for name, body in correct(translate(path, "hdf5"), path).parquet("https://example.org/x.nc").items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)


def kerchunk_parquet(path: Path, folder: Path) -> None:
    with path.open("rb") as file:
        refs = SingleHdf5ToZarr(file, "https://example.org/x.nc", inline_threshold=0).translate()
    refs_to_dataframe(refs, str(folder))


def local_rows(folder: Path) -> None:
    path = ctd(folder / "ctd-0.nc", 100 if QUICK else 756)
    ours, theirs, virtual = medians(
        True, lambda: our_json(path), lambda: kerchunk_json(path), lambda: virtualizarr_json(path)
    )
    show("references, CTD year, local, JSON", ours, theirs, "kerchunk", "<= 0.15", "s cpu")
    show("references, CTD year, local, JSON", ours, virtual, "virtualizarr", "-", "s cpu")
    both = medians(True, lambda: our_tables(path), lambda: h5py_tables(path))
    show("chunk tables, CTD year, local", *both, "h5py attrs + chunk_iter", "<= 1.0", "s cpu")
    path = many_chunks(folder / "many-0.nc", 40 if QUICK else 350)
    parquet = folder / "refs.parquet"
    ours, theirs = medians(True, lambda: our_parquet(path, parquet), lambda: kerchunk_parquet(path, folder / "k.parq"))
    what = f"references, {path.stat().st_size >> 20} MB in many chunks, parquet"
    show(what, ours, theirs, "kerchunk + refs_to_dataframe", "<= 0.10", "s cpu")
    paths = [ice_day(folder / f"ice-{day}.nc", day) for day in range(20 if QUICK else 365)]
    ours_refs = [(path.name, our_json(path)) for path in paths]
    theirs_refs = [json.loads(kerchunk_json(path)) for path in paths]
    both = medians(
        True,
        lambda: combine(ours_refs),
        lambda: MultiZarrToZarr(theirs_refs, concat_dims=["time"], coo_map={"time": "cf:time"}).translate(),
    )
    assert combine(ours_refs)[0] is not None
    show(f"combine {len(paths)} days of ice", *both, "MultiZarrToZarr", "<= 0.2", "s cpu")


def remote(url: str) -> Any:
    """Scan and sample one remote file; returns what is known of it."""
    host = url.split("/")[2]
    with tempfile.TemporaryDirectory() as folder, HttpGate([host], delay_s=0, connections=32) as gate:
        target = Path(folder) / "data"
        file = RangedFile.found(gate, url)
        assert file is not None
        with target.open("wb") as sparse:
            sparse.truncate(file.version.size or 0)
        parts = fetch_parts(target, lambda ranges: file.fetch(ranges, target))
        return len(correct(parts.tables, target).aimed(url))


def kerchunk_default(url: str) -> Any:
    return len(SingleHdf5ToZarr(url).translate()["refs"])


def kerchunk_tuned(url: str) -> Any:
    options = {"cache_type": "blockcache", "block_size": 1 << 16}
    return len(SingleHdf5ToZarr(url, storage_options=options).translate()["refs"])


def remote_rows(folder: Path) -> None:
    files = [folder / "ctd-0.nc"]
    for number in range(1, 8):
        files.append(folder / f"ctd-{number}.nc")
        shutil.copy(files[0], files[-1])
    with latency_server(folder, latency_s=LATENCY_S) as base:
        one_file(f"{base}/{files[0].name}", base, files[0])
        eight_files([f"{base}/{path.name}" for path in files])


def counts(base: str) -> str:
    requests, sent = urllib.request.urlopen(f"{base}/counts").read().decode().split()
    return f"{requests} requests, {int(sent) / 1e6:.2f} MB"


def one_file(url: str, base: str, path: Path) -> None:
    counts(base)
    remote(url)
    print(f"{'':44} ours, with coordinates and samples: {counts(base)} of a file of {path.stat().st_size / 1e6:.0f} MB")
    kerchunk_tuned(url)
    print(f"{'':44} kerchunk, blocks of 64 KiB: {counts(base)}")
    ours, tuned, default = medians(
        False, lambda: remote(url), lambda: kerchunk_tuned(url), lambda: kerchunk_default(url)
    )
    show("references, 1 CTD year over HTTP", ours, default, "kerchunk", "<= 0.067", "s wall")
    show("references, 1 CTD year over HTTP", ours, tuned, "kerchunk, 64 KiB blockcache", "<= 0.25", "s wall")


def eight_files(urls: list[str]) -> None:
    with ProcessPoolExecutor(8, get_context("spawn")) as eight:
        list(
            eight.map(kerchunk_tuned, urls)
        )  # start them; netCDF-C and HDF5 know no threads, so ours take processes too
        list(eight.map(remote, urls))
        ours, theirs = medians(
            False, lambda: list(eight.map(remote, urls)), lambda: list(eight.map(kerchunk_tuned, urls))
        )
    show("references, 8 CTD years over HTTP", ours, theirs, "8 kerchunk processes, blockcache", "<= 0.25", "s wall")


def main() -> None:
    print(f"h5py {h5py.__version__}, {RUNS} runs each")
    with tempfile.TemporaryDirectory() as folder:
        local_rows(Path(folder))
        remote_rows(Path(folder))


if __name__ == "__main__":
    main()
