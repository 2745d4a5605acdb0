"""An OAI-PMH static repository (guidelines of 2004-04-23): one XML file that a gateway serves to harvesters."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from lxml import etree

from builder.exports.described import Described, Publisher
from builder.exports.iso import NAMESPACES, SCHEMA, iso_record

OAI = "http://www.openarchives.org/OAI/2.0/"
STATIC = "http://www.openarchives.org/OAI/2.0/static-repository"
DC = "http://purl.org/dc/elements/1.1/"
OAI_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
UNDATED = "1970-01-01"
"""Datestamp of a collection whose records say nothing of when they changed."""

_FORMATS = (
    ("oai_dc", "http://www.openarchives.org/OAI/2.0/oai_dc.xsd", OAI_DC),
    ("iso19115-3", SCHEMA, NAMESPACES["mdb"]),
)


def static_repository(publisher: Publisher, described: Sequence[Described]) -> bytes:
    """Return the file: each collection as Dublin Core and as ISO 19115-3.

    Args:
        publisher: Who runs the catalogue; needs a base URL and a mailbox.
        described: Its collections.
    """
    root = etree.Element(f"{{{STATIC}}}Repository", nsmap={"sr": STATIC, "oai": OAI, "xsi": XSI})
    root.set(f"{{{XSI}}}schemaLocation", f"{STATIC} {STATIC}.xsd")
    identify = etree.SubElement(root, f"{{{STATIC}}}Identify")
    for name, words in (
        ("repositoryName", publisher.name),
        ("baseURL", base_url(publisher)),
        ("protocolVersion", "2.0"),
        ("adminEmail", publisher.contact),
        ("earliestDatestamp", min((_datestamp(one) for one in described), default=UNDATED)),
        ("deletedRecord", "no"),
        ("granularity", "YYYY-MM-DD"),
    ):
        etree.SubElement(identify, f"{{{OAI}}}{name}").text = words
    formats = etree.SubElement(root, f"{{{STATIC}}}ListMetadataFormats")
    for prefix, schema, namespace in _FORMATS:
        entry = etree.SubElement(formats, f"{{{OAI}}}metadataFormat")
        etree.SubElement(entry, f"{{{OAI}}}metadataPrefix").text = prefix
        etree.SubElement(entry, f"{{{OAI}}}schema").text = schema
        etree.SubElement(entry, f"{{{OAI}}}metadataNamespace").text = namespace
    for prefix, _, _ in _FORMATS:
        if described:
            records = etree.SubElement(root, f"{{{STATIC}}}ListRecords", metadataPrefix=prefix)
            for one in described:
                body = _dublin_core(one) if prefix == "oai_dc" else iso_record(one, publisher)
                _record(records, one, publisher, body)
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True))


def base_url(publisher: Publisher) -> str:
    """Return the OAI-PMH address: the gateway's, a slash, and this file's without its protocol (guidelines, 2.2)."""
    own = f"{publisher.base}oai.xml"
    return f"{publisher.gateway.rstrip('/')}/{own.partition('://')[2]}" if publisher.gateway else own


def _record(records: etree._Element, one: Described, publisher: Publisher, body: etree._Element) -> None:
    record = etree.SubElement(records, f"{{{OAI}}}record")
    header = etree.SubElement(record, f"{{{OAI}}}header")
    host = urlsplit(publisher.base).hostname or "localhost"
    etree.SubElement(header, f"{{{OAI}}}identifier").text = f"oai:{host}:{one.path}"
    etree.SubElement(header, f"{{{OAI}}}datestamp").text = _datestamp(one)
    etree.SubElement(record, f"{{{OAI}}}metadata").append(body)


def _datestamp(one: Described) -> str:
    return (one.updated or UNDATED)[:10]


def _dublin_core(one: Described) -> etree._Element:
    root = etree.Element(f"{{{OAI_DC}}}dc", nsmap={"oai_dc": OAI_DC, "dc": DC})
    root.set(f"{{{XSI}}}schemaLocation", f"{OAI_DC} http://www.openarchives.org/OAI/2.0/oai_dc.xsd")
    for name, words in _elements(one):
        if words:
            etree.SubElement(root, f"{{{DC}}}{name}").text = words
    return root


def _elements(one: Described) -> list[tuple[str, str | None]]:
    span = f"{one.start or ''}/{one.end or ''}" if one.start or one.end else None
    found: list[tuple[str, str | None]] = [("title", one.title)]
    found += [("creator", name) for name in one.creators]
    found += [("subject", word) for word in (*one.keywords, *one.variables)]
    found += [("description", one.abstract), ("publisher", one.partner), ("date", one.updated), ("type", "Dataset")]
    found += [("identifier", href) for href in (one.page, one.doi and f"https://doi.org/{one.doi}")]
    found += [("source", one.landing), ("language", "en"), ("coverage", _box_words(one)), ("coverage", span)]
    return [*found, ("rights", one.license[1] or one.license[0])]


def _box_words(one: Described) -> str | None:
    """Return the box in the manner of the DCMI Box encoding scheme."""
    if one.box is None:
        return None
    west, south, east, north = one.box
    return f"westlimit={west:g}; southlimit={south:g}; eastlimit={east:g}; northlimit={north:g}; units=degrees"
