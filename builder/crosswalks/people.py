"""People, organisations and the citations that name them, in one form whatever format they were written in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from builder.dataset import Party


def full_name(family: str, given: str) -> str:
    """Return ``Family, Given``, the order in which authors are cited."""
    return f"{family}, {given}" if family and given else family or given


def organisation(name: str, *roles: str, url: str | None = None, email: str | None = None) -> Party:
    """Make a party that is no person; its name stands as organisation too, so that it can be a provider."""
    return Party(name=name, roles=roles, organization=name, email=email, url=url)


def merged(parties: Iterable[Party]) -> tuple[Party, ...]:
    """Return every party once, with all its roles and the first of each other value.

    Two parties are the same where ORCID iD or name agree and their organisations do not differ.
    """
    known: list[Party] = []
    places: dict[str, list[int]] = {}
    for party in parties:
        marks = [mark for mark in (party.name.casefold(), party.orcid) if mark]
        met = (number for mark in marks for number in places.get(mark, ()) if _same(party, known[number]))
        number = next(met, len(known))
        if number < len(known):
            known[number] = _joined(known[number], party)
        elif party.name:
            known.append(party)
            for mark in marks:
                places.setdefault(mark, []).append(number)
    return tuple(known)


def _same(one: Party, other: Party) -> bool:
    if one.orcid and other.orcid:
        return one.orcid == other.orcid
    return one.name.casefold() == other.name.casefold() and (
        one.organization == other.organization or not one.organization or not other.organization
    )


def _joined(one: Party, other: Party) -> Party:
    return replace(
        one,
        roles=tuple(dict.fromkeys(one.roles + other.roles)),
        organization=one.organization or other.organization,
        email=one.email or other.email,
        url=one.url or other.url,
        orcid=one.orcid or other.orcid,
    )


def cite(authors: Iterable[str], year: str, title: str, *further: str) -> str:
    """Compose a citation as PANGAEA writes it: ``Family, Given; … (year): Title. Journal, volume, pages, URL``."""
    names = "; ".join(author for author in authors if author)
    head = " ".join(part for part in (names, f"({year})" if year else "") if part)
    tail = ", ".join(part for part in further if part)
    body = ". ".join(part for part in (title.rstrip("."), tail) if part)
    return ": ".join(part for part in (head, body) if part)
