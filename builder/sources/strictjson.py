"""Reads JSON from partners by the letter of RFC 8259, and refuses what only some readers accept."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

from builder.errors import ProtocolError
from builder.sources.redact import one_line


def strict_json(body: bytes, where: str, *, unique_keys: bool = True) -> Any:
    """Parse UTF-8 JSON; NaN, doubled keys and excessive depth are errors.

    Args:
        body: The document; a byte order mark is allowed.
        where: Its address, for messages.
        unique_keys: Refuse an object with a key twice; where False the last one counts, as for most readers.

    Raises:
        ProtocolError: It cannot be read in one way only.
    """
    if body.lstrip()[:1] == b"<":
        raise ProtocolError("an HTML or XML page where JSON was expected", where=where)
    try:
        hook = _unique if unique_keys else None
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=hook, parse_constant=_refuse)
    except RecursionError:
        raise ProtocolError("JSON nested too deeply", where=where) from None
    except ValueError as trouble:
        raise ProtocolError(f"not well-formed JSON: {one_line(str(trouble))}", where=where) from trouble


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise ValueError(f"key {twice!r} occurs twice in one object")
    return made


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")
