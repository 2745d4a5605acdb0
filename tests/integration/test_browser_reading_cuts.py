"""What the website's reader once cut wrongly, as random files showed: open periods, and boxes along cruises."""

from __future__ import annotations

import shutil

import netCDF4
import numpy as np
import pytest

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
