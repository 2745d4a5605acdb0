"""Writes the index: what is near in time, extent and place lies together, in whatever order items come."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from hashlib import file_digest
from itertools import chain, repeat
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import orjson

from builder.geometry.polar import cells_of, hilbert, polar_bounds
from builder.index.blocks import BLOCK, block_bounds
from builder.index.described import FACETS, Shelf
from builder.index.encode import DEGREE, VERSION, Rows, columns_bytes, pack, places_bytes, runs_bytes
from builder.index.words import words_of
from builder.spool import Spool

PAGE = 256
"""Words in one page of the dictionary."""

MOST_VALUES = 300
"""Most values of a facet that the head lists; the most frequent ones."""

_FIELDS = itemgetter("id", "title", "own", "year", "box", "time", "terms")

_EXTENTS_KM = (500, 2000)
"""Places of less than the first extent lie in other blocks than wider ones, whose bounds would say little of them."""

_LONG_S = 92 * 86_400
"""So do items that last longer."""


class IndexWriter:
    """Takes the items of all collections; in memory are row numbers, boxes, times and ids, all else is on disk.

    Args:
        folder: Where scratch files may lie.
    """

    def __init__(self, folder: Path) -> None:
        self._spool = Spool(folder)
        self._boxes, self._times, self._years = array("i"), array("d"), array("h")
        self._names: list[str] = []
        self._shelves: list[str] = []
        self._of = array("I")
        self._terms = _Numbers()
        self._said, self._counts = array("I"), array("I")

    def add(self, collection: str, lines: Sequence[Mapping[str, Any]]) -> None:
        """Take in what `line_of` says of items of one collection."""
        if not self._shelves or self._shelves[-1] != collection:
            self._shelves.append(collection)
        ids, titles, own, years, boxes, times, terms = zip(*map(_FIELDS, lines), strict=True)
        self._of.extend(repeat(len(self._shelves) - 1, len(lines)))
        self._names += ids
        self._boxes.extend(chain.from_iterable(boxes))
        self._times.extend(chain.from_iterable(times))
        self._years.extend(years)
        self._spool.extend(zip(ids, titles, own, strict=True))
        self._said.extend(map(self._terms.__getitem__, chain.from_iterable(terms)))
        self._counts.extend(map(len, terms))

    def write(self, file: BinaryIO, shelves: Sequence[Shelf]) -> dict[str, Any]:
        """Write the data and return the head; the same items give the same bytes, whatever their order was.

        Args:
            file: Where the data go.
            shelves: All collections that items were added of.
        """
        shelves = sorted(shelves, key=lambda shelf: shelf.id)
        rank = {shelf.id: number for number, shelf in enumerate(shelves)}
        of = np.array([rank[name] for name in self._shelves], np.int64)[np.frombuffer(self._of, np.uint32)]
        order = self._order(of)
        starts = np.searchsorted(of[order], np.arange(len(shelves) + 1)).tolist()
        head: dict[str, Any] = {"version": VERSION, "rows": len(order), "block": BLOCK}
        head["collections"] = [_shelf_head(one, starts[i : i + 2]) for i, one in enumerate(shelves)]
        head["blocks"] = self._write_blocks(file, order)
        head |= self._write_terms(file, order, {one.id: starts[i : i + 2] for i, one in enumerate(shelves)}, shelves)
        return head

    def close(self) -> None:
        """Give the scratch file back."""
        self._spool.close()

    def _order(self, of: Rows) -> Rows:
        """Sort by collection, extent, year and part of it from late to early, place, and then by id."""
        boxes, times = self._columns(self._boxes, 4), self._columns(self._times, 2)
        years = np.array(self._years, np.int64)
        extent, along = _placed(boxes / DEGREE)
        kind = np.where(times[:, 1] > _LONG_S, len(_EXTENTS_KM) + 1, extent)
        ids = sorted(range(len(self._names)), key=self._names.__getitem__)
        by_id = np.empty(len(ids), np.int64)
        by_id[ids] = np.arange(len(ids))
        parts = _parts(of * 10 + kind, years, times[:, 0])
        return np.lexsort((by_id, along, parts, -years, kind, of))

    def _columns(self, values: array[Any], width: int) -> Any:
        return np.array(values).reshape(-1, width)

    def _write_blocks(self, file: BinaryIO, order: Rows) -> dict[str, Any]:
        boxes, times = self._columns(self._boxes, 4), self._columns(self._times, 2)
        parts = [order[first : first + BLOCK] for first in range(0, len(order), BLOCK)]
        places_at = file.tell()
        sizes = [[file.write(places_bytes(boxes[rows], times[rows])) for rows in parts]]
        titles_at = file.tell()
        sizes.append([file.write(self._titles(rows)) for rows in parts])
        bounds = [block_bounds(boxes[rows], times[rows]) for rows in parts]
        found: dict[str, Any] = {"places": places_at, "titles": titles_at}
        for name, columns in (("sizes", np.array(sizes)), ("bounds", np.array(bounds).T)):
            found |= {name: [file.tell(), file.write(columns_bytes(columns))]}
        return found

    def _titles(self, rows: Rows) -> bytes:
        ids, titles, own = zip(*map(orjson.loads, self._spool.lines(rows.tolist()).splitlines()), strict=True)
        columns = {"id": ids, "title": titles, "own": [number for number, one in enumerate(own) if one]}
        return pack(orjson.dumps(columns))

    def _write_terms(
        self, file: BinaryIO, order: Rows, ranges: Mapping[str, Sequence[int]], shelves: Sequence[Shelf]
    ) -> dict[str, Any]:
        rows_of = self._rows_by_term(order)
        shared: dict[str, list[Sequence[int]]] = {}
        for shelf in shelves:
            for word in set(words_of(shelf.text)):
                shared.setdefault(word, []).append(ranges[shelf.id])
        entries = []
        for term in sorted(rows_of.keys() | shared.keys()):
            found = rows_of.get(term, np.empty(0, np.int64))
            if term in shared:
                found = _with_ranges(found, shared[term], len(order))
            place = file.tell()
            entries.append((term, len(found), place, file.write(runs_bytes(found))))
        return {"facets": _facets(entries), "words": _write_dictionary(file, entries)}

    def _rows_by_term(self, order: Rows) -> dict[str, Rows]:
        """Return the ascending rows of each term; facets, which have a colon within, begin with one."""
        row_of = np.empty(len(order), np.int64)
        row_of[order] = np.arange(len(order))
        pairs = np.array(self._said, np.int64) * max(1, len(order)) + np.repeat(
            row_of, np.array(self._counts, np.int64)
        )
        pairs.sort()
        terms, rows = np.divmod(pairs, max(1, len(order)))
        parts = np.split(rows, np.searchsorted(terms, np.arange(1, len(self._terms))))
        named = (f":{term}" if ":" in term else term for term in self._terms)
        return dict(zip(named, parts, strict=False))


class _Numbers(dict[str, int]):
    """Gives each word the next number when it is first asked for."""

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


def _with_ranges(rows: Rows, ranges: Sequence[Sequence[int]], count: int) -> Rows:
    """Return the rows that are named or lie in a range, ascending."""
    wanted = np.zeros(count, bool)
    wanted[rows] = True
    for start, end in ranges:
        wanted[start:end] = True
    return np.flatnonzero(wanted)


def _placed(boxes: npt.NDArray[np.float64]) -> tuple[Rows, Rows]:
    """Return for each box the class of its extent, and how far along a Hilbert curve it lies.

    The curve runs through polar space; for wide boxes, the middle of which says little, through degrees.
    """
    west, south, width, height = boxes.T
    bounds = polar_bounds(
        np.column_stack([west, south, west + np.where(width < 0, width + 360.0, width), south + height])
    )
    extent = np.digitize((bounds[:, 2:] - bounds[:, :2]).max(axis=1), _EXTENTS_KM)
    column, row = cells_of(bounds)
    x, y = (np.clip((side + half) * 45, 0, 2**14 - 1).astype(np.int64) for side, half in ((west, 180), (south, 90)))
    return extent, hilbert(np.where(extent, x, column), np.where(extent, y, row), bits=14)


def _parts(of: Rows, years: Rows, starts: npt.NDArray[np.float64]) -> Rows:
    """Return in which part of its year each row starts, the last part first.

    A year has so many parts, at most 12, as its blocks would have along each side of a cube.
    """
    _, number, count = np.unique(of * 20_000 + years, return_inverse=True, return_counts=True)
    parts = np.clip(np.cbrt(count / BLOCK).round(), 1, 12).astype(np.int64)
    month = starts.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64) % 12
    part: Rows = (11 - month) * parts[number] // 12
    return part


def _shelf_head(shelf: Shelf, rows: list[int]) -> dict[str, Any]:
    return {
        "id": shelf.id, "title": shelf.title, "partner": shelf.partner,
        "partner_title": shelf.partner_title, "rows": rows,
    }  # fmt: skip


def _facets(entries: Sequence[tuple[str, int, int, int]]) -> dict[str, list[tuple[str, int, int, int]]]:
    found: dict[str, list[tuple[str, int, int, int]]] = {name: [] for name in FACETS}
    for term, *place in entries:
        _, colon, facet = term.partition(":")
        name, _, value = facet.partition(":")
        if colon:
            found[name].append((value, place[0], place[1], place[2]))
    for values in found.values():
        values.sort(key=lambda one: (-one[1], one[0]))
        del values[MOST_VALUES:]
    return found


def _write_dictionary(file: BinaryIO, entries: Sequence[tuple[str, int, int, int]]) -> dict[str, Any]:
    at, first = [file.tell()], []
    for start in range(0, len(entries), PAGE):
        page = entries[start : start + PAGE]
        first.append(page[0][0])
        at.append(at[-1] + file.write(pack(orjson.dumps(page))))
    return {"first": first, "at": at}


def write_index(writer: IndexWriter, shelves: Sequence[Shelf], scratch: Path) -> Iterator[tuple[str, Path | bytes]]:
    """Yield the files of the index: the data, named after their content, and then the head that names them."""
    data = scratch / "search-index"
    with data.open("w+b") as file:
        head = writer.write(file, shelves)
        file.seek(0)
        head["data"] = f"index-{file_digest(file, 'sha256').hexdigest()[:8]}.bin"
    writer.close()
    yield f"search/{head['data']}", data
    yield "search/index.json", orjson.dumps(head)
