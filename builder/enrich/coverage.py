"""Computes where, when, how deep and on which grid a NetCDF file lies, from its coordinate values."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from builder.enrich.coordinates import LATITUDE, LONGITUDE, TIME, VERTICAL, downward, find, is_time, values
from builder.enrich.grids import grid_of
from builder.enrich.guard import first_line
from builder.enrich.places import box_of, merged, points_of
from builder.findings import Finding, note, warning
from builder.geometry.boxes import FARTHEST

MAX_GROUPS = 50
_METRES = {"m", "meter", "meters", "metre", "metres"}
EARLIEST, LATEST = 1600, 2300


def survey(path: Path, href: str) -> dict[str, Any]:
    """Return ``coverage``, ``projection`` and ``findings`` of a file as JSON values.

    Coordinates of all groups count, those of the groups around a group with its own. Values masked by a fill value
    do not; ``valid_range`` is not applied, because it is often given in packed numbers.
    """
    import netCDF4
    import xarray as xr

    from builder.enrich.correct import groups
    from builder.enrich.groupstore import group_store

    with netCDF4.Dataset(path) as file:
        own = {prefix: list(group.variables) for prefix, group in groups(file)}
        used = {frozenset(one.dimensions) for _, group in groups(file) for one in group.variables.values()}
        collected = _Collected(href, used, _kind(file.__dict__))
    for prefix in list(own)[: MAX_GROUPS + 1]:
        try:
            store = group_store(str(path), prefix.rstrip("/"))
            options: Any = {"decode_times": False, "decode_coords": False, "create_default_indexes": False}
            with xr.open_dataset(store, **options) as dataset:
                collected.add(dataset, own[prefix])
        except (ValueError, TypeError, OverflowError, RuntimeError) as trouble:
            message = f"coordinates of /{prefix}: {first_line(trouble)}"
            collected.findings.append(note("netcdf.coordinates-unread", href, message))
    return collected.result()


class _Collected:
    """What the groups of one file say together."""

    def __init__(self, href: str, used: Collection[frozenset[str]], kind: str) -> None:
        self.href = href
        self.used = used
        self.kind = kind
        self.findings: list[Finding] = []
        self.geometries: list[dict[str, Any]] = []
        self.boxes: list[tuple[float, float, float, float]] = []
        self.instants: list[datetime] = []
        self.levels: list[float] = []
        self.projection: dict[str, Any] | None = None

    def add(self, dataset: Any, own: Collection[str]) -> None:
        """Take in a group; positions that lie in a group around it, ``own`` having none, were taken in with that."""
        self._place(dataset, own)
        self._time(dataset)
        self._vertical(dataset)

    def result(self) -> dict[str, Any]:
        coverage = {
            "geometry": merged(self.geometries),
            "boxes": sorted(set(self.boxes)),
            "start": min(self.instants).isoformat() if self.instants else None,
            "end": max(self.instants).isoformat() if self.instants else None,
            "vertical": [min(self.levels), max(self.levels), "m"] if self.levels else None,
        }
        return {"coverage": coverage, "projection": self.projection, "findings": list(dict.fromkeys(self.findings))}

    def _place(self, dataset: Any, own: Collection[str]) -> None:
        grid = grid_of(dataset)
        if grid is not None:
            self.projection = grid.projection
            if footprint := grid.footprint():
                self.geometries.append(dict(footprint))
                return
        latitude, longitude = find(dataset, LATITUDE), find(dataset, LONGITUDE)
        if latitude is None or longitude is None:
            return
        if any(one is latitude or one is longitude for name, one in dataset.variables.items() if name in own):
            self._positions(dataset, latitude, longitude)

    def _positions(self, dataset: Any, latitude: Any, longitude: Any) -> None:
        lon, lat = values(longitude), values(latitude)
        if np.nanmax(np.abs(lat), initial=0) > 90.0 or np.nanmax(np.abs(lon), initial=0) > FARTHEST:
            message = "some coordinates lie outside of the globe and were left out"
            self.findings.append(warning("netcdf.coordinates-outside", self.href, message))
        crossed = latitude.dims != longitude.dims and not self._in_pairs(dataset, latitude, longitude)
        if longitude.ndim == 2 or crossed:
            self.boxes += filter(None, [box_of(lon, lat)])
        else:
            track = _is_track(dataset, self.kind)
            self.geometries += map(dict, filter(None, [points_of(lon, lat, track=track)]))

    def _in_pairs(self, dataset: Any, latitude: Any, longitude: Any) -> bool:
        """Tell whether positions of two dimensions belong together, one for each time.

        So they do in OceanSITES and Copernicus profile files, where no variable of any group has both dimensions.
        """
        together = any({*latitude.dims, *longitude.dims} <= dims for dims in self.used)
        timed = any(is_time(variable) and variable.shape == latitude.shape for variable in dataset.variables.values())
        return latitude.ndim == 1 and latitude.shape == longitude.shape and timed and not together

    def _time(self, dataset: Any) -> None:
        time = _time_of(dataset)
        numbers = np.empty(0) if time is None else values(time)
        numbers = numbers[np.isfinite(numbers)]
        if time is None or not numbers.size:
            return
        units, calendar = str(time.attrs["units"]), str(time.attrs.get("calendar", "standard")).lower()
        for number in sorted({float(numbers.min()), float(numbers.max())}):
            try:
                self.instants.append(real_instant(number, units, calendar))
            except (ValueError, OverflowError) as trouble:
                message = f"{number:g} {units} ({calendar}): {first_line(trouble)}"
                self.findings.append(warning("netcdf.time-unread", self.href, message))

    def _vertical(self, dataset: Any) -> None:
        variable = find(dataset, VERTICAL)
        if variable is None or str(variable.attrs.get("units", "")).lower() not in _METRES:
            return
        name = next(str(n) for n, v in dataset.variables.items() if v is variable)
        levels = values(variable)
        levels = levels[np.isfinite(levels) & (np.abs(levels) < 1e6)]
        if levels.size:
            sign = -1.0 if downward(variable, name) else 1.0
            self.levels += [round(sign * float(levels.min()), 3) + 0.0, round(sign * float(levels.max()), 3) + 0.0]


def real_instant(number: float, units: str, calendar: str) -> datetime:
    """Return the UTC instant of a CF time value (CF conventions 1.11, section 4.4), as xarray reads it.

    Dates of model calendars are kept where the same date exists; whole seconds are restored where floating
    point lost up to five milliseconds.

    Raises:
        ValueError: The units, calendar or date do not exist or cannot be read, or the year is beyond reason.
    """
    import xarray as xr

    said = {"units": re.sub(r"\s+since\s+", " since ", units, flags=re.IGNORECASE), "calendar": calendar}
    try:
        time = xr.decode_cf(xr.Dataset({"time": ((), number, said)})).time.values
        moment = (_rounded(time) if time.dtype.kind == "M" else time).item()
    except (ValueError, OverflowError) as trouble:
        raise ValueError(str(trouble.__cause__ or trouble)) from trouble
    if calendar == "julian" or not EARLIEST <= getattr(moment, "year", 0) <= LATEST:
        raise ValueError(f"{moment} is not a date to publish")
    instant = datetime(
        moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond, UTC
    )
    nearest = (instant + timedelta(microseconds=500_000)).replace(microsecond=0)
    if abs(nearest - instant) <= timedelta(milliseconds=5):
        return nearest
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def _rounded(time: Any) -> Any:
    """Round nanoseconds, which Python's own moments have not, to microseconds."""
    return (time + np.timedelta64(500, "ns")).astype("datetime64[us]")


def _time_of(dataset: Any) -> Any | None:
    """Return the best variable that counts time since a moment: the one called or known as time, else the first."""
    variables = {name: v for name, v in dataset.variables.items() if is_time(v) and v.dtype.kind in "iuf"}
    found = find(dataset[list(variables)], TIME) if variables else None
    return found if found is not None else next(iter(variables.values()), None)


def _kind(attributes: Mapping[str, Any]) -> str:
    return " ".join(
        str(attributes.get(name, "")) for name in ("featureType", "cdm_data_type", "CF:featureType")
    ).lower()


def _is_track(dataset: Any, kind: str) -> bool:
    """Tell whether positions are those of one track, as a group or, where it says nothing, the file says."""
    several = any(
        v.attrs.get("cf_role") == "trajectory_id" and v.ndim and v.shape[0] > 1 and v.dtype.kind != "S"
        for v in dataset.variables.values()
    )
    return not several and "traj" in (_kind(dataset.attrs).strip() or kind)
