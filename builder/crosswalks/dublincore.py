"""Reads simple Dublin Core, the format every OAI-PMH provider has, with PANGAEA's packed coverage string."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from builder.crosswalks.dois import doi_of, same_doi
from builder.crosswalks.licenses import clearest, license_of
from builder.crosswalks.pangaea import is_pangaea, name_of, put_addresses
from builder.crosswalks.people import merged, organisation
from builder.crosswalks.times import parse_interval, parse_time, put_period
from builder.crosswalks.values import access_of, box_of, language_of, number, one_line, unique
from builder.crosswalks.xmltext import every, open_record, place_of, said, texts
from builder.dataset import Dataset, Draft, Link, Party, Publication
from builder.findings import warning

if TYPE_CHECKING:
    from lxml import etree

    from builder.sources.protocol import Record

_ACCESS = re.compile(r"(?:Access constraints:\s*|info:eu-repo/semantics/(?=\w+Access\b))(.+)", re.IGNORECASE)
_SUPPLEMENT = re.compile(r"Supplement to:\s*(.+)", re.IGNORECASE | re.DOTALL)
_PAPERS = "/dc/source, /dc/relation"
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
    draft.put("license", clearest(terms), where)


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
        said_here = dict(_pairs(text))
        sides = (_first(said_here, _EDGES[edge]) for edge in ("west", "south", "east", "north"))
        box = box_of(*sides)
        draft.put("coverage.boxes", (box,) if box else (), where)
        _put_point(draft, said_here, where)
        mean = (number(said_here.get("MEDIAN LONGITUDE")), number(said_here.get("MEDIAN LATITUDE")))
        draft.put("coverage.mean_point", mean if None not in mean else None, where)
        if "DATE/TIME START" in said_here or "DATE/TIME END" in said_here:
            start, end = said_here.get("DATE/TIME START", ""), said_here.get("DATE/TIME END", "")
            put_period(draft, (start, where), (end, where))
        else:
            begins, ends = parse_interval(text)
            draft.put("coverage.start", begins, where)
            draft.put("coverage.end", ends, where)


def _put_point(draft: Draft, said_here: dict[str, str], where: str) -> None:
    """Set the place of a dataset with a single event, which PANGAEA writes as LATITUDE and LONGITUDE."""
    words = [said_here[name] for name in ("LONGITUDE", "LATITUDE") if name in said_here]
    if not words:
        return
    degrees = [value for value in map(number, words) if value is not None]
    if len(degrees) == 2:
        draft.put("coverage.geometry", {"type": "Point", "coordinates": degrees}, where)
    else:
        message = f"longitude and latitude {one_line(', '.join(words))[:80]!r} are no numbers of degrees"
        draft.find(warning("geometry.unusable", draft.identifier, message, "correct it at the source"))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a packed coverage, ``NAME: value * NAME: value`` or ``name=value; name=value``."""
    for part in re.split(r"[*;]", text):
        name, _, value = re.sub(r"^(\s*\w+)=", r"\1:", part).partition(":")
        yield name.strip(), value.strip()


def _first(said_here: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((said_here[name] for name in names if name in said_here), None)


def _put_addresses(draft: Draft, root: etree._Element) -> None:
    identifiers, where = texts(root, "identifier"), place_of(every(root, "identifier"))
    doi = next((found for found in map(doi_of, identifiers) if found), None)
    draft.put("doi", doi, where)
    papers = [text for text in _references(root) if not same_doi(text, doi)]
    draft.put("publications", tuple(Publication(doi_of(text), text) for text in papers), _PAPERS)
    put_addresses(draft, doi, where, zipped=draft.has("level"))
    pages = (text for text in identifiers if text.startswith(("http://", "https://")))
    draft.put("links", tuple(Link("via", page, "text/html", "Landing page") for page in pages), where)
    draft.identifier = name_of(doi) or draft.identifier


def _references(root: etree._Element) -> list[str]:
    supplements = (_SUPPLEMENT.match(text) for text in texts(root, "source"))
    return [*(found[1] for found in supplements if found), *(text for text in texts(root, "relation") if doi_of(text))]
