"""Harvests one OAI-PMH selection from its first record to its last, or says why it could not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from builder.errors import FetchError, ProtocolError, SourceError
from builder.findings import Finding, error, note, warning
from builder.sources.oai.client import Provider, request_url
from builder.sources.oai.documents import Identity, OaiError, OaiHeader, OaiRecord, Page
from builder.sources.protocol import Ask, Record, refused
from builder.sources.redact import one_line

if TYPE_CHECKING:
    from builder.definitions.model import OaiPmhSource
    from builder.sources.http import HttpGate

_DATESTAMP = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", re.ASCII)
_ONE_RECORD = frozenset({"idDoesNotExist", "cannotDisseminateFormat"})
_ONE_STATUS = frozenset({404, 410, 500})
_FIGURES = ("headers", "deleted", "with_metadata", "pages")

RESTARTS = 3
"""How often a list is begun again in one pass."""

OVERLAP = timedelta(days=1)
"""How far before the last pass the next one begins: some providers stamp late, and some by the day."""


class OaiSource:
    """An OAI-PMH source: a list with its pages, or the records named in ``identifiers``.

    Attributes:
        complete: Everything the provider lists was seen, and each record it lists is known by name.
        counts: ``headers``, ``deleted``, ``with_metadata``, ``pages``, and ``complete_list_size`` where stated.
        deleted_policy: ``no``, ``persistent`` or ``transient`` (Identify); None where it is not known.
        bookmark: Datestamp from which the next pass may ask for changes; None where the provider
            keeps no tombstones, or changed records while they were listed.
    """

    total: None = None

    def __init__(self, source: OaiPmhSource, gate: HttpGate) -> None:
        self.complete = False
        self.counts: dict[str, int] = {}
        self.deleted_policy: str | None = None
        self.bookmark: str | None = None
        self._source = source
        again = {"metadataPrefix": source.metadata_prefix} if source.repeat_prefix else {}
        self._provider = Provider(source.url, gate, again)

    def scan(self, ask: Ask | None = None) -> Iterator[Record | Finding]:
        """Yield every record of the selection, and a finding for each that had to be left out.

        A record met twice is yielded again only if its datestamp is later, so the last one counts.

        Raises:
            SourceError: The provider does not answer as the protocol promises.
        """
        self.complete, self.deleted_policy, self.bookmark = False, None, None
        self.counts = dict.fromkeys(_FIGURES, 0)
        reading = _Reading(self._source, self.counts)
        if self._source.identifiers:
            yield from self._asked(self._source.identifiers, reading)
        else:
            yield from self._listed(reading, ask.since if ask else None)
        yield from self._ask_policy(reading)
        self.complete = reading.whole

    def named(self, identifiers: Sequence[str]) -> Iterator[Record | Finding]:
        """Yield those of the named records that are there and in the selection."""
        reading = _Reading(self._source, dict.fromkeys(_FIGURES, 0))
        for got in self._asked(identifiers, reading, maybe=True):
            if not isinstance(got, Record) or self._selected(got):
                yield got

    def _selected(self, record: Record) -> bool:
        """Tell whether a record would be listed; sets are hierarchical (section 2.6)."""
        source, stamp = self._source, record.datestamp or ""
        in_set = source.set is None or any(f"{spec}:".startswith(f"{source.set}:") for spec in record.sets)
        early = bool(source.from_) and stamp < (source.from_ or "")
        late = bool(source.until) and stamp[: len(source.until or "")] > (source.until or "")
        return in_set and not early and not late

    def _listed(self, reading: _Reading, since: str | None) -> Iterator[Record | Finding]:
        """Read the list; where its token has expired, ask for the rest of it, or for all of it where that is no use.

        What the rest is can only be told where the announced size will show whether anything was missed.
        """
        selection, rest, announced = self._selection(since), None, None
        for restarts in range(RESTARTS + 1):
            reading.begin(again=restarts > 0)
            try:
                yield from self._pages({**selection, "from": rest} if rest else selection, reading)
            except OaiError as trouble:
                if trouble.oai_code != "badResumptionToken" or restarts == RESTARTS:
                    raise
                yield warning("oai.token-expired", trouble.where, trouble.message, "the list is asked for again")
                rest, announced = reading.resume_from(), reading.size
            else:
                if rest is None or reading.met == announced:
                    break
                rest = None
        else:
            reading.whole = False
            yield error("oai.list-broken-off", self._source.url, "resumption tokens expire again and again")
        if rest is None:
            yield from reading.check_size()

    def _pages(self, selection: dict[str, str], reading: _Reading) -> Iterator[Record | Finding]:
        try:
            for page in self._provider.pages("ListRecords", selection):
                yield from reading.take(page, self._source.url)
        except OaiError as trouble:
            if trouble.oai_code != "noRecordsMatch":
                raise
            reading.answered(trouble.response_date)
            if reading.listed:
                reading.whole = False
                yield error("oai.list-broken-off", trouble.where, "noRecordsMatch in the middle of the list")

    def _asked(
        self, identifiers: Sequence[str], reading: _Reading, *, maybe: bool = False
    ) -> Iterator[Record | Finding]:
        """Ask for records one by one; that one is not there says nothing where it only may be."""
        for identifier in dict.fromkeys(identifiers):
            try:
                page = self._record(identifier)
            except (FetchError, ProtocolError) as trouble:
                if not _concerns_one_record(trouble):
                    raise
                if not (maybe and _says_absent(trouble)):
                    yield refused("oai.record-refused", identifier, trouble.message, "left out; tell the provider")
            else:
                yield from reading.take(page, identifier)

    def _record(self, identifier: str) -> Page:
        page = self._provider.record(identifier, self._source.metadata_prefix)
        if page.error:
            raise page.error
        if not page.records:
            raise ProtocolError("answer without a record", where=identifier)
        return page

    def _selection(self, since: str | None) -> dict[str, str]:
        source = self._source
        first = max(source.from_ or "", (since or "")[: len(source.until or since or "")])
        given = {"metadataPrefix": source.metadata_prefix, "set": source.set, "from": first}
        return {key: value for key, value in {**given, "until": source.until}.items() if value}

    def _ask_policy(self, reading: _Reading) -> Iterator[Finding]:
        try:
            identity = self._provider.identify()
        except SourceError as trouble:
            yield note("oai.identify", self._source.url, f"Identify could not be read: {trouble.message}")
            return
        self.deleted_policy = identity.deleted_record
        if not self._source.identifiers:
            self.bookmark = bookmark_of(identity, reading.first_answer, reading.latest)


def bookmark_of(identity: Identity, answered: str | None, latest: str) -> str | None:
    """Return the datestamp from which the next pass may ask for changes only.

    Args:
        identity: What the provider says of itself.
        answered: When the first page was answered, by the provider's clock.
        latest: Latest datestamp that was listed.

    Returns:
        In the provider's granularity; None where withdrawals leave no trace there, where records
        changed while they were listed (one may have moved past), and where the provider tells no time.
    """
    if identity.deleted_record not in {"persistent", "transient"} or not answered:
        return None
    try:
        when = datetime.strptime(answered[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC) - OVERLAP
    except ValueError:
        return None
    if (identity.granularity or "").lower() != "yyyy-mm-ddthh:mm:ssz":
        return f"{when:%Y-%m-%d}"
    return f"{when:%Y-%m-%dT%H:%M:%SZ}" if latest < answered else None


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
        self.first_answer: str | None = None
        self.latest = ""

    def answered(self, date: str | None) -> None:
        """Note when an answer was given; the first counts."""
        self.first_answer = self.first_answer or date

    def take(self, page: Page, where: str) -> Iterator[Record | Finding]:
        """Yield the records of a page."""
        self.answered(page.response_date)
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
        if self.size is None or not _DATESTAMP.fullmatch(self.latest):
            return None
        return self.latest[: len(self._source.until or self._source.from_ or self.latest)]

    @property
    def met(self) -> int:
        """How many different records were taken."""
        return len(self._met)

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
            hint = "left out; tell the provider"
            yield refused("oai.no-metadata", header.identifier, "record without metadata", hint)
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
        self.latest = max(self.latest, header.datestamp or "")

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


def _says_absent(trouble: SourceError) -> bool:
    """Tell whether the provider says that it has no such record."""
    if isinstance(trouble, OaiError):
        return trouble.oai_code in _ONE_RECORD
    return isinstance(trouble, FetchError) and trouble.status in {404, 410}
