"""Reads simple Dublin Core, the format every OAI-PMH provider has, with PANGAEA's packed coverage string."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.crosswalks.dois import doi_of, same_doi
from builder.crosswalks.licenses import license_of
from builder.crosswalks.pangaea import data_resource, is_pangaea, links, metadata_resources
from builder.crosswalks.people import merged, organisation
from builder.crosswalks.times import parse_interval, parse_time, put_period
from builder.crosswalks.values import access_of, box_of, language_of, number, unique
from builder.crosswalks.xmltext import every, open_record, place_of, said, texts
from builder.dataset import Dataset, Draft, Link, Party, Publication

if TYPE_CHECKING:
    from lxml import etree

    from builder.sources.protocol import Record

_ACCESS = re.compile(r"(?:Access constraints:\s*|info:eu-repo/semantics/(?=\w+Access\b))(.+)", re.IGNORECASE)
_SUPPLEMENT = re.compile(r"Supplement to:\s*(.+)", re.IGNORECASE | re.DOTALL)
_EDGES = {
    "west": ("WEST-BOUND LONGITUDE", "westlimit"),
    "south": ("SOUTH-BOUND LATITUDE", "southlimit"),
    "east": ("EAST-BOUND LONGITUDE", "eastlimit"),
    "north": ("NORTH-BOUND LATITUDE", "northlimit"),
}
"""Names of the sides of a box in PANGAEA's coverage string and in the DCMI Box encoding scheme."""


def describe(record: Record) -> Dataset:
    """Describe an ``oai_dc`` record.

    Raises:
        ProtocolError: The body is not well-formed XML.
        RecordError: It is no Dublin Core document.
    """
    root, draft = open_record(record, "dublincore", "dc")
    draft.put("title", *said(root, "title"))
    draft.put("description", *said(root, "description", lines=True))
    subjects = [word.strip() for text in texts(root, "subject") for word in text.split(";")]
    draft.put("keywords", unique(subjects), place_of(every(root, "subject")))
    language, where = said(root, "language")
    draft.put("language", language_of(language), where)
    date, where = said(root, "date")
    draft.put("published", parse_time(date) if len(date) > 4 else None, where)
    if any("datasets" in text for text in texts(root, "format")):
        draft.put("level", "collection", place_of(every(root, "format")))
    _put_rights(draft, root)
    _put_people(draft, root)
    _put_coverage(draft, root)
    _put_addresses(draft, root)
    return draft.build()


def _put_rights(draft: Draft, root: etree._Element) -> None:
    where = place_of(every(root, "rights"))
    terms = []
    for text in texts(root, "rights"):
        access = _ACCESS.fullmatch(text)
        if access:
            draft.put("access", access_of(access[1]), where)
        else:
            terms.append(license_of(text))
    known = [one for one in terms if one]
    draft.put("license", next((one for one in known if one.id != "other"), known[0] if known else None), where)


def _put_people(draft: Draft, root: etree._Element) -> None:
    authors = [Party(name=name, roles=("author",)) for name in texts(root, "creator")]
    helpers = [Party(name=name, roles=("contributor",)) for name in texts(root, "contributor")]
    publishers = [
        organisation(name, "publisher", url="https://www.pangaea.de/" if name == "PANGAEA" else None)
        for name in texts(root, "publisher")
    ]
    institutes = [
        organisation(text, "originator")
        for text in texts(root, "source")
        if _is_pangaea(root) and not _SUPPLEMENT.match(text) and not doi_of(text)
    ]
    parties = merged([*authors, *helpers, *institutes, *publishers])
    draft.put("parties", parties, place_of(every(root, "creator")) or place_of(every(root, "publisher")))


def _is_pangaea(root: etree._Element) -> bool:
    return any(map(is_pangaea, texts(root, "identifier")))


def _put_coverage(draft: Draft, root: etree._Element) -> None:
    where = place_of(every(root, "coverage"))
    for text in texts(root, "coverage"):
        parts = (part.partition(sign) for part in re.split(r"[*;]", text) for sign in (":", "=") if sign in part)
        said_here = {name.strip(): value.strip() for name, _, value in parts}
        sides = {
            edge: next((said_here[name] for name in names if name in said_here), None) for edge, names in _EDGES.items()
        }
        box = box_of(sides["west"], sides["south"], sides["east"], sides["north"])
        draft.put("coverage.boxes", (box,) if box else (), where)
        mean = (number(said_here.get("MEDIAN LONGITUDE")), number(said_here.get("MEDIAN LATITUDE")))
        draft.put("coverage.mean_point", mean if None not in mean else None, where)
        start, end = said_here.get("DATE/TIME START", ""), said_here.get("DATE/TIME END", "")
        if start or end:
            put_period(draft, (start, where), (end, where))
        else:
            begins, ends = parse_interval(text)
            draft.put("coverage.start", begins, where)
            draft.put("coverage.end", ends, where)


def _put_addresses(draft: Draft, root: etree._Element) -> None:
    identifiers, where = texts(root, "identifier"), place_of(every(root, "identifier"))
    doi = next((found for found in map(doi_of, identifiers) if found), None)
    draft.put("doi", doi, where)
    supplements = (_SUPPLEMENT.match(text) for text in texts(root, "source"))
    papers = [
        *(found[1] for found in supplements if found),
        *(text for text in texts(root, "relation") if doi_of(text)),
    ]
    papers = [text for text in papers if not same_doi(text, doi)]
    draft.put(
        "publications", tuple(Publication(doi_of(text), text) for text in papers), place_of(every(root, "relation"))
    )
    if doi and is_pangaea(doi):
        closed = not draft.has("license")
        data = data_resource(doi, zipped=draft.has("level"), restricted=closed)
        draft.put("resources", (data, *metadata_resources(doi)), where)
        draft.put("links", links(doi), where)
    pages = (text for text in identifiers if text.startswith(("http://", "https://")))
    draft.put("links", tuple(Link("via", page, "text/html", "Landing page") for page in pages), where)
