"""Reads values out of STAC dicts that may be absent, empty or of the wrong type, and puts them into words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, wraps
from typing import Any, TypeVar

import orjson
from markupsafe import escape

Json = Mapping[str, Any]
T = TypeVar("T")
Box = tuple[float, float, float, float]
"""West, south, east, north in degrees; west > east crosses ±180°."""

EMPTY: Json = {}
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, bidirectional overrides and lone surrogates: never part of honest text."""


@dataclass(frozen=True, slots=True)
class Time:
    """An instant for ``<time datetime>`` and in words, UTC."""

    iso: str
    words: str

    def __html__(self) -> str:
        """Return it as HTML; templates show it as ``{{ time }}``."""
        return f'<time datetime="{escape(self.iso)}">{escape(self.words)}</time>'


def text(value: object) -> str | None:
    """Return trimmed text without control characters; None for anything else or empty."""
    if type(value) is str:
        words = value
    elif value is None or isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    else:
        words = str(value)
    return (words if words.isprintable() else _CONTROL.sub("", words)).strip() or None


def mapping(value: object) -> Json:
    """Return a mapping; an empty one for anything else."""
    return value if type(value) is dict or isinstance(value, Mapping) else EMPTY


def mappings(value: object) -> list[Json]:
    """Return the mappings in a list; empty for anything else."""
    return [entry for entry in items(value) if type(entry) is dict or isinstance(entry, Mapping)]


def items(value: object) -> Sequence[Any]:
    """Return a list or tuple; empty for anything else."""
    return value if type(value) is list or isinstance(value, list | tuple) else ()


def texts(value: object) -> list[str]:
    """Return the texts in a list, or one text as a list."""
    if value is None:
        return []
    entries = items(value) or (value,)
    return [found for entry in entries if (found := text(entry))]


def number(value: object) -> float | None:
    """Return a finite number; None for anything else."""
    if type(value) is not float and (isinstance(value, bool) or not isinstance(value, int | float)):
        return None
    return float(value) if math.isfinite(value) else None


def whole(value: object) -> int | None:
    """Return a whole number that is not negative; None for anything else."""
    found = number(value)
    return int(found) if found is not None and found >= 0 and found == int(found) else None


def properties(stac: Json) -> Json:
    """Return where the fields are: ``properties`` of an Item, the object itself for a Collection."""
    return mapping(stac.get("properties")) if "properties" in stac else stac


def links(stac: Json, *rels: str) -> list[Json]:
    """Return the links of these relations that have a target, in the order of ``rels``."""
    found = [link for link in mappings(stac.get("links")) if link.get("rel") in rels and text(link.get("href"))]
    return sorted(found, key=lambda link: rels.index(link["rel"])) if len(rels) > 1 else found


def remembered(most: int) -> Callable[[Callable[[Any], T]], Callable[[Any], T]]:
    """Let a reader keep what it made of the last parts of documents, such as the contacts that items share.

    Args:
        most: How many it keeps.
    """

    def keeping(read: Callable[[Any], T]) -> Callable[[Any], T]:
        @lru_cache(maxsize=most)
        def kept(document: bytes) -> T:
            return read(orjson.loads(document))

        @wraps(read)
        def reader(part: Any) -> T:
            try:
                return kept(orjson.dumps(part))
            except orjson.JSONEncodeError:
                return read(part)

        return reader

    return keeping


def language(stac: Json) -> str | None:
    """Return the language of a record's own words as a BCP 47 tag; None if unknown or English."""
    declared = properties(stac).get("language")
    code = text(mapping(declared).get("code")) or text(declared)
    usable = code and re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", code) and not code.lower().startswith("en")
    return code if usable else None


def instant(value: object) -> Time | None:
    """Read an RFC 3339 time; midnight is shown as a day without a clock time.

    The words are those of ISO 8601, which need no translation.
    """
    source = text(value)
    return _instant(source) if source else None


@lru_cache(maxsize=1024)
def _instant(source: str) -> Time | None:
    try:
        moment = datetime.fromisoformat(source)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    day = moment.date().isoformat()
    if (moment.hour, moment.minute, moment.second) == (0, 0, 0):
        return Time(day, day)
    clock = f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"
    return Time(f"{day}T{moment:%H:%M:%S}Z", f"{day} {clock} UTC")


def interval(start: object, end: object) -> tuple[Time | None, Time | None]:
    """Read two instants; an end at 23:59:59 is the day itself."""
    last = text(end)
    if last and re.search(r"T23:59:59(\.\d+)?Z?$", last):
        last = last[:10]
    return instant(start), instant(last)


def latitude_words(degrees: float) -> str:
    """Return such as ``78.5°N``."""
    return f"{abs(degrees):.4g}°{'N' if degrees >= 0 else 'S'}"


def longitude_words(degrees: float) -> str:
    """Return such as ``12.25°W``."""
    side = "" if degrees == 0 else "E" if degrees > 0 else "W"
    return f"{abs(degrees):.5g}°{side}"


def bbox(value: object) -> Box | None:
    """Read a two- or three-dimensional bbox as west, south, east, north in degrees."""
    numbers = [entry for part in items(value) if (entry := number(part)) is not None]
    if len(numbers) != len(items(value)) or len(numbers) not in {4, 6}:
        return None
    half = len(numbers) // 2
    west, south, east, north = *numbers[:2], *numbers[half : half + 2]
    on_earth = -90 <= south <= north <= 90 and max(abs(west), abs(east)) <= 180
    return (west, south, east, north) if on_earth else None


def bbox_words(box: Box) -> str:
    """Put a bbox into words; a point is said once."""
    west, south, east, north = box
    rows = latitude_words(south) if south == north else f"{latitude_words(south)} – {latitude_words(north)}"
    columns = longitude_words(west) if west == east else f"{longitude_words(west)} – {longitude_words(east)}"
    return f"{rows}, {columns}"


def size_words(size: object) -> str | None:
    """Put a number of bytes into words with decimal prefixes (SI)."""
    count = whole(size)
    if count is None:
        return None
    if count < 1000:
        return f"{count} B"
    amount, prefixes = float(count), iter("kMGTP")
    prefix = ""
    while amount >= 999.5 and (step := next(prefixes, "")):
        amount, prefix = amount / 1000, step
    return f"{amount:.3g} {prefix}B" if amount < 999.5 else f"{amount:,.0f} {prefix}B"
