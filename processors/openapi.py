"""Says JSON Schema 2020-12 in the older words of OpenAPI 3.0, which OGC API - Processes 1.0 asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

Schema = dict[str, Any]
Turn = Callable[[Mapping[str, Any]], Schema]

_UNKNOWN = frozenset({"$defs", "discriminator", "examples", "propertyNames"})
_ALTERNATIVES = frozenset({"anyOf", "oneOf"})


def openapi_schema(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    """Return a schema object of OpenAPI 3.0.3 (section 4.7.24).

    Definitions are put in the place of references to them. What the older language cannot say
    (which item of a tuple is what, patterns of keys, examples) is left out, so that it accepts a little more.

    Args:
        schema: JSON Schema 2020-12, as pydantic writes it; not recursive.
        definitions: Its ``$defs`` by name.
    """
    turn = partial(openapi_schema, definitions=definitions)
    if "$ref" in schema:
        own = {key: value for key, value in schema.items() if key != "$ref"}
        return turn({**definitions[schema["$ref"].rpartition("/")[2]], **own})
    said: Schema = {}
    for key in sorted(schema.keys() - _UNKNOWN, key=lambda key: (key not in _ALTERNATIVES, key)):
        said |= _TURNED[key](schema[key], turn) if key in _TURNED else {key: schema[key]}
    return said


def _alternatives(key: str, those: Sequence[Mapping[str, Any]], turn: Turn) -> Schema:
    some = [turn(one) for one in those if one.get("type") != "null"]
    if len(some) < len(those):
        some = [{**one, "nullable": True} for one in some]
    return some[0] if len(some) == 1 else {key: some}


def _any(those: Sequence[Mapping[str, Any]], turn: Turn) -> Schema:
    different: list[Schema] = []
    for one in map(turn, those):
        if one not in different:
            different.append(one)
    return different[0] if len(different) == 1 else {"anyOf": different}


def _inner(key: str, value: Any, turn: Turn) -> Schema:
    return {key: turn(value) if isinstance(value, Mapping) else value}


_TURNED: Mapping[str, Callable[[Any, Turn], Schema]] = {
    "anyOf": partial(_alternatives, "anyOf"),
    "oneOf": partial(_alternatives, "oneOf"),
    "allOf": lambda those, turn: {"allOf": [turn(one) for one in those]},
    "const": lambda value, _: {"enum": [value]},
    "exclusiveMinimum": lambda value, _: {"minimum": value, "exclusiveMinimum": True},
    "exclusiveMaximum": lambda value, _: {"maximum": value, "exclusiveMaximum": True},
    "prefixItems": lambda those, turn: {"items": _any(those, turn)},
    "patternProperties": lambda those, turn: {"additionalProperties": _any([*those.values()], turn)},
    "properties": lambda those, turn: {"properties": {name: turn(one) for name, one in those.items()}},
    "items": partial(_inner, "items"),
    "additionalProperties": partial(_inner, "additionalProperties"),
    "not": partial(_inner, "not"),
}
