"""Writes the layers of a map as cloud-optimised GeoTIFFs, and its numbers as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from processors.cog import Band, Raster, blocks_of, write_cog
from processors.geostat.mapping import Mapped
from processors.geostat.netcdf import Layout, layer_title
from processors.geostat.observations import Floats
from processors.geostat.periods import instant_of
from processors.protocol import JSON, Product


def write_maps(folder: Path, layout: Layout, fields: Mapping[str, JSON]) -> Iterator[Product]:
    """Write a COG for each layer, with one band for each time and depth."""
    first = layout.maps[0]
    for name in first.layers:
        path = folder / f"{name}.tif"
        bands = [
            layout.cells.spread(one.layers[name][number]) for number in range(len(layout.steps)) for one in layout.maps
        ]
        described = write_cog(path, _raster(layout, name), blocks_of(np.stack(bands)))
        role = ("data",) if name == "estimate" else ("data", "uncertainty") if name.startswith("std") else ("data",)
        usual = layer_title(layout.table, name)
        title = layout.title if name == "estimate" else usual
        yield Product(path.name, "cog", path, title, layout.lineage, role, described | dict(fields))


def _raster(layout: Layout, name: str) -> Raster:
    lattice = layout.cells.lattice
    unit = "1" if name == "neighbours" or name.startswith("p_gt_") else layout.table.unit
    variable = layout.table.name if name == "estimate" else f"{layout.table.name} {name}"
    bands = tuple(
        Band(
            " ".join(part for part in (variable, one.title, step.title if len(layout.steps) > 1 else "") if part), unit
        )
        for step in layout.steps
        for one in layout.maps
    )
    said = json.dumps(layout.lineage.to_dict(), sort_keys=True)
    return Raster(lattice.shape, "float32", lattice.crs, lattice.transform, bands, np.nan, tags={"LINEAGE": said})


def as_json(document: JSON) -> bytes:
    """Return JSON with sorted keys; what is not finite becomes null."""
    return (json.dumps(_plain(document), indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _plain(value: JSON) -> JSON:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value


def as_csv(rows: Sequence[Mapping[str, JSON]]) -> bytes:
    """Return a table; numbers have nine digits, and what is missing is empty."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    names = list(rows[0]) if rows else []
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in names])
    return file.getvalue().encode()


def _cell(value: JSON) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.9g}" if np.isfinite(value) else ""
    return "" if value is None else str(value)


def times_of(days: Floats) -> list[str]:
    """Return times as ISO 8601; empty where unknown."""
    return [f"{instant_of(float(one)):%Y-%m-%dT%H:%M:%SZ}" if np.isfinite(one) else "" for one in days]


def cv_rows(mapped: Mapped) -> list[dict[str, JSON]]:
    """Return one row for each observation with its predictions without itself and without its group."""
    checked, table = mapped.validation, mapped.case.table
    if checked is None:
        return []
    when = times_of(table.time)
    return [
        {
            "level": mapped.title, "longitude": float(table.longitude[row]), "latitude": float(table.latitude[row]),
            "time": when[row], "platform": str(table.platform[row]), "values": int(mapped.case.merged.count[row]),
            "group": int(mapped.case.groups[row]), "observed": float(table.value[row]),
            "without_itself": float(checked.predicted[row]), "its_standard_error": float(checked.spread[row]),
            "without_its_group": float(checked.apart[row]),
            "its_group_standard_error": float(checked.apart_spread[row]),
        }
        for row in range(table.size)
    ]  # fmt: skip
