"""The smallest box and interval around many items, fed some at a time."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import gt

Interval = tuple[str | None, str | None]


@dataclass
class Extents:
    """Grows around boxes and intervals; keeps two numbers per box, so 100,000 items are no burden."""

    _west: array[float] = field(default_factory=lambda: array("d"))
    _east: array[float] = field(default_factory=lambda: array("d"))
    _south: float = 90.0
    _north: float = -90.0
    _start: str | None = None
    _end: str | None = None
    _open_end: bool = False

    def add_boxes(self, boxes: Iterable[Sequence[float]]) -> None:
        """Include boxes of four or six numbers, degrees; west > east crosses the antimeridian."""
        flat = [box if len(box) == 4 else (*box[:2], *box[3:5]) for box in boxes]
        if flat:
            west, south, east, north = zip(*flat, strict=True)
            self._west.extend(west)
            self._east.extend(east)
            self._south = min(self._south, *south)
            self._north = max(self._north, *north)

    def add_intervals(self, intervals: Sequence[Interval]) -> None:
        """Include intervals of RFC 3339 stamps in UTC; no end with a start means that it goes on."""
        starts, ends = zip((self._start, self._end), *intervals, strict=True)
        self._start = min(filter(None, starts), key=moment, default=None)
        self._end = max(filter(None, ends), key=moment, default=None)
        self._open_end |= any(start and not end for start, end in intervals)

    @property
    def bbox(self) -> list[float] | None:
        """West, south, east, north of everything; None where no box was added.

        It crosses the antimeridian where that makes it narrower than half the globe; a wider one
        is written without crossing, as far more readers understand it.
        """
        if not self._west:
            return None
        west, east = _span(self._west, self._east)
        return [west, self._south, east, self._north]

    @property
    def interval(self) -> list[str | None]:
        """First and last instant; None as the end where anything goes on."""
        return [self._start, None if self._open_end else self._end]


def moment(stamp: str) -> str:
    """Return what sorts RFC 3339 stamps in UTC by time: with its Z, a whole second comes after its own fractions."""
    return stamp.removesuffix("Z")


def _span(wests: Sequence[float], easts: Sequence[float]) -> tuple[float, float]:
    """Return west and east of the shortest arc around arcs, or the plain minimum and maximum."""
    crossing = any(map(gt, wests, easts))
    lowest, highest = min(wests), max(easts)
    if not crossing and highest - lowest <= 180:
        return lowest, highest
    before, after = _widest_gap(wests, easts)
    if after - before > 180:
        return _wrap(after), _wrap(before)
    return (-180.0, 180.0) if crossing else (lowest, highest)


def _widest_gap(wests: Sequence[float], easts: Sequence[float]) -> tuple[float, float]:
    """Return the longitudes before and after the widest uncovered gap; they may exceed 180."""
    order = sorted(range(len(wests)), key=easts.__getitem__)
    order.sort(key=wests.__getitem__)  # numbers take less memory than pairs
    first, first_end = wests[order[0]], easts[order[0]]
    wrapped = (east for west, east in zip(wests, easts, strict=True) if east < west)  # cover the circle's beginning too
    reach = max(wrapped, default=-math.inf)
    reach = max(reach, first_end + (360 if first_end < first else 0))
    before = after = first
    for west, east in chain(((wests[place], easts[place]) for place in order[1:]), [(first + 360, first + 360)]):
        if west - reach > after - before:
            before, after = reach, west
        reach = max(reach, east + (360 if east < west else 0))
    return before, after


def _wrap(longitude: float) -> float:
    return longitude - 360 if longitude > 180 else longitude
