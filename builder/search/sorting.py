"""The order of an answer: pystac-client's `sortby`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builder.errors import UsageError

_TIME = ("datetime", "start_datetime")
Row = tuple[str, str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Order:
    """One key of an order: the property, and whether from high to low."""

    name: str
    down: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose first value counts; an item over an interval has a start instead of a time."""
        return _TIME if self.name == "datetime" else (self.name,)


def orders(sortby: str | Sequence[str | Mapping[str, str]] | None) -> tuple[Order, ...]:
    """Read ``-datetime,+id``, a list of such, or ``{"field": "datetime", "direction": "desc"}``.

    Raises:
        UsageError: It is none of these.
    """
    if sortby is None:
        return ()
    listed = sortby.split(",") if isinstance(sortby, str) else [sortby] if isinstance(sortby, Mapping) else sortby
    return tuple(map(_order, listed))


def _order(key: str | Mapping[str, str]) -> Order:
    if isinstance(key, Mapping):
        name, way = key.get("field", ""), str(key.get("direction", "asc")).lower()
        if way not in {"asc", "desc"}:
            raise UsageError(f"sortby {key!r} has a direction that is neither asc nor desc")
        down = way == "desc"
    else:
        name, down = key.strip().lstrip("+-"), key.strip().startswith("-")
    if not name:
        raise UsageError(f"sortby {key!r} names no property", hint="such as -datetime")
    return Order(name.removeprefix("properties."), down)


def sort(rows: list[Row], order: Sequence[Order]) -> list[tuple[str, str]]:
    """Return collection and id of rows in order; what lacks the property comes last, equals by collection and id.

    Args:
        rows: Collection, id, and the values of all columns of all keys.
        order: The keys.

    Raises:
        UsageError: Values of a property are of kinds that have no common order.
    """
    rows = sorted(rows, key=lambda row: row[:2])
    place = sum(len(key.columns) for key in order)
    for key in reversed(order):
        place -= len(key.columns)
        columns = range(place, place + len(key.columns))
        valued: list[tuple[Any, Row]] = [
            (next((row[2][c] for c in columns if row[2][c] is not None), None), row) for row in rows
        ]
        try:
            present = sorted(
                (pair for pair in valued if pair[0] is not None), key=lambda pair: pair[0], reverse=key.down
            )
        except TypeError as trouble:
            raise UsageError(f"{key.name!r} cannot be sorted by: {trouble}") from trouble
        rows = [row for _, row in present] + [row for value, row in valued if value is None]
    return [(row[0], row[1]) for row in rows]
