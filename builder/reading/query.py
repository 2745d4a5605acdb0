"""What to cut out of data: a place, depths, times and variables, read from Python values or from words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from builder.crosswalks.times import parse_time, says_open
from builder.dataset import Box
from builder.errors import ReadingError
from builder.geometry.boxes import read_box

Range = tuple[float, float]
Period = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, slots=True)
class Query:
    """One question to data.

    Attributes:
        point: Longitude and latitude, degrees; the nearest place is taken.
        profile: Likewise, but only values that have a depth.
        box: West, south, east, north, degrees; west > east goes across ±180°.
        depth: Least and greatest depth, metres, positive down.
        time: First and last instant; None leaves that end open.
        variables: Names or CF standard names; empty for all that depend on place, time or depth.
        within_km: How far the nearest place of ``point`` or ``profile`` may be.
    """

    point: tuple[float, float] | None = None
    profile: tuple[float, float] | None = None
    box: Box | None = None
    depth: Range | None = None
    time: Period | None = None
    variables: tuple[str, ...] = ()
    within_km: float | None = None

    @property
    def place(self) -> tuple[float, float] | None:
        """The point or profile."""
        return self.point or self.profile

    def __str__(self) -> str:
        """Say the question as the options of the command that asks it."""
        places = {name: getattr(self, name) for name in ("point", "profile", "box")}
        period = "/".join("" if t is None else t.strftime("%Y-%m-%dT%H:%M:%SZ") for t in self.time or ())
        words = {
            **{name: _joined(place, ",") for name, place in places.items() if place},
            "depth": _joined(self.depth or (), ":"),
            "time": period,
            "within": "" if self.within_km is None else f"{self.within_km:g}",
        }
        said = [f"--{name} {value}" for name, value in words.items() if value]
        return " ".join([*said, *(f"--variable {name}" for name in self.variables)])


def _joined(numbers: Iterable[float], by: str) -> str:
    return by.join(f"{number:g}" if math.isfinite(number) else "" for number in numbers)


def query(
    *,
    point: Sequence[float] | str | None = None,
    profile: Sequence[float] | str | None = None,
    box: Sequence[float] | str | None = None,
    depth: Sequence[float | None] | str | None = None,
    time: Sequence[datetime | str | None] | str | None = None,
    variables: Iterable[str] = (),
    within_km: float | None = None,
) -> Query:
    """Return a checked question.

    >>> str(query(point="12.5,78.9", depth="0:100", time="2018-07/2018-08"))
    '--point 12.5,78.9 --depth 0:100 --time 2018-07-01T00:00:00Z/2018-08-31T23:59:59Z'

    Raises:
        ReadingError: Something asked for makes no sense.
    """
    if sum(place is not None for place in (point, profile, box)) > 1:
        raise ReadingError("point, profile and box exclude each other")
    if within_km is not None and point is None and profile is None:
        raise ReadingError("a distance needs a point or profile")
    return Query(
        point=_place("point", point),
        profile=_place("profile", profile),
        box=_box(box),
        depth=_depth(depth),
        time=_time(time),
        variables=(variables,) if isinstance(variables, str) else tuple(variables),
        within_km=within_km,
    )


def _numbers(name: str, given: Sequence[float] | str, count: int, shape: str) -> tuple[float, ...]:
    try:
        numbers = tuple(map(float, given.split(",") if isinstance(given, str) else given))
    except (ValueError, TypeError):
        numbers = ()
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise ReadingError(f"{name} {given!r} is not {shape}")
    return numbers


def _place(name: str, given: Sequence[float] | str | None) -> tuple[float, float] | None:
    if given is None:
        return None
    longitude, latitude = _numbers(name, given, 2, "LONGITUDE,LATITUDE")
    if abs(latitude) > 90.0 or abs(longitude) > 360.0:
        raise ReadingError(f"{name} {given!r} is not on the globe", hint="longitude comes first")
    return longitude, latitude


def _box(given: Sequence[float] | str | None) -> Box | None:
    if given is None:
        return None
    west, south, east, north = _numbers("box", given, 4, "WEST,SOUTH,EAST,NORTH")
    if south > north:
        raise ReadingError(f"box {given!r} has its south north of its north")
    box, findings = read_box((west, south, east, north), "trust", None, "box")
    if box is None:
        raise ReadingError(findings[0].message)
    return box


def _depth(given: Sequence[float | None] | str | None) -> Range | None:
    if given is None:
        return None
    parts = given.split(":") if isinstance(given, str) else list(given)
    try:
        if len(parts) == 1:
            parts *= 2
        low, high = parts
        least = -math.inf if low in {None, ""} else float(low or 0)
        greatest = math.inf if high in {None, ""} else float(high or 0)
    except ValueError as trouble:
        raise ReadingError(f"depth {given!r} is not FROM:TO in metres") from trouble
    if not least <= greatest:
        raise ReadingError(f"depth {given!r} ends above where it begins", hint="depths are positive down")
    return least, greatest


def _time(given: Sequence[datetime | str | None] | str | None) -> Period | None:
    if given is None:
        return None
    parts = given.split("/") if isinstance(given, str) else list(given)
    if len(parts) == 1:
        parts *= 2
    if len(parts) != 2:
        raise ReadingError(f"time {given!r} is not FROM/TO")
    start, end = _instant(parts[0], end=False), _instant(parts[1], end=True)
    if start and end and start > end:
        raise ReadingError(f"time {given!r} ends before it begins")
    return start, end


def _instant(given: datetime | str | None, *, end: bool) -> datetime | None:
    if isinstance(given, datetime):
        return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    if says_open(given):
        return None
    instant = parse_time(given, end=end)
    if instant is None:
        raise ReadingError(f"{given!r} is not a time", hint="write 2018, 2018-07, 2018-07-21 or 2018-07-21T12:00Z")
    return instant
