"""Dimensions and variables of gridded or profiled data (datacube and CF extensions)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from builder.dataset import Dataset, Dimension, Variable
from builder.stac.context import Json

if TYPE_CHECKING:
    import pystac


def cube(item: pystac.Item, dataset: Dataset) -> None:
    """Describe the data cube of a dataset on its item; nothing without dimensions."""
    from pystac.extensions.datacube import DatacubeExtension
    from pystac.extensions.datacube import Dimension as CubeDimension
    from pystac.extensions.datacube import Variable as CubeVariable

    if dataset.dimensions:
        extension = DatacubeExtension.ext(item, add_if_missing=True)
        dimensions = {
            entry.name: CubeDimension.from_dict(_dimension(entry)) for entry in dataset.dimensions if entry.name
        }
        variables = {entry.name: CubeVariable(_variable(entry)) for entry in dataset.variables if entry.name}
        extension.apply(dimensions, variables or None)
    parameters = cf_parameters(dataset)
    if parameters:
        item.properties["cf:parameter"] = parameters


def cf_parameters(dataset: Dataset) -> list[Json]:
    """Return the measured quantities that have a CF standard name, each once."""
    named = {v.standard_name: v for v in reversed(dataset.variables) if v.standard_name and not v.auxiliary}
    return [{"name": name} | ({"unit": v.unit} if v.unit else {}) for name, v in sorted(named.items())]


def _dimension(entry: Dimension) -> dict[str, Any]:
    """Return a dimension as the datacube extension 2.2 allows it.

    A horizontal one needs two numbers as extent; without them it can only be a further dimension.
    """
    size = {"iaos:size": entry.size} if entry.size is not None else {}
    extent = entry.extent or (None, None)
    if entry.type == "temporal":
        return {"type": "temporal", "extent": [value if isinstance(value, str) else None for value in extent]} | size
    numbers = [value if _is_number(value) else None for value in extent]
    said = {"extent": numbers} | size | _filled({"unit": entry.unit})
    if entry.type == "other" or (entry.type != "z" and None in numbers):
        return {"type": "other"} | said
    return {"type": "spatial", "axis": entry.type} | said | _filled({"reference_system": _system(entry)})


def _system(entry: Dimension) -> str | int | None:
    system = entry.reference_system
    return system if isinstance(system, str) or (isinstance(system, int) and system > 0) else None


def _is_number(value: float | str | None) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _variable(entry: Variable) -> dict[str, Any]:
    said: dict[str, Any] = {"dimensions": list(entry.dimensions), "type": "auxiliary" if entry.auxiliary else "data"}
    optional = {
        "description": entry.description,
        "unit": entry.unit,
        "cf:standard_name": entry.standard_name,
        "data_type": entry.data_type,
    }
    return said | _filled(optional)


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
