"""Finds the place nearest to a point, in metres on the WGS 84 ellipsoid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from builder.reading.axes import Axes
from builder.reading.positions import Values, as_float, is_crossed, positions
from builder.reading.selection import Mask, NothingThereError, Selection

if TYPE_CHECKING:
    import xarray as xr

CANDIDATES = 16
"""Places nearest on a sphere among which the nearest on the ellipsoid is."""

AROUND = 2
"""Cells to each side of the nearest projected cell, or from the rim inward, that are measured on the ellipsoid."""

Indices = npt.NDArray[np.intp]


def nearest(chosen: Selection, dataset: xr.Dataset, axes: Axes, place: tuple[float, float]) -> None:
    """Keep what is nearest to a place: one cell of a grid, or all observations at the nearest position.

    Raises:
        NothingThereError: No position is left to choose from, or the projection does not show the place.
        ReadingError: The data have no positions.
    """
    if axes.grid is not None:
        index = {} if _is_narrowed(chosen, dataset, axes.y, axes.x) else _nearest_cell(axes, dataset, place)
        lon, lat = positions(dataset, axes, index or None)
    else:
        lon, lat = positions(dataset, axes)
        narrowed = _is_narrowed(chosen, dataset, axes.longitude, axes.latitude)
        index = _nearest_axes(lon, lat, place) if is_crossed(lon, lat) and not narrowed else {}
    if index:
        lon, lat = (v.isel({d: i for d, i in index.items() if d in v.dims}) for v in (lon, lat))
        for dim, at in index.items():
            chosen.keep(dim, np.arange(dataset.sizes[dim]) == at)
        chosen.single += tuple(index)
        _, chosen.distance_m = _closest(as_float(lon).ravel(), as_float(lat).ravel(), place)
    else:
        lon, lat = _nearest_among(chosen, lon, lat, place)
    chosen.longitude, chosen.latitude = float(lon.values.ravel()[0]), float(lat.values.ravel()[0])


def _is_narrowed(chosen: Selection, dataset: xr.Dataset, *names: str | None) -> bool:
    """Tell whether depths or times asked for leave only some cells of a grid."""
    return any(dim in chosen.kept for name in names if name for dim in dataset.variables[name].dims)


def _left(chosen: Selection, lon: xr.Variable) -> Mask:
    """Return which positions have anything left that was asked for."""
    left: Mask = np.ones(lon.shape, dtype=bool)
    for axis, dim in enumerate(lon.dims):
        if dim in chosen.kept:
            left &= np.expand_dims(chosen.kept[str(dim)], tuple(i for i in range(lon.ndim) if i != axis))
    for mask in chosen.masks:
        others = [dim for dim in mask.dims if dim not in lon.dims]
        among = mask.isel({dim: chosen.indices[str(dim)] for dim in others}).any(others)
        left &= among.set_dims(lon.sizes).transpose(*lon.dims).values  # type: ignore[no-untyped-call]
    return left


def _nearest_among(
    chosen: Selection, lon: xr.Variable, lat: xr.Variable, place: tuple[float, float]
) -> tuple[xr.Variable, xr.Variable]:
    """Keep the nearest of many positions, with all observations made at that very position."""
    import xarray as xr

    if is_crossed(lon, lat):
        lon, lat = (one.variable for one in xr.broadcast(xr.DataArray(lon), xr.DataArray(lat)))
    kept = _left(chosen, lon)
    longitudes, latitudes = (np.where(kept, as_float(v), np.nan) for v in (lon, lat))
    if not (np.isfinite(longitudes) & np.isfinite(latitudes)).any():
        raise NothingThereError
    at, chosen.distance_m = _closest(longitudes.ravel(), latitudes.ravel(), place)
    here = np.unravel_index(at, lon.shape)
    if lon.ndim == 1:
        chosen.keep(str(lon.dims[0]), (longitudes == longitudes[here]) & (latitudes == latitudes[here]))
    else:
        for dim, i in zip(lon.dims, here, strict=True):
            chosen.keep(str(dim), np.arange(lon.sizes[dim]) == i)
        chosen.single += tuple(map(str, lon.dims))
    return tuple(v.isel(dict(zip(v.dims, here, strict=True))) for v in (lon, lat))  # type: ignore[return-value]


def _closest(lon: Values, lat: Values, place: tuple[float, float]) -> tuple[int, float]:
    """Return the index of the nearest position on the WGS 84 ellipsoid and its distance in metres."""
    from pyproj import Geod

    here, there = _unit(np.array(place[0]), np.array(place[1])), _unit(lon, lat)
    chords = np.where(np.isfinite(lon) & np.isfinite(lat), ((there - here[:, None]) ** 2).sum(axis=0), np.inf)
    few = np.argpartition(chords, CANDIDATES)[:CANDIDATES] if chords.size > CANDIDATES else np.arange(chords.size)
    few = np.sort(few[np.isfinite(chords[few])])
    count = len(few)
    metres = Geod(ellps="WGS84").inv([place[0]] * count, [place[1]] * count, lon[few], lat[few])[2]
    best = int(np.argmin(metres))
    return int(few[best]), float(metres[best])


def _unit(lon: Any, lat: Any) -> Values:
    lam, phi = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])


def _nearest_axes(lon: xr.Variable, lat: xr.Variable, place: tuple[float, float]) -> dict[str, int]:
    """Return the nearest cell of a grid of longitudes and latitudes: no column is nearer than the nearest by angle."""
    if not (np.isfinite(as_float(lon)).any() and np.isfinite(as_float(lat)).any()):
        raise NothingThereError
    aside = np.abs((as_float(lon) - place[0] + 180.0) % 360.0 - 180.0)
    column = int(np.nanargmin(aside))
    rows = as_float(lat)
    row, _ = _closest(np.full(rows.shape, as_float(lon)[column]), rows, place)
    return {str(lon.dims[0]): column, str(lat.dims[0]): row}


def _nearest_cell(axes: Axes, dataset: xr.Dataset, place: tuple[float, float]) -> dict[str, int]:
    from pyproj import Transformer

    assert axes.grid is not None
    assert axes.x is not None
    assert axes.y is not None
    east, north = Transformer.from_crs("EPSG:4326", axes.grid.crs, always_xy=True).transform(*place)
    if not (np.isfinite(east) and np.isfinite(north)):
        raise NothingThereError("the place cannot be shown in the projection of the data")
    aside = axes.grid.x - east
    aside = aside if axes.grid.crs.is_projected else (aside + 180.0) % 360.0 - 180.0
    rows, columns = _cells_around(axes.grid.y, east + aside, (north, east))
    back = Transformer.from_crs(axes.grid.crs, "EPSG:4326", always_xy=True)
    lon, lat = (np.asarray(v) for v in back.transform(axes.grid.x[columns], axes.grid.y[rows]))
    at, _ = _closest(lon, lat, place)
    ydim, xdim = (str(dataset.variables[name].dims[0]) for name in (axes.y, axes.x))
    return {ydim: int(rows[at]), xdim: int(columns[at])}


def _cells_around(north: Values, east: Values, place: tuple[float, float]) -> tuple[Indices, Indices]:
    """Return rows and columns of the cells round a place; of those at the rim, where it lies outside of the grid."""
    axes = (north, east)
    if all(np.nanmin(values) <= at <= np.nanmax(values) for values, at in zip(axes, place, strict=True)):
        middle = [int(np.nanargmin(np.abs(values - at))) for values, at in zip(axes, place, strict=True)]
        spans = [(max(at - AROUND, 0), min(at + AROUND + 1, v.size)) for at, v in zip(middle, axes, strict=True)]
        pairs = [np.meshgrid(*(np.arange(*span) for span in spans), indexing="ij")]
    else:
        count = [np.arange(values.size) for values in axes]
        rims = [every[(every <= AROUND) | (every >= every.size - 1 - AROUND)] for every in count]
        pairs = [np.meshgrid(rims[0], count[1], indexing="ij"), np.meshgrid(count[0], rims[1], indexing="ij")]
    rows, columns = (np.concatenate([pair[axis].ravel() for pair in pairs]) for axis in (0, 1))
    return rows, columns
