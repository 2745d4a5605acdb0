"""Reads files behind a directory listing or in a local folder, and records written by hand."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import orjson

from builder.errors import DeadlineError, FetchError, ProtocolError, SourceError
from builder.findings import Finding, Severity, error, warning
from builder.sources.ahead import ahead
from builder.sources.documents import SIDECAR, Document, is_data, may_be_document, media_type_of, records_in
from builder.sources.folder import checksum, walk
from builder.sources.listing import Entry, Listing, count_of, decoded, mail_date, read_listing
from builder.sources.protocol import Ask, Record, Refused, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.definitions.model import FilesSource
    from builder.sources.http import HttpGate

MAX_FOLDERS = 50_000
MAX_DOCUMENT = 64 * 2**20
"""Largest metadata document, bytes; larger files are data."""

_NO_HEAD = frozenset({405, 501})
"""What servers answer that do not know the method HEAD."""

Read = tuple[Document | None, SourceError | None]


@dataclass
class FilesAdapter:
    """A files source.

    Args:
        source: The definition's source block.
        gate: What everything is fetched through.
        base: Folder of the definition, against which ``path`` is resolved.

    Attributes:
        complete: Every folder and document of the selection could be read.
        counts: ``folders``, ``files`` met, ``records`` given, ``deleted`` among them, ``skipped`` files.
    """

    source: FilesSource
    gate: HttpGate
    base: Path
    complete: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    bookmark: None = None
    total: None = None

    def named(self, identifiers: Sequence[str]) -> Iterator[Record | Finding]:
        """Yield nothing: files are only found by their listing."""
        del identifiers
        yield from ()

    def scan(self, ask: Ask | None = None) -> Iterator[Record | Finding]:
        """Yield a record per metadata document, data file or hand-written record, and findings.

        All are asked for, those known before by their validators.

        Raises:
            SourceError: The listing or folder itself cannot be read.
        """
        del ask
        self.complete, whole = False, True
        self.counts = dict.fromkeys(("folders", "files", "records", "deleted", "skipped"), 0)
        found: Iterator[Record | Finding]
        if self.source.records:
            found = self._by_hand()
        elif self.source.path is not None:
            found = self._local(self.base / self.source.path)
        else:
            found = self._remote(self.source.url or "")
        for got in found:
            if isinstance(got, Record):
                self.counts["records"] += 1
                self.counts["deleted"] += got.deleted
            else:
                whole &= got.severity is not Severity.ERROR or isinstance(got, Refused)
            yield got
        self.complete = whole

    def _by_hand(self) -> Iterator[Record]:
        for hand in self.source.records:
            yield Record(hand.id, "definition", hand.body(), "application/json", "")

    def _local(self, root: Path) -> Iterator[Record | Finding]:
        entries = []
        for got in walk(root, self.source.depth):
            if isinstance(got, Finding):
                yield got
            else:
                entries.append(got)
        yield from self._records(sorted(entries, key=lambda entry: entry.name), self._open_local)

    def _remote(self, url: str) -> Iterator[Record | Finding]:
        kind = media_type_of(urlsplit(url).path)
        if may_be_document(urlsplit(url).path, self.source.format) or (kind and kind != "text/html"):
            yield from self._records([self._one_file(url)], self._open_remote)
            return
        entries: dict[str, Entry] = {}
        try:
            for got in self._listed(url):
                if isinstance(got, Finding):
                    yield got
                else:
                    entries.setdefault(got.name, got)
        except ProtocolError:
            yield from self._answer(url)
        else:
            yield from self._records([entries[name] for name in sorted(entries)], self._open_remote)

    def _one_file(self, url: str) -> Entry:
        name = decoded(PurePosixPath(urlsplit(url).path).name)
        try:
            head = self.gate.get(url, method="HEAD", headers={"Accept-Encoding": "identity"}).headers
        except FetchError as trouble:
            if trouble.status not in _NO_HEAD:
                raise
            return Entry(name, url)
        size, changed = count_of(head.get("content-length")), mail_date(head.get("last-modified"))
        return Entry(name, url, size, changed, head.get("etag", "").strip('"') or None)

    def _answer(self, url: str) -> Iterator[Record | Finding]:
        """Take the answer at an address that is no listing for a document, such as a page or an answer of an API.

        Raises:
            ProtocolError: It is no metadata document either.
        """
        name = PurePosixPath(urlsplit(url).path).name or urlsplit(url).netloc
        found = list(records_in(Document(name, self.gate.get(url).body, url), self.source.format))
        if not any(isinstance(got, Record) for got in found):
            raise ProtocolError("neither a directory listing nor a metadata document", where=url)
        yield from found

    def _listed(self, url: str) -> Iterator[Entry | Finding]:
        """Yield every file below a listing, folder by folder."""
        waiting = deque([(url, 0)])
        met, base = {url}, ""
        for (address, depth), got in ahead(lambda item: self._page(*item), waiting):
            if isinstance(got, SourceError):
                if not base:
                    raise got
                yield error("files.folder", got.where or address, got.message, "left out; tell the data centre")
                continue
            base = base or got.base
            self.counts["folders"] += 1
            yield from self._named(got, base)
            for item in _next(got, depth, self.source.depth):
                if item[0] not in met and len(met) < MAX_FOLDERS:
                    met.add(item[0])
                    waiting.append(item)
        if len(met) >= MAX_FOLDERS:
            yield error("files.too-many", url, f"more than {MAX_FOLDERS} folders", "exclude some or lower `depth`")

    def _named(self, listing: Listing, base: str) -> Iterator[Entry | Finding]:
        """Yield the files of a page under their paths from where the listing began."""
        for entry in listing.files:
            name = decoded(entry.href.removeprefix(base)) if entry.href.startswith(base) else entry.name
            if not name.isprintable():
                message = "has a name with characters that cannot be shown"
                yield warning("files.name", ascii(name), message, "left out; ask the data centre to rename it")
            elif name.count("/") <= self.source.depth:
                yield replace(entry, name=name)

    def _page(self, url: str, depth: int) -> Listing | SourceError:
        """Read a listing; the first may turn out to be no listing, which asking again would not change."""
        try:
            if depth == 0:
                response = self.gate.get(url)
                return read_listing(response.body, response.url)
            return self.gate.read(url, lambda response: read_listing(response.body, response.url))
        except DeadlineError:
            raise
        except SourceError as trouble:
            return trouble

    def _records(self, entries: list[Entry], opened: Callable[[Entry], Read]) -> Iterator[Record | Finding]:
        """Yield the records of all files in their order; documents are read a few ahead."""
        self.counts["files"] = len(entries)
        self._sidecars = {entry.name: entry for entry in entries if entry.name.endswith(SIDECAR)}
        names = {entry.name.rpartition(".")[0] for entry in entries if not entry.name.endswith(SIDECAR)}
        wanted = [entry for entry in entries if self._selected(entry.name)]
        for entry, (document, trouble) in ahead(opened, deque(wanted)):
            if entry.name in self._sidecars:
                if entry.name.rpartition(".")[0] not in names:
                    yield warning("files.sidecar", entry.name, "describes a record that is not there", "left out")
            elif trouble is not None:
                hint = "left out; tell the data centre"
                yield refused("files.document", entry.name, trouble.message, hint, self._address(entry))
            else:
                yield from self._understood(entry, document)

    def _understood(self, entry: Entry, document: Document | None) -> Iterator[Record | Finding]:
        asked = self.source.format
        found = list(records_in(document, asked)) if document is not None else []
        if found:
            yield from found
        elif is_data(entry.name, asked):
            yield self._file(entry)
        else:
            self.counts["skipped"] += 1

    def _selected(self, name: str) -> bool:
        wanted = not self.source.include or any(fnmatchcase(name, pattern) for pattern in self.source.include)
        return wanted and not any(fnmatchcase(name, pattern) for pattern in self.source.exclude)

    def _open_remote(self, entry: Entry) -> Read:
        return self._open(entry, lambda wanted: self.gate.get(wanted.href, max_bytes=MAX_DOCUMENT).body)

    def _open_local(self, entry: Entry) -> Read:
        return self._open(entry, lambda wanted: Path(wanted.href).read_bytes())

    def _open(self, entry: Entry, read: Callable[[Entry], bytes]) -> Read:
        """Read a file if it may be a document, with the sidecar beside it."""
        if not may_be_document(entry.name, self.source.format) or (entry.size or 0) > MAX_DOCUMENT:
            return None, None
        beside = self._sidecars.get(entry.name.rpartition(".")[0] + SIDECAR)
        try:
            companion = read(beside) if beside is not None else b""
            return Document(entry.name, read(entry), self._address(entry), companion), None
        except DeadlineError:
            raise
        except SourceError as trouble:
            return None, trouble
        except OSError as trouble:
            return None, SourceError(f"cannot be read: {trouble.strerror}", where=entry.name)

    def _address(self, entry: Entry) -> str:
        """Return the address of a file; local ones that are not published elsewhere are copied below ``data/``."""
        if self.source.path is None:
            return entry.href
        place = f"{self.source.published_at.rstrip('/')}/" if self.source.published_at else "data/"
        return place + quote(entry.name)

    def _file(self, entry: Entry) -> Record:
        local = Path(entry.href) if self.source.path is not None else None
        said = {
            "href": self._address(entry),
            "name": PurePosixPath(entry.name).name,
            "size": entry.size,
            "modified": entry.modified,
            "etag": entry.etag,
            "media_type": media_type_of(entry.name),
            "opendap": entry.opendap or None,
            "path": local.relative_to(self.base).as_posix() if local else None,
            "checksum": checksum(local) if local else None,
        }
        body = orjson.dumps(
            {key: value for key, value in said.items() if value is not None}, option=orjson.OPT_SORT_KEYS
        )
        return Record(entry.name, "file", body, "application/json", str(said["href"]), datestamp=entry.modified)


def _next(listing: Listing, depth: int, deepest: int) -> list[tuple[str, int]]:
    """Return the pages that a page leads to, with their depth: its continuation, and its folders."""
    more = [(listing.more, depth)] if listing.more else []
    return more + [(folder, depth + 1) for folder in listing.folders if depth < deepest]
