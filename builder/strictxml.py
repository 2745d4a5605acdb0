"""Reads XML from partners without recovery, entities or network, and says what format it is."""

from __future__ import annotations

import codecs
import re
from typing import Any

from lxml import etree

from builder.errors import ProtocolError

_OPEN_1252 = frozenset(b"\x81\x8d\x8f\x90\x9d")

_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s+|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)
"""All that may stand before a document type declaration (XML 1.0 section 2.8), and its first word."""

_FORMATS = {
    "MetaData": "pan_md",
    "resource": "datacite",
    "dc": "oai_dc",
    "MD_Metadata": "iso19139",
    "MI_Metadata": "iso19139",
    "DIF": "dif",
    "mmd": "mmd",
    "MM2": "mm2",
    "netcdf": "ncml",
    "catalog": "thredds",
    "eml": "eml",
}


def local_name(element: etree._Element) -> str:
    """Return the tag without its namespace; empty for comments and processing instructions."""
    tag: object = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def parse_xml(body: bytes, *, where: str, doctype: bool = False) -> etree._Element:
    """Parse strictly and return the root element.

    A DOCTYPE is refused unless ``doctype`` is set, and one with an internal subset (the place
    where entities are declared) is always refused. Nothing external is ever loaded; libxml2 itself
    refuses more than 256 levels.

    Raises:
        ProtocolError: The document is not well-formed, too deep, or has a forbidden DOCTYPE.
    """
    if not doctype and _PROLOG.match(body):
        raise ProtocolError("XML with a DOCTYPE is refused", where=where)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as trouble:
        raise ProtocolError(f"not well-formed XML: {_first_line(trouble)}", where=where) from trouble
    info: Any = root.getroottree().docinfo
    if info.doctype and (not doctype or (info.internalDTD is not None and len(info.internalDTD.entities()))):
        raise ProtocolError("XML with a DOCTYPE is refused", where=where)
    return root


def parse_lenient_encoding(body: bytes, *, where: str) -> tuple[etree._Element, bool]:
    """Parse strictly; where bytes are not UTF-8 as declared, read just those as Windows-1252.

    Returns:
        The root, and whether the fallback was needed (worth a finding).

    Raises:
        ProtocolError: The document is not well-formed in either encoding.
    """
    try:
        return parse_xml(body, where=where), False
    except ProtocolError:
        try:
            body.decode("utf-8")
        except UnicodeDecodeError:
            text = body.decode("utf-8", errors="iaos-windows-1252")
            return parse_xml(text.encode("utf-8"), where=where), True
        raise


def _as_windows_1252(trouble: UnicodeError) -> tuple[str, int]:
    """Decode the bytes at which UTF-8 ended; the five that Windows-1252 leaves open are read as Latin-1."""
    if not isinstance(trouble, UnicodeDecodeError):
        raise trouble
    bad = trouble.object[trouble.start : trouble.end]
    return "".join(bytes([b]).decode("windows-1252" if b not in _OPEN_1252 else "latin-1") for b in bad), trouble.end


codecs.register_error("iaos-windows-1252", _as_windows_1252)


def format_of(root: etree._Element) -> str | None:
    """Name the metadata format of a document by its root element, whatever its namespace."""
    return _FORMATS.get(local_name(root))


def _first_line(trouble: Exception) -> str:
    return str(trouble).splitlines()[0] if str(trouble) else type(trouble).__name__
