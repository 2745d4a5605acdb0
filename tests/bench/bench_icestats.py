"""Band maths beside numexpr and nested numpy.where, areas beside PROJ, and a campaign of twenty scenes.

    python tests/bench/bench_icestats.py [scenes]

Prints CPU seconds, millions of pixels per second and the ratio to each peer in the same run. 28 million random pixels
must have the values that nested numpy.where gives them. The campaign has scenes of 2,200 × 2,200 pixels of 200 m over
Fram Strait, which overlap, and its products without figures.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from processors.bandmaths.checking import checked
from processors.bandmaths.evaluation import Work, result_of
from processors.bandmaths.processor import SNOW
from processors.bandmaths.rasters import Pixels
from processors.icestats.areas import cell_areas

PIXELS = (4000, 7000)
NUMBERS = {"wet_db": -14.0, "ice_db": -6.0, "ela_m": 1650.0}
SIDE = 200.0


def timed(work):
    """Return CPU seconds of the best of three, and the result."""
    best, made = np.inf, None
    for _ in range(3):
        started = time.process_time()
        made = work()
        best = min(best, time.process_time() - started)
    return best, made


def nested(sigma0, dem):
    """The formula in plain numpy."""
    inner = np.where((sigma0 < -6) & (dem < 1650), 20, 30)
    return np.where(dem == -500, 0, np.where(sigma0 < -14, 10, inner)).astype(np.uint8)


def by_numexpr(sigma0, dem):
    """The formula in numexpr, in one thread."""
    import numexpr

    numexpr.set_num_threads(1)
    inner = "where((sigma0 < -6) & (dem < 1650), 20, 30)"
    return numexpr.evaluate(f"where(dem == -500, 0, where(sigma0 < -14, 10, {inner}))").astype(np.uint8)


def band_maths():
    """Compare with both, for values and speed."""
    random = np.random.default_rng(1)
    sigma0 = (random.integers(-2500, 500, PIXELS) / 100).astype(np.float32)
    dem = random.integers(0, 3300, PIXELS).astype(np.float32)
    dem[random.random(PIXELS) < 0.1] = -500
    work = Work(checked(SNOW, {"sigma0", "dem", *NUMBERS}), NUMBERS, "uint8", 255)
    bands = {"sigma0": Pixels(sigma0), "dem": Pixels(dem)}
    ours, made = timed(lambda: result_of(work, bands))
    million = sigma0.size / 1e6
    print(f"band maths  {million:.0f} Mpix  cpu {ours:6.2f} s  {million / ours:6.1f} Mpix/s in one thread")
    for name, peer in (("numpy.where", nested), ("numexpr", by_numexpr)):
        try:
            seconds, expected = timed(lambda peer=peer: peer(sigma0, dem))
        except ImportError as trouble:
            print(f"  {name:12} not measured: {trouble}")
            continue
        same = "same values" if np.array_equal(made, expected) else "OTHER VALUES"
        told = f"{million / seconds:6.1f} Mpix/s, checks no missing values"
        print(f"  {name:12} cpu {seconds:6.2f} s  {told}  iaos is {seconds / ours:.1f} x as fast  {same}")


def areas():
    """Compare with PROJ's factors."""
    from pyproj import Proj

    west, north, shape = -400_000.0, -400_000.0, (2600, 2600)
    cell_areas("EPSG:3413", (SIDE, 0, west, 0, -SIDE, north), (2, 2))
    ours, made = timed(lambda: cell_areas("EPSG:3413", (SIDE, 0, west, 0, -SIDE, north), shape))
    proj = Proj("EPSG:3413")
    x = west + SIDE * (np.arange(shape[1]) + 0.5)
    y = north - SIDE * (np.arange(260) * 10 + 0.5)
    started = time.process_time()
    factors = proj.get_factors(*proj(*np.meshgrid(x, y), inverse=True))
    peer = (time.process_time() - started) * 10
    apart = np.abs(made[::10] * np.asarray(factors.areal_scale) / (SIDE * SIDE / 1e6) - 1).max()
    told = f"PROJ {peer:6.2f} s (a tenth of the rows, times ten)  iaos is {peer / ours:.0f} x as fast"
    print(f"areas       {made.size / 1e6:.1f} M cells  cpu {ours:6.3f} s  {told}  apart {apart:.1e}")


def campaign(count):
    """Time a campaign on threads."""
    from processors.engine import open_engine
    from processors.icestats.processor import processor
    from processors.protocol import Input
    from processors.run import execute, resolve
    from tests.icefields import write

    random = np.random.default_rng(2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "out").mkdir()
        inputs = []
        for number in range(count):
            west, north = SIDE * random.integers(1000, 3500), -SIDE * random.integers(2500, 5000)
            x, y = np.meshgrid(west + SIDE * np.arange(2200), north - SIDE * np.arange(2200))
            classes = np.where(x < 800_000 + 60_000 * np.sin(y / 50_000 + number), 2, 1)
            path = folder / f"S1A_EW_201808{1 + number // 3:02d}T{number % 24:02d}{number % 60:02d}00_iceclass.tif"
            inputs.append(Input.of(write(path, classes, west=west, north=north, side=SIDE)))
        cpu, wall = time.process_time(), time.perf_counter()
        with open_engine("threads", folder / "out") as engine:
            made = execute(processor, {"items": inputs}, resolve(processor, {"figures": False}), engine)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        pixels = count * 2200 * 2200 / 1e6
        told = f"cpu {cpu:6.1f} s  wall {wall:6.1f} s  {pixels / cpu:.1f} Mpix/s  peak {peak:.0f} MiB"
        print(f"campaign    {count} scenes, {pixels:.0f} Mpix  {told}  {len(made)} products")


if __name__ == "__main__":
    campaign(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
    band_maths()
    areas()
