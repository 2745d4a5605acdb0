"""Fetches parts of a remote file through the gate, many at a time, and notices when the file changes meanwhile."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from builder.errors import FetchError
from builder.sources.answers import Response
from builder.sources.http import HttpGate
from builder.sources.limits import HEAD
from builder.sources.redact import redact
from builder.sources.retry import TRANSIENT

_SIZE = re.compile(r"[0-9]{1,13}")
_CONTENT_RANGE = re.compile(rf"bytes ({_SIZE.pattern})-({_SIZE.pattern})/({_SIZE.pattern})")
_PLAIN = {"Accept-Encoding": "identity"}
_BUSY = TRANSIENT - {500}
"""Statuses that say nothing of the method; some servers answer any HEAD with 500."""
_NO_RANGES = frozenset({400, 403, 405, 416, 501})
"""Statuses with which servers refuse parts of what they give as a whole."""


@dataclass(frozen=True, slots=True)
class Version:
    """What a server says by which one version of a file is told from another.

    Attributes:
        size: Bytes; None where it does not say.
        etag: Its ``ETag``.
        last_modified: Its ``Last-Modified``.
    """

    size: int | None = None
    etag: str | None = None
    last_modified: str | None = None

    def differs(self, other: Version) -> bool:
        """Tell whether two versions certainly differ; what either does not say counts for nothing."""
        pairs = zip(
            (self.size, self.etag, self.last_modified), (other.size, other.etag, other.last_modified), strict=True
        )
        return any(one is not None and two is not None and one != two for one, two in pairs)

    def steady(self, again: Version) -> Version:
        """Return what a server says again of the same file; all of it where the size is another."""
        if again.size not in {None, self.size}:
            return self
        etag = self.etag if again.etag in {None, self.etag} else None
        modified = self.last_modified if again.last_modified in {None, self.last_modified} else None
        return Version(self.size, etag, modified)


class PartError(FetchError):
    """A server gave another part of a file than was asked for, or a part of another version."""


def version_of(gate: HttpGate, url: str) -> Version:
    """Ask for the headers of a file; where HEAD is refused or says nothing, for its first byte, or for its beginning.

    Raises:
        FetchError: As `HttpGate.get`.
    """
    try:
        said = _said(gate.get(url, method="HEAD", headers=_PLAIN))
    except FetchError as refused:
        if refused.status is None or refused.status in _BUSY:
            raise
        said = Version()
    return said if said != Version() else _said(_beginning(gate, url))


def _beginning(gate: HttpGate, url: str) -> Response:
    """Ask for the first byte of a file; where parts are refused, for all of it, of which the beginning is read."""
    try:
        return gate.glance(url, headers=_PLAIN | {"Range": "bytes=0-0"})
    except FetchError as refused:
        if refused.status not in _NO_RANGES:
            raise
        return gate.glance(url, headers=_PLAIN)


def _said(response: Response) -> Version:
    size = response.headers.get("content-length", "")
    if response.status == 206:
        size = response.headers.get("content-range", "").rpartition("/")[2]
    told = _SIZE.fullmatch(size) and "content-encoding" not in response.headers
    return _version(response, int(size) if told else None)


@dataclass
class RangedFile:
    """A remote file of a server that answers byte ranges (RFC 9110, section 14).

    Args:
        gate: What it is fetched through; parts of one file are not spaced, but at most ``connections`` at once.
        url: Its address.
        version: The version that all parts must be of; ``size`` is known.
        head: First bytes of the file, as they came with the answer that says that it serves parts.
    """

    gate: HttpGate
    url: str
    version: Version
    head: bytes = b""

    @classmethod
    def found(cls, gate: HttpGate, url: str) -> Self | None:
        """Return the file, or None where it is larger than `HEAD` and the server does not serve parts of it.

        Raises:
            FetchError: The file cannot be had at all.
        """
        try:
            response = gate.get(url, headers=_PLAIN | {"Range": f"bytes=0-{HEAD - 1}"}, max_bytes=HEAD)
        except FetchError as trouble:
            if trouble.status in _NO_RANGES or (trouble.status is None and "larger" in trouble.message):
                return None
            raise
        if response.status == 200 and "content-encoding" not in response.headers:
            return cls(gate, response.url, _version(response, len(response.body)), response.body)
        match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        if response.status != 206 or match is None or "content-encoding" in response.headers:
            return None
        head = response.body if int(match[1]) == 0 and int(match[2]) + 1 == len(response.body) else b""
        return cls(gate, response.url, _version(response, int(match[3])), head)

    def fetch(self, ranges: Sequence[tuple[int, int]], target: Path) -> None:
        """Write ranges (offset and length) of the file to the same places in a local one.

        Raises:
            PartError: The file is another one by now, or cannot be had in parts.
            FetchError: As `HttpGate.get`, where that may pass.
        """
        descriptor = os.open(target, os.O_WRONLY)
        try:
            with ThreadPoolExecutor(self.gate.connections) as pool:
                for body, offset in pool.map(lambda wanted: (self._part(*wanted), wanted[0]), ranges):
                    os.pwrite(descriptor, body, offset)
        finally:
            os.close(descriptor)

    def _part(self, offset: int, length: int) -> bytes:
        last = offset + length - 1
        if last < len(self.head):
            return self.head[offset : last + 1]
        headers = _PLAIN | {"Range": f"bytes={offset}-{last}"}
        try:
            response = self.gate.get(self.url, headers=headers, max_bytes=length)
        except FetchError as trouble:
            if trouble.passing:
                raise
            raise PartError(trouble.message, where=trouble.where) from trouble
        match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        right = match is not None and (int(match[1]), int(match[2])) == (offset, last) and len(response.body) == length
        if not right or match is None or self._is_another(_version(response, int(match[3]))):
            message = "the file changed, or the server sent another part than asked for"
            raise PartError(message, where=redact(self.url), hint="the next build tries again")
        return response.body

    def _is_another(self, met: Version) -> bool:
        """Tell whether a part is of another version; what the server says otherwise with each answer tells nothing."""
        if self.version.differs(met):
            again = version_of(self.gate, self.url)
            if met.differs(again):
                self.version = self.version.steady(met).steady(again)
        return self.version.differs(met)


def _version(response: Response, size: int | None) -> Version:
    return Version(size, response.headers.get("etag"), response.headers.get("last-modified"))
