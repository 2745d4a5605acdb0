"""Cuts the time that an OAI-PMH list covers into windows of datestamps, without a gap between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from builder.sources.oai.documents import Identity, OaiHeader
from builder.sources.oai.reading import DATESTAMP

if TYPE_CHECKING:
    from builder.definitions.model import OaiPmhSource

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
OVERLAP = timedelta(days=1)
"""How far before a pass its last list begins, and the next pass: some providers stamp late, and some by the day."""
PER_CONNECTION = 2
"""Windows for each request at once, as no two take the same time."""
SMALLEST = 2
"""Pages that a window should have at least: each costs one that is only half full."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?", re.ASCII)


def moment(text: str | None) -> datetime | None:
    """Read a datestamp, UTC without saying so; fractions of a second are left out. None where it is none."""
    found = _MOMENT.match(text or "")
    try:
        return datetime.fromisoformat(found[0]) if found else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of datestamps, its ends included.

    Neighbours have the instant between them in common: of a provider that keeps fractions of a second,
    or takes ``until`` for the end that is not included, nothing is lost that way. The window at an end
    of the list is open there, whatever the provider says of its earliest datestamp.

    Attributes:
        begin: Where it begins.
        end: Where it ends.
        unit: Granularity of the datestamps it is asked for by.
        first: Nothing lies before it.
        last: Nothing lies after it.
    """

    begin: datetime
    end: datetime
    unit: timedelta
    first: bool = True
    last: bool = True

    def __str__(self) -> str:
        """Name it in a message."""
        return " ".join(f"{word} {when}" for word, when in self.selection.items()) or "from its beginning to its end"

    @property
    def units(self) -> int:
        """How many windows it can be cut into."""
        return max(0, (self.end - self.begin) // self.unit)

    @property
    def selection(self) -> dict[str, str]:
        """Arguments of the request; an open end has none."""
        begin = {} if self.first else {"from": stamp(self.begin, self.unit)}
        return begin if self.last else {**begin, "until": stamp(self.end, self.unit)}

    def cut(self, parts: int) -> list[Window]:
        """Cut it into equal windows, as many as wanted or as it has units."""
        parts = max(1, min(parts, self.units))
        borders = [self.begin + self.unit * (self.units * number // parts) for number in range(parts)]
        ends = [*borders[1:], self.end]
        made = [
            replace(self, begin=begin, end=end, first=False, last=False)
            for begin, end in zip(borders, ends, strict=True)
        ]
        made[0] = replace(made[0], first=self.first)
        made[-1] = replace(made[-1], last=self.last)
        return made

    def strays(self, headers: Sequence[OaiHeader], moving: str) -> bool:
        """Tell whether records lie outside that cannot have moved there since the pass began.

        Args:
            headers: Headers of a page.
            moving: Datestamp from which on records may have changed in this pass.
        """
        asked = self.selection
        stamps = [h.datestamp for h in headers if h.datestamp and DATESTAMP.fullmatch(h.datestamp)]
        begin, end = asked.get("from", ""), asked.get("until", "9")
        early = (own for own in stamps if own[: len(begin)] < begin[: len(own)])
        late = (own for own in stamps if own[: len(end)] > end[: len(own)] and own[: len(moving)] < moving[: len(own)])
        return any(early) or any(late)


def stamp(when: datetime, unit: timedelta) -> str:
    """Write a datestamp in a granularity."""
    return when.date().isoformat() if unit == DAY else f"{when.isoformat(timespec='seconds')}Z"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a list may be asked for in windows.

    Attributes:
        whole: All of it.
        moving: Datestamp from which records may have changed since the pass began.
        at_once: How many windows are read at a time.
    """

    whole: Window
    moving: datetime
    at_once: int

    @property
    def since(self) -> str:
        """``moving`` as it is asked for."""
        return stamp(self.moving, self.whole.unit)


def plan(source: OaiPmhSource, identity: Identity) -> Plan | None:
    """Plan the windows of a source's list; None where the provider does not say what that takes.

    All is in the provider's own time, and the same for the same answer, so that a pass that was
    interrupted goes on with the windows that it began with.

    Args:
        source: The source, whose ``from`` and ``until`` bound the list.
        identity: What the provider says of itself.
    """
    began, earliest = moment(identity.response_date), moment(identity.earliest_datestamp)
    if began is None or earliest is None or began.year == 1:
        return None
    given = source.from_ or source.until
    by_second = len(given) > len("2020-01-01") if given else _by_second(identity)
    unit = SECOND if by_second else DAY
    begin = max(earliest, moment(source.from_) or earliest)
    end = min(began, moment(source.until) or began)
    moving = began - OVERLAP
    if not by_second:
        begin, end, moving = (datetime.combine(when, datetime.min.time()) for when in (begin, end, moving))
    return Plan(Window(begin, end, unit), moving, source.windows)


def _by_second(identity: Identity) -> bool:
    return (identity.granularity or "").lower() == "yyyy-mm-ddthh:mm:ssz"


def share(total: int, page: int, at_once: int) -> int:
    """Return how many records a window should have.

    Args:
        total: Records of the list.
        page: Records of a page.
        at_once: Windows read at a time.
    """
    return max(1, SMALLEST * page, total // (PER_CONNECTION * at_once))
