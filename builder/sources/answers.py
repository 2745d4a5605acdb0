"""Keeps what a partner has answered: to go on with after an interruption, and to ask "still the same?" next time."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock
from typing import Any, Protocol

import orjson

from builder.sources.redact import redact

FOLDER = "answers"
MOST_BYTES = 512 * 2**20
"""Most bytes, as kept, that the answers of one collection may take."""

_HEADERS = ("content-type", "content-length", "etag", "last-modified")


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer: the final URL after redirects, status, headers (lower-case names) and decoded body."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def validators(self) -> dict[str, str]:
        """Headers that ask whether this answer still stands (RFC 9110 section 13.1)."""
        named = (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified"))
        return {ask: self.headers[told] for ask, told in named if self.headers.get(told)}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as its answer depends on it."""

    method: str
    url: str
    headers: Mapping[str, str]
    data: bytes | None = None

    @property
    def key(self) -> str:
        """Digest that names the answer."""
        accept = self.headers.get("Accept", "")
        return sha256(b"\0".join((f"{self.method} {self.url} {accept}".encode(), self.data or b""))).hexdigest()


class Shelf(Protocol):
    """Where answers are kept: what is written survives the end of the process."""

    def read(self, name: str) -> bytes | None:
        """Return what is kept under a name, or None."""

    def keep(self, name: str, data: bytes) -> None:
        """Keep bytes under a name at once and whole."""

    def drop(self, name: str) -> None:
        """Forget a name."""

    def kept(self, folder: str) -> list[str]:
        """Return the names kept below a folder, sorted."""


@dataclass
class Answers:
    """The answers of one collection's source.

    An answer of the pass that is under way is given out again once, without asking the partner:
    that is how an interrupted pass goes on. One of an earlier pass only serves to ask the partner
    whether it still stands. An entry that cannot be read back exactly is none.

    Args:
        shelf: Where they are kept.
        collection: Identifier of the collection.
        number: Name of the pass that is under way.
        doubt: Ask for everything anew, as if nothing were known of earlier passes.
    """

    shelf: Shelf
    collection: str
    number: str
    doubt: bool = False
    replayed: int = 0
    _given: set[str] = field(default_factory=set)
    _size: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def again(self, asked: Asked) -> Response | None:
        """Return what was answered before this pass was interrupted, once."""
        if asked.key in self._given:
            return None
        self._given.add(asked.key)
        found = self._read(asked)
        if found is None or found.number != self.number:
            return None
        with self._lock:
            self.replayed += 1
        return found.response

    def before(self, asked: Asked) -> Response | None:
        """Return the last known answer to a GET, if the partner can be asked whether it still stands."""
        if self.doubt or asked.method != "GET" or asked.data is not None:
            return None
        found = self._read(asked)
        return found.response if found and found.lasting else None

    def keep(self, asked: Asked, response: Response, *, understood: bool) -> None:
        """Keep an answer; one with a secret in it, or beyond the space there is, is not kept.

        Args:
            asked: The request.
            response: Its answer.
            understood: It was read without complaint. Only then may it outlast the pass: a server
                that sent half a document would confirm that half for ever.
        """
        self._given.add(asked.key)
        known = f"{asked.url} {response.url} {response.body.decode('utf-8', 'replace')}"
        if redact(known) != known:
            return
        packed = zlib.compress(response.body, 1)
        with self._lock:
            self._size += len(packed)
            full = self._size > MOST_BYTES
        if full:
            return
        head = {
            "pass": self.number,
            "understood": understood,
            "url": response.url,
            "status": response.status,
            "headers": {name: response.headers[name] for name in _HEADERS if name in response.headers},
            "sha256": sha256(response.body).hexdigest(),
        }
        self.shelf.keep(self._name(asked), orjson.dumps(head) + b"\n" + packed)

    def forget(self, asked: Asked) -> None:
        """Drop an answer that turned out to be of no use."""
        self.shelf.drop(self._name(asked))

    def conclude(self) -> None:
        """Keep only answers of this pass that can be asked for again by their validators."""
        for name in self.shelf.kept(f"{self.collection}/{FOLDER}"):
            found = _unpack(self.shelf.read(name) or b"")
            if found is None or found.number != self.number or not found.lasting:
                self.shelf.drop(name)

    def _name(self, asked: Asked) -> str:
        return f"{self.collection}/{FOLDER}/{asked.key[:2]}/{asked.key[2:]}"

    def _read(self, asked: Asked) -> _Entry | None:
        data = self.shelf.read(self._name(asked))
        return _unpack(data) if data is not None else None


@dataclass(frozen=True, slots=True)
class _Entry:
    number: str
    response: Response
    understood: bool

    @property
    def lasting(self) -> bool:
        """Whether it may serve a later pass."""
        return self.understood and self.response.status == 200 and bool(self.response.validators)


def _unpack(data: bytes) -> _Entry | None:
    """Read an entry back; None where it is damaged."""
    line, _, packed = data.partition(b"\n")
    try:
        head: dict[str, Any] = orjson.loads(line)
        body = zlib.decompress(packed)
        response = Response(head["url"], head["status"], head["headers"], body)
        whole = head["sha256"] == sha256(body).hexdigest()
        return _Entry(head["pass"], response, head["understood"]) if whole else None
    except (orjson.JSONDecodeError, zlib.error, KeyError, TypeError):
        return None
