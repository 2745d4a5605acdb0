"""Takes the references of a file with groups apart, so that each group opens by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from builder.enrich.inherited import around, inherited
from builder.references.encode import dump_references

Folders = dict[str, dict[str, Any]]

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
    folders = _by_folder(refs)
    known = _known(folders)
    return {group: dump_references(_of_group(folders, known, group)) for group in found}


def of_group(refs: Mapping[str, Any], group: str) -> dict[str, Any]:
    """Return the references of one group as root, with those of the variables it uses of the groups around it."""
    folders = _by_folder(refs)
    return _of_group(folders, _known(folders), group)


def _by_folder(refs: Mapping[str, Any]) -> Folders:
    """Return references by the group or variable that they belong to."""
    folders: Folders = {}
    for key, value in refs.items():
        folder, _, part = key.rpartition("/")
        folders.setdefault(folder, {})[part] = value
    return folders


def _of_group(folders: Folders, known: Variables, group: str) -> dict[str, Any]:
    own, *above = (known.get(one, {}) for one in (group, *around(group)))
    places = {f"{group}/{name}".lstrip("/"): one.path for name, one in inherited(own, above).items()}
    moved = {folder: folder for folder in folders if folder == group or folder.startswith(f"{group}/")}
    within = {}
    for target, source in (places | moved).items():
        inner = target.removeprefix(group).lstrip("/")
        within.update({f"{inner}/{part}".lstrip("/"): value for part, value in folders[source].items()})
    return within


class _Array(NamedTuple):
    """A variable of references, known by its metadata."""

    path: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    attrs: Mapping[str, Any]


Variables = dict[str, dict[str, _Array]]


def _known(folders: Folders) -> Variables:
    """Return the variables whose dimensions have names, by their group and name."""
    found: Variables = {}
    for path, parts in folders.items():
        group, _, name = path.rpartition("/")
        if name and ".zarray" in parts:
            attributes, shape = _document(parts.get(".zattrs", {})), _document(parts[".zarray"])["shape"]
            dims = attributes.get("_ARRAY_DIMENSIONS", ())
            if len(dims) == len(shape):
                found.setdefault(group, {})[name] = _Array(path, tuple(dims), tuple(shape), attributes)
    return found


def _document(value: Any) -> Any:
    return value if isinstance(value, Mapping) else orjson.loads(value)
