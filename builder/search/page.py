"""Answers what the address of the search page asks, by the same index, rules and reads as the page."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any
from zlib import decompress

import numpy as np
import orjson

from builder.errors import FetchError, UsageError
from builder.index.blocks import ALL, BOUNDS, NONE, SOME, judged, meets
from builder.index.described import FACETS
from builder.index.encode import VERSION, Flags, mark_runs, marked, read_columns, read_places
from builder.index.words import PREFIX
from builder.search.asked import Asked

if TYPE_CHECKING:
    from builder.search.places import CatalogueFiles

HEAD = "search/index.json"
GAP = 4096
"""Bytes between two parts that are rather read than asked around."""

_AHEAD = (8, 32)
"""Blocks that are read at once: at first, and at most."""


class Index:
    """The index of one catalogue; ``read`` counts the bytes that were read of it, ``requests`` the reads.

    Raises:
        UsageError: The catalogue has no index, or one of another version.
    """

    def __init__(self, files: CatalogueFiles) -> None:
        try:
            head = next(iter(files.read([HEAD])))
        except (FileNotFoundError, FetchError) as trouble:
            raise UsageError("the catalogue has no search index", where=files.href(HEAD), hint="build it") from trouble
        self.head: dict[str, Any] = orjson.loads(head)
        if self.head.get("version") != VERSION:
            raise UsageError("the search index is of another version", where=files.href(HEAD), hint="build it anew")
        self.read, self.requests = len(head), 1
        self._file = files.open(f"search/{self.head['data']}")
        self._held: dict[str, dict[int, bytes]] = {"places": {}, "titles": {}}
        self._starts: dict[str, list[int]] = {}

    def close(self) -> None:
        """Close the data file."""
        self._file.close()

    def rows(self, asked: Asked) -> Flags:
        """Return which rows answer."""
        found = np.zeros(self.head["rows"], bool)
        for rows in self.settled(asked):
            found[rows] = True
        return found

    def ids(self, asked: Asked) -> Iterator[tuple[str, str]]:
        """Yield collection and id of what answers, in the order of the page; reads no further than is asked for."""
        size = self.head["block"]
        ends = [one["rows"][1] for one in self.head["collections"]]
        for rows in self.settled(asked):
            if len(rows):
                number = int(rows[0]) // size
                titles = orjson.loads(decompress(self.parts("titles", [number])[number]))
                for row in rows.tolist():
                    yield self.head["collections"][bisect_right(ends, row)]["id"], titles["id"][row % size]

    def settled(self, asked: Asked, most: float = math.inf) -> Iterator[Any]:
        """Yield for block after block the rows that answer; reads places only where bounds do not say it.

        Ends early where more than ``most`` bytes of places are there and more would have to be read.
        """
        found, size = self._candidates(asked), self.head["block"]
        if not found.any():
            return
        verdicts = self._verdicts(asked)
        verdicts[~np.logical_or.reduceat(found, np.arange(0, len(found), size))] = NONE
        open_, ahead = np.flatnonzero(verdicts == SOME).tolist(), _AHEAD[0]
        done = 0
        for number in np.flatnonzero(verdicts != NONE).tolist():
            rows = np.flatnonzero(found[number * size : (number + 1) * size])
            if verdicts[number] == SOME:
                if number not in self._held["places"]:
                    if sum(map(len, self._held["places"].values())) > most:
                        return
                    self.parts("places", open_[done : done + ahead])
                    ahead = min(2 * ahead, _AHEAD[1])
                rows, done = rows[self._there(number, asked)[rows]], done + 1
            yield rows + number * size

    def _candidates(self, asked: Asked) -> Flags:
        """Return the rows that have all words and one value of each facet."""
        found = np.ones(self.head["rows"], bool)
        for word in asked.words:
            found &= self._having(word)
        for name, values in asked.chosen.items():
            either = np.zeros(len(found), bool)
            for value in values:
                either |= self._of_shelf(name, value) if name not in FACETS else self._having(f":{name}:{value}")
            found &= either
        return found

    def _verdicts(self, asked: Asked) -> Any:
        place, length = self.head["blocks"]["bounds"]
        if asked.box is None and asked.period is None:
            return np.full(self._count, ALL, np.int8)
        return judged(read_columns(self._bytes(place, length), BOUNDS), asked.box, asked.period)

    @property
    def _count(self) -> int:
        return math.ceil(int(self.head["rows"]) / int(self.head["block"]))

    def _of_shelf(self, name: str, value: str) -> Flags:
        flags = np.zeros(self.head["rows"], bool)
        for one in self.head["collections"]:
            if one["id" if name == "collection" else "partner"] == value:
                flags[slice(*one["rows"])] = True
        return flags

    def _having(self, term: str) -> Flags:
        """Return the rows that have a value of a facet or a word; a long enough word also stands for longer ones."""
        first, at = self.head["words"]["first"], self.head["words"]["at"]
        marks = np.zeros(self.head["rows"] + 1, np.int32)
        page, beyond = bisect_right(first, term) - 1, bisect_right(first, term)
        if open_ := not term.startswith(":") and len(term) >= PREFIX:
            while beyond < len(first) and first[beyond].startswith(term):
                beyond += 1
        page = max(page, 0)
        data, sizes = self._bytes(at[page], at[beyond] - at[page]), np.diff(at[page : beyond + 1]).tolist()
        starts = [0, *accumulate(sizes)]
        pages = (orjson.loads(decompress(data[start:end])) for start, end in pairwise(starts))
        entries = [one for entries in pages for one in entries if one[0] == term or (open_ and one[0].startswith(term))]
        if entries:
            start = entries[0][2]
            lists = self._bytes(start, entries[-1][2] + entries[-1][3] - start)
            for _, _, place, length in entries:
                mark_runs(lists[place - start : place - start + length], marks)
        return marked(marks)

    def _there(self, number: int, asked: Asked) -> Flags:
        """Tell which rows of a block are where and when it is asked."""
        boxes, times = read_places(self.parts("places", [number])[number])
        found = np.ones(len(boxes), bool)
        if asked.box is not None:
            found &= meets(boxes, asked.box)
        if asked.period is not None:
            found &= (times[:, 0] <= asked.period[1]) & (times.sum(axis=1) >= asked.period[0])
        return found

    def parts(self, kind: str, numbers: Iterable[int]) -> dict[int, bytes]:
        """Return the ``places`` or ``titles`` of blocks, packed; those that lie together are read together."""
        held, starts = self._held[kind], self._starts_of(kind)
        together: list[list[int]] = []
        for number in (one for one in numbers if one not in held):
            if together and starts[number] - starts[together[-1][-1] + 1] <= GAP:
                together[-1].append(number)
            else:
                together.append([number])
        for several in together:
            start = starts[several[0]]
            data = self._bytes(start, starts[several[-1] + 1] - start)
            held |= {one: data[starts[one] - start : starts[one + 1] - start] for one in several}
        return held

    def _starts_of(self, kind: str) -> list[int]:
        if not self._starts:
            place, length = self.head["blocks"]["sizes"]
            sizes = read_columns(self._bytes(place, length), len(self._held)).tolist()
            for name, column in zip(self._held, sizes, strict=True):
                self._starts[name] = [self.head["blocks"][name] + before for before in (0, *accumulate(column))]
        return self._starts[kind]

    def _bytes(self, place: int, length: int) -> bytes:
        if not length:
            return b""
        self._file.seek(place)
        self.read, self.requests = self.read + length, self.requests + 1
        return self._file.read(length)
