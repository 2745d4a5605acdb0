"""Takes the references of a file with groups apart, so that each group opens by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from builder.enrich.inherited import around, inherited
from builder.references.encode import dump_references

MOST_GROUPS = 50
"""Files with more groups get no references of each: nobody would find the right one in the list."""


def by_group(references: bytes) -> dict[str, bytes]:
    """Return the references of each group that holds variables, by its path; nothing for a file without groups.

    Zarr finds nothing below ``group=`` in folders of references, and kerchunk's engine has no such option; in these
    the group is the root, beside what it uses of the groups around it.

    Args:
        references: Kerchunk JSON, version 1, of the whole file.
    """
    if b'/.zgroup"' not in references:
        return {}
    refs = orjson.loads(references)["refs"]
    groups = sorted(key.removesuffix("/.zgroup") for key in refs if key.endswith("/.zgroup"))
    holding = {key.rpartition("/")[0].rpartition("/")[0] for key in refs if key.endswith("/.zarray")}
    found = [group for group in groups if group in holding]
    if len(found) > MOST_GROUPS:
        return {}
    return {group: dump_references(of_group(refs, group)) for group in found}


def of_group(refs: Mapping[str, Any], group: str) -> dict[str, Any]:
    """Return the references of one group as root, with those of the variables it uses of the groups around it."""
    names: dict[str, list[str]] = {}
    for key in refs:
        folder, _, name = key.removesuffix("/.zarray").rpartition("/")
        if key.endswith("/.zarray") and folder in {group, *around(group)}:
            names.setdefault(folder, []).append(name)
    known = {folder: _known(refs, folder, names.get(folder, ())) for folder in (group, *around(group))}
    taken = inherited(known.pop(group), list(known.values()))
    places = {one.path: name for name, one in taken.items()}
    within = {key.removeprefix(f"{group}/"): value for key, value in refs.items() if key.startswith(f"{group}/")}
    for key, value in refs.items():
        path, _, part = key.rpartition("/")
        if path in places:
            within[f"{places[path]}/{part}"] = value
    return within


class _Array(NamedTuple):
    """A variable of references, known by its metadata."""

    path: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    attrs: Mapping[str, Any]


def _known(refs: Mapping[str, Any], folder: str, names: Iterable[str]) -> dict[str, _Array]:
    """Return the variables of a group whose dimensions have names."""
    found = {}
    for name in names:
        path = f"{folder}/{name}".lstrip("/")
        attributes, shape = _document(refs.get(f"{path}/.zattrs", {})), _document(refs[f"{path}/.zarray"])["shape"]
        dims = attributes.get("_ARRAY_DIMENSIONS", ())
        if len(dims) == len(shape):
            found[name] = _Array(path, tuple(dims), tuple(shape), attributes)
    return found


def _document(value: Any) -> Any:
    return value if isinstance(value, Mapping) else orjson.loads(value)
