"""A group is read with what it uses of the groups around it, as netCDF-C has the values."""

from __future__ import annotations

import subprocess
import sys

import netCDF4
import numpy as np
import orjson
import pyproj
import pytest
import xarray as xr

import iaos
from builder.enrich.coverage import survey
from builder.enrich.inherited import inherited
from builder.enrich.inspect import inspect
from builder.enrich.netcdf import dataset_of
from builder.enrich.references import make_references
from builder.errors import ReadingError
from builder.references.grouped import by_group
from builder.serve import serve

POLAR = pyproj.CRS("EPSG:3413")


def put(group, name, dims, values, **attributes):
    values = np.asarray(values)
    variable = group.createVariable(name, values.dtype, dims)
    variable.setncatts(attributes)
    variable[...] = values


def write_grid(file):
    """A polar grid: axes, projection, positions of cells and times in the root, values in groups below."""
    for name, size in (("time", 5), ("y", 6), ("x", 8), ("two", 2)):
        file.createDimension(name, size)
    x, y = 1000.0 * np.arange(8) + 5e5, -1000.0 * np.arange(6) - 7e5
    lon, lat = pyproj.Transformer.from_crs(POLAR, "EPSG:4326", always_xy=True).transform(*np.meshgrid(x, y))
    put(file, "x", "x", x, standard_name="projection_x_coordinate", units="m")
    put(file, "y", "y", y, standard_name="projection_y_coordinate", units="m")
    put(file, "lon", ("y", "x"), lon, units="degrees_east")
    put(file, "lat", ("y", "x"), lat, units="degrees_north")
    put(file, "time", "time", 12.0 * np.arange(5), units="hours since 2018-07-01", bounds="time_bounds")
    put(file, "time_bounds", ("time", "two"), np.c_[0:49:12, 12:61:12].astype("f8"))
    put(file, "unrelated", ("time",), np.arange(5))
    file.createGroup("grids").createVariable("crs", "i4").setncatts(POLAR.to_cf())
    inner = file.createGroup("grids/ice")
    ice = np.random.default_rng(1).random((5, 6, 8))
    put(inner, "ice", ("time", "y", "x"), ice, coordinates="lat lon", grid_mapping="crs", units="1")
    other = file.createGroup("grids/other")  # its time is another dimension than that of the root
    other.createDimension("time", 3)
    put(other, "ice", ("time", "y", "x"), ice[:3], coordinates="/lat /lon", grid_mapping="/grids/crs")


def write_casts(file):
    """Casts, contiguous as of CF 9.3.3, whose positions and sizes lie in the root; depths lie with the values."""
    file.createDimension("cast", 3)
    put(file, "lat", "cast", [75.0, 76.0, 77.0], standard_name="latitude", units="degrees_north")
    put(file, "lon", "cast", [-5.0, 0.0, 5.0], standard_name="longitude", units="degrees_east")
    put(file, "when", "cast", [0, 1, 2], units="days since 2019-08-01", standard_name="time")
    put(file, "size", "cast", [4, 2, 3], sample_dimension="obs")
    inner = file.createGroup("ctd")
    file.createDimension("obs", 9)
    put(inner, "depth", "obs", [5, 10, 20, 40, 5, 10, 5, 10, 20.0], standard_name="depth", units="m", positive="down")
    put(inner, "temp", "obs", np.arange(9.0), units="degC")


@pytest.fixture(params=["netcdf", "remote netcdf", "references", "the group's references"])
def opener(request, tmp_path):
    """How a group is opened: a function of what writes the file and the group, which returns source and options."""
    with serve(tmp_path) as server:

        def prepared(write, group):
            path = tmp_path / "file.nc"
            with netCDF4.Dataset(path, "w") as file:
                write(file)
            if request.param == "netcdf":
                return path, {"group": group}
            url = f"{server.url}file.nc"
            if request.param == "remote netcdf":
                return url, {"group": group}
            body, _, _ = make_references(path, "hdf5", url)
            if request.param == "references":
                (tmp_path / "file.json").write_bytes(body)
                return f"{server.url}file.json", {"group": group}
            (tmp_path / "group.json").write_bytes(by_group(body)[group])
            return tmp_path / "group.json", {}

        yield prepared


def test_a_group_is_opened_with_the_coordinates_around_it(opener, tmp_path):
    source, options = opener(write_grid, "grids/ice")
    found = iaos.open(source, **options)
    assert set(found.variables) == {"ice", "x", "y", "lat", "lon", "time", "time_bounds", "crs"}
    assert {"lat", "lon", "time", "x", "y"} <= set(found.coords)
    with netCDF4.Dataset(tmp_path / "file.nc") as file:
        for name in ("x", "y", "lat", "lon"):
            assert found[name].to_numpy().tobytes() == file[name][:].data.tobytes()
        assert found.ice.to_numpy().tobytes() == file["grids/ice/ice"][:].data.tobytes()
    assert (
        found.time.to_numpy().tolist()
        == np.arange("2018-07-01", "2018-07-03T12", 12 * 3600, "M8[s]").astype("M8[ns]").tolist()
    )
    assert found.time_bounds.dtype.kind == "M"


def test_a_dimension_of_the_same_name_is_another_one(opener):
    source, options = opener(write_grid, "grids/other")
    found = iaos.open(source, **options)
    assert set(found.variables) == {"ice", "x", "y", "lat", "lon", "crs"}
    assert found.sizes == {"time": 3, "y": 6, "x": 8}
    with pytest.raises(ReadingError, match="no times"):
        iaos.extract(source, time="2018", **options)


def test_cells_are_cut_by_positions_and_times_of_the_root(opener, tmp_path):
    source, options = opener(write_grid, "grids/ice")
    with netCDF4.Dataset(tmp_path / "file.nc") as file:
        lon, lat, ice = file["lon"][:], file["lat"][:], file["grids/ice/ice"][:]
    metres = pyproj.Geod(ellps="WGS84").inv(
        np.full(lon.shape, lon[2, 3]), np.full(lon.shape, lat[2, 3]) + 1e-3, lon, lat
    )[2]
    row, column = np.unravel_index(metres.argmin(), lon.shape)
    series = iaos.extract(source, point=(lon[2, 3], lat[2, 3] + 1e-3), time="2018-07-01T12:00/2018-07-02", **options)
    np.testing.assert_array_equal(series.ice.to_numpy(), ice[1:4, row, column])
    assert series.attrs["iaos_distance_m"] == pytest.approx(metres.min())
    box = (lon[2, 2], lat.min(), lon[2, 5], lat[1, 4])
    inside = (lon >= box[0]) & (lon <= box[2]) & (lat <= box[3])
    found = iaos.extract(source, box=box, **options)
    assert sorted(found.ice.to_numpy()[np.isfinite(found.ice)]) == sorted(ice[:, inside].ravel())


def test_casts_are_told_apart_by_sizes_of_the_root(opener):
    source, options = opener(write_casts, "ctd")
    cast = iaos.extract(source, profile=(0.1, 76.1), **options)
    assert cast.temp.to_numpy().tolist() == [4.0, 5.0]
    assert cast.when.to_numpy().astype("M8[D]").astype(str).tolist() == ["2019-08-02"] * 2
    deep = iaos.extract(source, depth="15:", time="2019-08-03", **options)
    assert deep.temp.to_numpy().tolist() == [8.0]


def write_crossed(file):
    """As many times as latitudes and longitudes, of which the values in a group have both."""
    for name, units in (("time", "days since 2018-07-01"), ("lat", "degrees_north"), ("lon", "degrees_east")):
        file.createDimension(name, 4)
        put(file, name, name, 70.0 + np.arange(4), units=units)
    put(file.createGroup("data"), "t", ("lat", "lon"), np.zeros((4, 4)))


def write_track(file):
    """A track whose times lie in the root, whose positions and values in a group."""
    file.featureType = "trajectory"
    file.createDimension("obs", 3)
    put(file, "time", "obs", [0, 1, 2], units="days since 2018-07-01")
    inner = file.createGroup("data")
    put(inner, "lat", "obs", [75.0, 76.0, 77.0], units="degrees_north")
    put(inner, "lon", "obs", [1.0, 2.0, 3.0], units="degrees_east")


def surveyed(path, write):
    with netCDF4.Dataset(path, "w") as file:
        write(file)
    return survey(path, "https://example.org/a.nc")


def test_the_catalogue_finds_the_place_and_time_of_what_lies_in_several_groups(tmp_path):
    grid = surveyed(tmp_path / "a.nc", write_grid)
    assert grid["projection"]["code"] == "EPSG:3413"
    assert grid["projection"]["bbox"] == [499500.0, -705500.0, 507500.0, -699500.0]
    assert grid["coverage"]["end"] == "2018-07-03T00:00:00+00:00"
    assert surveyed(tmp_path / "b.nc", write_crossed)["coverage"]["boxes"] == [(70.0, 70.0, 73.0, 73.0)]
    track = surveyed(tmp_path / "c.nc", write_track)["coverage"]["geometry"]
    assert track == {"type": "LineString", "coordinates": [[1.0, 75.0], [2.0, 76.0], [3.0, 77.0]]}


def described(path, write):
    with netCDF4.Dataset(path, "w") as file:
        write(file)
    found = dataset_of(inspect(path, "https://example.org/a.nc"), "a")
    return {one.name: one for one in found.dimensions}, {one.name: one for one in found.variables}


def test_dimensions_and_helpers_are_known_across_groups(tmp_path):
    dimensions, variables = described(tmp_path / "a.nc", write_grid)
    assert {name for name, one in variables.items() if not one.auxiliary} == {
        "unrelated", "grids/ice/ice", "grids/other/ice",
    }  # fmt: skip
    assert variables["grids/other/ice"].dimensions == ("grids/other/time", "y", "x")

    def one(file):
        write_track(file.createGroup("tracks"))

    def two(file):
        one(file)
        write_track(file.createGroup("more"))
        file["more/time"].units = "days since 2019-07-01"

    dimensions, _ = described(tmp_path / "b.nc", one)
    assert dimensions["tracks/obs"].type == "temporal"
    assert dimensions["tracks/obs"].extent == ("2018-07-01T00:00:00+00:00", "2018-07-03T00:00:00+00:00")
    dimensions, _ = described(tmp_path / "c.nc", two)
    assert {(one.type, one.extent) for one in dimensions.values()} == {("other", None)}


def test_what_groups_share_is_told_once(tmp_path):
    def write(file):
        write_grid(file)
        file.variables["time"].units = "days since 9000-01-01"

    said = surveyed(tmp_path / "a.nc", write)
    assert said["coverage"]["geometry"]["type"] == "Polygon"
    codes = [finding.code for finding in said["findings"]]
    assert codes.count("netcdf.time-unread") == 2  # the first and the last


def test_what_datatree_writes_is_read_as_it_was(tmp_path):
    times = xr.date_range("2018-07-01", periods=3)
    root = xr.Dataset(coords={"time": times, "lat": ("time", [70.0, 71.0, 72.0], {"units": "degrees_north"})})
    tree = xr.DataTree.from_dict({"/": root, "/a/b": xr.Dataset({"t": ("time", [1.0, 2.0, 3.0])})})
    tree.to_netcdf(tmp_path / "a.nc")
    found = iaos.open(tmp_path / "a.nc", group="a/b")
    assert found.time.to_numpy().tolist() == times.to_numpy().tolist()
    assert found.lat.to_numpy().tolist() == [70.0, 71.0, 72.0]


def test_references_of_a_group_hold_as_much_as_it_uses(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        write_grid(file)
    found = by_group(make_references(tmp_path / "a.nc", "hdf5", "https://example.org/a.nc")[0])
    refs = orjson.loads(found["grids/ice"])["refs"]
    assert not any(key.startswith(("unrelated", "grids")) for key in refs)


EACH_GROUP = """
import sys, netCDF4, iaos
with netCDF4.Dataset(sys.argv[1]) as file:
    groups = list(file.groups)
for group in groups * 6:
    opened = iaos.open(sys.argv[1], group=group)
    for name in list(opened.variables)[:3]:
        opened.variables[name].values
print(len(groups))
"""


def test_groups_that_are_opened_one_after_the_other_and_left_open_do_no_harm(shared_data):
    path = shared_data / "science" / "netcdf" / "generic" / "mozaic_test_hgroups.nc"
    done = subprocess.run([sys.executable, "-c", EACH_GROUP, str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "7"), done.stderr


class Named:
    """A variable along one dimension that names another."""

    dims, shape = ("x",), (3,)

    def __init__(self, **attrs):
        self.attrs = attrs


def test_a_chain_of_names_is_followed_as_far_as_conventions_lead_and_no_further():
    own = {"v": Named(coordinates="a0")}
    terms = {"a0": Named(bounds="a1"), "a1": Named(formula_terms="z: a2"), "a2": Named(ancillary_variables="a3")}
    assert {*inherited(own, [terms | {"a3": Named(), "b": Named()}])} == {"a0", "a1", "a2", "a3"}
    hostile = {f"a{step}": Named(coordinates=f"a{step + 1}") for step in range(1000)}
    assert len(inherited(own, [hostile])) < 10  # each step looks at all variables
