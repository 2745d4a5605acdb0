"""The published files as their manifest names them, read where it lies, each with a mark for what becomes of it."""

from __future__ import annotations

import os
import re
import tempfile
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from builder.manifest import HEAD, MANIFEST, TAIL, Published, damaged, manifest_lines, rows

BLOCK = 16
"""Lines that are parsed together."""

NEAR = 4
"""Blocks that are parsed together where many files are asked for."""

BLOCKS = 64
"""Blocks that are copied together."""

LEFT, KEPT, REPLACED = range(3)
"""Nobody has wanted it; wanted as it is; wanted with other bytes."""

LAST = "\U0010ffff"
"""Comes after all paths."""

_FIELDS = {"sha256", "size", "type"}
_NOT_KEPT = re.compile(b"[^%c]" % KEPT)
_SAID = itemgetter("sha256", "size", "type")

Known = tuple[int, Published]
"""How many published files come before one, sorted by path, and what the manifest says of it."""


class Register:
    """The files of a published folder by path; in memory are a byte for each, and one path in `BLOCK`.

    Args:
        target: The published folder.
        scratch: Where a manifest that was not written line by line is copied to.

    Attributes:
        marks: One of `LEFT`, `KEPT` and `REPLACED` for each file, sorted by path.

    Raises:
        UsageError: The manifest is damaged, or the folder holds files but no manifest.
    """

    def __init__(self, target: Path, scratch: Path) -> None:
        self._firsts: list[str] = []
        self._starts = array("Q", [len(HEAD)])
        self.marks = bytearray()
        self._block = lru_cache(maxsize=64)(self._numbered)
        if not (target / MANIFEST).exists():
            next(rows(target), None)  # refuses a folder of strangers
            return
        try:
            self._file = _lined(target, scratch)
            self._read()
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as trouble:
            raise damaged(target) from trouble

    def find(self, path: str) -> Known | None:
        """Return what is known of a published file, or None."""
        number = bisect_right(self._firsts, path) - 1
        found = None if number < 0 else self._block(number).get(path)
        return found and (found[0], Published._make(_SAID(found[1])))

    def same(self, files: Mapping[str, str]) -> list[tuple[str, int, int]] | None:
        """Return path, position and size of files, given as path and SHA-256.

        None if one is not published so, or is replaced.
        """
        found: list[tuple[str, int, int]] = []
        some: Mapping[str, tuple[int, Any]] = {}
        end = ""
        for path in sorted(files):
            if path >= end:
                number = max(0, bisect_right(self._firsts, path) - 1)
                some = self._numbered(number, NEAR)
                end = self._firsts[number + NEAR] if number + NEAR < len(self._firsts) else LAST
            position, said = some.get(path, (0, None))
            if said is None or said["sha256"] != files[path] or self.marks[position] == REPLACED:
                return None
            found.append((path, position, said["size"]))
        return found

    def before(self, path: str) -> int:
        """Count the published files that come before a path."""
        number = max(0, bisect_right(self._firsts, path) - 1)
        return number * BLOCK + bisect_left(list(self._block(number)), path) if self._firsts else 0

    def files(self, first: int, end: int) -> Iterator[tuple[str, int, Published]]:
        """Yield path, position and what is known of the files from one position to another."""
        for number in _blocks(first, end):
            for path, (position, said) in self._numbered(number).items():
                if first <= position < end:
                    yield path, position, Published._make(_SAID(said))

    def marked(self, mark: int) -> Iterator[str]:
        """Yield the paths with a mark, sorted."""
        position = self.marks.find(mark)
        while position >= 0:
            yield self._path(position)
            position = self.marks.find(mark, position + 1)

    def lines(self, first: int, end: int) -> Iterator[bytes]:
        """Yield the lines of these files, many together, each with a comma behind it."""
        if first >= end:
            return
        breaks = self._starts[first // BLOCK + BLOCKS : end // BLOCK : BLOCKS]
        for start, stop in pairwise((self._start(first), *breaks, self._start(end))):
            lines = os.pread(self._file.fileno(), stop - start, start)
            yield lines.removesuffix(b"\n") + b",\n" if stop == self._starts[-1] else lines

    def kept_lines(
        self, first: int, end: int, new: Iterable[tuple[str, bytes]], left: Callable[[str], bytes] = lambda _: b""
    ) -> Iterator[bytes]:
        """Yield the lines of those of them that are kept, and others where they belong.

        Args:
            first: Position of the first file.
            end: Position after the last.
            new: Path and line of the others, sorted by path.
            left: Makes the line of a published file that is not kept; nothing by itself.
        """
        for path, line in new:
            place = self.before(path)
            yield from self._kept(first, place, left)
            yield line
            first = place + (place < end and self._path(place) == path)
        yield from self._kept(first, end, left)

    def _kept(self, first: int, end: int, left: Callable[[str], bytes]) -> Iterator[bytes]:
        """Yield the lines of these files, that of `left` for one that is not kept."""
        while first < end:
            other = _NOT_KEPT.search(self.marks, first, end)
            place = other.start() if other else end
            yield from self.lines(first, place)
            if other:
                yield left(self._path(place))
            first = place + 1

    def _path(self, position: int) -> str:
        """Return the path of a published file."""
        return next(islice(self._block(position // BLOCK), position % BLOCK, None))

    def _start(self, position: int) -> int:
        """Return where the line of a file begins; where all end behind the last."""
        if position == len(self.marks):
            return self._starts[-1]
        number, before = divmod(position, BLOCK)
        within = self._raw(number, number + 1).splitlines(keepends=True)[:before] if before else ()
        return self._starts[number] + sum(map(len, within))

    def _read(self) -> None:
        """Learn where each block begins."""
        before, ended = "", False
        while not ended and (lines := list(islice(self._file, BLOCK * BLOCKS))):
            ended = lines[-1] == TAIL
            del lines[len(lines) - ended :]
            entries = _entries(b"".join(lines))
            paths = list(entries)
            if len(paths) != len(lines) or paths != sorted(paths) or (paths and paths[0] <= before):
                raise KeyError("order")
            if not all(said.keys() == _FIELDS for said in entries.values()):
                raise KeyError("fields")
            self._firsts += paths[::BLOCK]
            for first in range(0, len(lines), BLOCK):
                self._starts.append(self._starts[-1] + sum(map(len, lines[first : first + BLOCK])))
            self.marks.extend(bytes(len(paths)))
            before = paths[-1] if paths else before
        if not ended or self._file.read(1):
            raise KeyError("end")

    def _raw(self, number: int, end: int) -> bytes:
        """Return the lines of blocks, from one number to another."""
        start = self._starts[number]
        return os.pread(self._file.fileno(), self._starts[end] - start, start).rstrip(b",\n") + b",\n"

    def _numbered(self, number: int, blocks: int = 1) -> dict[str, tuple[int, dict[str, Any]]]:
        """Return position and entry of each file in a block, or in some that follow each other."""
        end = min(number + blocks, len(self._firsts))
        entries = _entries(self._raw(number, end)) if number < end else {}
        return dict(zip(entries, enumerate(entries.values(), number * BLOCK), strict=True))


def _blocks(first: int, end: int) -> range:
    return range(first // BLOCK, -(-end // BLOCK)) if first < end else range(0)


def _entries(raw: bytes) -> dict[str, dict[str, Any]]:
    return cast("dict[str, dict[str, Any]]", orjson.loads(b"{" + raw.rstrip(b",\n") + b"}"))


def _lined(target: Path, scratch: Path) -> BinaryIO:
    """Open a manifest that has a line for each file, behind its head."""
    stream = (target / MANIFEST).open("rb")
    if stream.readline() == HEAD:
        return stream
    with stream:
        copy = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115  (lives as long as the register)
        copy.writelines(manifest_lines(sorted(rows(target))))
    copy.seek(len(HEAD))
    return cast("BinaryIO", copy)
