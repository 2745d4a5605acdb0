"""View models of the status page: one row per source with a strip of its last thirty nights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from builder.pages.linkhealth import LinksRow, PartnerLinks, links_document, links_view
from builder.pages.values import Time, instant

STRIP_NIGHTS = 30
_CELL = 8
_HEIGHTS = {"ok": 24, "partial": 14, "failed": 6, "none": 2}
"""Heights tell the outcomes apart where colours do not."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """What is known of one source.

    Attributes:
        collection: Title of the collection.
        href: Its page, from the catalogue root.
        partner: Title of the partner.
        protocol: Kind of source, e.g. ``oai``.
        records: Live records at the last run; None before the first.
        last_good: Date of the last night on which it answered to its end.
        failures: Failed nights since then.
        reason: Why the last night was not all well.
        nights: Outcome (``ok``, ``partial``, ``failed``) by date (YYYY-MM-DD).
    """

    collection: str
    href: str
    partner: str
    protocol: str
    records: int | None
    last_good: str | None
    failures: int
    reason: str
    nights: Mapping[str, str]

    @property
    def newest(self) -> str:
        """Date of the last run; empty before the first."""
        return max(self.nights, default="")


@dataclass(frozen=True, slots=True)
class Bar:
    """One night in a strip: its place and height in the drawing, its outcome and its date."""

    x: int
    y: int
    height: int
    outcome: str
    date: str


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One line of the status page."""

    source: SourceStatus
    outcome: str
    seen: Time | None
    strip: tuple[Bar, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StatusView:
    """Everything the status page shows; ``built`` is the last night, ``expected`` the day of the next run."""

    rows: tuple[StatusRow, ...]
    built: Time | None
    expected: Time | None
    failing: int
    links: tuple[LinksRow, ...]


def status_view(sources: Sequence[SourceStatus], links: Sequence[PartnerLinks] = ()) -> StatusView:
    """Lay out the rows; nothing depends on the clock, only on the newest night that is remembered."""
    newest = max((source.newest for source in sources), default="")
    rows = tuple(_row(source, newest) for source in sources)
    following = _day(newest, 1) if newest else ""
    failing = sum(row.outcome == "failed" for row in rows)
    return StatusView(rows, instant(newest), instant(following), failing, links_view(links))


def status_document(sources: Sequence[SourceStatus], links: Sequence[PartnerLinks] = ()) -> dict[str, object]:
    """Return the same for programs (``status.json``)."""
    newest = max((source.newest for source in sources), default="")
    return {
        "built": newest or None,
        "next_expected": _day(newest, 1) if newest else None,
        "sources": [
            {
                "href": source.href,
                "collection": source.collection,
                "partner": source.partner,
                "protocol": source.protocol,
                "records": source.records,
                "last_good": source.last_good,
                "failures": source.failures,
                "reason": source.reason,
                "nights": dict(source.nights),
            }
            for source in sources
        ],
        "links": links_document(links),
    }


def _row(source: SourceStatus, newest: str) -> StatusRow:
    strip = tuple(_strip(source.nights, newest)) if newest else ()
    counts = {name: sum(bar.outcome == name for bar in strip) for name in _HEIGHTS}
    return StatusRow(source, source.nights.get(source.newest, "none"), instant(source.last_good), strip, counts)


def _strip(nights: Mapping[str, str], newest: str) -> Iterator[Bar]:
    for place in range(STRIP_NIGHTS):
        day = _day(newest, place - STRIP_NIGHTS + 1)
        outcome = nights.get(day, "none")
        yield Bar(place * _CELL, _HEIGHTS["ok"] - _HEIGHTS[outcome], _HEIGHTS[outcome], outcome, day)


def _day(day: str, later: int) -> str:
    return date.fromordinal(date.fromisoformat(day).toordinal() + later).isoformat()
