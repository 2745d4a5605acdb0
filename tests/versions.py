"""What each processor makes of small generated inputs, and the record of it: `python -m tests.versions [NAME...]`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import xarray as xr

from processors.engine import open_engine
from processors.protocol import Input
from processors.registry import find_processor
from processors.run import execute, resolve
from tests import acoustic, geostats, icefields
from tests.outcomes import differences, outcome

RECORD = Path(__file__).parent / "unit" / "processor_versions.json"
SHOWN = 15
"""Differences that are listed."""


def _grids(folder):
    """Packed degrees with missing cells and two times, a curvilinear grid of long cells, and flags."""
    lon, lat = np.arange(-10, 30, 1.0), np.arange(70, 85, 0.5)
    lons, lats = np.meshgrid(lon, lat)
    warm = 270 + np.stack([5 * np.sin(np.radians(6 * lons)) - step - 0.3 * (lats - 70) for step in (0, 1)])
    warm[:, 4:7, 10:14] = np.nan
    axes = {
        "lon": ("lon", lon, {"units": "degrees_east", "standard_name": "longitude"}),
        "lat": ("lat", lat, {"units": "degrees_north", "standard_name": "latitude"}),
    }
    packing = {"dtype": "i2", "scale_factor": 0.01, "add_offset": 270.0, "_FillValue": np.int16(-32768)}
    regular = xr.Dataset(
        {"tas": (("time", "lat", "lon"), warm, {"units": "K"})},
        axes | {"time": ("time", np.array(["2020-01-01", "2020-01-02"], "datetime64[ns]"))},
    )
    regular.to_netcdf(folder / "regular.nc", encoding={"tas": packing, "time": {"units": "days since 2020-01-01"}})
    row, column = np.mgrid[0:60, 0:20]
    places = {
        "lon": (("y", "x"), 10.0 + 0.9 * column - 0.05 * row, {"units": "degrees_east", "standard_name": "longitude"}),
        "lat": (("y", "x"), 76.0 + 0.03 * row + 0.02 * column, {"units": "degrees_north", "standard_name": "latitude"}),
    }
    speed = np.hypot(row - 30, 3 * column - 20).astype("float32")
    xr.Dataset({"speed": (("y", "x"), speed, {"units": "m s-1", "coordinates": "lon lat"})}, places).to_netcdf(
        folder / "curved.nc"
    )
    flags = {"flag_values": np.array([0, 1, 250], "u1"), "flag_meanings": "sea ice land"}
    kinds = np.where(lats > 82, 250, np.where(lons + lats > 90, 1, 0)).astype("u1")
    xr.Dataset({"kind": (("lat", "lon"), kinds, flags)}, axes).to_netcdf(folder / "flags.nc")
    return {
        "mean of times": ({"grid": ["regular.nc"]}, {"variable": "tas", "time": "mean", "resolution": 25_000}),
        "finer cells": ({"grid": ["regular.nc"]}, {"variable": "tas", "resolution": 15_000, "palette": "blues"}),
        "coarser cells": ({"grid": ["regular.nc"]}, {"variable": "tas", "step": 0, "resolution": 200_000}),
        "curvilinear": ({"grid": ["curved.nc"]}, {"variable": "speed"}),
        "flags": ({"grid": ["flags.nc"]}, {"variable": "kind", "resolution": 20_000}),
    }


def _rasters(folder):
    """Packed backscatter and a coarser height model, both with gaps."""
    row, column = np.mgrid[0:160, 0:120]
    decibels = -1200 + 900 * np.sin(row / 17) * np.cos(column / 23)
    decibels[:6, :9] = -32768
    height = 1500 + 1400 * np.sin(np.mgrid[0:30, 0:24][0] / 9)
    _write(folder / "sigma0.tif", decibels.astype("int16"), 200.0, nodata=-32768, scale=0.01)
    _write(folder / "dem.tif", height.astype("float32"), 1100.0, nodata=-9999)
    both = {"raster": ["sigma0.tif", "dem.tif"]}
    blend = {"expression": "max(sigma0, -15) + log10(dem + 1)", "dtype": "float32", "nodata": -99, "unit": "dB"}
    return {"snow and ice": (both, {}), "values": (both, blend), "nearest": (both, blend | {"resampling": "nearest"})}


def _write(path, values, side, *, nodata, scale=1.0):
    import rasterio

    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1, "crs": "EPSG:3413"}
    place = rasterio.Affine(side, 0, 100_000, 0, -side, -1_000_000)
    with rasterio.open(path, "w", dtype=values.dtype, transform=place, nodata=nodata, **profile) as file:
        file.write(values, 1)
        file.scales = (scale,)


def _recordings(folder):
    """Two files of noise and a tone with a gap between them."""
    sound = 0.3 * acoustic.noise(rate=8000, seconds=8) + acoustic.sine(rate=8000, seconds=8, amplitude=0.2)
    acoustic.sound(folder / "PAM_20210610_033600.wav", sound[:32_000], 8000)
    acoustic.sound(folder / "PAM_20210610_033610.wav", sound[32_000:], 8000)
    files = {"recording": ["PAM_20210610_033600.wav", "PAM_20210610_033610.wav"]}
    usual = {
        "timestamp": "%Y%m%d_%H%M%S", "calibration": {"type": "TS", "Mh": -168, "G": 12, "vADC": 2.5},
        "average_s": 2, "plot": "none", "allow_implausible": True,
    }  # fmt: skip
    kinds = ("PSD", "PowerSpec", "TOLf", "TOL", "HMB", "Broadband", "Waveform")
    cases = {kind: (files, usual | {"analysis": kind}) for kind in kinds}
    return cases | {"drawn": (files, usual | {"analysis": "TOLf", "plot": "Both", "csv": True, "window_s": 0.5})}


def _scenes(folder):
    """Class rasters of several days and their probabilities, one in a folder of its name; maps of concentration."""
    paths, chances = icefields.campaign(folder, count=6)
    (folder / paths[2].stem.removesuffix("_iceclass")).mkdir()
    inside = paths[2].rename(folder / paths[2].stem.removesuffix("_iceclass") / "iceclass.tif")
    scenes = {"items": [*paths[:2], inside, *paths[3:5]], "probability": [*chances[:2], *chances[3:5]]}
    row, column = np.mgrid[0:40, 0:30]
    share = np.clip(np.stack([np.hypot(row - 20, column - 9 - step) / 20 for step in (0, 4)]), 0, 1)
    maps = []
    for number, day in enumerate(("2020-03-01", "2020-03-02")):
        metres = {"units": "m", "standard_name": "projection_{}_coordinate"}
        ice = {"standard_name": "sea_ice_area_fraction", "units": "1", "grid_mapping": "crs"}
        plane = xr.Dataset(
            {"ice": (("time", "y", "x"), share[number : number + 1], ice), "crs": ((), 0, _polar())},
            {
                "time": ("time", np.array([day], "datetime64[ns]")),
                "y": ("y", -500_000 - 25_000.0 * row[:, 0], metres | {"standard_name": "projection_y_coordinate"}),
                "x": ("x", -300_000 + 25_000.0 * column[0], metres | {"standard_name": "projection_x_coordinate"}),
            },
        )
        plane.to_netcdf(folder / f"ice-{number}.nc", encoding={"time": {"units": "days since 2020-01-01"}})
        maps.append(folder / f"ice-{number}.nc")
    return {
        "scenes": (scenes, {"min_observations": 1, "figures": True}),
        "part": (scenes | {"reference": [paths[5]]}, {"region": [-40, 75, 10, 88], "composite": "mean",
                                                     "figures": False, "min_coverage": 0.1}),
        "maps": ({"items": maps}, {"figures": False}),
    }  # fmt: skip


def _polar():
    from pyproj import CRS

    return {name: value for name, value in CRS.from_epsg(3413).to_cf().items() if name != "crs_wkt"}


def _casts(folder):
    """Casts of temperature and salinity in the Barents Sea."""
    geostats.casts(folder / "casts.csv", count=60)
    files = {"observations": ["casts.csv"]}
    usual = {"depth": 25, "grid": "EPSG:3575/40km", "model": geostats.MODEL, "realisations": 0, "report": False}
    return {
        "given model": (files, usual | {"realisations": 8, "thresholds": [8], "block_km": 200}),
        "sectors": (files, usual | {"neighbours": 12, "sectors": "octants", "transform": "normal-score"}),
        "found model": (files, {name: usual[name] for name in ("depth", "grid", "realisations", "report")}
                        | {"grid": "EPSG:3575/80km", "cv": "blocks", "day_km": 0, "drift": ["x", "y"]}),
        "both": (files, usual | {"second": "PSAL", "water_masses": 3, "bench": [5, 30], "depth": None,
                                 "regular_days": 10, "regular_m": 5}),
        "far apart": (files, usual | {"max_distance": 5}),
    }  # fmt: skip


def _radar(folder):
    """A simulated scene of two sub-swaths, with land in it."""
    from processors.seaice.synth import SceneSpec, simulate

    asked = {"place": (20.0, 79.0), "season": "winter", "ipf": "003.31"}
    made = simulate(SceneSpec(7, lines=400, samples=1200, first_line=700, first_sample=2500, **asked), folder)
    scene = {"scene": [made.safe / "manifest.safe"]}
    return {
        "whole": (scene, {}),
        "box": (scene, {"bbox": [10, 70, 20, 88], "write_sigma0": True, "noise": "scaled", "figures": False}),
    }


CASES = {
    "band-maths": _rasters, "geostat": _casts, "ice-stats": _scenes, "pam": _recordings, "regrid": _grids,
    "s1-ice": _radar,
}  # fmt: skip


def make(name, folder):
    """Run a processor on each of its cases; return what it made: case and product → numbers and words."""
    found = {}
    source = folder / "inputs"
    source.mkdir(parents=True)
    processor = find_processor(name)
    for case, (files, parameters) in CASES[name](source).items():
        inputs = {
            slot: [Input.of(source / one, str((source / one).relative_to(source))) for one in some]
            for slot, some in files.items()
        }
        work = folder / case
        work.mkdir()
        with open_engine("inline", work) as engine:
            for product in execute(processor, inputs, resolve(processor, parameters), engine):
                found[f"{case}: {product.name}"] = outcome(product)
    return found


def judge(version, before, made):
    """Say in a line what is to be done before this version may make this; None where it is what was recorded.

    Args:
        version: Version of the processor.
        before: What was recorded of it: its version, and what it made; None where nothing was.
        made: What it makes now.
    """
    if before is None:
        return "is not recorded"
    changed = differences(before["makes"], made)
    if version == before["version"] and changed:
        left = [f"… and {len(changed) - SHOWN} more"] if len(changed) > SHOWN else []
        return "\n  ".join([f"makes something else, but its version is still {version}:", *changed[:SHOWN], *left])
    return None if version == before["version"] else f"has version {version}, recorded is {before['version']}"


def read():
    """Return the record: name of a processor → its version and what it makes."""
    return json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}


def write(names, *, cases_only=False):
    """Record what processors make now; refused where that has changed and the version has not."""
    record = read()
    for name in names:
        version, before = find_processor(name).version, record.get(name)
        with tempfile.TemporaryDirectory() as folder:
            made = make(name, Path(folder))
        said = judge(version, before, made)
        if said and before and version == before["version"] and not cases_only:
            sys.exit(f"{name} {said}\nRaise its version first; --cases-only if only the cases in tests/ have changed.")
        record[name] = {"version": version, "makes": made}
    lines = [f"{json.dumps(name)}: {_lines(record[name])}" for name in sorted(record)]
    RECORD.write_text("{" + ",\n".join(lines) + "}\n", "utf-8")


def _lines(entry):
    """JSON with a line for each product, so that a change is a small one."""
    made = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in sorted(entry["makes"].items()))
    return f'{{"version": {json.dumps(entry["version"])}, "makes": {{\n{made}\n}}}}'


if __name__ == "__main__":
    chosen = [one for one in sys.argv[1:] if one != "--cases-only"]
    write(chosen or sorted(CASES), cases_only="--cases-only" in sys.argv)
