"""Harvests one OAI-PMH selection from its first record to its last, or says why it could not."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from builder.errors import FetchError, ProtocolError, SourceError
from builder.findings import Finding, error, note, warning
from builder.sources.ahead import next_ahead
from builder.sources.oai.client import Provider
from builder.sources.oai.documents import Identity, OaiError, Page
from builder.sources.oai.reading import Reading
from builder.sources.oai.several import RESTARTS, Several, UnfitError
from builder.sources.oai.windows import OVERLAP, plan
from builder.sources.protocol import Ask, Record, refused

if TYPE_CHECKING:
    from builder.definitions.model import OaiPmhSource
    from builder.sources.http import HttpGate

_ONE_RECORD = frozenset({"idDoesNotExist", "cannotDisseminateFormat"})
_ONE_STATUS = frozenset({404, 410, 500})
_FIGURES = ("headers", "deleted", "with_metadata", "pages")


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
        self._identity: Identity | None = None
        again = {"metadataPrefix": source.metadata_prefix} if source.repeat_prefix else {}
        self._provider = Provider(source.url, gate, again)

    def scan(self, ask: Ask | None = None) -> Iterator[Record | Finding]:
        """Yield every record of the selection, and a finding for each that had to be left out.

        A record met twice is yielded again only if its datestamp is later, so the last one counts.

        Raises:
            SourceError: The provider does not answer as the protocol promises.
        """
        self.complete, self.deleted_policy, self.bookmark, self._identity = False, None, None, None
        self.counts = dict.fromkeys(_FIGURES, 0)
        reading = Reading(self._source, self.counts)
        if self._source.identifiers:
            yield from self._asked(self._source.identifiers, reading)
        else:
            since = ask.since if ask else None
            several = self._source.windows > 1 and since is None
            if not several or not (yield from self._in_windows(reading)):
                yield from self._listed(reading, since)
        yield from reading.unknown_formats()
        yield from self._ask_policy(reading)
        self.complete = reading.whole

    def named(self, identifiers: Sequence[str]) -> Iterator[Record | Finding]:
        """Yield those of the named records that are there and in the selection."""
        reading = Reading(self._source, dict.fromkeys(_FIGURES, 0))
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

    def _in_windows(self, reading: Reading) -> Generator[Record | Finding, None, bool]:
        """Read windows of the list side by side; tell whether that gave all of it."""
        try:
            self._identity = self._provider.identify()
        except SourceError:
            return False  # said when it is asked for again
        planned = plan(self._source, self._identity)
        if planned is None:
            message = "Identify tells no time or no earliest datestamp to make windows of"
            yield note("oai.windows", self._source.url, message, "the list is read as one")
            return False
        reading.answered(self._identity.response_date)
        try:
            yield from Several(self._provider, self._selection(None), planned, reading).read()
        except UnfitError as trouble:
            hint = "the list is read as one; take `windows` out of the definition"
            yield warning("oai.windows", self._source.url, str(trouble), hint)
            reading.begin(again=True)
            return False
        return True

    def _listed(self, reading: Reading, since: str | None) -> Iterator[Record | Finding]:
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
                announced = reading.size if rest is None else announced
                rest = reading.resume_from()
            else:
                if rest is None or reading.met == announced:
                    break
                rest = None
        else:
            reading.whole = False
            yield error("oai.list-broken-off", self._source.url, "resumption tokens expire again and again")
        if rest is None:
            yield from reading.check_size()

    def _pages(self, selection: dict[str, str], reading: Reading) -> Iterator[Record | Finding]:
        try:
            for page in next_ahead(self._provider.pages("ListRecords", selection)):
                yield from reading.take(page, self._source.url)
        except OaiError as trouble:
            if trouble.oai_code != "noRecordsMatch":
                raise
            reading.answered(trouble.response_date)
            if reading.listed:
                reading.whole = False
                yield error("oai.list-broken-off", trouble.where, "noRecordsMatch in the middle of the list")

    def _asked(
        self, identifiers: Sequence[str], reading: Reading, *, maybe: bool = False
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

    def _ask_policy(self, reading: Reading) -> Iterator[Finding]:
        try:
            identity = self._identity or self._provider.identify()
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
