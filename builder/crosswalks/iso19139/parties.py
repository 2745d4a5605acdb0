"""Reads responsible parties of ISO metadata, of 2003 (one flat record) and of 2014 (nested parties)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from builder.crosswalks.iso19139.spoken import code, spoken
from builder.crosswalks.people import merged, organisation
from builder.crosswalks.values import one_line, orcid_of, present, unique
from builder.crosswalks.xmltext import every, first, place_of
from builder.dataset import Draft, Party
from builder.strictxml import local_name

if TYPE_CHECKING:
    from lxml import etree

_EMAIL = "address/*/electronicMailAddress"


def put_parties(draft: Draft, root: etree._Element, data: etree._Element | None) -> None:
    """Set the parties of the dataset, those who distribute it, and the contact of the metadata.

    Args:
        draft: The description.
        root: The document.
        data: The identification of the data.
    """
    places = [
        *every(data, "citation/*/citedResponsibleParty"),
        *every(data, "pointOfContact"),
        *every(root, "distributionInfo/*/distributor/*/distributorContact"),
        *every(root, "contact"),
    ]
    draft.put("parties", merged(party for node in places for party in _parties(node)), place_of(places))


def _parties(node: etree._Element) -> Iterator[Party]:
    for child in node:
        role = code(first(child, "role"))
        if local_name(child) == "CI_Responsibility":
            for party in every(child, "party/*"):
                yield from _nested(party, role)
        else:
            person, company = _line(child, "individualName"), _line(child, "organisationName")
            yield from _made(child, person, company or _line(child, "positionName"), role)


def _nested(party: etree._Element, role: str) -> Iterator[Party]:
    if local_name(party) == "CI_Individual":
        yield from _made(party, _line(party, "name"), "", role)
        return
    people = every(party, "individual/CI_Individual")
    company = _line(party, "name")
    for person in people:
        yield from _made(person, _line(person, "name"), company, role)
    if not people or not any(_line(person, "name") for person in people):
        yield from _made(party, "", company, role)


def _made(node: etree._Element, person: str, company: str, role: str) -> Iterator[Party]:
    roles = unique([role])
    email, url = (_line(node, f"contactInfo/*/{path}") or None for path in (_EMAIL, "onlineResource/*/linkage"))
    if person:
        marks = [url, *(_line(one, "*/code") for one in every(node, "partyIdentifier"))]
        orcid = next(iter(present(map(orcid_of, marks))), None)
        yield Party(person, roles, company or None, email, None if orcid_of(url) else url, orcid)
    elif company:
        yield organisation(company, *roles, url=url, email=email)


def _line(node: etree._Element, path: str) -> str:
    return one_line(spoken(first(node, path)))
