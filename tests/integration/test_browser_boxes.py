"""Boxes that the website's reader cuts out of grids whose positions do not follow rows and columns, against pyproj."""

from __future__ import annotations

import shutil
import subprocess
import sys

import netCDF4
import numpy as np
import pytest
import xarray as xr
from pyproj import Proj

from tests.integration.test_browser_reading import ask, folder, pytestmark, referenced, url

__all__ = ["folder", "pytestmark", "url"]

ROUNDING = 180 * 2.0**-23
"""Degrees by which positions of 32 bits may lie beside those that were meant."""
EDGE = (160.2, 70.1, 160.3, 70.3)
"""A box with a position of 32 bits in two of its corners, which lie outside as they are rounded."""
TOLD = 1e-7
"""Degrees to which a page tells positions that it computes."""
BOXES = (
    (10, 70, 40, 80),
    (170, 65, -160, 85),
    (-180, 85, 180, 90),
    (-180, 88, 180, 90),
    (350, 60, 370, 75),
    (-50, 58.3, -45, 62.1),
    (100, -90, 140, 90),
    (-75, 89, 75, 90),
    (0.2, 60, 350, 61),
)
GRIDS = {
    "EPSG:3413": (1, 6e6),
    "EPSG:3411": (1000, 6e6),
    "EPSG:3995": (1, 6e6),
    "EPSG:6931": (1, 5e6),
    "EPSG:3575": (1000, 5e6),
    "EPSG:32633": (1, None),
}
"""Unit of the coordinates in metres, and how far the grid reaches."""


def axes(reach):
    if reach is None:
        return np.linspace(0, 1e6, 61), np.linspace(9.3e6, 6.5e6, 83)
    return np.linspace(-reach, reach, 121), np.linspace(reach, -reach, 117)


def write_projected(path, per_unit, reach):
    x, y = axes(reach)
    values = np.arange(2 * y.size * x.size).reshape(2, y.size, x.size)
    with netCDF4.Dataset(path, "w") as file:
        for name, own, units in (
            ("time", [0, 1], "days since 2018-07-01"),
            ("y", y / per_unit, "m" if per_unit == 1 else "km"),
            ("x", x / per_unit, "m" if per_unit == 1 else "km"),
        ):
            file.createDimension(name, len(own))
            file.createVariable(name, "f8", (name,)).units = units
            file[name][:] = own
        file.createVariable("ice", "i4", ("time", "y", "x"), zlib=True)[:] = values
    return *np.meshgrid(x, y), values


def in_box(lon, lat, box):
    west, south, east, north = box
    width = 360 if east - west >= 360 else (east - west) % 360
    wide = (lon - west + ROUNDING) % 360 <= width + 2 * ROUNDING
    return (lat >= south - ROUNDING) & (lat <= north + ROUNDING) & wide


def cut(job, variable, boxes, folder):
    jobs = [job | {"question": {"kind": "subset", "variable": variable, "box": box}} for box in boxes]
    for answer in ask(jobs, folder):
        yield answer, {one["name"]: np.array(one["values"], float) for one in answer["columns"]}


@pytest.mark.parametrize("code", GRIDS)
def test_a_box_on_a_projected_grid_holds_the_cells_that_pyproj_puts_there(folder, url, code):
    per_unit, reach = GRIDS[code]
    path = folder / f"{code[5:]}.nc"
    x, y, values = write_projected(path, per_unit, reach)
    lon, lat = Proj(code)(x, y, inverse=True)
    job = referenced(path, url) | {"crs": code}
    boxes = [box for box in BOXES if in_box(lon, lat, box).any()]
    assert len(boxes) >= 3
    for box, (answer, got) in zip(boxes, cut(job, "ice", boxes, folder), strict=True):
        found = in_box(lon, lat, box)
        rows, columns = found.nonzero()
        assert answer["selection"]["y"] == [rows.min(), rows.max() + 1], box
        assert answer["selection"]["x"] == [columns.min(), columns.max() + 1], box
        assert list(got) == ["time", "y", "x", "latitude", "longitude", "ice"]
        assert np.array_equal(got["ice"], values[:, found].ravel()), box
        assert np.allclose(got["latitude"], np.tile(lat[found], 2), rtol=0, atol=TOLD)
        turned = (got["longitude"] - np.tile(lon[found], 2) + 180) % 360 - 180
        assert np.allclose(turned * np.cos(np.radians(got["latitude"])), 0, atol=TOLD)
        assert np.allclose(got["x"] * per_unit, np.tile(x[found], 2))


def write_bent(path, rows):
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_OFFSET") as file:
        for name, length in (("time", 2), ("y", rows), ("x", 1000)):
            file.createDimension(name, length)
        file.createVariable("time", "f8", ("time",)).units = "days since 2018-07-01"
        file["time"][:] = [0, 1]
        lon, lat = np.meshgrid(np.linspace(-40, 40, 1000), np.linspace(65, 85, rows))
        for name, said, own in (("lat", "north", lat), ("lon", "east", lon)):
            file.createVariable(name, "f8", ("y", "x")).units = f"degrees_{said}"
            file[name][:] = own
        file.createVariable("ice", "i1", ("time", "y", "x")).coordinates = "lat lon"
        file["ice"][:] = 1
    return lon, lat


def test_positions_larger_than_what_a_page_reads_at_once_are_not_read_unasked(folder, url):
    lon, lat = write_bent(folder / "bent600.nc", 600)
    write_bent(folder / "bent700.nc", 700)
    jobs = [referenced(folder / f"bent{rows}.nc", url) for rows in (600, 700)]
    job = {"question": {"kind": "subset", "variable": "ice", "box": [0, 70, 1, 71]}}
    read, refused = ask([one | job for one in jobs], folder)
    assert len(read["columns"][0]["values"]) == 2 * in_box(lon, lat, (0, 70, 1, 71)).sum() > 100
    assert refused == {"error": "heavy: lon", "spent": {"requests": 0, "bytes": 0}}


def test_a_box_beside_a_grid_is_empty_and_without_a_box_all_cells_have_their_position(folder, url):
    path = folder / "whole.nc"
    x, y, values = write_projected(path, 1, 1e6)
    job = referenced(path, url) | {"crs": "EPSG:3413"}
    jobs = [job | {"question": {"kind": "subset", "variable": "ice"} | box} for box in ({"box": [0, 50, 10, 60]}, {})]
    nothing, whole = ask(jobs, folder)
    assert nothing["error"].startswith("empty")
    _, lat = Proj("EPSG:3413")(x, y, inverse=True)
    assert whole["columns"][-1]["values"] == values.ravel().tolist()
    assert np.allclose(whole["columns"][3]["values"], np.tile(lat.ravel(), 2), rtol=0, atol=TOLD)


def test_a_grid_whose_reference_system_nobody_told_gives_all_of_it_without_positions(folder, url):
    path = folder / "untold.nc"
    _, _, values = write_projected(path, 1, 1e6)
    (whole,) = ask([referenced(path, url) | {"question": {"kind": "subset", "variable": "ice"}}], folder)
    assert [one["name"] for one in whole["columns"]] == ["time", "y", "x", "ice"]
    assert whole["columns"][-1]["values"] == values.ravel().tolist()


def test_a_box_on_a_real_grid_of_nsidc_holds_the_cells_where_nsidc_says_they_are(folder, url, shared_data):
    """The positions are NSIDC's own files of 1e-5 degrees for the 25 km grid (NSIDC-0771, v3)."""
    source = shared_data / "science" / "netcdf" / "seaice"
    lat, lon = (
        np.fromfile(source / f"nsidc/psn25{name}_v3.dat", "<i4").reshape(448, 304) / 1e5 for name in ("lats", "lons")
    )
    path = folder / "nsidc.nc"
    shutil.copyfile(source / "seaice_conc_daily_nh_20211231_f17_v04r00.nc", path)
    boxes = ((170.3, 66.2, -150.7, 74.9), (-180, 81.13, 180, 90), (10.123, 76.321, 34.567, 81.234))
    with xr.open_dataset(path, decode_times=False) as dataset:
        whole = dataset["cdr_seaice_conc"].to_numpy()[0]
    whole = np.where((whole > 1.0 + 1e-6), np.nan, whole)  # flags, beyond the valid range
    job = referenced(path, url) | {"crs": "EPSG:3411"}
    for box, (_, got) in zip(boxes, cut(job, "cdr_seaice_conc", boxes, folder), strict=True):
        found = in_box(lon, lat, box)
        assert found.sum() > 400
        assert np.allclose(got["cdr_seaice_conc"], whole[found], rtol=1e-6, equal_nan=True)
        assert np.allclose(got["latitude"], lat[found], rtol=0, atol=2e-5)


@pytest.fixture(scope="module")
def bent(folder, url):
    """A grid with a position of 32 bits for each cell, three of which were never written."""
    path = folder / "bent.nc"
    x, y = np.meshgrid(np.linspace(-3e6, 3e6, 61), np.linspace(-3e6, 3e6, 57))
    lon, lat = (np.asarray(one, "f4") for one in Proj("EPSG:3995")(x, y, inverse=True))
    lon[3, 4:7] = lat[3, 4:7] = np.nan
    lon[0, :2], lat[0, :2] = EDGE[0::2], EDGE[1::2]
    values = np.random.default_rng(5).normal(size=(2, *lon.shape)).astype("f4")
    with netCDF4.Dataset(path, "w") as file:
        for name, length in (("time", 2), ("nj", 57), ("ni", 61)):
            file.createDimension(name, length)
        file.createVariable("time", "f8", ("time",)).units = "days since 2018-07-01"
        file["time"][:] = [0, 1]
        for name, units, own in (("nav_lat", "degrees_north", lat), ("nav_lon", "degrees_east", lon)):
            file.createVariable(name, "f4", ("nj", "ni"), fill_value=np.float32(1e20)).units = units
            file[name][:] = np.ma.masked_invalid(own)
        file.createVariable("temp", "f4", ("time", "nj", "ni"))[:] = values
    return path, referenced(path, url), lon.astype("f8"), lat.astype("f8"), values


def test_a_box_on_a_grid_with_a_position_for_each_cell_holds_the_cells_inside(bent, folder):
    _, job, lon, lat, values = bent
    boxes = [box for box in (*BOXES, EDGE) if in_box(lon, lat, box).any()]
    assert len(boxes) >= 6
    assert in_box(lon, lat, EDGE)[0, :2].all()
    for box, (_, got) in zip(boxes, cut(job, "temp", boxes, folder), strict=True):
        found = in_box(lon, lat, box)
        assert np.array_equal(got["temp"], values[:, found].ravel()), box
        assert np.array_equal(got["nav_lat"], np.tile(lat[found], 2))
        assert np.array_equal(got["nav_lon"], np.tile(lon[found], 2))


def test_the_printed_code_leaves_out_the_same_cells(bent, folder, url, tmp_path):
    mapped = folder / "printed.nc"
    x, y, whole = write_projected(mapped, 1000, 5e6)
    path, job, lon, lat, values = bent
    jobs = [
        job | {"path": path, "question": {"kind": "subset", "variable": "temp", "box": EDGE}},
        referenced(mapped, url)
        | {"path": mapped, "crs": "EPSG:3575"}
        | {"question": {"kind": "subset", "variable": "ice", "box": BOXES[1]}},
    ]
    for one in jobs:
        one["opening"] = f"import xarray\ndataset = xarray.open_dataset({str(one.pop('path'))!r})"
    wanted = (
        values[:, in_box(lon, lat, EDGE)],
        whole[:, in_box(*Proj("EPSG:3575")(x, y, inverse=True), BOXES[1])],
    )
    for answer, name, cells in zip(ask(jobs, folder), ("temp", "ice"), wanted, strict=True):
        script = answer["python"].replace("part.nc", str(tmp_path / "part.nc"))
        subprocess.run([sys.executable, "-c", script], check=True)
        with xr.open_dataset(tmp_path / "part.nc") as cut:
            got = cut[name].to_numpy()
            assert np.array_equal(got[:, ~np.isnan(got[0])], cells)
            assert (~np.isnan(got)).any(axis=(0, 2)).all(), "no row without any cell"
