"""Reads random observations and chooses among them by brute force, with netCDF4, xarray and numpy alone."""

from __future__ import annotations

import calendar
import re

import netCDF4
import numpy as np
import pandas as pd
import xarray as xr
from pyproj import Geod, Transformer

from builder.reading.axes import depth_of_pressure
from tests.hostile.randomshapes import PROJECTION

GEOD = Geod(ellps="WGS84")
NAMES = {"lat": ("lat", "nav_lat", "LATITUDE"), "lon": ("lon", "nav_lon", "LONGITUDE"), "time": ("time", "TIME")}
VERTICALS = ("PRES", "depth", "z", "level", "DEPTH")
CLOSE = 2e-5
"""Degrees that 32-bit numbers do not tell apart."""


def parts_by_hand(laid, *, unrolled=True) -> dict[str, xr.DataArray]:
    """Return places, depths, times and values of a file, read without our code."""
    with netCDF4.Dataset(laid.path) as file:
        read = {name: _unpacked(file[name]) if name in laid.numbers else file[name][...] for name in file.variables}
        dims = {name: tuple(laid.moved.get(d, d) for d in file[name].dimensions) for name in file.variables}
        since = {name: file[name].__dict__ for name in file.variables}
    parts = {}
    for role, names in NAMES.items():
        name = next((n for n in names if n in read), None)
        if name is not None:
            values = _moments(read[name], since[name]) if role == "time" else floats(read[name])
            parts[role] = xr.DataArray(values, dims=dims[name])
    if laid.mapped:
        scale = 1000.0 if since["x"]["units"] == "km" else 1.0
        x, y = np.meshgrid(read["x"] * scale, read["y"] * scale)
        lon, lat = Transformer.from_crs(PROJECTION, "EPSG:4326", always_xy=True).transform(x, y)
        parts |= {"lon": xr.DataArray(lon, dims=("y", "x")), "lat": xr.DataArray(lat, dims=("y", "x"))}
    vertical = next((n for n in VERTICALS if n in read), None)
    if vertical:
        parts["depth"] = laid.sign * xr.DataArray(floats(read[vertical]), dims=dims[vertical])
    parts |= {name: xr.DataArray(floats(read[name]), dims=dims[name]) for name in laid.numbers}
    if "label" in read:
        parts["label"] = xr.DataArray(read["label"], dims=dims["label"])
    for name in laid.ragged if unrolled else ():
        parts = _unrolled(parts, read[name], since[name], dims)
    return parts


def by_hand(laid) -> pd.DataFrame:
    """Return a row for each value of a file: place, depth and time beside it."""
    parts = parts_by_hand(laid)
    together = xr.broadcast(*(part.drop_vars(part.coords) for part in parts.values()))
    order = parts["v"].dims
    rows = pd.DataFrame(
        {name: part.transpose(*order).to_numpy().ravel() for name, part in zip(parts, together, strict=True)}
    )
    cells = [d for d in order if d in {*parts["lat"].dims, *parts["lon"].dims}]
    shape = [parts["v"].sizes[d] for d in cells]
    at = xr.DataArray(np.arange(np.prod(shape, dtype=int)).reshape(shape), dims=cells)
    rows["cell"] = at.broadcast_like(parts["v"]).transpose(*order).to_numpy().ravel()
    if laid.shape not in {"grid", "bent", "mapped"}:
        rows["cell"] = rows.groupby(["lon", "lat"]).ngroup()
    if laid.pressure:
        mean = parts["lat"].mean()
        lats = rows.lat if parts["lat"].dims == parts["depth"].dims else float(mean)
        rows["depth"] = depth_of_pressure(rows["depth"].to_numpy(), np.asarray(lats))
    return rows


def _unpacked(variable):
    """Return numbers as their attributes mean them (netCDF4 itself stumbles over unsigned bytes without fill value)."""
    variable.set_auto_maskandscale(False)
    said, raw = variable.__dict__, np.asarray(variable[...])
    unsigned = f"u{raw.dtype.itemsize}" if said.get("_Unsigned") == "true" else raw.dtype.newbyteorder("=")
    raw = raw.astype(raw.dtype.newbyteorder("=")).view(unsigned)
    low, high = np.asarray(said.get("valid_range", [0, 1 << 20])).tolist()
    gone = (raw < low) | (raw > high) | np.isin(raw, [said[n] for n in ("_FillValue", "missing_value") if n in said])
    return np.where(gone, np.nan, raw * said.get("scale_factor", 1.0) + said.get("add_offset", 0.0))


def floats(values):
    return np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan)


def _moments(values, said):
    """Return times as tuples of year to second, of which the last has fractions; None where missing."""
    found = np.ma.asarray(netCDF4.num2date(values, said["units"], said.get("calendar", "standard")))
    gone = np.ma.getmaskarray(found).ravel()
    moments = np.empty(found.size, dtype=object)
    for at, moment in enumerate(np.ma.getdata(found).ravel()):
        moments[at] = None if gone[at] else (*moment.timetuple()[:5], moment.second + moment.microsecond / 1e6)
    return moments.reshape(found.shape)


def _unrolled(parts, given, said, dims):
    inner = said.get("sample_dimension")
    outer = said.get("instance_dimension") or dims["row_size"][0]
    own = inner or dims["which"][0]
    index = np.repeat(np.arange(len(given)), np.asarray(given)) if inner else np.asarray(given)
    taken = xr.DataArray(index, dims=own)
    return {name: part.isel({outer: taken}) if outer in part.dims else part for name, part in parts.items()}


def chosen(rows, asked) -> list[pd.DataFrame]:
    """Return what answers a question, by brute force; several possibilities where places are equally near."""
    left = pd.Series(True, index=rows.index)
    if "time" in asked:
        first, last = (_ends(word, latest) for word, latest in zip(asked["time"], (False, True), strict=True))
        left &= rows.time.map(
            lambda t: t is not None and (not first or whole(t) >= first) and (not last or whole(t) <= last)
        )
    if "depth" in asked:
        low, high = asked["depth"]
        slack = 1e-6 * max(abs(low), abs(high))
        left &= rows.depth.between(low - slack, high + slack)
    if "box" in asked:
        west, south, east, north = asked["box"]
        around = east - west >= 360 or (west, east) == (180, -180)
        along = (rows.lon - west + CLOSE) % 360 <= (east - west) % 360 + 2 * CLOSE
        left &= rows.lat.between(south - CLOSE, north + CLOSE) & (along | around)
    left = rows[left]
    place = asked.get("point") or asked.get("profile")
    if place is None or left.empty:
        return [left]
    metres = GEOD.inv(np.full(len(left), place[0]), np.full(len(left), place[1]), left.lon, left.lat)[2]
    nearest = left[metres <= metres.min() + 0.01]
    return [left[left.cell == cell] for cell in nearest.cell.unique()]


def _ends(word, latest):
    """Return the first or last second that words name."""
    if word == "..":
        return None
    numbers = [int(n) for n in re.findall(r"\d+", word)]
    if len(numbers) == 1:
        numbers.append(12 if latest else 1)
    if len(numbers) == 2:
        numbers.append(calendar.monthrange(*numbers)[1] if latest else 1)
    return tuple(numbers) + ((23, 59, 59) if latest else (0, 0, 0)) * (len(numbers) == 3)


def whole(moment):
    """Return a moment in whole seconds, begun up to a millisecond before."""
    days, seconds = moment[:3], round(moment[3] * 3600 + moment[4] * 60 + moment[5] + 0.00099999, 6)
    if seconds >= 86400:
        year, month, day = days
        last = calendar.monthrange(year, month)[1]
        days = (year, month, day + 1) if day < last else (year + month // 12, month % 12 + 1, 1)
        seconds = 0
    return (*days, int(seconds // 3600), int(seconds // 60 % 60), int(seconds % 60))
