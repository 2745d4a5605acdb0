"""What is remembered of each address that the catalogue leads to, and when it counts as dead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import orjson

from builder.errors import UsageError
from builder.findings import Finding, error

if TYPE_CHECKING:
    from builder.memory.state import State

STRIKES = 3
"""Misses on so many separate days, with no answer between them, make an address dead."""

FILE = "links.ndjson"

_UNTOLD = frozenset({401, 402, 403, 405, 406, 407, 408, 425, 429, 451})
"""HTTP statuses of a server that would not say whether the thing is there."""


class Verdict(StrEnum):
    """What one request says, and what all of them together say."""

    OK = "ok"
    """It is there."""
    UNKNOWN = "unknown"
    """Nobody can tell: refused, too slow, missed fewer than three times, or not asked yet."""
    MISSED = "missed"
    """This time it was not there."""
    DEAD = "dead"
    """It was not there on three separate days."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What asking brought: `OK`, `UNKNOWN` or `MISSED`, why, in one line, and the HTTP status if there was one."""

    verdict: Verdict
    reason: str = ""
    status: int | None = None

    @property
    def refusing(self) -> bool:
        """Whether the server as a whole is not well or wants to be left alone."""
        return self.status is None or self.status == 429 or self.status >= 500


@dataclass(frozen=True, slots=True)
class Link:
    """The memory of one address. Days are YYYY-MM-DD, UTC; empty where there was none.

    Attributes:
        url: The address as it is asked for, without secrets.
        places: Partner → path of the first object of that partner that leads there.
        asked: Day of the last request.
        verdict: What it said.
        reason: Why it was not well.
        strikes: Days on which it was missed since it was last there.
        since: First of these days.
        struck: Last of them.
        seen: Last day on which it was there.
    """

    url: str
    places: Mapping[str, str]
    asked: str = ""
    verdict: Verdict = Verdict.UNKNOWN
    reason: str = ""
    strikes: int = 0
    since: str = ""
    struck: str = ""
    seen: str = ""

    @property
    def standing(self) -> Verdict:
        """`OK`, `UNKNOWN` or `DEAD`, from everything that is remembered."""
        if self.strikes >= STRIKES:
            return Verdict.DEAD
        return Verdict.OK if self.verdict is Verdict.OK else Verdict.UNKNOWN


def of_status(status: int) -> Answer:
    """Judge an HTTP status (RFC 9110 section 15); 416 to a range is that of an empty file, which is there."""
    if 200 <= status < 300 or status == 416:
        return Answer(Verdict.OK, status=status)
    return Answer(Verdict.UNKNOWN if status in _UNTOLD else Verdict.MISSED, f"HTTP status {status}", status)


def after(link: Link, answer: Answer, day: str) -> Link:
    """Return the memory after an answer: being there clears it, a miss is one strike a day, the rest is no strike."""
    told = replace(link, asked=day, verdict=answer.verdict, reason=answer.reason)
    if answer.verdict is Verdict.OK:
        return replace(told, strikes=0, since="", struck="", seen=day)
    if answer.verdict is Verdict.MISSED and day != link.struck:
        return replace(told, strikes=link.strikes + 1, since=link.since or day, struck=day)
    return told


def finding(link: Link) -> Finding:
    """Report a dead address."""
    seen = f"last there {link.seen}" if link.seen else "never seen there"
    partner, place = next(iter(sorted(link.places.items())))
    return error(
        "link.dead",
        link.url,
        f"missed on {link.strikes} days since {link.since} ({link.reason}); {seen}; linked from {place}",
        f"tell {partner}, or correct the record with an override",
    )


def remember(state: State, links: Iterable[Link]) -> None:
    """Keep the memory, sorted by address."""
    lines = (orjson.dumps(asdict(link)) + b"\n" for link in sorted(links, key=lambda link: link.url))
    state.write(FILE, b"".join(lines))


def recall(state: State) -> dict[str, Link]:
    """Return what is remembered, by address.

    Raises:
        UsageError: The file is damaged.
    """
    try:
        lines = [orjson.loads(line) for line in (state.read(FILE) or b"").splitlines()]
        links = [Link(**{**line, "verdict": Verdict(line["verdict"])}) for line in lines]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as trouble:
        raise UsageError(
            "the memory of links is damaged",
            where=str(state.folder / FILE),
            hint="remove the file; three misses are counted anew",
        ) from trouble
    return {link.url: link for link in links}
