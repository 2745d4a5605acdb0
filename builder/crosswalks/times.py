"""Times as partners write them, read as timezone-aware UTC or as None, never as a guess."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta, timezone

from builder.dataset import Draft
from builder.definitions.periods import period
from builder.findings import warning

_OPEN = frozenset({"", "..", "now", "present", "ongoing", "current", "continuing"})

_DATES = (
    re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?)?", re.ASCII),
    re.compile(r"(?P<year>\d{4})-?(?P<doy>\d{3})", re.ASCII),
    re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})", re.ASCII),
    re.compile(r"(?P<year>\d{4})/(?P<month>\d{1,2})/(?P<day>\d{1,2})", re.ASCII),
    re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})", re.ASCII),
)
_TIMED = re.compile(
    r"(?P<date>[\d./-]+?)(?:(?:T|\s+)(?P<hour>\d{1,2})"
    r"(?::?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?|Z|[+-]\d{2}:\d{2})?",
    re.ASCII | re.IGNORECASE,
)
_ISO_DURATION = re.compile(
    r"(?P<sign>[+-]?)P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>[\d.]+)W)?(?:(?P<days>[\d.]+)D)?"
    r"(?:T(?:(?P<hours>[\d.]+)H)?(?:(?P<minutes>[\d.]+)M)?(?:(?P<seconds>[\d.]+)S)?)?",
    re.ASCII | re.IGNORECASE,
)
_WORD_DURATION = re.compile(
    r"(?P<sign>[+-]?)\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>year|month|week|day|hour|hr|minute|min|second|sec|s)s?",
    re.ASCII | re.IGNORECASE,
)
_UNITS = {"hr": "hours", "min": "minutes", "sec": "seconds", "s": "seconds"}


def says_open(text: str | None) -> bool:
    """Tell whether a text in the place of a time says that there is no end (or nothing at all)."""
    return text is None or text.strip().lower() in _OPEN


def parse_time(text: str | None, *, end: bool = False) -> datetime | None:
    """Read a time of any precision; a time without zone is UTC.

    Reads ISO 8601 with ``-`` and without, ordinal days, a blank for the ``T``, ``2010/01/31``,
    ``31.1.2010``, and ``UTC`` as a zone. Month-first dates are not read, since nobody can tell
    them from day-first ones. Hour 24 is the next midnight and second 60 is read as 59 (ISO
    8601:2004, 4.2.1 and 4.2.3).

    Args:
        text: What the partner wrote.
        end: Give the last second of the year, month or day named rather than the first.

    Returns:
        The instant in UTC; None for what names no instant (``now``, ``present``, an impossible date).
    """
    whole = _TIMED.fullmatch(text.strip()) if text and len(text) < 100 else None
    if whole is None:
        return None
    try:
        days = _days(whole["date"])
        if days is None or whole["hour"] is None:
            return days and days[end]
        return _at(days[0], whole)
    except (ValueError, OverflowError):
        return None


def _days(text: str) -> tuple[datetime, datetime] | None:
    for pattern in _DATES:
        found = pattern.fullmatch(text)
        if found:
            return period({unit: int(value) for unit, value in found.groupdict().items() if value})
    return None


def _at(day: datetime, whole: re.Match[str]) -> datetime:
    hour, minute, second = (int(whole[unit] or 0) for unit in ("hour", "minute", "second"))
    if (hour == 24 and (minute or second)) or second > 60:
        raise ValueError("24:00:00 is the last instant of a day, and no minute has more than 60 seconds")
    moment = day + timedelta(days=1) if hour == 24 else day.replace(hour=hour)
    micro = int((whole["fraction"] or "0")[:6].ljust(6, "0"))
    moment = moment.replace(minute=minute, second=min(second, 59), microsecond=micro)
    return moment.replace(tzinfo=_zone(whole["zone"])).astimezone(UTC)


def _zone(text: str | None) -> timezone:
    if not text or text.upper() in {"Z", "UTC", "GMT"}:
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def parse_interval(text: str | None) -> tuple[datetime | None, datetime | None]:
    """Read ``start/end``; ``..``, nothing or ``now`` on a side is open, and a duration may be one side.

    One time alone stands for the period it names: ``2016`` is the whole year.
    """
    if not text:
        return None, None
    alone = parse_time(text)
    left, bar, right = text.partition("/")
    if alone or not bar:
        return alone, parse_time(text, end=True)
    start, end = parse_time(left), parse_time(right, end=True)
    if start and end is None:
        return start, parse_duration_end(start, right)
    if end and start is None and left.strip()[:1].upper() == "P":
        return parse_duration_end(end, f"-{left.strip()}"), end
    return start, end


def parse_duration_end(start: datetime, duration: str | None) -> datetime | None:
    """Add a duration to an instant; a negative one goes back.

    Reads ISO 8601 (``P3M``, ``P1DT12H``, ``-P3D``) and words (``14 days``, ``6 hours``). Months are
    calendar months; a day that the month does not have becomes its last (XML Schema 1.1 part 2, E.3.3).

    Returns:
        The instant, or None where the duration cannot be read or leads out of the calendar.
    """
    text = (duration or "").strip()[:100]
    try:
        amounts = _amounts(text)
        if not amounts:
            return None
        months = int(amounts.pop("years", 0) * 12 + amounts.pop("months", 0))
        return _add_months(start, months) + timedelta(**amounts)
    except (ValueError, OverflowError):
        return None


def _amounts(text: str) -> dict[str, float]:
    """Return the amounts of a duration by unit; raises ValueError where one is no number."""
    iso, words = _ISO_DURATION.fullmatch(text), _WORD_DURATION.fullmatch(text)
    if iso:
        sign = -1 if iso["sign"] == "-" else 1
        return {unit: sign * float(value) for unit, value in iso.groupdict().items() if value and unit != "sign"}
    if words is None:
        return {}
    unit, sign = words["unit"].lower(), -1 if words["sign"] == "-" else 1
    return {_UNITS.get(unit, f"{unit}s"): sign * float(words["number"])}


def _add_months(start: datetime, months: int) -> datetime:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    first = start.replace(year=year, month=month + 1, day=1)
    return first.replace(day=min(start.day, monthrange(year, month + 1)[1]))


def put_period(draft: Draft, start: tuple[str, str], end: tuple[str, str]) -> None:
    """Set the first and last instant of a dataset.

    What cannot be read as a time is kept in the partner's own words, with a finding; it is never
    guessed.

    Args:
        draft: The description.
        start: The text of the beginning and its place in the record.
        end: The text of the end and its place.
    """
    (first, first_place), (last, last_place) = start, end
    begins, ends = parse_time(first), parse_time(last, end=True)
    draft.put("coverage.start", begins, first_place)
    draft.put("coverage.end", ends, last_place)
    unread = [text for text, got in ((first, begins), (last, ends)) if got is None and not says_open(text)]
    if unread:
        draft.put("coverage.original_temporal", f"{first}/{last}", first_place or last_place)
        draft.find(
            warning(
                "time.unreadable",
                draft.identifier,
                f"{unread[0][:80]!r} is no time; the partner's words are kept",
                "write times as ISO 8601, e.g. 2013-12-31",
            )
        )
