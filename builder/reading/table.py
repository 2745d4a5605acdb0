"""Makes one table of a cut: a row for each value, its place and time beside it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from builder.crosswalks.units import same
from builder.errors import ReadingError
from builder.reading.cutting import WITHIN, inside

if TYPE_CHECKING:
    import xarray as xr

OBS = "obs"

ROWS = 1 << 17
"""Most rows that are made of a cut at a time where it is written, as each is many times as large as its value."""


def stacked(parts: Sequence[tuple[str, xr.Dataset]], asked: str) -> xr.Dataset:
    """Put the tables of several cuts below one another, along ``obs``, with the item of each row.

    Args:
        parts: The label and the cut of each.
        asked: The question, for the attributes.

    Raises:
        ReadingError: One of them has variables of different dimensions, or the same variable in other units.
    """
    import xarray as xr

    tables = []
    for label, part in parts:
        table = flat(part)
        item = xr.Variable(OBS, np.full(table.sizes[OBS], label, dtype=object), {"long_name": "STAC item"})
        tables.append(table.assign_coords(item=item))
    _same_units([(label, table) for (label, _), table in zip(parts, tables, strict=True)])
    named = {name for table in tables for name in table.coords}
    plain = [table.reset_coords() for table in tables]
    whole = xr.concat(plain, OBS, data_vars="all", coords="all", join="outer", compat="override",
                      combine_attrs="override")  # fmt: skip
    for name, variable in list(whole.variables.items()):
        if variable.dtype.kind == "O" and any(isinstance(value, str) for value in variable.values):
            whole[name] = variable.copy(data=np.where(variable.isnull(), "", variable.values))
    whole = whole.set_coords(named)
    sources = "\n".join(part.attrs["iaos_source"] for _, part in parts)
    said = {key: value for key, value in parts[0][1].attrs.items() if all(p.attrs.get(key) == value for _, p in parts)}
    said |= {"Conventions": "CF-1.11", "iaos_source": sources, "iaos_query": asked, "history": f"iaos extract {asked}"}
    whole.attrs = said
    return whole


def _same_units(tables: Sequence[tuple[str, xr.Dataset]]) -> None:
    for name in dict.fromkeys(str(name) for _, table in tables for name in table.variables):
        units: dict[str, list[str]] = {}
        for label, table in tables:
            if name in table.variables:
                units.setdefault(_unit(table.variables[name]), []).append(label)
        first, *others = sorted(units)
        if not all(same(first, other) for other in others):
            said = (f"{f'in {unit}' if unit else 'without unit'} by {_named(units[unit])}" for unit in sorted(units))
            raise ReadingError(f"{name} is given {' and '.join(said)}", hint="ask for one at a time")


def _unit(variable: xr.Variable) -> str:
    """Return the unit of a variable; dates of different calendars cannot be put below one another."""
    if variable.dtype.kind == "M":
        return "dates"
    values = variable.values.ravel() if variable.dtype.kind == "O" else ()
    calendar = next((value.calendar for value in values if hasattr(value, "calendar")), "")
    if not calendar:
        return str(variable.attrs.get("units", ""))
    known = calendar in {"standard", "gregorian", "proleptic_gregorian"}
    return "dates outside of 1678 to 2262" if known else f"dates of the calendar {calendar}"


def _named(labels: Sequence[str]) -> str:
    return labels[0] + (f" and {len(labels) - 1} more" if len(labels) > 1 else "")


def pieces(part: xr.Dataset) -> Iterator[xr.Dataset]:
    """Yield a cut as `flat` makes it, in the order of its rows, few of them at a time.

    Raises:
        ReadingError: As of `flat`.
    """
    _, dims = _data(part)
    count = math.prod(part.sizes[dim] for dim in dims)
    if count <= ROWS:
        yield flat(part)
        return
    first = next(dim for dim in dims if part.sizes[dim] > 1)
    length = part.sizes[first]
    step = max(ROWS * length // count, 1)
    for start in range(0, length, step):
        yield from pieces(part.isel({first: slice(start, start + step)}))


def flat(part: xr.Dataset) -> xr.Dataset:
    """Return a dataset of one dimension, ``obs``: each variable beside the coordinates that belong to it.

    Rows outside of what was asked for are left out; so are rows without any value where there are several
    dimensions, as of land in a grid and of the levels below a profile.

    Raises:
        ReadingError: Its variables have different dimensions, so that there is no one table.
    """
    import xarray as xr

    data, dims = _data(part)
    sizes = {dim: part.sizes[dim] for dim in dims}
    coordinates = [str(n) for n in part.coords if set(part[n].dims) <= set(dims) and part[n].dtype.kind != "b"]
    columns = {name: _column(part.variables[name], sizes) for name in (*sorted(coordinates, key="item".__ne__), *data)}
    rows = np.ones(int(np.prod(list(sizes.values()), dtype=np.int64)), dtype=bool)
    if WITHIN in part.coords and set(part[WITHIN].dims) <= set(dims):
        rows &= _column(part.variables[WITHIN], sizes)
    if len(dims) > 1:
        rows &= _filled([columns[name] for name in data])
    variables = {
        name: xr.Variable(OBS, words(values[rows]), part.variables[name].attrs, part.variables[name].encoding)
        for name, values in columns.items()
    }
    table = xr.Dataset(variables, attrs=part.attrs).set_coords([name for name in coordinates if name != OBS])
    return table.drop_vars(OBS, errors="ignore")


def is_missing(part: xr.Dataset) -> bool:
    """Tell whether each value of a cut is missing, so that there is nothing to show."""
    asked = inside(part)
    names = _measured(asked)
    return bool(names) and all(bool(asked.variables[name].isnull().all()) for name in names)


def _measured(part: xr.Dataset) -> list[str]:
    """Return the names of the data variables without those that describe a projection."""
    values = [str(name) for name, v in part.data_vars.items() if "grid_mapping_name" not in v.attrs]
    used = {part[name].attrs.get("grid_mapping") for name in values}
    return [name for name in values if name not in used]


def _data(part: xr.Dataset) -> tuple[list[str], tuple[Any, ...]]:
    """Return the names of the data variables and the dimensions of the one with the most, or of the coordinates."""
    data = _measured(part)
    told = data or [str(name) for name in part.coords]
    dims = max((part[name].dims for name in told), key=len, default=())
    odd = [name for name in told if not set(part[name].dims) <= set(dims)]
    if odd:
        raise ReadingError(f"{', '.join(odd)} and {told[0]} have different dimensions", hint="choose with --variable")
    return data, dims


def _filled(columns: list[np.ndarray]) -> Any:
    """Tell which rows have a value in any column; all have where a column can have no gaps."""
    if not columns or any(column.dtype.kind not in "fM" for column in columns):
        return True
    return ~np.logical_and.reduce([np.isnat(c) if c.dtype.kind == "M" else np.isnan(c) for c in columns])


def _column(variable: xr.Variable, sizes: dict[Any, int]) -> np.ndarray:
    wide: xr.Variable = variable.set_dims(sizes)  # type: ignore[no-untyped-call]
    return np.asarray(wide.transpose(*sizes).values).ravel()


def words(values: np.ndarray) -> np.ndarray:
    """Return bytes as text without the blanks and zeros that fill them up."""
    if values.dtype.kind != "S":
        return values
    texts = [re.sub(r"[\0 ]+$", "", value.decode("utf-8", "replace")) for value in values.tolist()]
    return np.array(texts, dtype=object)
