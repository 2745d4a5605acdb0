"""Invented items of an index of any size, brute force over them, and what the search page reads at first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from builder.index.described import Shelf
from builder.index.writer import IndexWriter, write_index
from builder.search.asked import Asked
from builder.search.page import Index

TITLES = 20
LIMIT = 300 * 1024
"""Bytes until the first count and twenty titles are there."""

FIRST_PLACES = 96 * 1024
"""As in `site/src/search/answer.ts`."""

DEGREE = 1_000_000
SHIPS = [f"Ship {letter}{number}" for letter in "ABCDEF" for number in range(10)]
PARAMETERS = [f"quantity_{number:02d}_of_sea_water" for number in range(30)]
PLACES = ["fram", "barents", "kara", "laptev", "chukchi", "beaufort", "baffin", "greenland", "nansen", "amundsen"]
SHELVES = [
    Shelf(f"c{n:02d}", f"Collection {n}", f"p{n % 7}", f"Partner {n % 7}", f"Collection shared{n % 5}x")
    for n in range(40)
]


@dataclass(frozen=True)
class Items:
    """Columns of invented items; boxes as west, south, width, height in degrees, times as start and duration in s."""

    box: Any
    time: Any
    shelf: Any
    ship: Any
    parameter: Any
    place: Any
    rare: Any
    year: Any

    def __len__(self) -> int:
        return len(self.shelf)


def invent(count: int, seed: int = 20261127) -> Items:
    """Invent items of 40 collections of very different size: stations, boxes, rings and caps, also round the pole.

    Ships, parameters and words are spread at random, so that their lists of rows are as long as they can be.
    """
    chance = np.random.default_rng(seed)
    box = np.zeros((count, 4))
    kind = chance.choice(5, count, p=[0.7, 0.14, 0.08, 0.04, 0.04])
    south = 90 - 35 * np.sqrt(chance.random(count))
    box[:, 0] = (chance.random(count) * 360 - 180).round(4)
    box[:, 1] = np.where(kind > 2, south.round(), south.round(4))
    wide = np.choose(kind, [0, chance.random(count) * 3, chance.random(count) * 60, 360, 360])
    box[:, 2] = wide.round(4)
    high = np.choose(kind, [0, chance.random(count), chance.random(count) * 10, 5, 90])
    box[:, 3] = np.minimum(high.round(4), 90 - box[:, 1])
    box[kind > 2, 0] = -180
    box[: count // 100, 0] = chance.choice([-180, 180], count // 100)
    year = 1985 + (40 * np.sqrt(chance.random(count))).astype(int)
    start = (year - 1970).astype("datetime64[Y]").astype("datetime64[s]").astype(float)
    start += np.floor(chance.random(count) * 364 * 24) * 3600
    lasts = np.choose(chance.choice(4, count, p=[0.8, 0.15, 0.04, 0.01]), [0, 5 * 86400, 400 * 86400, 3e11])
    lasts = np.where(lasts == 3e11, 253402300799 - start, lasts * chance.random(count)).round()
    share = 1 / np.arange(1, 41)
    shelf = chance.choice(40, count, p=share / share.sum())
    ship = (60 * chance.random(count) ** 2).astype(int)
    parameter, place = (shelf + chance.integers(0, 4, count)) % 30, chance.integers(0, len(PLACES), count)
    return Items(
        box,
        np.column_stack([start, lasts]),
        shelf,
        ship,
        parameter,
        place,
        chance.integers(0, count, count) // 100,
        year,
    )


def line(items: Items, n: int) -> dict[str, Any]:
    """Return what `line_of` would say of an item."""
    ship, parameter, place = SHIPS[items.ship[n]], PARAMETERS[items.parameter[n]], PLACES[items.place[n]]
    terms = ["cast", "ship", ship[5:].lower(), *parameter.split("_"), place, "strait", f"variable:{parameter}"]
    terms += [f"platform:{ship}", f"year:{items.year[n]}", f"rare{items.rare[n]}x"]
    box = tuple(int(side) for side in np.round(items.box[n] * DEGREE))
    about = {"id": f"cast-{n:07d}", "title": f"Cast {n} of {ship} in {place.title()} Strait", "own": False}
    return about | {"year": int(items.year[n]), "box": box, "time": tuple(items.time[n].tolist()), "terms": terms}


def write(folder: Path, items: Items) -> Path:
    """Write the index of items into a folder."""
    writer = IndexWriter(folder)
    for number in range(len(items)):
        writer.add(SHELVES[items.shelf[number]].id, [line(items, number)])
    return finish(writer, folder)


def finish(writer: IndexWriter, folder: Path, shelves: Sequence[Shelf] = SHELVES) -> Path:
    """Write what was added to an index into a folder."""
    (folder / "search").mkdir(parents=True, exist_ok=True)
    for path, body in write_index(writer, shelves, folder):
        if isinstance(body, bytes):
            (folder / path).write_bytes(body)
        else:
            body.replace(folder / path)
    return folder


def meeting(items: Items, west: float, south: float, east: float, north: float) -> Any:
    """Tell which boxes meet a box, by intervals turned by whole circles; nothing of the index is used."""
    left, low, width, height = np.round(items.box * DEGREE).astype(np.int64).T
    west, south, east, north = (round(side * DEGREE) for side in (west, south, east, north))
    east = east if west <= east else east + 360 * DEGREE
    along = np.zeros(len(items), bool)
    for turn in (-360 * DEGREE, 0, 360 * DEGREE):
        along |= (left + turn <= east) & (left + turn + width >= west)
    if north == 90 * DEGREE:
        along |= low + height == north
    return along & (low <= north) & (low + height >= south)


def during(items: Items, first: str, beyond: str) -> Any:
    """Tell which items meet the time from a day to the one before which it ends."""
    start, end = (np.datetime64(day, "s").astype(float) for day in (first, beyond))
    return (items.time[:, 0] < end) & (items.time.sum(axis=1) >= start)


BOX, MONTH = (-20, 76, 15, 82), ("2012-08-01", "2012-09-01")
IN_BOX, IN_MONTH = "bbox=-20,76,15,82", "time=2012-08"

QUESTIONS: dict[str, tuple[str, Callable[[Items], Any]]] = {
    "word": ("q=fram", lambda items: items.place == 0),
    "words": ("q=fram+b3", lambda items: (items.place == 0) & (items.ship == 13)),
    "beginning of a word": ("q=beauf", lambda items: items.place == 5),
    "beginning of words on two pages": ("q=rare3", lambda items: np.char.startswith(items.rare.astype(str), "3")),
    "beginning of words on all pages": ("q=rare", lambda items: items.rare >= 0),
    "rare word": ("q=rare7x", lambda items: items.rare == 7),
    "word of a collection": ("q=shared3x", lambda items: items.shelf % 5 == 3),
    "facet": ("platform=Ship+E1", lambda items: items.ship == 41),
    "month": (IN_MONTH, lambda items: during(items, *MONTH)),
    "box": (IN_BOX, lambda items: meeting(items, *BOX)),
    "box at the pole": ("bbox=-180,88,180,90", lambda items: meeting(items, -180, 88, 180, 90)),
    "box across ±180°": ("bbox=170,68,-165,74", lambda items: meeting(items, 170, 68, -165, 74)),
    "box, word": (f"{IN_BOX}&q=fram", lambda items: meeting(items, *BOX) & (items.place == 0)),
    "box, facets": (
        f"{IN_BOX}&platform=Ship+E1&variable={PARAMETERS[12]}",
        lambda items: meeting(items, *BOX) & (items.ship == 41) & (items.parameter == 12),
    ),
    "box, month": (f"{IN_BOX}&{IN_MONTH}", lambda items: meeting(items, *BOX) & during(items, *MONTH)),
    "box, month, collection": (
        f"{IN_BOX}&{IN_MONTH}&collection=c00",
        lambda items: meeting(items, *BOX) & during(items, *MONTH) & (items.shelf == 0),
    ),
}
"""For each kind of question the address that asks it, and which items answer by brute force."""


def first_result(index: Index, asked: Asked) -> int:
    """Read what the page reads until it shows the first titles; return how many rows are shown.

    Where `FIRST_PLACES` bytes of places do not hold so many, fewer titles stand until the reader asks for more.
    """
    settled = index.settled(asked, most=FIRST_PLACES)
    rows = list(islice((row for several in settled for row in several.tolist()), TITLES + 1))[:TITLES]
    blocks = sorted({row // index.head["block"] for row in rows})
    index.parts("titles", blocks)
    index.parts("places", blocks)
    return len(rows)
