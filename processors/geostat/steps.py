"""The times a map is made for: the centre of the observations, a date, or the middle of each month, season or year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from processors.errors import Refusal
from processors.geostat.observations import Floats
from processors.geostat.periods import days_of, instant_of, period_of

MOST_STEPS = 1200
_MONTHS = {"month": 1, "season": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class Step:
    """One time of the map, days since 1970.

    Attributes:
        start: Of the period it stands for.
        end: Its end.
        at: The time that estimates are for; NaN where observations have no time.
    """

    start: float
    end: float
    at: float

    @property
    def title(self) -> str:
        """The date, ISO 8601; empty without one."""
        return f"{instant_of(self.at):%Y-%m-%d}" if np.isfinite(self.at) else ""


def steps_of(target: str, time: Floats, period: tuple[float, float] | None) -> list[Step]:
    """Return the times of the map.

    Args:
        target: ``centre``, ``month``, ``season``, ``year`` or a date.
        time: Of the observations, days since 1970.
        period: What was asked for; its open ends are those of the observations.

    Raises:
        Refusal: It is none of these, or the observations have no time.
    """
    known = time[np.isfinite(time)]
    if not known.size:
        if target != "centre":
            raise Refusal("the observations have no time", "target_time", "leave it at centre")
        return [Step(np.nan, np.nan, np.nan)]
    first, last = float(known.min()), float(known.max())
    if period is not None:
        first = period[0] if np.isfinite(period[0]) else first
        last = period[1] if np.isfinite(period[1]) else last
    if target == "centre":
        return [Step(first, last, (first + last) / 2)]
    if target in _MONTHS:
        return _calendar(_MONTHS[target], first, last)
    start, end = period_of(target, "target_time")
    if not np.isfinite(start) or not np.isfinite(end):
        raise Refusal(f"{target!r} has no middle", "target_time", "write a date, a month, or start/end")
    return [Step(start, end, (start + end) / 2)]


def is_series(target: str) -> bool:
    """Tell whether a map of several times is asked for."""
    return target in _MONTHS


def _calendar(months: int, first: float, last: float) -> list[Step]:
    """Return calendar periods of so many months; seasons begin in December, as climatologists have them."""
    begin = instant_of(first)
    number = begin.year * 12 + begin.month - 1
    shift = 11 if months == 3 else 0
    number -= (number - shift) % months
    found: list[Step] = []
    while len(found) < MOST_STEPS:
        start, end = _month(number), _month(number + months)
        if start >= last:
            return found
        found.append(Step(start, end, (start + end) / 2))
        number += months
    raise Refusal(f"there would be more than {MOST_STEPS} maps", "target_time", "use longer steps, or a shorter `time`")


def _month(number: int) -> float:
    return days_of(datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC))
