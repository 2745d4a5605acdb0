"""Gives the longitudes and latitudes of data, whatever they are stored as."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from builder.errors import UnsuitedError
from builder.reading.axes import Axes
from builder.reading.valid import measured

if TYPE_CHECKING:
    import xarray as xr

Values = npt.NDArray[np.float64]
MARGIN = 1e-4
"""Degrees that no rounding of stored positions reaches."""


def positions(dataset: xr.Dataset, axes: Axes, index: dict[str, int] | None = None) -> tuple[xr.Variable, xr.Variable]:
    """Return longitudes and latitudes, from the projection where there is one; missing where they are on no globe.

    Args:
        dataset: The data.
        axes: Its coordinates.
        index: A single cell of a projected grid; all where not given.

    Raises:
        ReadingError: The data have no positions.
    """
    import xarray as xr

    if axes.grid is not None:
        return _projected(dataset, axes, index)
    if axes.longitude is None or axes.latitude is None:
        raise UnsuitedError("the data have no positions that could be asked for")
    east, north = (measured(dataset.variables[name]).to_base_variable() for name in (axes.longitude, axes.latitude))
    north = north.copy(data=np.where(np.abs(north.values) > 90.0 + MARGIN, np.nan, north.values))
    if east.dims == north.dims or is_crossed(east, north):
        return east, north
    paired = xr.broadcast(xr.DataArray(east), xr.DataArray(north))
    return paired[0].variable, paired[1].variable


def _projected(dataset: xr.Dataset, axes: Axes, index: dict[str, int] | None) -> tuple[xr.Variable, xr.Variable]:
    import xarray as xr
    from pyproj import Transformer

    assert axes.grid is not None
    ydim, xdim = (str(dataset.variables[str(name)].dims[0]) for name in (axes.y, axes.x))
    ys, xs = (slice(None) if index is None else slice(index[d], index[d] + 1) for d in (ydim, xdim))
    x, y = np.meshgrid(axes.grid.x[xs], axes.grid.y[ys])
    back = Transformer.from_crs(axes.grid.crs, "EPSG:4326", always_xy=True)
    lon, lat = (np.where(np.isfinite(v), v, np.nan) for v in back.transform(x, y))
    whole = xr.Variable((ydim, xdim), lon), xr.Variable((ydim, xdim), lat)
    return whole if index is None else (whole[0][0, 0], whole[1][0, 0])


def is_crossed(lon: xr.Variable, lat: xr.Variable) -> bool:
    """Tell whether longitudes and latitudes are the two axes of a grid."""
    return lon.ndim == lat.ndim == 1 and lon.dims != lat.dims


def as_float(variable: xr.Variable) -> Values:
    """Return the values of a variable as 64-bit numbers."""
    return np.asarray(variable.values, dtype=np.float64)
