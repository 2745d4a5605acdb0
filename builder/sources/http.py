"""The one gate through which partners are read: limits, politeness, retries and an allow-list of hosts."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, overload
from urllib.parse import urlsplit

import requests
import urllib3

from builder import __version__
from builder.errors import FetchError, ProtocolError
from builder.sources.answers import Answers, Asked, Response
from builder.sources.connections import Connections, reachable, reason_of, said_of, unreachable
from builder.sources.gunzip import gunzip
from builder.sources.hosts import as_listed, joined, not_asked, spelled
from builder.sources.limits import AT_ONCE, PAGES, Limits, turn
from builder.sources.redact import redact
from builder.sources.retry import TRANSIENT, TransientError, patiently, retry_after
from builder.sources.silence import Silence

USER_AGENT = f"iaos/{__version__} (+https://github.com/ec-intaros/iaos; nightly catalogue builder)"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
NOT_MODIFIED = 304
MAX_REDIRECTS = 10
CHUNK = 2**16
RATIO_FROM = 2**20
"""Decoded bytes below which a high compression ratio is no matter."""

_CONDITIONS = frozenset({"If-None-Match", "If-Modified-Since"})
_PORTS = {"http": 80, "https": 443}
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Download:
    """A complete file on disk: where it came from, its headers, its size in bytes and its SHA-256 in hex."""

    url: str
    status: int
    headers: Mapping[str, str]
    path: Path
    size: int
    sha256: str


def origin_of(url: str) -> str:
    """Return ``host`` or ``host:port`` of a URL in lower case, as written in allow-lists; IPv6 addresses in brackets.

    Raises:
        ValueError: The port is not a number or the address is malformed.
    """
    parts = urlsplit(url)
    host = spelled(parts.hostname or "")
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{parts.port}" if parts.port and parts.port != _PORTS.get(parts.scheme) else host


@dataclass
class HttpGate:
    """Fetches from an allow-list of hosts, politely, and gives complete bodies or a `FetchError`.

    One gate serves one source: it keeps connections alive and bounds the whole. Every redirect
    target must be on the allow-list too.

    Args:
        hosts: Allowed hosts, ``host`` or ``host:port``; with ``https://`` in front, never unencrypted.
        delay_s: Least time between two requests to a host, seconds.
        limits: Bounds on each request, and on all of them.
        sleep: Waits; replaced in tests.
        answers: What the partner answered before, if it is kept.
        connections: Most requests in flight to one host, those of other gates in the same lane counted.
        lane: Which requests are counted together.
        anywhere: Ask every public host; only private addresses must be on the allow-list.
    """

    hosts: Iterable[str]
    delay_s: float = 0.2
    limits: Limits = field(default_factory=Limits)
    sleep: Callable[[float], None] = time.sleep
    answers: Answers | None = None
    connections: int = AT_ONCE
    lane: str = PAGES
    anywhere: bool = False

    def __post_init__(self) -> None:
        """Prepare connections."""
        self._allowed = frozenset(map(as_listed, self.hosts))
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"}
        self._connections = Connections(self._literal(), self.limits.response_s, self.connections, headers)
        self._timeout = urllib3.Timeout(connect=self.limits.connect_s, read=self.limits.read_s)
        self._silence, self._lock = Silence(), threading.Lock()
        self.until = self.limits.until
        self.requests = 0

    def __enter__(self) -> Self:
        """Return itself; the connections are closed at the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        """Close the connections."""
        self._connections.close()

    def _literal(self) -> frozenset[str]:
        """Return the hosts of the allow-list without scheme and port."""
        return frozenset(urlsplit(f"//{host.removeprefix('https://')}").hostname or "" for host in self._allowed)

    @property
    def late(self) -> bool:
        """Whether the time of the source or of the run is over, and all that is asked for is refused."""
        return time.monotonic() > self.until

    def allows(self, url: str) -> bool:
        """Tell whether a URL may be fetched: http(s), no user part, host on the allow-list."""
        try:
            parts = urlsplit(url)
            origin = origin_of(url)
        except ValueError:
            return False
        if parts.username is not None:
            return False
        secure = parts.scheme == "https" and f"https://{origin}" in self._allowed
        if self.anywhere and parts.scheme in _PORTS and reachable(parts.hostname or ""):
            return True
        return secure or (parts.scheme in _PORTS and origin in self._allowed)

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        method: str = "GET",
        data: bytes | None = None,
    ) -> Response:
        """Fetch a URL, following allowed redirects and retrying transient failures.

        Raises:
            FetchError: The host is not allowed, the status is not 2xx, the body is too large or
                came too slowly, or the last try failed. ``status`` holds the HTTP status if any.
        """
        return self._answered(Asked(method, url, headers or {}, data), None, max_bytes)

    def read(
        self,
        url: str,
        parse: Callable[[Response], _T],
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
    ) -> _T:
        """Fetch a URL and parse the answer; one that ``parse`` refuses is fetched again.

        Servers in trouble send half a document or a page of apology with status 200, so a
        `ProtocolError` from ``parse`` counts as a transient failure until the tries are used up.

        Raises:
            FetchError: As `get`.
            ProtocolError: ``parse`` refused every answer.
        """
        return self._answered(Asked("GET", url, headers or {}), parse, max_bytes)

    def glance(
        self, url: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, most: int = 1
    ) -> Response:
        """Ask for a URL and read about its first ``most`` bytes, however long it is; raises as `get`."""

        def once() -> Response:
            with self._follow(url, headers or {}, method, None) as answer:
                return Response(answer.url, answer.status, answer.headers, self._start(answer, most))

        return patiently(once, self.limits, self.sleep)

    def download(self, url: str, target: Path, *, max_bytes: int | None = None) -> Download:
        """Stream a URL into a file, which appears under its name only once it is complete.

        Args:
            url: Address of the file.
            target: Where to put it; its folder is made.
            max_bytes: Largest file; the gate's limit where not given.

        Raises:
            FetchError: As `get`; nothing is left on disk then.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name[:200]}.part")

        def once() -> Download:
            with self._follow(url, {"Accept-Encoding": "identity"}, "GET", None) as answer, part.open("wb") as out:
                digest, size = sha256(), 0
                for chunk in self._chunks(answer, max_bytes):
                    digest.update(chunk)
                    size += out.write(chunk)
            return Download(answer.url, answer.status, answer.headers, target, size, digest.hexdigest())

        try:
            done = patiently(once, self.limits, self.sleep)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return done

    @overload
    def _answered(self, asked: Asked, parse: None, max_bytes: int | None) -> Response: ...
    @overload
    def _answered(self, asked: Asked, parse: Callable[[Response], _T], max_bytes: int | None) -> _T: ...
    def _answered(self, asked: Asked, parse: Callable[[Response], Any] | None, max_bytes: int | None) -> Any:
        """Give out what was answered before this pass was interrupted, or ask until the answer can be parsed."""
        known = self.answers.again(asked) if self.answers else None
        if known is not None:
            return parse(known) if parse else known

        def once() -> Any:
            response = self._ask(asked, max_bytes)
            try:
                parsed = parse(response) if parse else response
            except ProtocolError as trouble:
                if self.answers:
                    self.answers.forget(asked)
                raise TransientError(trouble) from trouble
            if self.answers:
                self.answers.keep(asked, response, understood=parse is not None)
            return parsed

        return patiently(once, self.limits, self.sleep)

    def _ask(self, asked: Asked, max_bytes: int | None) -> Response:
        """Fetch, on condition that the last known answer no longer stands where there is one."""
        before = self.answers.before(asked) if self.answers else None
        headers = {**asked.headers, **(before.validators if before else {})}
        with self._follow(asked.url, headers, asked.method, asked.data) as answer:
            if answer.status == NOT_MODIFIED and before:
                return before
            return Response(answer.url, answer.status, answer.headers, b"".join(self._chunks(answer, max_bytes)))

    @contextmanager
    def _follow(self, url: str, headers: Mapping[str, str], method: str, data: bytes | None) -> Iterator[_Answer]:
        """Open the answer at the end of the redirects, its body not yet read, if its status is 2xx."""
        target = url
        for _ in range(MAX_REDIRECTS):
            if not self.allows(target):
                raise FetchError("address not allowed by the definition", where=redact(target), hint=not_asked(target))
            with self._open(target, headers, method, data) as answer:
                if answer.status not in REDIRECTS or "location" not in answer.headers:
                    self._accept(answer)
                    yield answer
                    return
                target = joined(target, answer.headers["location"])
        raise FetchError("redirects without end", where=redact(url))

    def _accept(self, answer: _Answer) -> None:
        if 200 <= answer.status < 300 or (answer.status == NOT_MODIFIED and answer.conditional):
            return
        where = redact(answer.url)
        body = self._start(answer, CHUNK)
        error = FetchError(f"HTTP status {answer.status}", where=where, status=answer.status, body=body)
        if answer.status in TRANSIENT:
            raise TransientError(error, retry_after(answer.headers.get("retry-after")))
        raise error

    def _start(self, answer: _Answer, most: int) -> bytes:
        body = b""
        for chunk in self._chunks(answer, None, whole=False):
            body += chunk
            if len(body) >= most:
                break
        return body

    def _count(self, url: str) -> None:
        with self._lock:
            self.requests += 1
            if self.requests == 1:
                self.until = min(self.until, time.monotonic() + self.limits.source_s)
        if self.late:
            raise self.limits.exceeded(self.until, redact(url))

    @contextmanager
    def _open(self, url: str, headers: Mapping[str, str], method: str, data: bytes | None) -> Iterator[_Answer]:
        self._count(url)
        try:
            with turn(origin_of(url), self.delay_s, self.sleep, self.connections, self.lane):
                deadline = time.monotonic() + self.limits.response_s
                with self._silence.listening(origin_of(url), redact(url)) as heard:
                    raw = self._connections.open(method, url, headers, data, self._timeout)
                    heard.add(raw.status)
                try:
                    lower = {key.lower(): value for key, value in raw.headers.itermerged()}
                    conditional = not _CONDITIONS.isdisjoint(headers)
                    yield _Answer(url, raw.status, lower, raw, deadline, conditional)
                finally:
                    raw.close()
                    raw.release_conn()
        except (requests.RequestException, urllib3.exceptions.HTTPError, EOFError, zlib.error) as trouble:
            reason = reason_of(trouble)
            said, hint = said_of(reason)
            error = FetchError(f"no complete answer ({said})", where=redact(url), hint=hint)
            error.unreachable = unreachable(reason)
            raise TransientError(error) from trouble

    def _chunks(self, answer: _Answer, max_bytes: int | None, *, whole: bool = True) -> Iterator[bytes]:
        """Yield the decoded body as it arrives, within the limits on size, ratio and time."""
        size, most = 0, max_bytes or self.limits.max_bytes
        large = FetchError(f"body larger than {most} bytes", where=redact(answer.url))
        if whole and (answer.raw.length_remaining or 0) > most:
            raise large
        for chunk in answer.decoded():
            size += len(chunk)
            wire = max(1, answer.raw.tell())
            if size > most:
                raise large
            if size > RATIO_FROM and size / wire > self.limits.max_ratio:
                bomb = f"body unpacks to more than {self.limits.max_ratio:.0f} times its size"
                raise TransientError(FetchError(bomb, where=redact(answer.url)))
            if time.monotonic() > answer.deadline:
                late = FetchError(f"body not complete after {self.limits.response_s:.0f} s", where=redact(answer.url))
                raise TransientError(late)
            yield chunk


@dataclass(frozen=True, slots=True)
class _Answer:
    url: str
    status: int
    headers: Mapping[str, str]
    raw: urllib3.HTTPResponse
    deadline: float
    conditional: bool

    def decoded(self) -> Iterator[bytes]:
        """Yield the body as it arrives, without waiting for a chunk to fill."""
        packed = self.headers.get("content-encoding", "").lower() in {"gzip", "x-gzip"}
        pieces = iter(lambda: self.raw.read1(CHUNK, decode_content=not packed) or b"", b"")
        yield from gunzip(pieces) if packed else pieces
