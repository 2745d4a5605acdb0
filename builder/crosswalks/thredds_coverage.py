"""Reads where and when of THREDDS metadata: start and size instead of minimum and maximum, open and rolling periods."""

from __future__ import annotations

from lxml import etree

from builder.crosswalks.times import parse_duration_end, parse_time, put_period, says_open
from builder.crosswalks.values import number
from builder.crosswalks.xmltext import first, place, said, text
from builder.dataset import Draft
from builder.findings import note, warning

_GREGORIAN = frozenset({"", "gregorian", "standard", "proleptic_gregorian", "iso8601"})
_MOST_DEGREES = 720.0
_WHOLE_GLOBE = 359.9
"""Degrees of longitude from which on a span is the whole circle."""


def put_time(draft: Draft, coverage: etree._Element) -> None:
    """Set the period of a ``timeCoverage``: two of start, end and duration (InvCatalog 1.0, timeCoverageType).

    ``present`` is an open end, never the time of the build. A period that only rolls with it
    (``present`` and a duration) and dates of other calendars keep the partner's words.
    """
    start, end, duration = (said(coverage, name) for name in ("start", "end", "duration"))
    calendar = coverage.get("calendar", "").strip().lower()
    words = "/".join(part for part in (start[0], end[0], duration[0]) if part)
    if calendar not in _GREGORIAN:
        draft.put("coverage.original_temporal", f"{words} ({calendar})", place(coverage))
        message = f"times of the calendar {calendar!r} are not converted; the partner's words are kept"
        draft.find(note("time.calendar", draft.identifier, message))
        return
    sides = [side for side, _ in (start, end) if side]
    if sides and all(says_open(side) for side in sides):
        draft.put("coverage.original_temporal", words, place(coverage))
        message = f"the period {words!r} moves with the present day, so it has no fixed start"
        draft.find(note("time.rolling", draft.identifier, message))
        return
    put_period(draft, start, end)
    if duration[0]:
        _put_other_end(draft, start, end, duration)


def _put_other_end(draft: Draft, start: tuple[str, str], end: tuple[str, str], duration: tuple[str, str]) -> None:
    begins, ends = parse_time(start[0]), parse_time(end[0])
    if begins and not end[0]:
        other, name = parse_duration_end(begins, duration[0]), "coverage.end"
    elif ends and not start[0]:
        other, name = parse_duration_end(ends, f"-{duration[0]}"), "coverage.start"
    else:
        return
    draft.put(name, other, duration[1])
    if other is None:
        draft.put("coverage.original_temporal", f"{start[0] or end[0]} {duration[0]}", duration[1])
        message = f"{duration[0][:80]!r} is no duration; the partner's words are kept"
        draft.find(warning("time.unreadable", draft.identifier, message, "write durations as ISO 8601, e.g. P14D"))


def put_place(draft: Draft, coverage: etree._Element) -> None:
    """Set the box and vertical range of a ``geospatialCoverage`` (InvCatalog 1.0, geospatialCoverageType)."""
    if coverage.get("globalCoverage", "").lower() == "true":
        draft.put("coverage.boxes", ((-180.0, -90.0, 180.0, 90.0),), place(coverage))
    longitudes, latitudes = _span(first(coverage, "eastwest")), _span(first(coverage, "northsouth"))
    if longitudes and latitudes:
        if latitudes[0] < -90 or latitudes[1] > 90 or max(map(abs, longitudes)) > _MOST_DEGREES:
            message = (
                f"latitudes {latitudes[0]:g} to {latitudes[1]:g}, longitudes {longitudes[0]:g} to {longitudes[1]:g}"
            )
            draft.find(warning("place.outside", draft.identifier, f"{message} are not on the globe; left out"))
        else:
            west, east = _around(*longitudes)
            draft.put("coverage.boxes", ((west, latitudes[0], east, latitudes[1]),), place(coverage))
    _put_vertical(draft, coverage)


def _span(range_: etree._Element | None) -> tuple[float, float] | None:
    """Return lowest and highest value of a range given as start and size; the size may be negative."""
    start, size = number(text(range_, "start")), number(text(range_, "size"))
    if start is None or size is None:
        return None
    return min(start, start + size), max(start, start + size)


def _around(west: float, east: float) -> tuple[float, float]:
    """Bring a span of longitudes into -180 to 180; the whole circle in any counting is -180 to 180."""
    if east - west >= _WHOLE_GLOBE:
        return -180.0, 180.0
    if west >= -180 and east <= 180:
        return west, east
    turned = _in_circle(east)
    return _in_circle(west), 180.0 if turned == -180 and east > west else turned


def _in_circle(longitude: float) -> float:
    return (longitude + 180) % 360 - 180


def _put_vertical(draft: Draft, coverage: etree._Element) -> None:
    updown = first(coverage, "updown")
    span = _span(updown)
    if span is None or updown is None:
        return
    low, high = span
    if coverage.get("zpositive", "up").strip().lower() == "down":
        low, high = -high, -low
    draft.put("coverage.vertical", (low + 0.0, high + 0.0, text(updown, "units") or "km"), place(updown))
