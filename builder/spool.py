"""A list of JSON values that lies on disk: as many as there are, in the memory of one."""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, repeat
from pathlib import Path
from typing import Any, overload

import orjson

WINDOW = 1 << 16
"""Bytes that are read together where values are asked for in their order."""


class Spool(Sequence[Any]):
    """Grows at its end and is read anywhere.

    Args:
        folder: Where the scratch file may lie; it has no name and goes with the process.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (lives as long as the list)
        self._ends = array("Q", [0])
        self._held = False
        self._first, self._window = 0, b""

    def __len__(self) -> int:
        """Count the values."""
        return len(self._ends) - 1

    def append(self, value: Any) -> None:
        """Add one value at the end."""
        self.put([orjson.dumps(value)])

    def extend(self, values: Iterable[Any]) -> None:
        """Add values at the end."""
        self.put([orjson.dumps(value) for value in values])

    def put(self, texts: Sequence[bytes]) -> None:
        """Add values at the end that are JSON text already."""
        self._held = True
        self._file.writelines(chain.from_iterable(zip(texts, repeat(b"\n"))))
        self._ends.extend(accumulate((len(text) + 1 for text in texts), initial=self._ends.pop()))

    @overload
    def __getitem__(self, place: int) -> Any: ...

    @overload
    def __getitem__(self, place: slice) -> list[Any]: ...

    def __getitem__(self, place: int | slice) -> Any:
        """Return one value or several."""
        if isinstance(place, slice):
            return list(orjson.loads(b"[%b]" % b",".join(map(self._raw, range(*place.indices(len(self)))))))
        return orjson.loads(self._raw(range(len(self))[place]))

    def lines(self, places: Iterable[int]) -> bytes:
        """Return values as NDJSON, in the order asked for."""
        return b"".join(map(self._raw, places))

    def close(self) -> None:
        """Give the scratch file back."""
        self._file.close()

    def _raw(self, place: int) -> bytes:
        if self._held:
            self._file.flush()
            self._held = False
        start, size = self._ends[place], self._ends[place + 1] - self._ends[place]
        at, last = start - self._first, len(self._window)
        if not 0 <= at <= last - size:
            reading_on = 0 <= at < last + WINDOW
            self._window = os.pread(self._file.fileno(), max(size, WINDOW if reading_on else 0), start)
            self._first, at = start, 0
        return self._window[at : at + size]
