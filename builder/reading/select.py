"""Finds the part of an open dataset that a question asks for, without reading any values but coordinates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from builder.dataset import Box
from builder.errors import UnsuitedError
from builder.geometry.boxes import is_circle
from builder.reading.axes import Axes, depths
from builder.reading.nearest import nearest
from builder.reading.positions import Values, as_float, is_crossed, positions
from builder.reading.query import Period, Query, Range
from builder.reading.reach import reach
from builder.reading.selection import Mask, NothingThereError, Selection

if TYPE_CHECKING:
    import xarray as xr

TICK = timedelta(milliseconds=1)
"""Less than this is lost where times are stored as fractions of days."""


def select(dataset: xr.Dataset, axes: Axes, asked: Query) -> Selection:
    """Return the part of a dataset that answers a question.

    Times, depths and boxes come first, so the nearest cast is the nearest of those in the time asked for.

    Raises:
        ReadingError: The data have no such coordinate.
        NothingThereError: Nothing answers the question; it says what there is instead.
    """
    try:
        return _selected(dataset, axes, asked)
    except NothingThereError as trouble:
        trouble.hint = trouble.hint or reach(dataset, axes, asked)
        raise


def _selected(dataset: xr.Dataset, axes: Axes, asked: Query) -> Selection:
    chosen = Selection()
    if asked.time:
        chosen.keep_variable(_times(dataset, axes, asked.time))
    if asked.depth:
        chosen.keep_variable(_depths(dataset, axes, asked.depth))
    if asked.box:
        _box(chosen, dataset, axes, asked.box)
    chosen.tighten()
    if chosen.is_empty:
        raise NothingThereError
    if asked.place:
        nearest(chosen, dataset, axes, asked.place)
        chosen.tighten()
        if asked.within_km is not None and (chosen.distance_m or 0.0) > 1000.0 * asked.within_km:
            raise NothingThereError(f"the nearest place is {(chosen.distance_m or 0.0) / 1000:.1f} km away")
    return chosen


def _depths(dataset: xr.Dataset, axes: Axes, asked: Range) -> xr.Variable:
    deep = depths(dataset, axes)
    low, high = (bound + sign * _rounding(dataset.variables[str(axes.vertical)]) * abs(bound)
                 for bound, sign in zip(asked, (-1.0, 1.0), strict=True))  # fmt: skip
    return deep.copy(data=(deep.values >= low) & (deep.values <= high))


def _rounding(variable: xr.Variable) -> float:
    """Return by which part of them numbers may differ from those that were meant, as they are stored."""
    return float(np.finfo(variable.dtype if variable.dtype.kind == "f" else np.float64).eps)


def _times(dataset: xr.Dataset, axes: Axes, period: Period) -> xr.Variable:
    if axes.time is None:
        raise UnsuitedError("the data have no times that could be asked for")
    variable = dataset.variables[axes.time]
    mask = np.ones(variable.shape, dtype=bool)
    for bound, is_end in zip(period, (False, True), strict=True):
        if bound is not None:
            mask &= _compared(variable.values, bound, is_end=is_end)
    return variable.copy(data=mask)


def _compared(values: Any, bound: datetime, *, is_end: bool) -> Mask:
    """Tell which times are not before, or not behind, a bound; a whole second lasts until the next."""
    plain = bound.astimezone(UTC).replace(tzinfo=None)
    if values.dtype.kind == "M":
        if not is_end:
            return np.asarray(values >= np.datetime64(plain - TICK), dtype=bool)
        lasting = TICK if plain.microsecond else timedelta(seconds=1) - TICK
        return np.asarray(values < np.datetime64(plain + lasting), dtype=bool)
    stamp = plain.timetuple()[:6]  # a model calendar: compared by date and time as written
    moments = [t + TICK for t in values.ravel()]
    written = [(t.year, t.month, t.day, t.hour, t.minute, t.second) for t in moments]
    found = [(moment <= stamp if is_end else moment >= stamp) for moment in written]
    return np.array(found, dtype=bool).reshape(values.shape)


def inside(longitudes: Values, latitudes: Values, box: Box, margin: float = 0.0) -> Mask:
    """Tell which positions, in any convention of longitude, lie in a box; west > east goes across ±180°.

    Args:
        longitudes: Degrees.
        latitudes: Degrees.
        box: West, south, east, north.
        margin: Degrees by which positions are rounded.
    """
    west, south, east, north = box
    rows = (latitudes >= south - margin) & (latitudes <= north + margin)
    if is_circle(west, east):
        return np.asarray(rows & np.isfinite(longitudes))
    return np.asarray(rows & ((longitudes - west + margin) % 360.0 <= (east - west) % 360.0 + 2.0 * margin))


def _box(chosen: Selection, dataset: xr.Dataset, axes: Axes, box: Box) -> None:
    import xarray as xr

    lon, lat = positions(dataset, axes)
    margin = max(180.0 * _rounding(lon), 180.0 * _rounding(lat), 1e-9)
    if is_crossed(lon, lat):
        west, south, east, north = box
        everywhere = np.zeros(1)
        chosen.keep(str(lon.dims[0]), inside(as_float(lon), everywhere, (west, -90.0, east, 90.0), margin))
        chosen.keep(str(lat.dims[0]), inside(everywhere, as_float(lat), (-180.0, south, 180.0, north), margin))
    else:
        chosen.keep_variable(xr.Variable(lon.dims, inside(as_float(lon), as_float(lat), box, margin)))
