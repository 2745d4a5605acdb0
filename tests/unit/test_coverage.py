"""Where and when a file lies, from small files written for each rule of the CF conventions that is asked of them."""

from __future__ import annotations

from datetime import UTC, datetime

import cftime
import numpy as np
import pyproj
import pytest
import xarray as xr

from builder.dataset import Coverage, Projection
from builder.enrich.coordinates import LATITUDE, find, values
from builder.enrich.coverage import real_instant, survey
from builder.enrich.grids import grid_of
from builder.enrich.inspection import Inspection
from builder.enrich.netcdf import dataset_of
from builder.geometry.footprint import footprint

HREF = "https://example.org/a.nc"
NORTH, EAST = {"units": "degrees_north"}, {"units": "degrees_east"}
DAYS = {"units": "days since 2020-01-01"}


def surveyed(tmp_path, variables, **attributes):
    xr.Dataset(variables, attrs=attributes).to_netcdf(tmp_path / "a.nc")
    said = survey(tmp_path / "a.nc", HREF)
    return said["coverage"], [finding.code for finding in said["findings"]]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0.999999, (2000, 1, 1, 0, 0, 1)),
        (1.004, (2000, 1, 1, 0, 0, 1)),
        (0.123456, (2000, 1, 1, 0, 0, 0, 123000)),
    ],
)
def test_an_instant_is_whole_where_floating_point_took_a_little(number, expected):
    assert real_instant(number, "seconds since 2000-01-01", "standard") == datetime(*expected, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "since"),
    [(24850.123456789, 1950), (24900.5, 1950), (59.25, 1650), (735000.3, 1), (0.1, 2299)],
)
@pytest.mark.parametrize("calendar", ["standard", "noleap", "proleptic_gregorian"])
def test_parts_of_a_day_are_told_to_a_millisecond_as_cftime_tells_them(day, since, calendar):
    units = f"days since {since:04d}-01-01T00:00:00Z"
    expected = datetime(*cftime.num2date(day, units, calendar).timetuple()[:6], tzinfo=UTC)
    assert 0 <= (real_instant(day, units, calendar) - expected).total_seconds() < 1


@pytest.mark.parametrize(
    ("units", "hour"),
    [
        ("days since 2000-01-01 00:00:00 -6:00", 6), ("hours since 2000-01-01 04:00:00 +2", 2),
        ("days since 1-jan-2000", 0), ("days since 2000", 0), ("days since 2000/01/01", 0),
        ("Days Since 2000-01-01", 0),
    ],
)  # fmt: skip
def test_units_are_read_as_xarray_reads_them(units, hour):
    assert real_instant(0, units, "standard") == datetime(2000, 1, 1, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("units", "why"),
    [("months since 2000-01-01", "only allowed for '360_day'"), ("days since launch", "'launch'")],
)
def test_units_that_cannot_be_read_are_told_with_the_reason(units, why):
    with pytest.raises(ValueError, match=why):
        real_instant(0, units, "standard")


@pytest.mark.parametrize(
    ("day", "calendar"), [("2000-01-01", "julian"), ("1599-01-01", "standard"), ("2301-01-01", "standard")]
)
def test_a_date_beyond_reason_is_no_instant(day, calendar):
    with pytest.raises(ValueError, match="not a date to publish"):
        real_instant(0, f"days since {day}", calendar)


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        ("depth", {"units": "m"}, [-10, 0, "m"]),
        ("lev", {"units": "m", "standard_name": "depth"}, [-10, 0, "m"]),
        ("lev", {"units": "m", "axis": "Z"}, [0, 10, "m"]),
        ("depth", {"units": "m", "positive": "up"}, [0, 10, "m"]),
        ("height", {"units": "m", "positive": "down"}, [-10, 0, "m"]),
        ("depth", {"units": "dbar"}, None),
        ("lev", {"units": "m"}, None),
    ],
)
def test_levels_go_down_where_the_file_says_so(tmp_path, name, said, expected):
    coverage, _ = surveyed(tmp_path, {name: ("z", [0.0, 10.0, 5e6], said)})
    assert coverage["vertical"] == expected


def test_what_is_outside_of_the_globe_is_told_and_what_was_never_written_is_not(tmp_path):
    for lat, lon, codes in (
        ([70.0, 9.96921e36], [10.0, 9.96921e36], []),
        ([70.0, 95.0], [10.0, 11.0], ["netcdf.coordinates-outside"]),
        ([70.0, 71.0], [10.0, 700.0], ["netcdf.coordinates-outside"]),
    ):
        coverage, found = surveyed(tmp_path, {"lat": ("obs", lat, NORTH), "lon": ("obs", lon, EAST)})
        assert found == codes
        assert coverage["geometry"]["coordinates"][0] in (10.0, [10.0, 70.0])


PAIRS = {"lat": ("lat", [70.0, 71.0], NORTH), "lon": ("lon", [10.0, 20.0], EAST)}


@pytest.mark.parametrize(
    ("more", "is_box"),
    [
        ({}, True),
        ({"time": ("time", [0.0, 1.0], DAYS)}, False),
        ({"time": ("time", [0.0, 1.0, 2.0], DAYS)}, True),
        ({"time": ("time", [0.0, 1.0], DAYS), "ice": (("time", "lat", "lon"), np.zeros((2, 2, 2)))}, True),
    ],
    ids=["no times", "a time each", "more times", "a grid"],
)
def test_two_dimensions_are_a_grid_or_one_position_for_each_time(tmp_path, more, is_box):
    coverage, _ = surveyed(tmp_path, PAIRS | more)
    assert (coverage["boxes"], coverage["geometry"] is None) == ([(10.0, 70.0, 20.0, 71.0)] if is_box else [], is_box)


def test_positions_of_two_dimensions_are_a_box(tmp_path):
    swath = {name: (("y", "x"), [[low, low + 1], [low, low + 1]], units) for name, low, units in (
        ("lat", 70.0, NORTH), ("lon", 10.0, EAST))}  # fmt: skip
    assert surveyed(tmp_path, swath)[0]["boxes"] == [(10.0, 70.0, 11.0, 71.0)]


@pytest.mark.parametrize(
    ("longitudes", "west", "east"),
    [(np.arange(74.0, 434.0), -180.0, 180.0), ([400.0, 410.0], 40.0, 50.0), ([700.0, 10.0, 20.0], 10.0, 20.0)],
)
def test_longitudes_may_go_on_beyond_a_whole_turn(tmp_path, longitudes, west, east):
    axes = {"lat": ("lat", [70.0, 80.0], NORTH), "lon": ("lon", longitudes, EAST)}
    coverage, found = surveyed(tmp_path, axes)
    assert coverage["boxes"] == [(west, 70.0, east, 80.0)]
    assert ("netcdf.coordinates-outside" in found) == (max(longitudes) > 540.0)


def test_a_grid_over_more_than_half_the_globe_across_the_antimeridian_has_a_box(tmp_path):
    axes = {"lat": ("lat", [70.0, 80.0], NORTH), "lon": ("lon", np.arange(30.0, 311.0, 10.0), EAST)}
    (box,) = surveyed(tmp_path, axes)[0]["boxes"]
    assert footprint(Coverage(boxes=(box,))).bbox == [30.0, 70.0, -50.0, 80.0]


@pytest.mark.parametrize(("count", "kind"), [(1, "LineString"), (2, "MultiPoint")])
def test_a_track_is_a_line_only_where_there_is_one(tmp_path, count, kind):
    path = {"lat": ("obs", [70.0, 71.0], NORTH), "lon": ("obs", [10.0, 20.0], EAST)}
    ships = {"ship": ("ship", np.arange(count), {"cf_role": "trajectory_id"})}
    coverage, _ = surveyed(tmp_path, path | ships, featureType="trajectory")
    assert coverage["geometry"]["type"] == kind


def test_any_time_since_a_moment_counts_where_none_is_called_time(tmp_path):
    coverage, _ = surveyed(tmp_path, {"launched": ("cast", [1.0, 3.0, np.nan], DAYS)})
    assert (coverage["start"], coverage["end"]) == ("2020-01-02T00:00:00+00:00", "2020-01-04T00:00:00+00:00")


def test_the_variable_that_fits_best_is_the_latitude():
    first, second, named = ("obs", [1.0, 2.0], NORTH), ("obs", [3.0, 4.0], NORTH), {"standard_name": "latitude"}
    for better, others in {
        "lat": {"lat_bnds": (("lat", "nv"), np.zeros((2, 2)), NORTH), "lat": ("lat", [1.0, 2.0])},
        "a": {"a": first, "b": second},
        "y": {"latitude": ("obs", [1.0], named), "y": ("y", [1.0], named)},
        "n": {"lat": (("a", "b", "c"), np.zeros((1, 1, 1)), NORTH), "n": ("obs", [1.0], NORTH)},
    }.items():  # fmt: skip
        assert find(xr.Dataset(others), LATITUDE).identical(xr.Dataset(others).variables[better]), better


def test_very_many_values_are_thinned(monkeypatch):
    monkeypatch.setattr("builder.enrich.coordinates.MAX_VALUES", 4)
    assert values(xr.Variable("x", np.arange(9.0))).tolist() == [0, 3, 6]
    assert values(xr.Variable("x", np.arange(4.0))).tolist() == [0, 1, 2, 3]


def gridded(x, y, units="m", **mapping):
    return grid_of(xr.Dataset({
        "x": ("x", np.array(x, float), {"units": units, "standard_name": "projection_x_coordinate"}),
        "y": ("y", np.array(y, float), {"units": units, "standard_name": "projection_y_coordinate"}),
        "crs": ((), 0, mapping),
    }))  # fmt: skip


WKT = pyproj.CRS(3413).to_wkt()


def test_a_grid_reaches_half_a_cell_beyond_its_centres_in_metres():
    assert gridded([-10, 0, 10.001], [20, 10, 0], "km", spatial_ref=WKT).projection == {
        "code": "EPSG:3413", "wkt2": None, "shape": [3, 3],
        "bbox": pytest.approx([-15000, -5000, 15001, 25000], abs=1),
        "transform": pytest.approx([10000, 0, -15000, 0, -10000, 25000], abs=1),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("units", "metres"),
    [("km", 1e3), ("kilometre", 1e3), ("100 km", 1e5), ("1000 meters", 1e3), ("m", 1.0), ("", 1.0)],
)
def test_projected_coordinates_are_in_the_units_of_their_system(units, metres):
    assert gridded([0, 10], [20, 10], units, spatial_ref=WKT).x.tolist() == [0.0, 10.0 * metres]
    in_km = "+proj=stere +lat_0=90 +lat_ts=70 +lon_0=-45 +units=km"
    expected = 10.0 * metres / 1000.0 if units else 10.0
    assert gridded([0, 10], [20, 10], units, proj4=in_km).x.tolist() == [0.0, pytest.approx(expected)]


def test_a_projected_grid_goes_before_the_positions_of_its_cells(tmp_path):
    cells = {name: (("y", "x"), [[low, low], [low, low]], units) for name, low, units in (
        ("lat", 70.0, NORTH), ("lon", 10.0, EAST))}  # fmt: skip
    axes = {name: (name, [0.0, 1e5], {"units": "m", "axis": name.upper()}) for name in "xy"}
    coverage, _ = surveyed(tmp_path, cells | axes | {"crs": ((), 0, {"spatial_ref": WKT})})
    assert (coverage["boxes"], coverage["geometry"]["type"]) == ([], "Polygon")


def test_an_uneven_grid_has_no_transform_and_ends_at_its_centres():
    grid = gridded([0, 10, 100], [20, 10, 0], spatial_ref=WKT)
    assert grid.projection.keys() == {"code", "wkt2", "shape"}
    assert grid.edges() == (0, -5, 100, 25)


def test_what_is_no_projected_grid_is_none():
    assert gridded([0, 10], [0], spatial_ref=WKT) is None
    assert gridded([0, 10], [0, 10], spatial_ref=pyproj.CRS(4326).to_wkt()) is None
    assert gridded([0, 10], [0, 10], spatial_ref="nonsense") is None


def test_a_rotated_pole_is_a_grid():
    mapping = pyproj.CRS("+proj=ob_tran +o_proj=longlat +o_lon_p=0 +o_lat_p=30 +lon_0=-45").to_cf()
    assert gridded([0, 1], [0, 1], "degrees", **{k: v for k, v in mapping.items() if k != "crs_wkt"}) is not None


STATED = {
    "geospatial_lat_min": "60", "geospatial_lat_max": "70", "geospatial_lon_min": "0", "geospatial_lon_max": "10",
    "time_coverage_start": "2019-01-01T00:00:00Z", "time_coverage_end": "2019-12-31T00:00:00Z",
}  # fmt: skip
NCML = (
    "<netcdf xmlns='http://www.unidata.ucar.edu/namespaces/netcdf/ncml-2.2'>"
    + "".join(f"<attribute name='{name}' value='{value}'/>" for name, value in STATED.items())
    + "<dimension name='x' length='2'/><dimension name='y' length='2'/><dimension name='time' length='2'/>"
    "<variable name='x' shape='x' type='double'><attribute name='standard_name' value='projection_x_coordinate'/>"
    "</variable><variable name='y' shape='y' type='double'><attribute name='standard_name' "
    "value='projection_y_coordinate'/></variable><variable name='time' shape='time' type='double'>"
    "<attribute name='standard_name' value='time'/><attribute name='units' value='days since 2019-01-01'/></variable>"
    "</netcdf>"
)


def described(*box, start=None, end=None, **more):
    coverage = Coverage(boxes=(box,) if box else (), start=start, end=end)
    return dataset_of(Inspection(HREF, 1, "a", ncml=NCML.encode(), coverage=coverage, **more), "a")


@pytest.mark.parametrize(
    ("box", "named"),
    [
        ((0, 60, 10, 70.4), []), ((0, 60, 10, 70.6), ["latitudes"]), ((0, 59.4, 10, 70), ["latitudes"]),
        ((0, 64.9, 10, 70), []), ((0, 65.1, 10, 70), ["latitudes"]), ((0, 60, 4.9, 70), ["longitudes"]),
        ((-1, 60, 10, 71), ["longitudes", "latitudes"]), ((170, 60, -170, 70), []),
    ],
)  # fmt: skip
def test_a_place_that_disagrees_with_the_attributes_is_told(box, named):
    found = described(*box)
    assert [finding.message.split()[3] for finding in found.findings] == named
    assert found.coverage.boxes == (box,)
    assert (found.trace["coverage.boxes"].rule, found.trace["coverage.start"].place) == (
        "netcdf", "/netcdf/@time_coverage_start",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        ((2018, 12, 31), (2019, 12, 31), False), ((2018, 12, 30), (2019, 12, 31), True),
        ((2019, 1, 1), (2020, 1, 2), True), ((2019, 2, 1), (2019, 12, 31), False),
        ((2019, 2, 5), (2019, 12, 31), True), ((2019, 1, 1), (2019, 11, 25), True),
    ],
)  # fmt: skip
def test_a_time_that_disagrees_with_the_attributes_is_told(start, end, told):
    found = described(start=datetime(*start, tzinfo=UTC), end=datetime(*end, tzinfo=UTC))
    assert [finding.message.split()[4] for finding in found.findings] == ["time"] * told


def test_dimensions_have_the_extent_of_what_they_are():
    projection = Projection(wkt2=WKT, bbox=(1, 2, 3, 4))
    found = described(0, 60, 10, 70, start=datetime(2019, 5, 1, tzinfo=UTC), projection=projection)
    said = {one.name: (one.extent, one.reference_system) for one in found.dimensions}
    unread = {one.name: one.extent for one in described(0, 60, 10, 70).dimensions}
    assert not any(unread["time"] or ())
    assert said["x"] == ((1, 3), WKT)
    assert said["y"] == ((2, 4), WKT)
    assert said["time"][0] == ("2019-05-01T00:00:00+00:00", None)
