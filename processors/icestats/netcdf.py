"""Writes the concentration of each day as CF NetCDF, and the references by which kerchunk readers open it in place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from processors.icestats.campaign import Campaign, iso_day
from processors.icestats.concentration import Rules
from processors.protocol import JSON, Lineage

CHUNK = 260
"""Cells along the side of a chunk, at most."""


def write_concentration(path: Path, campaign: Campaign, rules: Rules, lineage: Lineage) -> dict[str, JSON]:
    """Write ``sic(time, y, x)`` with the sea of each cell; one day at a time.

    Returns:
        Fields of its STAC asset, with the dimensions of its cube.
    """
    import netCDF4

    rows, columns = campaign.sea.shape
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts(_attributes(rules, lineage))
        for name, size in (("time", len(campaign.days)), ("y", rows), ("x", columns), ("bound", 2)):
            file.createDimension(name, size)
        _axes(file, campaign)
        area = _variable(file, "cell_area", "f8", ("y", "x"), (min(rows, CHUNK), min(columns, CHUNK)))
        area.setncatts(
            {"standard_name": "cell_area", "units": "km2", "grid_mapping": "crs"}
            | {"long_name": "True area of the sea of the cell inside the region"}
        )
        area[:] = campaign.sea
        sic = _variable(file, "sic", "f4", ("time", "y", "x"), (1, min(rows, CHUNK), min(columns, CHUNK)), float("nan"))
        sic.setncatts(
            {
                "standard_name": "sea_ice_area_fraction",
                "long_name": "Share of the observed sea that is ice",
                "units": "1",
                "grid_mapping": "crs",
                "cell_measures": "area: cell_area",
                "cell_methods": "time: point area: mean where sea",
            }
        )
        for number in range(len(campaign.days)):
            sic[number] = campaign.concentration(number, rules)
    return {"cube:dimensions": _cube(campaign), "cube:variables": {"sic": _cube_variable()}}


def references_of(path: Path) -> bytes:
    """Return kerchunk references into a file that lies beside them."""
    from kerchunk.hdf import SingleHdf5ToZarr

    made: dict[str, Any] = SingleHdf5ToZarr(str(path), inline_threshold=500).translate()
    text = json.dumps({"version": 1, "refs": made["refs"]}, sort_keys=True, separators=(",", ":"))
    return text.replace(json.dumps(str(path)), json.dumps(path.name)).encode()


def _attributes(rules: Rules, lineage: Lineage) -> dict[str, JSON]:
    return {
        "Conventions": "CF-1.10",
        "title": "Sea ice concentration of each day",
        "source": "iAOS processor ice-stats",
        "least_observed_share_of_a_cell": rules.least,
        "lineage": json.dumps(lineage.to_dict(), sort_keys=True),
    }


def _variable(
    file: Any, name: str, kind: str, dims: tuple[str, ...], chunks: tuple[int, ...] | None = None, fill: Any = False
) -> Any:
    return file.createVariable(name, kind, dims, compression="zlib", complevel=4, chunksizes=chunks, fill_value=fill)


def _axes(file: Any, campaign: Campaign) -> None:
    from pyproj import CRS

    a, _, c, _, e, f = campaign.transform
    rows, columns = campaign.sea.shape
    crs = _variable(file, "crs", "i4", ())
    crs.setncatts({key: value for key, value in CRS.from_user_input(campaign.crs).to_cf().items() if value is not None})
    crs[...] = 0
    for name, centres in (("x", c + a * (np.arange(columns) + 0.5)), ("y", f + e * (np.arange(rows) + 0.5))):
        axis = _variable(file, name, "f8", (name,))
        axis.setncatts({"standard_name": f"projection_{name}_coordinate", "units": "m", "axis": name.upper()})
        axis[:] = centres
    time = _variable(file, "time", "f8", ("time",))
    time.setncatts(
        {"standard_name": "time", "units": "days since 1970-01-01T00:00:00Z", "calendar": "standard", "axis": "T"}
        | {"bounds": "time_bounds", "long_name": "Start of the day, UTC"}
    )
    time[:] = campaign.days
    bounds = _variable(file, "time_bounds", "f8", ("time", "bound"))
    bounds[:] = np.array(campaign.days)[:, None] + np.array([0, 1])


def _cube(campaign: Campaign) -> dict[str, JSON]:
    a, _, c, _, e, f = campaign.transform
    rows, columns = campaign.sea.shape
    first, last = iso_day(campaign.days[0]), iso_day(campaign.days[-1])
    return {
        "time": {"type": "temporal", "extent": [f"{first}T00:00:00Z", f"{last}T00:00:00Z"]},
        "y": {"type": "spatial", "axis": "y", "extent": sorted([f, f + e * rows]), "step": e},
        "x": {"type": "spatial", "axis": "x", "extent": sorted([c, c + a * columns]), "step": a},
    }


def _cube_variable() -> dict[str, JSON]:
    return {"type": "data", "dimensions": ["time", "y", "x"], "unit": "1", "description": "Sea ice concentration"}
