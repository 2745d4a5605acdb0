"""Takes pages of OAI-PMH lists: which records they bring, which were met before, and what is to be said of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from builder.findings import Finding, note, warning
from builder.sources.oai.client import request_url
from builder.sources.oai.documents import OaiHeader, OaiRecord, Page
from builder.sources.protocol import Record, refused
from builder.sources.redact import one_line

if TYPE_CHECKING:
    from builder.definitions.model import OaiPmhSource

DATESTAMP = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", re.ASCII)


class Reading:
    """What has been met so far in one pass over a provider.

    Attributes:
        whole: Nothing was missed as far as can be told.
        listed: Headers of the list that is being read.
        size: How many the provider says that list has.
        first_answer: When the first answer was given, by the provider's clock.
        latest: Latest datestamp that was listed.
        later: What is listed now was asked for after all that was listed before.
        overlapping: From which datestamp on a record that is listed twice has changed in between, where lists
            overlap on purpose: neither is worth a word then, and a record counts once. None where they do not.
    """

    def __init__(self, source: OaiPmhSource, counts: dict[str, int]) -> None:
        self.whole = True
        self.listed = 0
        self.size: int | None = None
        self.first_answer: str | None = None
        self.latest = ""
        self.later = False
        self.overlapping: str | None = None
        self._source = source
        asked = {"verb": "GetRecord", "metadataPrefix": source.metadata_prefix, "identifier": ""}
        self._url = request_url(source.url, asked)
        self._counts = counts
        self._met: dict[str, bytes] = {}
        self._refused: dict[str, str | None] = {}
        self._unknown: dict[str, str] = {}

    def answered(self, date: str | None) -> None:
        """Note when an answer was given; the first counts."""
        self.first_answer = self.first_answer or date

    def announced(self, size: int | None) -> None:
        """Note how many records the provider says the list has, if it does."""
        if size is not None:
            self.size = self._counts["complete_list_size"] = size

    def take(self, page: Page, where: str) -> Iterator[Record | Finding]:
        """Yield the records of a page of the list that is being read."""
        self.listed += len(page.headers)
        self.announced(page.complete_list_size)
        yield from self.records(page, where, f"page {self._counts['pages'] + 1}")

    def records(self, page: Page, where: str, named: str) -> Iterator[Record | Finding]:
        """Yield the records of a page, whichever list it is of.

        Args:
            page: The page.
            where: What messages name.
            named: What a message calls the page.
        """
        self.answered(page.response_date)
        self._counts["pages"] += 1
        if page.repaired:
            message = "bytes that are not UTF-8 as declared were read as Windows-1252"
            yield warning("oai.encoding", where, message, f"{named}; tell the provider")
        for record in page.records:
            yield from self._take_record(record, where)

    def resume_from(self) -> str | None:
        """Return the datestamp from which the rest of the list can be asked for.

        The standard does not promise that lists are in the order of datestamps, so this is done only
        where the announced size will show whether anything was missed.
        """
        if self.size is None or not DATESTAMP.fullmatch(self.latest):
            return None
        return self.latest[: len(self._source.until or self._source.from_ or self.latest)]

    @property
    def met(self) -> int:
        """How many different records were taken."""
        return len(self._met)

    def has(self, identifier: str) -> bool:
        """Tell whether a record was taken."""
        return identifier in self._met

    def begin(self, *, again: bool) -> None:
        """Prepare for a list, which may repeat what was met."""
        if not again:
            return
        self.size, self.listed = None, 0
        self._counts.pop("complete_list_size", None)

    def check_size(self) -> Iterator[Finding]:
        """Compare what was listed with what the provider said it would list."""
        if self.size is not None and self.size != self.listed:
            self.whole = False
            yield wrong_size(self._source.url, self.size, self.listed)

    def unknown_formats(self) -> Iterator[Finding]:
        """Say once for each which metadata cannot be read, of whichever record has the first identifier."""
        for root, identifier in sorted(self._unknown.items()):
            message = f"metadata root <{one_line(root, 60)}> is no known format"
            yield warning("oai.unknown-format", identifier, message, "choose another metadataPrefix")
        self._unknown.clear()

    def _take_record(self, record: OaiRecord, where: str) -> Iterator[Record | Finding]:
        header = record.header
        if header and not self._listed_before(header):
            self._count(header, record)
        if header is None or header.identifier is None:
            self.whole = self.whole and header is not None and header.deleted
            yield warning("oai.no-identifier", where, "record without an identifier", "left out; tell the provider")
            return
        if not header.deleted and not record.body:
            self._refused[header.identifier] = header.datestamp
            hint = "left out; tell the provider"
            yield refused("oai.no-metadata", header.identifier, "record without metadata", hint)
            return
        yield from self._unless_met(self._record(header, header.identifier, record))
        if record.format is None and not header.deleted:
            before = self._unknown.get(record.root, header.identifier)
            self._unknown[record.root] = min(before, header.identifier)

    def _listed_before(self, header: OaiHeader) -> bool:
        """Tell whether this only comes again because lists overlap."""
        if self.overlapping is None or header.identifier is None:
            return False
        before = {_stamp(self._met.get(header.identifier, b"")), self._refused.get(header.identifier, "")}
        return (header.datestamp or "") in before - {""}

    def _count(self, header: OaiHeader, record: OaiRecord) -> None:
        self._counts["headers"] += 1
        self._counts["deleted"] += header.deleted
        self._counts["with_metadata"] += bool(record.body) and not header.deleted
        self.latest = max(self.latest, header.datestamp or "")

    def _record(self, header: OaiHeader, identifier: str, record: OaiRecord) -> Record:
        return Record(
            identifier=identifier,
            format=record.format or self._source.metadata_prefix,
            body=b"" if header.deleted else record.body,
            media_type="application/xml",
            url=self._url + quote(identifier, safe=""),
            datestamp=header.datestamp,
            deleted=header.deleted,
            sets=header.sets,
        )

    def _unless_met(self, record: Record) -> Iterator[Record | Finding]:
        """Yield a record unless a later one of the same identifier was met, whatever their order.

        Of two with one datestamp the one that was listed later counts, where that is known.
        """
        this = _edition(record)
        before = self._met.get(record.identifier)
        if before is None or this > before or (self.later and this != before and _stamp(this) == _stamp(before)):
            self._met[record.identifier] = this
            yield record
        if before is not None and this != before:
            kept = _stamp(max(this, before))
            if self.overlapping is not None and kept >= self.overlapping:
                return
            message = "listed more than once with different contents"
            yield note("oai.duplicate", record.identifier, message, f"the one of {kept} is kept")


def _edition(record: Record) -> bytes:
    """Return datestamp and digest of a record in few bytes, as one is kept of each; later ones are greater."""
    return f"{record.datestamp or ''}\0".encode() + (b"" if record.deleted else bytes.fromhex(record.sha256))


def _stamp(edition: bytes) -> str:
    return edition.partition(b"\0")[0].decode()


def wrong_size(where: str, announced: int, listed: int) -> Finding:
    """Make the finding that a list has not as many records as was said."""
    message = f"the provider announced {announced} records but listed {listed}"
    return warning("oai.list-size", where, message, "nothing is taken for withdrawn in this harvest")
