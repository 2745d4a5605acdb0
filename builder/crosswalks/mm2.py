"""MM2, the metadata of metamod (MET Norway, AWI and the DAMOCLES partners), with its ``.xmd`` sidecar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from lxml import etree

from builder.crosswalks.licenses import license_of
from builder.crosswalks.online import classify
from builder.crosswalks.people import organisation
from builder.crosswalks.times import parse_time, put_period
from builder.crosswalks.values import access_of, number, one_line, paragraphs, unique
from builder.crosswalks.xmltext import every, open_record
from builder.dataset import Access, Box, Dataset, Draft, Link, Party, Resource, Variable
from builder.errors import ProtocolError
from builder.findings import warning
from builder.geometry.parts import wrap
from builder.strictxml import parse_xml

if TYPE_CHECKING:
    from builder.sources.protocol import Record

_UNSAID = frozenset({"", "not available", "n/a", "none", "unknown"})
_HIDDEN = re.compile(r"\s*>\s*HIDDEN\s*$")
_CLOSED = re.compile(r"\brestricted to\b|\bpartners only\b", re.IGNORECASE)


def describe(record: Record) -> Dataset:
    """Describe an MM2 record.

    ``bounding_box`` is taken over as written; metamod's order is east, south, west, north, so
    definitions of such sources say ``bbox: eswn``. Where the sidecar lists positions, they are the
    geometry: boxes of tracks across 180 degrees are naive there. A record whose data is a folder is
    a collection; the sidecar's name says which record is the parent. A planned activity has no
    place, and nothing to fetch.

    Raises:
        RecordError: The document is no MM2.
        ProtocolError: It is not well-formed.
    """
    root, draft = open_record(record, "mm2", "MM2")
    said: dict[str, list[str]] = {}
    for element in every(root, "metadata"):
        value = "".join(str(piece) for piece in element.itertext())
        if value.strip().lower() not in _UNSAID:
            said.setdefault(element.get("name", ""), []).append(value.strip())
    _put_words(draft, said)
    put_period(
        draft,
        (_one(said, "datacollection_period_from"), _place("datacollection_period_from")),
        (_one(said, "datacollection_period_to"), _place("datacollection_period_to")),
    )
    draft.put("coverage.boxes", tuple(_boxes(said, draft)), _place("bounding_box"))
    _put_access(draft, said)
    _put_sidecar(draft, record)
    return draft.build()


def _one(said: dict[str, list[str]], name: str) -> str:
    return said.get(name, [""])[0]


def _place(name: str) -> str:
    return f"MM2/metadata[@name='{name}']"


def _put_words(draft: Draft, said: dict[str, list[str]]) -> None:
    draft.put("title", one_line(_one(said, "title") or _one(said, "dataref") or draft.identifier), _place("title"))
    draft.put("description", paragraphs(_one(said, "abstract")), _place("abstract"))
    parameters = unique([_HIDDEN.sub("", one_line(word)) for word in said.get("variable", ())])
    areas = [one_line(word) for word in said.get("area", ())]
    topics = [one_line(word) for word in (*said.get("topiccategory", ()), *said.get("keywords", ()))]
    draft.put("keywords", unique([*areas, *topics, *(word for word in parameters if ">" in word)]), _place("keywords"))
    named = [Variable(word, standard_name=word) for word in parameters if re.fullmatch(r"[a-z][a-z0-9_]+", word)]
    draft.put("variables", tuple(named), _place("variable"))
    draft.put("platform", one_line(_one(said, "Platform_name")), _place("Platform_name"))
    draft.put("mission", one_line(_one(said, "project_name")), _place("project_name"))
    draft.put("lineage", paragraphs(_one(said, "history")), _place("history"))
    draft.put("processing_level", one_line(_one(said, "processing_level")), _place("processing_level"))
    draft.put("parties", tuple(_parties(said)), _place("PI_name"))


def _parties(said: dict[str, list[str]]) -> Iterator[Party]:
    institute = one_line(_one(said, "institution"))
    contact = _one(said, "contact")
    email = contact if "@" in contact else None
    for name in said.get("PI_name", ()):
        yield Party(one_line(name), ("principalInvestigator",), organization=institute or None, email=email)
    if institute:
        yield organisation(institute, "originator", email=None if said.get("PI_name") else email)


def _boxes(said: dict[str, list[str]], draft: Draft) -> Iterator[Box]:
    for text in said.get("bounding_box", ()):
        values = [value for part in text.split(",") if (value := number(part)) is not None]
        if len(values) == 4:
            yield values[0], values[1], values[2], values[3]
        else:
            draft.find(
                warning("mm2.bounding-box", draft.identifier, f"bounding_box {text[:60]!r} has not four numbers")
            )


def _put_access(draft: Draft, said: dict[str, list[str]]) -> None:
    statement = one_line(_one(said, "distribution_statement"))
    access = access_of(statement)
    if access is not None and _CLOSED.search(statement):
        access = replace(access, restricted=True)
    draft.put("access", access or Access(), _place("distribution_statement"))
    if statement:
        draft.put("license", license_of(statement), _place("distribution_statement"))
    target = _one(said, "dataref")
    if target.startswith("http") and target.endswith("/") and "dataset=" not in target:
        draft.put("level", "collection", _place("dataref"))
    found = classify(target) if target else None
    if isinstance(found, Resource):
        draft.put("resources", (found,), _place("dataref"))
    elif isinstance(found, Link):
        draft.put("links", (replace(found, rel="via", title="At the source"),), _place("dataref"))


def _put_sidecar(draft: Draft, record: Record) -> None:
    """Read name, positions, dates and status from the ``.xmd`` document."""
    if not record.companion:
        return
    try:
        root = parse_xml(record.companion, where=f"{record.identifier}.xmd")
    except ProtocolError as trouble:
        draft.find(warning("mm2.sidecar", draft.identifier, f"the sidecar is left out: {trouble.message}"))
        return
    for info in every(root, "info"):
        _put_name(draft, one_line(info.get("name")))
        draft.put("created", parse_time(info.get("creationDate")), "dataset/info/@creationDate")
        draft.put("status", "withdrawn" if info.get("status") == "deleted" else "published", "dataset/info/@status")
    points = _points(root)
    if len(points) == 1:
        draft.put("coverage.geometry", {"type": "Point", "coordinates": points[0]}, "datasetRegion/lonLatPoints")
    elif points:
        draft.put("coverage.geometry", {"type": "MultiPoint", "coordinates": points}, "datasetRegion/lonLatPoints")


def _put_name(draft: Draft, name: str) -> None:
    """Take the name metamod knows a record by: application, dataset and, below it, one file."""
    if not name:
        return
    draft.identifier = name
    if name.count("/") > 1:
        draft.put("parent", name.rpartition("/")[0], "dataset/info/@name")


def _points(root: etree._Element) -> list[list[float]]:
    found: dict[tuple[float, float], None] = {}
    for element in every(root, ".//lonLatPoints"):
        for pair in "".join(str(piece) for piece in element.itertext()).split(","):
            values = [value for part in pair.split() if (value := number(part)) is not None]
            if len(values) == 2 and abs(values[0]) <= 360 and abs(values[1]) <= 90:
                found[wrap(values[0]), values[1]] = None
    return [list(point) for point in found]
