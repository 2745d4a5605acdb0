"""Random NetCDF files in all shapes in which places, depths and times are stored, each made again by its seed.

Every value is different, so that a value tells which cell it comes from.
"""

from __future__ import annotations

import random
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

import netCDF4
import numpy as np
from pyproj import CRS, Transformer

EAST = {"units": "degrees_east", "standard_name": "longitude"}
NORTH = {"units": "degrees_north", "standard_name": "latitude"}
CLASSIC = ("NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET")
CALENDARS = (None, None, "standard", "gregorian", "proleptic_gregorian", "julian", "noleap", "360_day")
UNITS = ("days", "hours", "minutes", "seconds")
PROJECTION = CRS("EPSG:3413")


@dataclass
class Laid:
    """How a file is laid out.

    Attributes:
        path: The file.
        shape: Name of its shape.
        numbers: Variables of values; the first has all dimensions.
        moved: Dimension → the one that stands for it, where each position has a dimension of its own.
        ragged: Variables that say how values belong to instances, inner ones first.
        pressure: Whether depths are given as pressures.
        sign: What makes a vertical coordinate a depth in metres.
        mapped: Whether positions follow from projected coordinates.
        written: Name → type, dimensions, values and attributes, as written.
    """

    path: Path
    shape: str
    numbers: list[str] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    ragged: list[str] = field(default_factory=list)
    pressure: bool = False
    sign: float = 1.0
    mapped: bool = False
    written: dict[str, tuple] = field(default_factory=dict)

    def add(self, name, dims, values, attributes=None, kind="f8"):
        """Add a variable."""
        self.written[name] = (kind, tuple(dims), np.asarray(values), dict(attributes or {}))


def lay(path: Path, seed: int) -> Laid:
    """Think of a file."""
    chance = random.Random(seed)
    shape = chance.choice([*SHAPES])
    laid = Laid(path, shape)
    dims = SHAPES[shape](laid, chance)
    _values(laid, dims, chance)
    return laid


def write(laid: Laid, seed: int) -> None:
    """Write a file that was thought of."""
    chance = random.Random(-seed - 1)
    narrow = all(kind in {"i1", "i2", "i4", "f4", "f8"} for kind, *_ in laid.written.values())
    form = chance.choice(["NETCDF4", "NETCDF4", *(("NETCDF4_CLASSIC", *CLASSIC) if narrow else ())])
    first = laid.written[laid.numbers[0]][1]
    grows = first[0] if chance.random() < 0.4 else None
    growing = chance.random() < 0.3
    names = [*laid.written]
    chance.shuffle(names)
    with netCDF4.Dataset(laid.path, "w", format=form) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file.title = "Random observations"
        for name in names:
            _, dims, values, _ = laid.written[name]
            for dim, size in zip(dims, values.shape, strict=True):
                if dim not in file.dimensions:
                    file.createDimension(dim, None if dim == grows else size)
        for name in names:
            kind, dims, values, attributes = laid.written[name]
            said = dict(attributes)
            options = {"fill_value": said.pop("_FillValue", None)} if kind is not str else {}
            if kind is not str and form == "NETCDF4":
                options["endian"] = chance.choice(["native", "native", "big"])
                options["zlib"] = growing and bool(dims)
            if grows in dims and dims.index(grows) and form in CLASSIC:
                raise ValueError("only the first dimension may grow")
            variable = file.createVariable(name, kind, dims, **options)
            variable.set_auto_maskandscale(False)
            variable.setncatts(said)
            variable[...] = values.astype(object if kind is str else kind)


def granules(laid: Laid, seed: int) -> list[Path]:
    """Write a file once more, as two that follow one another in time; none where its values have no such dimension."""
    length = dict(zip(laid.written["v"][1], laid.written["v"][2].shape, strict=True)).get("time", 1)
    paths = []
    for start, stop in ((0, length // 2), (length // 2, length)) if length > 1 else ():
        part = slice(start, stop)
        written = {
            name: (kind, dims, values[tuple(part if dim == "time" else slice(None) for dim in dims)], said)
            for name, (kind, dims, values, said) in laid.written.items()
        }
        paths.append(laid.path.with_stem(f"{laid.path.stem}-{start}"))
        write(replace(laid, path=paths[-1], written=written), seed)
    return paths


def _latitudes(chance, size):
    low, high = chance.choice([(60, 85), (-90, 90), (70, 90), (-80, -60), (78, 79)])
    values = np.linspace(low, high, size) if size > 1 else np.array([chance.choice([low, 71.3])])
    return np.round(values[:: chance.choice([1, -1])], 2)


def _longitudes(chance, size):
    low, high = chance.choice([(0, 330), (-180, 150), (170, 190), (350, 370), (-20, 40), (-180, 180), (10.1, 20.3)])
    values = np.linspace(low, high, size) if size > 1 else np.array([chance.choice([low, 179.9])])
    if chance.random() < 0.3:
        values = (values + 180) % 360 - 180
    return np.round(values[:: chance.choice([1, -1])], 2)


def _stored(laid, name, dims, values, attributes, chance):
    """Add positions in some type, of which packed ones have their own steps."""
    kind = chance.choice(["f4", "f8", "f8", "i2", "i4"])
    said = dict(attributes)
    if kind == "i2":
        values = np.rint(values)
    if kind == "i4":
        said["scale_factor"] = 1e-4
        values = np.rint(values * 1e4)
    laid.add(name, dims, values, said, kind)


def _time(laid, dims, size, chance, name="time"):
    unit, calendar = chance.choice(UNITS), chance.choice(CALENDARS)
    kind = chance.choice(["f8", "f8", "f4", "i4"])
    step = chance.choice([1, 7, 31, 400]) if kind in {"f4", "i4"} else chance.choice([1, 1 / 24, 1 / 3, 0.1, 35.0])
    first = chance.choice([0, 100, 20000]) * {"days": 1, "hours": 24, "minutes": 1440, "seconds": 86400}[unit]
    steps = np.arange(size) * step
    said = {"units": f"{unit} since {chance.choice(['1950-01-01', '1995-01-01T00:00:00Z', '2000-01-01 12:00:00'])}"}
    said |= {"standard_name": "time"} | ({"calendar": calendar} if calendar else {})
    if dims and name not in dims and chance.random() < 0.5:
        chance.shuffle(steps)
        if kind == "f8" and calendar in CALENDARS[:5]:
            said["_FillValue"] = -999.0
            steps = np.where([chance.random() < 0.2 for _ in steps], -999.0 - first, steps)
    elif chance.random() < 0.2:
        steps = steps[::-1]
    laid.add(name, dims, (first + steps) if dims else first, said, kind)


def _depth(laid, dims, shape, chance):
    """Add a vertical coordinate: depths, heights or pressures, to two dimensions with gaps at their end."""
    kind = chance.choice(["down", "up", "pressure", "km", "height"])
    metres = np.cumsum(np.full(shape, 10.1) + np.linspace(0, 3, int(np.prod(shape)) or 1).reshape(shape), axis=-1)
    said = {"down": {"units": "m", "positive": "down", "standard_name": "depth"},
            "up": {"units": "m", "positive": "up", "axis": "Z"},
            "pressure": {"units": "dbar", "standard_name": "sea_water_pressure"},
            "km": {"units": "km", "standard_name": "depth"},
            "height": {"units": "meters", "standard_name": "height"}}[kind]  # fmt: skip
    laid.pressure = kind == "pressure"
    laid.sign = {"up": -1.0, "height": -1.0, "km": 1000.0}.get(kind, 1.0)
    values = np.round(metres, 2) / laid.sign
    if len(dims) > 1:
        said["_FillValue"] = -9999.0
        values[..., -1] = np.where([chance.random() < 0.3 for _ in values[..., -1].ravel()],
                                   -9999.0, values[..., -1].ravel()).reshape(values.shape[:-1])  # fmt: skip
    name = {"pressure": "PRES", "down": "depth", "km": "depth"}.get(kind, "z")
    name = dims[0] if len(dims) == 1 and dims[0] != "obs" and kind in {"down", "up", "km", "height"} else name
    laid.add(name, dims, values, said, chance.choice(["f4", "f8"]))


def _sized(chance, *names):
    return {name: chance.choice([1, 2, 3, 5]) for name in names}


def _grid(laid, chance):
    sizes = _sized(chance, "time", "z", "lat", "lon")
    dims = [d for d in sizes if d in {"lat", "lon"} or chance.random() < 0.6]
    _stored(laid, "lat", ["lat"], _latitudes(chance, sizes["lat"]), NORTH, chance)
    _stored(laid, "lon", ["lon"], _longitudes(chance, sizes["lon"]), EAST, chance)
    if "z" in dims:
        _depth(laid, ["z"], (sizes["z"],), chance)
    if "time" in dims or chance.random() < 0.3:
        _time(laid, ["time"] if "time" in dims else [], sizes["time"], chance)
    if chance.random() < 0.3:
        chance.shuffle(dims)
    return {d: sizes[d] for d in dims}


def _bent(laid, chance):
    sizes = _sized(chance, "time", "y", "x")
    rows, columns = np.mgrid[: sizes["y"], : sizes["x"]]
    start = chance.choice([0, 170, 175, -179, 355])
    lon = start + 3.1 * columns + 1.3 * rows
    _stored(
        laid, "nav_lat", ["y", "x"], np.minimum(chance.choice([60, 80.5]) + 2.2 * rows + columns / 3, 90), NORTH, chance
    )
    _stored(laid, "nav_lon", ["y", "x"], lon if chance.random() < 0.5 else (lon + 180) % 360 - 180, EAST, chance)
    _time(laid, ["time"], sizes["time"], chance)
    if chance.random() < 0.3:
        _depth(laid, ["y", "x"], (sizes["y"], sizes["x"]), chance)
    return sizes


def _mapped(laid, chance):
    sizes = {"time": chance.choice([1, 3]), "y": chance.choice([2, 4]), "x": chance.choice([2, 5])}
    laid.mapped = True
    unit, scale = chance.choice([("m", 1.0), ("km", 1e-3)])
    x = chance.choice([-1e5, 0, 5e5]) + 25e3 * np.arange(sizes["x"])
    y = (chance.choice([-1e5, 25e3]) - 25e3 * np.arange(sizes["y"]))[:: chance.choice([1, -1])]
    laid.add("x", ["x"], x * scale, {"units": unit, "standard_name": "projection_x_coordinate"})
    laid.add("y", ["y"], y * scale, {"units": unit, "standard_name": "projection_y_coordinate"})
    said = PROJECTION.to_cf()
    said = said if chance.random() < 0.5 else {k: v for k, v in said.items() if k != "crs_wkt"}
    laid.add("crs", [], 0, said, "i4")
    if chance.random() < 0.5:
        lon, lat = Transformer.from_crs(PROJECTION, "EPSG:4326", always_xy=True).transform(*np.meshgrid(x, y))
        laid.add("lon", ["y", "x"], lon, EAST)
        laid.add("lat", ["y", "x"], lat, NORTH)
    _time(laid, ["time"], sizes["time"], chance)
    return sizes


def _casts(laid, chance):
    sizes = _sized(chance, "profile", "level")
    _scattered(laid, ["profile"], sizes["profile"], chance)
    own = chance.random() < 0.6
    _depth(
        laid, ["profile", "level"] if own else ["level"], tuple(sizes.values()) if own else (sizes["level"],), chance
    )
    return sizes


def _paired(laid, chance):
    casts = chance.choice([2, 3, 6])
    for name, of, said in (("LATITUDE", _latitudes, NORTH), ("LONGITUDE", _longitudes, EAST)):
        laid.add(name, [name], of(chance, casts), said, "f4")
        laid.moved[name] = "TIME"
    _time(laid, ["TIME"], casts, chance, "TIME")
    kind, dims, values, said = laid.written["TIME"]
    laid.written["TIME"] = kind, dims, values, said | {"calendar": "standard"}
    _depth(laid, ["TIME", "DEPTH"], (casts, 4), chance)
    return {"TIME": casts, "DEPTH": 4}


def _scattered(laid, dims, size, chance):
    lat, lon = _latitudes(chance, max(size, 1)), _longitudes(chance, max(size, 1))
    if size > 2 and chance.random() < 0.4:  # two at the same place
        lat[1], lon[1] = lat[0], lon[0]
    order = np.random.default_rng(chance.getrandbits(32)).permutation(size)
    _stored(laid, "lat", dims, lat[order], NORTH, chance)
    _stored(laid, "lon", dims, lon[order], EAST, chance)
    _time(laid, dims, size, chance)


def _ragged(laid, chance):
    count = chance.choice([1, 2, 4])
    rows = [chance.choice([0, 1, 3]) for _ in range(count - 1)] + [2]
    instance = chance.choice(["profile", "station", "trajectory"])
    _scattered(laid, [instance], count, chance)
    if chance.random() < 0.5:
        laid.add("row_size", [instance], rows, {"sample_dimension": "obs"}, "i4")
        laid.ragged = ["row_size"]
    else:
        index = np.random.default_rng(chance.getrandbits(32)).permutation(np.repeat(np.arange(count), rows))
        laid.add("which", ["obs"], index, {"instance_dimension": instance}, "i4")
        laid.ragged = ["which"]
    if chance.random() < 0.6:
        _depth(laid, ["obs"], (sum(rows),), chance)
    return {"obs": sum(rows)}


def _nested(laid, chance):
    stations, index, rows = 2, [0, 1, 0], [2, 1, 3]
    _stored(laid, "lat", ["station"], _latitudes(chance, stations), NORTH, chance)
    _stored(laid, "lon", ["station"], _longitudes(chance, stations), EAST, chance)
    laid.add("which", ["profile"], index, {"instance_dimension": "station"}, "i4")
    laid.add("row_size", ["profile"], rows, {"sample_dimension": "obs"}, "i4")
    laid.ragged = ["which", "row_size"]
    _time(laid, ["profile"], 3, chance)
    _depth(laid, ["obs"], (6,), chance)
    return {"obs": 6}


def _track(laid, chance):
    size = chance.choice([1, 4, 9])
    _scattered(laid, ["obs"], size, chance)
    if chance.random() < 0.5:
        _depth(laid, ["obs"], (size,), chance)
    return {"obs": size}


def _stations(laid, chance):
    sizes = _sized(chance, "station", "time")
    _scattered(laid, ["station"], sizes["station"], chance)
    _time(laid, ["time"], sizes["time"], chance)
    return {d: sizes[d] for d in chance.sample([*sizes], 2)}


def _mooring(laid, chance):
    sizes = _sized(chance, "time", "z")
    _stored(laid, "lat", [], _latitudes(chance, 1)[0], NORTH, chance)
    _stored(laid, "lon", [], _longitudes(chance, 1)[0], EAST, chance)
    _time(laid, ["time"], sizes["time"], chance)
    _depth(laid, ["z"], (sizes["z"],), chance)
    return sizes


SHAPES = {"grid": _grid, "bent": _bent, "mapped": _mapped, "casts": _casts, "paired": _paired, "ragged": _ragged,
          "nested": _nested, "track": _track, "stations": _stations, "mooring": _mooring}  # fmt: skip


def _values(laid, sizes, chance):
    """Add values: the first on all dimensions, another on some of them, of any type, packed or with gaps."""
    dims = [*sizes]
    some = [d for d in dims if chance.random() < 0.6] or dims[:1]
    for name, of in (("v", dims), ("w", some)):
        if name == "w" and chance.random() < 0.4:
            continue
        shape = tuple(sizes[d] for d in of)
        ids = np.arange(1, int(np.prod(shape)) + 1).reshape(shape)
        kind = chance.choice(["f4", "f8", "i2", "i4", *(("i1", "u1") if ids.size < 100 else ())])
        said = {"units": chance.choice(["K", "1", "degrees_C"]), "long_name": f"Values {name}"}
        packed = kind[0] != "f" and chance.random() < 0.6
        if packed:
            said |= {"scale_factor": chance.choice([0.01, 0.5]), "add_offset": chance.choice([0.0, 273.15])}
        if kind == "i1" and chance.random() < 0.5:
            said["_Unsigned"] = "true"
        fill = np.array(chance.choice([0, 120]), kind)[()]
        gaps = np.array([chance.random() < 0.2 for _ in range(ids.size)]).reshape(shape)
        marked = chance.choice(["_FillValue", "missing_value", "valid_range", None])
        if marked == "valid_range":
            said["valid_range"] = np.array([1, 119 if fill or kind[-1] == "1" else 20000], kind)
        elif marked:
            said[marked] = fill
        if marked:
            ids = np.where(gaps | (ids == fill), fill, ids)
        if laid.mapped:
            said["grid_mapping"] = "crs"
        laid.add(name, of, ids, said, kind)
        laid.numbers.append(name)
    if chance.random() < 0.2:
        laid.add("label", dims[:1], [f"Nº {number}" for number in range(sizes[dims[0]])], {}, str)
        laid.written["v"][3]["coordinates"] = "label"
