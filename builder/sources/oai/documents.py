"""Reads one OAI-PMH 2.0 answer strictly: what it lists, where it goes on, or which error it reports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain

from lxml import etree
from sickle.models import Header, MetadataFormat, Set

from builder.errors import ProtocolError
from builder.sources.redact import one_line
from builder.strictxml import format_of, local_name, parse_lenient_encoding

NAMESPACE = "http://www.openarchives.org/OAI/2.0/"
OAI = f"{{{NAMESPACE}}}"
_VERBS = ("ListRecords", "ListIdentifiers", "GetRecord", "ListSets", "ListMetadataFormats", "Identify")
_PREFIX = re.compile(r"\s*([A-Za-z_][\w.-]*):[A-Za-z_]")


class OaiError(ProtocolError):
    """The provider answered with an OAI-PMH error (section 3.6 of the protocol).

    Attributes:
        oai_code: The error code as sent, standard or not.
        response_date: When the provider answered, by its own clock.
    """

    def __init__(self, oai_code: str, message: str, *, where: str, response_date: str | None = None) -> None:
        text = f"the provider answers {oai_code or 'an error without a code'}"
        super().__init__(f"{text}: {message}" if message else text, where=where)
        self.oai_code = oai_code
        self.response_date = response_date


@dataclass(frozen=True, slots=True)
class OaiHeader:
    """A record's header: identity (None where missing), datestamp as written, sets, and whether it is a tombstone."""

    identifier: str | None
    datestamp: str | None
    deleted: bool
    sets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OaiRecord:
    """A record of a list.

    Attributes:
        header: Its header; None where it is missing.
        body: The metadata as a document of its own; empty where there is none.
        root: Local name of the metadata's root element; empty where there is none.
        format: What `builder.strictxml.format_of` makes of it.
    """

    header: OaiHeader | None
    body: bytes
    root: str
    format: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to ListRecords, ListIdentifiers or GetRecord.

    Attributes:
        headers: Headers in document order, those of records included.
        records: Records in document order; empty for ListIdentifiers.
        token: Resumption token to go on with; None on the last page, whether the element is empty or absent.
        complete_list_size: What the provider says the whole list holds, if it says so.
        cursor: As sent; some count pages instead of records, so nothing may be computed from it.
        error: The OAI-PMH error reported instead of a list.
        repaired: Bytes that are not of the declared encoding were read as Windows-1252.
        verb: The verb that was answered.
        response_date: When the provider answered, by its own clock; as written.
    """

    headers: tuple[OaiHeader, ...] = ()
    records: tuple[OaiRecord, ...] = ()
    token: str | None = None
    complete_list_size: int | None = None
    cursor: int | None = None
    error: OaiError | None = None
    repaired: bool = False
    verb: str = ""
    response_date: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What a provider says of itself (Identify); everything is as written and may be missing."""

    name: str | None
    base_url: str | None
    protocol_version: str | None
    earliest_datestamp: str | None
    deleted_record: str | None
    granularity: str | None
    response_date: str | None = None


@dataclass(frozen=True, slots=True)
class OaiFormat:
    """A metadata format on offer (ListMetadataFormats)."""

    prefix: str
    schema: str | None
    namespace: str | None


@dataclass(frozen=True, slots=True)
class OaiSet:
    """A set that can be harvested on its own (ListSets)."""

    spec: str
    name: str | None


@dataclass(frozen=True, slots=True)
class SetPage:
    """One answer to ListSets; ``token`` as in `Page`."""

    sets: tuple[OaiSet, ...]
    token: str | None
    complete_list_size: int | None


def read_page(body: bytes, where: str) -> Page:
    """Read an answer to ListRecords, ListIdentifiers or GetRecord.

    An OAI-PMH error is returned in ``error``, not raised, because noRecordsMatch is an ordinary answer.

    Args:
        body: The document.
        where: Its address, for messages.

    Raises:
        ProtocolError: It is not well-formed, has a DOCTYPE, or is no OAI-PMH 2.0 document.
    """
    root, repaired = _envelope(body, where)
    error = _error_of(root, where)
    if error:
        return Page(error=error, repaired=repaired)
    payload = _payload(root, where)
    records = tuple(_record(element) for element in payload.iterfind(f"{OAI}record"))
    bare = (_header(element) for element in payload.iterfind(f"{OAI}header"))
    headers = tuple(h for h in chain((r.header for r in records), bare) if h)
    token, size, cursor = _token(payload)
    date = _text(root, "responseDate")
    return Page(headers, records, token, size, cursor, repaired=repaired, verb=local_name(payload), response_date=date)


def read_identify(body: bytes, where: str) -> Identity:
    """Read an answer to Identify.

    Raises:
        ProtocolError: It is not well-formed, no OAI-PMH 2.0 document, or reports an error.
    """
    root, payload = _expect(body, where, "Identify")
    return Identity(
        name=_text(payload, "repositoryName"),
        base_url=_text(payload, "baseURL"),
        protocol_version=_text(payload, "protocolVersion"),
        earliest_datestamp=_text(payload, "earliestDatestamp"),
        deleted_record=_text(payload, "deletedRecord"),
        granularity=_text(payload, "granularity"),
        response_date=_text(root, "responseDate"),
    )


def read_formats(body: bytes, where: str) -> tuple[OaiFormat, ...]:
    """Read an answer to ListMetadataFormats; formats without a prefix are left out.

    Raises:
        ProtocolError: It is not well-formed, no OAI-PMH 2.0 document, or reports an error.
    """
    _, payload = _expect(body, where, "ListMetadataFormats")
    found = (MetadataFormat(element) for element in payload.iterfind(f"{OAI}metadataFormat"))
    return tuple(
        OaiFormat(
            _clean(getattr(f, "metadataPrefix", None)) or "",
            _clean(getattr(f, "schema", None)),
            _clean(getattr(f, "metadataNamespace", None)),
        )
        for f in found
        if _clean(getattr(f, "metadataPrefix", None))
    )


def read_sets(body: bytes, where: str) -> SetPage:
    """Read one page of ListSets; sets without a spec are left out.

    Raises:
        ProtocolError: It is not well-formed, no OAI-PMH 2.0 document, or reports an error.
    """
    _, payload = _expect(body, where, "ListSets")
    found = (Set(element) for element in payload.iterfind(f"{OAI}set"))
    sets = tuple(
        OaiSet(_clean(getattr(s, "setSpec", None)) or "", _clean(getattr(s, "setName", None)))
        for s in found
        if _clean(getattr(s, "setSpec", None))
    )
    token, size, _ = _token(payload)
    return SetPage(sets, token, size)


def standalone(element: etree._Element) -> bytes:
    """Return an element as a document of its own, the same bytes for the same content.

    Exclusive XML Canonicalization 1.0 was made for taking a document out of its envelope: only the
    namespaces it uses stay. Prefixes in values such as ``xsi:type="gml:TimePeriodType"`` count as
    used, and prefixes are declared where the provider did, not anew on every element.
    """
    used = set()
    for node in element.iter(etree.Element):
        used.add(node.prefix)
        for text in (node.text, *node.attrib.values()):
            match = _PREFIX.match(text) if isinstance(text, str) else None
            if match and match[1] in node.nsmap:
                used.add(match[1])
    prefixes = sorted(prefix for prefix in used if prefix)
    return etree.tostring(element, method="c14n", exclusive=True, inclusive_ns_prefixes=prefixes, with_tail=False)


def _envelope(body: bytes, where: str) -> tuple[etree._Element, bool]:
    root, repaired = parse_lenient_encoding(body, where=where)
    if root.tag != f"{OAI}OAI-PMH":
        raise ProtocolError(f"root element is <{one_line(local_name(root), 60)}>, not OAI-PMH 2.0", where=where)
    return root, repaired


def _error_of(root: etree._Element, where: str) -> OaiError | None:
    element = root.find(f"{OAI}error")
    if element is None:
        return None
    date = _text(root, "responseDate")
    return OaiError(
        one_line(element.get("code", ""), 40), one_line(element.text or ""), where=where, response_date=date
    )


def _payload(root: etree._Element, where: str) -> etree._Element:
    for verb in _VERBS:
        element = root.find(f"{OAI}{verb}")
        if element is not None:
            return element
    raise ProtocolError("OAI-PMH answer with neither a list nor an error", where=where)


def _expect(body: bytes, where: str, verb: str) -> tuple[etree._Element, etree._Element]:
    """Return the root of the answer to a verb, and what it holds."""
    root, _ = _envelope(body, where)
    error = _error_of(root, where)
    if error:
        raise error
    payload = _payload(root, where)
    if local_name(payload) != verb:
        raise ProtocolError(f"answer to {local_name(payload)} where {verb} was asked", where=where)
    return root, payload


def _token(payload: etree._Element) -> tuple[str | None, int | None, int | None]:
    element = payload.find(f"{OAI}resumptionToken")
    if element is None:
        return None, None, None
    token = (element.text or "").strip() or None
    return token, _number(element.get("completeListSize")), _number(element.get("cursor"))


def _record(element: etree._Element) -> OaiRecord:
    header = element.find(f"{OAI}header")
    content = element.find(f"{OAI}metadata/*")
    read = None if header is None else _header(header)
    if content is None:
        return OaiRecord(read, b"", "", None)
    return OaiRecord(read, standalone(content), local_name(content), format_of(content))


def _header(element: etree._Element) -> OaiHeader:
    header = Header(element)
    sets = dict.fromkeys(spec for spec in map(_clean, header.setSpecs) if spec)
    return OaiHeader(_clean(header.identifier), _clean(header.datestamp), bool(header.deleted), tuple(sets))


def _text(parent: etree._Element, name: str) -> str | None:
    return _clean(parent.findtext(f"{OAI}{name}"))


def _clean(text: str | None) -> str | None:
    """Collapse white space as XML Schema does for URIs and dates."""
    return " ".join((text or "").split()) or None


def _number(text: str | None) -> int | None:
    digits = (text or "").strip()
    return int(digits) if digits.isdecimal() and len(digits) < 16 else None
