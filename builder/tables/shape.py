"""Learns from many JSON values which columns a table of them needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

MOST_FIELDS = 100
"""An object with more different keys than this is a dictionary of data, not a structure of columns."""

Told = str | list[Any]
"""Kinds in words, or a list of kinds, fields and entries."""

_LARGEST = 2**63
_PLAIN = {str: "str", bool: "bool", float: "float"}


@dataclass(slots=True)
class Shape:
    """What was seen of one value in all its occurrences; nulls say nothing."""

    kinds: set[str] = field(default_factory=set)
    fields: dict[str, Shape] = field(default_factory=dict)
    entries: Shape | None = None

    def learn(self, value: Any) -> None:
        """Take in one occurrence: JSON types."""
        kind = type(value)
        if kind is dict:
            self.kinds.add("object")
            self._learn_fields(value)
        elif kind is list:
            self.kinds.add("list")
            self.entries = self.entries or Shape()
            types = set(map(type, value))
            if types <= _PLAIN.keys():
                self.entries.kinds.update(map(_PLAIN.__getitem__, types))
                return
            for entry in value:
                self.entries.learn(entry)
        elif value is not None:
            self.kinds.add("huge" if kind is int and not -_LARGEST <= value < _LARGEST else kind.__name__)

    def _learn_fields(self, value: dict[str, Any]) -> None:
        for key, entry in value.items():
            known = self.fields.get(key)
            if known is None:
                if len(self.fields) > MOST_FIELDS:
                    continue
                known = self.fields[key] = Shape()
            plain = _PLAIN.get(type(entry))
            if plain is None:
                known.learn(entry)
            else:
                known.kinds.add(plain)

    def told(self) -> Told:
        """Return what was seen as JSON types, for `merge`; only words, where there is nothing within."""
        if not self.fields and self.entries is None:
            return " ".join(sorted(self.kinds))
        fields = {name: shape.told() for name, shape in sorted(self.fields.items())}
        return [sorted(self.kinds), fields, self.entries and self.entries.told()]

    def merge(self, told: Told) -> None:
        """Take in what another shape saw."""
        if isinstance(told, str):
            self.kinds.update(told.split())
            return
        kinds, fields, entries = told
        self.kinds.update(kinds)
        for name, inner in fields.items():
            self.fields.setdefault(name, Shape()).merge(inner)
        if entries is not None:
            self.entries = self.entries or Shape()
            self.entries.merge(entries)

    def arrow(self) -> pa.DataType | None:
        """Return the Arrow type that holds every occurrence, or None where none does.

        Values of several kinds have none, nor have objects with more than `MOST_FIELDS` keys. A
        field without a type is left out of its object.
        """
        import pyarrow as pa

        scalars: dict[frozenset[str], pa.DataType] = {
            frozenset({"str"}): pa.string(),
            frozenset({"bool"}): pa.bool_(),
            frozenset({"int"}): pa.int64(),
            frozenset({"float"}): pa.float64(),
            frozenset({"int", "float"}): pa.float64(),
        }
        if self.kinds == {"list"} and self.entries:
            inner = self.entries.arrow()
            return None if inner is None else pa.list_(inner)
        if self.kinds == {"object"} and len(self.fields) <= MOST_FIELDS:
            named = [(name, shape.arrow()) for name, shape in sorted(self.fields.items())]
            held = [(name, kind) for name, kind in named if kind is not None]
            return pa.struct(held) if held else None
        return scalars.get(frozenset(self.kinds))
