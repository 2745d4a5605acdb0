"""Bounds of blocks of rows, by which a search leaves out or takes whole what it need not read."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from builder.index.encode import DEGREE, Flags

BLOCK = 1024
"""Rows that are fetched together."""

_DAY = 86_400.0
Boxes = npt.NDArray[np.int32]
Times = npt.NDArray[np.float64]
Query: TypeAlias = tuple[int, int, int, int]


def block_bounds(boxes: Boxes, times: Times) -> tuple[int, ...]:
    """Return west, width, south and north in whole degrees, first and last day since 1970, and rows without a place.

    All are rounded outward. The arc of longitudes is the shortest that holds all boxes; without any place its width
    is -1.
    """
    placed = boxes[:, 2] >= 0
    first, last = math.floor(times[:, 0].min() / _DAY), math.ceil(times.sum(axis=1).max() / _DAY)
    if not placed.any():
        return 0, -1, 0, 0, first, last, len(boxes)
    west, width = _arc(boxes[placed])
    south = int(boxes[placed, 1].min() // DEGREE)
    north = int(-(-(boxes[placed, 1].astype(np.int64) + boxes[placed, 3]).max() // DEGREE))
    return west, width, south, north, first, last, int((~placed).sum())


def _arc(boxes: Boxes) -> tuple[int, int]:
    """Return west and width of the shortest arc of whole degrees around arcs."""
    start = boxes[:, 0] // DEGREE
    end = -(-(boxes[:, 0].astype(np.int64) + boxes[:, 2]) // DEGREE)
    if (end - start >= 360).any():
        return -180, 360
    marks = np.zeros(722, np.int64)
    np.add.at(marks, start + 180, 1)
    np.subtract.at(marks, np.maximum(end, start + 1) + 180, 1)
    covered = np.cumsum(marks)[:720] > 0
    ring = covered[:360] | covered[360:]
    if ring.all():
        return -180, 360
    edges = np.flatnonzero(ring & ~np.roll(ring, 1))
    widths = [int(np.flatnonzero(np.roll(ring, -edge))[-1]) + 1 for edge in edges]
    best = int(np.argmin(widths))
    return int(edges[best]) - 180, widths[best]


def meets(boxes: npt.NDArray[Any], query: Query) -> Flags:
    """Tell which boxes share a place with a query on the globe: arcs on a circle, and one place at a pole.

    Args:
        boxes: West, south, width, height in 1/`DEGREE` degrees, shape (n, 4); width -1 for no place.
        query: West, south, width and north likewise.
    """
    west, south, width, height = boxes.astype(np.int64).T
    q_west, q_south, q_width, q_north = query
    circle, north = 360 * DEGREE, south + height
    along = ((q_west - west) % circle <= width) | ((west - q_west) % circle <= q_width)
    along |= (width >= circle) | (q_width >= circle)
    if q_north == 90 * DEGREE:
        along |= north == q_north
    if q_south == -90 * DEGREE:
        along |= south == q_south
    found: Flags = along & (south <= q_north) & (north >= q_south) & (width >= 0)
    return found


def within(boxes: npt.NDArray[Any], query: Query) -> Flags:
    """Tell which boxes lie in a query whole; arguments as for `meets`."""
    west, south, width, height = boxes.astype(np.int64).T
    q_west, q_south, q_width, q_north = query
    circle = 360 * DEGREE
    along = ((west - q_west) % circle + width <= q_width) | (q_width >= circle)
    found: Flags = along & (south >= q_south) & (south + height <= q_north) & (width >= 0)
    return found
