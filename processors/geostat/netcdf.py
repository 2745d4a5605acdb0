"""Writes a map as NetCDF by the CF conventions 1.11: estimate, standard errors, quantiles, exceedance on one grid."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from processors.geostat.mapping import Cells, Mapped
from processors.geostat.names import plain_name, standard_name_of
from processors.geostat.observations import Observations
from processors.geostat.periods import instant_of
from processors.geostat.steps import Step
from processors.protocol import JSON, Lineage

SIDE = 512
_CLOCK = {"units": "days since 1970-01-01T00:00:00Z", "calendar": "standard"}


@dataclass(frozen=True, slots=True)
class Layout:
    """What a file holds, but for its values.

    Attributes:
        table: The observations, for name and unit.
        cells: The grid.
        steps: Times of the map.
        maps: One map per level.
        lineage: Where the product comes from.
        title: Title of the file.
    """

    table: Observations
    cells: Cells
    steps: Sequence[Step]
    maps: Sequence[Mapped]
    lineage: Lineage
    title: str

    @property
    def has_time(self) -> bool:
        """Whether the times of the map are known."""
        return bool(np.isfinite(self.steps[0].at))

    @property
    def has_depth(self) -> bool:
        """Whether the depths of the map are known."""
        return all(np.isfinite(one.case.sampled.depth) for one in self.maps)

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimensions of the variables."""
        return (*(("time",) if self.has_time else ()), *(("depth",) if self.has_depth else ()), "y", "x")


def write_netcdf(path: Path, layout: Layout) -> None:
    """Write the file; the same maps give the same bytes."""
    from netCDF4 import Dataset

    with Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts(_attributes(layout))
        _axes(file, layout)
        first = layout.maps[0]
        for name in first.layers:
            layers = [one.layers[name] for one in layout.maps]
            whole = np.stack([layout.cells.spread(layer) for layer in layers], axis=1)
            _variable(file, layout, name, whole)


def _axes(file: Any, layout: Layout) -> None:
    from pyproj import CRS

    lattice = layout.cells.lattice
    crs = CRS.from_user_input(lattice.crs)
    mapping = file.createVariable("crs", "i4", ())
    mapping.setncatts(crs.to_cf())
    axes = {axis["axis"]: axis for axis in crs.cs_to_cf()}
    for name, values in (("x", lattice.x), ("y", lattice.y)):
        file.createDimension(name, values.size)
        _put(file, name, (name,), values, axes[name.upper()])
    if not crs.is_geographic:
        longitude, latitude = lattice.places()
        for name, degrees in (("longitude", longitude), ("latitude", latitude)):
            said = {"standard_name": name, "units": f"degrees_{'east' if name == 'longitude' else 'north'}"}
            _put(file, name, ("y", "x"), degrees.reshape(lattice.shape), said)
    if layout.has_time:
        file.createDimension("time", len(layout.steps))
        file.createDimension("bound", 2)
        at = np.array([step.at for step in layout.steps])
        said = {"standard_name": "time", "axis": "T", "bounds": "time_bounds", "long_name": "Time of the map"}
        _put(file, "time", ("time",), at, said | _CLOCK)
        _put(file, "time_bounds", ("time", "bound"), np.array([(s.start, s.end) for s in layout.steps]), {})
    if layout.has_depth:
        _depths(file, layout)


def _depths(file: Any, layout: Layout) -> None:
    file.createDimension("depth", len(layout.maps))
    depths = np.array([one.case.sampled.depth for one in layout.maps])
    said = {"standard_name": "depth", "units": "m", "positive": "down", "axis": "Z"}
    bench = layout.maps[0].level if layout.maps[0].level and layout.maps[0].level.is_bench else None
    if bench:
        said |= {"bounds": "depth_bounds", "long_name": "Mean depth that the values of the bench stand for"}
    _put(file, "depth", ("depth",), depths, said)
    if bench:
        if "bound" not in file.dimensions:
            file.createDimension("bound", 2)
        _put(file, "depth_bounds", ("depth", "bound"), np.array([[bench.top, bench.bottom]]), {})


def _put(file: Any, name: str, dims: tuple[str, ...], values: npt.NDArray[Any], attributes: Mapping[str, Any]) -> None:
    made = file.createVariable(name, "f8", dims, compression="zlib", complevel=4, fill_value=False)
    made.setncatts(dict(attributes))
    made[:] = values


def _variable(file: Any, layout: Layout, name: str, values: npt.NDArray[np.float32]) -> None:
    """Write one layer, shape (times, depths, rows, columns)."""
    shape = (*values.shape[: len(layout.dims) - 2], *values.shape[-2:])
    if layout.has_depth and not layout.has_time:
        shape = (values.shape[1], *values.shape[-2:])
    chunks = (*(1 for _ in shape[:-2]), min(SIDE, shape[-2]), min(SIDE, shape[-1]))
    made = file.createVariable(
        variable_name(layout.table.name, name), "f4", layout.dims, compression="zlib", complevel=4, shuffle=True,
        fill_value=np.float32(np.nan), chunksizes=chunks,
    )  # fmt: skip
    coordinates = {} if layout.cells.lattice.is_geographic else {"coordinates": "longitude latitude"}
    made.setncatts({"grid_mapping": "crs"} | coordinates | _said(layout, name))
    made[:] = values.reshape(shape)


def variable_name(variable: str, layer: str) -> str:
    """Return the name of a layer's variable in the file."""
    tails = {"estimate": "", "std": "_standard_error", "std_obs": "_standard_error_observation"}
    if layer == "neighbours":
        return layer
    return f"{variable}{tails.get(layer, f'_{layer}')}".replace("-", "m").replace(".", "p")


def _said(layout: Layout, layer: str) -> dict[str, str]:
    unit, level = layout.table.unit, layout.maps[0].level
    counted = layer == "neighbours"
    said = {"long_name": layer_title(layout.table, layer)} | _standard(layout, layer)
    if level and level.is_bench and not counted:
        said["cell_methods"] = "depth: mean"
    unit = "1" if counted or layer.startswith("p_gt_") else unit
    return said | ({"units": unit} if unit else {})


def _standard(layout: Layout, layer: str) -> dict[str, str]:
    """Return the standard name with its modifier (CF, appendix C), and what belongs to the estimate."""
    name = layout.table.name
    standard = layout.table.standard_name or standard_name_of(name)
    modifiers = {"estimate": "", "std": " standard_error", "neighbours": " number_of_observations"}
    said = {"standard_name": standard + modifiers[layer]} if standard and layer in modifiers else {}
    if layer == "estimate":
        others = [variable_name(name, one) for one in ("std", "std_obs", "neighbours")]
        said["ancillary_variables"] = " ".join(others)
    return said


def layer_title(table: Observations, layer: str) -> str:
    """Say what a layer shows."""
    words = plain_name(table.name, table.standard_name)
    usual = {
        "estimate": f"{words}: estimate", "std": f"{words}: standard error",
        "std_obs": f"{words}: standard error against a new observation", "neighbours": "Observations per estimate",
    }  # fmt: skip
    if layer in usual:
        return usual[layer]
    if layer.startswith("p_gt_"):
        within = words if words == table.name else words[:1].lower() + words[1:]
        return f"Probability that {within} is above {layer.removeprefix('p_gt_')} {table.unit}".rstrip()
    return f"{words}: {layer.removeprefix('q').lstrip('0') or '0'} % quantile"


def _attributes(layout: Layout) -> dict[str, JSON]:
    table, lattice = layout.table, layout.cells.lattice
    method = "; ".join(
        f"{one.title}: {one.choice.name}, {json.dumps(one.choice.recipe.model.to_dict(), sort_keys=True)}".lstrip(": ")
        for one in layout.maps
        if one.choice is not None
    )
    told: dict[str, JSON] = {
        "Conventions": "CF-1.11, ACDD-1.3",
        "title": layout.title,
        "summary": f"Kriged from {table.size} values of {np.unique(table.platform).size} platforms.",
        "source": "observations: " + ", ".join(sorted(href for _, href, _ in layout.lineage.inputs)[:20]),
        "method": method or "constant",
        "comment": " ".join(dict.fromkeys(note for one in layout.maps for note in one.notes)),
        "geospatial_bounds_crs": lattice.crs,
        "iaos_lineage_json": json.dumps(layout.lineage.to_dict(), sort_keys=True),
    }
    if layout.has_time:
        for side, when in (("start", layout.steps[0].start), ("end", layout.steps[-1].end)):
            told[f"time_coverage_{side}"] = f"{instant_of(when):%Y-%m-%dT%H:%M:%SZ}"
    return told
