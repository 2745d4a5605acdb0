"""The smallest box and interval around many items, fed one at a time."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
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

    def add_box(self, bbox: Sequence[float]) -> None:
        """Include a box of four or six numbers, degrees; west > east crosses the antimeridian."""
        half = len(bbox) // 2
        self._west.append(bbox[0])
        self._east.append(bbox[half])
        self._south = min(self._south, bbox[1])
        self._north = max(self._north, bbox[half + 1])

    def add_interval(self, start: str | None, end: str | None) -> None:
        """Include an interval of RFC 3339 stamps in UTC; no end with a start means that it goes on."""
        if start is not None:
            self._start = min(self._start or start, start, key=moment)
        if end is not None:
            self._end = max(self._end or end, end, key=moment)
        self._open_end |= end is None and start is not None

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
