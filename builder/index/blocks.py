"""Bounds of blocks of rows, by which a search leaves out or takes whole what it need not read."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from builder.index.encode import DEGREE, Flags

BLOCK = 128
"""Rows that are fetched together."""

TENTH = DEGREE // 10
"""Bounds of places are in tenths of a degree."""

CIRCLE = 360 * DEGREE
BOUNDS = 13
"""How many numbers `block_bounds` returns."""

NONE, SOME, ALL = 0, 1, 2
"""How many rows of a block answer, as far as its bounds say; `SOME` is for those that have to be read."""

_DAY = 86_400.0
_TURN = 3600
Boxes = npt.NDArray[np.int32]
Times = npt.NDArray[np.float64]
Query: TypeAlias = tuple[int, int, int, int]
Period: TypeAlias = tuple[float, float]


def block_bounds(boxes: Boxes, times: Times) -> tuple[int, ...]:
    """Return what is known of all rows of a block, in tenths of a degree and days since 1970.

    ``west, width, south, height`` is a box around all, rounded outward; width -1 where there is no place. ``spread``
    is how far north of ``south`` the northernmost southern side lies, ``low`` likewise the southernmost northern side;
    ``core_west, core_width`` is an arc that lies in the arcs of all, width -1 for none. ``unplaced`` counts rows
    without a place. ``start`` is the first day on which one starts, ``later`` how many days later the last one does;
    ``ends`` is the first day on which one ends, from ``start``, and ``last`` how many days later the last one does.
    """
    first, last = times[:, 0] / _DAY, times.sum(axis=1) / _DAY
    start, ends = math.floor(first.min()), math.floor(last.min())
    when = (start, math.ceil(first.max()) - start, ends - start, math.ceil(last.max()) - ends)
    placed = boxes[boxes[:, 2] >= 0].astype(np.int64)
    if not len(placed):
        return 0, -1, 0, 0, 0, 0, 0, -1, len(boxes), *when
    lower, upper = placed[:, 1], placed[:, 1] + placed[:, 3]
    south = int(lower.min() // TENTH)
    height, spread = int(-(-upper.max() // TENTH)) - south, int(-(-lower.max() // TENTH)) - south
    low = int(upper.min() // TENTH) - south
    return *_hull(placed), south, height, spread, low, *_core(placed), len(boxes) - len(placed), *when


def _hull(boxes: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Return west and width of the shortest arc around all arcs."""
    start, end = boxes[:, 0] // TENTH, -(-(boxes[:, 0] + boxes[:, 2]) // TENTH)
    free_from, free = _gap(start, np.minimum(end - start, _TURN))
    return (-1800, _TURN) if free <= 0 else (_around(free_from + free), _TURN - free)


def _core(boxes: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Return west and width of an arc that all arcs hold; width -1 where there is none."""
    part = boxes[boxes[:, 2] < CIRCLE]
    if not len(part):
        return -1800, _TURN
    start, end = -(-part[:, 0] // TENTH), (part[:, 0] + part[:, 2]) // TENTH
    if (end < start).any():
        return 0, -1
    shared, width = _gap(end, _TURN - (end - start))
    return (0, -1) if width < 0 else (_around(shared), width)


def _gap(start: npt.NDArray[np.int64], width: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Return start and width of the widest arc between arcs on a circle; width -1 where they cover it all."""
    start = start % _TURN
    order = np.argsort(start, kind="stable")
    start, end = start[order], (start + width)[order]
    reached = np.maximum(np.maximum.accumulate(end), end.max() - _TURN)
    free = np.append(start[1:], start[0] + _TURN) - reached
    widest = int(np.argmax(free))
    return (int(reached[widest]), int(free[widest])) if free[widest] >= 0 else (0, -1)


def _around(tenths: int) -> int:
    return (tenths + 1800) % _TURN - 1800


def judged(bounds: npt.NDArray[Any], box: Query | None, period: Period | None) -> npt.NDArray[np.int8]:
    """Tell of each block, by its bounds, whether none, all or perhaps some rows meet a box and a period.

    Args:
        bounds: Those of `block_bounds`, one column per block.
        box: West, south, width and north in 1/`DEGREE` degrees.
        period: First and last second since 1970.
    """
    west, width, south, height, spread, low, core_west, core_width, unplaced, *when = bounds.astype(np.int64)
    start, later, ends, last = when
    some, every = np.ones(len(west), bool), np.ones(len(west), bool)
    if box is not None:
        around = np.column_stack([west, south, width, height]) * TENTH
        some &= meets(around, box)
        along = (((west * TENTH - box[0]) % CIRCLE + width * TENTH) <= box[2]) | (box[2] >= CIRCLE)
        along |= (core_width >= 0) & _along(core_west * TENTH, core_width * TENTH, box)
        every &= along & (unplaced == 0)
        every &= ((south + spread) * TENTH <= box[3]) & ((south + low) * TENTH >= box[1])
    if period is not None:
        some &= (start * _DAY <= period[1]) & ((start + ends + last) * _DAY >= period[0])
        every &= ((start + later) * _DAY <= period[1]) & ((start + ends) * _DAY >= period[0])
    return np.where(some, np.where(every, ALL, SOME), NONE).astype(np.int8)


def meets(boxes: npt.NDArray[Any], query: Query) -> Flags:
    """Tell which boxes share a place with a query on the globe: arcs on a circle, and one place at a pole.

    Args:
        boxes: West, south, width, height in 1/`DEGREE` degrees, shape (n, 4); width -1 for no place.
        query: West, south, width and north likewise.
    """
    west, south, width, height = boxes.astype(np.int64).T
    _, q_south, _, q_north = query
    north = south + height
    along = _along(west, width, query)
    if q_north == 90 * DEGREE:
        along |= north == q_north
    if q_south == -90 * DEGREE:
        along |= south == q_south
    found: Flags = along & (south <= q_north) & (north >= q_south) & (width >= 0)
    return found


def _along(west: npt.NDArray[np.int64], width: npt.NDArray[np.int64], query: Query) -> Flags:
    """Tell which arcs share a meridian with that of a query."""
    q_west, _, q_width, _ = query
    found: Flags = ((q_west - west) % CIRCLE <= width) | ((west - q_west) % CIRCLE <= q_width)
    return found | (width >= CIRCLE) | (q_width >= CIRCLE)
