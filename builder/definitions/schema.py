"""The JSON Schema of definitions: for editors, for documentation, and to name what may stand where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from builder.definitions.model import CollectionDefinition

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ADDRESS = "https://raw.githubusercontent.com/ec-intaros/iaos/main/collections/schema.json"


@cache
def schema() -> Mapping[str, Any]:
    """Return the JSON Schema (2020-12) of a collection definition."""
    made = CollectionDefinition.model_json_schema(by_alias=True, mode="validation")
    tidy = _tidy(made)
    tidy.pop("title")
    return {"$schema": DIALECT, "$id": ADDRESS, "title": "iAOS collection definition", **tidy}


def schema_bytes() -> bytes:
    """Return the schema as it is written to ``collections/schema.json``."""
    import orjson

    return orjson.dumps(schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def keys_at(loc: Sequence[str | int]) -> Mapping[str, str]:
    """Name the keys that may stand at a place, each with its description.

    Args:
        loc: Location as pydantic reports it: keys, indexes, and the tags of discriminated unions.
    """
    here: Mapping[str, Any] | None = schema()
    for step in loc:
        here = _step(here, step) if here else None
    properties = _resolve(here).get("properties", {}) if here else {}
    return {key: str(value.get("description", "")) for key, value in properties.items()}


def _step(here: Mapping[str, Any], step: str | int) -> Mapping[str, Any] | None:
    here = _resolve(here)
    mapping = here.get("discriminator", {}).get("mapping", {})
    if step in mapping:
        return {"$ref": mapping[step]}
    if isinstance(step, int):
        items: Mapping[str, Any] | None = here.get("items")
        return items
    named = here.get("additionalProperties")
    child: Mapping[str, Any] | None = here.get("properties", {}).get(step, named if isinstance(named, dict) else None)
    return child


def _resolve(here: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference, and an optional value to the value."""
    while True:
        if "$ref" in here:
            here = schema()["$defs"][here["$ref"].rpartition("/")[2]]
        elif "anyOf" in here:
            here = next((choice for choice in here["anyOf"] if choice.get("type") != "null"), {})
        else:
            return here


def _tidy(value: Any) -> Any:
    """Drop what only repeats: generated titles of fields and defaults that say nothing."""
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _tidy(item) for key, item in value.items()}
    for field in kept.get("properties", {}).values():
        if isinstance(field, dict):
            field.pop("title", None)
            if field.get("default", 0) in (None, []) or "$ref" in field:
                field.pop("default", None)
    return kept
