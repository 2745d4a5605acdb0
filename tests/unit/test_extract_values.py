"""Cuts of small files hold the values that were written into them, in every format alike."""

from __future__ import annotations

import csv
import resource

import netCDF4
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import iaos
from builder.enrich.guard import file_kind
from builder.enrich.references import make_references
from builder.errors import ReadingError
from builder.reading.ahead import may_answer
from builder.reading.extract import plan, read
from builder.reading.locate import Source
from builder.reading.outputs import csv_parts, write
from builder.reading.query import query
from builder.reading.selection import NothingThereError
from builder.reading.table import pieces

EAST, NORTH = {"units": "degrees_east"}, {"units": "degrees_north"}
TIME = {"units": "days since 1950-01-01", "standard_name": "time"}
DEEP = {"units": "m", "positive": "down", "standard_name": "depth"}


@pytest.fixture
def made(tmp_path):
    """Return a function that writes variables: name → type, dimensions, values as stored, attributes."""

    def make(name="data.nc", **variables):
        with netCDF4.Dataset(tmp_path / name, "w") as file:
            for variable, (kind, dims, values, attributes) in variables.items():
                for dim, size in zip(dims, np.shape(values), strict=True):
                    if dim not in file.dimensions:
                        file.createDimension(dim, size)
                written = file.createVariable(variable, kind, dims)
                written.set_auto_maskandscale(False)
                written.setncatts(attributes)
                if np.size(values):
                    written[...] = np.asarray(values, dtype=object if kind is str else kind)
        return tmp_path / name

    return make


def grid(lon, lat, kind="f8", **more):
    values = np.arange(len(lat) * len(lon)).reshape(len(lat), len(lon))
    return {
        "lat": (kind, ("lat",), lat, NORTH),
        "lon": (kind, ("lon",), lon, EAST),
        "v": ("f4", ("lat", "lon"), values, {}),
        **more,
    }


def table(part):
    return list(csv.DictReader(line for line in "".join(csv_parts(part)).splitlines() if not line.startswith("#")))


def test_the_valid_range_of_packed_values_is_not_said_of_unpacked_ones(made, tmp_path):
    packed = {"scale_factor": 0.01, "add_offset": 273.15, "valid_range": np.array([0, 3], "i2")}
    path = made(v=("i2", ("time",), [0, 3, 4], packed), time=("f8", ("time",), [0, 1, 2], TIME))
    write(iaos.extract(path), tmp_path / "cut.nc")
    with netCDF4.Dataset(tmp_path / "cut.nc") as file:
        assert file["v"][:].filled(-1).tolist() == pytest.approx([273.15, 273.18, -1])
        assert "valid_range" not in file["v"].ncattrs()


def test_bounds_of_unsigned_bytes_are_unsigned(made, tmp_path):
    packed = {"_Unsigned": "true", "scale_factor": 0.5, "valid_range": np.array([1, -2], "i1")}  # 1 to 254
    plain = {"_Unsigned": "true", "valid_max": np.int8(-2)}
    bytes_ = np.array([0, 1, 254, 255], "u1").view("i1")
    path = made(
        time=("f8", ("time",), range(4), TIME), v=("i1", ("time",), bytes_, packed), w=("i1", ("time",), bytes_, plain)
    )
    part = iaos.extract(path)
    np.testing.assert_array_equal(part.v, [np.nan, 0.5, 127, np.nan])
    np.testing.assert_array_equal(part.w, [0, 1, 254, np.nan])
    write(part, tmp_path / "cut.nc")
    with netCDF4.Dataset(tmp_path / "cut.nc") as file:
        assert file["w"][:].filled(-1).tolist() == [0, 1, 254, -1]


def test_signed_numbers_in_unsigned_bytes_have_bounds_of_their_own_kind(made):
    said = {"_Unsigned": "false", "valid_range": np.array([250, 5], "u1")}  # -6 to 5
    path = made(time=("f8", ("time",), range(4), TIME), v=("u1", ("time",), [250, 5, 6, 128], said))
    found = iaos.extract(path).v.to_numpy()
    assert found[~np.isnan(found)].tolist() == [-6, 5]


def test_numbers_at_the_ends_of_a_packed_range_are_valid_however_they_round(made):
    """Each number alone, with bounds of its own: 32-bit arithmetic may leave it on either side of them."""
    packing = {"scale_factor": np.float32(0.01), "add_offset": np.float32(273.15)}
    stored = np.arange(-32_000, 32_000)
    single = (stored.astype("f4") * packing["scale_factor"] + packing["add_offset"]).astype("f8")
    exact = (stored * float(packing["scale_factor"]) + float(packing["add_offset"])).astype("f4")
    odd = [int(stored[single < exact][0]), int(stored[single > exact][0])]
    columns = {
        f"v{number}": ("i2", ("time",), [number], packing | {"valid_range": np.array([number] * 2, "i2")})
        for number in odd
    }
    found = iaos.extract(made(time=("f8", ("time",), [0], TIME), **columns))
    assert not any(np.isnan(found[name]).any() for name in columns)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"valid_range": np.array([-2, 1], "i2")}, [2, 0, -1]),  # of the numbers as stored: -2 to 1
        ({"valid_range": np.array([1, -2], "i2")}, [2, 0, -1]),
        ({"valid_min": np.int16(-2)}, [2, 0, -1, -3]),
        ({"valid_max": np.int16(1)}, [4, 2, 0, -1]),
        ({"valid_max": np.float32(0)}, [0, -1, -3]),
        ({"valid_range": "-2 1"}, [4, 2, 0, -1, -3]),
    ],
)
def test_what_is_valid_of_numbers_packed_upside_down(made, said, kept):
    path = made(
        time=("f8", ("time",), range(5), TIME),
        v=("i2", ("time",), [-4, -2, 0, 1, 3], {"scale_factor": -1.0} | said),
    )
    found = iaos.extract(path).v.to_numpy()
    assert found[~np.isnan(found)].tolist() == kept


def test_whole_numbers_have_a_valid_range_too(made):
    valid = {"valid_range": np.array([1, 3], "i2")}
    path = made(
        time=("f8", ("time",), range(4), TIME),
        v=("i2", ("time",), [0, 1, 3, 4], valid),
        w=("i2", ("time",), [1, 2, 3, 3], valid),
    )
    part = iaos.extract(path)
    np.testing.assert_array_equal(part.v, [np.nan, 1, 3, np.nan])
    assert part.w.dtype == "i2"
    assert [row["v"] for row in table(part)] == ["", "1.0", "3.0", ""]


@pytest.mark.parametrize("kind", ["u2", "i2", "f4", "f8"])
def test_longitudes_that_rise_across_a_cut_are_those_of_the_file_by_whole_turns(made, kind):
    path = made(**grid([0, 90, 180, 270], [70], kind))
    assert iaos.extract(path, box=(-100.1, 60, 95, 80)).lon.to_numpy().tolist() == [-90, 0, 90]


def test_a_value_of_the_grid_alone_stands_beside_a_series(made, tmp_path):
    series = ("f4", ("time", "lat", "lon"), np.arange(8).reshape(2, 2, 2), {})
    path = made(**grid([0, 10], [70, 75]), time=("f8", ("time",), [0, 1], TIME), w=series)
    part = iaos.extract(path, point=(10, 75))
    assert [(row["v"], row["w"]) for row in table(part)] == [("3.0", "3.0"), ("3.0", "7.0")]
    write(part, tmp_path / "cut.parquet")
    assert pd.read_parquet(tmp_path / "cut.parquet")[["v", "w"]].to_numpy().tolist() == [[3, 3], [3, 7]]


@pytest.mark.parametrize("longitudes", [[], [np.nan, np.nan]])
def test_a_grid_without_positions_has_no_nearest_cell(made, longitudes):
    with pytest.raises(NothingThereError):
        iaos.extract(made(**grid(longitudes, [70])), point=(10, 70))


def test_the_nearest_cell_is_one_of_the_depths_asked_for(made):
    bottom = [[5, 50, 500], [500, 5, 5]]
    path = made(**grid([10, 20, 40], [66, 67], depth=("f8", ("lat", "lon"), bottom, DEEP)))
    part = iaos.extract(path, point=(10, 66), depth=(40, 60))
    assert (float(part.v), float(part.lon)) == (1.0, 20.0)
    flat = {name: ("f8", ("y", "x"), [[lat] * 2 for lat in lats] if name == "lat" else [lats] * 2, units)
            for name, units, lats in (("lat", NORTH, (66, 67)), ("lon", EAST, (10, 20)))}  # fmt: skip
    flat |= {
        "depth": ("f8", ("y", "x"), [[5, 50], [50, 5]], DEEP),
        "v": ("f4", ("y", "x"), np.arange(4).reshape(2, 2), {}),
    }
    assert [row["v"] for row in table(iaos.extract(made("b.nc", **flat), point=(10, 66), depth=(40, 60)))] == ["2.0"]


def test_positions_that_were_never_written_are_nowhere(made):
    never = netCDF4.default_fillvals["f8"]
    path = made(
        lat=("f8", ("obs",), [70, never, 99999, 80], NORTH),
        lon=("f8", ("obs",), [0, never, 99999, 5], EAST),
        time=("f8", ("obs",), range(4), TIME),
        v=("f4", ("obs",), range(4), {}),
    )
    for place in ((30, 20), (99, -79), (-81, 39), (180, -90)):
        assert iaos.extract(path, point=place).v.to_numpy().tolist() == [0]


@pytest.mark.parametrize("first", ["row_size", "station_index"])
def test_profiles_that_name_their_station_may_be_ragged(made, first):
    ragged = {
        "row_size": ("i4", ("profile",), [2, 1, 2], {"sample_dimension": "obs"}),
        "station_index": ("i4", ("profile",), [0, 1, 0], {"instance_dimension": "station"}),
    }
    path = made(
        **dict(sorted(ragged.items(), key=lambda pair: pair[0] != first)),
        lat=("f8", ("station",), [70, 75], NORTH),
        lon=("f8", ("station",), [0, 5], EAST),
        time=("f8", ("profile",), [0, 1, 2], TIME),
        v=("f4", ("obs",), range(5), {}),
    )
    part = iaos.extract(path, point=(0, 70))
    assert part.v.to_numpy().tolist() == [0, 1, 3, 4]
    assert part.lat.to_numpy().tolist() == [70] * 4


def test_a_depth_that_a_table_shows_is_found_again(made):
    path = made(depth=("f4", ("depth",), [0.494025, 1.541375, 9.572997], DEEP), v=("f4", ("depth",), range(3), {}))
    for row in table(iaos.extract(path)):
        assert iaos.extract(path, depth=row["depth [m]"]).v.to_numpy().tolist() == [float(row["v"])]


def test_a_box_holds_its_edges_as_the_file_rounds_them(made):
    path = made(**grid([-10.2, -10.1, 349.6], [66.1, 66.2, 66.3], "f4"))
    assert iaos.extract(path, box=(-10.4, 66.1, -10.1, 66.3)).v.shape == (3, 3)
    assert iaos.extract(path, box=(-10.2, 66.1, -10.1, 66.299)).v.shape == (2, 2)
    path = made("b.nc", **grid([-169.7, 190.3], [0.1 * 3], "f8"))
    assert iaos.extract(path, box=(170, 0, -169.7, 0.3)).v.shape == (1, 2)


def test_a_time_that_a_table_shows_is_found_again(made):
    days = 70000 + np.arange(0, 144) / 144  # every ten minutes, some a microsecond early
    since = TIME | {"units": "days since 1800-01-01"}
    path = made(time=("f8", ("time",), days, since), v=("f4", ("time",), range(144), {}))
    for row in table(iaos.extract(path))[1::6]:
        assert iaos.extract(path, time=row["time [UTC]"]).v.to_numpy().tolist() == [float(row["v"])]


@pytest.mark.parametrize("calendar", ["standard", "noleap"])
def test_a_month_ends_with_its_last_second(made, calendar):
    since = {"units": "seconds since 2018-08-31", "standard_name": "time", "calendar": calendar}
    path = made(time=("f8", ("time",), [86399, 86399.5, 86400 - 1e-6], since), v=("f4", ("time",), range(3), {}))
    assert iaos.extract(path, time="2018-08").v.to_numpy().tolist() == [0, 1]
    assert iaos.extract(path, time="2018-09").v.to_numpy().tolist() == [2]


def test_times_that_are_no_dates_are_the_numbers_that_they_are_through_references_too(made, tmp_path):
    path = made(time=("f8", ("time",), [0, netCDF4.default_fillvals["f8"]], TIME), v=("f4", ("time",), [0, 1], {}))
    (tmp_path / "r.json").write_bytes(make_references(path, file_kind(path), str(path))[0])
    for source in (path, tmp_path / "r.json"):
        assert [row[f"time [{TIME['units']}]"] for row in table(iaos.extract(source))] == ["0.0", ""]


def test_a_coordinate_of_one_source_only_is_missing_in_the_others(made, tmp_path):
    named = made(
        time=("f8", ("time",), [0, 1], TIME),
        v=("i4", ("time",), [0, 1], {"coordinates": "ship"}),
        ship=(str, ("time",), ["a", "b"], {}),
    )
    other = made("b.nc", time=("f8", ("time",), [2], TIME), v=("i4", ("time",), [2], {}))
    part = iaos.extract(other, named)
    assert [(row["ship"], row["v"]) for row in table(part)] == [("", "2"), ("a", "0"), ("b", "1")]
    write(part, tmp_path / "cut.nc")
    with netCDF4.Dataset(tmp_path / "cut.nc") as file:
        assert file["ship"][:].tolist() == ["", "a", "b"]
        assert "ship" in file["v"].coordinates


def test_times_of_model_calendars_are_written_in_every_format(made, tmp_path):
    since = {"units": "days since 2001-02-30", "standard_name": "time", "calendar": "360_day"}
    path = made(time=("f8", ("time",), [0, 1.5], since), v=("f4", ("time",), [0, 1], {}))
    part = iaos.extract(path)
    said = ["2001-02-30T00:00:00", "2001-03-01T12:00:00"]
    assert [row["time"] for row in table(part)] == said
    for name in ("cut.parquet", "cut.nc"):
        write(part, tmp_path / name)
    assert pd.read_parquet(tmp_path / "cut.parquet")["time"].tolist() == said
    with netCDF4.Dataset(tmp_path / "cut.nc") as file:
        found = netCDF4.num2date(file["time"][:], file["time"].units, file["time"].calendar)
    assert [moment.isoformat() for moment in found] == said


@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "i4", "f4"])
def test_netcdf_of_a_cut_with_sloping_levels_holds_only_what_was_asked_for(made, tmp_path, kind):
    values = np.array([[1, 2], [127, 4]])
    path = made(
        time=("f8", ("time",), [0], TIME),
        depth=("f8", ("s", "x"), [[1, 2], [10, 20]], DEEP),
        v=(kind, ("time", "s", "x"), values[None], {}),
    )
    part = iaos.extract(path, depth=(0, 10))
    write(part, tmp_path / "cut.nc")
    with netCDF4.Dataset(tmp_path / "cut.nc") as file:
        assert file["v"][:].filled(-1).tolist() == [[[1, 2], [127, -1]]]
        assert [name for name in file.variables if file[name].__dict__.get("standard_name") == "depth"] == ["depth"]
    assert [row["v"].removesuffix(".0") for row in table(part)] == ["1", "2", "127"]


def casts(made):
    return made(
        time=("f8", ("time",), [0, 1], TIME),
        lat=("f8", ("time",), [70, 80], NORTH),
        lon=("f8", ("time",), [0, 0], EAST),
        depth=("f8", ("time", "level"), [[1, 5, 9], [5, 9, 13]], DEEP),
        v=("f4", ("time", "level"), [[1, 2, 3], [4, 5, 6]], {}),
        w=("f4", ("level",), [7, 8, 9], {}),
    )


def test_levels_of_other_casts_than_the_nearest_are_left_out(made):
    part = iaos.extract(casts(made), point=(0, 70), depth=(4, 10))
    np.testing.assert_array_equal(part.v, [[2, 3]])
    assert part.w.to_numpy().tolist() == [8, 9]


def test_a_box_and_depths_that_no_cell_has_both_are_answered_by_nothing(made):
    path = made(
        lat=("f8", ("y", "x"), [[70, 70], [71, 71]], NORTH),
        lon=("f8", ("y", "x"), [[10, 20], [10, 20]], EAST),
        depth=("f8", ("y", "x"), [[5, 50], [50, 5]], DEEP),
        v=("f4", ("y", "x"), [[1, 2], [3, 4]], {}),
    )
    assert [row["v"] for row in table(iaos.extract(path, box=(19, 69, 21, 72), depth=(40, 60)))] == ["2.0"]
    with pytest.raises(NothingThereError):
        iaos.extract(path, box=(19, 70.5, 21, 72), depth=(40, 60))


def test_a_cast_whose_time_is_missing_can_be_written(made, tmp_path):
    path = made(
        time=("f8", ("obs",), [-1, 2], TIME | {"missing_value": -1.0}),
        lat=("f8", ("obs",), [70, 80], NORTH),
        lon=("f8", ("obs",), [0, 0], EAST),
        v=("f4", ("obs",), [1, 2], {}),
    )
    part = iaos.extract(path, point=(0, 70))
    for name in ("cut.nc", "cut.csv", "cut.parquet"):
        write(part, tmp_path / name)
    with netCDF4.Dataset(tmp_path / "cut.nc") as file:
        assert file["time"].units.startswith("seconds since")
        assert file["time"][:].mask.tolist() == [True]
        assert "time" in file["v"].coordinates
    assert table(part)[0]["time [UTC]"] == ""


def test_coordinates_alone_are_a_table_too(made, tmp_path):
    path = made(**grid([0, 10, 20], [70, 75]), time=("f8", ("time",), [0, 1], TIME))
    assert [row["lat [degrees_north]"] for row in table(iaos.extract(path, variables=["lat"]))] == ["70.0", "75.0"]
    part = iaos.extract(path, box=(5, 60, 25, 80), variables=["lon"])
    assert [row["lon [degrees_east]"] for row in table(part)] == ["10.0", "20.0"]
    for name in ("cut.nc", "cut.parquet"):
        write(part, tmp_path / name)
    assert pd.read_parquet(tmp_path / "cut.parquet")["lon"].tolist() == [10, 20]
    with pytest.raises(ReadingError, match="different dimensions"):
        list(csv_parts(iaos.extract(path, variables=["lat", "lon"])))


def test_an_item_that_begins_within_the_last_second_asked_for_is_opened():
    item = Source("a.nc", "netcdf", "a", {"start_datetime": "2018-08-31T23:59:59.500Z"})
    assert may_answer(item, query(time="2018-08"))
    assert not may_answer(item, query(time=("2018-07", "2018-08-31T23:59:58Z")))


@pytest.mark.parametrize(
    ("place", "box", "meets"),
    [
        ((160.100006, 70.300003), (0, 60, 160.1, 80), True),  # as 32 bits have 160.1 and 70.3
        ((160.100006, 70.300003), (160, 60, 170, 70.3), True),
        ((160.100006, 70.3), (0, 60, 160.09, 80), False),
        ((10.099999, 70.3), (10.1, 60, 20, 80), True),
        ((10, 70.299999), (0, 70.3, 20, 80), True),
        ((180, 70), (-180, 60, -170, 80), True),
        ((-180, 70), (170, 60, 180, 80), True),
        ((-180, 70), (170, 60, 179, 80), False),
        ((10, 70), (350, 60, 370, 80), True),
        ((-170, 70), (170, 60, -175, 80), False),
    ],
)
def test_an_item_is_opened_where_its_place_may_lie_in_the_box(place, box, meets):
    item = Source("a.nc", "netcdf", "a", {}, bbox=(*place, *place))
    assert may_answer(item, query(box=box)) is meets


def test_as_many_latitudes_as_pressures_are_still_of_casts(made):
    path = made(
        lat=("f8", ("cast",), [0, 90], NORTH),
        lon=("f8", ("cast",), [0, 0], EAST),
        PRES=("f8", ("level",), [5000, 10000], {"units": "dbar"}),
        v=("f4", ("cast", "level"), [[1, 2], [3, 4]], {}),
    )
    # UNESCO 44, p. 28: 10000 dbar are 9674.23 m at the pole and 9712.65 m at 30°; levels have the mean latitude, 45°
    assert iaos.extract(path, depth=(9680, 9710)).v.to_numpy().tolist() == [[2], [4]]


def test_levels_without_depths_are_told_apart_by_their_index(made):
    path = made(
        TIME=("f8", ("TIME",), [0, 1], TIME), TEMP=("f8", ("TIME", "DEPTH"), [[np.nan, 5, 6], [7, np.nan, 9]], {})
    )
    rows = [(row["TIME [UTC]"], row["DEPTH_index"], row["TEMP"]) for row in table(iaos.extract(path))]
    first, second = "1950-01-01T00:00:00Z", "1950-01-02T00:00:00Z"
    assert rows == [(first, "1", "5.0"), (first, "2", "6.0"), (second, "0", "7.0"), (second, "2", "9.0")]
    (known,) = iaos.extract(made("grid.nc", **grid([0], [70]))).data_vars.values()
    assert set(known.coords) == {"lat", "lon"}


@pytest.mark.parametrize("name", ["full.nc", "full.csv", "full.parquet"])
def test_a_full_disk_is_told_of_and_what_was_there_stays(made, tmp_path, name):
    path = made(time=("f8", ("time",), np.arange(20000.0), TIME), v=("f8", ("time",), np.sqrt(np.arange(20000.0)), {}))
    part = iaos.extract(path)
    (tmp_path / name).write_text("before")
    before, limits = set(tmp_path.iterdir()), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(ReadingError, match=f"{name}: cannot be written: "):
            write(part, tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / name).read_text() == "before"
    assert set(tmp_path.iterdir()) == before


def test_a_place_that_is_no_folder_is_named(made, tmp_path):
    part = iaos.extract(made(**grid([0, 10], [70, 80])))
    (tmp_path / "file").touch()
    with pytest.raises(ReadingError, match=r"file/a\.csv: cannot be written: "):
        write(part, tmp_path / "file" / "a.csv")


@pytest.mark.parametrize("rows", [1, 5, 7])
def test_a_large_cut_is_written_piece_by_piece_as_it_would_be_at_once(made, tmp_path, monkeypatch, rows):
    cells = np.arange(60.0).reshape(1, 3, 4, 5)
    cells[0, 1] = np.nan
    path = made(
        **grid(np.arange(5) * 10, [70, 75, 80, 85]),
        time=("f8", ("time",), [0], TIME),
        depth=("f8", ("depth",), [0, 10, 20], DEEP),
        temp=("f4", ("time", "depth", "lat", "lon"), cells, {"units": "degC"}),
        ship=(str, ("depth",), ["=a", "", "b"], {}),
    )
    part = read(plan([path], query(box=(0, 70, 30, 80), variables=["temp", "ship"])))
    for name in ("a.csv", "a.parquet"):
        write(part, tmp_path / name)
    monkeypatch.setattr("builder.reading.table.ROWS", rows)
    assert max(piece.sizes["obs"] for piece in pieces(part)) <= max(rows, 1)
    for name in ("b.csv", "b.parquet"):
        write(part, tmp_path / name)
    assert (tmp_path / "b.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()
    one, other = (pq.read_table(tmp_path / f"{name}.parquet") for name in "ab")
    assert one.num_rows == 3 * 3 * 4
    assert one.equals(other, check_metadata=True)


def test_dates_of_several_calendars_make_no_table(made):
    one = made("one.nc", time=("f8", ("time",), [0.0], TIME), v=("f4", ("time",), [1.0], {}))
    kinds = {"noleap": TIME | {"calendar": "noleap"}, "1678": TIME | {"units": "days since 1500-01-01"}}
    for said, units in kinds.items():
        other = made(f"{said}.nc", time=("f8", ("time",), [0.0], units), v=("f4", ("time",), [2.0], {}))
        with pytest.raises(ReadingError, match=f"time is given in dates by .*one.nc and in dates .*{said}.* by .*nc"):
            iaos.extract(one, other)
    assert iaos.extract(other, other).v.to_numpy().tolist() == [2.0, 2.0]
