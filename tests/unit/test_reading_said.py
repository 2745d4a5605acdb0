"""What `iaos extract` says of what there is instead of what was asked for, and of units with two names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cftime
import netCDF4
import numpy as np
import orjson
import pytest
import xarray as xr
from pyproj import CRS, Geod, Transformer

import iaos
from builder.enrich.grids import grid_of
from builder.errors import ReadingError


def write_cast(path, *, unit="dbar", calendar="standard", fills=False):
    """Write a cast with three pressures on each of two days."""
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", 2)
        file.createDimension("pressure", 3)
        for name, units, values in (
            ("time", "days since 2020-02-29", [0, 1]), ("pressure", unit, [5, 10, 200]),
            ("lat", "degrees_north", [75.25, 76]), ("lon", "degrees_east", [-10.5, 12]),
        ):  # fmt: skip
            made = file.createVariable(name, "f8", ("pressure",) if name == "pressure" else ("time",))
            made.units = units
            made[:] = values
        file["time"].calendar = calendar
        file["pressure"].standard_name = "sea_water_pressure"
        data = file.createVariable("TEMP", "f4", ("time", "pressure"), fill_value=-9)
        data.setncatts(
            {"units": "degC", "coordinates": "lat lon"} | ({"missing_value": np.float32(-8)} if fills else {})
        )
        data[:] = np.arange(6).reshape(2, 3)
    return path


@pytest.fixture
def cast(tmp_path):
    return write_cast(tmp_path / "cast.nc")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"time": "2021"}, "the data have times 2020-02-29T00:00:00Z to 2020-03-01T00:00:00Z"),
        ({"box": (20, 70, 30, 80)}, "the data have longitudes -10.5 to 12, latitudes 75.25 to 76"),
        # 5 dbar · 9.72659 / 9.829 m s-2, by hand from UNESCO 44, page 28
        ({"depth": (500, 900)}, "the data have depths 4.94"),
    ],
)
def test_what_there_is_instead_is_said(cast, asked, said):
    with pytest.raises(ReadingError, match=r"no data at the place, depth and time asked for \(") as trouble:
        iaos.extract(cast, **asked)
    assert trouble.value.hint.startswith(said)


def test_times_of_a_model_calendar_are_said_too(tmp_path):
    made = write_cast(tmp_path / "model.nc", calendar="360_day")
    assert cftime.num2date(1, "days since 2020-02-29", "360_day").isoformat() == "2020-02-30T00:00:00"
    with pytest.raises(ReadingError, match="times 2020-02-29T00:00:00Z to 2020-02-30T00:00:00Z"):
        iaos.extract(made, time="2021")


def test_coordinates_without_a_value_have_no_ends(tmp_path):
    made = write_cast(tmp_path / "cast.nc")
    with netCDF4.Dataset(made, "a") as file:
        file["lat"][:] = np.nan
    with pytest.raises(ReadingError, match="latitudes unknown"):
        iaos.extract(made, box=(20, 70, 30, 80))


def test_an_item_that_is_not_opened_says_what_it_has(cast):
    item = {
        "type": "Feature", "id": "cast", "bbox": [-10.5, 75.25, 12, 76], "links": [],
        "properties": {"start_datetime": "2020-02-29T00:00:00Z", "end_datetime": "2020-03-01T00:00:00Z"},
        "assets": {"data": {"href": "./gone.nc", "roles": ["data"], "type": "application/netcdf"}},
    }  # fmt: skip
    file = cast.with_name("cast.json")
    file.write_bytes(orjson.dumps(item))
    said = "times 2020-02-29T00:00:00Z to 2020-03-01T00:00:00Z in the box -10.5,75.25,12,76"
    with pytest.raises(ReadingError, match=f"^cast: no data .*the item has {said}"):
        iaos.extract(file, time="2021")


def test_of_several_sources_their_number_is_said_and_what_they_have(cast):
    have = f"{cast}: the data have times 2020-02-29T00:00:00Z to 2020-03-01T00:00:00Z"
    with pytest.raises(ReadingError, match=r"^no data .*, in any of 2 sources ") as trouble:
        iaos.extract(cast, cast, time="2021")
    assert trouble.value.hint == f"{have}; {have}"
    with pytest.raises(ReadingError, match=r"; 2 more have others\)$"):
        iaos.extract(*[cast] * 5, time="2021")
    with pytest.raises(ReadingError, match="the nearest place is"):
        iaos.extract(cast, cast, point=(80, 80), within_km=1)


@pytest.mark.parametrize(("unit", "fits"), [("decibar", True), ("decibars", True), ("m", False)])
def test_a_unit_with_two_names_is_one(cast, tmp_path, unit, fits):
    other = write_cast(tmp_path / "other.nc", unit=unit)
    with netCDF4.Dataset(other, "a") as file:
        file["TEMP"].units = "degree_Celsius"
    if fits:
        whole = iaos.extract(cast, other, point=(12, 76))
        assert whole.TEMP.to_numpy().tolist() == [3, 4, 5] * 2
        assert whole.pressure.attrs["units"] == "dbar"
    else:
        with pytest.raises(ReadingError, match=f"pressure is given in dbar by {cast} and in m by {other} "):
            iaos.extract(cast, other, point=(12, 76))
        with netCDF4.Dataset(other, "a") as file:
            file["pressure"].units = "dbar"
            del file["TEMP"].units
        with pytest.raises(ReadingError, match=f"TEMP is given without unit by {other} and 1 more and in degC by"):
            iaos.extract(cast, other, other, point=(12, 76))


def test_warnings_of_libraries_are_for_those_who_ask(tmp_path):
    made = write_cast(tmp_path / "cast.nc", fills=True)
    asked = ["builder", "-q", "extract", made, "--point", "12,76"]
    quiet, loud = (
        subprocess.run([sys.executable, *how, "-m", *asked], capture_output=True, text=True, check=True)
        for how in ((), ("-W", "default"))
    )
    assert quiet.stdout == loud.stdout
    assert quiet.stderr == ""
    assert "multiple fill values" in loud.stderr


def test_an_answer_all_of_whose_values_are_missing_is_said_to_be_one(tmp_path):
    made = write_cast(tmp_path / "cast.nc")
    with netCDF4.Dataset(made, "a") as file:
        file["TEMP"][0] = -9
    asked = [sys.executable, "-m", "builder", "extract", made, "--box"]
    empty, some = (
        subprocess.run([*asked, box], capture_output=True, text=True, check=True)
        for box in ("-11,75,-10,75.5", "-11,75,13,77")
    )
    assert empty.stderr == "all values that were asked for are missing\n"
    assert some.stderr == ""
    assert "TEMP" in empty.stdout.splitlines()[-1]


def test_times_that_are_no_dates_are_given_as_the_numbers_they_are(cast):
    with netCDF4.Dataset(cast, "a") as file:
        file["time"].units = "months since 2020-01-01"
    part = iaos.extract(cast, depth=(0, 7), variables="TEMP")
    assert (part.time.values.tolist(), part.time.units) == ([0.0, 1.0], "months since 2020-01-01")
    assert part.TEMP.values.ravel().tolist() == [0.0, 3.0]
    with pytest.raises(ReadingError, match="no times that could be asked for"):
        iaos.extract(cast, time="2020")


def test_what_lies_beside_the_folder_of_an_item_is_called_by_its_plain_path(cast):
    item = cast.parent / "a" / "item.json"
    item.parent.mkdir()
    asset = {"href": "../cast.nc", "type": "application/netcdf", "roles": ["data"]}
    item.write_bytes(orjson.dumps({"type": "Feature", "id": "a", "properties": {}, "assets": {"data": asset}}))
    assert iaos.extract(item, depth=(0, 7), variables="TEMP").iaos_source == str(cast)


def test_a_file_is_closed_after_an_answer_and_after_none(cast):
    """HDF5 2.2 ends the process where one handle of a file with strings is closed while another reads them."""
    part = iaos.extract(cast, depth=(0, 7), variables="TEMP")
    with pytest.raises(ReadingError) as refused:
        iaos.extract(cast, time="1999")
    here = [file.readlink() for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
    assert (part.sizes["time"], refused.value.where) == (2, str(cast))
    assert cast not in here


@pytest.mark.parametrize("columns", [np.arange(-10.0, 11.0), np.arange(-10.0, 11.0) % 360.0, np.arange(350.0, 371.0)])
def test_longitudes_of_a_rotated_grid_may_be_of_any_convention(tmp_path, columns):
    pole = {"grid_north_pole_latitude": 15.0, "grid_north_pole_longitude": -160.0}
    rows, values = np.arange(-8.0, 9.0), np.arange(17.0 * 21.0).reshape(17, 21)
    axes = {name: (name, at, {"units": "degrees", "standard_name": known}) for name, at, known in (
        ("rlon", columns, "grid_longitude"), ("rlat", rows, "grid_latitude"))}  # fmt: skip
    mapping = {"grid_mapping_name": "rotated_latitude_longitude"} | pole
    grid = xr.Dataset(
        {"v": (("rlat", "rlon"), values, {"grid_mapping": "rp", "units": "K"}), "rp": ((), 0, mapping)}, coords=axes
    )
    grid.to_netcdf(tmp_path / "a.nc")
    turned = Transformer.from_crs(CRS.from_cf(mapping), "EPSG:4326", always_xy=True)
    lon, lat = turned.transform(*np.meshgrid(columns, rows))
    for place in ((15.6, 78.2), (20.0, 75.0), (19.0, 71.0)):
        metres = Geod(ellps="WGS84").inv(np.full(lon.shape, place[0]), np.full(lon.shape, place[1]), lon, lat)[2]
        part = iaos.extract(tmp_path / "a.nc", point=place, variables="v")
        assert float(part.v) == values[np.unravel_index(metres.argmin(), metres.shape)]
    assert np.ptp(grid_of(grid).x) == 20.0
