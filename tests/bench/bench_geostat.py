"""Kriging, variograms, fits and simulation: ours beside GSTools core, gstlearn, PyKrige, scikit-learn and R's gstat.

    python tests/bench/bench_geostat.py [row...]

Each row runs in a process of its own on one thread and prints CPU seconds of the work (imports and input apart), peak
resident memory, its limit, and what it found. `small` rows krige 1,000 points to 100 x 100 nodes; their ratios are to
GSTools core, and `off` is the largest difference from it (all data) or from ours (32 neighbours). `large` rows take
63,500 positions on ship tracks with repeated stations, 3,000 km square, drawn from an exponential model (sill 4, scale
100 km) with errors of variance 0.25; maps merge them within 5 km first. Peers that are not
installed are named and left out. The end status is 1 where a goal is missed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SILL, SCALE, NUGGET = 4.0, 100.0, 0.25
TRUE = SILL, SCALE, NUGGET
SIDE, STEP = 2000, 1.5  # nodes of the truth, km


def truth():
    """An exponential field on 2000 x 2000 nodes of 1.5 km, exact by circulant embedding."""
    from scipy.fft import fft2, next_fast_len

    size = next_fast_len(SIDE + int(6 * SCALE / STEP))
    along = np.minimum(np.arange(size), size - np.arange(size)) * STEP
    values = fft2(SILL * np.exp(-np.hypot(along[:, None], along) / SCALE)).real
    noise = np.random.default_rng(1).standard_normal((2, size, size))
    field = fft2(np.sqrt(np.maximum(values, 0) / size**2) * (noise[0] + 1j * noise[1])).real
    return field[:SIDE, :SIDE]


def tracks():
    """63,500 positions on nodes of the truth: 60 ship tracks of stations every 10 km, sailed again and again."""
    source = np.random.default_rng(2)
    stations = []
    for _ in range(60):
        heading = source.uniform(0, 2 * np.pi) + np.cumsum(source.normal(0, 0.08, 450))
        way = source.uniform(0, 3000, 2) + 10 * np.cumsum(np.column_stack([np.cos(heading), np.sin(heading)]), axis=0)
        stations.append(np.abs((way + 3000) % 6000 - 3000))  # reflected at the edges
    stations = np.concatenate(stations)
    again = stations[source.integers(0, len(stations), 63_500)] + source.normal(0, 1.5, (63_500, 2))
    node = np.clip(np.rint(again / STEP), 0, SIDE - 1).astype(int)
    field = truth()
    return node * STEP, field[node[:, 1], node[:, 0]] + source.normal(0, np.sqrt(NUGGET), 63_500), field


def merged(points, values):
    """Means over cells of 5 km, and how many observations each is of."""
    _, cell, count = np.unique(np.floor(points / 5), axis=0, return_inverse=True, return_counts=True)
    mean = [np.bincount(cell, column) / count for column in (points[:, 0], points[:, 1], values)]
    return np.column_stack(mean[:2]), mean[2], count


def small():
    """1,000 points and 100 x 100 nodes that are no points."""
    source = np.random.default_rng(3)
    points = source.uniform(0, 1000, (1000, 2))
    values = np.sin(points[:, 0] / 90) + np.cos(points[:, 1] / 70) + source.normal(0, 0.5, 1000)
    axis = np.linspace(3.3, 996.7, 100)
    return points, values, axis, np.column_stack([np.tile(axis, 100), np.repeat(axis, 100)])


def clock(work):
    """CPU seconds of one call and what it returns."""
    begin = time.process_time()
    found = work()
    return time.process_time() - begin, found


def model(nugget=0.0):
    """The model of all rows."""
    from processors.geostat.models import single

    return single("exponential", SILL, SCALE, nugget)


def ours_small(neighbours):
    """Ours, 1,000 to 100 x 100."""
    from processors.geostat.kriging import krige

    points, values, _, nodes = small()
    krige(points, values, nodes[:10], model(NUGGET), neighbours=neighbours)  # imports
    cpu, found = clock(lambda: krige(points, values, nodes, model(NUGGET), neighbours=neighbours))
    return cpu, found.value, found.variance


def gstools_small():
    """GSTools with its Rust kernel, all data, no pseudo-inverse."""
    import gstools

    gstools.config.USE_GSTOOLS_CORE, gstools.config.NUM_THREADS = True, 1
    points, values, _, nodes = small()
    kind = gstools.Exponential(dim=2, var=SILL, len_scale=SCALE, nugget=NUGGET)

    def work():
        ready = gstools.krige.Ordinary(kind, points.T, values, exact=True, pseudo_inv=False)
        return ready(nodes.T, return_var=True)

    cpu, (value, variance) = clock(work)
    return cpu, value, variance


def gstlearn_small(neighbours, tree):
    """Gstlearn, all data or the nearest, by its default search or by a ball tree."""
    import gstlearn
    import pandas as pd

    points, values, _, nodes = small()
    data = gstlearn.Db_fromPandas(pd.DataFrame({"x": points[:, 0], "y": points[:, 1], "z": values}))
    data.setLocators(["x", "y"], gstlearn.ELoc.X)
    data.setLocator("z", gstlearn.ELoc.Z)
    targets = gstlearn.Db_fromPandas(pd.DataFrame({"x": nodes[:, 0], "y": nodes[:, 1]}))
    targets.setLocators(["x", "y"], gstlearn.ELoc.X)
    kind = gstlearn.Model.createFromParam(gstlearn.ECov.EXPONENTIAL, SCALE, SILL, flagRange=False)
    kind.addCovFromParam(gstlearn.ECov.NUGGET, 0.0, NUGGET)
    kind.setDriftIRF(0)
    near = gstlearn.NeighUnique.create()
    if neighbours != "all":
        near = gstlearn.NeighMoving.create(False, neighbours, 1e6)
        near.setBallSearch(tree)
    cpu, _ = clock(lambda: gstlearn.kriging(data, targets, kind, near))
    return cpu, np.array(targets["Kriging.z.estim"]), np.array(targets["Kriging.z.stdev"]) ** 2


def pykrige_small(neighbours):
    """PyKrige, vectorised or the nearest by its C loop."""
    from pykrige.ok import OrdinaryKriging

    points, values, axis, _ = small()
    parameters = {"psill": SILL, "range": 3 * SCALE, "nugget": NUGGET}
    more = {"backend": "vectorized"} if neighbours == "all" else {"backend": "C", "n_closest_points": neighbours}

    def work():
        ready = OrdinaryKriging(*points.T, values, variogram_model="exponential", variogram_parameters=parameters)
        return ready.execute("grid", axis, axis, **more)

    cpu, (value, variance) = clock(work)
    return cpu, np.asarray(value).ravel(), np.asarray(variance).ravel()


def sklearn_small():
    """Scikit-learn's Gaussian process, which knows no drift: the mean is taken off before."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern

    points, values, _, nodes = small()
    kind = SILL * Matern(length_scale=SCALE, nu=0.5)

    def work():
        ready = GaussianProcessRegressor(kind, alpha=NUGGET, optimizer=None).fit(points, values - values.mean())
        return ready.predict(nodes, return_std=True)

    cpu, (value, spread) = clock(work)
    return cpu, value + values.mean(), spread**2 + NUGGET


GSTAT = """
suppressMessages({library(sp); library(gstat)}); arguments <- commandArgs(TRUE)
d <- read.csv(arguments[1]); g <- read.csv(arguments[2]); coordinates(d) <- ~x+y; coordinates(g) <- ~x+y
m <- vgm(4, "Exp", 100, 0.25); n <- as.numeric(arguments[3])
t <- proc.time(); k <- krige(z ~ 1, d, g, m, nmax = n, debug.level = 0); t <- proc.time() - t
write.csv(data.frame(t[1] + t[2], k$var1.pred, k$var1.var), arguments[4], row.names = FALSE)
"""


def gstat_small(neighbours):
    """R's gstat through Rscript."""
    import pandas as pd

    points, values, _, nodes = small()
    with tempfile.TemporaryDirectory() as name:
        files = [Path(name) / part for part in ("data.csv", "nodes.csv", "script.R", "found.csv")]
        pd.DataFrame({"x": points[:, 0], "y": points[:, 1], "z": values}).to_csv(files[0], index=False)
        pd.DataFrame(nodes, columns=["x", "y"]).to_csv(files[1], index=False)
        files[2].write_text(GSTAT)
        count = "Inf" if neighbours == "all" else str(neighbours)
        subprocess.run(["Rscript", files[2], files[0], files[1], count, files[3]], check=True, capture_output=True)
        found = pd.read_csv(files[3]).to_numpy()
    return found[0, 0], found[:, 1], found[:, 2]


def large_map(side):
    """63,500 positions to side x side: map, deviation, leave-one-out, 100 fields, quantiles, exceedance."""
    from processors.geostat.kriging import Kriging
    from processors.geostat.simulation import Grid, exceedance, quantiles, simulate

    points, values, field = tracks()
    step = 3000 // side
    expected = field[:: round(step / STEP), :: round(step / STEP)].ravel()
    del field
    grid = Grid((0.0, 0.0), (float(step), float(step)), (side, side))

    def work():
        places, means, counts = merged(points, values)
        ready = Kriging(places, means, model(), error=NUGGET / counts)
        estimate = ready.at(grid.nodes(), weights=True)
        left = ready.leave_out()
        fields = simulate(ready, grid, 100, 1, estimate=estimate)
        return means, estimate, left, quantiles(fields, [0.05, 0.5, 0.95]), exceedance(fields, 2.0)

    cpu, (means, estimate, left, bands, above) = clock(work)
    rest = means - left.value
    notes = {
        "merged": len(rest),
        "rmse": round(float(np.sqrt(np.mean((estimate.value - expected) ** 2))), 4),
        "msdr": round(float(np.mean((estimate.value - expected) ** 2 / estimate.variance)), 3),
        "loo msdr": round(float(np.mean(rest**2 / left.variance_observation)), 3),
        "coverage 90": round(float(np.mean((bands[0] <= expected) & (expected <= bands[2]))), 3),
        "brier": round(float(np.mean((above - (expected > 2)) ** 2)), 4),
    }
    return cpu, notes


def variogram_exact():
    """Matheron's variogram of 63,500 points, 20 lags to 600 km, every pair."""
    from processors.geostat.variogram import experimental

    points, values, _ = tracks()
    cpu, found = clock(lambda: experimental(points, values, np.linspace(0, 600, 21)))
    return cpu, {"pairs": int(found.pairs.sum()), "last": round(float(found.gamma[-1]), 4)}


def variogram_fft():
    """The map of the variogram to 600 km in cells of 2 km."""
    from processors.geostat.variogram import experimental, variogram_map

    points, values, _ = tracks()
    cpu, found = clock(lambda: variogram_map(points, values, 2.0, 600.0))
    away = np.hypot(*np.meshgrid(found.east, found.north))
    ring = (away > 300) & (away <= 330)
    gamma = float(np.nansum((found.gamma * found.pairs)[ring]) / found.pairs[ring].sum())
    exact = experimental(points, values, np.array([300.0, 330.0])).gamma[0]
    return cpu, {"of exact": round(gamma / exact, 4)}


def fit_vecchia():
    """The fit of an exponential model with a nugget to 63,500 points."""
    from processors.geostat.fitting import fit
    from processors.geostat.variogram import experimental

    points, values, _ = tracks()
    start = experimental(points[::16], values[::16], np.linspace(0, 600, 21))
    cpu, found = clock(lambda: fit(points, values, forms=["exponential"], nested=False, variogram=start))
    part = found.model.structures[0]
    return cpu, {"found": [round(part.sill, 3), round(part.range, 2), round(found.model.nugget, 4)]}


SMALL = {
    "gstools-core all": (gstools_small, "gstools_core"),
    "iaos all": (lambda: ours_small("all"), None),
    "scikit-learn all": (sklearn_small, None),
    "pykrige all": (lambda: pykrige_small("all"), "pykrige"),
    "gstlearn all": (lambda: gstlearn_small("all", tree=False), "gstlearn"),
    "gstat all": (lambda: gstat_small("all"), "Rscript"),
    "iaos 32": (lambda: ours_small(32), None),
    "pykrige 32": (lambda: pykrige_small(32), "pykrige"),
    "gstlearn 32": (lambda: gstlearn_small(32, tree=False), "gstlearn"),
    "gstlearn 32 tree": (lambda: gstlearn_small(32, tree=True), "gstlearn"),
    "gstat 32": (lambda: gstat_small(32), "Rscript"),
}
LEAST = {"iaos all": 8, "iaos 32": 35}
"""How many times less CPU than GSTools core; each of ours takes less than every peer that is installed, too."""
LARGE = {
    "map 500": (lambda: large_map(500), 13, 1024),
    "map 1000": (lambda: large_map(1000), 50, 2048),
    "variogram exact": (variogram_exact, 25, None),
    "variogram fft": (variogram_fft, 2, None),
    "fit vecchia": (fit_vecchia, 30, None),
}


def there(need):
    """Whether a peer is installed."""
    return need is None or bool(shutil.which(need) if need == "Rscript" else importlib.util.find_spec(need))


def child(name):
    """Run one row and print its numbers as JSON."""
    found = {"large": LARGE, "small": SMALL}["large" if name in LARGE else "small"][name][0]()
    peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
    if name in SMALL:
        np.savez(Path(os.environ["BENCH_SCRATCH"]) / f"{name}.npz", value=found[1], variance=found[2])
        found = (found[0], {})
    print(json.dumps([found[0], peak, found[1]]))


def measure(name, scratch):
    """One row in a fresh process on one thread."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    here = str(Path(__file__).resolve().parents[2])
    known = os.environ | one | {"BENCH_SCRATCH": str(scratch), "PYTHONPATH": here}
    command = [sys.executable, __file__, "--child", name]
    done = subprocess.run(command, capture_output=True, text=True, env=known, check=False)
    if done.returncode:
        return None, done.stderr.strip().splitlines()[-1]
    return json.loads(done.stdout.splitlines()[-1]), ""


def smalls(names, scratch):
    """Print the rows of 1,000 points with their ratio to GSTools core; yield goals that are missed."""
    base, spent, apart = None, {}, {}
    for name in names:
        if not there(SMALL[name][1]):
            print(f"small {name:18} not installed")
            continue
        numbers, wrong = measure(name, scratch)
        if numbers is None:
            print(f"small {name:18} failed: {wrong}")
            continue
        base = numbers[0] if name.startswith("gstools") else base
        reference = Path(scratch) / ("iaos 32.npz" if "32" in name else "gstools-core all.npz")
        own, other = np.load(Path(scratch) / f"{name}.npz"), np.load(reference) if reference.exists() else None
        worst = 0.0 if other is None else max(np.abs(own[key] - other[key]).max() for key in ("value", "variance"))
        off = "" if other is None else f"off {worst:.2g}"
        ratio = f"{base / numbers[0]:7.1f}x less than GSTools core" if base else ""
        print(f"small {name:18} cpu {numbers[0]:7.3f} s  peak {numbers[1]:5.0f} MiB {ratio}  {off}")
        spent[name], apart[name] = numbers[0], worst
    yield from missed(spent, apart)


def missed(spent, apart):
    """Yield what the goals of 1,000 points ask for and did not get; peers that are not installed ask for nothing."""
    base = spent.get("gstools-core all", 0.0)
    for name, least in LEAST.items():
        if base and name in spent and base < least * spent[name]:
            yield f"{name}: less than {least}x less CPU than GSTools core"
        for peer in spent:
            same = peer.split()[1] == name.split()[1] and not peer.startswith("iaos")
            if same and name in spent and spent[peer] <= spent[name]:
                yield f"{name}: no less CPU than {peer}"
    if apart.get("iaos all", 0.0) > 1e-9:
        yield "iaos all: differs from GSTools core"


def larges(names, scratch):
    """Print the rows of 63,500 points with their limits; yield those that are broken."""
    for name in names:
        numbers, wrong = measure(name, scratch)
        if numbers is None:
            print(f"large {name:18} failed: {wrong}")
            yield f"{name}: failed"
            continue
        _, most, memory = LARGE[name]
        kept = numbers[0] <= most and (memory is None or numbers[1] <= memory)
        away = [abs(found / true - 1) for found, true in zip(numbers[2].get("found", TRUE), TRUE, strict=True)]
        kept = kept and all(one <= 0.1 for one in away)
        room = f"{memory} MiB" if memory else "any memory"
        print(
            f"large {name:18} cpu {numbers[0]:7.2f} s  peak {numbers[1]:5.0f} MiB  limit {most} s, {room}: "
            f"{'kept' if kept else 'BROKEN'}  {numbers[2]}"
        )
        if not kept:
            yield f"{name}: beyond its limits"


def main():
    """Print all rows, or those that are named."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2])
        return
    wanted = sys.argv[1:] or [*SMALL, *LARGE]
    with tempfile.TemporaryDirectory() as scratch:
        goals = [*smalls([name for name in SMALL if name in wanted], scratch)]
        goals += larges([name for name in LARGE if name in wanted], scratch)
    sys.exit("missed: " + "; ".join(goals) if goals else 0)


if __name__ == "__main__":
    main()
