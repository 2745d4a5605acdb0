"""Reads what the address of the search page asks; `site/src/search/asked.ts` does the same in the browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

from builder.errors import UsageError
from builder.index.blocks import Period, Query
from builder.index.described import FACETS
from builder.index.encode import DEGREE
from builder.index.words import words_of
from builder.search.period import interval

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHOICES = (*FACETS, "collection", "partner")

CONDITIONS = ("q", "bbox", "time", *_CHOICES)
"""All that an address of the search page can ask for."""


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
    period: Period | None = None


def asked_of(address: str) -> Asked:
    """Read an address of the search page, or what stands behind its question mark.

    Raises:
        UsageError: A box or a time cannot be understood.
    """
    given = _given(address)
    box, time = given.get("bbox", [""])[0], given.get("time", [""])[0]
    period = None
    if time.strip(" /."):
        first, last = interval(time)
        period = ((first - _EPOCH) / timedelta(seconds=1), (last - _EPOCH) / timedelta(seconds=1))
    chosen = {name: tuple(given[name]) for name in _CHOICES if name in given}
    words = tuple(dict.fromkeys(words_of(" ".join(given.get("q", ())))))
    return Asked(words, chosen, _box(box) if box else None, period)


def not_conditions(address: str) -> list[str]:
    """Return what stands in an address of the search page and is no condition; `page` numbers pages of titles."""
    return [name for name in _given(address) if name not in {*CONDITIONS, "page"}]


def _given(address: str) -> dict[str, list[str]]:
    return parse_qs(address.rpartition("?")[2].partition("#")[0])


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
