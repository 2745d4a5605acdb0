"""MMD, the metadata format of MET Norway (docs of metno/mmd, chapter 2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from lxml import etree

from builder.crosswalks.dois import doi_of
from builder.crosswalks.licenses import license_of
from builder.crosswalks.online import classify
from builder.crosswalks.people import cite, merged, organisation
from builder.crosswalks.times import parse_time, put_period
from builder.crosswalks.values import access_of, box_of, language_of, number, unique
from builder.crosswalks.xmltext import every, first, open_record, said, text, texts
from builder.dataset import Box, Concepts, Dataset, Draft, Link, Party, Resource
from builder.errors import RecordError
from builder.findings import warning

if TYPE_CHECKING:
    from builder.sources.protocol import Record

_ROLES = {
    "investigator": "principalInvestigator",
    "principal investigator": "principalInvestigator",
    "technical contact": "pointOfContact",
    "metadata author": "author",
    "data center contact": "pointOfContact",
    "author": "author",
    "publisher": "publisher",
}
_NEAR = 0.01
"""How far, in degrees, a polygon may reach beyond its rectangle."""

_VOCABULARIES = {
    "GCMD": "https://gcmd.earthdata.nasa.gov/kms/concepts/concept_scheme/sciencekeywords",
    "GCMDSK": "https://gcmd.earthdata.nasa.gov/kms/concepts/concept_scheme/sciencekeywords",
    "CF": "https://cfconventions.org/standard-names.html",
    "CFSTDN": "https://cfconventions.org/standard-names.html",
    "WIGOS": "https://codes.wmo.int/wmdr",
}


def describe(record: Record) -> Dataset:
    """Describe an MMD record; one that is Inactive counts as withdrawn.

    Raises:
        RecordError: The document is no MMD, or lacks its identifier.
        ProtocolError: It is not well-formed.
    """
    root, draft = open_record(record, "mmd", "mmd")
    if not text(root, "metadata_identifier"):
        raise RecordError("an MMD record without metadata_identifier", where=record.identifier)
    draft.identifier = text(root, "metadata_identifier")
    _put_words(draft, root)
    put_period(draft, said(root, "temporal_extent/start_date"), said(root, "temporal_extent/end_date"))
    _put_place(draft, root)
    _put_terms(draft, root)
    _put_keywords(draft, root)
    draft.put("parties", merged(_parties(root)), "mmd/personnel")
    _put_online(draft, root)
    return draft.build()


def _put_words(draft: Draft, root: etree._Element) -> None:
    english = [e for e in every(root, "title") if e.get("{http://www.w3.org/XML/1998/namespace}lang", "en") == "en"]
    title = (text(english[0], "."), "mmd/title") if english else said(root, "title")
    draft.put("title", *title)
    draft.put("description", *said(root, "abstract", lines=True))
    status = text(root, "metadata_status").lower()
    draft.put("status", "withdrawn" if status == "inactive" else "published", "mmd/metadata_status")
    updates = [parse_time(stamp) for stamp in texts(root, "last_metadata_update/update/datetime")]
    stamps = sorted(stamp for stamp in updates if stamp is not None)
    if stamps:
        draft.put("created", stamps[0], "mmd/last_metadata_update")
        draft.put("updated", stamps[-1], "mmd/last_metadata_update")
    draft.put("language", language_of(text(root, "dataset_language")), "mmd/dataset_language")
    draft.put("platform", *said(root, "platform/long_name", "platform/short_name"))
    draft.put("instruments", unique(texts(root, "platform/instrument/long_name")), "mmd/platform/instrument")
    draft.put("mission", *said(root, "project/long_name", "project/short_name"))
    draft.put("processing_level", *said(root, "processing_level"))
    draft.put("version", *said(root, "dataset_citation/edition"))


def _put_place(draft: Draft, root: etree._Element) -> None:
    boxes = tuple(_boxes(root, draft))
    ring = _ring(root, boxes[0] if boxes else None)
    if len(ring) > 3:
        draft.put("coverage.geometry", {"type": "Polygon", "coordinates": [ring]}, "mmd/geographic_extent/polygon")
    draft.put("coverage.boxes", boxes, "mmd/geographic_extent/rectangle")


def _ring(root: etree._Element, box: Box | None) -> list[list[float]]:
    """Read a polygon, whose order of longitude and latitude differs between producers; the rectangle tells it."""
    values = _numbers(first(root, "geographic_extent/polygon/Polygon/exterior/LinearRing"))
    ring = [[x, y] for x, y in zip(values[::2], values[1::2], strict=True)]
    turned = [[y, x] for x, y in ring]
    if any(abs(latitude) > 90 for _, latitude in ring):
        return turned
    return turned if box and _inside(turned, box) > _inside(ring, box) else ring


def _numbers(line: etree._Element | None) -> list[float]:
    """Return the numbers of a line in pairs; none where one of the words is no number."""
    words = " ".join(texts(line, "posList") or texts(line, "pos")).replace(",", " ").split()
    values = [value for value in map(number, words) if value is not None]
    return values if len(values) == len(words) and len(values) % 2 == 0 else []


def _inside(places: list[list[float]], box: Box) -> int:
    return sum(_within(place, box) for place in places)


def _within(place: list[float], box: Box) -> bool:
    west, south, east, north = box
    return south - _NEAR <= place[1] <= north + _NEAR and (place[0] - west) % 360 <= (east - west) % 360 + _NEAR


def _boxes(root: etree._Element, draft: Draft) -> Iterator[Box]:
    for rectangle in every(root, "geographic_extent/rectangle"):
        system = rectangle.get("srsName", "")
        if system and not re.search(r"\b(?:4326|CRS:?84)\b", system):
            message = f"the rectangle is in {system[:40]}, not in degrees; left out"
            draft.find(warning("mmd.reference-system", draft.identifier, message, "give it in EPSG:4326"))
            continue
        box = box_of(*(text(rectangle, side) for side in ("west", "south", "east", "north")))
        if box:
            yield box


def _put_terms(draft: Draft, root: etree._Element) -> None:
    use, address = (
        text(root, "use_constraint/identifier", "use_constraint/license_text"),
        text(root, "use_constraint/resource"),
    )
    draft.put("license", license_of(use or text(root, "use_constraint"), address or None), "mmd/use_constraint")
    statement = text(root, "access_constraint")
    if statement.lower() not in {"", "open", "public"}:
        draft.put("access", access_of(statement), "mmd/access_constraint")
    draft.put("doi", doi_of(text(root, "dataset_citation/doi")), "mmd/dataset_citation/doi")
    cited = first(root, "dataset_citation")
    if cited is not None and text(cited, "author") and text(cited, "title"):
        year = text(cited, "publication_date")[:4]
        further = (text(cited, "publisher"), text(cited, "doi", "url"))
        draft.put(
            "citation", cite([text(cited, "author")], year, text(cited, "title"), *further), "mmd/dataset_citation"
        )


def _put_keywords(draft: Draft, root: etree._Element) -> None:
    themes: dict[str, list[str]] = {}
    words: list[str] = []
    if topics := unique(texts(root, "iso_topic_category")):
        themes["ISO 19115 topic categories"] = list(topics)
    for group in every(root, "keywords"):
        found = texts(group, "keyword")
        words += found
        scheme = text(group, "resource") or _VOCABULARIES.get(group.get("vocabulary", ""), "")
        if scheme.startswith("http"):
            themes.setdefault(scheme, []).extend(found)
    draft.put("keywords", unique(words), "mmd/keywords/keyword")
    concepts = tuple(Concepts(scheme, unique(ids)) for scheme, ids in themes.items() if any(ids))
    draft.put("themes", concepts, "mmd/keywords/@vocabulary")


def _parties(root: etree._Element) -> Iterator[Party]:
    for person in every(root, "personnel"):
        role = text(person, "role")
        name = text(person, "name")
        if name:
            yield Party(
                name,
                (_ROLES.get(role.lower(), "pointOfContact"),),
                organization=text(person, "organisation") or None,
                email=text(person, "email") if "@" in text(person, "email") else None,
            )
    for center in every(root, "data_center"):
        name = text(center, "data_center_name/long_name", "data_center_name/short_name")
        if name:
            yield organisation(name, "distributor", url=text(center, "data_center_url") or None)
    for name in texts(root, "dataset_citation/publisher"):
        yield organisation(name, "publisher")


def _put_online(draft: Draft, root: etree._Element) -> None:
    resources: list[Resource] = []
    links: list[Link] = []
    for access in every(root, "data_access"):
        kind = text(access, "type")
        protocol = "httpserver" if kind.upper() == "HTTP" else kind
        found = classify(
            text(access, "resource"),
            protocol=protocol,
            title=text(access, "name") or kind,
            description=text(access, "description") or None,
        )
        if isinstance(found, Resource):
            resources.append(_with_storage(found, root))
        elif found is not None:
            links.append(found)
    for information in every(root, "related_information"):
        address, kind = text(information, "resource"), text(information, "type")
        if address.startswith(("http://", "https://")):
            links.append(Link("via" if "landing page" in kind.lower() else "related", address, title=kind or None))
    draft.put("resources", tuple(resources), "mmd/data_access")
    draft.put("links", tuple(links), "mmd/related_information")
    for related in every(root, "related_dataset"):
        if related.get("relation_type", "").lower() == "parent":
            draft.put("parent", text(related, "."), "mmd/related_dataset")


def _with_storage(resource: Resource, root: etree._Element) -> Resource:
    """Give the data file its checksum and size, which MMD keeps apart from the addresses."""
    if resource.key != "data":
        return resource
    size, unit = first(root, "storage_information/file_size"), ""
    if size is not None:
        unit = size.get("unit", "").lower()
    amount = text(root, "storage_information/file_size")
    checksum = first(root, "storage_information/checksum")
    algorithm = checksum.get("type", "").lower().removesuffix("sum") if checksum is not None else ""
    digest = text(root, "storage_information/checksum").lower()
    return replace(
        resource,
        size=int(amount) if amount.isdigit() and unit in {"b", "byte", "bytes"} else None,
        checksum=f"{algorithm}:{digest}" if algorithm in {"md5", "sha1", "sha256", "sha512"} and digest else None,
    )
