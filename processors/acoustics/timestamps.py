"""Finds when a recording starts: by a time given, a pattern of its file name, or CF units of a variable."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from processors.errors import Refusal

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000_000
_DIRECTIVES = {
    "Y": r"\d{4}", "y": r"\d{2}", "m": r"\d{2}", "d": r"\d{2}", "j": r"\d{3}",
    "H": r"\d{2}", "M": r"\d{2}", "S": r"\d{2}", "f": r"\d{1,6}",
}  # fmt: skip
_USUAL = (
    (r"(?<!\d)(\d{8})[T_.-]?(\d{6})(?!\d)", "%Y%m%d%H%M%S"),
    (r"(?<!\d)(\d{4})-(\d\d)-(\d\d)[T_ -](\d\d)[-_:]?(\d\d)[-_:]?(\d\d)(?!\d)", "%Y%m%d%H%M%S"),
    (r"(?<=[._])(\d{12})(?!\d)", "%y%m%d%H%M%S"),
)
"""Names as AMAR, AURAL and icListen write them, ISO 8601 with hyphens, and SoundTrap's two-digit year."""
_UNITS = {
    name: Fraction(*share)
    for name, share in (
        ("day", (86400, 1)),
        ("hour", (3600, 1)),
        ("minute", (60, 1)),
        ("second", (1, 1)),
        ("millisecond", (1, 1000)),
    )
}
_CF_UNITS = re.compile(
    r"\s*(\w+?)s?\s+since\s+(\d{1,4})-(\d{1,2})-(\d{1,2})(?:[\s,T]+(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?)?"
)


def nanoseconds(time: datetime) -> int:
    """Return nanoseconds since 1970-01-01T00:00:00Z of an aware time."""
    return (time - EPOCH) // timedelta(microseconds=1) * 1000


def iso(time: int) -> str:
    """Spell nanoseconds since 1970 as ISO 8601, to the microsecond where there is a fraction."""
    return (EPOCH + timedelta(microseconds=time // 1000)).isoformat().replace("+00:00", "Z")


def from_name(name: str, pattern: str | None) -> int:
    """Return the start that a file name tells, nanoseconds since 1970, read as UTC.

    Args:
        name: File name.
        pattern: `datetime.strptime` pattern found anywhere in the name; the usual ones where None.

    Raises:
        Refusal: The name tells no time.
    """
    if pattern is None:
        for usual, layout in _USUAL:
            found = re.search(usual, name)
            if found and (time := _parsed("".join(found.groups()), layout)):
                return time
        raise Refusal(
            "its name tells no time", name, "give `timestamp`: an ISO 8601 time or a pattern as %Y%m%d_%H%M%S"
        )
    if not re.search(r"%[Yy]", pattern):
        raise Refusal(f"{pattern!r} has no year", "timestamp", "name the year by %Y or %y")
    found = re.search(_regex(pattern), name)
    time = found and _parsed(found[0], pattern)
    if not time:
        raise Refusal(f"its name does not hold the pattern {pattern!r}", name, "correct `timestamp`")
    return time


def from_text(text: str) -> int:
    """Return an ISO 8601 time as nanoseconds since 1970; UTC where it names no zone.

    Raises:
        Refusal: It is no such time.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(
            f"{text!r} is neither an ISO 8601 time nor a pattern", "timestamp", "write 2014-08-26T06:40:10Z"
        ) from None
    return nanoseconds(time if time.tzinfo else time.replace(tzinfo=UTC))


def from_variable(value: float, units: str, calendar: str, where: str) -> tuple[int, str | None]:
    """Return a time of a NetCDF variable, nanoseconds since 1970, and a note where its calendar was not believed.

    Recorders name the calendar ``julian`` and mean the day of the year: converting it would move the time by 13
    days. The fields of ``units`` are taken as they stand, in the Gregorian calendar.

    Raises:
        Refusal: The units are not those of a time.
    """
    found = _CF_UNITS.match(units)
    if not found or found[1] not in _UNITS:
        raise Refusal(f"units {units!r} are no time", where, "give `timestamp`")
    year, month, day, hour, minute = (int(part or 0) for part in found.groups()[1:6])
    since = nanoseconds(datetime(year, month, day, hour, minute, tzinfo=UTC))
    exact = Fraction(str(value)) * _UNITS[found[1]] + Fraction(found[7] or 0)
    note = None
    if calendar.lower() not in {"", "standard", "gregorian", "proleptic_gregorian"}:
        note = f"{where}: calendar {calendar!r} was not applied to the start time; its fields were read as Gregorian"
    return since + int(exact * SECOND), note


def _parsed(text: str, layout: str) -> int | None:
    try:
        return nanoseconds(datetime.strptime(text, layout).replace(tzinfo=UTC))
    except ValueError:
        return None


def _regex(pattern: str) -> str:
    parts = re.split(r"%(.)", pattern)
    literal, directives = parts[::2], parts[1::2]
    for directive in directives:
        if directive not in _DIRECTIVES:
            raise Refusal(
                f"{pattern!r} has the unknown directive %{directive}", "timestamp", "use %Y %y %m %d %j %H %M %S %f"
            )
    told = [re.escape(literal[0])]
    for directive, text in zip(directives, literal[1:], strict=True):
        told += [_DIRECTIVES[directive], re.escape(text)]
    return "".join(told)
