"""Reads a published catalogue where it stands: over http(s), in a folder, or in an object store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import quote

from builder.errors import PublishError, UsageError
from builder.publish.stores import first_line, is_nowhere, open_store, told

DOCUMENT_LIMIT = 64 * 1024 * 1024
"""A document longer than this (bytes) is not read."""


class Unreadable(PublishError):
    """An object could not be read; the message says why."""

    code = "unreadable"


class Site(Protocol):
    """Where a catalogue is read from."""

    def read(self, path: str) -> bytes:
        """Return an object's bytes as a reader gets them.

        Raises:
            Unreadable: It is not there, or the server fails.
        """
        ...

    def digest(self, path: str, size: int) -> str:
        """Return the SHA-256 of an object, reading not much more than ``size`` bytes.

        Raises:
            Unreadable: It is not there, or the server fails.
        """
        ...

    def address(self, path: str) -> str | None:
        """Return an address that http can be spoken to; None for a folder."""
        ...


@dataclass(frozen=True)
class Website:
    """A catalogue behind http or https."""

    url: str
    session: Any

    def read(self, path: str) -> bytes:
        """Return the body, decoded."""
        return b"".join(self._chunks(path, DOCUMENT_LIMIT))

    def digest(self, path: str, size: int) -> str:
        """Hash the body as it arrives."""
        sum_ = sha256()
        for chunk in self._chunks(path, size):
            sum_.update(chunk)
        return sum_.hexdigest()

    def address(self, path: str) -> str:
        """Return the public address."""
        return f"{self.url}/{quote(path)}"

    def _chunks(self, path: str, limit: int) -> Iterator[bytes]:
        import requests

        try:
            with self.session.get(self.address(path), timeout=(10, 60), stream=True) as got:
                if not got.ok:
                    raise Unreadable(f"the server answers {got.status_code}", where=path)
                seen = 0
                for chunk in got.iter_content(1 << 16):
                    yield chunk
                    seen += len(chunk)
                    if seen > limit:
                        return
        except requests.RequestException as trouble:
            raise Unreadable(f"cannot be fetched: {type(trouble).__name__}", where=path) from trouble


@dataclass(frozen=True)
class Store:
    """A catalogue in a folder or an object store."""

    store: Any

    def read(self, path: str) -> bytes:
        """Return the object, uncompressed as a browser would."""
        from obstore.exceptions import BaseError

        from builder.publish.stores import read

        try:
            data = read(self.store, path)
        except (BaseError, OSError, EOFError) as trouble:
            raise Unreadable(f"cannot be read: {first_line(trouble)}", where=path) from trouble
        if data is None:
            raise Unreadable("is not there", where=path)
        return data

    def digest(self, path: str, size: int) -> str:
        """Hash the object; a large one as it arrives."""
        from obstore import get

        if size <= DOCUMENT_LIMIT:
            return sha256(self.read(path)).hexdigest()
        sum_ = sha256()
        try:
            for chunk in get(self.store, path).stream():
                sum_.update(chunk)
        except OSError as trouble:
            raise Unreadable(f"cannot be read: {first_line(trouble)}", where=path) from trouble
        return sum_.hexdigest()

    def address(self, path: str) -> str | None:
        """Return a signed address, valid for ten minutes; None for a folder."""
        from obstore import sign

        from builder.publish.stores import is_folder

        return None if is_folder(self.store) else str(sign(self.store, "GET", path, timedelta(minutes=10)))


@contextmanager
def open_site(url: str, endpoint: str | None = None) -> Iterator[Site]:
    """Open a published catalogue for reading.

    Raises:
        UsageError: The address is not understood.
    """
    if not url.startswith(("http://", "https://")):
        with told(url, "reading the target"):
            store = open_store(url, endpoint)
            if is_nowhere(store):
                raise UsageError("there is no such folder", where=url, hint="give what was published to")
            yield Store(store)
        return
    if endpoint:
        raise UsageError("--endpoint is for s3:// addresses", where=url, hint="leave it out")
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    with requests.Session() as session:
        again = Retry(total=4, backoff_factor=0.3, status_forcelist=[429, 502, 503, 504], raise_on_status=False)
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=again, pool_maxsize=32))
        yield Website(url.removesuffix("/").removesuffix("/catalog.json").removesuffix("/index.html"), session)
