"""Crawls THREDDS, Hyrax and RAMADDA catalogues from one root, breadth first, and gives every dataset once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from builder.errors import DeadlineError, SourceError
from builder.findings import Finding, Severity, error, note, warning
from builder.invcatalog import Catalog, CatalogRef, InvDataset, NotACatalog, read_catalog, single
from builder.sources.ahead import ahead
from builder.sources.protocol import Ask, Record
from builder.sources.redact import one_line, redact

if TYPE_CHECKING:
    from builder.definitions.model import ThreddsSource
    from builder.sources.answers import Response
    from builder.sources.http import HttpGate

MAX_CATALOGUES = 50_000
FIGURES = (
    "catalogues", "datasets", "opendap", "refs", "latest", "containers", "alias", "undefined_service", "duplicates",
    "excluded",
)  # fmt: skip

_PASSING = frozenset({"html", "empty"})
_TDS = ("/dodsC", "/fileServer")
"""Service bases by which a TDS is known: only it answers ``catalog.html?dataset=ID``."""


class _Visit(NamedTuple):
    url: str
    depth: int


@dataclass
class ThreddsCrawler:
    """A THREDDS source.

    Attributes:
        complete: Every catalogue of the selection could be read.
        counts: Sums over the catalogues read (`FIGURES`); ``duplicates`` were met before and
            ``excluded`` are not selected, so ``datasets`` less these two is the number of records.
    """

    source: ThreddsSource
    gate: HttpGate
    complete: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    bookmark: None = None
    total: None = None

    def named(self, identifiers: Sequence[str]) -> Iterator[Record | Finding]:
        """Yield nothing: datasets are only found by crawling."""
        del identifiers
        yield from ()

    def scan(self, ask: Ask | None = None) -> Iterator[Record | Finding]:
        """Yield every accessible dataset once, and a finding for each catalogue that had to be left out.

        All catalogues are asked for, those known before by their validators.

        Raises:
            SourceError: The root catalogue cannot be read.
        """
        del ask
        self.complete, self._whole = False, True
        self.counts = dict.fromkeys(FIGURES, 0)
        self._met: set[bytes] = set()
        self._named: set[str] = set()
        self._foreign: set[str] = set()
        root = _Visit(canonical(catalog_address(self.source.url)), 0)
        self._visited = {root.url}
        self._waiting = deque([root])
        for visit, got in ahead(self._fetch, self._waiting):
            if isinstance(got, Catalog):
                found = self._take(visit, got)
            elif visit.depth == 0:
                raise self._root_failed(got)
            else:
                found = iter([error("thredds.catalogue", got.where, got.message, "left out; tell the data centre")])
            for one in found:
                self._whole &= not (isinstance(one, Finding) and one.severity is Severity.ERROR)
                yield one
        self.complete = self._whole

    def _fetch(self, visit: _Visit) -> Catalog | SourceError:
        try:
            got = self.gate.read(visit.url, _read if visit.depth else _read_root)
        except DeadlineError:
            raise
        except SourceError as trouble:
            return trouble
        return got

    def _root_failed(self, trouble: SourceError) -> SourceError:
        if self.source.url.endswith("contents.html"):
            trouble.hint = trouble.hint or "a Hyrax server without catalog.xml is read with `type: files`"
        return trouble

    def _take(self, visit: _Visit, catalog: Catalog) -> Iterator[Record | Finding]:
        final = canonical(catalog.url)
        if final != visit.url and final in self._visited:
            return
        self._visited.add(final)
        self.counts["catalogues"] += 1
        for name, number in catalog.counts.items():
            if name in self.counts:
                self.counts[name] += number
        yield from catalog.findings
        for dataset in catalog.datasets:
            yield from self._record(dataset, catalog)
        yield from self._follow(visit, catalog)

    def _record(self, dataset: InvDataset, catalog: Catalog) -> Iterator[Record]:
        if not self._selected(dataset):
            self.counts["excluded"] += 1
            return
        place = (catalog.url, dataset.id or "", dataset.within, dataset.name, dataset.url_path)
        key = sha256("\n".join(dataset.urls or place).encode("utf-8", "replace")).digest()
        if key in self._met:
            self.counts["duplicates"] += 1
            return
        self._met.add(key)
        identifier = self._identifier(dataset)
        self._named.add(identifier)
        modified = (element.text for element in dataset.find("date") if element.get("type") == "modified")
        yield Record(
            identifier=identifier,
            format="thredds",
            body=single(dataset, catalog),
            media_type="application/xml",
            url=page_of(dataset, catalog),
            datestamp=next((text.strip() for text in modified if text), None),
        )

    def _identifier(self, dataset: InvDataset) -> str:
        """Return the first name that no other dataset has: path, ID, address, place among the containers."""
        wanted = (dataset.url_path.lstrip("/"), dataset.id, *dataset.urls, f"{dataset.within}/{dataset.name}")
        names = [name.strip() for name in wanted if name and name.strip()]
        free = next((name for name in names if name not in self._named), None)
        if free:
            return free
        numbered = (f"{names[-1]}-{number}" for number in range(2, len(self._named) + 3))
        return next(name for name in numbered if name not in self._named)

    def _selected(self, dataset: InvDataset) -> bool:
        path = unquote(dataset.url_path.lstrip("/"))
        wanted = not self.source.include or any(fnmatchcase(path, pattern) for pattern in self.source.include)
        return wanted and not any(fnmatchcase(path, pattern) for pattern in self.source.exclude)

    def _follow(self, visit: _Visit, catalog: Catalog) -> Iterator[Finding]:
        below = [ref for ref in catalog.refs if ref.url]
        if below and visit.depth == self.source.depth:
            message = f"{len(below)} references are deeper than {self.source.depth} and not followed"
            yield note("thredds.depth", visit.url, message, "raise `depth` if they are wanted")
            return
        for ref in below:
            yield from self._queue(ref, visit)

    def _queue(self, ref: CatalogRef, visit: _Visit) -> Iterator[Finding]:
        url = canonical(catalog_address(ref.url))
        path = unquote(urlsplit(url).path.lstrip("/"))
        if url in self._visited or any(fnmatchcase(path, pattern) for pattern in self.source.exclude):
            return
        self._visited.add(url)
        if not self.gate.allows(url):
            yield from self._refuse(url, visit)
        elif len(self._visited) > MAX_CATALOGUES:
            if self._whole:
                yield error("thredds.too-many", visit.url, f"more than {MAX_CATALOGUES} catalogues", "exclude some")
        else:
            self._waiting.append(_Visit(url, visit.depth + 1))

    def _refuse(self, url: str, visit: _Visit) -> Iterator[Finding]:
        """Say once for each server that references lead away to it."""
        host = "//".join(urlsplit(url)[:2])
        if host not in self._foreign:
            self._foreign.add(host)
            message = f"references lead to another server and are not followed: {one_line(url)}"
            yield warning("thredds.blocked-url", visit.url, message, "add its host to `fetch_hosts` if it is wanted")


def _read_root(response: Response) -> Catalog:
    return read_catalog(response.body, redact(response.url))


def _read(response: Response) -> Catalog | SourceError:
    """Read a catalogue below the root; one that is plainly something else is not asked for again.

    An HTML page or an empty answer may be a server's way to say that it is busy.
    """
    try:
        return _read_root(response)
    except NotACatalog as trouble:
        if trouble.kind in _PASSING:
            raise
        return trouble


def catalog_address(url: str) -> str:
    """Return the XML catalogue for the page that a browser shows.

    >>> catalog_address("https://thredds.example.org/thredds/catalog/a/catalog.html?dataset=a/b.nc")
    'https://thredds.example.org/thredds/catalog/a/catalog.xml?dataset=a/b.nc'
    >>> catalog_address("http://opendap.example.org/opendap/a/contents.html")
    'http://opendap.example.org/opendap/a/catalog.xml'
    """
    head, mark, query = url.strip().partition("?")
    folder, slash, name = head.rpartition("/")
    if name == "contents.html":
        name = "catalog.xml"
    return folder + slash + (f"{name.removesuffix('.html')}.xml" if name.endswith(".html") else name) + mark + query


def canonical(url: str) -> str:
    """Return the one spelling of an address: lower-case host, no default port, dots resolved, no fragment.

    >>> canonical("HTTP://Example.org:80/thredds/a/../catalog.xml#top")
    'http://example.org/thredds/catalog.xml'
    """
    try:
        parts = urlsplit(urljoin(url, urlsplit(url).path or "/"))
        scheme, default = parts.scheme.lower(), {"http": 80, "https": 443}.get(parts.scheme.lower())
        host = (parts.hostname or "") + (f":{parts.port}" if parts.port and parts.port != default else "")
        user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    except ValueError:
        return url
    path = quote(parts.path or "/", safe="%/:=&;,@!$'()*+~")
    return urlunsplit((scheme, user + host, path, urlsplit(url).query, ""))


def page_of(dataset: InvDataset, catalog: Catalog) -> str:
    """Return the page on which a person sees the dataset: its own with TDS, else the catalogue's."""
    head, mark, _ = catalog.url.partition("?")
    tds = any(part in access.service.base for access in dataset.access for part in _TDS)
    if tds and head.endswith(".xml"):
        page = f"{head.removesuffix('.xml')}.html"
        return f"{page}?dataset={quote(dataset.id, safe='/')}" if dataset.id else page
    hyrax = dataset.opendap and not mark and head.endswith("/catalog.xml")
    return f"{head.removesuffix('catalog.xml')}contents.html" if hyrax else catalog.url
