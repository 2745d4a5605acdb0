"""The ledger of a collection as it lies on disk: looked up record by record, with a mark for each that a pass met."""

from __future__ import annotations

import os
import tempfile
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from functools import lru_cache
from itertools import islice
from operator import lt
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

import orjson

from builder.database import Database
from builder.ledger import Change, Entry, entry_of, is_gone, line_of

BLOCK = 32
"""Lines of which one identifier is in memory."""

UNMET, SAME, OTHER = range(3)
"""Not met in this pass; met as it was known; something else is to be said of it."""

_COPIED = 1 << 20
_NAMES = frozenset(Entry.__slots__)
_NEEDED = frozenset(Entry.__slots__[:5])
_EMPTY = (b'":null', b'":false', b'":[]')
_TABLE = "CREATE TABLE ledger (identifier TEXT PRIMARY KEY, line BLOB) WITHOUT ROWID"


class Known:
    """What is known of the records of a collection; in memory are a byte for each, and one identifier in `BLOCK`.

    The first line of the file holds the number of the run that last changed something, each other
    one an entry, sorted by identifier.

    Args:
        file: The ledger; None where there is none yet.
        scratch: Where a ledger that people have edited is copied to, as it would have been written.

    Attributes:
        run: Number of the run that last changed something.
        live: How many records are not withdrawn.
        marks: One of `UNMET`, `SAME` and `OTHER` for each record.

    Raises:
        ValueError: The file is damaged; or a KeyError or TypeError.
    """

    def __init__(self, file: Path | None, scratch: Path) -> None:
        self._block = lru_cache(maxsize=64)(self._raw)
        with ExitStack() as opened:
            self._file: IO[bytes] = opened.enter_context((file or Path(os.devnull)).open("rb"))
            self.run = run_of(self._file.readline())
            if not self._read():
                self._file = opened.enter_context(_arranged(self._file, scratch))
                self._read(trusted=True)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        """Keep the file open until the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, what: object, trace: TracebackType | None) -> None:
        """Close the file."""
        self._opened.close()

    def find(self, identifier: str) -> tuple[int, Entry] | None:
        """Return the position of a record and its entry, or None."""
        number = self._number(identifier)
        raw = self._block(number)
        start, end = _span(raw, identifier)
        return (number * BLOCK + raw.count(b"\n", 0, start), entry_of(raw[start:end])) if end else None

    def unmet(self) -> Iterator[tuple[int, Entry]]:
        """Yield position and entry of the live records that have no mark, sorted by identifier."""
        first = self.marks.find(UNMET)
        while first >= 0:
            number = first // BLOCK
            for place, line in enumerate(self._block(number).splitlines(), number * BLOCK):
                if self.marks[place] == UNMET and not is_gone(line):
                    yield place, entry_of(line)
            first = self.marks.find(UNMET, (number + 1) * BLOCK)

    def after(self, run: int, changes: Iterable[Change]) -> Iterator[bytes]:
        """Yield the ledger as it is after a run.

        Args:
            run: Its number.
            changes: What it changed, sorted by identifier.
        """
        yield orjson.dumps({"run": run}) + b"\n"
        copied = self._starts[0]
        for change in changes:
            if change.entry is not None:
                number = self._number(change.identifier)
                raw = self._block(number)
                start, end = _span(raw, change.identifier)
                if not end:
                    start = end = _before(raw, change.identifier)
                yield from self._bytes(copied, self._starts[number] + start)
                yield line_of(change.entry)
                copied = self._starts[number] + end
        yield from self._bytes(copied, self._starts[-1])

    def _number(self, identifier: str) -> int:
        """Return the number of the block where a record is, or would be."""
        return max(0, bisect_right(self._firsts, identifier) - 1)

    def _raw(self, number: int) -> bytes:
        if number + 1 == len(self._starts):
            return b""
        start = self._starts[number]
        return os.pread(self._file.fileno(), self._starts[number + 1] - start, start)

    def _bytes(self, start: int, end: int) -> Iterator[bytes]:
        for place in range(start, end, _COPIED):
            yield os.pread(self._file.fileno(), min(_COPIED, end - place), place)

    def _read(self, *, trusted: bool = False) -> bool:
        """Learn where each block begins; False where a line is not as we write it."""
        self._firsts: list[str] = []
        self._starts = array("Q", [self._file.tell()])
        self.marks = bytearray()
        self.live = 0
        before = ""
        while lines := list(islice(self._file, BLOCK)):
            raw = b"".join(lines)
            names, written = _names(raw)
            if not trusted and not (written and (before < names[0] or not self._firsts)):
                return False
            self._firsts.append(names[0])
            self._starts.append(self._starts[-1] + len(raw))
            self.marks.extend(bytes(len(names)))
            self.live += len(names) - raw.count(b'"gone":true')
            before = names[-1]
        return True


def run_of(line: bytes) -> int:
    """Return the number in the first line of a ledger; 0 where there is none."""
    return int(orjson.loads(line or b'{"run":0}')["run"])


def _names(raw: bytes) -> tuple[list[str], bool]:
    """Return the identifiers of lines, and whether the lines are surely as we write them."""
    text = _array(raw)
    entries = orjson.loads(text)
    names = [entry["identifier"] for entry in entries]
    fields = set(map(tuple, entries))
    if not all(_NEEDED <= set(some) <= _NAMES for some in fields) or not all(isinstance(name, str) for name in names):
        raise KeyError("fields")
    written = orjson.dumps(entries, option=orjson.OPT_SORT_KEYS) == text and len(names) == raw.count(b"\n")
    ordered = all(map(lt, names, names[1:]))
    return names, written and ordered and not any(empty in raw for empty in _EMPTY)


def _array(raw: bytes) -> bytes:
    """Make one JSON array of lines."""
    return b"[%b]" % raw.rstrip(b"\n").replace(b"\n", b",")


def _span(raw: bytes, identifier: str) -> tuple[int, int]:
    """Return where the line of a record begins and ends; 0 and 0 where there is none."""
    found = raw.find(b'"identifier":%b,' % orjson.dumps(identifier))
    return (raw.rfind(b"\n", 0, found) + 1, raw.find(b"\n", found) + 1) if found >= 0 else (0, 0)


def _before(raw: bytes, identifier: str) -> int:
    """Return where the line of a record would begin."""
    names = [entry["identifier"] for entry in orjson.loads(_array(raw))]
    return sum(map(len, raw.splitlines(keepends=True)[: bisect_right(names, identifier)]))


def _arranged(edited: IO[bytes], scratch: Path) -> IO[bytes]:
    """Copy a ledger in the order and the way in which we write it; of two lines of one record the last holds."""
    edited.seek(0)
    head = edited.readline()
    with closing(Database(scratch, _TABLE)) as base:
        for entry in map(entry_of, edited):
            base.ask("INSERT OR REPLACE INTO ledger VALUES (?, ?)", (entry.identifier, line_of(entry)))
        copy = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115  (closed with the ledger)
        copy.write(head)
        copy.writelines(line for (line,) in base.ask("SELECT line FROM ledger ORDER BY identifier"))
    copy.seek(len(head))
    return cast("IO[bytes]", copy)
