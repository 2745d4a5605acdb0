"""View models of link health: per partner, how many links are there and which are dead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from builder.pages.values import Time, instant

LISTED = 50
"""Most dead links per partner on the page; status.json has all."""


@dataclass(frozen=True, slots=True)
class DeadLink:
    """A link that leads nowhere.

    Attributes:
        url: Where it should lead.
        since: Day of the first miss, YYYY-MM-DD.
        reason: What happened last time.
        title: Path of the object that has it, below the partner.
        href: Page of that object, from the catalogue root.
    """

    url: str
    since: str
    reason: str
    title: str
    href: str


@dataclass(frozen=True, slots=True)
class PartnerLinks:
    """The links of one partner's objects.

    Attributes:
        partner: Title of the partner.
        asked: Day of the last request; empty before the first.
        ok: How many are there.
        unknown: Of how many nobody can tell.
        dead: Those that are dead, by address.
    """

    partner: str
    asked: str
    ok: int
    unknown: int
    dead: tuple[DeadLink, ...]


@dataclass(frozen=True, slots=True)
class LinksRow:
    """One partner on the page, with as many of its dead links as it shows."""

    links: PartnerLinks
    asked: Time | None
    shown: tuple[tuple[DeadLink, Time | None], ...]
    more: int


def links_view(partners: Sequence[PartnerLinks]) -> tuple[LinksRow, ...]:
    """Lay out the rows."""
    return tuple(
        LinksRow(
            one,
            instant(one.asked),
            tuple((dead, instant(dead.since)) for dead in one.dead[:LISTED]),
            max(0, len(one.dead) - LISTED),
        )
        for one in partners
    )


def links_document(partners: Sequence[PartnerLinks]) -> list[dict[str, object]]:
    """Return the same for programs."""
    return [
        {
            "partner": one.partner,
            "asked": one.asked or None,
            "ok": one.ok,
            "unknown": one.unknown,
            "dead": [
                {"url": dead.url, "since": dead.since, "reason": dead.reason, "href": dead.href} for dead in one.dead
            ],
        }
        for one in partners
    ]
