"""Finds what a group uses of the groups around it (CF conventions 1.11, section 2.7), the nearest first."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from builder.enrich.coordinates import LATITUDE, LONGITUDE, TIME, VERTICAL, Rule, X, Y, fits, is_time

_NAMING = ("coordinates", "bounds", "climatology", "grid_mapping", "cell_measures", "formula_terms",
           "ancillary_variables")  # fmt: skip


MOST_STEPS = 8
"""So many times what was found may name more; CF knows no longer way than values, coordinates, bounds and terms."""


class Known(Protocol):
    """What is known of a variable before it is read."""

    @property
    def dims(self) -> tuple[Any, ...]:
        """Names of its dimensions."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Their lengths."""

    @property
    def attrs(self) -> Mapping[Any, Any]:
        """Its attributes as stored."""


One = TypeVar("One", bound=Known)


def around(group: str) -> list[str]:
    """Return the groups around a group, the nearest first; the root is the empty text.

    >>> around("data/profiles")
    ['data', '']
    """
    parts = group.strip("/").split("/")
    return ["/".join(parts[:depth]) for depth in reversed(range(len(parts)))] if parts[0] else []


def inherited(own: Mapping[str, One], groups: Sequence[Mapping[str, One]]) -> dict[str, One]:
    """Return the variables of the groups around a group that it uses, by name.

    These are the coordinates of its dimensions, what its variables name in their attributes, and positions, times and
    depths along its dimensions where it has none itself. What has a dimension of the same name and another length is
    left out.

    Args:
        own: The variables of the group.
        groups: Those of the groups around it, the nearest first.
    """
    visible = ChainMap(*map(dict, groups))
    found: dict[str, One] = {}
    for _ in range(MOST_STEPS):
        known = {**found, **own}
        sizes = {dim: size for one in known.values() for dim, size in zip(one.dims, one.shape, strict=True)}
        used = {*sizes, *_named(known), *_placing(known, visible, sizes)}
        new = {name: one for name, one in visible.items() if name in used and name not in known and _agrees(one, sizes)}
        if not new:
            break
        found |= new
    return found


def _agrees(one: Known, sizes: Mapping[str, int]) -> bool:
    return all(sizes.get(dim, size) == size for dim, size in zip(one.dims, one.shape, strict=True))


def _named(known: Mapping[str, Known]) -> Iterator[str]:
    """Yield the names, without the path to their group, that variables name in their attributes."""
    for one in known.values():
        for attribute in _NAMING:
            for word in str(one.attrs.get(attribute, "")).split():
                yield word.rstrip(":").rpartition("/")[2]


def _placing(known: Mapping[str, Known], visible: Mapping[str, Known], sizes: Mapping[str, int]) -> Iterator[str]:
    """Yield what says where, when and how deep along dimensions, and how they are divided into stations and casts."""
    along = {name: one for name, one in visible.items() if one.dims and set(one.dims) <= set(sizes)}
    for rule in (LATITUDE, LONGITUDE, TIME, VERTICAL, X, Y):
        if not any(_is(name, one, rule) for name, one in known.items()):
            yield from (name for name, one in along.items() if _is(name, one, rule))
    yield from (name for name, one in along.items() if "instance_dimension" in one.attrs)
    yield from (name for name, one in visible.items() if one.attrs.get("sample_dimension") in sizes)


def _is(name: str, one: Known, rule: Rule) -> bool:
    return fits(name, one, rule) > 0 or (rule is TIME and is_time(one))
