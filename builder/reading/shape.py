"""Brings the shapes in which observations are stored into one: every value beside its own position and time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from builder.enrich.coordinates import LATITUDE, LONGITUDE, find
from builder.errors import ReadingError

if TYPE_CHECKING:
    import xarray as xr


def shaped(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset whose ragged arrays are unrolled and whose paired positions share the dimension of time.

    Reads positions and row sizes; other variables stay unread.

    Raises:
        ReadingError: Row sizes contradict the number of values.
    """
    return _levels(_unrolled(_paired(dataset)))


def _unrolled(dataset: xr.Dataset) -> xr.Dataset:
    """Give each value of a ragged array what is said of its station, profile or cruise (CF 1.11, 9.3.3 and 9.3.4)."""
    for name in list(map(str, dataset.variables)):
        variable = dataset.variables.get(name)  # as it is now: an index into stations may itself have been spread
        if variable is None:
            continue
        sample = variable.attrs.get("sample_dimension")
        if sample in dataset.dims and variable.ndim == 1 and variable.dims[0] != sample:
            rows = np.nan_to_num(np.asarray(variable.values, dtype=np.float64)).astype(np.int64)
            if rows.sum() != dataset.sizes[sample] or (rows < 0).any():
                message = f"the row sizes in {name} add up to {rows.sum()}, not {dataset.sizes[sample]}"
                raise ReadingError(message)
            index = np.repeat(np.arange(rows.size), rows)
            dataset = _spread(dataset.drop_vars(name), str(variable.dims[0]), str(sample), index)
        instance = variable.attrs.get("instance_dimension")
        if instance in dataset.dims and variable.ndim == 1 and variable.dims[0] != instance:
            index = np.asarray(variable.values).astype(np.int64)
            if index.size and not 0 <= index.min() <= index.max() < dataset.sizes[instance]:
                raise ReadingError(f"{name} points outside of {instance}")
            dataset = _spread(dataset.drop_vars(name), str(instance), str(variable.dims[0]), index)
    return dataset


def _spread(dataset: xr.Dataset, instance: str, sample: str, index: np.ndarray) -> xr.Dataset:
    import xarray as xr

    spread = {}
    for name, variable in dataset.variables.items():
        if instance in variable.dims and sample not in variable.dims:
            taken = dataset[name].reset_coords(drop=True).isel({instance: xr.DataArray(index, dims=sample)})
            new = "index" if name == instance else ""
            spread[f"{name}_{new}" if new else str(name)] = taken.variable
    kept = dataset.drop_dims(instance)
    coordinates = [name for name in spread if name in dataset.coords]
    return kept.assign(spread).set_coords(coordinates)


def _paired(dataset: xr.Dataset) -> xr.Dataset:
    """Put latitudes and longitudes that have a dimension each, one position for each time, on that of time.

    OceanSITES and Copernicus profile files are written so; no variable has both dimensions.
    """
    latitude, longitude = (find(dataset, rule) for rule in (LATITUDE, LONGITUDE))
    if latitude is None or longitude is None or latitude.ndim != 1 or latitude.dims == longitude.dims:
        return dataset
    own = {latitude.dims[0], longitude.dims[0]}
    together = any(own <= set(variable.dims) for variable in dataset.variables.values())
    times = [v for v in dataset.variables.values() if v.dtype.kind == "M" and v.shape == latitude.shape]
    if together or longitude.shape != latitude.shape or not times:
        return dataset
    dim = str(times[0].dims[0])
    same = own | ({"POSITION"} if dataset.sizes.get("POSITION") == latitude.size else set())
    moved = {
        name: variable.to_base_variable()._replace(dims=(dim,))
        for name, variable in dataset.variables.items()
        if variable.ndim == 1 and variable.dims[0] in same
    }
    return dataset.drop_vars(list(moved)).assign_coords(moved)


def _levels(dataset: xr.Dataset) -> xr.Dataset:
    """Give the levels of an OceanSITES profile without pressures their depth.

    There the index counts metres from ``geospatial_vertical_min``.
    """
    import xarray as xr

    is_profile = "vertical profile" in str(dataset.attrs.get("data_type", ""))
    named = {"DEPTH", "DEPH", "PRES"} & set(dataset.variables)
    try:
        top = float(dataset.attrs["geospatial_vertical_min"])
    except (KeyError, ValueError, TypeError):
        return dataset
    if "DEPTH" not in dataset.dims or named or not is_profile:
        return dataset
    attributes = {"standard_name": "depth", "units": "m", "positive": "down", "axis": "Z"}
    return dataset.assign_coords(DEPTH=xr.Variable("DEPTH", top + np.arange(dataset.sizes["DEPTH"]), attributes))
