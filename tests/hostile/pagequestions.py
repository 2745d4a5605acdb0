"""Questions as the page's form asks them of a random file, and their answers found by brute force.

Otherwise than `iaos extract`, the page asks of one variable, in the units of the file and in its order: a series at one
depth, a profile at one time, a map at one of each. One depth or time is the nearest there is. Ragged arrays are read as
they lie, and depths that differ from cast to cast count as an index. The nearest place is that on a sphere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import netCDF4
import numpy as np
import pandas as pd
import xarray as xr
from pyproj import Geod, Transformer

from tests.hostile.byhand import CLOSE, NAMES, VERTICALS, floats, parts_by_hand
from tests.hostile.randomcuts import _between, _box
from tests.hostile.randomshapes import PROJECTION

REAL = {"standard", "gregorian", "proleptic_gregorian"}
LEVELS = re.compile(r"(depths?|z|height|alt(itude)?|lev(el)?s?|plev|pres(sure)?)", re.IGNORECASE)
SPHERE = Geod(a=6371008.8, b=6371008.8)
DAY_MS = 86_400_000


@dataclass
class Known:
    """A variable as a page has to understand it.

    Attributes:
        rows: A row for each value in the order of the file; coordinates, the value ``v`` and indices ``at DIM``.
        dims: Its dimensions.
        coordinates: Column → name in the file and unit, of those that lie along one dimension.
        along: Column → that dimension.
        place: How positions are given; None where they are not.
        kinds: What can be asked.
        depth: Column of depths or of their index.
        real: Whether times are of a real calendar.
    """

    name: str
    rows: pd.DataFrame
    dims: tuple[str, ...]
    coordinates: dict[str, tuple[str, str]] = field(default_factory=dict)
    along: dict[str, str] = field(default_factory=dict)
    place: str | None = None
    kinds: list[str] = field(default_factory=list)
    depth: str | None = None
    real: bool = False

    @property
    def through(self):
        """Whether each time has a position of its own, as along a cruise."""
        return self.place == "points" and self.along["lat"] == self.along.get("time")


def understood(laid, name) -> Known:
    """Work out from how a file was laid out what a page can be asked of one of its variables."""
    parts = parts_by_hand(laid, unrolled=False)
    dims = parts[name].dims
    near = {role: part for role, part in parts.items() if role not in {"v", "w", "label"} and {*part.dims} <= {*dims}}
    known = Known(name, pd.DataFrame(), dims)
    with netCDF4.Dataset(laid.path) as file:
        names = {role: next((n for n in names if n in file.variables), None) for role, names in
                 {**NAMES, "depth": VERTICALS, "x": ("x",), "y": ("y",)}.items()}  # fmt: skip
        if laid.mapped:
            near |= {one: xr.DataArray(floats(file[one][...]), dims=(one,)) for one in "xy" if one in dims}
        if "depth" in near:
            near["depth"] = xr.DataArray(floats(file[names["depth"]][...]), dims=parts["depth"].dims)
        if "time" in near:
            said = file[names["time"]]
            known.real = getattr(said, "calendar", "standard") in REAL
            raw = xr.DataArray(floats(said[...]), dims=near["time"].dims)
            near["time"] = _milliseconds(near["time"]) if known.real else raw
        for role, part in near.items():
            if part.ndim == 1 and names[role] is not None:
                unit = "UTC" if role == "time" and known.real else file[names[role]].units
                known.coordinates[role], known.along[role] = (names[role], unit), part.dims[0]
    near["v"] = parts[name]
    near |= {f"at {dim}": xr.DataArray(np.arange(parts[name].sizes[dim]), dims=(dim,)) for dim in dims}
    together = xr.broadcast(*near.values())
    rows = {one: part.transpose(*dims).to_numpy().ravel() for one, part in zip(near, together, strict=True)}
    known.rows = pd.DataFrame(rows)
    _roles(known, laid, near)
    return known


def _milliseconds(moments):
    def one(moment):
        if moment is None:
            return np.nan
        begun = datetime(*moment[:5], tzinfo=UTC) + timedelta(seconds=round(moment[5], 3))
        return (begun - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1)

    found = np.array([one(moment) for moment in moments.to_numpy().ravel()], dtype=float)
    return moments.copy(data=found.reshape(moments.shape))


def _roles(known, laid, near):
    if {"lat", "lon"} <= near.keys():
        if laid.mapped and "lat" not in laid.written:
            known.place = "projected"
        elif near["lat"].ndim == 2:
            known.place = "cells"
        elif near["lat"].ndim == 1:
            known.place = "points" if near["lat"].dims == near["lon"].dims else "grid"
        elif not near["lat"].ndim:
            known.place = "one"
    placed = {*near["lat"].dims, *near["lon"].dims} if known.place else set()
    taken = placed | {known.along.get("time")}
    if known.along.get("depth") not in {None, *taken}:
        known.depth = "depth"
    else:
        level = next((dim for dim in known.dims if LEVELS.fullmatch(dim) and dim not in taken), None)
        known.depth = level and f"at {level}"
    known.kinds = [*(["series"] if "time" in known.along else []), *(["profile"] if known.depth else [])]
    known.kinds += ["map"] if known.place in {"grid", "cells", "projected"} else []
    known.kinds += ["subset"] if known.dims else []


def question(laid, known, chance) -> dict:
    """Return a question as the form makes it; infinite ends are as `JSON.parse` in `ask_page.mjs` understands them."""
    rows, kind = known.rows, chance.choice(known.kinds)
    asked = {"kind": kind, "variable": known.name}
    single = kind in {"series", "profile"}
    if single and known.place not in {None, "one"} and not (kind == "series" and known.through):
        place = rows.iloc[chance.randrange(len(rows))]
        near = (place.lon + chance.uniform(-9, 9), max(-90, min(90, place.lat + chance.uniform(-5, 5))))
        far = (chance.uniform(-180, 360), chance.uniform(-20 if known.place == "projected" else -90, 90))
        asked["point"] = [round(float(one), 3) for one in chance.choice([near, near, (place.lon, place.lat), far])]
    if kind == "subset" and known.place not in {None, "one"} and chance.random() < 0.6:
        asked["box"] = [*map(float, _box(laid, rows, chance))]
        for side, end in enumerate((-180, -90, 180, 90)):
            if chance.random() < 0.1:
                asked["box"][side] = end
    if "time" in known.along:
        times = rows.time.dropna().unique()
        if kind in {"profile", "map"} and not known.through:
            if len(times):
                asked["time"] = [float(chance.choice(times))] * 2
        elif chance.random() < 0.5 and len(times):
            asked["time"] = _period(times, known.real, chance)
    if known.depth and kind in {"series", "map"}:
        asked["depth"] = [float(chance.choice(rows[known.depth].dropna().unique()))] * 2
    elif known.depth and kind == "subset" and chance.random() < 0.5:
        ends = [*map(float, _between(rows[known.depth].dropna().to_numpy(), chance))]
        asked["depth"] = _opened(ends, chance)
    return asked


INFINITE = ("-Infinity", "Infinity")


def _period(times, real, chance):
    """Return the first and last moment of two days, of which one may be left open, or two numbers."""
    ends = sorted(float(chance.choice(times)) for _ in "ab")
    if real:
        ends = [end // DAY_MS * DAY_MS for end in ends]
        ends[1] += DAY_MS - 1
    return _opened(ends, chance)


def _opened(ends, chance):
    return [end if chance.random() < 0.7 else infinite for end, infinite in zip(ends, INFINITE, strict=True)]


def chosen(known, asked) -> list[pd.DataFrame]:
    """Return what answers a question; several possibilities where places are equally near."""
    left, kind = known.rows, asked["kind"]
    if "box" in asked:
        west, south, east, north = asked["box"]
        width = 360 if east - west >= 360 else (east - west) % 360
        along = (left.lon - west + CLOSE) % 360 <= width + 2 * CLOSE
        left = left[along & left.lat.between(south - CLOSE, north + CLOSE)]
    firsts = {"series": [known.depth], "profile": ["time"], "map": ["time", known.depth]}.get(kind, [])
    if kind == "profile" and known.through:
        firsts = []
    for one, wanted in (("time", asked.get("time")), (known.depth, asked.get("depth"))):
        if wanted:
            left = _within(left, one, [*map(float, wanted)], nearest=one in firsts)
    for one in firsts:
        dim = known.along.get(one, str(one).removeprefix("at "))
        if dim in known.dims and len(left):
            left = left[left[f"at {dim}"] == left[f"at {dim}"].min()]
    if "point" not in asked or left.empty:
        return [left]
    return [*_nearest(known, left, asked["point"])]


def _within(rows, name, asked, *, nearest):
    low, high = asked
    if nearest and low == high:
        apart = (rows[name] - low).abs()
        return rows[apart == apart.min()]
    slack = 1e-3 if name == "time" else 2e-7 * max(abs(end) for end in (low, high, 0) if np.isfinite(end))
    return rows[rows[name].between(low - slack, high + slack)]


def _nearest(known, rows, point):
    """Yield the rows of each place that may be called the nearest: on the grid's own plane where it is projected."""
    if known.place == "projected":
        x, y = Transformer.from_crs("EPSG:4326", PROJECTION, always_xy=True).transform(*point)
        scale = 1000.0 if known.coordinates["x"][1] == "km" else 1.0
        apart = np.hypot(rows.x * scale - x, rows.y * scale - y)
        near = apart <= apart.min() * (1 + 1e-9) + 0.01
    else:
        metres = away(point, rows.lon, rows.lat)
        near = metres <= metres.min() + 1.0
    dims = dict.fromkeys(known.along[one] for one in ("lat", "lon", "y", "x") if one in known.along)
    dims = [*dims] or ["y", "x"]
    for _, cell in rows[near].groupby([f"at {dim}" for dim in dims]):
        yield cell.sort_index()


def away(point, longitudes, latitudes):
    """Return distances on the sphere, metres."""
    count = len(longitudes)
    return SPHERE.inv(np.full(count, point[0]), np.full(count, point[1]), longitudes, latitudes)[2]
