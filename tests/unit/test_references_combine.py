"""Combined references read as the granules one after the other, or are refused with a reason."""

from __future__ import annotations

from collections import Counter

import netCDF4
import numpy as np
import orjson
import pyarrow.parquet as pq
import pytest
import xarray as xr

from builder.enrich.combine import combine, combine_key, inlined
from builder.enrich.references import make_references
from builder.references.encode import as_text
from builder.references.gathered import parquet_of

CALENDAR = "proleptic_gregorian"


def granule(path, start, count=1, *, units="days since 2020-01-01", kind="NETCDF4", chunk=1, **changes):
    """A grid of three by four with ``count`` days from ``start``, values that name their day and cell."""
    with netCDF4.Dataset(path, "w", format=kind) as file:
        file.createDimension("time", None)
        file.createDimension("y", 3)
        file.createDimension("x", 4)
        time = file.createVariable("time", "f8", ("time",))
        time.units, time.calendar = units, CALENDAR
        time[:] = np.arange(start, start + count)
        file.createVariable("x", "f4", ("x",))[:] = np.arange(4) + changes.get("shift", 0)
        mask = file.createVariable("area", "f8", ("y", "x"))
        mask[:] = np.arange(12.0).reshape(3, 4) + changes.get("static", 0)
        if "launched" in changes:
            file.createVariable("launched", "f8", ("x",)).units = units
            file["launched"][:] = 1
        options = {"zlib": True, "chunksizes": (chunk, 3, 4)} if kind == "NETCDF4" else {}
        ice = file.createVariable("ice", changes.get("dtype", "i2"), ("time", "y", "x"), fill_value=-1, **options)
        ice.set_auto_maskandscale(False)
        ice.scale_factor = changes.get("scale", 0.5)
        ice[:] = (np.arange(start, start + count)[:, None, None] * 100 + np.arange(12).reshape(1, 3, 4)) % 30000
        ice[0, 0, 0] = -1
        file.title, file.day = "Ice", f"day {start}"
    body, key, _ = make_references(path, "netcdf3" if kind.startswith("NETCDF3") else "hdf5", str(path))
    return (path.name, body), key, path


def many(folder, starts, **options):
    made = [granule(folder / f"{number}.nc", start, **options) for number, start in enumerate(starts)]
    return [part for part, _, _ in made], [key for _, key, _ in made], [path for _, _, path in made]


def opened(body):
    return xr.open_dataset(orjson.loads(body), engine="kerchunk").load()


def together(paths, order):
    with xr.open_mfdataset(
        [paths[i] for i in order], combine="nested", concat_dim="time", data_vars="minimal", coords="minimal",
        compat="override", combine_attrs="drop_conflicts",
    ) as dataset:  # fmt: skip
        return dataset.load()


@pytest.mark.parametrize("kind", ["NETCDF4", "NETCDF3_CLASSIC"])
def test_daily_grids_stack_in_the_order_of_time(tmp_path, kind):
    parts, keys, paths = many(tmp_path, [5, 3, 4], kind=kind)
    assert len(set(keys)) == 1
    assert keys[0]
    body, findings = combine(parts)
    assert findings == ()
    ours, theirs = opened(body), together(paths, [1, 2, 0])
    assert ours.ice.dtype == theirs.ice.dtype
    xr.testing.assert_identical(ours, theirs)
    assert np.isnan(ours.ice.values[1, 0, 0])
    assert ours.ice.values[2, 2, 3] == (5 * 100 + 11) / 2
    assert "day" not in ours.attrs
    assert ours.attrs["title"] == "Ice"


def test_kerchunk_own_combination_agrees_where_it_is_right(tmp_path):
    from kerchunk.combine import MultiZarrToZarr

    parts, _, _ = many(tmp_path, [3, 4, 5])
    theirs = MultiZarrToZarr(
        [orjson.loads(body) for _, body in parts], concat_dims=["time"], identical_dims=["x", "area"], coo_map={}
    ).translate()
    ours = opened(combine(parts)[0])
    assert np.array_equal(ours.ice.values, opened(orjson.dumps(theirs)).ice.values, equal_nan=True)


def test_same_parts_in_any_order_give_the_same_bytes(tmp_path):
    parts, _, _ = many(tmp_path, [3, 4, 5])
    assert combine(parts)[0] == combine(parts[::-1])[0]


def test_times_counted_from_another_date_each(tmp_path):
    made = [granule(tmp_path / f"{n}.nc", 0, units=f"days since 2020-01-0{n}") for n in (1, 2, 3)]
    assert len({key for _, key, _ in made}) == 1
    body, findings = combine([part for part, _, _ in made])
    assert findings == ()
    wanted = np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "datetime64[ns]")
    assert np.array_equal(opened(body).time.values.astype("datetime64[ns]"), wanted)


def test_whole_chunks_then_a_shorter_last_file(tmp_path):
    made = [granule(tmp_path / f"{s}.nc", s, count, chunk=4) for s, count in ((0, 8), (8, 4), (12, 3))]
    body, _ = combine([part for part, _, _ in made])
    ours = opened(body)
    xr.testing.assert_identical(ours, together([path for _, _, path in made], [0, 1, 2]))
    assert ours.sizes["time"] == 15


def test_ragged_files_are_refused_rather_than_overwritten(tmp_path):
    # kerchunk#400: with chunks of 4 after 6 steps MultiZarrToZarr lets the second file overwrite the first
    made = [granule(tmp_path / f"{s}.nc", s, 6, chunk=4) for s in (0, 6)]
    body, findings = combine([part for part, _, _ in made])
    assert body is None
    assert "chunks of 4" in findings[0].message
    assert findings[0].where == "6.nc"


def test_ragged_coordinates_alone_are_written_anew(tmp_path):
    # netCDF-C gives time chunks of 512 whatever its length; the values themselves come one step a chunk
    made = [granule(tmp_path / f"{s}.nc", s, 5, chunk=1) for s in (0, 5)]
    ours = opened(combine([part for part, _, _ in made])[0])
    xr.testing.assert_identical(ours, together([path for _, _, path in made], [0, 1]))


@pytest.mark.parametrize(
    ("change", "where_it_shows"),
    [
        ({"scale": 0.25}, "variable ice"),
        ({"dtype": "i4"}, "variable ice"),
        ({"chunk": 2, "count": 2}, "variable ice"),
        ({"shift": 1}, "variable x"),
        ({"launched": True}, "other variables"),
    ],
)
def test_other_encoding_or_coordinates_are_refused(tmp_path, change, where_it_shows):
    first, key, _ = granule(tmp_path / "a.nc", 0)
    second, other, _ = granule(tmp_path / "b.nc", 1, **change)
    assert key != other
    body, findings = combine([first, second])
    assert body is None
    assert where_it_shows in findings[0].message


def test_what_values_mean_must_be_the_same(tmp_path):
    parts, _, _ = many(tmp_path, [0, 1])
    refs = orjson.loads(parts[1][1])["refs"]
    for name in ("add_offset", "missing_value", "_Unsigned", "units", "calendar", "flag_masks"):
        other = refs | {"ice/.zattrs": orjson.dumps(orjson.loads(refs["ice/.zattrs"]) | {name: 5}).decode()}
        body, findings = combine([parts[0], ("other", orjson.dumps({"version": 1, "refs": other}))])
        assert body is None, name
        assert "variable ice has another" in findings[0].message


@pytest.mark.parametrize(
    ("change", "expected"),
    [({}, b"\1\2"), ({"filters": [{"id": "zlib", "level": 1}]}, None), ({"compressor": {"id": "zlib"}}, None),
     ({"chunks": [3]}, None)],
)  # fmt: skip
def test_values_are_taken_from_one_whole_plain_chunk_alone(change, expected):
    array = {"shape": [2], "chunks": [2], "dtype": "|u1", "filters": None, "compressor": None}
    assert inlined(array | change, {(0,): "base64:AQI="}) == expected


@pytest.mark.parametrize("number", [np.nan, -9.0])
def test_a_time_that_is_missing_is_refused(tmp_path, number):
    parts, _, _ = many(tmp_path, [0, 1])
    refs = [orjson.loads(body)["refs"] for _, body in parts]
    for one in refs:
        one["time/.zarray"] = one["time/.zarray"].replace('"fill_value":null', '"fill_value":-9.0')
    refs[1]["time/0"] = as_text(np.array([number]).tobytes())
    body, findings = combine([(str(n), orjson.dumps({"version": 1, "refs": one})) for n, one in enumerate(refs)])
    assert (body, findings[0].message, findings[0].where) == (None, "time has missing values", "1")


def changed(part, name, **attributes):
    """A granule whose variable says something else of itself."""
    refs = orjson.loads(part[1])["refs"]
    key = f"{name}/.zattrs"
    refs[key] = orjson.dumps(orjson.loads(refs[key]) | attributes).decode()
    return part[0], orjson.dumps({"version": 1, "refs": refs})


def test_only_what_all_say_of_a_variable_is_said_of_the_whole(tmp_path):
    parts, _, _ = many(tmp_path, [0, 1])
    body, _ = combine([changed(part, "ice", comment=f"{n}", note="all") for n, part in enumerate(parts)])
    said = orjson.loads(orjson.loads(body)["refs"]["ice/.zattrs"])
    assert ("comment" in said, said["note"]) == (False, "all")


@pytest.mark.parametrize(
    ("each", "whole"),
    [
        ([{"valid_range": [0, 100]}, {"valid_range": [-5, 90]}], {"valid_range": [-5, 100]}),
        ([{"valid_min": 0, "valid_max": 1.5}, {"valid_min": 1, "valid_max": 1.5}], {"valid_min": 0, "valid_max": 1.5}),
        ([{"valid_range": [0, 100]}, {}], {}),
        ([{"valid_range": [0, -2], "_Unsigned": "true"}, {"valid_range": [0, -3], "_Unsigned": "true"}], {}),
        ([{"valid_min": "0"}, {"valid_min": 1}], {}),
    ],
)
def test_what_lies_beyond_the_valid_ranges_of_all_files_stays_so(tmp_path, each, whole):
    parts, _, _ = many(tmp_path, [0, 1])
    body, _ = combine([changed(part, "ice", **said) for part, said in zip(parts, each, strict=True)])
    said = orjson.loads(orjson.loads(body)["refs"]["ice/.zattrs"])
    assert {name: value for name, value in said.items() if name.startswith("valid_")} == whole


def test_times_of_a_model_calendar_or_with_bounds_of_their_own_are_refused(tmp_path):
    parts = [granule(tmp_path / f"{n}.nc", 1, units=f"days since 2020-01-0{n}")[0] for n in (1, 2)]
    for change, said in (
        ({"calendar": "360_day"}, "not real dates"),
        ({"bounds": "time_bnds"}, "time bounds"),
        ({"climatology": "climatology_bnds"}, "time bounds"),
    ):
        body, findings = combine([changed(part, "time", **change) for part in parts])
        assert body is None
        assert said in findings[0].message
    body, findings = combine([changed(part, "time", scale_factor=2.0, add_offset=1.0) for part in parts])
    assert findings == ()
    assert opened(body).time.values.astype("datetime64[D]").astype(str).tolist() == ["2020-01-04", "2020-01-05"]


def test_a_time_that_is_a_coordinate_goes_before_other_times(tmp_path):
    assert granule(tmp_path / "a.nc", 0, launched=True)[1].startswith("time-")
    with netCDF4.Dataset(tmp_path / "b.nc", "w") as file:
        file.createDimension("step", 3)
        file.createVariable("when", "f8", ("step",)).units = "days since 2000-01-01"
        file["when"][:] = range(3)
    assert make_references(tmp_path / "b.nc", "hdf5", "b")[1].startswith("step-")


def test_values_without_time_are_part_of_the_key(tmp_path):
    (_, body), first, path = granule(tmp_path / "a.nc", 0)
    refs = orjson.loads(body)["refs"]
    assert combine_key(refs, path, {"time", "x", "area"}) == first
    assert combine_key(refs, path, {"time", "x"}) is None
    _, same, _ = granule(tmp_path / "b.nc", 1)
    _, other, _ = granule(tmp_path / "c.nc", 2, static=1)
    assert first == same != other


def test_the_same_day_twice_is_refused(tmp_path):
    parts, _, _ = many(tmp_path, [3, 4, 3])
    body, findings = combine(parts)
    assert body is None
    assert "same times" in findings[0].message
    body, findings = combine([parts[0], (parts[0][0], parts[1][1])])
    assert body is None
    assert "same name" in findings[0].message


@pytest.mark.parametrize("second", [0, 1, 2])
def test_overlap_is_joined_and_told(tmp_path, second):
    parts = [granule(tmp_path / f"{count}.nc", start, count)[0] for start, count in ((0, 3), (second, 4))]
    body, findings = combine(parts)
    assert body is not None
    assert [finding.code for finding in findings] == ["netcdf.overlap"]
    assert combine(parts[::-1]) == (body, findings)


def test_one_part_or_no_time_gives_nothing(tmp_path):
    part, _, _ = granule(tmp_path / "a.nc", 0)
    assert combine([part]) == (None, ())
    with netCDF4.Dataset(tmp_path / "b.nc", "w") as file:
        file.createDimension("x", 3)
        file.createVariable("v", "f4", ("x",))[:] = 1
    body, key, _ = make_references(tmp_path / "b.nc", "hdf5", "b")
    assert key is None
    assert combine([("b", body), ("c", body)])[0] is None


def test_ragged_arrays_never_get_a_key(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("obs", 4)
        file.createDimension("profile", 2)
        time = file.createVariable("time", "f8", ("obs",))
        time.units = "days since 2000-01-01"
        time[:] = range(4)
        file.createVariable("row_size", "i4", ("profile",))[:] = [2, 2]
        file["row_size"].sample_dimension = "obs"
    assert make_references(tmp_path / "a.nc", "hdf5", "a")[1] is None


def test_a_parquet_folder_of_many_records_reads_on_from_one_to_the_next(tmp_path, monkeypatch):
    from kerchunk.utils import refs_as_store

    monkeypatch.setattr("builder.references.encode.RECORD_SIZE", 2)
    raw = tmp_path / "raw"
    raw.write_bytes(np.arange(6, dtype="<i2").tobytes())

    def array(shape, chunks):
        said = {"zarr_format": 2, "dtype": "<i2", "compressor": None, "filters": None, "fill_value": -1, "order": "C"}
        return orjson.dumps(said | {"shape": shape, "chunks": chunks}).decode()

    refs = {
        ".zgroup": '{"zarr_format":2}',
        "v/.zarray": array([10], [2]), "v/.zattrs": '{"_ARRAY_DIMENSIONS":["x"]}',
        "v/3": [str(raw), 8, 4], "v/0": [str(raw), 0, 4], "v/2": as_text(np.array([7, 8], "<i2").tobytes()),
        "v/1": [str(raw), 4, 4], "v/4": as_text(np.array([9, 9], "<i2").tobytes()),
        "s/.zarray": array([], []), "s/.zattrs": '{"_ARRAY_DIMENSIONS":[]}', "s/0": [str(raw), 10, 2],
    }  # fmt: skip
    for name, data in parquet_of(refs).items():
        (tmp_path / "r.parquet" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "r.parquet" / name).write_bytes(data)
    store = refs_as_store(str(tmp_path / "r.parquet"), remote_protocol="file")
    found = xr.open_dataset(store, engine="zarr", zarr_format=2, consolidated=False, decode_cf=False).load()
    assert found["v"].values.tolist() == [0, 1, 2, 3, 7, 8, 4, 5, 9, 9]
    assert found["s"].values == 5


def test_many_chunks_of_many_files_read_alike_from_a_parquet_folder(tmp_path):
    parts, _, paths = many(tmp_path, [4, 0, 2], count=2)
    body, _ = combine(parts)
    refs = orjson.loads(body)["refs"]
    files = parquet_of(refs)
    assert files == parquet_of(dict(reversed(refs.items())))
    folder = tmp_path / "references.parquet"
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    with xr.open_dataset(str(folder), engine="kerchunk") as found:
        xr.testing.assert_identical(found.load(), opened(body))
        xr.testing.assert_equal(found.load(), together(paths, [1, 2, 0]))
    counts = Counter(key.rpartition("/")[0] for key in refs if not key.rpartition("/")[2].startswith("."))
    for name, count in counts.items():
        table = pq.read_table(folder / name / "refs.0.parq").to_pylist()
        assert len([row for row in table if row["path"] or row.get("raw")]) == count
