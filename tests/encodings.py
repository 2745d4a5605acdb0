"""The matrix of encodings: one small file per way in which NetCDF and HDF5 files keep numbers."""

from __future__ import annotations

import zlib

import h5py
import netCDF4
import numpy as np

Y, X = 24, 1000
"""Large enough (96 kB of 32-bit numbers) not to be kept in the references as a whole."""
RANDOM = np.random.default_rng(57)
VALUES = (RANDOM.random((Y, X)) * 100).astype("f4")
COUNTS = RANDOM.integers(-3000, 3000, (Y, X)).astype("i4")
CASES: dict[str, tuple] = {}


def case(refused=None, *, widened=False, **options):
    """Register a builder; ``refused`` is the reason a file of this kind must be refused with."""

    def add(build):
        CASES[build.__name__] = (build, options, refused, widened)
        return build

    return add


def write(name, path):
    build, options, _, _ = CASES[name]
    if options.get("h5py"):
        with h5py.File(path, "w", **options.get("file", {})) as file:
            build(file)
    else:
        with netCDF4.Dataset(path, "w", **options) as file:
            file.set_auto_maskandscale(False)
            file.createDimension("y", Y)
            file.createDimension("x", X)
            build(file)
    return path


def grid(file, name="v", dtype="f4", data=VALUES, **options):
    variable = file.createVariable(name, dtype, ("y", "x"), **options)
    variable.set_auto_maskandscale(False)
    if data is not None:
        variable[...] = data
    return variable


def netcdf4(name, dtype="f4", data=VALUES, refused=None, **options):
    def build(file):
        grid(file, "v", dtype, data, **options)

    build.__name__ = name
    case(refused)(build)


CHUNKED = {"chunksizes": (5, 300)}
netcdf4("contiguous")
netcdf4("zlib", zlib=True, shuffle=False, **CHUNKED)
netcdf4("zlib_shuffle", zlib=True, shuffle=True, **CHUNKED)
netcdf4("shuffle_alone", shuffle=True, **CHUNKED)
netcdf4("fletcher32", fletcher32=True, **CHUNKED)
netcdf4("fletcher32_zlib_shuffle", zlib=True, shuffle=True, fletcher32=True, **CHUNKED)
netcdf4("fletcher32_shuffle_64", "f8", zlib=True, shuffle=True, fletcher32=True, refused="shuffles its", **CHUNKED)
netcdf4("zstd", compression="zstd", **CHUNKED)
netcdf4("bzip2", compression="bzip2", **CHUNKED)
netcdf4("blosc_lz4", compression="blosc_lz4", **CHUNKED)
netcdf4("blosc_zstd", compression="blosc_zstd", blosc_shuffle=2, **CHUNKED)
netcdf4("szip", compression="szip", refused="filter 4", **CHUNKED)
netcdf4("quantize", zlib=True, significant_digits=3, **CHUNKED)
netcdf4("big_endian", ">f4", endian="big")
netcdf4("big_endian_zlib", ">i4", COUNTS, endian="big", zlib=True, **CHUNKED)
netcdf4("int64", "i8", COUNTS.astype("i8") << 40, zlib=True, **CHUNKED)
netcdf4("unsigned_bytes", "u1", COUNTS.astype("u1"), chunksizes=(8, 250))
netcdf4("unsigned_64", "u8", COUNTS.astype("u8"), zlib=True, **CHUNKED)
netcdf4("nan_fill", data=np.where(VALUES > 50, np.nan, VALUES), fill_value=np.nan, zlib=True, **CHUNKED)
netcdf4("exact_chunks", zlib=True, chunksizes=(6, 250))
netcdf4("never_written", data=None, zlib=True, **CHUNKED)
netcdf4("never_written_contiguous", data=None)
netcdf4("never_written_with_fill", data=None, zlib=True, fill_value=-1.0, **CHUNKED)
netcdf4("zeros_without_fill", "i4", np.zeros((Y, X)), zlib=True, **CHUNKED)


@case()
def packed(file):
    variable = grid(file, "v", "i2", COUNTS, fill_value=-30, zlib=True, **CHUNKED)
    variable.scale_factor, variable.add_offset = 0.01, 273.15


@case(widened=True)
def packed_float32(file):
    grid(file, "v", "i2", COUNTS, fill_value=-30, zlib=True, **CHUNKED).scale_factor = np.float32(0.01)


@case(widened=True)
def packed_by_a_whole_number(file):
    grid(file, "v", "i2", COUNTS, zlib=True, **CHUNKED).scale_factor = np.int32(2)


@case()
def unsigned_attribute(file):
    grid(file, "v", "i2", COUNTS, zlib=True, **CHUNKED).setncattr("_Unsigned", "true")


@case()
def fill_and_missing(file):
    variable = grid(file, "v", "i2", COUNTS, fill_value=3, zlib=True, **CHUNKED)
    variable.missing_value = np.int16(7)


@case()
def missing_alone(file):
    grid(file, "v", "f4", np.where(VALUES > 50, -999, VALUES), zlib=True, **CHUNKED).missing_value = np.float32(-999)


@case()
def unwritten_chunks(file):
    grid(file, data=None, zlib=True, shuffle=True, **CHUNKED)[10:15] = 1.0
    grid(file, "w", "i2", None, fill_value=-7, **CHUNKED)[10:15] = 1
    grid(file, "u", "f4", None, fletcher32=True, **CHUNKED)[10:15, 300:600] = 1.0


@case()
def coordinate_never_written(file):
    file.createVariable("x", "f8", ("x",))
    grid(file, zlib=True, **CHUNKED)


@case()
def characters(file):
    file.createVariable("c", "S1", ("y", "x"), chunksizes=(5, 300))[:] = np.full((Y, X), b"k", "S1")
    variable = file.createVariable("t", "S1", ("y", "x"))
    variable._Encoding = "utf-8"
    variable.set_auto_chartostring(False)
    variable[:] = np.array(["å".encode() * 10] * Y, f"S{X}").view("S1").reshape(Y, X)


@case()
def strings(file):
    file.createVariable("s", str, ("y",))[:] = np.array([f"Håkon {n}" for n in range(Y)], object)
    file.createVariable("one", str, ())[...] = "Longyearbyen"


@case()
def strings_of_records(file):
    file.createDimension("n", None)
    file.createVariable("s", str, ("n",))[:] = np.array(["Oden", "Lance", ""], object)
    grid(file, zlib=True, **CHUNKED)


@case(refused="user-defined type")
def ragged_numbers(file):
    kind = file.createVLType("i4", "many")
    file.createVariable("r", kind, ("y",))[0] = np.arange(3, dtype="i4")


@case(refused="user-defined type")
def compound(file):
    kind = file.createCompoundType(np.dtype([("a", "i4"), ("b", "f8")]), "pair")
    file.createVariable("p", kind, ("y",))


@case()
def enumeration(file):
    kind = file.createEnumType("u1", "sky_t", {"clear": 0, "cloud": 1})
    file.createVariable("sky", kind, ("y", "x"), fill_value=0, **CHUNKED)[:] = COUNTS & 1


@case()
def scalars(file):
    for number, dtype in enumerate(("f4", "f8", "i2", "u1", ">i4")):
        file.createVariable(f"s{number}", dtype, ())[...] = number


@case()
def nested_groups(file):
    grid(file, zlib=True, **CHUNKED)
    inner = file.createGroup("a").createGroup("b")
    grid(inner, "w", "i4", COUNTS, zlib=True, **CHUNKED)


@case()
def zero_length(file):
    file.createDimension("n", None)
    file.createVariable("none", "f4", ("n", "x"), zlib=True)
    grid(file)


@case()
def records(file):
    file.createDimension("time", None)
    file.createVariable("time", "f8", ("time",)).units = "days since 2000-01-01"
    file["time"][:] = np.arange(60.0)
    file.createVariable("v", "f4", ("time", "x"), zlib=True)[:] = np.resize(VALUES, (60, X))


@case()
def called_like_a_dimension(file):
    grid(file, "x", zlib=True, **CHUNKED)


@case()
def records_written_to_different_ends(file):
    file.createDimension("time", None)
    file.createVariable("v", "f4", ("time", "x"), zlib=True, chunksizes=(5, 300))[:] = np.resize(VALUES, (60, X))
    file.createVariable("short", "i2", ("time", "y", "x"), fill_value=-7, zlib=True, chunksizes=(4, 7, 400))[:10] = 3
    file.createVariable("letters", "S1", ("time", "x"), zlib=True, chunksizes=(4, 400))[:2] = b"k"
    file.createVariable("none", "u4", ("time", "x"), zlib=True, chunksizes=(8, 500))


@case(refused="reads noise")
def inner_records_written_to_different_ends(file):
    file.createDimension("n", None)
    file.createVariable("v", "i4", ("y", "n"))[:, :9] = 1
    file.createVariable("short", "i4", ("y", "n"))[:, :3] = 1


@case()
def inner_records_never_written(file):
    file.createDimension("n", None)
    file.createVariable("v", "i4", ("y", "n"))[:, :9] = 1
    file.createVariable("none", "i4", ("y", "n"))


@case(refused="reads noise")
def one_of_two_unlimited_written_to_its_end(file):
    file.createDimension("m", None)
    file.createDimension("n", None)
    file.createVariable("v", "i4", ("m", "n"))[:9, :5] = 1
    file.createVariable("short", "i4", ("m", "n"))[:3, :5] = 1


@case(refused="32-bit numbers to unpack")
def doubles_packed_by_float32(file):
    grid(file, "v", "f8", VALUES.astype("f8") / 3, zlib=True, **CHUNKED).scale_factor = np.float32(0.01)


@case(format="NETCDF4_CLASSIC")
def classic_model(file):
    grid(file, "v", "i2", COUNTS, zlib=True, fill_value=0)


def classic(file):
    variable = grid(file, "v", "i2", COUNTS, fill_value=3)
    variable.missing_value, variable.scale_factor = np.int16(7), 0.1
    variable.valid_range = np.array([0, 50], "i2")
    grid(file, "b", "i1", COUNTS.astype("i1"))
    grid(file, "d", "f8")


def classic_records(file):
    file.createDimension("time", None)
    file.createVariable("time", "f8", ("time",))[:] = np.arange(600.0)
    for name, dtype in (("short", "i2"), ("byte", "i1"), ("real", "f4")):
        file.createVariable(name, dtype, ("time", "y"))[:] = np.resize(COUNTS, (600, Y)).astype(dtype)
        file.createVariable(f"{name}_1", dtype, ("time",))[:] = np.resize(COUNTS, 600).astype(dtype)
    file.createVariable("letter", "S1", ("time",))[:] = np.full(600, b"k", "S1")


def one_record_variable(file):
    file.createDimension("time", None)
    file.createVariable("v", "i1", ("time", "y"))[:] = np.resize(COUNTS, (7001, Y)).astype("i1")


def wide_records(file):
    file.createDimension("time", None)
    file.createVariable("time", "f8", ("time",))[:] = np.arange(30.0)
    file.createVariable("v", "f4", ("time", "y", "x"))[:] = np.resize(VALUES, (30, Y, X))


for kind, label in (
    ("NETCDF3_CLASSIC", "cdf1"),
    ("NETCDF3_64BIT_OFFSET", "cdf2"),
    ("NETCDF3_64BIT_DATA", "cdf5"),
):
    for builder in (classic, classic_records, one_record_variable, wide_records):
        CASES[f"{builder.__name__}_{label}"] = (builder, {"format": kind}, None, False)


def hdf5(name, refused=None, file=None, data=VALUES, **options):
    def build(target):
        target.create_dataset("v", data=data, **options)

    build.__name__ = name
    case(refused, h5py=True, file=file or {})(build)


hdf5("h5_lzf", "filter 32000", compression="lzf", chunks=(5, 300))
hdf5("h5_scale_offset", "filter 6", scaleoffset=2, chunks=(5, 300))
hdf5("h5_fixed_array", file={"libver": "latest"}, chunks=(5, 300), compression="gzip")
hdf5("h5_extensible_array", file={"libver": "latest"}, chunks=(5, 300), maxshape=(None, X), compression="gzip")
hdf5("h5_extensible_inner", "misplaces", {"libver": "latest"}, chunks=(5, 300), maxshape=(Y, None))
hdf5("h5_extensible_one_down", file={"libver": "latest"}, chunks=(Y, 250), maxshape=(Y, None))
hdf5("h5_btree_v2", file={"libver": "latest"}, chunks=(5, 300), maxshape=(None, None), compression="gzip")
hdf5("h5_single_chunk", file={"libver": "latest"}, chunks=(Y, X), compression="gzip")
hdf5("h5_implicit_index", file={"libver": "latest"}, chunks=(6, 250))
hdf5("h5_user_block", file={"userblock_size": 512}, chunks=(5, 300), compression="gzip")
hdf5("h5_zeros", data=np.zeros((Y, X), "f4"))
hdf5("h5_own_fill", data=None, shape=(Y, X), dtype="f4", fillvalue=5.0, chunks=(5, 300))
hdf5("h5_many_chunks", data=VALUES, chunks=(1, 4), refused="out of proportion")


@case(h5py=True, file={"userblock_size": 512})
def h5_user_block_never_written(file):
    file.create_dataset("v", (Y, X), "f4", fillvalue=5.0)


@case(h5py=True, file={})
def h5_first_filter_left_out(file):
    data = file.create_dataset("v", (Y, X), "i4", chunks=(12, X), compression="gzip", shuffle=True)
    for row in (0, 12):
        plain = np.ascontiguousarray(COUNTS[row : row + 12]).tobytes()
        data.id.write_direct_chunk((row, 0), zlib.compress(plain), filter_mask=1)


@case(h5py=True, file={})
def h5_mask_of_a_filter_that_is_not(file):
    data = file.create_dataset("v", (Y, X), "i4", chunks=(Y, X), compression="gzip")
    data.id.write_direct_chunk((0, 0), zlib.compress(np.ascontiguousarray(COUNTS).tobytes()), filter_mask=2)


@case("filters left out", h5py=True, file={})
def h5_mixed_masks(file):
    data = file.create_dataset("v", (Y, X), "i4", data=COUNTS, chunks=(12, X), compression="gzip", shuffle=True)
    data.id.write_direct_chunk((0, 0), np.ascontiguousarray(COUNTS[:12]).tobytes(), filter_mask=3)


@case(h5py=True, file={})
def h5_shrunk(file):
    data = file.create_dataset("v", data=VALUES, chunks=(5, 300), maxshape=(None, None))
    data.resize((13, 700))
