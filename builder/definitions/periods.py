"""Times of any precision: what `2019`, `2019-05-01` or the digits in a file name cover, first to last second."""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta

UNITS = ("year", "month", "day", "hour", "minute", "second")
"""From coarse to fine."""

_DATE = re.compile(r"(?P<year>\d{4})(-(?P<month>\d{2})(-(?P<day>\d{2}))?)?", re.ASCII)
_TIMED = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}.*", re.ASCII)
_LAST = timedelta(seconds=1)


def period_of(text: str) -> tuple[datetime, datetime]:
    """Read an ISO 8601 year, month, day or time as the period it covers, UTC.

    A time without zone is UTC. A time with seconds is an instant: both ends are the same.

    Raises:
        ValueError: The text is none of these, or names a day that does not exist.
    """
    dated = _DATE.fullmatch(text)
    if dated:
        return period({unit: int(value) for unit, value in dated.groupdict().items() if value})
    if not _TIMED.fullmatch(text):
        raise ValueError("is not a time such as 2019, 2019-05, 2019-05-01 or 2019-05-01T12:00:00Z")
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except OverflowError as trouble:
        raise ValueError("is outside the years 1 to 9999") from trouble
    return moment, moment


def period(fields: Mapping[str, int]) -> tuple[datetime, datetime]:
    """Return the first and last second of the finest unit given, UTC.

    Args:
        fields: Values of `UNITS` from ``year`` on without a gap, or ``year`` and ``doy`` (day of
            the year, 1 to 366) and then ``hour`` and finer.

    Raises:
        ValueError: There is no such time, or a unit is missing in between.
    """
    known = _with_calendar_day(fields)
    given = [unit for unit in UNITS if unit in known]
    if not given or tuple(given) != UNITS[: len(given)]:
        raise ValueError(f"{', '.join(given) or 'nothing'} alone do not say when")
    year, month, day, hour, minute, second = (known.get(unit, low) for unit, low in zip(UNITS, _LOWEST, strict=True))
    if not MINYEAR <= year <= MAXYEAR or max(month, day, hour, minute, second) > _MOST:
        raise ValueError("there is no such time")
    start = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return start, _last_second(start, given[-1])


_LOWEST = (1, 1, 1, 0, 0, 0)
_MOST = 60


def _with_calendar_day(fields: Mapping[str, int]) -> dict[str, int]:
    known = dict(fields)
    if "doy" in known and "year" in known:
        number, year = known.pop("doy"), known["year"]
        if not MINYEAR <= year <= MAXYEAR or not 1 <= number <= 365 + isleap(year):
            raise ValueError(f"year {year} has no day {number}")
        day = datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=number - 1)
        known.update(month=day.month, day=day.day)
    return known


def _last_second(start: datetime, unit: str) -> datetime:
    match unit:
        case "year":
            return start.replace(month=12, day=31, hour=23, minute=59, second=59)
        case "month":
            later = start.replace(day=28) + timedelta(days=4)
            return later.replace(day=1) - _LAST if start.month < 12 else _last_second(start, "year")
        case "day":
            return start.replace(hour=23, minute=59, second=59)
        case "hour":
            return start.replace(minute=59, second=59)
        case "minute":
            return start.replace(second=59)
        case _:
            return start
