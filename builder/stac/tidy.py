"""Cleans a dataset before anything is made from it: hidden characters, empty words, numbers JSON cannot hold."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from builder.dataset import Dataset
from builder.stac.serialize import plain

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_LARGEST = 2**53 - 1
"""Integers beyond this lose digits in most readers of JSON (RFC 7493 section 2.2)."""

_UNTOUCHED = frozenset({"findings", "trace", "geometry", "boxes", "mean_point", "extent", "extra"})


def tidy(dataset: Dataset) -> Dataset:
    """Return a dataset whose texts are trimmed and free of control characters.

    A text that says nothing becomes empty, and leaves a list of texts; integers too large for JSON become None.
    """
    return cast("Dataset", _tidy(dataset))


def _tidy(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value).strip()
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST else None
    if isinstance(value, tuple):
        words = all(isinstance(entry, str) for entry in value)
        return tuple(entry for entry in map(_tidy, value) if entry or not words)
    return _tidy_fields(value) if is_dataclass(value) and not isinstance(value, type) else value


def _tidy_fields(value: DataclassInstance) -> Any:
    before = {field.name: getattr(value, field.name) for field in fields(value) if field.name not in _UNTOUCHED}
    after = {name: _tidy(entry) for name, entry in before.items()}
    changed = {name: entry for name, entry in after.items() if entry != before[name]}
    return replace(value, **changed) if changed else value
