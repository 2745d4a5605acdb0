"""References of every encoding read as netCDF-C and xarray read the file, or are refused with a reason."""

from __future__ import annotations

import struct
from pathlib import Path

import h5py
import netCDF4
import numcodecs
import numpy as np
import orjson
import pytest
import xarray as xr
from scipy.io import netcdf_file

from builder.enrich.correct import attribute, correct
from builder.enrich.fetching import fetch_parts
from builder.enrich.guard import file_kind
from builder.enrich.references import make_references
from builder.enrich.translate import translate
from builder.enrich.verify import same_values, verify
from builder.errors import UnreferenceableError
from builder.references.btree import walk
from builder.references.encode import as_text
from builder.references.netcdf3 import scan_netcdf3
from builder.references.objectheader import chunk_index
from builder.references.table import ArrayTable, coalesce, divide
from builder.references.table import located as located_in

RANDOM = np.random.default_rng(20240601)


def nc4(path: Path, build, **options) -> Path:
    with netCDF4.Dataset(path, "w", **options) as file:
        file.set_auto_maskandscale(False)
        build(file)
    return path


def simple(file, name="v", dtype="f4", dims=("y", "x"), data=None, shape=(6, 10), **options):
    for dim, size in zip(dims, shape, strict=True):
        if dim not in file.dimensions:
            file.createDimension(dim, size)
    variable = file.createVariable(name, dtype, dims, **options)
    variable.set_auto_maskandscale(False)
    if data is None:
        data = (RANDOM.random(shape) * 100).astype(np.dtype(dtype))
    variable[...] = data
    return variable


def zlib(file):
    simple(file, zlib=True, shuffle=True, chunksizes=(4, 4))


def fletcher32(file):
    simple(file, zlib=True, shuffle=True, fletcher32=True, chunksizes=(4, 4))


def fletcher32_alone(file):
    simple(file, fletcher32=True, chunksizes=(4, 4))


def zstd(file):
    simple(file, compression="zstd", chunksizes=(4, 4))


def big_endian(file):
    simple(file, dtype=">i4", endian="big")
    simple(file, "w", dtype=">f8", endian="big", zlib=True, chunksizes=(5, 5))


def integers(file):
    for kind in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"):
        limits = np.iinfo(kind)
        simple(file, kind, kind, ("z",), np.array([0, limits.min, limits.max], kind), (3,))


def packed(file):
    variable = simple(file, "v", "i2", data=np.arange(-30, 30).reshape(6, 10), fill_value=-30)
    variable.scale_factor, variable.add_offset = 0.01, 273.15
    variable = simple(file, "u", "i1", data=np.arange(-30, 30).reshape(6, 10))
    variable.setncattr("_Unsigned", "true")
    variable.scale_factor = 0.5


def packed_32(file):
    variable = simple(file, "v", "u1", data=np.arange(60).reshape(6, 10), fill_value=255)
    variable.scale_factor, variable.valid_range = np.float32(0.01), np.array([0, 100], "u1")
    variable = simple(file, "w", "i4", data=np.arange(60).reshape(6, 10), fill_value=-999)
    variable.scale_factor, variable.add_offset = np.float32(0.01), np.float32(3.3)
    variable = simple(file, "x", "i2", data=np.arange(60).reshape(6, 10), fill_value=-999)
    variable.scale_factor, variable.add_offset = np.float32(0.01), np.float32(273.15)


def packed_round_zero(file):
    variable = simple(file, "v", "i2", data=np.arange(-1033, -973).reshape(6, 10), fill_value=-1000)
    variable.scale_factor, variable.add_offset = np.float32(0.1), np.float32(100.3)


def packed_whole(file):
    simple(file, "v", "i2", data=np.arange(60).reshape(6, 10)).scale_factor = np.int32(2)


def fill_and_missing(file):
    variable = simple(file, "v", "f4", fill_value=-99.0)
    variable.missing_value = np.float32(-1e30)
    variable[0, :3] = -99.0, -1e30, np.nan
    variable = simple(file, "w", "i2", data=np.arange(60).reshape(6, 10), fill_value=3)
    variable.missing_value = np.int16(7)


def infinite_fill(file):
    for name, fill in (("v", np.inf), ("w", -np.inf)):
        simple(file, name, "f4", fill_value=fill)[0, :2] = np.inf, -np.inf


def zeros_without_fill(file):
    simple(file, "v", "f4", data=np.zeros((6, 10)))
    simple(file, "s", "i4", (), 0, ())


def unwritten_chunks(file):
    file.createDimension("t", None)
    for name, options in {"plain": {}, "filled": {"fill_value": -1.0}, "packed": {"zlib": True}}.items():
        variable = file.createVariable(name, "f4", ("t",), chunksizes=(4,), **options)
        variable[12:14] = [1.0, 2.0]


def never_written(file):
    file.createDimension("x", 20)
    file.createDimension("y", 20_000)
    file.createVariable("x", "f8", ("x",))
    file.createVariable("small", "i2", ("x",), fill_value=-7)
    file.createVariable("large", "f8", ("y",))
    file.createVariable("deflated", "f8", ("y",), zlib=True, chunksizes=(4096,))


def texts(file):
    file.createDimension("n", 3)
    file.createDimension("letters", 8)
    file.createVariable("vlen", str, ("n",))[:] = np.array(["Tromsø", "", "Ny-Ålesund"], dtype=object)
    file.createVariable("one", str, ())[...] = "Longyearbyen"
    variable = file.createVariable("chars", "S1", ("n", "letters"))
    variable._Encoding = "utf-8"
    variable.set_auto_chartostring(False)
    variable[:] = np.array([word.encode() for word in ("ab", "", "Håkon")], "S8").view("S1").reshape(3, 8)
    file.createVariable("code", "S1", ("n",))[:] = np.array([b"A", b"", b"D"], "S1")


def times(file):
    file.createDimension("time", None)
    for name, units, calendar in (
        ("time", "days since 1950-01-01", "standard"),
        ("noleap", "days since 2001-01-01", "noleap"),
        ("model", "days since 2001-01-01", "360_day"),
        ("hours", "hours since 2010-01-01 06:00", "proleptic_gregorian"),
    ):
        variable = file.createVariable(name, "f8", ("time",), fill_value=-1.0)
        variable.units, variable.calendar = units, calendar
        variable[:] = [10.25, 59.5, 60.0, -1.0 if name == "hours" else 61.0]


def scalars(file):
    for number, kind in enumerate(("f4", "f8", "i2", "u1")):
        file.createVariable(kind, kind, ())[...] = number
    file.createVariable("crs", "i4", ()).grid_mapping_name = "polar_stereographic"


def groups(file):
    simple(file, "outer", data=np.ones((6, 10)))
    inner = file.createGroup("a").createGroup("b")
    simple(inner, "inner", "i4", ("k",), np.arange(5), (5,), zlib=True)
    inner.note = "nested"
    simple(inner, "inherited", "f4", ("y", "x"))


def attributes(file):
    variable = simple(file)
    variable.text, variable.numbers, variable.empty = "grå", np.array([1, 2], "i2"), ""
    variable.not_a_number, variable.words = np.float64("nan"), ["a", "b"]
    file.Conventions, file.big = "CF-1.8", np.int64(2**60)


def empty_record(file):
    file.createDimension("n", None)
    file.createVariable("n_history", "f4", ("n",))
    simple(file)


def enum(file):
    kind = file.createEnumType("u1", "sky_t", {"clear": 0, "cloud": 1})
    file.createDimension("n", 3)
    file.createVariable("sky", kind, ("n",), fill_value=0)[:] = [0, 1, 1]


def ragged_chunks(file):
    file.createDimension("time", None)
    simple(file, "time", "f8", ("time",), np.arange(756.0), (756,)).units = "days since 2003-01-01"
    simple(file, "big", "f8", ("time",), np.arange(756.0) * 2, (756,), chunksizes=(2000,))


NETCDF4 = [
    zlib, fletcher32, fletcher32_alone, zstd, big_endian, integers, packed, packed_32, fill_and_missing,
    zeros_without_fill, unwritten_chunks, never_written, texts, times, scalars, groups, attributes, empty_record,
    enum, ragged_chunks, infinite_fill,
]  # fmt: skip


def classic(file):
    variable = simple(file, "v", "i2", data=np.arange(60).reshape(6, 10), fill_value=3)
    variable.missing_value, variable.scale_factor = np.int16(7), 0.1
    variable.valid_range = np.array([0, 50], "i2")
    simple(file, "odd", "i1", ("z",), np.array([1, 2, 3]), (3,))
    simple(file, "f", "f4")


def classic_records(file):
    file.createDimension("time", None)
    file.createDimension("x", 3)
    variable = file.createVariable("time", "f8", ("time",))
    variable.units = "days since 2000-01-01"
    variable[:] = np.arange(7.0)
    for name, kind in (("short", "i2"), ("byte", "i1"), ("double", "f8")):
        file.createVariable(name, kind, ("time", "x"))[:] = np.arange(21).reshape(7, 3)
    file.createVariable("letters", "S1", ("time",))[:] = np.array(list("abcdefg"), "S1")


def one_short_record(file):
    file.createDimension("time", None)
    file.createVariable("v", "i1", ("time",))[:] = np.arange(7)


CLASSIC = [classic, classic_records, one_short_record]
FORMATS = ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"]


def open_both(body: bytes, path: Path, prefix: str, *, decoded: bool):
    """The file by the netCDF4 engine and the reference by plain xarray, loaded."""
    from kerchunk.utils import refs_as_store

    refs = orjson.loads(body)
    store = refs_as_store(refs, remote_protocol="file")
    options = {"group": prefix or None, "decode_cf": decoded}
    ours = xr.open_dataset(store, engine="zarr", zarr_format=2, consolidated=".zmetadata" in refs["refs"], **options)
    return xr.open_dataset(path, engine="netcdf4", **options).load(), ours.load()


def assert_equal_to_file(body: bytes, path: Path, prefixes=("",), *, widened=()) -> None:
    for prefix in prefixes:
        for decoded in (False, True):
            theirs, ours = open_both(body, path, prefix, decoded=decoded)
            assert set(theirs.variables) == set(ours.variables)
            for name in theirs.variables:
                first, second = theirs.variables[name].values, ours.variables[name].values
                if decoded and name in widened:
                    second = second.astype("f4")
                assert same_values(first, second), (prefix, name, decoded, first, second)


@pytest.mark.parametrize("build", NETCDF4, ids=lambda build: build.__name__)
def test_netcdf4_encoding_reads_as_the_file(tmp_path, build):
    path = nc4(tmp_path / "file.nc", build)
    body, _, findings = make_references(path, file_kind(path), str(path))
    prefixes = ("", "a/b") if build is groups else ("",)
    # only the sum with an offset may round differently; verify() allows it one unit in the last place
    if build is packed_32:
        assert {finding.code for finding in findings} == {"netcdf.float32-packing"}
        theirs, ours = open_both(body, path, "", decoded=True)
        assert same_values(theirs.v.values, ours.v.values.astype("f4"))
        assert same_values(theirs.w.values, ours.w.values)
        assert np.allclose(theirs.x.values, ours.x.values, rtol=1.2e-7, atol=0, equal_nan=True)
    else:
        assert_equal_to_file(body, path, prefixes)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("build", CLASSIC, ids=lambda build: build.__name__)
def test_classic_file_reads_as_the_file(tmp_path, build, kind):
    path = nc4(tmp_path / "file.nc", build, format=kind)
    body, _, _ = make_references(path, file_kind(path), str(path))
    assert_equal_to_file(body, path)


def test_simple_engine_opens_a_reference(tmp_path):
    path = nc4(tmp_path / "file.nc", packed)
    body, _, _ = make_references(path, "hdf5", str(path))
    ours = xr.open_dataset(orjson.loads(body), engine="kerchunk").load()
    assert ours.identical(ours)
    assert same_values(xr.open_dataset(path).v.values, ours.v.values)


def test_plain_h5py_file_keeps_its_zeros(tmp_path):
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        file["v"] = np.array([0, 1, 2], "i4")
        file["f"] = np.zeros(40_000, "f4")
        file["s"] = np.int32(0)
        file["b"] = np.arange(70_000) % 3 == 0
    body, _, _ = make_references(path, "hdf5", str(path))
    assert_equal_to_file(body, path)


def test_compact_dataset_reads_right(tmp_path):
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        space = h5py.h5s.create_simple((20,))
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_layout(h5py.h5d.COMPACT)
        made = h5py.h5d.create(file.id, b"v", h5py.h5t.NATIVE_INT32, space, creation)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(20, dtype="i4"))
    body, _, _ = make_references(path, "hdf5", str(path))
    assert_equal_to_file(body, path)


def test_compound_type_is_refused(tmp_path):
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        file["v"] = np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
    with pytest.raises(UnreferenceableError, match="user-defined type"):
        make_references(path, "hdf5", str(path))


def test_many_small_records_take_few_references(tmp_path):
    def build(file):
        file.createDimension("time", None)
        for number in range(31):
            file.createVariable(f"v{number}", "f4", ("time",))[:] = np.arange(8760.0) + number

    path = nc4(tmp_path / "file.nc", build, format="NETCDF3_CLASSIC")
    body, _, _ = make_references(path, "netcdf3", str(path))
    assert len(body) < 50_000  # one reference per record and variable made 271560 of them, nine times the data
    assert_equal_to_file(body, path)


def over(data):
    return lambda ranges: [data[offset : offset + length] for offset, length in ranges]


def test_large_records_have_a_reference_each_and_the_last_may_lack_its_padding(tmp_path):
    def build(file):
        file.createDimension("time", None)
        file.createDimension("x", 1024)
        file.createVariable("v", "f4", ("time", "x"))[:] = np.zeros((1001, 1024))
        file.createVariable("b", "i1", ("time",))[:] = np.arange(1001) % 100

    data = nc4(tmp_path / "file.nc", build, format="NETCDF3_CLASSIC").read_bytes()
    found = scan_netcdf3(over(data), len(data))
    assert (set(found["v"].sizes.tolist()), found["v"].filters) == ({4096}, ())
    assert found["b"].filters[0]["id"] == "record_member"
    cut = scan_netcdf3(over(data[:-3]), len(data) - 3)["b"]
    assert [data[place] for place in cut.offsets] == [number % 100 for number in range(1001)]


def test_what_is_out_of_proportion_is_refused_with_its_reason(tmp_path, monkeypatch):
    path = nc4(tmp_path / "file.nc", never_written)
    assert len(make_references(path, "hdf5", str(path))[0]) < 20_000  # 160 kB of fill values are kept deflated
    words = nc4(tmp_path / "words.nc", texts)
    axis = nc4(tmp_path / "axis.nc", lambda file: simple(file, "x", "f8", ("x",), np.arange(8000.0), (8000,)))
    for place, limit, one, said in (
        ("builder.enrich.correct.MAX_FILL_CHUNK_BYTES", 10, path, "too large to stand in for"),
        ("builder.enrich.correct.INLINE_BYTES", 0, words, "more text than"),
        ("builder.enrich.references.MAX_REFERENCES", 1, path, "references, more than 1"),
        ("builder.enrich.references.BUDGET_BYTES", 1000, axis, "out of proportion"),
    ):
        with monkeypatch.context() as limited:
            limited.setattr(place, limit)
            with pytest.raises(UnreferenceableError, match=said):
                make_references(one, "hdf5", str(one))


def test_attributes_are_what_json_can_carry():
    given = (np.float64("nan"), np.array([1, np.inf]), np.int16(3), b"a", np.array(["b"]))
    assert [attribute(value) for value in given] == ["nan", [1, "inf"], 3, "a", ["b"]]


def test_ranges_are_joined_and_divided():
    assert coalesce([(0, 100), (10, 5), (200, 10)], gap=50, most=1000) == [(0, 100), (200, 10)]
    assert coalesce([(0, 10), (12, 10)], gap=5, most=21) == [(0, 10), (12, 10)]
    assert coalesce([(0, 10), (12, 10)], gap=5, most=22) == [(0, 22)]
    assert divide((2999999,), 4) == (2999999,)  # a prime number of values, 12 MB
    assert divide((4000000,), 4) == (2000000,)


@pytest.mark.parametrize(
    ("numbers", "offsets", "sizes", "said"),
    [([0, 1], [0, 60], [50, 41], "beyond the end"), ([0, 1], [0, -1], [50, 1], "beyond the end"),
     ([0, 0], [0, 60], [50, 40], "twice")],
)  # fmt: skip
def test_chunks_lie_within_their_file_and_once(numbers, offsets, sizes, said):
    table = ArrayTable((2,), (1,), "<i4")
    with pytest.raises(UnreferenceableError, match=said):
        located_in(table, *map(np.array, (numbers, offsets, sizes)), 100)
    whole = located_in(table, *map(np.array, ([1, 0], [60, 0], [40, 50])), 100)
    assert (whole.numbers.tolist(), whole.offsets.tolist(), whole.sizes.tolist()) == ([0, 1], [0, 60], [50, 40])
    assert [whole.fits(shape) for shape in ((2,), (3,), (1,), (2, 3))] == [True, True, False, False]


@pytest.mark.parametrize(("kind", "width"), [("NETCDF3_CLASSIC", 4), ("NETCDF3_64BIT_DATA", 8)])
def test_a_classic_file_that_does_not_say_how_many_records_it_has_is_refused(tmp_path, kind, width):
    path = tmp_path / "file.nc"
    with netCDF4.Dataset(path, "w", format=kind) as file:
        file.createDimension("t", None)
        file.createVariable("v", "f4", ("t",))[:] = np.arange(4)
    data = bytearray(path.read_bytes())
    assert int.from_bytes(data[4 : 4 + width], "big") == 4
    data[4 : 4 + width] = b"\xff" * width
    with pytest.raises(UnreferenceableError, match="leaves the number of records open"):
        scan_netcdf3(over(data), len(data))


def test_a_header_of_very_many_dimensions_is_damaged():
    data = b"CDF\1" + struct.pack(">III", 0, 10, 100_001) + bytes(200_000)
    with pytest.raises(UnreferenceableError, match="damaged"):
        scan_netcdf3(over(data), len(data))


def test_a_chunk_that_lies_nowhere_is_left_out(tmp_path):
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("v", data=np.arange(100), chunks=(10,))
    data = bytearray(path.read_bytes())
    place = data.index(b"TREE\1") + 24 + 3 * 32 + 8  # the corner of the fourth chunk
    data[place : place + 8] = struct.pack("<Q", (1 << 63) + 30)
    path.write_bytes(data)
    assert translate(path, "hdf5")["v"].numbers.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_chunk_indexes_behind_a_user_block_are_walked(tmp_path, monkeypatch):
    path = tmp_path / "file.h5"
    with h5py.File(path, "w", userblock_size=1024) as file:
        made = file.create_dataset("v", data=np.arange(640), chunks=(10,))  # as many as a node of the tree holds
        places = [made.id.get_chunk_info(number).byte_offset for number in range(64)]
    monkeypatch.setattr("builder.references.hdf5._asked", None)
    assert translate(path, "hdf5")["v"].offsets.tolist() == places
    data = path.read_bytes()
    assert [struct.unpack_from("<q", data, place)[0] for place in places] == list(range(0, 640, 10))


def test_a_filter_without_a_level_is_known(tmp_path):
    path, values = tmp_path / "file.h5", np.arange(100, dtype="<i4")
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_chunk((100,))
    creation.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, ())
    with h5py.File(path, "w") as file:
        made = h5py.h5d.create(file.id, b"v", h5py.h5t.STD_I32LE, h5py.h5s.create_simple((100,)), creation)
        made.write_direct_chunk((0,), numcodecs.Zstd().encode(values))
    table, data = translate(path, "hdf5")["v"], path.read_bytes()
    packed = data[table.offsets[0] : table.offsets[0] + table.sizes[0]]
    decoded = numcodecs.get_codec(table.filters[0]).decode(packed)
    np.testing.assert_array_equal(np.frombuffer(decoded, "<i4"), values)


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("phases", [(8, 6), (4, 2)], ids=str)
@pytest.mark.parametrize("order", [0, h5py.h5p.CRT_ORDER_TRACKED])
def test_object_headers_of_all_forms_lead_to_the_chunks(tmp_path, timed, phases, order):
    path = tmp_path / "file.h5"
    with h5py.File(path, "w", track_order=True) as file:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_chunk((10,))
        creation.set_obj_track_times(timed)
        creation.set_attr_phase_change(*phases)
        creation.set_attr_creation_order(order)
        made = h5py.h5d.create(file.id, b"v", h5py.h5t.NATIVE_INT32, h5py.h5s.create_simple((100,)), creation)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(100, dtype="i4"))
        header = h5py.h5g.get_objinfo(made).objno[0]
    read = over(path.read_bytes())
    assert sorted(walk(read, [chunk_index(read, header)], 1).corner[:, 0].tolist()) == list(range(0, 100, 10))


def test_reference_out_of_proportion_is_refused(tmp_path):
    path = nc4(tmp_path / "file.nc", lambda file: simple(file, shape=(100, 200), chunksizes=(1, 2)))
    with pytest.raises(UnreferenceableError, match="out of proportion"):
        make_references(path, "hdf5", str(path))


def test_same_file_gives_the_same_bytes_and_target(tmp_path):
    path = nc4(tmp_path / "file.nc", groups)
    href = "https://example.org/data/file.nc"
    first, second = (make_references(path, "hdf5", href)[0] for _ in range(2))
    assert first == second
    assert str(tmp_path) not in first.decode()
    targets = {value[0] for value in orjson.loads(first)["refs"].values() if isinstance(value, list)}
    assert targets == {href}


@pytest.mark.parametrize(("name", "value"), [("_FillValue", np.nan), ("missing_value", np.nan), ("_FillValue", 1e20)])
def test_fill_that_the_type_cannot_hold_masks_as_in_the_file(tmp_path, name, value):
    path = tmp_path / "file.nc"
    with netcdf_file(path, "w") as file:  # netCDF-C refuses to write this, but eraint_uvz.nc has it
        file.createDimension("x", 60)
        variable = file.createVariable("v", "i2", ("x",))
        variable[:] = np.arange(60)
        variable.scale_factor = np.float64(0.5)
        setattr(variable, name, np.float64(value))
    body, _, _ = make_references(path, "netcdf3", str(path))
    assert_equal_to_file(body, path)


def located(path):
    return correct(translate(path, "hdf5"), path).refs(str(path))


def corrupted(refs, name, change):
    key = next(key for key, value in refs.items() if key.startswith(f"{name}/") and isinstance(value, list))
    refs[key] = change(refs[key])
    return refs


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda ref: [ref[0], ref[1] + 4, ref[2]], id="offset"),
        pytest.param(lambda ref: [ref[0], ref[1], ref[2] - 4], id="length"),
    ],
)
def test_verification_notices_a_wrong_reference(tmp_path, change):
    path = nc4(tmp_path / "file.nc", lambda file: simple(file, shape=(60, 100)))
    refs = corrupted(located(path), "v", change)
    with pytest.raises(UnreferenceableError, match=r"\bv\b"):
        verify(refs, path, "x")


def test_verification_notices_wrong_decoding(tmp_path):
    path = nc4(tmp_path / "file.nc", packed)
    refs = located(path)
    refs["v/.zattrs"] = refs["v/.zattrs"].replace("273.15", "273.16")
    with pytest.raises(UnreferenceableError, match="variable v reads differently"):
        verify(refs, path, "x")
    refs = located(path)
    del refs["u/.zarray"]
    with pytest.raises(UnreferenceableError, match="variable u is not in both"):
        verify(refs, path, "x")


@pytest.mark.parametrize(
    ("build", "key", "old", "new"),
    [
        (packed_32, "v/.zattrs", '"scale_factor":0.00999', '"scale_factor":0.01001'),
        (packed_32, "x/.zattrs", '"add_offset":273.1499', '"add_offset":273.1501'),
        (packed_32, "x/.zattrs", '"add_offset":273.14999', '"add_offset":273.15005'),  # twice the spacing of float32
        (packed_round_zero, "v/.zarray", '"fill_value":-1000', '"fill_value":null'),
        (packed_round_zero, "v/.zattrs", '"add_offset"', '"missing_value":-990,"add_offset"'),
        (packed_whole, "v/.zattrs", '"scale_factor":2', '"scale_factor":3'),
    ],
)
def test_verification_notices_what_is_more_than_rounding(tmp_path, build, key, old, new):
    path = nc4(tmp_path / "file.nc", build)
    refs = located(path)
    assert {finding.code for finding in verify(refs, path, "x")} == {"netcdf.float32-packing"}
    assert old in refs[key]
    with pytest.raises(UnreferenceableError, match=f"variable {key[0]}"):
        verify(refs | {key: refs[key].replace(old, new)}, path, "x")


def test_rounding_in_a_group_is_told_with_the_path(tmp_path):
    path = nc4(tmp_path / "file.nc", lambda file: packed_round_zero(file.createGroup("deep")))
    assert "through references, deep/v decode" in verify(located(path), path, "x")[1].message


def test_verification_notices_what_masks_hide_and_what_is_too_much(tmp_path):
    path = nc4(tmp_path / "file.nc", fill_and_missing)
    refs = located(path)
    address, offset, length = refs["v/0.0"]
    data = np.frombuffer(path.read_bytes()[offset : offset + length], "f4").copy()
    data[:2] = data[1::-1]  # one value that is masked for another
    with pytest.raises(UnreferenceableError, match="variable v reads differently"):
        verify(refs | {"v/0.0": as_text(data.tobytes())}, path, "x")
    with pytest.raises(UnreferenceableError, match="variable more is not in both"):
        verify(refs | {f"more/{part}": refs[f"v/{part}"] for part in (".zarray", ".zattrs", "0.0")}, path, "x")
    assert address == str(path)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (np.array([1], "i2"), np.array([1], "i4"), False), (np.array([1], "<i2"), np.array([1], ">i2"), True),
        (np.array([0.0]), np.array([-0.0]), False), (np.array([np.nan]), np.array([-np.nan]), True),
        (np.array(["NaT"], "M8[ns]"), np.array(["NaT"], "M8[ns]"), True), (np.zeros(1), np.zeros((1, 1)), False),
        (np.array(["NaT"], "M8[ns]"), np.array(["2020"], "M8[ns]"), False), (np.array([1]), np.array([2]), False),
        (np.array(["a", np.nan], object), np.array(["a", np.nan], object), True),
        (np.array([np.nan]), np.array([1.0]), False), (np.array([1.0]), np.array([np.nan]), False),
    ],
    ids=str,
)  # fmt: skip
def test_the_same_values_are_the_same_bits(first, second, same):
    assert same_values(first, second) == same


def test_large_file_is_sampled_to_its_last_chunk(tmp_path, monkeypatch):
    from builder.enrich import verify as module

    monkeypatch.setattr(module, "WHOLE_FILE_BYTES", 1000)
    monkeypatch.setattr(module, "BLOCK_BYTES", 4000)
    path = nc4(tmp_path / "file.nc", lambda file: simple(file, shape=(401, 100), chunksizes=(10, 100)))
    refs = located(path)
    assert verify(refs, path, "x") == ()
    offset = refs["v/40.0"]
    with pytest.raises(UnreferenceableError):
        verify(refs | {"v/40.0": [offset[0], offset[1] - 4, offset[2]]}, path, "x")


def test_of_a_file_by_parts_what_is_here_is_compared(tmp_path):
    def build(file):
        simple(file, "large", shape=(400, 100), chunksizes=(10, 100))
        simple(file, "small", shape=(4, 5), dims=("b", "a"), chunksizes=(4, 5))

    path = nc4(tmp_path / "file.nc", build)
    parts = fetch_parts(path, lambda _: None)
    assert (parts.present, parts.picked) == ({"small"}, {"large": [0, 20, 39]})
    refs = correct(parts.tables, path).refs(str(path))
    assert verify(refs, path, "x", parts) == ()
    for name in ("large/39.0", "small/0.0"):
        address, offset, length = refs[name]
        with pytest.raises(UnreferenceableError, match=f"variable {name[:5]}"):
            verify(refs | {name: [address, offset - 4, length]}, path, "x", parts)
