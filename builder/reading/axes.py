"""Knows which variables of an open dataset say where, how deep and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from builder.enrich.coordinates import LATITUDE, LONGITUDE, TIME, VERTICAL, Rule, X, Y, downward, find
from builder.enrich.grids import Grid, grid_of
from builder.errors import UnsuitedError
from builder.reading.valid import measured

if TYPE_CHECKING:
    import xarray as xr

_LENGTHS = {"m": 1.0, "meter": 1.0, "meters": 1.0, "metre": 1.0, "metres": 1.0, "km": 1000.0, "cm": 0.01}
_PRESSURES = {"dbar": 1.0, "decibar": 1.0, "decibars": 1.0}


@dataclass(frozen=True)
class Axes:
    """Names of the coordinate variables; None where there is none.

    Attributes:
        longitude: Degrees, of any shape.
        latitude: Degrees, of any shape.
        time: Instants.
        vertical: Heights, depths or pressures.
        grid: Projected grid, in metres or degrees of its own, whose axes are ``y`` and ``x``.
        x: Projected coordinate.
        y: Projected coordinate.
    """

    longitude: str | None
    latitude: str | None
    time: str | None
    vertical: str | None
    grid: Grid | None = None
    x: str | None = None
    y: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All coordinate variables."""
        found = (self.time, self.longitude, self.latitude, self.vertical, self.y, self.x)
        return tuple(dict.fromkeys(filter(None, found)))


def axes_of(dataset: xr.Dataset) -> Axes:
    """Find the coordinates of a decoded dataset."""
    grid = grid_of(dataset)
    pressure = Rule(frozenset({"sea_water_pressure"}), frozenset(_PRESSURES), frozenset({"pres", "pressure"}))
    return Axes(
        longitude=_name(dataset, LONGITUDE),
        latitude=_name(dataset, LATITUDE),
        time=_time(dataset),
        vertical=_name(dataset, VERTICAL) or _name(dataset, pressure),
        grid=grid,
        x=_name(dataset, X) if grid else None,
        y=_name(dataset, Y) if grid else None,
    )


def _name(dataset: xr.Dataset, rule: Rule) -> str | None:
    found = find(dataset, rule)
    return next((str(name) for name, variable in dataset.variables.items() if variable is found), None)


def _time(dataset: xr.Dataset) -> str | None:
    def rank(name: str) -> tuple[bool, ...]:
        variable = dataset.variables[name]
        known = variable.attrs.get("standard_name") in TIME.standard_names
        bounds = any(part in name.lower() for part in ("bnds", "bounds", "coverage", "creation", "update"))
        return bounds, not known, name.lower() not in TIME.names, name not in dataset.dims

    names = [str(name) for name, variable in dataset.variables.items() if variable.ndim <= 1 and _is_time(variable)]
    return min(names, key=rank, default=None)


def _is_time(variable: Any) -> bool:
    dated = variable.dtype.kind == "O" and " since " in str(variable.encoding.get("units", ""))
    return bool(variable.dtype.kind == "M" or dated)


def depths(dataset: xr.Dataset, axes: Axes) -> xr.Variable:
    """Return depths in metres, positive down, of the shape of the vertical coordinate.

    Pressures become depths by the UNESCO 1983 formula, at the mean latitude where positions have other dimensions.

    Raises:
        ReadingError: The data have no vertical coordinate, or one in other units.
    """
    if axes.vertical is None:
        raise UnsuitedError("the data have no depths that could be asked for")
    variable = measured(dataset.variables[axes.vertical])
    units = str(variable.attrs.get("units", "")).strip().lower()
    if units in _PRESSURES:
        found = measured(dataset.variables[axes.latitude]) if axes.latitude else None
        latitude = 75.0 if found is None else found.values if found.dims == variable.dims else np.nanmean(found.values)
        return variable.copy(data=depth_of_pressure(np.asarray(variable.values, dtype=np.float64), latitude))
    if units not in _LENGTHS:
        raise UnsuitedError(f"the vertical coordinate {axes.vertical} is in {units or 'no units'}, not in metres")
    sign = 1.0 if downward(variable, axes.vertical) else -1.0
    return variable.copy(data=sign * _LENGTHS[units] * np.asarray(variable.values, dtype=np.float64))


def depth_of_pressure(pressure: Any, latitude: Any) -> Any:
    """Return the depth of sea water, metres, of a pressure in decibars (Fofonoff and Millard 1983, UNESCO 44, p. 28).

    >>> round(float(depth_of_pressure(10000.0, 30.0)), 3)
    9712.653
    """
    sine = np.sin(np.radians(latitude)) ** 2
    gravity = 9.780318 * (1.0 + (5.2788e-3 + 2.36e-5 * sine) * sine) + 1.092e-6 * pressure
    terms = (((-1.82e-15 * pressure + 2.279e-10) * pressure - 2.2512e-5) * pressure + 9.72659) * pressure
    return terms / gravity
