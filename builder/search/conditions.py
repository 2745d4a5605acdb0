"""What a search asks of properties: pystac-client's `query`, and CQL2 JSON for `filter`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from builder.errors import UsageError
from builder.search.period import interval

if TYPE_CHECKING:
    import pyarrow as pa

Json = dict[str, Any]

COMPARISONS = {"=": "equal", "<>": "not_equal", "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal"}
"""Operator of CQL2 → function of Arrow."""

_QUERY = {"eq": "=", "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "in": "in"}
_TEXT = {"startsWith": "{}%", "endsWith": "%{}", "contains": "%{}%"}
_FORM = re.compile(r"(?P<name>[^<>=!]+?)\s*(?P<op><=|>=|<>|!=|=|<|>)\s*(?P<value>.*)")


class _Written(str):
    """A value as it is written in a query: a number or truth value for a property of those, else the text itself."""

    __slots__ = ()


def of_query(query: Mapping[str, Any] | Sequence[str]) -> list[Json]:
    """Return what pystac-client's ``query`` asks for as CQL2 JSON.

    Args:
        query: ``{"platform": {"eq": "Oden"}}`` or ``["platform=Oden", "iaos:cells>=100"]``.

    Raises:
        UsageError: An operator is not known.
    """
    if isinstance(query, Mapping):
        return [_asked(name, op, value) for name, asked in query.items() for op, value in _operators(name, asked)]
    conditions = []
    for text in query:
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise UsageError(f"query {text!r} is not like name=value", hint="operators are = <> < <= > >=")
        op = found["op"].replace("!=", "<>")
        conditions.append({"op": op, "args": [{"property": found["name"].strip()}, _Written(found["value"])]})
    return conditions


def _operators(name: str, asked: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(asked, Mapping):
        raise UsageError(f"query of {name!r} needs an operator", hint=f'such as {{"{name}": {{"eq": …}}}}')
    yield from asked.items()


def _asked(name: str, op: str, value: Any) -> Json:
    named = {"property": name}
    if op in _TEXT:
        kept = re.sub(r"([\\%_])", r"\\\1", str(value))
        return {"op": "like", "args": [named, _TEXT[op].format(kept)], "contains": value if op == "contains" else None}
    if op not in _QUERY:
        raise UsageError(f"query knows no operator {op!r}", hint=f"there are {', '.join([*_QUERY, *_TEXT])}")
    return {"op": _QUERY[op], "args": [named, value]}


def _meant(text: str, kind: pa.DataType) -> Any:
    """Return a value that was written as text as the kind of a property; the text itself where it is none of that."""
    import pyarrow as pa

    if pa.types.is_boolean(kind):
        return {"true": True, "false": False}.get(text.lower(), text)
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return text
    try:
        return float(text) if "." in text or "e" in text.lower() else int(text)
    except ValueError:
        return text


def column_of(name: str) -> tuple[str, ...]:
    """Return the way to a property in the table: ``properties.iaos:source.format`` → ``iaos:source``, ``format``."""
    return tuple(name.removeprefix("properties.").split("."))


def names_in(condition: Any) -> Iterator[str]:
    """Yield the properties a condition speaks of."""
    if isinstance(condition, Mapping):
        if "property" in condition:
            yield str(condition["property"])
        for value in condition.values():
            yield from names_in(value)
    elif isinstance(condition, list | tuple):
        for entry in condition:
            yield from names_in(entry)


def holds(condition: Json, column: Callable[[str], pa.Array]) -> pa.Array:
    """Tell for each row whether a condition holds: true, false, or null where the property is missing.

    Args:
        condition: CQL2 JSON: ``and``, ``or``, ``not``, comparisons, ``between``, ``in``, ``like``, ``isNull``.
        column: Returns the values of a property, nulls where the table has none.

    Raises:
        UsageError: An operator is not known, or a value is of another kind than the property.
    """
    import pyarrow.compute as pc

    if not isinstance(condition, Mapping):
        raise UsageError(f"filter has {condition!r} where a condition should be", hint="it is CQL2 as JSON")
    op, args = str(condition.get("op", "")).lower(), condition.get("args", [])
    if not isinstance(args, list | tuple) or not args:
        raise UsageError(f"filter {op or condition!r} needs `op` and `args`", hint="it is CQL2 as JSON")
    if op in {"and", "or"}:
        whole = holds(args[0], column)
        for other in args[1:]:
            whole = (pc.and_kleene if op == "and" else pc.or_kleene)(whole, holds(other, column))
        return whole
    if op == "not":
        return pc.invert(holds(args[0], column))
    name = str(args[0].get("property", "")) if isinstance(args[0], Mapping) else ""
    if not name:
        raise UsageError(f"filter {op!r} needs a property first", hint='such as {"property": "platform"}')
    return _simple(op, name, column(name), list(args[1:]), condition.get("contains"))


def _simple(op: str, name: str, values: pa.Array, args: list[Any], word: Any) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if op == "isnull":
        return pc.is_null(values)
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), pa.bool_())
    if op in COMPARISONS and len(args) == 1:
        return pc.call_function(COMPARISONS[op], [values, _scalar(name, values, args[0])])
    if op == "between" and len(args) == 2:
        low, high = (_scalar(name, values, arg) for arg in args)
        return pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high))
    if op == "in" and len(args) == 1 and isinstance(args[0], list | tuple):
        found = pc.if_else(pc.is_null(values), pa.scalar(None, pa.bool_()), pa.scalar(False))
        for entry in args[0]:
            found = pc.or_(found, pc.equal(values, _scalar(name, values, entry)))
        return found
    if op == "like" and len(args) == 1:
        return _like(name, values, str(args[0]), word)
    raise UsageError(
        f"filter knows no {op!r} with {len(args) + 1} arguments",
        hint=f"there are and, or, not, {', '.join(COMPARISONS)}, between, in, like, isNull",
    )


def _like(name: str, values: pa.Array, pattern: str, word: Any) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_list(values.type) and word is not None:
        equal = pc.equal(pc.list_flatten(values), _scalar(name, pc.list_flatten(values), word))
        having = np.zeros(len(values), bool)
        having[pc.list_parent_indices(values).filter(equal).to_numpy()] = True
        return pa.array(having)
    if not pa.types.is_string(values.type):
        raise UsageError(f"{name!r} holds {values.type}, no text to compare with {pattern!r}")
    return pc.match_like(values, pattern)


def _scalar(name: str, values: pa.Array, value: Any) -> pa.Scalar:
    """Return a value as the kind the property is of; times may be written as text."""
    import pyarrow as pa

    if isinstance(value, Mapping):
        value = value.get("timestamp") or value.get("date") or value
    if pa.types.is_timestamp(values.type) and isinstance(value, str):
        value = interval(value)[0]
    numbers = (pa.types.is_integer, pa.types.is_floating)
    if isinstance(value, _Written):
        value = _meant(str(value), values.type)
    kinds: dict[type, Sequence[Callable[[pa.DataType], bool]]] = {
        str: [pa.types.is_string],
        bool: [pa.types.is_boolean],
        int: [*numbers, pa.types.is_string],
        float: [*numbers, pa.types.is_string],
        datetime: [pa.types.is_timestamp],
    }
    if not any(test(values.type) for test in kinds.get(type(value), ())):
        raise UsageError(f"{name!r} holds {values.type}, which cannot be compared with {value!r}")
    if pa.types.is_integer(values.type):
        return pa.scalar(max(-(1 << 63), min(value, (1 << 63) - 1)) if isinstance(value, int) else value)
    return pa.scalar(str(value) if pa.types.is_string(values.type) else value, values.type)
