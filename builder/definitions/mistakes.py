"""Turns what pydantic says about a definition into problems a maintainer understands, each at its place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from builder.definitions import types
from builder.definitions.problems import Problem
from builder.definitions.schema import keys_at
from builder.definitions.yamltree import Node

Loc = Sequence[str | int]
_NEAR = 0.55
"""How alike two words must be for one to be suggested: a swapped pair of letters passes."""

_TYPES = {
    "string_type": "must be text",
    "bool_type": "must be `true` or `false`",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "tuple_type": "must be a list",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "mapping_type": "must be a mapping",
    "dict_type": "must be a mapping",
    "date_type": "must be a day such as 2019-05-01",
    "date_parsing": "must be a day such as 2019-05-01",
    "date_from_datetime_inexact": "must be a day such as 2019-05-01",
    "finite_number": "must be a finite number",
    "string_too_short": "must not be empty",
}


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an error stands.

    Attributes:
        key: The key, or the list entry, nearest to the error.
        node: The value, None where there is none.
        path: Keys and indexes down to it, without the tags of discriminated unions.
    """

    key: Node
    node: Node | None
    path: tuple[str | int, ...]

    @property
    def value(self) -> Any:
        """The scalar found there."""
        return self.node.value if self.node else None

    @property
    def place(self) -> Node:
        """What to point at: a scalar itself, else its key."""
        return self.node if self.node and self.node.children is None else self.key


def problem_of(error: Any, root: Node) -> Problem:
    """Make a problem of one entry of ``ValidationError.errors()``.

    Args:
        error: The entry; its ``loc`` uses aliases and holds the tags of discriminated unions.
        root: The document it is about.
    """
    loc: Loc = error["loc"]
    spot = locate(root, loc)
    name = spell(spot.path) or "the definition"
    place, hint = spot.place, ""
    match error["type"]:
        case "extra_forbidden":
            place, message, hint = (
                spot.key,
                f"unknown key `{loc[-1]}`",
                _near_key(str(loc[-1]), list(keys_at(loc[:-1]))),
            )
        case "missing" if isinstance(loc[-1], int):
            message = f"`{spell(spot.path[:-1])}` has too few values"
        case "missing":
            message, hint = f"`{name}` is missing", keys_at(loc[:-1]).get(str(loc[-1]), "")
        case "literal_error":
            message, hint = f"`{name}` cannot be {spot.value!r}", choose(spot.value, _quoted(error["ctx"]["expected"]))
        case "union_tag_invalid":
            tag = locate(root, [*loc, "type"])
            place, message = tag.place, f"`{name}.type` cannot be {tag.value!r}"
            hint = choose(tag.value, _quoted(error["ctx"]["expected_tags"]))
        case "union_tag_not_found":
            place, message = _misspelt(spot, "type") or place, f"`{name}.type` is missing"
            hint = "It names the protocol: ckan, oai-pmh, thredds, files, stac or process."
        case kind:
            message, hint = f"`{name}` {_reason(kind, error)}", _quote_hint(kind, spot.value)
    return Problem(place.line, place.column, message, hint, place.width)


def locate(root: Node, loc: Loc) -> Spot:
    """Find where an error stands: a key that is missing is pointed at by the key it should stand under."""
    here, key = root, next(iter(root.keys.values()), root)
    path: list[str | int] = []
    for index, step in enumerate(loc):
        children = here.children or {}
        if step in children:
            key = children[step] if here.is_list else here.keys[str(step)]
            here = children[step]
            path.append(step)
        elif index == len(loc) - 1 and not _is_tag(here, step):
            return Spot(key, None, (*path, step))
    return Spot(key, here, tuple(path))


def spell(path: Iterable[str | int]) -> str:
    """Write a path as ``source.records[0].title``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def choose(word: Any, choices: Sequence[str]) -> str:
    """Suggest what was meant, or name all there is."""
    near = difflib.get_close_matches(str(word).lower(), choices, n=1, cutoff=_NEAR)
    return f"did you mean `{near[0]}`?" if near else f"choose one of: {', '.join(choices)}"


def _misspelt(spot: Spot, key: str) -> Node | None:
    """Find the key that is probably meant to be another one."""
    keys = spot.node.keys if spot.node else {}
    near = difflib.get_close_matches(key, keys, n=1, cutoff=_NEAR)
    return keys[near[0]] if near else None


def _is_tag(here: Node, step: str | int) -> bool:
    kind = (here.children or {}).get("type")
    return kind is not None and kind.value == step


def _near_key(key: str, known: list[str]) -> str:
    plain = {_flat(word): word for word in known}
    near = difflib.get_close_matches(_flat(key), plain, n=1, cutoff=_NEAR)
    return f"did you mean `{plain[near[0]]}`?" if near else f"known here: {', '.join(known)}"


def _flat(word: str) -> str:
    return re.sub(r"[-_ ]", "", word).lower()


def _reason(kind: str, error: Any) -> str:
    if kind in _TYPES:
        return _TYPES[kind]
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "string_pattern_mismatch":
        return types.PATTERNS.get(error["ctx"]["pattern"], f"does not match {error['ctx']['pattern']}")
    message = str(error["msg"]).replace("Input should be", "must be").replace("Tuple should have", "must have")
    return message[0].lower() + message[1:]


def _quote_hint(kind: str, found: Any) -> str:
    if kind == "string_type" and isinstance(found, bool | int | float):
        return "put it in quotes"
    if kind == "bool_type" and str(found).lower() in ("yes", "on", "no", "off"):
        return "write `true`" if str(found).lower() in ("yes", "on") else "write `false`"
    return ""


def _quoted(text: str) -> list[str]:
    return re.findall(r"'([^']*)'", text)
