"""Handles what ships do to data: stations repeated in place, dense lines beside empty sea, and casts of one day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from processors.geostat.observations import Floats, Observations

MERGE_KM, MERGE_DAYS = 5.0, 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """Observations of which repeats were averaged.

    Attributes:
        table: One row per place and day.
        places: Coordinates, km, shape (n, 2 or 3).
        count: How many values each row stands for.
        spread: Pooled variance of a single value within its place and day; NaN where nothing was repeated.
    """

    table: Observations
    places: Floats
    count: npt.NDArray[np.int64]
    spread: float

    @property
    def errors(self) -> Floats:
        """Variance of each row as a mean of repeats, relative to that of a single value: 1/n."""
        share: Floats = 1.0 / self.count
        return share


def merge(table: Observations, places: Floats, radius: float, days: float = MERGE_DAYS) -> Merged:
    """Average values that lie within a radius and a time of each other.

    Rows are visited in order of time, then place; each takes what is near it and not yet taken. The mean of n
    repeats has the error variance s²/n.

    Args:
        table: Observations at one level.
        places: Their coordinates, km.
        radius: Largest distance from the first of a group, km; 0 leaves everything apart.
        days: Largest difference in time from the first of a group; places without a time are compared without it.
    """
    group = _groups(table, places, radius, days)
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    first = np.flatnonzero(np.append(True, np.diff(ordered) != 0))
    count = np.diff(np.append(first, ordered.size)).astype(np.int64)

    def mean(values: Floats) -> Floats:
        averaged: Floats = (np.add.reduceat(values[order], first).T / count).T
        return averaged

    value = mean(table.value)
    within = float(np.sum((table.value - value[group]) ** 2))
    free = int((count - 1).sum())
    columns: dict[str, Any] = {"value": value, "depth": mean(table.depth), "time": mean(table.time)}
    second = None if table.second is None else mean(table.second)
    merged = mean(places)
    lon, lat = _middle(table, order, first)
    row = replace(table.take(order[first]), **columns, second=second, longitude=lon, latitude=lat)
    return Merged(row, merged, count, within / free if free else float("nan"))


def _groups(table: Observations, places: Floats, radius: float, days: float) -> npt.NDArray[np.int64]:
    """Number the groups in the order in which their first rows come."""
    from scipy.spatial import cKDTree

    size = table.size
    if radius <= 0:
        return np.arange(size)
    time = np.where(np.isfinite(table.time), table.time, 0.0)
    order = np.lexsort((places[:, 1], places[:, 0], time))
    tree = cKDTree(np.column_stack([places / radius, time / days]))
    group = np.full(size, -1, np.int64)
    count = 0
    near = tree.query_ball_point(tree.data, np.sqrt(2.0) + 1e-12, workers=1)
    for row in order:
        if group[row] >= 0:
            continue
        close = np.array(sorted(near[row]))
        here = np.linalg.norm(places[close] - places[row], axis=1) <= radius
        now = np.abs(time[close] - time[row]) <= days
        taken = close[here & now & (group[close] < 0)]
        group[taken] = count
        count += 1
    return group


def _middle(table: Observations, order: npt.NDArray[np.int64], first: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the mean position of each group, on the sphere."""
    lam, phi = np.radians(table.longitude[order]), np.radians(table.latitude[order])
    x, y, z = (
        np.add.reduceat(part, first) for part in (np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi))
    )
    lon: Floats = np.degrees(np.arctan2(y, x))
    lat: Floats = np.degrees(np.arctan2(z, np.hypot(x, y)))
    single = np.diff(np.append(first, order.size)) == 1
    return np.where(single, table.longitude[order[first]], lon), np.where(single, table.latitude[order[first]], lat)


def decluster(points: Floats, side: float, origins: int = 5) -> Floats:
    """Return weights that count a crowded cell no more than an empty one; their mean is 1.

    Cell declustering (Journel 1983; Deutsch and Journel 1998, GSLIB `declus`): a value weighs 1/n in a cell with n
    values, averaged over grids shifted along the diagonal.

    Args:
        points: Coordinates, shape (n, 2 or more); the first two count.
        side: Side of a cell.
        origins: How many shifts.
    """
    low = points[:, :2].min(axis=0) - 0.01 * side
    total = np.zeros(len(points))
    for shift in range(origins):
        cell = np.floor((points[:, :2] - low + side * shift / origins) / side).astype(np.int64)
        _, index, count = np.unique(cell, axis=0, return_inverse=True, return_counts=True)
        weight = 1.0 / count[index.ravel()]
        total += weight / weight.sum()
    weights: Floats = total * (len(points) / origins)
    return weights


def vessel_days(table: Observations) -> npt.NDArray[np.int64]:
    """Number the groups of one platform on one day, in order of platform and day."""
    day = np.floor(np.where(np.isfinite(table.time), table.time, 0.0)).astype(np.int64)
    _, platform = np.unique(table.platform, return_inverse=True)
    _, group = np.unique(np.column_stack([platform.ravel(), day]), axis=0, return_inverse=True)
    return group.ravel().astype(np.int64)
