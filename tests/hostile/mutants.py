"""Byte-flipped NetCDF-3, NetCDF-4 and GeoTIFF files, and what comes of each in the real inspection path."""

from __future__ import annotations

import random
import resource
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from builder.enrich.inspect import Inspector, inspect
from builder.enrich.raster import inspect_raster

HREF = "https://data.example/mutant"
KINDS = ("netcdf3", "netcdf4", "geotiff")
FILE_SECONDS = 5.0
"""Longest time for one mutant's header."""
RASTER_EVERY = 20
"""A raster costs a process of its own, so it comes this seldom."""


LEAST = 24
"""Mutants that are tried however slow the machine is."""


@dataclass
class Outcome:
    """What a run of mutants did: counts by kind and outcome, the slowest, the parent's growth, and the crashers."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    grown_mb: float = 0.0
    crashers: list[tuple[str, bytes]] = field(default_factory=list)


def seeds(folder: Path) -> dict[str, bytes]:
    """Return one small sound file of each kind."""
    import netCDF4
    import numpy as np
    import rasterio
    from rasterio.transform import from_origin

    for kind, layout in (("netcdf3", "NETCDF3_CLASSIC"), ("netcdf4", "NETCDF4")):
        with netCDF4.Dataset(folder / kind, "w", format=layout) as file:
            file.title = "A small grid"
            for name, units, size in (("time", "days since 2020-01-01", 3), ("lat", "degrees_north", 4)):
                file.createDimension(name, size)
                variable = file.createVariable(name, "f8", (name,))
                variable.units = units
                variable[:] = np.arange(size)
            more = {"zlib": True, "chunksizes": (1, 4)} if kind == "netcdf4" else {}
            file.createVariable("sst", "f4", ("time", "lat"), fill_value=-9.0, **more)[:] = np.ones((3, 4))
    shape = {"height": 16, "width": 16, "count": 1, "dtype": "uint8", "crs": "EPSG:4326"}
    grid = from_origin(10, 79, 0.1, 0.1)
    with rasterio.open(folder / "geotiff", "w", "GTiff", transform=grid, compress="deflate", **shape) as raster:
        raster.write(np.ones((1, 16, 16), "u1"))
    return {kind: (folder / kind).read_bytes() for kind in KINDS}


def mutated(body: bytes, chance: random.Random) -> bytes:
    """Change one to eight bytes, mostly near the beginning, where the structure is; now and then cut the end off."""
    changed = bytearray(body)
    for _ in range(chance.randint(1, 8)):
        at = min(int(chance.expovariate(4 / len(body))), len(body) - 1)
        changed[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return bytes(changed[: chance.randrange(len(body))]) if chance.random() < 0.05 else bytes(changed)


def run(folder: Path, seconds: float, seed: int) -> Outcome:
    """Inspect mutants for a time; a sound file must read well after each that cost its reader the life.

    Raises:
        AssertionError: A sound file does not read, or a mutant ended in something other than an inspection.
    """
    chance, outcome, sound = random.Random(seed), Outcome(), seeds(folder)
    began, before = time.monotonic(), _parent_mb()
    with Inspector(timeout_s=FILE_SECONDS) as inspector:
        for kind, body in _mutants(sound, chance):
            path = folder / "mutant"
            path.write_bytes(body)
            start = time.monotonic()
            found = inspect_raster(path, HREF) if kind == "geotiff" else inspector.inspect(path, HREF)
            outcome.slowest_s = max(outcome.slowest_s, time.monotonic() - start)
            codes = [finding.code for finding in found.findings]
            lost = {"netcdf.crashed", "netcdf.timeout"} & set(codes)
            outcome.counts[f"{kind} {codes[0] if codes else 'read'}"] += 1
            if lost:
                outcome.crashers.append((f"{kind}-{min(lost)}", body))
                again = inspector.inspect(folder / "netcdf3", HREF, references=False)
                assert {finding.code for finding in again.findings} <= {"netcdf.timeout"}  # by the load of the machine
            if time.monotonic() - began > seconds and outcome.counts.total() >= LEAST:
                break
        outcome.grown_mb = _parent_mb() - before
    assert inspect(folder / "netcdf3", HREF).references is not None
    return outcome


def _mutants(sound: dict[str, bytes], chance: random.Random) -> Iterator[tuple[str, bytes]]:
    number = 0
    while True:
        kind = "geotiff" if number % RASTER_EVERY == 1 else KINDS[number % 2]
        yield kind, mutated(sound[kind], chance)
        number += 1


def _parent_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
