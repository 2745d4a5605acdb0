"""Writes the index: items come in any order, rows lie by collection, year and place, so that answers are few runs."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson

from builder.geometry.polar import hilbert, polar_bounds
from builder.index.blocks import BLOCK, block_bounds
from builder.index.described import FACETS, Shelf
from builder.index.encode import DEGREE, Rows, pack, places_bytes, runs_bytes
from builder.index.words import words_of
from builder.spool import Spool

VERSION = 1
PAGE = 256
"""Words in one page of the dictionary."""

MOST_VALUES = 300
"""Most values of a facet that the head lists; the most frequent ones."""

_CELLS_KM = 13_000


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
        self._terms: dict[str, array[int]] = {}

    def add(self, collection: str, line: Mapping[str, Any]) -> None:
        """Take in what `line_of` says of an item."""
        number = len(self._names)
        if not self._shelves or self._shelves[-1] != collection:
            self._shelves.append(collection)
        self._of.append(len(self._shelves) - 1)
        self._names.append(line["id"])
        self._boxes.extend(line["box"])
        self._times.extend(line["time"])
        self._years.append(line["year"])
        self._spool.append({name: line[name] for name in ("id", "title", "own")})
        for term in line["terms"]:
            self._terms.setdefault(term, array("I")).append(number)

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
        """Sort by collection, latest year first, along a Hilbert curve through polar space, then by id."""
        west, south, width, height = self._columns(self._boxes, 4).T / DEGREE
        bounds = polar_bounds(np.column_stack([west, south, west + width % 360.0, south + height]))
        column, row = np.clip(((bounds[:, :2] + bounds[:, 2:]) // 2 + _CELLS_KM) // 2, 0, 2**14 - 1).T
        ids = sorted(range(len(self._names)), key=self._names.__getitem__)
        by_id = np.empty(len(ids), np.int64)
        by_id[ids] = np.arange(len(ids))
        return np.lexsort((by_id, hilbert(column, row, bits=14), -np.array(self._years, np.int64), of))

    def _columns(self, values: array[Any], width: int) -> Any:
        return np.array(values).reshape(-1, width)

    def _write_blocks(self, file: BinaryIO, order: Rows) -> dict[str, Any]:
        boxes, times = self._columns(self._boxes, 4), self._columns(self._times, 2)
        parts = [order[first : first + BLOCK] for first in range(0, len(order), BLOCK)]
        places = [file.tell()]
        for rows in parts:
            places.append(places[-1] + file.write(places_bytes(boxes[rows], times[rows])))
        titles = [file.tell()]
        for rows in parts:
            lines = [orjson.loads(line) for line in self._spool.lines(rows.tolist()).splitlines()]
            columns = {name: [line[name] for line in lines] for name in ("id", "title")}
            columns["own"] = [number for number, line in enumerate(lines) if line["own"]]
            titles.append(titles[-1] + file.write(pack(orjson.dumps(columns))))
        bounds = [block_bounds(boxes[rows], times[rows]) for rows in parts]
        return {"bounds": [list(column) for column in zip(*bounds, strict=True)], "places": places, "titles": titles}

    def _write_terms(
        self, file: BinaryIO, order: Rows, ranges: Mapping[str, Sequence[int]], shelves: Sequence[Shelf]
    ) -> dict[str, Any]:
        row_of = np.empty(len(order), np.int64)
        row_of[order] = np.arange(len(order))
        shared: dict[str, list[Sequence[int]]] = {}
        for shelf in shelves:
            for word in set(words_of(shelf.text)):
                shared.setdefault(word, []).append(ranges[shelf.id])
        entries = []
        for term in sorted(self._terms.keys() | shared.keys()):
            rows = [row_of[np.array(self._terms.get(term, ()), np.int64)]]
            rows += [np.arange(start, end) for start, end in shared.get(term, ())]
            found = np.unique(np.concatenate(rows))
            place = file.tell()
            entries.append((term, len(found), place, file.write(runs_bytes(found))))
        return {"facets": _facets(entries), "words": _write_dictionary(file, entries)}


def _shelf_head(shelf: Shelf, rows: list[int]) -> dict[str, Any]:
    return {
        "id": shelf.id, "title": shelf.title, "partner": shelf.partner,
        "partner_title": shelf.partner_title, "rows": rows,
    }  # fmt: skip


def _facets(entries: Sequence[tuple[str, int, int, int]]) -> dict[str, list[tuple[str, int, int, int]]]:
    found: dict[str, list[tuple[str, int, int, int]]] = {name: [] for name in FACETS}
    for term, *place in entries:
        name, colon, value = term.partition(":")
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
