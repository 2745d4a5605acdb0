"""Finds the part of an open dataset that a question asks for, without reading any values but coordinates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from builder.dataset import Box
from builder.errors import ReadingError
from builder.geometry.boxes import is_circle
from builder.reading.axes import Axes, depths
from builder.reading.nearest import nearest
from builder.reading.positions import Values, as_float, is_crossed, positions
from builder.reading.query import Period, Query
from builder.reading.selection import Mask, NothingThereError, Selection

if TYPE_CHECKING:
    import xarray as xr


def select(dataset: xr.Dataset, axes: Axes, asked: Query) -> Selection:
    """Return the part of a dataset that answers a question.

    Times, depths and boxes come first, so the nearest cast is the nearest of those in the time asked for.

    Raises:
        ReadingError: The data have no such coordinate.
        NothingThereError: Nothing answers the question.
    """
    chosen = Selection()
    if asked.time:
        chosen.keep_variable(_times(dataset, axes, asked.time))
    if asked.depth:
        deep = depths(dataset, axes)
        chosen.keep_variable(deep.copy(data=(deep.values >= asked.depth[0]) & (deep.values <= asked.depth[1])))
    if asked.box:
        _box(chosen, dataset, axes, asked.box)
    if chosen.is_empty:
        raise NothingThereError
    if asked.place:
        nearest(chosen, dataset, axes, asked.place)
        if asked.within_km is not None and (chosen.distance_m or 0.0) > 1000.0 * asked.within_km:
            raise NothingThereError(f"the nearest place is {(chosen.distance_m or 0.0) / 1000:.1f} km away")
    return chosen


def _times(dataset: xr.Dataset, axes: Axes, period: Period) -> xr.Variable:
    if axes.time is None:
        raise ReadingError("the data have no times that could be asked for")
    variable = dataset.variables[axes.time]
    mask = np.ones(variable.shape, dtype=bool)
    for bound, compare in zip(period, (np.greater_equal, np.less_equal), strict=True):
        if bound is not None:
            mask &= _compared(variable.values, bound, compare)
    return variable.copy(data=mask)


def _compared(values: Any, bound: datetime, compare: Callable[..., Any]) -> Mask:
    plain = bound.astimezone(UTC).replace(tzinfo=None)
    if values.dtype.kind == "M":
        return np.asarray(compare(values, np.datetime64(plain)), dtype=bool)
    stamp = plain.timetuple()[:6]  # a model calendar: compared by date and time as written
    written = [(t.year, t.month, t.day, t.hour, t.minute, t.second) for t in values.ravel()]
    before = compare is np.less_equal
    found = [(moment <= stamp if before else moment >= stamp) for moment in written]
    return np.array(found, dtype=bool).reshape(values.shape)


def inside(longitudes: Values, latitudes: Values, box: Box) -> Mask:
    """Tell which positions, in any convention of longitude, lie in a box; west > east goes across ±180°."""
    west, south, east, north = box
    rows = (latitudes >= south) & (latitudes <= north)
    if is_circle(west, east):
        return np.asarray(rows & np.isfinite(longitudes))
    return np.asarray(rows & ((longitudes - west) % 360.0 <= (east - west) % 360.0))


def _box(chosen: Selection, dataset: xr.Dataset, axes: Axes, box: Box) -> None:
    import xarray as xr

    lon, lat = positions(dataset, axes)
    if is_crossed(lon, lat):
        west, _, east, _ = box
        columns = inside(as_float(lon), np.zeros(lon.shape), (west, -90.0, east, 90.0))
        chosen.keep(str(lon.dims[0]), columns)
        chosen.keep(str(lat.dims[0]), (as_float(lat) >= box[1]) & (as_float(lat) <= box[3]))
    else:
        chosen.keep_variable(xr.Variable(lon.dims, inside(as_float(lon), as_float(lat), box)))
