"""Answers what the address of the search page asks, by the same index and the same rules as the page."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from zlib import decompress

import numpy as np
import orjson

from builder.errors import FetchError, UsageError
from builder.index.blocks import Query, meets, within
from builder.index.described import FACETS
from builder.index.encode import DEGREE, Flags, read_places, read_runs
from builder.index.words import words_of
from builder.search.period import interval

if TYPE_CHECKING:
    from builder.search.places import CatalogueFiles

HEAD = "search/index.json"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHOICES = (*FACETS, "collection", "partner")


@dataclass(frozen=True)
class Asked:
    """What the address of the search page asks.

    Attributes:
        words: All of which the item has.
        chosen: Facet → values, one of which the item has.
        box: West, south, width and north in 1/`DEGREE` degrees.
        period: First and last second since 1970.
    """

    words: tuple[str, ...] = ()
    chosen: dict[str, tuple[str, ...]] = field(default_factory=dict)
    box: Query | None = None
    period: tuple[float, float] | None = None


def asked_of(address: str) -> Asked:
    """Read an address of the search page, or what stands behind its question mark.

    Raises:
        UsageError: A box or a time cannot be understood.
    """
    given = parse_qs(address.rpartition("?")[2].partition("#")[0])
    box, time = given.get("bbox", [""])[0], given.get("time", [""])[0]
    period = None
    if time.strip(" /."):
        first, last = interval(time)
        period = ((first - _EPOCH) / timedelta(seconds=1), (last - _EPOCH) / timedelta(seconds=1))
    chosen = {name: tuple(given[name]) for name in _CHOICES if name in given}
    words = tuple(dict.fromkeys(words_of(" ".join(given.get("q", ())))))
    return Asked(words, chosen, _box(box) if box else None, period)


def _box(text: str) -> Query:
    try:
        west, south, east, north = (round(float(number) * DEGREE) for number in text.split(","))
    except (ValueError, OverflowError) as trouble:
        raise UsageError(f"bbox {text!r} is not four numbers with commas between") from trouble
    if not -90 * DEGREE <= south <= north <= 90 * DEGREE or max(abs(west), abs(east)) > 180 * DEGREE:
        raise UsageError(
            f"bbox {text!r} is not on the globe", hint="west, south, east, north; west > east crosses ±180°"
        )
    return west, south, east - west if east >= west else east - west + 360 * DEGREE, north


class Index:
    """The index of one catalogue; ``read`` counts the bytes that were read of it.

    Raises:
        UsageError: The catalogue has no index.
    """

    def __init__(self, files: CatalogueFiles) -> None:
        try:
            head = next(iter(files.read([HEAD])))
        except (FileNotFoundError, FetchError) as trouble:
            raise UsageError("the catalogue has no search index", where=files.href(HEAD), hint="build it") from trouble
        self.head: dict[str, Any] = orjson.loads(head)
        self.read = len(head)
        self._file = files.open(f"search/{self.head['data']}")

    def close(self) -> None:
        """Close the data file."""
        self._file.close()

    def rows(self, asked: Asked) -> Flags:
        """Return which rows answer."""
        found = np.ones(self.head["rows"], bool)
        for word in asked.words:
            found &= self._having(word)
        for name, values in asked.chosen.items():
            either = np.zeros(len(found), bool)
            for value in values:
                either |= self._of_shelf(name, value) if name not in FACETS else self._having(f"{name}:{value}")
            found &= either
        if asked.box is not None or asked.period is not None:
            for number in range(len(self.head["blocks"]["places"]) - 1):
                rows = slice(number * self.head["block"], (number + 1) * self.head["block"])
                if found[rows].any():
                    found[rows] &= self._in_block(number, asked)
        return found

    def ids(self, asked: Asked) -> Iterator[tuple[str, str]]:
        """Yield collection and id of what answers, in the order of the page."""
        rows, size = np.flatnonzero(self.rows(asked)), self.head["block"]
        ends = [one["rows"][1] for one in self.head["collections"]]
        for number in np.unique(rows // size).tolist():
            titles = orjson.loads(self._part(self.head["blocks"]["titles"], number))
            for row in rows[rows // size == number].tolist():
                yield self.head["collections"][bisect_right(ends, row)]["id"], titles["id"][row % size]

    def _of_shelf(self, name: str, value: str) -> Flags:
        flags = np.zeros(self.head["rows"], bool)
        for one in self.head["collections"]:
            if one["id" if name == "collection" else "partner"] == value:
                flags[slice(*one["rows"])] = True
        return flags

    def _having(self, term: str) -> Flags:
        """Return the rows that have a word or a value of a facet."""
        words = self.head["words"]
        page = bisect_right(words["first"], term) - 1
        entries = orjson.loads(self._part(words["at"], page)) if page >= 0 else ()
        for word, _, place, length in entries:
            if word == term:
                return read_runs(self._bytes(place, length), self.head["rows"])
        return np.zeros(self.head["rows"], bool)

    def _in_block(self, number: int, asked: Asked) -> Any:
        """Tell which rows of a block are where and when it is asked; bounds often say it without reading the places."""
        verdicts = list(self._judged(number, asked))
        if False in verdicts or None not in verdicts:
            return False not in verdicts
        boxes, times = read_places(self._part(self.head["blocks"]["places"], number, packed=True))
        found = np.ones(len(boxes), bool)
        if asked.box is not None:
            found &= meets(boxes, asked.box)
        if asked.period is not None:
            found &= (times[:, 0] <= asked.period[1]) & (times.sum(axis=1) >= asked.period[0])
        return found

    def _judged(self, number: int, asked: Asked) -> Iterator[bool | None]:
        """Yield for place and time whether all rows of a block answer, or none; None where its bounds do not say."""
        west, width, south, north, first, last, unplaced = (bound[number] for bound in self.head["blocks"]["bounds"])
        if asked.box is not None:
            around = np.array([[west, south, width, north - south]]) * DEGREE
            whole = unplaced == 0 and bool(within(around, asked.box)[0])
            yield True if whole else None if width >= 0 and meets(around, asked.box)[0] else False
        if asked.period is not None:
            start, end = asked.period
            whole = first * 86_400 >= start and last * 86_400 <= end
            yield True if whole else None if last * 86_400 >= start and first * 86_400 <= end else False

    def _part(self, at: Sequence[int], number: int, *, packed: bool = False) -> bytes:
        data = self._bytes(at[number], at[number + 1] - at[number])
        return data if packed else decompress(data)

    def _bytes(self, place: int, length: int) -> bytes:
        self._file.seek(place)
        self.read += length
        return self._file.read(length)
