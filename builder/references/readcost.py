"""What typical reads through references cost in requests and bytes, so that a page can say so before it reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from builder.references.table import coalesce

if TYPE_CHECKING:
    from builder.references.encode import References
    from builder.references.table import ArrayTable

GAP_BYTES = 64 << 10
MOST_BYTES = 8 << 20
"""How the website's reader joins ranges (``site/src/reading/ranges.ts``)."""

_DEPTH_NAMES = re.compile(r"(depths?|z|height|alt(itude)?|lev(el)?s?|plev|pres(sure)?)", re.IGNORECASE)
_DEPTHS = re.compile(r"depth|height|altitude|air_pressure|sea_water_pressure.*|model_level_number")


def read_costs(made: References) -> dict[str, dict[str, int]]:
    """Return the cost of a ``series``, a ``profile`` and a ``map`` of the dearest variable, as far as it has them.

    A series is one place at all times, a profile one time and place at all depths, a map one time and depth at all
    places; the place, time and depth are those in the middle. Coordinates that lie in the file are not counted.
    """
    attributes = {name: made.documents.get(f"{name}/.zattrs", {}) for name in made.tables}
    found: dict[str, dict[str, int]] = {}
    for name, table in made.tables.items():
        dims = attributes[name].get("_ARRAY_DIMENSIONS", ())
        if not dims or name in dims or 0 in table.shape:
            continue
        kinds = [_kind(dim, attributes.get(dim, {})) for dim in dims]
        for read, free in (("series", {"time"}), ("profile", {"depth"}), ("map", {"place"})):
            if free & set(kinds) and (read != "map" or kinds.count("place") > 1):
                cost = _cost(table, [kind in free for kind in kinds])
                found[read] = max(found.get(read, cost), cost, key=lambda one: one["bytes"])
    return found


def _kind(dim: str, said: Mapping[str, Any]) -> str:
    """Return what a dimension is: ``time``, ``depth`` or ``place``."""
    if " since " in str(said.get("units", "")) or said.get("axis") == "T" or dim.lower() == "time":
        return "time"
    if said.get("axis") == "Z" or "positive" in said or _DEPTHS.fullmatch(str(said.get("standard_name", ""))):
        return "depth"
    return "depth" if _DEPTH_NAMES.fullmatch(dim) else "place"


def _cost(table: ArrayTable, free: list[bool]) -> dict[str, int]:
    """Return requests and bytes of the chunks that hold all indices of the free axes and the middle of the others."""
    axes = [
        np.arange(count) if all_of_it else np.array([length // 2 // chunk])
        for count, length, chunk, all_of_it in zip(table.grid, table.shape, table.chunks, free, strict=True)
    ]
    numbers = np.ravel_multi_index(np.meshgrid(*axes, indexing="ij"), table.grid).ravel()
    there = np.flatnonzero(np.isin(table.numbers, numbers))
    ranges = zip(table.offsets[there].tolist(), table.sizes[there].tolist(), strict=True)
    joined = coalesce(ranges, GAP_BYTES, MOST_BYTES)
    return {"requests": len(joined), "bytes": sum(length for _, length in joined)}
