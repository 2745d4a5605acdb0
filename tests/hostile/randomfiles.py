"""Random but valid HDF5, NetCDF, GeoTIFF and text files, each made again by its seed.

Partners' files are written by many programs; what no test's author thought of is found by chance.
"""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import h5py
import netCDF4
import numpy as np
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.transform import Affine, from_origin

NUMBERS = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")
CLASSIC = ("i1", "i2", "i4", "f4", "f8")
FORMATS = (*("NETCDF4",) * 4, "NETCDF4_CLASSIC", "NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA")
TEXTS = ("", "a", "Håkon", "x" * 20, "<b>&")
LENGTHS = (1, 2, 3, 5, 17, 40)
RESERVED = "This is a netCDF dimension but not a netCDF variable. %10d"
"""What netCDF-C calls the scale of a dimension without a variable (NetCDF-4 file format, dimension scales)."""


def write_hdf5(path: Path, seed: int) -> None:
    """Write an HDF5 file as h5py can, with dimension scales as netCDF-C has them."""
    chance = random.Random(seed)
    options = {"libver": chance.choice(["earliest", "latest", ("v108", "v108"), ("v110", "latest")])}
    if chance.random() < 0.15:
        options["userblock_size"] = chance.choice([512, 1024])
    with h5py.File(path, "w", track_order=chance.random() < 0.3, **options) as file:
        for group in _groups(file, chance, lambda parent, name: parent.create_group(name)):
            _attributes(group.attrs.__setitem__, chance)
            scales = dict(_scales(group, chance))
            for number in range(chance.randint(0, 4)):
                _dataset(group, f"v{number}", scales, chance)
            if group.name == "/" and chance.random() < 0.1:
                group["other"] = h5py.SoftLink("/v0")
            if chance.random() < 0.05:
                group["pairs"] = np.zeros(3, [("a", "i4"), ("b", "f8")])
            if chance.random() < 0.05:
                group["words"] = np.array(["x", "yy"], h5py.string_dtype())


def write_netcdf(path: Path, seed: int) -> None:
    """Write a NetCDF file of any format as netCDF-C can."""
    chance = random.Random(seed)
    kind = chance.choice(FORMATS)
    with netCDF4.Dataset(path, "w", format=kind) as file:
        file.set_auto_maskandscale(False)
        file.set_auto_chartostring(False)
        dimensions: dict[str, int | None] = {}
        make = (lambda parent, name: parent.createGroup(name)) if kind == "NETCDF4" else None
        for group in _groups(file, chance, make):
            _attributes(group.setncattr, chance)
            for name in chance.sample(["t", "y", "x", "n"], chance.randint(0, 4)):
                may_grow = None not in dimensions.values()  # of several, netCDF-C reads oddly behind a variable's end
                dimensions[name] = None if may_grow and chance.random() < 0.3 else chance.choice(LENGTHS)
                group.createDimension(name, dimensions[name])
            for number in range(chance.randint(0, 5)):
                _variable(group, f"v{number}", kind, dimensions, chance)


def write_cf(path: Path, seed: int) -> None:
    """Write a NetCDF file with coordinates and attributes after the Climate and Forecast conventions, or nearly so."""
    chance = random.Random(seed)
    with netCDF4.Dataset(path, "w", format=chance.choice(["NETCDF4", "NETCDF3_CLASSIC", "NETCDF4_CLASSIC"])) as file:
        _told(file, chance)
        shape = chance.choice(["grid", "curvilinear", "trajectory", "point", "none"])
        sizes = {"time": chance.choice([1, 2, 30]), "y": chance.choice([1, 3, 50]), "x": chance.choice([1, 2, 40])}
        for name, size in sizes.items():
            file.createDimension(name, size)
        if chance.random() < 0.85:
            _time(file, chance)
        _places(file, shape, chance)
        for number in range(chance.randint(0, 3)):
            use = chance.choice([("time", "y", "x"), ("y", "x"), ("time",), ()])
            name = f"{chance.choice(['temp', 'a b', 'v.', 'sst'])}{number}"
            variable = file.createVariable(name, chance.choice(["f4", "i2", "f8"]), use)
            variable.standard_name = chance.choice(["sea_water_temperature", "not_a_name", ""])
            variable.units = chance.choice(["K", "1", "", "weird^2/"])
            variable.coordinates = chance.choice(["lon lat", "time lat lon", "zzz"])
            if variable.size:
                variable[...] = np.random.default_rng(seed).random(variable.shape) * 100


def write_geotiff(path: Path, seed: int) -> None:
    """Write a GeoTIFF as GDAL can: any type, grid and reference system, with or without tables and packing."""
    chance = random.Random(seed)
    kind = chance.choice(["uint8", "int16", "uint16", "int32", "float32", "float64", "complex64", "int8", "uint32"])
    count, height, width = chance.choice([1, 1, 2, 4]), chance.choice([1, 7, 64, 300]), chance.choice([1, 9, 64, 400])
    options = {"width": width, "height": height, "count": count, "dtype": kind, **_georeference(chance)}
    if chance.random() < 0.4 and kind != "complex64":
        options["nodata"] = chance.choice([0, 100])
    if chance.random() < 0.5:
        options |= {"tiled": True, "blockxsize": 64, "blockysize": 64, "compress": chance.choice(["deflate", "lzw"])}
    values = (np.random.default_rng(seed).random((count, height, width)) * 120).astype(kind)
    if kind.startswith("float"):
        values[..., 0] = chance.choice([np.nan, np.inf, 0])
    with rasterio.open(path, "w", "GTiff", **options) as raster:
        raster.write(values)
        if chance.random() < 0.2:
            raster.scales, raster.offsets = [0.01] * count, [chance.choice([0, 273.15, np.nan])] * count
        if chance.random() < 0.3:
            raster.update_tags(TIFFTAG_DATETIME=chance.choice(["2020:01:02 03:04:05", "0000:00:00 00:00:00", "junk"]))
            raster.set_band_description(1, chance.choice(["ice", "<b>x</b>", "x" * 500]))
        if kind == "uint8" and chance.random() < 0.5:
            raster.write_colormap(1, {value: (value, 0, 255 - value, 255) for value in range(256)})


def write_text(path: Path, seed: int) -> None:
    """Write a table as text: delimiters, decimal marks, encodings, gaps and heads that spreadsheets write."""
    chance = random.Random(seed)
    mark = chance.choice([",", ";", "\t"])
    names = chance.choice(
        [["time", "latitude", "longitude", "temp"], ["Date", "LAT", "LON", "T [°C]"], ["a", "a", "", "b"]]
    )
    lines = [mark.join(names)] * (chance.random() < 0.9)
    for number in range(chance.choice([0, 1, 30])):
        place = chance.choice([("70.5", "-20.25"), ("91", "500"), ("", ""), ("70,5", "20,1")])
        moment = chance.choice([f"2020-01-{number % 28 + 1:02d}", "yesterday", "", "2020-13-45T99:00Z"])
        cells = [moment, *place, chance.choice(["1.5", "nan", '"x, y"', "-9999", "=1+1"])]
        lines.append(mark.join(cells[: chance.choice([4, 4, 4, 3])]))
    text = chance.choice(["\n", "\r\n", "\r"]).join(lines)
    path.write_bytes(text.encode(chance.choice(["utf-8", "utf-8-sig", "latin-1", "utf-16"]), "replace"))


def _groups(file, chance, make):
    yield file
    if make is not None and chance.random() < 0.35:
        inner = make(file, "g")
        yield inner
        if chance.random() < 0.5:
            yield make(inner, "hå é")


def _attributes(put, chance):
    values = (np.float32(1.5), np.arange(3, dtype="i4"), "text å", np.int8(-3), np.array([0.5, 2.0]), "")
    for number in range(chance.randint(0, 3)):
        put(chance.choice(["long_name", "odd.name", "flag_values", "comment"]) + str(number), chance.choice(values))


def _scales(group, chance):
    for name in "tyx":
        if chance.random() < 0.8:
            size = chance.choice([0, *LENGTHS])
            growing = {"maxshape": (None,), "chunks": (chance.choice([1, 4, 512]),)} if chance.random() < 0.4 else {}
            data = np.arange(size, dtype=chance.choice(["i4", "f8", ">f4"]))
            scale = group.create_dataset(name, data=data, **growing)
            scale.make_scale(name if chance.random() < 0.7 else RESERVED % size)
            yield name, scale


def _dataset(group, name, scales, chance):
    use = [scale for scale in scales if chance.random() < 0.7]
    shape = tuple(len(scales[scale]) for scale in use)
    kind = chance.choice([*NUMBERS, ">i2", ">f4", ">f8", ">u4", "S1", "S7"])
    options = _storage(shape, kind, chance) if shape else {}
    if kind[0] != "S" and chance.random() < 0.3:
        options["fillvalue"] = chance.choice([0, 7])
    if chance.random() < 0.2:
        options["fill_time"] = chance.choice(["alloc", "ifset"])
    dataset = group.create_dataset(name, shape=shape, dtype=kind, **options)
    if 0 not in shape and chance.random() < 0.8:
        part = tuple(slice(0, size if chance.random() < 0.7 else chance.randint(0, size)) for size in shape)
        dataset[part or ...] = _values(np.empty(shape, bool)[part].shape, kind, chance)
    for place, scale in enumerate(use):
        dataset.dims[place].attach_scale(scales[scale])
    if kind[0] != "S" and chance.random() < 0.3:
        dataset.attrs.create("_FillValue", chance.choice([7, 0]), dtype=np.dtype(kind))
    if kind[0] != "S" and chance.random() < 0.15:
        dataset.attrs["scale_factor"] = chance.choice([np.float64(0.1), np.float32(0.5)])


def _storage(shape, kind, chance):
    if chance.random() < 0.25:
        return {}
    options = {"chunks": tuple(chance.randint(1, max(1, size)) for size in shape), "shuffle": chance.random() < 0.4}
    if chance.random() < 0.4:
        options["maxshape"] = (chance.choice([None, max(1, shape[0])]), *(max(1, size) for size in shape[1:]))
    options["compression"] = chance.choice([None, "gzip", "gzip", "lzf"])
    options["fletcher32"] = chance.random() < 0.3
    if chance.random() < 0.05 and kind[-2] in "iu":
        options["scaleoffset"] = 0
    return {} if 0 in shape and "maxshape" not in options else options


def _values(shape, kind, chance):
    numbers = np.random.default_rng(chance.getrandbits(32))
    return numbers.choice([b"a", b"bc", b""], shape) if kind[0] == "S" else numbers.integers(0, 100, shape).astype(kind)


def _variable(group, name, kind, dimensions, chance):
    use = [dimension for dimension in dimensions if chance.random() < 0.5]
    chance.shuffle(use)
    use.sort(key=lambda dimension: dimensions[dimension] is not None)
    more = [*NUMBERS, str] if kind == "NETCDF4" else NUMBERS if kind.endswith("DATA") else CLASSIC
    of = chance.choice([*more, "S1"])
    options = {} if of is str else {"fill_value": chance.choice([None, None, b"-" if of == "S1" else 7])}
    if use and of is not str and not kind.startswith("NETCDF3") and chance.random() < 0.6:
        options["chunksizes"] = [chance.randint(1, dimensions[dimension] or 8) for dimension in use]
        options |= {
            "zlib": chance.random() < 0.5,
            "shuffle": chance.random() < 0.5,
            "fletcher32": chance.random() < 0.3,
        }
    variable = group.createVariable(name, of, use, **options)
    if of not in (str, "S1"):
        _said(variable, of, chance)
    if chance.random() < 0.8:
        part = [
            chance.choice([1, 3, 9]) if dimensions[dimension] is None else dimensions[dimension] for dimension in use
        ]
        part = [size if chance.random() < 0.7 else chance.randint(1, size) for size in part]
        data = np.array([chance.choice(TEXTS) for _ in range(int(np.prod(part)))], object).reshape(part)
        variable[tuple(map(slice, part)) or ...] = (
            (data if use else data[()]) if of is str else _values(part, of, chance)
        )


def _said(variable, kind, chance):
    said = {
        "units": chance.choice(["days since 2000-01-01", "seconds since 1970-01-01 00:00:00", "degree_north", "m s-1"]),
        "coordinates": chance.choice(["x y", "lat lon", "nothing"]),
        "scale_factor": chance.choice([0.1, np.float32(0.01), 2.0]),
        "add_offset": chance.choice([5.0, np.float32(273.15), 0.0]),
        "missing_value": np.array(chance.choice([7, 0, 99])).astype(kind),
        "valid_range": np.array([0, 50]).astype(kind),
    }
    chosen = [name for name in said if chance.random() < 0.15]
    packed = "units" not in chosen or "since" not in said["units"]  # packed times decode as their numbers are rounded
    for name in chosen:
        if packed or name not in {"scale_factor", "add_offset"}:
            variable.setncattr(name, said[name])


def _told(file, chance):
    said = {
        "title": chance.choice(["A title", "  ", "Tïtle <b>&", "x" * 3000]),
        "time_coverage_start": chance.choice(["2020-01-01", "2020-13-45", "yesterday", "2020-01-01T00:00:00Z/P1D"]),
        "geospatial_lat_min": chance.choice([70.0, 95.0, np.nan]),
        "geospatial_lat_max": chance.choice([80.0, 60.0, 100.0]),
        "geospatial_lon_min": chance.choice([0.0, 170.0, 350.0, -200.0]),
        "geospatial_lon_max": chance.choice([20.0, -170.0, 370.0]),
        "Conventions": chance.choice(["CF-1.8", "ACDD-1.3", ""]),
        "license": chance.choice(["CC-BY-4.0", "http://x/<script>", ""]),
        "creator_email": chance.choice(["a@b.c", "javascript:alert(1)", "a@b, c@d"]),
    }
    for name, value in said.items():
        if chance.random() < 0.5:
            file.setncattr(name, value)


def _time(file, chance):
    time = file.createVariable("time", chance.choice(["f8", "i4", "f4"]), ("time",))
    time.standard_name = "time"
    time.units = chance.choice(
        ["days since 2000-01-01", "seconds since 1970-01-01", "hours since 1800-01-01 00:00:0.0", "foo",
         "months since 2000-01-01", "days since 0000-00-00", "days since 2020-02-30", "day as %Y%m%d.%f"]
    )  # fmt: skip
    if chance.random() < 0.4:
        time.calendar = chance.choice(["360_day", "noleap", "julian", "standard", "martian", "none"])
    time[:] = np.arange(time.size) * chance.choice([1, 0.5, 1e3, -5]) if chance.random() < 0.85 else -1


def _places(file, shape, chance):
    dimensions = {"grid": (("y",), ("x",)), "curvilinear": (("y", "x"),) * 2, "trajectory": (("time",),) * 2}
    if shape == "none":
        return
    along = dimensions.get(shape, ((), ()))
    latitudes = chance.choice([(60, 85), (85, 60), (-90, 90), (88, 90), (100, 200), (np.nan, np.nan)])
    longitudes = chance.choice([(0, 359), (-180, 180), (170, 190), (10, 10), (-500, 500), (350, 10)])
    names = chance.choice([("lat", "lon"), ("latitude", "longitude"), ("LATITUDE", "LONGITUDE")])
    units = chance.choice([("degrees_north", "degrees_east"), ("degrees", "degrees"), ("", "")])
    for name, unit, use, (first, last) in zip(names, units, along, (latitudes, longitudes), strict=True):
        variable = file.createVariable(name, "f8", use)
        variable.units = unit
        values = np.linspace(first, last, max(1, variable.size)).reshape(variable.shape)
        if values.size > 2 and chance.random() < 0.2:
            values.flat[1] = np.nan
        variable[...] = values


def _georeference(chance):
    system = chance.choice([None, "EPSG:4326", "EPSG:3413", "EPSG:32633", "EPSG:3995"])
    grids = [from_origin(-1e6, 1e6, 1000, 1000), Affine(700, 700, 0, 700, -700, 0), from_origin(1e12, 0, 1, 1)]
    if system == "EPSG:4326":
        grids = [from_origin(-180, 90, 0.5, 0.1), from_origin(170, 80, 0.1, 0.05), from_origin(0, 100, 1, 1)]
    points = [GroundControlPoint(0, 0, -10, 80), GroundControlPoint(0, 1, 10, 80), GroundControlPoint(1, 0, -10, 70)]
    known = [{"gcps": points}] if system else []
    where = chance.choice([{}, *({"transform": grid} for grid in grids), *known])
    return {"crs": system, **where}


WRITERS = {
    "hdf5": ("h5", write_hdf5),
    "netcdf": ("nc", write_netcdf),
    "cf": ("nc", write_cf),
    "geotiff": ("tif", write_geotiff),
    "text": ("csv", write_text),
}


def write(kind: str, folder: Path, seed: int) -> Path | None:
    """Write the file of a kind and seed; None where the library does not write such a one."""
    suffix, writer = WRITERS[kind]
    path = folder / f"{kind}-{seed:06d}.{suffix}"
    with contextlib.suppress(ValueError, RuntimeError, OverflowError, rasterio.errors.RasterioError):
        writer(path, seed)
        return path
    path.unlink(missing_ok=True)
    return None
