"""Finds the variables of a NetCDF file that say where and when, by the CF conventions and common habit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MAX_VALUES = 4_000_000
"""Larger coordinate arrays are read with a stride."""

UNWRITTEN = 9e36

_NORTH = {"degrees_north", "degree_north", "degree_n", "degrees_n", "degreen", "degreesn"}
_EAST = {"degrees_east", "degree_east", "degree_e", "degrees_e", "degreee", "degreese"}
_HEIGHTS = {"altitude", "height", "height_above_mean_sea_level", "height_above_reference_ellipsoid"}
_NOT_COORDINATES = ("bnds", "bounds", "vertices", "_min", "_max", "_qc", "_uc", "error", "resolution")


@dataclass(frozen=True, slots=True)
class Rule:
    """How to know a coordinate: CF standard names, then units, then names people use."""

    standard_names: frozenset[str]
    units: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    axis: str = ""


LATITUDE = Rule(frozenset({"latitude"}), frozenset(_NORTH), frozenset({"lat", "latitude", "lats", "nav_lat"}))
LONGITUDE = Rule(frozenset({"longitude"}), frozenset(_EAST), frozenset({"lon", "longitude", "lons", "nav_lon"}))
TIME = Rule(frozenset({"time"}), names=frozenset({"time", "juld"}), axis="T")
VERTICAL = Rule(
    frozenset({"depth"} | _HEIGHTS), names=frozenset({"depth", "altitude", "alt", "height", "level"}), axis="Z"
)
X = Rule(
    frozenset({"projection_x_coordinate", "grid_longitude"}), names=frozenset({"x", "xc", "xgrid", "rlon"}), axis="X"
)
Y = Rule(
    frozenset({"projection_y_coordinate", "grid_latitude"}), names=frozenset({"y", "yc", "ygrid", "rlat"}), axis="Y"
)


def find(dataset: Any, rule: Rule) -> Any | None:
    """Return the numeric variable (at most two-dimensional) that fits a rule best, or None.

    Args:
        dataset: An `xarray.Dataset`.
        rule: What to look for.
    """
    best, best_score = None, 0
    for name, variable in dataset.variables.items():
        if variable.dtype.kind not in "iuf" or variable.ndim > 2:
            continue
        score = fits(str(name), variable, rule)
        if score > best_score:
            best, best_score = variable, score
    return best


def is_time(variable: Any) -> bool:
    """Tell whether the units are a time since a moment."""
    return " since " in str(variable.attrs.get("units", "")).lower()


def values(variable: Any) -> Any:
    """Return all values as 64-bit numbers, thinned by a stride where there are too many.

    NetCDF's default fill for numbers never written (9.97e36) counts as missing.
    """
    import numpy as np

    step = max(-(-variable.size // MAX_VALUES), 1)
    thinned = variable[::step] if variable.ndim else variable
    numbers = np.array(thinned.values, dtype=np.float64)
    numbers[np.abs(numbers) > UNWRITTEN] = np.nan
    return numbers


def downward(variable: Any, name: str) -> bool:
    """Tell whether larger vertical values lie deeper (CF conventions 1.11, section 4.3)."""
    positive = str(variable.attrs.get("positive", "")).lower()
    if positive in {"up", "down"}:
        return positive == "down"
    return "depth" in name.lower() or variable.attrs.get("standard_name") == "depth"


def fits(name: str, variable: Any, rule: Rule) -> int:
    """Return how well a variable fits a rule by its name, dimensions and attributes; 0 where it does not."""
    attributes = variable.attrs
    if any(part in name.lower() for part in _NOT_COORDINATES):
        return 0
    if str(attributes.get("standard_name", "")).strip() in rule.standard_names:
        return 8 + (name in variable.dims) * 2 + (name.lower() in rule.names)
    if str(attributes.get("units", "")).strip().lower() in rule.units:
        return 4 + (name in variable.dims) * 2 + (name.lower() in rule.names)
    if rule.axis and str(attributes.get("axis", "")).strip().upper() == rule.axis:
        return 3
    return int(name.lower() in rule.names)
