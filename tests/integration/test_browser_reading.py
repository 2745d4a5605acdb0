"""The website's reader of NetCDF, as published, under Node: xarray's values, few requests, changed files refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import cftime
import netCDF4
import numpy as np
import pytest
import xarray as xr

from builder.enrich.guard import file_kind
from builder.enrich.references import build_references
from builder.errors import UnreferenceableError
from builder.pages.snippets import xarray_references
from builder.references.grouped import by_group
from builder.references.readcost import read_costs
from builder.serve import serve
from tests.encodings import CASES, write
from tests.unit.test_inherited import write_grid

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("node") is None, reason="needs Node"),
]

BUNDLE = Path(__file__).resolve().parents[2] / "site" / "static" / "app" / "reading.js"
SCRIPT = Path(__file__).with_name("read_values.mjs")
BLOSC_AND_BZIP2 = {"blosc_lz4", "blosc_zstd", "bzip2"}
"""Not readable without WebAssembly; the reader must say so."""
REAL = (
    "imr_ctd/imr_AA-GS-GT_20030901-20031130_0-50m_TEMP.nc",
    "seaice/seaice_conc_daily_nh_20211231_f17_v04r00.nc",
    "seaice/cersat_psi_20171002_12.5km.nc",
    "profiles/argo_MD5903593_001.nc",
    "profiles/ferret_alamo_float_CFMA_profiles.nc",
    "promice/TEST1_day.nc",
    "generic/kerchunk_air.nc",
    "generic/tas_rotated_grid_EUR11.nc",
    "generic/cmip6_subset_sivol_SImon_CAMS.nc",
    "generic/eraint_uvz.nc",
    "generic/test_atomic_types.nc",
    "generic/ferret_fill_and_miss.nc",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def url(folder):
    with serve(folder) as server:
        yield server.url


def referenced(path: Path, url: str, *, parquet: bool = False) -> dict:
    """Make the references of a file in the served folder; the job that opens them."""
    made, _, _ = build_references(path, file_kind(path), path.name)
    target = url + quote(path.name)
    if not parquet:
        path.with_suffix(".json").write_bytes(made.aimed(target))
        return {"references": f"{url}{quote(path.stem)}.json", "version": {"size": path.stat().st_size}}
    for name, body in made.parquet(target).items():
        file = path.with_suffix(".parquet") / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    return {"references": f"{url}{quote(path.stem)}.parquet"}


def ask(jobs: list[dict], folder: Path) -> list:
    file = folder / "jobs.json"
    file.write_text(json.dumps(jobs))
    done = subprocess.run(["node", str(SCRIPT), str(BUNDLE), str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def differences(path: Path, found: dict):
    """What was read otherwise than by xarray; words are compared without trailing blanks, missing ones are empty."""
    for name, got in found.items():
        group, _, own = name.rpartition("/")
        with xr.open_dataset(path, group=group or None, decode_times=False, engine="netcdf4") as dataset:
            wanted = dataset[own].load()
        if "error" in got or list(wanted.shape) != got["shape"] or got["cost"] != got["spent"]:
            yield name, got
            continue
        values = wanted.to_numpy().ravel()
        if values.dtype.kind in "SUO":
            words = [one.decode() if isinstance(one, bytes) else str(one) for one in values.tolist()]
            same = ["" if one == "nan" else one.rstrip(" \0") for one in words] == [
                one.rstrip() for one in got["values"]
            ]
        else:
            # Packing with a 32-bit factor is 64-bit through JSON (docs/references.md): equal to single precision.
            ours = np.array([float(one) for one in got["values"]])
            same = np.allclose(ours, values.astype("f8"), rtol=2e-7, atol=0, equal_nan=True)
        if not same:
            yield name, "values"


def test_every_encoding_reads_as_xarray_reads_it(folder, url):
    files = {}
    for name, (_, _, refused, _) in CASES.items():
        path = write(name, folder / f"{name}.nc")
        if not refused:
            files[name] = (path, referenced(path, url))
    found = dict(zip(files, ask([job for _, job in files.values()], folder), strict=True))
    assert len(found) > 40
    for name, (path, _) in files.items():
        if name in BLOSC_AND_BZIP2:
            assert found[name]["v"]["error"].startswith("codec")
        else:
            assert list(differences(path, found[name])) == [], name


@pytest.mark.parametrize("parquet", [False, True], ids=["json", "parquet"])
def test_real_files_read_as_xarray_reads_them(folder, url, shared_data, parquet):
    jobs, paths = [], []
    for name in REAL if not parquet else REAL[:6]:
        path = folder / f"real-{Path(name).name}"
        shutil.copyfile(shared_data / "science" / "netcdf" / name, path)
        try:
            jobs.append(referenced(path, url, parquet=parquet))
        except UnreferenceableError:
            continue
        paths.append(path)
    assert len(paths) >= 6
    for path, found in zip(paths, ask(jobs, folder), strict=True):
        assert "error" not in found, (path.name, found)
        assert list(differences(path, found)) == [], path.name


HOURS = 122_724
"""A 14-year hourly series, in chunks as netCDF-C chooses them for a series without end (1024)."""


@pytest.fixture(scope="module")
def hourly(folder, url):
    path = folder / "hourly.nc"
    random = np.random.default_rng(3)
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", None)
        time = file.createVariable("time", "f8", ("time",), chunksizes=(1024,), zlib=True)
        time.units, time.standard_name = "hours since 2007-01-01", "time"
        time[:] = np.arange(HOURS)
        for name in ("temp", "wind"):
            values = file.createVariable(name, "f4", ("time",), chunksizes=(1024,), zlib=True, shuffle=True)
            values[:] = random.normal(size=HOURS).cumsum()
    return path, referenced(path, url)


def test_a_14_year_hourly_series_takes_at_most_three_requests(hourly, folder):
    path, job = hourly
    (answer,) = ask([job | {"question": {"kind": "series", "variable": "temp"}}], folder)
    assert answer["cost"]["requests"] <= 3
    time, temp = answer["columns"]
    with xr.open_dataset(path) as wanted:
        assert np.array_equal(temp["values"], wanted.temp.to_numpy().astype("f8"))
        assert np.array_equal(time["values"], wanted.time.to_numpy().astype("M8[ms]").astype("i8"))
    made, _, _ = build_references(path, file_kind(path), path.name)
    assert read_costs(made)["series"]["requests"] == answer["cost"]["requests"]


def test_a_file_that_changed_is_refused(hourly, folder):
    _, job = hourly
    said = ask([job | {"names": ["temp"], "version": {"size": 5}}], folder)[0]["temp"]["error"]
    assert said.startswith("changed")


@pytest.fixture(scope="module")
def grid(folder, url):
    path = folder / "grid.nc"
    random = np.random.default_rng(4)
    with netCDF4.Dataset(path, "w") as file:
        sizes = {"time": 6, "depth": 12, "lat": 40, "lon": 90}
        for name, length in sizes.items():
            file.createDimension(name, length)
        axes = {
            "time": np.arange(6),
            "depth": np.arange(12) * 10,
            "lat": np.linspace(60, 90, 40),
            "lon": np.arange(90) * 4,
        }
        units = {"time": "days since 2018-07-01", "depth": "m", "lat": "degrees_north", "lon": "degrees_east"}
        for name, values in axes.items():
            variable = file.createVariable(name, "f8", (name,))
            variable.units = units[name]
            variable[:] = values
        file["depth"].positive = "down"
        file.createVariable("temp", "f4", tuple(sizes), chunksizes=(1, 6, 20, 45), zlib=True)[:] = random.random(
            tuple(sizes.values())
        )
    return path, referenced(path, url)


DAY = 86_400_000
START = 17_713 * DAY  # 2018-07-01


def test_questions_give_what_xarray_selects(grid, folder):
    path, job = grid
    near = {"variable": "temp", "point": [-3.5, 71.0]}
    questions = [
        near | {"kind": "series", "depth": [30, 30]},
        near | {"kind": "profile", "time": [START + 2 * DAY] * 2},
        {"variable": "temp", "kind": "map", "time": [START + DAY] * 2, "depth": [50, 50]},
        {
            "variable": "temp", "kind": "subset", "box": [100, 65, 140, 70],
            "time": [START, START + DAY], "depth": [0, 20],
        },
    ]  # fmt: skip
    series, profile, flat, subset = ask([job | {"question": one} for one in questions], folder)
    with xr.open_dataset(path) as dataset:
        here = dataset.temp.sel(lat=71.0, lon=356, method="nearest")
        wanted = (
            here.sel(depth=30),
            here.sel(time="2018-07-03"),
            dataset.temp.sel(time="2018-07-02", depth=50),
            dataset.temp.sel(
                time=slice("2018-07-01", "2018-07-02"), depth=slice(0, 20), lat=slice(65, 70), lon=slice(100, 140)
            ),
        )
        for answer, expected in zip((series, profile, flat, subset), wanted, strict=True):
            assert np.array_equal(answer["columns"][-1]["values"], expected.to_numpy().ravel().astype("f8"))
            assert answer["cost"]["requests"] <= answer["spent"]["requests"]
        rows = wanted[-1].to_dataframe().reset_index()
        for column in subset["columns"][1:4]:
            assert np.array_equal(column["values"], rows[column["name"]])
    geodesic = 6371.0088 * np.arccos(
        np.sin(np.radians(71)) * np.sin(np.radians(float(here.lat)))
        + np.cos(np.radians(71)) * np.cos(np.radians(float(here.lat))) * np.cos(np.radians(0.5))
    )
    assert series["away"] == pytest.approx(geodesic, rel=1e-6)


RANGED = {
    "single": ("f4", [0.1, 0.2, 0, -0.2, -0.1, 0.3], {"valid_min": np.float32(-0.1), "valid_max": np.float32(0.1)}),
    "double": ("f4", [0.1, 0.2, 0, -1, 0, 0], {"valid_max": 0.1}),
    "packed": ("i2", [-300, -100, 0, 100, 101, 5], {"valid_range": np.int16([-100, 100]), "scale_factor": 0.1}),
    "turned": ("i2", [-300, -100, 0, 100, 101, 5], {"valid_range": np.int16([-100, 100]), "scale_factor": -0.1}),
    "turned_end": ("i2", [-300, -100, 0, 100, 101, 5], {"valid_min": np.int16(-100), "scale_factor": -0.1}),
    "disordered": ("i2", [-300, -100, 0, 100, 101, 5], {"valid_range": np.int16([100, -100]), "scale_factor": -0.1}),
    "real": ("i2", [-300, -100, 0, 100, 101, 5], {"valid_max": 10.0, "scale_factor": 0.1}),
    "unsigned": ("i1", [-128, -1, 0, 127, -6, -5], {"valid_range": np.int8([0, -6]), "_Unsigned": "true"}),
    "unsigned_real": (
        "i1",
        [-128, -1, 0, 127, -6, -5],
        {"valid_min": -50.0, "add_offset": -100.0, "_Unsigned": "true"},
    ),
    "unwritten": ("f4", [1, netCDF4.default_fillvals["f4"], 3, 4, 5, 6], {}),
    "whole": ("i4", [1, 2, 3, 4, 5, 99], {"valid_max": np.int32(5)}),
    "wrong": ("i4", [1, 2, 3, 4, 5, 99], {"valid_range": "1 5"}),
}
BY_HAND = {
    "real": [-30, -10, 0, 10, np.nan, 0.5],
    "disordered": [np.nan, 10, 0, -10, np.nan, -0.5],
    "unsigned": [128, np.nan, 0, 127, 250, np.nan],
    "unsigned_real": [28, 155, np.nan, 27, 150, 151],
    "double": [np.float32(0.1), np.nan, 0, -1, 0, 0],
}
"""What netCDF4 does not know or stumbles on: real bounds of whole numbers, disorder, doubles, unsigned bytes."""
MISSING = {
    "single": 3,
    "packed": 2,
    "turned": 2,
    "turned_end": 1,
    "disordered": 2,
    "real": 1,
    "unsigned": 2,
    "unsigned_real": 1,
    "double": 1,
    "unwritten": 1,
    "whole": 1,
    "wrong": 0,
}


def test_numbers_that_are_not_measured_are_missing_as_netcdf4_has_them(folder, url):
    path = folder / "ranged.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", 6)
        file.createVariable("time", "f8", ("time",)).units = "days since 2018-07-01"
        file["time"][:] = np.arange(6)
        for name, (kind, values, said) in RANGED.items():
            variable = file.createVariable(name, kind, ("time",))
            variable.setncatts(said)
            variable.set_auto_maskandscale(False)
            variable[:] = np.array(values, kind)
    job = referenced(path, url)
    answers = ask([job | {"question": {"kind": "series", "variable": name}} for name in RANGED], folder)
    with netCDF4.Dataset(path) as file:
        for name, answer in zip(RANGED, answers, strict=True):
            got = np.array([float(one) for one in answer["columns"][-1]["values"]])
            if name in BY_HAND:
                wanted = np.array(BY_HAND[name])
            else:
                found = file[name][:]
                wanted = np.where(np.ma.getmaskarray(found), np.nan, np.ma.getdata(found).astype("f8"))
            assert np.isnan(wanted).sum() == MISSING[name]
            assert np.allclose(got, wanted, rtol=2e-7, atol=0, equal_nan=True), (name, got, wanted)


def test_bounds_are_met_as_far_as_the_file_rounds_and_places_never_written_are_not_near(folder, url):
    path, unwritten = folder / "rounded.nc", netCDF4.default_fillvals["f4"]
    with netCDF4.Dataset(path, "w") as file:
        for name, units, values in (
            ("depth", "m", [0.494025, 1.541375, 2.645669]),  # of Copernicus Marine
            ("lat", "degrees_north", [70.3, 70.4, 80]),
            ("lon", "degrees_east", [160.1, 160.2, unwritten]),
        ):
            file.createDimension(name, 3)
            variable = file.createVariable(name, "f4", (name,))
            variable.units = units
            variable[:] = values
        file["depth"].positive = "down"
        file.createVariable("temp", "f4", ("depth", "lat", "lon"))[:] = np.arange(27).reshape(3, 3, 3)
    job = referenced(path, url)
    box = {"kind": "subset", "variable": "temp", "box": [160.1, 70.3, 160.2, 70.4], "depth": [0.494025, 1.541375]}
    near = {
        "kind": "profile",
        "variable": "temp",
        "point": [0, 81],
    }  # the number that was never written is 120 turned round
    subset, profile = ask([job | {"question": one} for one in (box, near)], folder)
    assert subset["columns"][-1]["values"] == [0, 1, 3, 4, 9, 10, 12, 13]
    assert profile["columns"][-1]["values"] == [6, 15, 24]


def test_what_lies_between_is_no_part_of_the_answer(folder, url, tmp_path):
    """A box across ±180° on a grid that begins there, a cruise that leaves the box, and times in disorder."""
    path = folder / "between.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, units, values in (
            ("lat", "degrees_north", [60, 70, 80]),
            ("lon", "degrees_east", np.arange(-180, 180, 5)),
            ("time", "days since 2018-07-01", [0, 3, 1, 2]),
        ):
            file.createDimension(name, len(values))
            file.createVariable(name, "f8", (name,)).units = units
            file[name][:] = values
        file.createVariable("temp", "f4", ("time", "lat", "lon"))[:] = np.arange(4 * 3 * 72).reshape(4, 3, 72)
        file.createDimension("cast", 6)
        for name, units, values in (
            ("LATITUDE", "degrees_north", [70, 75, 75, 80, 75.5, 60]),
            ("LONGITUDE", "degrees_east", [20, 20, 21, 20, 22, 20]),
        ):
            file.createVariable(name, "f8", ("cast",)).units = units
            file[name][:] = values
        file.createVariable("salt", "f4", ("cast",)).coordinates = "LATITUDE LONGITUDE"
        file["salt"][:] = np.arange(6)
    job = referenced(path, url) | {"opening": f"import xarray\ndataset = xarray.open_dataset({str(path)!r})"}
    questions = [
        {"kind": "subset", "variable": "temp", "box": [170, 65, -170, 75], "time": [START, START + 2 * DAY]},
        {"kind": "subset", "variable": "salt", "box": [10, 74, 30, 76]},
        {"kind": "series", "variable": "temp", "point": [0, 70], "time": [START, START + 2 * DAY]},
    ]
    grid, casts, series = ask([job | {"question": one} for one in questions], folder)
    with xr.open_dataset(path) as dataset:
        east = (dataset.lon >= 170) | (dataset.lon <= -170)
        part = dataset.temp.isel(time=[0, 2, 3], lat=[1], lon=np.flatnonzero(east))
        assert grid["columns"][-1]["values"] == part.to_numpy().ravel().tolist()
        assert grid["columns"][2]["values"] == np.tile(dataset.lon[east], 3).tolist()
        assert (casts["columns"][-1]["values"], casts["columns"][1]["values"]) == ([1, 2, 4], [75, 75, 75.5])
        assert series["columns"][-1]["values"] == dataset.temp[[0, 2, 3], 1, 36].to_numpy().tolist()
    for answer, name, wanted in ((grid, "temp", part.to_numpy()), (casts, "salt", np.float32([1, 2, 4]))):
        script = answer["python"].replace("part.nc", str(tmp_path / "part.nc"))
        subprocess.run([sys.executable, "-c", script], check=True)
        with xr.open_dataset(tmp_path / "part.nc") as cut:
            assert np.array_equal(cut[name], wanted)


def test_the_nearest_cast_is_sought_in_the_time_asked_for(folder, url):
    # As the yearly files of IMR are: times, latitudes and longitudes have a dimension each, depth is an index.
    path = folder / "casts.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, length in (("TIME", 5), ("DEPTH", 7), ("LATITUDE", 5), ("LONGITUDE", 5)):
            file.createDimension(name, length)
        for name, units, values in (
            ("TIME", "days since 2003-01-01", [0, 10, 20, 30, 40]),
            ("LATITUDE", "degrees_north", [70, 75, 75, 80, 75.1]),
            ("LONGITUDE", "degree_east", [10, 20, 20, 30, 20]),
        ):
            variable = file.createVariable(name, "f8", (name,))
            variable.units = units
            variable[:] = values
        file.createVariable("TEMP", "f4", ("TIME", "DEPTH"), fill_value=-99)[:] = np.arange(35).reshape(5, 7)
    job = referenced(path, url)
    ask_for = {"kind": "profile", "variable": "TEMP", "point": [20, 75.0]}
    late = {"time": [DAY * (12_053 + 15), DAY * (12_053 + 60)]}  # 2003-01-01 is day 12,053 since 1970
    never = {"time": [0, 1]}
    first, later, nothing = ask([job | {"question": ask_for | more} for more in ({}, late, never)], folder)
    assert first["columns"][-1]["values"] == list(range(7, 14))
    assert later["columns"][-1]["values"] == list(range(14, 21))
    assert first["away"] == pytest.approx(0)
    assert nothing["error"].startswith("empty")


def write_profile(path, depths, values):
    """Write profiles at two times over depths, some of which may be missing."""
    with netCDF4.Dataset(path, "w") as file:
        for name, length in (("time", 2), ("depth", len(depths))):
            file.createDimension(name, length)
        for name, units, own in (("time", "days since 2018-07-01", [0, 1]), ("depth", "m", depths)):
            variable = file.createVariable(name, "f8", (name,), fill_value=-999.0)
            variable.units = units
            variable[:] = own
        file["depth"].positive = "down"
        for name, units in (("lat", "degrees_north"), ("lon", "degrees_east")):
            file.createVariable(name, "f8", ()).units = units
        file.createVariable("temp", "f4", ("time", "depth"))[:] = values


def test_a_curve_leaves_out_what_has_no_depth_and_stands_upright_over_one_level(folder, url):
    write_profile(folder / "gaps.nc", np.ma.masked_invalid([20.0, np.nan, 5.0]), [[3, 2, 1], [6, 5, 4]])
    write_profile(folder / "level.nc", [7.0], [[3], [6]])
    question = {"question": {"kind": "profile", "variable": "temp"}}
    jobs = [referenced(folder / name, url) | question for name in ("gaps.nc", "level.nc")]
    gaps, level = (one["curve"] for one in ask(jobs, folder))
    assert (gaps["x"], gaps["y"]) == ([5, 20], [1, 3])
    assert (level["x"], level["y"]) == ([7], [3])
    for curve in (gaps, level):
        assert curve["axis"] == {"name": "depth", "unit": "m", "times": False}
        assert (curve["upright"], curve["direction"]) == (True, -1)


def test_coordinates_that_failed_are_asked_for_again(hourly, folder):
    path, job = hourly
    (answer,) = ask([job | {"question": {"kind": "series", "variable": "temp"}, "failing": 1}], folder)
    assert answer["failed"].startswith("answer")
    with xr.open_dataset(path) as wanted:
        assert np.array_equal(answer["columns"][-1]["values"], wanted.temp.to_numpy().astype("f8"))


TIMES = [
    ("days since 2000-01-01", "standard", [0, 1.5]),
    ("hours since 1900-1-1 06:30", "gregorian", [10, 1_000_000]),
    ("seconds since 1970-01-01T00:00:00Z", "standard", [1e9]),
    ("minutes since 2018-07-01 00:00:00 +02:00", "proleptic_gregorian", [90]),
    ("days since 0001-01-01", "standard", [700_000]),
    ("days since 0001-01-01", "proleptic_gregorian", [700_000]),
    ("days since 1582-10-15", "standard", [0, 200_000]),
]


def test_times_are_those_of_cftime(folder):
    jobs = [{"time": {"units": units, "calendar": calendar}, "values": values} for units, calendar, values in TIMES]
    for (units, calendar, values), found in zip(TIMES, ask(jobs, folder), strict=True):
        dates = cftime.num2date(values, units, calendar)
        epoch = cftime.datetime(1970, 1, 1, calendar=calendar)
        assert found == [round((date - epoch).total_seconds() * 1000) for date in dates], units


def test_a_group_is_cut_by_the_coordinates_around_it(folder, url, tmp_path):
    path = folder / "grouped.nc"
    with netCDF4.Dataset(path, "w") as file:
        write_grid(file)
    job = referenced(path, url)
    (folder / "grouped-ice.json").write_bytes(by_group(path.with_suffix(".json").read_bytes())["grids/ice"])
    job |= {
        "opening": xarray_references(job["references"], "http"),
        "groups": [["grids/ice", "./grouped-ice.json", "./grouped.json"]],
    }
    with netCDF4.Dataset(path) as file:
        lon, lat, ice = file["lon"][:], file["lat"][:], file["grids/ice/ice"][:]
    box = [lon[2, 2], lat.min(), lon[2, 5], lat[1, 4]]
    noon = START + DAY // 2
    questions = [
        {"kind": "series", "variable": "grids/ice/ice", "point": [lon[3, 4], lat[3, 4]], "time": [noon, noon + DAY]},
        {"kind": "subset", "variable": "grids/ice/ice", "box": box},
        {"kind": "series", "variable": "grids/other/ice", "point": [lon[3, 4], lat[3, 4]]},
    ]
    series, cells, timeless = ask([job | {"question": one} for one in questions], folder)
    assert series["columns"][-1]["values"] == ice[1:4, 3, 4].tolist()
    assert timeless["columns"][0] == {"name": "time", "unit": "", "values": [0, 1, 2]}  # that of the root has five
    inside = (lon >= box[0]) & (lon <= box[2]) & (lat <= box[3])
    assert sorted(cells["columns"][-1]["values"]) == sorted(ice[:, inside].ravel().tolist())
    for answer, wanted in ((series, ice[1:4, 3, 4]), (cells, ice[:, inside])):
        script = answer["python"].replace("part.nc", str(tmp_path / "part.nc"))
        subprocess.run([sys.executable, "-c", script], check=True)
        with xr.open_dataset(tmp_path / "part.nc") as cut:
            values = cut.ice.to_numpy().ravel()
        assert sorted(values[np.isfinite(values)]) == sorted(wanted.ravel())
