"""Tells metadata documents from data files, and makes records of what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from builder.enrich.accept import is_references
from builder.errors import ProtocolError
from builder.findings import Finding, error, warning
from builder.media import media_type
from builder.sources.ckan import packages_in, records_of
from builder.sources.protocol import Record, refused
from builder.sources.strictjson import strict_json
from builder.strictxml import format_of, local_name, parse_lenient_encoding, parse_xml

DATA_FORMATS = {
    "netcdf": ("application/netcdf",),
    "geotiff": ("image/tiff",),
    "table": ("text/csv", "text/tab-separated-values", "text/plain", "application/vnd.apache.parquet"),
}
"""Format of a definition that names data files rather than metadata documents → their media types."""

_XML = frozenset({".xml", ".mmd", ".dif", ".iso", ".ncml"})
_JSON = frozenset({".json", ".jsonld"})
_PAGES = frozenset({".html", ".htm"})
SIDECAR = ".xmd"


@dataclass(frozen=True, slots=True)
class Document:
    """A document as read: its path in the source, its bytes, its address, and those of its sidecar."""

    name: str
    body: bytes
    url: str
    companion: bytes = b""


def may_be_document(name: str, asked: str) -> bool:
    """Tell by its name whether a file has to be read to know what it is.

    Args:
        name: Path of the file.
        asked: ``format`` of the definition; ``auto`` takes XML and JSON for possible documents.
    """
    suffix = PurePosixPath(name).suffix.lower()
    if asked in DATA_FORMATS:
        return False
    return suffix in _XML | _JSON or (asked == "schemaorg" and suffix in _PAGES)


def is_data(name: str, asked: str) -> bool:
    """Tell whether a file that is no metadata document is one of the data files that were asked for."""
    kind = (media_type_of(name) or "").partition(";")[0]
    return asked == "auto" or (asked in DATA_FORMATS and (not kind or kind in DATA_FORMATS[asked]))


def records_in(document: Document, asked: str) -> Iterator[Record | Finding]:
    """Yield the records of a document, or one finding that says why there are none.

    Nothing is yielded where the format is ``auto`` and the document is no metadata.

    Args:
        document: The document.
        asked: ``format`` of the definition.
    """
    try:
        if document.body.lstrip()[:1] == b"<" or PurePosixPath(document.name).suffix.lower() in _XML:
            yield from _xml(document, asked)
        else:
            yield from _json(document, asked)
    except ProtocolError as trouble:
        yield refused("files.broken", document.name, trouble.message, "left out; tell the data centre", document.url)


def _xml(document: Document, asked: str) -> Iterator[Record | Finding]:
    if asked == "schemaorg":
        yield _record(document, "schemaorg", "text/html")
        return
    root, _ = parse_lenient_encoding(document.body, where=document.name)
    found = format_of(root)
    if found == "thredds":
        message = "is a THREDDS catalogue"
        yield warning("files.catalogue", document.name, message, "use a source of `type: thredds` for it")
    elif asked not in {"auto", found or asked}:
        yield error("files.other-format", document.name, f"is {found}, not {asked}", "check `format` or `include`")
    elif asked != "auto" or found:
        yield _record(document, found or asked, "application/xml")


def _json(document: Document, asked: str) -> Iterator[Record | Finding]:
    content = strict_json(document.body, document.name, unique_keys=False)
    if is_references(content):
        yield error(
            "references.unsafe", document.name, "kerchunk references of others are not taken over",
            "name the data files themselves; references to them are made here",
        )  # fmt: skip
        return
    found = _json_format(content)
    if asked not in {"auto", found or asked}:
        yield error("files.other-format", document.name, f"is {found}, not {asked}", "check `format` or `include`")
    elif (asked if asked != "auto" else found) == "ckan":
        for package in packages_in(document.body, document.name):
            for got in records_of(package, document.url):
                yield replace(got, url=document.url) if isinstance(got, Record) else got
    elif asked != "auto" or found:
        yield _record(document, found or asked, "application/json")


def _json_format(content: Any) -> str | None:
    """Name the metadata format of a JSON document, or None where it is none that is known."""
    match content:
        case [dict(), *_]:
            return "ckan" if all(map(_is_package, content)) else None
        case {"stac_version": _}:
            return "stac" if content.get("type") == "Feature" else None
        case {"@context": context} if "schema.org" in str(context)[:2000]:
            return "schemaorg"
        case {"data": {"attributes": {"titles": _, "creators": _}}} | {"titles": _, "creators": _}:
            return "datacite"
        case {"success": _, "help": _}:
            return "ckan"
        case _:
            return "ckan" if _is_package(content) else None


def _is_package(content: Any) -> bool:
    return isinstance(content, dict) and "resources" in content and {"id", "name"} <= content.keys()


def _record(document: Document, kind: str, media: str) -> Record:
    """Make the record; one whose sidecar says that it is deleted is a tombstone."""
    deleted, stamp = _sidecar(document)
    return Record(
        identifier=document.name,
        format=kind,
        body=b"" if deleted else document.body,
        media_type=media,
        url=document.url,
        datestamp=stamp,
        deleted=deleted,
        companion=b"" if deleted else document.companion,
    )


def _sidecar(document: Document) -> tuple[bool, str | None]:
    """Return whether an ``.xmd`` sidecar calls its record deleted, and its datestamp.

    Raises:
        ProtocolError: The sidecar is not well-formed.
    """
    if not document.companion:
        return False, None
    root = parse_xml(document.companion, where=f"{document.name.rpartition('.')[0]}{SIDECAR}")
    info = next((element for element in root.iter("*") if local_name(element) == "info"), None)
    return (False, None) if info is None else (info.get("status") == "deleted", info.get("datestamp"))


def media_type_of(name: str) -> str | None:
    """Return the media type of a data file by its name; None where the name does not tell."""
    found = media_type(name).partition(";")
    known = "".join(found) if found[0].startswith("image/") else found[0]
    return known if known != "application/octet-stream" else None
