"""Harvests one OAI-PMH selection from its first record to its last, or says why it could not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from builder.errors import FetchError, ProtocolError, SourceError
from builder.findings import Finding, error, note, warning
from builder.sources.oai.client import Provider, request_url
from builder.sources.oai.documents import OaiError, OaiHeader, OaiRecord, Page
from builder.sources.protocol import Record
from builder.sources.redact import one_line

if TYPE_CHECKING:
    from builder.definitions.model import OaiPmhSource
    from builder.sources.http import HttpGate

_DATESTAMP = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", re.ASCII)
_ONE_RECORD = frozenset({"idDoesNotExist", "cannotDisseminateFormat"})
_ONE_STATUS = frozenset({404, 410, 500})


class OaiSource:
    """An OAI-PMH source: a list with its pages, or the records named in ``identifiers``.

    Attributes:
        complete: Everything the provider lists was seen and could be taken.
        counts: ``headers``, ``deleted``, ``with_metadata``, ``pages``, and ``complete_list_size`` where stated.
        deleted_policy: ``no``, ``persistent`` or ``transient`` (Identify); None where it is not known.
    """

    def __init__(self, source: OaiPmhSource, gate: HttpGate) -> None:
        self.complete = False
        self.counts: dict[str, int] = {}
        self.deleted_policy: str | None = None
        self._source = source
        again = {"metadataPrefix": source.metadata_prefix} if source.repeat_prefix else {}
        self._provider = Provider(source.url, gate, again)

    def scan(self) -> Iterator[Record | Finding]:
        """Yield every record of the selection, and a finding for each that had to be left out.

        A record met twice is yielded again only if its datestamp is later, so the last one counts.

        Raises:
            SourceError: The provider does not answer as the protocol promises.
        """
        self.complete, self.deleted_policy = False, None
        self.counts = dict.fromkeys(("headers", "deleted", "with_metadata", "pages"), 0)
        reading = _Reading(self._source, self.counts)
        yield from self._named(reading) if self._source.identifiers else self._listed(reading)
        yield from self._ask_policy()
        self.complete = reading.whole

    def _listed(self, reading: _Reading) -> Iterator[Record | Finding]:
        """Read the list; where its token has expired, begin again once."""
        selection = self._selection()
        try:
            yield from self._pages(selection, reading)
        except OaiError as trouble:
            if trouble.oai_code != "badResumptionToken" or not self.counts["pages"]:
                raise
            yield warning("oai.token-expired", trouble.where, trouble.message, "the list is asked for again")
            yield from self._again(selection, reading)
        yield from reading.check_size()

    def _again(self, selection: dict[str, str], reading: _Reading) -> Iterator[Record | Finding]:
        """Ask for the rest of a list, or for all of it where what was met so far cannot tell what the rest is."""
        since, announced = reading.resume_from(), reading.size
        if since:
            reading.begin_again()
            yield from self._pages({**selection, "from": since}, reading)
            if reading.met == announced:
                return
        reading.begin_again()
        yield from self._pages(selection, reading)

    def _pages(self, selection: dict[str, str], reading: _Reading) -> Iterator[Record | Finding]:
        try:
            for page in self._provider.pages("ListRecords", selection):
                yield from reading.take(page, self._source.url)
        except OaiError as trouble:
            if trouble.oai_code != "noRecordsMatch":
                raise
            if reading.listed:
                reading.whole = False
                yield error("oai.list-broken-off", trouble.where, "noRecordsMatch in the middle of the list")

    def _named(self, reading: _Reading) -> Iterator[Record | Finding]:
        for identifier in dict.fromkeys(self._source.identifiers):
            try:
                page = self._record(identifier)
            except (FetchError, ProtocolError) as trouble:
                if not _concerns_one_record(trouble):
                    raise
                reading.whole = False
                yield error("oai.record-refused", identifier, trouble.message, "left out; tell the provider")
            else:
                yield from reading.take(page, identifier)

    def _record(self, identifier: str) -> Page:
        page = self._provider.record(identifier, self._source.metadata_prefix)
        if page.error:
            raise page.error
        if not page.records:
            raise ProtocolError("answer without a record", where=identifier)
        return page

    def _selection(self) -> dict[str, str]:
        source = self._source
        given = {"metadataPrefix": source.metadata_prefix, "set": source.set, "from": source.from_}
        return {key: value for key, value in {**given, "until": source.until}.items() if value}

    def _ask_policy(self) -> Iterator[Finding]:
        try:
            self.deleted_policy = self._provider.identify().deleted_record
        except SourceError as trouble:
            yield note("oai.identify", self._source.url, f"Identify could not be read: {trouble.message}")


class _Reading:
    """What has been met so far in one pass over a provider."""

    def __init__(self, source: OaiPmhSource, counts: dict[str, int]) -> None:
        self.whole = True
        self.listed = 0
        self.size: int | None = None
        self._source = source
        self._counts = counts
        self._met: dict[str, tuple[str, str]] = {}
        self._unknown: set[str] = set()
        self._latest = ""

    def take(self, page: Page, where: str) -> Iterator[Record | Finding]:
        """Yield the records of a page."""
        self._counts["pages"] += 1
        self.listed += len(page.headers)
        if page.complete_list_size is not None:
            self.size = self._counts["complete_list_size"] = page.complete_list_size
        if page.repaired:
            message = "bytes that are not UTF-8 as declared were read as Windows-1252"
            yield warning("oai.encoding", where, message, f"page {self._counts['pages']}; tell the provider")
        for record in page.records:
            yield from self._take_record(record, where)

    def resume_from(self) -> str | None:
        """Return the datestamp from which the rest of the list can be asked for.

        The standard does not promise that lists are in the order of datestamps, so this is done only
        where the announced size will show whether anything was missed.
        """
        if self.size is None or not _DATESTAMP.fullmatch(self._latest):
            return None
        return self._latest[: len(self._source.until or self._source.from_ or self._latest)]

    @property
    def met(self) -> int:
        """How many different records were taken."""
        return len(self._met)

    def begin_again(self) -> None:
        """Prepare for a second list, which may repeat what was met."""
        self.size, self.listed = None, 0
        self._counts.pop("complete_list_size", None)

    def check_size(self) -> Iterator[Finding]:
        """Compare what was listed with what the provider said it would list."""
        if self.size is not None and self.size != self.listed:
            self.whole = False
            message = f"the provider announced {self.size} records but listed {self.listed}"
            yield warning("oai.list-size", self._source.url, message, "nothing is taken for withdrawn in this harvest")

    def _take_record(self, record: OaiRecord, where: str) -> Iterator[Record | Finding]:
        header = record.header
        if header:
            self._count(header, record)
        if header is None or header.identifier is None:
            self.whole = self.whole and header is not None and header.deleted
            yield warning("oai.no-identifier", where, "record without an identifier", "left out; tell the provider")
            return
        if not header.deleted and not record.body:
            self.whole = False
            yield error("oai.no-metadata", header.identifier, "record without metadata", "left out; tell the provider")
            return
        made = self._record(header, header.identifier, record)
        yield from self._unless_met(made)
        if record.format is None and not header.deleted and record.root not in self._unknown:
            self._unknown.add(record.root)
            message = f"metadata root <{one_line(record.root, 60)}> is no known format"
            yield warning("oai.unknown-format", header.identifier, message, "choose another metadataPrefix")

    def _count(self, header: OaiHeader, record: OaiRecord) -> None:
        self._counts["headers"] += 1
        self._counts["deleted"] += header.deleted
        self._counts["with_metadata"] += bool(record.body) and not header.deleted
        self._latest = max(self._latest, header.datestamp or "")

    def _record(self, header: OaiHeader, identifier: str, record: OaiRecord) -> Record:
        prefix = self._source.metadata_prefix
        params = {"verb": "GetRecord", "metadataPrefix": prefix, "identifier": identifier}
        return Record(
            identifier=identifier,
            format=record.format or prefix,
            body=b"" if header.deleted else record.body,
            media_type="application/xml",
            url=request_url(self._source.url, params),
            datestamp=header.datestamp,
            deleted=header.deleted,
            sets=header.sets,
        )

    def _unless_met(self, record: Record) -> Iterator[Record | Finding]:
        """Yield a record unless a later one of the same identifier was met, whatever their order."""
        this = (record.datestamp or "", "" if record.deleted else record.sha256)
        before = self._met.get(record.identifier)
        if before is None or this > before:
            self._met[record.identifier] = this
            yield record
        if before is not None and this != before:
            kept = max(this, before)[0]
            message = "listed more than once with different contents"
            yield note("oai.duplicate", record.identifier, message, f"the one of {kept} is kept")


def _concerns_one_record(trouble: SourceError) -> bool:
    """Tell whether a failure says something of one record, or of the provider as a whole."""
    if isinstance(trouble, OaiError):
        return trouble.oai_code in _ONE_RECORD
    if isinstance(trouble, FetchError):
        return trouble.status in _ONE_STATUS
    return True
