"""What the index keeps of one item: its words, its facets, its box and its time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from builder.index.encode import DEGREE
from builder.index.words import words_of

Json = Mapping[str, Any]
NOWHERE = (0, 0, -1, 0)
LINES = "search.ndjson"
"""What the state of a collection calls the lines of its items."""

FACETS = ("platform", "variable", "year")
"""Facets by value; collection and partner are ranges of rows."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BEGIN = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()
_END = (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH).total_seconds()


@dataclass(frozen=True, slots=True)
class Shelf:
    """One collection: what the index says of it, and the text that all its items share."""

    id: str
    title: str
    partner: str
    partner_title: str
    text: str = ""

    @property
    def folder(self) -> str:
        """Where its items lie."""
        return f"{self.partner}/{self.id}"


def line_of(stac: Json) -> dict[str, Any]:
    """Return all that the index has to know of an Item, or of a Collection made from one record."""
    title = str((stac.get("properties") or stac).get("title") or stac["id"])
    about = {"id": stac["id"], "title": title, "own": stac.get("type") == "Collection", "year": year_of(stac)}
    return about | {"box": box_of(stac), "time": time_of(stac), "terms": sorted(set(terms_of(stac)))}


def terms_of(stac: Json) -> Iterator[str]:
    """Yield the words and facets of an Item or Collection, in no order, some more than once."""
    said = stac.get("properties") or stac
    texts = [str(said.get(name) or "") for name in ("title", "description", "platform")]
    texts += [*_strings(said.get("keywords")), *_strings(said.get("instruments"))]
    variables = list(_variables(said))
    texts += [name.replace("_", " ") for name in variables]
    texts += _long_names(said)
    yield from words_of(" ".join(texts))
    for name in variables:
        yield f"variable:{name}"
    if said.get("platform"):
        yield f"platform:{said['platform']}"
    year = year_of(stac)
    if year > 0:
        yield f"year:{year}"


def _strings(values: Any) -> Iterator[str]:
    return (str(value) for value in values or () if isinstance(value, str))


def _variables(said: Json) -> Iterator[str]:
    """Yield the CF standard names of what was measured."""
    for one in said.get("cf:parameter") or ():
        if isinstance(one, Mapping) and one.get("name"):
            yield str(one["name"])


def _long_names(said: Json) -> Iterator[str]:
    for one in (said.get("cube:variables") or {}).values():
        if isinstance(one, Mapping) and one.get("type") == "data" and one.get("description"):
            yield str(one["description"])


def year_of(stac: Json) -> int:
    """Return the year in which an item begins; -1 where nobody knows."""
    said = stac.get("properties") or {}
    return int(str(said.get("datetime") or said.get("start_datetime") or "-1")[:4])


def box_of(stac: Json) -> tuple[int, int, int, int]:
    """Return west, south, width and height in 1/`DEGREE` degrees; width -1 where there is no place."""
    box = stac.get("bbox")
    if not box or stac.get("geometry") is None:
        return NOWHERE
    half = len(box) // 2
    west, south, east, north = (round(float(box[i]) * DEGREE) for i in (0, 1, half, half + 1))
    return west, south, east - west if east >= west else east - west + 360 * DEGREE, north - south


def time_of(stac: Json) -> tuple[float, float]:
    """Return the first instant, seconds since 1970, and the duration; open sides reach to the years 1 and 9999."""
    said = stac.get("properties") or {}
    moment = said.get("datetime")
    start, end = said.get("start_datetime") or moment, said.get("end_datetime") or moment
    first = _seconds(start) if start else _BEGIN
    last = _END if said.get("iaos:ongoing") or not end else _seconds(end)
    return first, max(0.0, last - first)


def _seconds(text: str) -> float:
    moment = datetime.fromisoformat(str(text))
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) / timedelta(seconds=1)


def shelf_of(stac: Json, partner: Json, keywords: Sequence[str]) -> Shelf:
    """Describe a collection to the index.

    ``keywords`` are those of its definition: those that it gathers from its items hold for some of them only.
    """
    texts = [str(stac.get(name) or "") for name in ("title", "description")]
    words: Sequence[str] = [*texts, *keywords, str(partner.get("title") or "")]
    title = str(stac.get("title") or stac["id"])
    return Shelf(
        str(stac["id"]), title, str(partner["id"]), str(partner.get("title") or partner["id"]), " ".join(words)
    )
