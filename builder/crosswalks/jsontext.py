"""Reads JSON in which a value may be missing, one or many, an object or its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from builder.crosswalks.values import one_line
from builder.errors import RecordError
from builder.sources.protocol import Record

Json = Mapping[str, Any]

_NAMES = ("@value", "name", "value", "title", "url", "@id")


def read_json(record: Record, body: bytes | None = None) -> Any:
    """Parse the body of a record, or a part of it.

    Raises:
        RecordError: It is no JSON.
    """
    try:
        return orjson.loads(record.body if body is None else body)
    except orjson.JSONDecodeError as trouble:
        raise RecordError(f"not JSON: {trouble}", where=record.identifier) from trouble


def many(value: Any) -> list[Any]:
    """Return a value that may be missing, one, a list or a JSON-LD ``@list`` as a list."""
    if isinstance(value, list):
        return [entry for entry in value if entry is not None]
    if value is None or isinstance(value, str):
        return [] if value is None else [value]
    return many(value["@list"]) if isinstance(value, Mapping) and "@list" in value else [value]


def objects(value: Any) -> Iterator[Json]:
    """Yield the objects among the values."""
    return (entry for entry in many(value) if isinstance(entry, Mapping))


def wording(value: Any, *names: str) -> str:
    """Return the first text in a value: itself, or one of the named fields of an object.

    Args:
        value: A text, number, object, or list of these.
        names: Fields of an object to try in order; by default the usual names of a label.
    """
    if value is None or isinstance(value, str):
        return value.strip() if value else ""
    for entry in many(value):
        found = _label(entry, names or _NAMES)
        if found:
            return found
    return ""


def wordings(value: Any, *names: str) -> list[str]:
    """Return every text in a value; see `wording`."""
    return [found for found in (_label(entry, names or _NAMES) for entry in many(value)) if found]


def _label(entry: Any, names: tuple[str, ...]) -> str:
    if isinstance(entry, str) or not isinstance(entry, Mapping):
        return _plain(entry)
    for name in names:
        text = _plain(entry.get(name))
        if text:
            return text
    return ""


def _plain(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value.strip() if value else ""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return value.strip() if isinstance(value, str) else str(value)


def line(value: Any, *names: str) -> str:
    """Return the first text in a value, in one line."""
    return one_line(wording(value, *names))
