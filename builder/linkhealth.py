"""Sums up per partner what is remembered of links, for the status page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from builder.checks.links import Link, Verdict
from builder.pages.linkhealth import DeadLink, PartnerLinks
from builder.stac.layout import page_of

if TYPE_CHECKING:
    from builder.definitions.model import CollectionDefinition


def links_of(definitions: Sequence[CollectionDefinition], links: Mapping[str, Link]) -> list[PartnerLinks]:
    """Return a summary per partner whose links were ever asked for, by the partner's identifier."""
    by_partner: dict[str, list[Link]] = {}
    for link in links.values():
        for partner in link.places:
            by_partner.setdefault(partner, []).append(link)
    names = {definition.partner.id: definition.partner.name for definition in definitions}
    return [
        _summary(partner, names[partner], by_partner[partner]) for partner in sorted(names.keys() & by_partner.keys())
    ]


def _summary(partner: str, name: str, links: Sequence[Link]) -> PartnerLinks:
    standing = [link.standing for link in links]
    return PartnerLinks(
        name,
        max(link.asked for link in links),
        standing.count(Verdict.OK),
        standing.count(Verdict.UNKNOWN),
        tuple(_dead(link, link.places[partner]) for link in links if link.standing is Verdict.DEAD),
    )


def _dead(link: Link, place: str) -> DeadLink:
    return DeadLink(link.url, link.since, link.reason, place.partition("/")[2].removesuffix(".json"), page_of(place))
