"""The one gate through which partners are read: limits, politeness, retries and an allow-list of hosts."""

from __future__ import annotations

import math
import random
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from builder import __version__
from builder.errors import FetchError, ProtocolError, SourceError
from builder.sources.gunzip import gunzip
from builder.sources.redact import redact
from builder.sources.retryafter import retry_after

USER_AGENT = f"iaos/{__version__} (+https://github.com/ec-intaros/iaos; nightly catalogue builder)"
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 10
CHUNK = 2**16
RATIO_FROM = 2**20
"""Decoded bytes below which a high compression ratio is no matter."""

_PORTS = {"http": 80, "https": 443}
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one request; defaults from measurement of partner servers.

    Attributes:
        connect_s: Time to connect, seconds.
        read_s: Longest silence while reading, seconds.
        response_s: Longest time for one whole response, seconds.
        max_bytes: Largest decoded body.
        max_ratio: Most decoded bytes per byte on the wire (metadata compresses 5 to 30 times, a bomb 1000 times).
        tries: How often a transient failure is tried in all.
        retry_after_s: Longest wait a server may ask for, seconds.
        backoff_s: First pause between tries; doubles each time.
    """

    connect_s: float = 10.0
    read_s: float = 60.0
    response_s: float = 300.0
    max_bytes: int = 64 * 2**20
    max_ratio: float = 200.0
    tries: int = 5
    retry_after_s: float = 120.0
    backoff_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer: the final URL after redirects, status, headers (lower-case names) and decoded body."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


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
    """Return ``host`` or ``host:port`` of a URL in lower case, as written in allow-lists.

    Raises:
        ValueError: The port is not a number or the address is malformed.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return f"{host}:{parts.port}" if parts.port and parts.port != _PORTS.get(parts.scheme) else host


@dataclass
class HttpGate:
    """Fetches from an allow-list of hosts, politely, and gives complete bodies or a `FetchError`.

    One gate serves one source: it keeps connections alive and spaces requests to a host by
    ``delay_s``. Every redirect target must be on the allow-list too.

    Args:
        hosts: Allowed hosts, ``host`` or ``host:port``; with ``https://`` in front, never unencrypted.
        delay_s: Least time between two requests, seconds.
        limits: Bounds on each request.
        sleep: Waits; replaced in tests.
    """

    hosts: Iterable[str]
    delay_s: float = 0.2
    limits: Limits = field(default_factory=Limits)
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Open the session."""
        self._allowed = frozenset(host.lower().removeprefix("http://").rstrip("/") for host in self.hosts)
        self._session = _Session()
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"})
        self._lock = threading.Lock()
        self._last = -math.inf
        self.requests = 0

    def __enter__(self) -> Self:
        """Return itself; the connections are closed at the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        """Close the connections."""
        self._session.close()

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
        return self._patiently(lambda: self._fetch(url, headers or {}, max_bytes, method, data))

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

        def once() -> _T:
            response = self._fetch(url, headers or {}, max_bytes, "GET", None)
            try:
                return parse(response)
            except ProtocolError as trouble:
                raise _TransientError(trouble, None) from trouble

        return self._patiently(once)

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
            done = self._patiently(once)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return done

    def _patiently(self, once: Callable[[], _T]) -> _T:
        for attempt in range(1, self.limits.tries + 1):
            try:
                return once()
            except _TransientError as trouble:
                if attempt == self.limits.tries:
                    raise trouble.error from trouble
                self.sleep(self._pause(attempt, trouble.retry_after))
        raise AssertionError

    def _pause(self, attempt: int, asked: float | None) -> float:
        backoff = self.limits.backoff_s * 2 ** (attempt - 1)
        jitter: float = random.uniform(0, backoff / 4)  # noqa: S311  (spreading retries, not a secret)
        return float(min(self.limits.retry_after_s, max(asked or 0.0, backoff + jitter)))

    def _fetch(
        self, url: str, headers: Mapping[str, str], max_bytes: int | None, method: str, data: bytes | None
    ) -> Response:
        with self._follow(url, headers, method, data) as answer:
            return Response(answer.url, answer.status, answer.headers, b"".join(self._chunks(answer, max_bytes)))

    @contextmanager
    def _follow(self, url: str, headers: Mapping[str, str], method: str, data: bytes | None) -> Iterator[_Answer]:
        """Open the answer at the end of the redirects, its body not yet read, if its status is 2xx."""
        target = url
        for _ in range(MAX_REDIRECTS):
            if not self.allows(target):
                raise FetchError(
                    "address not allowed by the definition",
                    where=redact(target),
                    hint="add its host to `fetch_hosts` if it is right",
                )
            with self._open(target, headers, method, data) as answer:
                if answer.status not in REDIRECTS or "location" not in answer.headers:
                    self._accept(answer)
                    yield answer
                    return
                target = _join(target, answer.headers["location"])
        raise FetchError("redirects without end", where=redact(url))

    def _accept(self, answer: _Answer) -> None:
        if 200 <= answer.status < 300:
            return
        where = redact(answer.url)
        body = b""
        for chunk in self._chunks(answer, None):
            body += chunk
            if len(body) >= CHUNK:
                break
        error = FetchError(f"HTTP status {answer.status}", where=where, status=answer.status, body=body)
        if answer.status in TRANSIENT:
            raise _TransientError(error, retry_after(answer.headers.get("retry-after")))
        raise error

    def _wait_turn(self) -> None:
        with self._lock:
            wait = self._last + self.delay_s - time.monotonic()
            if wait > 0:
                self.sleep(wait)
            self._last = time.monotonic()
            self.requests += 1

    @contextmanager
    def _open(self, url: str, headers: Mapping[str, str], method: str, data: bytes | None) -> Iterator[_Answer]:
        self._wait_turn()
        deadline = time.monotonic() + self.limits.response_s
        try:
            with self._session.request(
                method,
                url,
                headers=dict(headers),
                data=data,
                stream=True,
                allow_redirects=False,
                timeout=(self.limits.connect_s, self.limits.read_s),
            ) as response:
                lower = {key.lower(): value for key, value in response.headers.items()}
                yield _Answer(url, response.status_code, lower, response.raw, deadline)
        except (requests.RequestException, urllib3.exceptions.HTTPError, EOFError, zlib.error) as trouble:
            reason = type(trouble).__name__
            raise _TransientError(FetchError(f"no complete answer ({reason})", where=redact(url)), None) from trouble

    def _chunks(self, answer: _Answer, max_bytes: int | None) -> Iterator[bytes]:
        """Yield the decoded body as it arrives, within the limits on size, ratio and time."""
        size, most = 0, max_bytes or self.limits.max_bytes
        for chunk in answer.decoded():
            size += len(chunk)
            wire = max(1, answer.raw.tell())
            if size > most:
                raise FetchError(f"body larger than {most} bytes", where=redact(answer.url))
            if size > RATIO_FROM and size / wire > self.limits.max_ratio:
                raise FetchError(
                    f"body unpacks to more than {self.limits.max_ratio:.0f} times its size", where=redact(answer.url)
                )
            if time.monotonic() > answer.deadline:
                late = FetchError(f"body not complete after {self.limits.response_s:.0f} s", where=redact(answer.url))
                raise _TransientError(late, None)
            yield chunk


@dataclass(frozen=True, slots=True)
class _Answer:
    url: str
    status: int
    headers: Mapping[str, str]
    raw: urllib3.HTTPResponse
    deadline: float

    def decoded(self) -> Iterator[bytes]:
        """Yield the body as it arrives, without waiting for a chunk to fill."""
        packed = self.headers.get("content-encoding", "").lower() in {"gzip", "x-gzip"}
        pieces = iter(lambda: self.raw.read1(CHUNK, decode_content=not packed) or b"", b"")
        yield from gunzip(pieces) if packed else pieces


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Leave redirects to the gate; requests would read the whole body and trust the address."""


class _TransientError(Exception):
    def __init__(self, error: SourceError, wait_s: float | None) -> None:
        super().__init__(str(error))
        self.error = error
        self.retry_after = wait_s


def _join(base: str, location: str) -> str:
    try:
        return urljoin(base, location)
    except ValueError as trouble:
        raise FetchError("redirect to a malformed address", where=redact(base)) from trouble
