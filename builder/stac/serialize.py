"""The bytes of a JSON document: UTF-8, two spaces of indent, STAC's own key order, one newline at the end."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from builder.errors import IaosError

_ORDER = {
    key: place
    for place, key in enumerate(
        (
            "type",
            "stac_version",
            "stac_extensions",
            "id",
            "title",
            "description",
            "keywords",
            "license",
            "providers",
            "extent",
            "geometry",
            "bbox",
            "properties",
            "summaries",
            "item_assets",
            "collection",
            "links",
            "assets",
        )
    )
}
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufdd0\ufdd1\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)
_STRICT = json.JSONEncoder(allow_nan=False)


def to_bytes(document: Mapping[str, Any]) -> bytes:
    """Serialise a document.

    The same document gives the same bytes; top-level keys follow STAC's order, then the alphabet.

    Raises:
        IaosError: A number is not finite, or a value is not JSON.
    """
    where = str(document.get("id", ""))
    try:
        data = orjson.dumps(ordered(document), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        if (nulls := data.count(b"null")) and nulls > _has_no_instant(document):  # orjson writes NaN as null
            _STRICT.encode(document)
    except (TypeError, ValueError) as trouble:
        raise IaosError(f"cannot be written as JSON: {trouble}", where=where) from trouble
    return data


def _has_no_instant(document: Mapping[str, Any]) -> bool:
    """Tell whether one null is expected: the ``datetime`` of an Item that has a start and an end."""
    properties = document.get("properties")
    return isinstance(properties, Mapping) and properties.get("datetime", "") is None


def ordered(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with its top-level keys in STAC's order; itself, if it has that."""
    keys = tuple(document)
    order = _in_order(keys)
    return document if order == keys and isinstance(document, dict) else {key: document[key] for key in order}


@lru_cache(maxsize=256)
def _in_order(keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(keys, key=lambda key: (_ORDER.get(key, len(_ORDER)), key)))


def plain(value: Any) -> Any:
    """Return a value as JSON types only.

    Tuples become lists, numbers that are not finite become null, and control characters,
    lone surrogates and direction overrides, which can hide what a text says, are removed.
    """
    if isinstance(value, str):
        if value.isprintable():
            return value
        return _UNPRINTABLE.sub("", value)
    if isinstance(value, dict | Mapping):
        return {plain(str(key)): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
