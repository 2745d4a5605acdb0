"""Reads observations from NetCDF: profiles by time and depth as IMR and Argo have them, CF ragged arrays, points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.geostat.names import names_of
from processors.geostat.observations import Floats, Observations, checked, spell_unit

_KINDS = {
    "longitude": (("longitude",), ("longitude", "lon")),
    "latitude": (("latitude",), ("latitude", "lat")),
    "time": (("time",), ("time", "juld", "date")),
    "depth": (("depth",), ("depth", "dep", "deph")),
    "altitude": (("altitude", "height"), ("altitude", "alt", "z")),
    "pressure": (("sea_water_pressure",), ("pres", "pressure", "pres_adjusted")),
}
"""Coordinate → CF standard names, and names in small letters."""

_METRE = {"m", ""}
_REAL_CALENDARS = {"standard", "gregorian", "proleptic_gregorian"}


def read_profiles(dataset: Any, variable: str, second: str | None, flags: Sequence[int], where: str) -> Observations:
    """Read a variable of a dataset opened with ``decode_times=False``.

    Known layouts: profiles along one dimension and levels along another, with depths or pressures for both or for
    the levels alone (IMR, OceanSITES, Argo; CF 9.3.1 and 9.3.2); contiguous and indexed ragged arrays (CF 9.3.3 and
    9.3.4); points, time series and trajectories along one dimension.

    Args:
        dataset: An xarray dataset, masked and scaled.
        variable: Name or CF standard name of the variable.
        second: Those of a second variable of the same samples.
        flags: Values of quality flags that are kept; a variable without flags is kept whole.
        where: What the file is called in messages.

    Raises:
        Refusal: There is no such variable, or the file does not say where and when its values were measured.
    """
    data = find(dataset, variable, where)
    layout = _Layout(dataset, tuple(data.dims), tuple(data.shape), where)
    values = np.array(data.values, np.float64)
    other = None if second is None else _values(find(dataset, second, where), data, where)
    latitude = layout.coordinate("latitude")
    longitude = layout.coordinate("longitude")
    time, depth = layout.times(), layout.depths(latitude)
    good = _good(dataset, data, flags) & layout.places_good(flags)
    known = np.flatnonzero(np.isfinite(values))  # of a file that is filled up to its deepest cast, few are

    def some(whole: npt.NDArray[Any]) -> Any:
        return whole.ravel()[known]

    profile = _apart(some(layout.profiles()), some(depth), some(latitude), some(longitude))
    lost, unit = values.size - known.size, spell_unit(str(data.attrs.get("units", "")))
    table = Observations(
        variable, unit, some(longitude), some(latitude), some(time), some(depth),
        some(values), None if other is None else some(other), np.full(known.size, layout.platform() or "unknown"),
        profile, str(data.attrs.get("standard_name", "")), second or "",
        {"value is missing or not finite": lost} if lost else {},
    )  # fmt: skip
    kept = some(good)
    if not kept.any() and kept.size:
        hint = "give the flags to keep, such as flags=[0,1,2]"
        raise Refusal(
            f"no value of `{variable}` has a quality flag of {', '.join(map(str, flags))}", where, hint, "GEOSTAT.FLAGS"
        )
    return checked(table.take(kept, "quality flag"), where)


def find(dataset: Any, name: str, where: str) -> Any:
    """Return a variable by its name, without regard to case, or by its CF standard name.

    Raises:
        Refusal: There is none.
    """
    known = names_of(name)
    for wanted in known:
        for one, data in dataset.variables.items():
            if str(one).lower() == wanted or str(data.attrs.get("standard_name", "")).lower() == wanted:
                return dataset[one]
    numbers = [str(one) for one in dataset.data_vars if dataset[one].dtype.kind in "fiu" and dataset[one].ndim]
    raise Refusal(
        f"has no variable `{name}`", where, f"it has: {', '.join(numbers[:20]) or 'none'}", "GEOSTAT.NO_VARIABLE"
    )


def depth_of(pressure: Floats, latitude: Floats) -> Floats:
    """Return depths, m, of pressures, dbar, for water of 0 °C and salinity 35.

    Fofonoff and Millard (1983), UNESCO technical papers in marine science 44, algorithm 3; its check value is
    9712.653 m at 10000 dbar and 30° N.
    """
    sine = np.sin(np.radians(latitude)) ** 2
    gravity = 9.780318 * (1.0 + (5.2788e-3 + 2.36e-5 * sine) * sine) + 1.092e-6 * pressure
    height = (((-1.82e-15 * pressure + 2.279e-10) * pressure - 2.2512e-5) * pressure + 9.72659) * pressure
    depth: Floats = height / gravity
    return depth


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a variable's dimensions lead to places, times and depths.

    Attributes:
        dataset: The dataset.
        dims: Dimensions of the variable.
        shape: Its shape.
        where: What the file is called.
    """

    dataset: Any
    dims: tuple[Any, ...]
    shape: tuple[int, ...]
    where: str

    def coordinate(self, kind: str) -> Floats:
        """Return longitudes or latitudes, in the shape of the variable.

        Raises:
            Refusal: There are none.
        """
        found = self._named(kind)
        if found is None:
            hint = "give a file that says where its values were measured"
            raise Refusal(f"has no {kind}s", self.where, hint, "GEOSTAT.NO_POSITIONS")
        return self._spread(found, kind)

    def times(self) -> Floats:
        """Return days since 1970; NaN where the file says no times."""
        found = self._named("time")
        if found is None:
            return np.full(self.shape, np.nan)
        return self._spread(found, "time", _days(found, self.where))

    def depths(self, latitude: Floats) -> Floats:
        """Return depths; stated ones, else those of pressures, else heights turned over."""
        stated = self._named("depth")
        if stated is not None and str(stated.attrs.get("units", "m")) in _METRE | {
            "meter",
            "metre",
            "meters",
            "metres",
        }:
            return self._spread(stated, "depth")
        pressure = self._named("pressure")
        if pressure is not None:
            return depth_of(self._spread(pressure, "pressure"), latitude)
        height = self._named("altitude")
        if height is None:
            return np.full(self.shape, np.nan)
        down = str(height.attrs.get("positive", "up")).lower() == "down"
        return self._spread(height, "altitude") * (1.0 if down else -1.0)

    def profiles(self) -> npt.NDArray[np.int64]:
        """Number the profiles."""
        index = self._instances()
        if index is not None:
            return index
        number = np.arange(self.shape[0]) if self.shape else np.zeros(1, int)
        return np.broadcast_to(number.reshape(-1, *[1] * (len(self.shape) - 1)), self.shape).astype(np.int64)

    def platform(self) -> str:
        """Return the name of the ship or station, else that of the file."""
        known = ("platform_code", "wmo_platform_code", "platform_name", "platform", "ship_name", "id")
        return next((str(self.dataset.attrs[one]) for one in known if self.dataset.attrs.get(one)), self.where)

    def places_good(self, flags: Sequence[int]) -> npt.NDArray[np.bool_]:
        """Tell which values have flags of position and time that are accepted."""
        good = np.ones(self.shape, bool)
        for name in ("POSITION_QC", "TIME_QC", "JULD_QC"):
            if name in self.dataset.variables and self._match(self.dataset[name]) is not None:
                good &= _spread_flags(self._spread(self.dataset[name], name, _codes(self.dataset[name])), flags)
        return good

    def _named(self, kind: str) -> Any | None:
        standard, names = _KINDS[kind]
        found = [
            self.dataset[one]
            for one, data in self.dataset.variables.items()
            if str(data.attrs.get("standard_name", "")).lower() in standard or str(one).lower() in names
        ]
        found = [one for one in found if one.dtype.kind in "fiu" and self._match(one) is not None]
        found.sort(key=lambda one: (-one.ndim, str(one.attrs.get("standard_name", "")).lower() not in standard))
        return found[0] if found else None

    def _instances(self) -> npt.NDArray[np.int64] | None:
        """Return for each sample of a ragged array the number of its profile."""
        for data in self.dataset.variables.values():
            if data.attrs.get("sample_dimension") == self.dims[-1] and data.ndim == 1:
                counts = np.nan_to_num(np.asarray(data.values, np.float64)).astype(np.int64)
                if int(counts.sum()) != self.shape[-1]:
                    raise Refusal(f"its row sizes add up to {counts.sum()}, not to {self.shape[-1]}", self.where)
                return np.repeat(np.arange(counts.size), counts).astype(np.int64)
            if "instance_dimension" in data.attrs and data.dims == self.dims:
                return np.asarray(data.values, np.int64)
        return None

    def _match(self, data: Any) -> tuple[int, ...] | Literal["ragged"] | None:
        """Return to which axes of the variable those of a coordinate belong; ``ragged`` for one per profile."""
        if set(data.dims) <= set(self.dims):
            return tuple(self.dims.index(one) for one in data.dims)
        index = self._instances()
        if index is not None and data.ndim == 1 and data.sizes[data.dims[0]] > int(index.max(initial=-1)):
            return "ragged"
        if data.ndim == 1 and self.shape and data.size == self.shape[0]:
            return (0,)  # IMR: LATITUDE(LATITUDE) beside TEMP(TIME, DEPTH), all of one length
        return None

    def _spread(self, data: Any, kind: str, values: Floats | None = None) -> Floats:
        """Bring a coordinate to the shape of the variable."""
        numbers = np.asarray(data.values, np.float64) if values is None else values
        axes = self._match(data)
        if axes == "ragged":
            index = self._instances()
            assert index is not None
            return numbers[index]
        if axes is None:
            raise Refusal(f"its {kind}s do not belong to its values", self.where, "see chapter 9 of the CF conventions")
        shape = [1] * len(self.shape)
        for axis, length in zip(axes, numbers.shape, strict=True):
            shape[axis] = length
        order = np.argsort(np.array(axes, int), kind="stable")
        return np.broadcast_to(np.transpose(numbers, order).reshape(shape), self.shape).astype(np.float64)


def _apart(profile: npt.NDArray[np.int64], *along: Floats) -> npt.NDArray[np.int64]:
    """Number samples one by one that share an instance but make no profile: series at one depth, and trajectories.

    Args:
        profile: Number of the instance of each sample.
        along: Depths, latitudes and longitudes.
    """
    _, index = np.unique(profile, return_inverse=True)
    depth, *places = (_reach(index.ravel(), values) for values in along)
    loose = (depth == 0) | (np.maximum.reduce(places) > 0.1)
    apart = loose[index.ravel()]
    numbers = np.where(apart, profile.max(initial=0) + 1 + np.arange(profile.size), profile)
    return np.unique(numbers, return_inverse=True)[1].ravel().astype(np.int64)


def _reach(index: npt.NDArray[np.int64], values: Floats) -> Floats:
    """Return for each instance the difference of its largest and smallest value; 0 where it has none."""
    low, high = np.full(int(index.max(initial=-1)) + 1, np.inf), np.full(int(index.max(initial=-1)) + 1, -np.inf)
    known = np.isfinite(values)
    np.minimum.at(low, index[known], values[known])
    np.maximum.at(high, index[known], values[known])
    return np.where(high >= low, high - low, 0.0)


def _values(other: Any, data: Any, where: str) -> Floats:
    if other.dims != data.dims:
        raise Refusal(f"`{other.name}` and `{data.name}` are not samples of the same casts", where)
    return np.array(other.values, np.float64)


def _days(data: Any, where: str) -> Floats:
    """Return days since 1970."""
    import cftime  # type: ignore[import-untyped]

    unit, calendar = str(data.attrs.get("units", "")), str(data.attrs.get("calendar", "standard")).lower()
    if " since " not in unit or calendar not in _REAL_CALENDARS:
        raise Refusal(f"its times count {unit!r} in the calendar {calendar!r}", where, "see CF, section 4.4")
    numbers = np.asarray(data.values, np.float64)
    try:
        ends = cftime.num2date([0.0, 1e6], unit, calendar)
        start, end = cftime.date2num(ends, "days since 1970-01-01T00:00:00Z", calendar)
    except (ValueError, OverflowError) as trouble:
        raise Refusal(f"its times cannot be understood: {trouble}", where, "see CF, section 4.4") from None
    days: Floats = float(start) + numbers * (float(end - start) / 1e6)
    return days


def _good(dataset: Any, data: Any, flags: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Tell which values have a quality flag that is kept."""
    named = [*str(data.attrs.get("ancillary_variables", "")).split(), f"{data.name}_QC", f"{data.name}_qc"]
    for name in named:
        if name in dataset.variables and name.lower().endswith(("_qc", "flag", "quality")):
            return _spread_flags(_codes(dataset[name]), flags)
    return np.ones(data.shape, bool)


def _spread_flags(codes: Floats, flags: Sequence[int]) -> npt.NDArray[np.bool_]:
    return np.isin(codes, np.asarray(flags, np.float64))


def _codes(data: Any) -> Floats:
    """Return flags as numbers; Argo writes them as characters."""
    if data.dtype.kind in "fiu":
        return np.asarray(data.values, np.float64)
    texts = np.char.strip(np.asarray(data.values).astype("U8"))
    return np.array([float(one) if one.isdigit() else np.nan for one in texts.ravel()]).reshape(data.shape)
