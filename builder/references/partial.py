"""A local file with holes that stands for a remote one: what is read is fetched first, in few large batches."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from builder.errors import UnreferenceableError
from builder.references.table import Range, coalesce

Fetch = Callable[[list[Range]], None]
"""Writes ranges of the remote file into the local one, all at once."""

BLOCK = 4096
GAP = 64 << 10
MOST = 4 << 20
AHEAD = 64 << 10
"""What a single small read fetches: HDF5's headers lie close together."""
MAX_BYTES = 64 << 20
"""Largest part of a file that is fetched this way."""


class PartialFile(io.RawIOBase):
    """A readable file object over a sparse copy; each block of 4 KiB is fetched once.

    Args:
        path: The sparse file, of the full size.
        fetch: Fills ranges of it.
    """

    def __init__(self, path: Path, fetch: Fetch) -> None:
        self._file = path.open("rb", buffering=0)
        self._fetch = fetch
        self.size = path.stat().st_size
        self._held = np.zeros(-(-self.size // BLOCK), bool)
        self._at = 0

    def ensure(self, ranges: Sequence[Range]) -> None:
        """Fetch those of the ranges that are not here yet.

        Raises:
            UnreferenceableError: Too much of the file would have been fetched.
        """
        wanted: list[Range] = []
        for offset, length in ranges:
            first, last = offset // BLOCK, min(-(-(offset + length) // BLOCK), len(self._held))
            if first >= last or self._held[first:last].all():
                continue
            self._held[first:last] = True
            wanted.append((first * BLOCK, min(last * BLOCK, self.size) - first * BLOCK))
        if int(self._held.sum()) * BLOCK > MAX_BYTES:
            raise UnreferenceableError("too many parts of the file are needed")
        if wanted:
            joined = coalesce(wanted, GAP, MOST)
            self._fetch(joined)
            for offset, length in joined:
                self._held[offset // BLOCK : -(-(offset + length) // BLOCK)] = True

    def ranges(self, ranges: Sequence[Range]) -> list[bytes]:
        """Read many ranges at once (`builder.references.table.Read`)."""
        self.ensure(ranges)
        return [os.pread(self._file.fileno(), length, offset) for offset, length in ranges]

    def readinto(self, buffer: object) -> int:
        """Fill a buffer from the current place."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        self.ensure([(self._at, max(len(view), AHEAD))])
        data = os.pread(self._file.fileno(), len(view), self._at)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the current place."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def tell(self) -> int:
        """Return the current place."""
        return self._at

    def readable(self) -> bool:
        """Reading is what it is for."""
        return True

    def seekable(self) -> bool:
        """Return True: any place can be read."""
        return True

    def close(self) -> None:
        """Close the local file."""
        self._file.close()
        super().close()
