"""What the website's reader once cut wrongly, as random files showed: open periods, cruises, like lengths, poles."""

from __future__ import annotations

import shutil

import netCDF4
import numpy as np
import pytest
from pyproj import Geod, Transformer

from builder.serve import serve
from tests.integration.test_browser_reading import ask, referenced

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("node") is None, reason="needs Node"),
]
DAY = 86_400_000
START = 17_713 * DAY  # 2018-07-01
DAYS = "days since 2018-07-01"
NORTH, EAST = "degrees_north", "degrees_east"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def url(folder):
    with serve(folder) as server:
        yield server.url


def write(path, *variables):
    """Write variables given as name, dimensions, values and attributes."""
    with netCDF4.Dataset(path, "w") as file:
        for name, dims, values, said in variables:
            for dim, length in zip(dims, np.shape(values), strict=True):
                if dim not in file.dimensions:
                    file.createDimension(dim, length)
            file.createVariable(name, "f8", dims).setncatts(said)
            file[name][...] = values
    return path


def axis(name, values, units, **more):
    return name, (name,), values, {"units": units} | more


def asked(folder, url, path, *questions, **more):
    job = referenced(path, url) | more
    return ask([job | {"question": {"variable": "v"} | one} for one in questions], folder)


def column(answer, name="v"):
    return next(one["values"] for one in answer["columns"] if one["name"] == name)


def test_a_period_may_be_open_at_either_end(folder, url):
    path = write(folder / "open.nc", axis("time", np.arange(5), DAYS), ("v", ("time",), np.arange(5.0), {"units": "K"}))
    ends = ([START + 2 * DAY, "Infinity"], ["-Infinity", START + 2 * DAY], ["-Infinity", "Infinity"])
    found = asked(folder, url, path, *({"kind": "series", "time": one} for one in ends))
    assert [column(one) for one in found] == [[2, 3, 4], [0, 1, 2], [0, 1, 2, 3, 4]]


def test_a_box_along_a_cruise_and_a_period_are_both_kept(folder, url):
    path = write(
        folder / "cruise.nc",
        ("time", ("cast",), [0, 1, 2, 3, 4], {"units": DAYS}),
        ("lat", ("cast",), [70, 75, 76, 77, 60], {"units": NORTH}),
        ("lon", ("cast",), [20, 20, 21, 22, 23], {"units": EAST}),
        ("v", ("cast",), np.arange(5.0), {"units": "K"}),
    )
    subset = {"kind": "subset", "box": [0, 74, 40, 80], "time": [START + 2 * DAY, START + 9 * DAY]}
    (found,) = asked(folder, url, path, subset)
    assert (column(found), column(found, "lat")) == ([2, 3], [76, 77])


def test_coordinates_of_other_dimensions_that_are_as_long_are_not_taken(folder, url):
    path = write(
        folder / "alike.nc",
        axis("time", [0, 1, 2], DAYS),
        axis("depth", [5, 10, 20], "m", positive="down"),
        axis("lat", [60, 70, 80], NORTH),
        axis("lon", [10, 20, 30], EAST),
        ("layers", ("time", "depth"), np.arange(9.0).reshape(3, 3), {"units": "K"}),
        ("area", ("lat",), [3.0, 2.0, 1.0], {"units": "km2"}),
        ("grid", ("lat", "lon"), np.arange(9.0).reshape(3, 3), {"units": "K"}),
        ("thickness", ("depth",), [5.0, 5.0, 10.0], {"units": "m"}),
    )
    questions = [
        {"kind": "subset", "variable": "area", "box": [19, -90, 21, 90]},
        {"kind": "subset", "variable": "thickness", "depth": [8, 30], "time": [0, 1]},
        {"kind": "subset", "variable": "layers", "box": [100, 0, 110, 10], "depth": [20, 20]},
    ]
    area, thickness, layers = asked(folder, url, path, *questions)
    assert [(one["name"], one["unit"]) for one in area["columns"]] == [("lat", NORTH), ("area", "km2")]
    assert column(area, "area") == [3, 2, 1]
    assert [(one["name"], one["values"]) for one in thickness["columns"]] == [
        ("depth", [10, 20]), ("thickness", [5, 10]),
    ]  # fmt: skip
    assert [one["name"] for one in layers["columns"]] == ["time", "depth", "layers"]
    assert column(layers, "layers") == [2, 5, 8]


def test_the_nearest_cell_of_a_grid_is_the_nearest_in_kilometres(folder, url):
    lat, lon, point = [60.0, 85.0], [0.0, 180.0], (80.0, 70.0)
    path = write(
        folder / "polar.nc", axis("lat", lat, NORTH), axis("lon", lon, EAST), axis("time", [0], DAYS),
        ("v", ("time", "lat", "lon"), [[[1.0, 2.0], [3.0, 4.0]]], {"units": "K"}),
    )  # fmt: skip
    (found,) = asked(folder, url, path, {"kind": "series", "point": point})
    wide, high = (one.ravel() for one in np.meshgrid(lon, lat))
    metres = Geod(ellps="sphere").inv(np.full(4, point[0]), np.full(4, point[1]), wide, high)[2]
    assert column(found) == [1 + int(np.argmin(metres))] == [3]
    assert found["away"] == pytest.approx(metres.min() / 1000, rel=1e-4)
    assert found["place"] == [0, 85]


def test_a_polar_grid_in_kilometres_says_where_its_nearest_cell_is_and_how_far(folder, url):
    x, y, point = np.array([-25.0, 0, 25, 50]), np.array([100.0, 75]), (15.0, 89.0)
    path = write(
        folder / "kilometres.nc", axis("time", [0], DAYS),
        axis("xc", x, "km", standard_name="projection_x_coordinate"),
        axis("yc", y, "km", standard_name="projection_y_coordinate"),
        ("v", ("time", "yc", "xc"), np.arange(8.0).reshape(1, 2, 4), {"units": "K"}),
    )  # fmt: skip
    (found,) = asked(folder, url, path, {"kind": "series", "point": point}, crs="EPSG:3413")
    polar = Transformer.from_crs(4326, 3413, always_xy=True)
    here = np.array(polar.transform(*point)) / 1000
    row, cell = np.argmin(abs(y - here[1])), np.argmin(abs(x - here[0]))
    assert column(found) == [4 * row + cell]
    place = polar.transform(x[cell] * 1000, y[row] * 1000, direction="INVERSE")
    assert found["place"] == pytest.approx(place, abs=1e-6)
    assert found["away"] == pytest.approx(Geod(ellps="sphere").inv(*point, *place)[2] / 1000, rel=1e-4)
    assert {one["name"]: one["unit"] for one in found["columns"]} == {"time": "UTC", "xc": "km", "yc": "km", "v": "K"}


def test_the_nearest_cell_to_a_place_outside_of_a_polar_grid_is_nearest_on_the_globe(folder, url):
    x, y, point = np.arange(-3.8e6, 3.8e6, 2e5), np.arange(5.8e6, -5.4e6, -2e5), (60.0, 0.0)
    path = write(
        folder / "outside.nc", axis("time", [0], DAYS),
        axis("xc", x, "m", standard_name="projection_x_coordinate"),
        axis("yc", y, "m", standard_name="projection_y_coordinate"),
        ("v", ("time", "yc", "xc"), np.arange(float(x.size * y.size)).reshape(1, y.size, x.size), {"units": "K"}),
    )  # fmt: skip
    (found,) = asked(folder, url, path, {"kind": "series", "point": point}, crs="EPSG:3413")
    polar = Transformer.from_crs(4326, 3413, always_xy=True)
    wide, high = polar.transform(*(one.ravel() for one in np.meshgrid(x, y)), direction="INVERSE")
    metres = Geod(ellps="sphere").inv(np.full(wide.size, point[0]), np.full(wide.size, point[1]), wide, high)[2]
    assert column(found) == [np.argmin(metres)]
    assert found["away"] == pytest.approx(metres.min() / 1000, rel=1e-4)


@pytest.mark.parametrize(("unit", "metres"), [("m", 1.0), ("100 km", 1e5), ("kilometres", 1e3)])
def test_the_nearest_cell_within_an_equal_area_grid_is_nearest_on_the_globe(folder, url, unit, metres):
    x, y = np.arange(-5e6, 5e6, 2.5e5), np.arange(5e6, -5e6, -2.5e5)
    path = write(
        folder / f"equal-{metres:g}.nc", axis("time", [0], DAYS),
        axis("xc", x / metres, unit, standard_name="projection_x_coordinate"),
        axis("yc", y / metres, unit, standard_name="projection_y_coordinate"),
        ("v", ("time", "yc", "xc"), np.arange(float(x.size * y.size)).reshape(1, y.size, x.size), {"units": "K"}),
    )  # fmt: skip
    polar = Transformer.from_crs(4326, 6931, always_xy=True)
    wide, high = polar.transform(*(one.ravel() for one in np.meshgrid(x, y)), direction="INVERSE")
    points = [polar.transform(4.5e6 + step, 3e6 + step / 2, direction="INVERSE") for step in np.arange(0, 2.5e5, 2e4)]
    sphere = Geod(ellps="sphere")
    far = [sphere.inv(np.full(wide.size, lon), np.full(wide.size, lat), wide, high)[2] for lon, lat in points]
    found = asked(folder, url, path, *({"kind": "series", "point": point} for point in points), crs="EPSG:6931")
    assert [column(one) for one in found] == [[np.argmin(one)] for one in far]


def test_a_series_of_a_model_calendar_is_drawn_against_its_times_and_knows_no_dates(folder, url):
    path = write(
        folder / "model.nc", axis("lat", [70, 80], NORTH), axis("lon", [10], EAST),
        axis("time", [30, 10, 20], "days since 2018-07-01", calendar="360_day"),
        ("v", ("lat", "lon", "time"), np.arange(6.0).reshape(2, 1, 3), {"units": "K"}),
    )  # fmt: skip
    series = {"kind": "series", "point": (10, 80)}
    whole, part, dates = asked(
        folder, url, path, series, series | {"time": [15, "Infinity"]}, series | {"time": [0, START], "dates": True}
    )
    assert (whole["curve"]["x"], whole["curve"]["y"]) == ([10, 20, 30], [4, 5, 3])
    assert column(part) == [3, 5]
    assert dates["error"].startswith("calendar")


def test_a_map_is_drawn_by_rows_and_columns_in_any_order_of_dimensions(folder, url):
    values = np.arange(12.0).reshape(3, 2, 2)
    path = write(
        folder / "turned.nc", axis("lon", [10, 20, 30], EAST), axis("lat", [70, 80], NORTH), axis("time", [0, 1], DAYS),
        ("v", ("lon", "lat", "time"), values, {"units": "K"}),
    )  # fmt: skip
    (found,) = asked(folder, url, path, {"kind": "map", "time": [START + DAY] * 2})
    cells = found["cells"]
    assert (cells["width"], cells["height"], cells["low"], cells["high"]) == (3, 2, 1, 11)
    assert [*cells["values"].values()] == values[:, :, 1].T.ravel().tolist()
