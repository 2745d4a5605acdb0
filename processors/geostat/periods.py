"""Reads periods of time as ISO 8601 writes them: a year, month, day or instant, or two of them with a slash."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from processors.errors import Refusal

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S = 86_400.0


def days_of(when: datetime) -> float:
    """Return an instant as days since 1970-01-01T00:00Z."""
    return (when - EPOCH).total_seconds() / _DAY_S


def instant_of(days: float) -> datetime:
    """Return the instant of days since 1970-01-01T00:00Z, to the second."""
    return EPOCH + timedelta(seconds=round(days * _DAY_S))


def period_of(text: str, where: str = "time") -> tuple[float, float]:
    """Return the first day and the end of a period, days since 1970.

    >>> period_of("1970-01")
    (0.0, 31.0)
    >>> period_of("1970/1971-01")
    (0.0, 396.0)

    Args:
        text: One of ``2003``, ``2003-09``, ``2003-09-17``, an instant, or two of them as ``start/end``, both
            inclusive; ``..`` leaves a side open.
        where: The parameter it is.

    Raises:
        Refusal: It is none of these, or ends before it begins.
    """
    first, slash, last = text.partition("/")
    start = -float("inf") if first == ".." else _ends(first, where)[0]
    end = float("inf") if slash and last == ".." else _ends(last if slash else first, where)[1]
    if not start < end:
        raise Refusal(f"{text!r} ends before it begins", where, "write start/end")
    return start, end


def _ends(text: str, where: str) -> tuple[float, float]:
    """Return where one year, month, day or instant begins and ends."""
    found = re.fullmatch(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", text)
    try:
        if found is None:
            instant = datetime.fromisoformat(text)
            days = days_of(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
            return days, days + 1 / _DAY_S
        year, month, day = (int(part) if part else 0 for part in found.groups())
        start = datetime(year, month or 1, day or 1, tzinfo=UTC)
        if day:
            return days_of(start), days_of(start) + 1
        after = datetime(year + (not month or month == 12), month % 12 + 1 if month else 1, 1, tzinfo=UTC)
        return days_of(start), days_of(after)
    except ValueError:
        raise Refusal(f"{text!r} is no time", where, "write 2003-09, 2003-09-17 or 2003-09/2003-11") from None
