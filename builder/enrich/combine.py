"""Joins the references of granules that follow one another in time into one, without reading any data.

Only keys are moved: a chunk of a granule becomes a chunk of the whole when its place falls on the chunk
grid. Where it does not, the granules are refused, because Zarr version 2 cannot express them and kerchunk's
own combination then gives wrong values without an error.
"""

from __future__ import annotations

import base64
import itertools
import math
from collections.abc import Container, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from builder.errors import UnreferenceableError
from builder.findings import Finding, note, warning
from builder.references.encode import dump_references

MAX_STATIC_BYTES = 64 << 20
_DECODING = (
    "scale_factor",
    "add_offset",
    "missing_value",
    "_FillValue",
    "_Unsigned",
    "calendar",
    "units",
    "flag_masks",
)

Refs = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Joined:
    """A combined reference, and the names and lengths of its granules in the order of time."""

    body: bytes
    order: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Granule:
    """One file's references taken apart: arrays and attributes by variable, chunks by variable and index."""

    name: str
    dimension: str
    time: str
    root: dict[str, Any]
    arrays: dict[str, dict[str, Any]]
    attributes: dict[str, dict[str, Any]]
    chunks: dict[str, dict[tuple[int, ...], Any]]

    @property
    def length(self) -> int:
        """Number of steps along the dimension of time."""
        return int(self.arrays[self.time]["shape"][0])

    def axis(self, variable: str) -> int | None:
        """Return the axis of the dimension of time in a variable."""
        dimensions = self.attributes[variable]["_ARRAY_DIMENSIONS"]
        return dimensions.index(self.dimension) if self.dimension in dimensions else None


def combine_key(refs: Refs, path: Path, present: Container[str] | None = None) -> str | None:
    """Return what files must have in common for `combine`: structure, encodings and values without time.

    None where a file has groups, or no inlined time along exactly one dimension.

    Args:
        refs: References aimed at the local file.
        path: That file.
        present: Variables that can be read from it; all where not given.
    """
    import netCDF4
    import numpy as np

    granule = take_apart("", refs)
    if granule is None:
        return None
    digest = sha256()
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        for variable in sorted(granule.arrays):
            digest.update(orjson.dumps(_structure(granule, variable), option=orjson.OPT_SORT_KEYS))
            if granule.axis(variable) is None:
                source = file.variables[variable]
                if present is not None and variable not in present:
                    return None
                if source.dtype is str or math.prod(source.shape) * source.dtype.itemsize > MAX_STATIC_BYTES:
                    return None
                digest.update(np.ascontiguousarray(source[...]).tobytes())
    return f"{granule.dimension}-{digest.hexdigest()[:16]}"


def combine(parts: Sequence[tuple[str, bytes]]) -> tuple[bytes | None, tuple[Finding, ...]]:
    """Return the combined reference of `combine_in_order` alone."""
    joined, findings = combine_in_order(parts)
    return None if joined is None else joined.body, findings


def combine_in_order(parts: Sequence[tuple[str, bytes]]) -> tuple[Joined | None, tuple[Finding, ...]]:
    """Join references of one `combine_key` along time, in the order of their first times.

    Args:
        parts: A name for messages and the single reference of each granule.

    Returns:
        The combined reference, or None with a finding that says what stands in the way.
    """
    from builder.enrich.stack import check, join

    if len(parts) < 2:
        return None, ()
    where = parts[0][0]
    try:
        granules = [_granule(name, body) for name, body in parts]
        ordered, times = _in_order(granules)
        combined = join(ordered, times)
        check(combined, ordered, times)
    except UnreferenceableError as trouble:
        return None, (warning("netcdf.not-combined", trouble.where or where, trouble.message, trouble.hint),)
    overlaps = [b.name for a, b in itertools.pairwise(ordered) if times[b.name][0] <= times[a.name][-1]]
    message = f"begins before the file before it ends, so times do not only rise ({len(overlaps)} such files)"
    findings = (note("netcdf.overlap", overlaps[0], message),) if overlaps else ()
    order = tuple((granule.name, granule.length) for granule in ordered)
    return Joined(dump_references(combined), order), findings


def take_apart(name: str, refs: Refs) -> Granule | None:
    """Return the parts of a reference without groups that has an inlined time; None for others."""
    if any(key == ".zmetadata" or key.count("/") > 1 for key in refs):
        return None
    arrays, attributes = _metadata(refs, ".zarray"), _metadata(refs, ".zattrs")
    root = attributes.pop("", {})
    chunks: dict[str, dict[tuple[int, ...], Any]] = {}
    for key, value in refs.items():
        variable, _, part = key.rpartition("/")
        if not part.startswith("."):
            chunks.setdefault(variable, {})[tuple(map(int, part.split(".")))] = value
    if any({"sample_dimension", "instance_dimension"} & set(found) for found in attributes.values()):
        return None  # ragged arrays (CF conventions 1.11, section 9.3) cannot be joined end to end
    times = {
        variable: attributes[variable]["_ARRAY_DIMENSIONS"][0]
        for variable, array in sorted(arrays.items())
        if " since " in str(attributes[variable].get("units", "")).lower()
        and len(array["shape"]) == 1
        and inlined(array, chunks.get(variable, {})) is not None
    }
    times = {variable: dimension for variable, dimension in times.items() if variable == dimension} or times
    if len(set(times.values())) != 1:
        return None
    time, dimension = next(iter(times.items()))
    return Granule(name, dimension, time, root, arrays, attributes, chunks)


def _metadata(refs: Refs, part: str) -> dict[str, dict[str, Any]]:
    keys = (key.rpartition("/") for key in refs)
    return {owner: orjson.loads(refs[f"{owner}{slash}{part}"]) for owner, slash, last in keys if last == part}


def inlined(array: dict[str, Any], chunks: dict[tuple[int, ...], Any]) -> bytes | None:
    """Return the bytes of an array that is kept in the references as one uncompressed chunk, or None."""
    if len(chunks) != 1 or array["filters"] or array["compressor"] or array["shape"] != array["chunks"]:
        return None
    value = next(iter(chunks.values()))
    if not isinstance(value, str) or not value.startswith("base64:"):
        return None
    return base64.b64decode(value.removeprefix("base64:"))


def _granule(name: str, body: bytes) -> Granule:
    granule = take_apart(name, orjson.loads(body)["refs"])
    if granule is None:
        raise UnreferenceableError("no time along one dimension to stack by", where=name)
    return granule


def _structure(granule: Granule, variable: str) -> list[Any]:
    array, attributes = dict(granule.arrays[variable]), granule.attributes[variable]
    axis = granule.axis(variable)
    if axis is not None:
        whole = inlined(array, granule.chunks.get(variable, {})) is not None
        array["shape"] = [0 if i == axis else n for i, n in enumerate(array["shape"])]
        if whole:
            array["chunks"] = array["shape"]
    decoding = {name: attributes.get(name) for name in _DECODING}
    if variable == granule.time:
        del decoding["units"]
    return [variable, array, attributes["_ARRAY_DIMENSIONS"], decoding]


def same_structure(granules: Sequence[Granule]) -> None:
    """Check what the references alone can tell of a common `combine_key`.

    Raises:
        UnreferenceableError: A granule has other variables, shapes or encodings than the first.
    """
    first = granules[0]
    for granule in granules[1:]:
        if granule.dimension != first.dimension or set(granule.arrays) != set(first.arrays):
            raise UnreferenceableError(f"other variables or dimensions than {first.name}", where=granule.name)
        for variable in sorted(first.arrays):
            if _structure(granule, variable) != _structure(first, variable):
                message = f"variable {variable} has another shape, chunking or encoding than in {first.name}"
                raise UnreferenceableError(message, where=granule.name)


def _in_order(granules: list[Granule]) -> tuple[list[Granule], dict[str, Any]]:
    from builder.enrich.stack import decoded_times

    same_structure(granules)
    times = decoded_times(granules)
    if len(times) < len(granules):
        raise UnreferenceableError("two parts have the same name")
    ordered = sorted(granules, key=lambda granule: (times[granule.name][0], granule.name))
    for before, after in itertools.pairwise(ordered):
        if times[before.name].tolist() == times[after.name].tolist():
            raise UnreferenceableError(
                f"the same times as {before.name}", where=after.name, hint="leave out one of them"
            )
    return ordered, times
