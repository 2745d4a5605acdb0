"""What each night brought of each collection, kept for a month: the memory behind the status page and the issues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

import orjson

from builder.errors import UsageError
from builder.findings import Severity
from builder.ledger import Kind
from builder.sources.redact import one_line

if TYPE_CHECKING:
    from builder.harvest import Harvest
    from builder.memory.state import State

KEPT = 30
"""Nights that are remembered; the last good one is remembered however old it is."""


class Outcome(StrEnum):
    """How a night went for one collection."""

    OK = "ok"
    """Everything was seen and taken over."""
    PARTIAL = "partial"
    """Something was refused, or not everything was seen."""
    FAILED = "failed"
    """The source failed; its last good state was kept."""


@dataclass(frozen=True, slots=True, order=True)
class Night:
    """One night of one collection.

    It says nothing of what was new, so that a run that was killed and run again says the same.

    Attributes:
        date: Day on which the run began, UTC, as YYYY-MM-DD.
        outcome: How it went.
        records: How many live records were known afterwards.
        reason: Why it was not all well, one line; empty otherwise.
    """

    date: str
    outcome: Outcome
    records: int
    reason: str = ""


Nights = tuple[Night, ...]
"""Nights of one collection, oldest first, one per date."""


def night_of(harvest: Harvest, day: date) -> Night:
    """Sum a harvest up."""
    refused = harvest.counts.get(Kind.REFUSED.value, 0)
    if harvest.failed:
        said = [
            f.message
            for f in harvest.findings
            if f.severity is Severity.ERROR and f.code.startswith(("source.", "harvest."))
        ]
        return Night(day.isoformat(), Outcome.FAILED, harvest.live, one_line(said[-1] if said else "the source failed"))
    if refused:
        return Night(day.isoformat(), Outcome.PARTIAL, harvest.live, f"{refused} records refused")
    if not harvest.complete:
        return Night(day.isoformat(), Outcome.PARTIAL, harvest.live, "not everything was seen")
    return Night(day.isoformat(), Outcome.OK, harvest.live)


def with_night(nights: Iterable[Night], tonight: Night) -> Nights:
    """Add a night: it takes the place of an earlier run of its date, and of what a clock gone wrong dated later."""
    before = [night for night in nights if night.date < tonight.date]
    oldest = date.fromordinal(date.fromisoformat(tonight.date).toordinal() - KEPT + 1).isoformat()
    good = last_good(before)
    return (*(night for night in before if night.date >= oldest or night.date == good), tonight)


def last_good(nights: Iterable[Night]) -> str | None:
    """Return the date of the last night on which the source answered to its end, or None."""
    return max((night.date for night in nights if night.outcome is not Outcome.FAILED), default=None)


def failures(nights: Nights) -> int:
    """Count the failed nights since the last good one."""
    good = last_good(nights) or ""
    return sum(night.date > good for night in nights)


def remember(state: State, harvests: Mapping[str, Harvest], day: date) -> None:
    """Add tonight to the memory of every collection that was asked for."""
    for name, harvest in harvests.items():
        nights = with_night(recall(state, name), night_of(harvest, day))
        state.write(_name(name), b"".join(orjson.dumps(asdict(night)) + b"\n" for night in nights))


def recall(state: State, collection: str) -> Nights:
    """Return the remembered nights of a collection.

    Raises:
        UsageError: The file is damaged.
    """
    lines = (state.read(_name(collection)) or b"").splitlines()
    try:
        return tuple(Night(**{**line, "outcome": Outcome(line["outcome"])}) for line in map(orjson.loads, lines))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as trouble:
        raise UsageError(
            "the memory of past nights is damaged",
            where=str(state.folder / _name(collection)),
            hint="remove the file; only the status page forgets",
        ) from trouble


def _name(collection: str) -> str:
    return f"{collection}/nights.ndjson"
