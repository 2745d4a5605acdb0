"""The one gate through which partners are read: limits, politeness, retries and an allow-list of hosts."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import requests

from builder import __version__, clock
from builder.errors import FetchError

USER_AGENT = f"iaos/{__version__} (+https://github.com/ec-intaros/iaos; nightly catalogue builder)"
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one request; defaults from measurement of partner servers.

    Attributes:
        connect_s: Time to connect, seconds.
        read_s: Longest silence while reading, seconds.
        response_s: Longest time for one whole response, seconds.
        max_bytes: Largest decoded body.
        tries: How often a transient failure is tried in all.
        retry_after_s: Longest wait a server may ask for, seconds.
        backoff_s: First pause between tries; doubles each time.
    """

    connect_s: float = 10.0
    read_s: float = 60.0
    response_s: float = 300.0
    max_bytes: int = 64 * 2**20
    tries: int = 5
    retry_after_s: float = 120.0
    backoff_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer: the final URL after redirects, status, headers and decoded body."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


def origin_of(url: str) -> str:
    """Return ``host`` or ``host:port`` of a URL in lower case, as written in allow-lists."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return f"{host}:{parts.port}" if parts.port else host


@dataclass
class HttpGate:
    """Fetches from an allow-list of hosts, politely, and gives complete bodies or a `FetchError`.

    One gate serves one source: it keeps connections alive and spaces requests to a host by
    ``delay_s``. Every redirect target must be on the allow-list too.

    Args:
        hosts: Allowed hosts, ``host`` or ``host:port``.
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
        self._allowed = frozenset(host.lower() for host in self.hosts)
        self._session = requests.Session()
        self._session.headers["User-Agent"] = USER_AGENT
        self._lock = threading.Lock()
        self._last = 0.0
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
        return parts.scheme in ("http", "https") and parts.username is None and origin in self._allowed

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
        for attempt in range(1, self.limits.tries + 1):
            try:
                return self._follow(url, headers or {}, max_bytes or self.limits.max_bytes, method, data)
            except _TransientError as trouble:
                if attempt == self.limits.tries:
                    raise trouble.error from trouble
                self.sleep(self._pause(attempt, trouble.retry_after))
        raise AssertionError

    def _pause(self, attempt: int, retry_after: float | None) -> float:
        backoff = self.limits.backoff_s * 2 ** (attempt - 1)
        jitter: float = random.uniform(0, backoff / 4)  # noqa: S311  (spreading retries, not a secret)
        return float(min(self.limits.retry_after_s, max(retry_after or 0.0, backoff + jitter)))

    def _follow(
        self, url: str, headers: Mapping[str, str], max_bytes: int, method: str, data: bytes | None
    ) -> Response:
        target = url
        for _ in range(10):
            if not self.allows(target):
                raise FetchError(
                    "address not allowed by the definition",
                    where=target,
                    hint="add its host to `fetch_hosts` if it is right",
                )
            response = self._once(target, headers, max_bytes, method, data)
            if response.status not in REDIRECTS or "location" not in response.headers:
                return self._accept(response)
            target = urljoin(target, response.headers["location"])
        raise FetchError("redirects without end", where=url)

    def _accept(self, response: Response) -> Response:
        if 200 <= response.status < 300:
            return response
        error = FetchError(f"HTTP status {response.status}", where=response.url, status=response.status)
        if response.status in TRANSIENT:
            raise _TransientError(error, _retry_after(response.headers.get("retry-after")))
        raise error

    def _wait_turn(self) -> None:
        with self._lock:
            wait = self._last + self.delay_s - time.monotonic()
            if wait > 0:
                self.sleep(wait)
            self._last = time.monotonic()
            self.requests += 1

    def _once(self, url: str, headers: Mapping[str, str], max_bytes: int, method: str, data: bytes | None) -> Response:
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
            ) as answer:
                body = self._read(answer, url, max_bytes, deadline)
                lower = {key.lower(): value for key, value in answer.headers.items()}
                return Response(url, answer.status_code, lower, body)
        except requests.RequestException as trouble:
            reason = type(trouble).__name__
            raise _TransientError(FetchError(f"no complete answer ({reason})", where=url), None) from trouble

    def _read(self, answer: requests.Response, url: str, max_bytes: int, deadline: float) -> bytes:
        chunks: list[bytes] = []
        size = 0
        for chunk in answer.iter_content(2**16):
            size += len(chunk)
            if size > max_bytes:
                raise FetchError(f"body larger than {max_bytes} bytes", where=url)
            if time.monotonic() > deadline:
                raise FetchError(f"body not complete after {self.limits.response_s:.0f} s", where=url)
            chunks.append(chunk)
        return b"".join(chunks)


class _TransientError(Exception):
    def __init__(self, error: FetchError, retry_after: float | None) -> None:
        super().__init__(str(error))
        self.error = error
        self.retry_after = retry_after


def _retry_after(value: str | None) -> float | None:
    """Read a Retry-After header, seconds or HTTP date (RFC 9110 section 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (aware - clock.now()).total_seconds())
