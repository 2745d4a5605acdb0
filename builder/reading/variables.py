"""Chooses the variables of a cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from builder.errors import UnsuitedError
from builder.reading.axes import Axes
from builder.reading.query import Query

if TYPE_CHECKING:
    import xarray as xr

BOUNDS = ("bounds", "climatology")


def chosen_variables(
    dataset: xr.Dataset, axes: Axes, asked: Query, groups: Sequence[str] = ()
) -> tuple[list[str], list[str]]:
    """Return the names of the variables to cut out, and of those left out though nobody asked for that.

    Where no variables were named, numbers are taken that depend on place, time or depth and fit into one table:
    those of the most dimensions, and those whose dimensions are among theirs. Errors name the file's other groups.

    Raises:
        ReadingError: A variable does not exist, or none has what is asked for.
    """
    deep = set(dataset.variables[axes.vertical].dims) if asked.profile and axes.vertical else set()
    if asked.profile and not deep:
        raise UnsuitedError("the data have no profiles", hint="ask for a point")
    names = [*_named(dataset, asked, groups)] if asked.variables else _candidates(dataset, axes)
    last = set(list(dataset.variables[axes.vertical].dims)[-1:]) if deep and axes.vertical else set()
    fitting = [name for name in names if last <= set(dataset.variables[name].dims)]
    if not fitting:
        raise UnsuitedError("there is no variable that depends on what is asked for", hint=_list(dataset, groups))
    if asked.variables:
        return fitting, [name for name in names if name not in fitting]
    together = _together(dataset, fitting)
    return together, [name for name in fitting if name not in together]


def _named(dataset: xr.Dataset, asked: Query, groups: Sequence[str]) -> list[str]:
    found = []
    for wanted in asked.variables:
        names = [str(name) for name, v in dataset.variables.items() if v.attrs.get("standard_name") == wanted]
        names = [wanted] if wanted in dataset.variables else names
        if not names:
            raise UnsuitedError(f"there is no variable {wanted!r}", hint=_list(dataset, groups))
        found += names
    return list(dict.fromkeys(found))


def _list(dataset: xr.Dataset, groups: Sequence[str]) -> str:
    others = f"; others in the groups {', '.join(groups)}" if groups else ""
    return "there are " + (", ".join(sorted(map(str, dataset.variables))) or "none") + others


def _candidates(dataset: xr.Dataset, axes: Axes) -> list[str]:
    bounds = {variable.attrs.get(key, variable.encoding.get(key)) for variable in dataset.variables.values()
              for key in BOUNDS}  # fmt: skip
    dims = {dim for name in axes.names for dim in dataset.variables[name].dims}
    found = [
        str(name)
        for name, variable in dataset.variables.items()
        if variable.dtype.kind in "iufm"
        and name not in bounds
        and name not in axes.names
        and name not in dataset.dims
        and (dims & set(variable.dims) if dims else variable.dims)
    ]
    return found or [name for name in (axes.vertical,) if name and name not in dataset.dims]


def _together(dataset: xr.Dataset, names: list[str]) -> list[str]:
    shapes = Counter(frozenset(dataset.variables[name].dims) for name in names)
    widest = max(shapes, key=lambda dims: (len(dims), shapes[dims], sorted(map(str, dims))))
    return [name for name in names if widest >= set(dataset.variables[name].dims)]
