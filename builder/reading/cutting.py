"""Reads the chosen part of one source and says on it where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from builder.reading.positions import MARGIN, is_crossed, positions
from builder.reading.valid import measured

if TYPE_CHECKING:
    import xarray as xr

    from builder.reading.extract import Cut
    from builder.reading.query import Query

WITHIN = "iaos_within"
"""Name of the coordinate that says which cells of a cut lie within what was asked for."""

_LISTS = ("ancillary_variables", "coordinates", "cell_measures", "formula_terms", "bounds", "climatology")
_OF_THE_WHOLE = ("geospatial_", "time_coverage_", "last_", "date_", "_NCProperties")


def cut_out(cut: Cut, asked: Query) -> xr.Dataset:
    """Return the part, read, with the attributes of its variables and its provenance."""
    whole, chosen, numbers = _with_positions(cut), cut.selection, _numbers(cut)
    whole = whole.assign_coords(numbers)
    mappings = {whole.variables[name].attrs.get("grid_mapping", "") for name in cut.names}
    ordered = (
        cut.axes.time,
        cut.axes.longitude or "longitude",
        cut.axes.latitude or "latitude",
        *cut.axes.names,
        *numbers,
    )
    names = dict.fromkeys(name for name in (*ordered, *cut.names, *sorted(mappings)) if name in whole.variables)
    part = whole[list(names)].isel(chosen.indices)
    part = part.set_coords([name for name in ordered if name in names and name not in cut.names])
    if chosen.masks:
        part = part.assign_coords({WITHIN: (chosen.within.dims, chosen.within.values)})
    part = _unbroken(_squeezed(part, cut), cut, asked)
    part = (part if part.data_vars else part[list(cut.names)]).load()
    for name, variable in list(part.variables.items()):
        if (valid := measured(variable)) is not variable:
            part[name] = valid
    for variable in part.variables.values():
        _keep_true(variable, set(part.variables))
    return part.assign_attrs(_provenance(part, cut, asked))


def inside(part: xr.Dataset) -> xr.Dataset:
    """Make numbers and times missing outside of what was asked for; whole numbers become decimal ones for this."""
    if WITHIN not in part.coords:
        return part
    within = part[WITHIN]
    return part.assign(
        {
            name: values.where(within)
            for name, values in part.data_vars.items()
            if set(within.dims) <= set(values.dims) and values.dtype.kind in "iufmM"
        }
    )


def _with_positions(cut: Cut) -> xr.Dataset:
    """Give a projected grid the longitudes and latitudes of its cells."""
    if cut.axes.grid is None or cut.axes.longitude is not None:
        return cut.dataset
    lon, lat = positions(cut.dataset, cut.axes)
    lon.attrs |= {"standard_name": "longitude", "units": "degrees_east"}
    lat.attrs |= {"standard_name": "latitude", "units": "degrees_north"}
    return cut.dataset.assign_coords(longitude=lon, latitude=lat)


def _numbers(cut: Cut) -> dict[str, xr.Variable]:
    """Return the index along each dimension that no coordinate tells of, as of levels without depths."""
    import xarray as xr

    sizes = cut.dataset.sizes
    known = {dim for name in (*cut.axes.names, *cut.dataset.coords) for dim in cut.dataset.variables[name].dims}
    used = dict.fromkeys(str(dim) for name in cut.names for dim in cut.dataset.variables[name].dims)
    return {
        f"{dim}_index": xr.Variable(dim, np.arange(sizes[dim]), {"long_name": f"index along {dim}, from 0"})
        for dim in used
        if dim not in known and f"{dim}_index" not in cut.dataset.variables
    }


def _squeezed(part: xr.Dataset, cut: Cut) -> xr.Dataset:
    """Drop the dimensions that a point has none of; cells of a row or column of which none is asked for stay out."""
    return part.squeeze([dim for dim in cut.selection.single if dim in part.dims])


def _unbroken(part: xr.Dataset, cut: Cut, asked: Query) -> xr.Dataset:
    """Let the longitudes of a grid cut across ±180° rise without a break, as CF asks of coordinates."""
    lon, lat = cut.axes.longitude, cut.axes.latitude
    if asked.box is None or lon is None or lat is None or not is_crossed(part.variables[lon], part.variables[lat]):
        return part
    dim, values = str(part.variables[lon].dims[0]), part.variables[lon].values.astype(np.float64)
    start = asked.box[0] - MARGIN
    risen = values + 360.0 * np.round((start + (values - start) % 360.0 - values) / 360.0)
    steps = np.diff(risen)
    if (steps > 0).all() or (steps < 0).all():
        return part
    stored = part.variables[lon].dtype
    moved = part.variables[lon].copy(data=risen.astype(stored if stored.kind == "f" else np.result_type(stored, "i4")))
    moved.attrs = {key: value for key, value in moved.attrs.items() if not key.startswith("valid_")}
    return part.assign_coords({lon: moved.to_base_variable()}).isel({dim: np.argsort(risen, kind="stable")})


def _keep_true(variable: xr.Variable, names: set[Any]) -> None:
    """Drop attributes that the cut made untrue: of variables left behind, of packed values, of how it was stored."""
    packed = {"scale_factor", "add_offset", "_Unsigned"} & set(variable.encoding)
    for key in _LISTS:
        said = variable.attrs.pop(key, None)
        kept = [name for name in str(said or "").split() if name in names]
        if key == "ancillary_variables" and kept:
            variable.attrs[key] = " ".join(kept)
    if variable.attrs.get("grid_mapping", "") not in names:
        variable.attrs.pop("grid_mapping", None)
    for key in ("valid_min", "valid_max", "valid_range", "_ChunkSizes"):
        if packed or key == "_ChunkSizes":
            variable.attrs.pop(key, None)
    variable.attrs.pop("sample_dimension", None)
    kept_encoding = {key: variable.encoding[key] for key in ("units", "calendar") if key in variable.encoding}
    variable.encoding = kept_encoding


def _provenance(part: xr.Dataset, cut: Cut, asked: Query) -> dict[str, Any]:
    source, attributes = cut.opened.source, dict(part.attrs)
    for name in list(attributes):
        if str(name).startswith(_OF_THE_WHOLE):
            del part.attrs[name]
    said = source.properties
    doi = said.get("sci:doi")
    citation = said.get("sci:citation") or (f"https://doi.org/{doi}" if doi else attributes.get("citation"))
    line = f"iaos extract {source.href} {asked}".strip()
    history = str(attributes.get("history", "")).strip()
    facts = {
        "Conventions": "CF-1.11",
        "history": f"{history}\n{line}".strip(),
        "iaos_source": source.href,
        "iaos_item": source.item,
        "iaos_query": str(asked),
        "iaos_distance_m": cut.selection.distance_m,
        "citation": citation,
        "license": said.get("license") or attributes.get("license"),
    }
    return {name: value for name, value in facts.items() if value not in {None, ""}}
