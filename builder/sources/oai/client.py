"""Asks an OAI-PMH provider over the HTTP gate; a list that loops or goes wrong ends in an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar
from urllib.parse import quote, urlencode

from builder.errors import ProtocolError
from builder.sources.answers import Response
from builder.sources.http import HttpGate
from builder.sources.oai.documents import (
    Identity,
    OaiError,
    OaiFormat,
    OaiSet,
    Page,
    SetPage,
    read_formats,
    read_identify,
    read_page,
    read_sets,
)
from builder.sources.redact import redact

MAX_PAGES = 100_000
MAX_BARREN_PAGES = 20
"""Pages in a row that bring nothing new."""
MAX_TOKEN = 8_000
DOUBTS = 2
"""How often in one pass bytes that are not UTF-8 are asked for again before they are taken for Windows-1252."""
_HINT = "the provider's paging is broken; tell them"
_P = TypeVar("_P", Page, SetPage)
_T = TypeVar("_T")


def request_url(endpoint: str, params: Mapping[str, str]) -> str:
    """Return the address of a request, every reserved character percent-encoded (section 3.1.1.3)."""
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(params, quote_via=quote, safe='')}"


@dataclass(frozen=True, slots=True)
class Provider:
    """An OAI-PMH provider and how it wants to be asked.

    Sickle is not used for this: it fetches without limits, recovers from broken documents and
    looks for errors inside the metadata.

    Args:
        endpoint: Base URL.
        gate: What it is asked through.
        with_token: Arguments to repeat beside every resumption token, for providers that demand
            them against the standard.
    """

    endpoint: str
    gate: HttpGate
    with_token: Mapping[str, str] = field(default_factory=dict)
    _doubts: Iterator[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Leave one try at least for the answer that is believed."""
        object.__setattr__(self, "_doubts", iter(range(min(DOUBTS, self.gate.limits.tries - 1))))

    def ask(self, read: Callable[[bytes, str], _T], params: Mapping[str, str]) -> _T:
        """Send one request and read its answer; a document that cannot be read is asked for again.

        Raises:
            SourceError: There is no readable answer.
        """
        url = request_url(self.endpoint, params)

        def parse(answer: Response) -> _T | OaiError:
            try:
                got = read(answer.body, redact(url))
            except OaiError as refusal:
                return refusal  # an answer, which asking again would not change
            if isinstance(got, Page) and got.repaired and next(self._doubts, None) is not None:
                raise ProtocolError("bytes that are not UTF-8 as declared", where=redact(url))
            return got

        got = self.gate.read(url, parse)
        if isinstance(got, OaiError):
            raise got
        return got

    def identify(self) -> Identity:
        """Ask the provider what it is."""
        return self.ask(read_identify, {"verb": "Identify"})

    def formats(self) -> tuple[OaiFormat, ...]:
        """Ask for the metadata formats on offer."""
        return self.ask(read_formats, {"verb": "ListMetadataFormats"})

    def sets(self) -> tuple[OaiSet, ...]:
        """Ask for all sets, page by page."""
        pages = self._follow("ListSets", {}, read_sets, lambda page: [s.spec for s in page.sets])
        return tuple(s for page in pages for s in page.sets)

    def record(self, identifier: str, prefix: str) -> Page:
        """Ask for one record; an OAI-PMH error is in the page."""
        params = {"verb": "GetRecord", "metadataPrefix": prefix, "identifier": identifier}
        return self.ask(_only("GetRecord"), params)

    def pages(self, verb: str, selection: Mapping[str, str]) -> Iterator[Page]:
        """Yield every page of ListRecords or ListIdentifiers.

        Raises:
            OaiError: The provider reports an error instead of a list.
            ProtocolError: The list loops: a token or a page comes again, or it has no end.
        """
        return self._follow(verb, selection, _only(verb), _headers)

    def _follow(
        self,
        verb: str,
        selection: Mapping[str, str],
        read: Callable[[bytes, str], _P],
        contents: Callable[[_P], list[str]],
    ) -> Iterator[_P]:
        guard = _Guard(redact(request_url(self.endpoint, {"verb": verb})))
        params = {"verb": verb, **selection}
        while True:
            page = self.ask(_onward(read, params.get("resumptionToken")), params)
            guard.check(contents(page), page)
            yield page
            if page.token is None:
                return
            params = {"verb": verb, **self.with_token, "resumptionToken": page.token}


def _onward(read: Callable[[bytes, str], _P], sent: str | None) -> Callable[[bytes, str], _P]:
    """Make a reader that refuses an answer with the very token it was asked with, so that it is asked for again."""

    def checked(body: bytes, where: str) -> _P:
        page = read(body, where)
        if sent is not None and page.token == sent:
            raise ProtocolError("the same resumption token came again", where=where, hint=_HINT)
        return page

    return checked


@dataclass
class _Guard:
    """Watches a list for signs that it will never end.

    A page that comes again is such a sign, unless the provider announced that many records: some
    do list records more than once.
    """

    where: str
    tokens: set[str] = field(default_factory=set)
    pages: set[bytes] = field(default_factory=set)
    count: int = 0
    listed: int = 0
    barren: int = 0

    def check(self, contents: list[str], page: Page | SetPage) -> None:
        self.count += 1
        self.listed += len(contents)
        digest = sha256("\n".join(contents).encode()).digest()
        repeated = bool(contents) and digest in self.pages
        self.barren = self.barren + 1 if repeated or not contents else 0
        trouble = self._trouble(repeated and self.listed > (page.complete_list_size or 0), page.token)
        if trouble:
            raise ProtocolError(f"{trouble} (page {self.count})", where=self.where, hint=_HINT)
        self.pages.add(digest)
        if page.token is not None:
            self.tokens.add(page.token)

    def _trouble(self, repeated: bool, token: str | None) -> str | None:
        if repeated:
            return "the same page of the list came again"
        if token is None:
            return None
        if token in self.tokens:
            return "the same resumption token came again"
        if len(token) > MAX_TOKEN:
            return "the resumption token is too long to be sent"
        return "the list has no end" if self.barren >= MAX_BARREN_PAGES or self.count >= MAX_PAGES else None


def _headers(page: Page) -> list[str]:
    if page.error:
        raise page.error
    return [f"{header.identifier} {header.datestamp}" for header in page.headers]


def _only(verb: str) -> Callable[[bytes, str], Page]:
    """Make a reader that refuses the answer to another verb."""

    def read(body: bytes, where: str) -> Page:
        page = read_page(body, where)
        if page.error is None and page.verb != verb:
            raise ProtocolError(f"answer to {page.verb} where {verb} was asked", where=where)
        return page

    return read
