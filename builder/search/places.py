"""Where a catalogue is read from: a folder, or an address of which only the needed ranges are fetched."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import quote, urljoin

from builder.errors import UsageError
from builder.sources.http import HttpGate, origin_of
from builder.stac.layout import ROOT

AT_ONCE = 8
"""Items fetched at the same time."""

TAIL = 2**16
"""Bytes fetched with the first request: the footer of a table, and all of a small one."""

_TOTAL = re.compile(r"bytes \d+-\d+/(\d+)")


class CatalogueFiles(Protocol):
    """The files of one catalogue."""

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading here and there; raises `FileNotFoundError` or `FetchError`."""
        ...

    def read(self, paths: Iterable[str]) -> Iterator[bytes]:
        """Yield the content of files, in order."""
        ...

    def href(self, path: str) -> str:
        """Return the address of a file."""
        ...


def files_of(href: str) -> CatalogueFiles:
    """Return the files of the catalogue in a folder or at an http(s) address, with or without ``catalog.json``."""
    base = href.removesuffix(ROOT).rstrip("/")
    if href.startswith(("http://", "https://")):
        return _Remote(f"{base}/")
    folder = Path(base or ("/" if href.startswith("/") else "."))
    if not folder.is_dir():
        raise UsageError("there is no such folder", where=str(folder), hint="give the folder or address of a catalogue")
    return _Folder(folder)


class _Folder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def open(self, path: str) -> BinaryIO:
        return (self.folder / path).open("rb")

    def read(self, paths: Iterable[str]) -> Iterator[bytes]:
        return ((self.folder / path).read_bytes() for path in paths)

    def href(self, path: str) -> str:
        return str(self.folder / path)


class _Remote:
    def __init__(self, base: str) -> None:
        self.base = base
        secure = "https://" if base.startswith("https:") else ""
        self.gate = HttpGate([f"{secure}{origin_of(base)}"], delay_s=0)

    def open(self, path: str) -> BinaryIO:
        return io.BufferedReader(_Ranges(self.gate, self.href(path)), 1)

    def read(self, paths: Iterable[str]) -> Iterator[bytes]:
        remaining = iter(paths)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while several := list(islice(remaining, AT_ONCE)):
                yield from pool.map(lambda path: self.gate.get(self.href(path)).body, several)

    def href(self, path: str) -> str:
        return urljoin(self.base, quote(path))


class _Ranges(io.RawIOBase):
    """A remote file of which ranges are fetched; its end comes with the first request.

    A server that knows no ranges sends all at once, and is asked no more.
    """

    def __init__(self, gate: HttpGate, url: str) -> None:
        super().__init__()
        self.gate, self.url, self.place = gate, url, 0
        answer = gate.get(url, headers={"Range": f"bytes=-{TAIL}", "Accept-Encoding": "identity"})
        total = _TOTAL.match(answer.headers.get("content-range", ""))
        self.size = int(total.group(1)) if answer.status == 206 and total else len(answer.body)
        self.tail = answer.body

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.size}[whence]
        return self.place

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._range(self.place, min(self.place + len(buffer), self.size))
        buffer[: len(data)] = data
        self.place += len(data)
        return len(data)

    def _range(self, start: int, end: int) -> bytes:
        kept = self.size - len(self.tail)
        if start >= kept or start >= end:
            return self.tail[max(0, start - kept) : max(0, end - kept)]
        asked = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        answer = self.gate.get(self.url, headers=asked)
        return answer.body if answer.status == 206 else answer.body[start:end]
