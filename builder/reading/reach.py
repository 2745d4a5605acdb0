"""Says from where to where data go, for a question that they do not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from builder.reading.axes import Axes, depths
from builder.reading.locate import Source
from builder.reading.positions import as_float, positions
from builder.reading.query import Query

if TYPE_CHECKING:
    import xarray as xr


def reach(dataset: xr.Dataset, axes: Axes, asked: Query) -> str:
    """Say in words between which times, depths and positions data lie; only of coordinates that were asked for."""
    said = []
    if asked.time and axes.time is not None:
        said.append(f"times {_ends(_times(dataset.variables[axes.time].values))}")
    if asked.depth:
        said.append(f"depths {_ends(_numbers(depths(dataset, axes).values))} m")
    if asked.box:
        east, north = (_ends(_numbers(as_float(variable))) for variable in positions(dataset, axes))
        said.append(f"longitudes {east}, latitudes {north}")
    return f"the data have {', '.join(said)}" if said else ""


def reach_of_item(source: Source) -> str:
    """Say the same in the words of an item, whose data are not opened."""
    said = source.properties
    first = said.get("start_datetime") or said.get("datetime")
    last = said.get("end_datetime") or said.get("datetime")
    times = [f"times {_ends([first or 'unknown', last or 'unknown'])}"] if first or last else []
    box = [f"the box {','.join(f'{edge:g}' for edge in source.bbox)}"] if len(source.bbox) == 4 else []
    return f"the item has {' in '.join([*times, *box])}"


def _ends(values: list[str]) -> str:
    return " to ".join(dict.fromkeys(values)) or "unknown"


def _numbers(values: Any) -> list[str]:
    known = values[np.isfinite(values)]
    return [f"{end:.6g}" for end in (known.min(), known.max())] if known.size else []


def _times(values: Any) -> list[str]:
    if values.dtype.kind == "M":
        known = values[~np.isnat(values)]
        return [f"{np.datetime_as_string(end, 's')}Z" for end in (known.min(), known.max())] if known.size else []
    known = values.ravel().tolist()  # of a model calendar
    return [f"{end.isoformat()}Z" for end in (min(known), max(known))] if known else []
