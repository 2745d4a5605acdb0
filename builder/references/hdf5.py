"""Finds where the chunks of every dataset of an HDF5 file lie; imported in the child process only.

HDF5 gives names, types and filters. The chunk indexes, which make nearly all of the work, are read here: all trees
together, level by level. What is no version 1 B-tree is left to HDF5, which is slower and reads one node at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, cast

import h5py
import numpy as np

from builder.errors import UnreferenceableError
from builder.references.btree import UnknownIndexError, walk
from builder.references.objectheader import chunk_index
from builder.references.table import EMPTY, ArrayTable, Columns, Read, contiguous, located

_DEFLATE, _SHUFFLE, _FLETCHER32, _BZIP2, _ZSTD, _BLOSC = 1, 2, 3, 307, 32015, 32001
_BLOSC_COMPRESSORS = ("blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd")
_LEVELLED = {_DEFLATE: "zlib", _BZIP2: "bz2", _ZSTD: "zstd"}
_REPRESENTABLE = "iufSb"

NOT_A_COORDINATE = "_nc4_non_coord_"
"""What netCDF-C puts before the name of a variable that is called like a dimension of another shape."""

Tables = dict[str, ArrayTable | UnreferenceableError]
"""An array's table by its path, or why there is none."""


def scan_hdf5(file: h5py.File, read: Read, end: int) -> Tables:
    """Return a table per dataset, by its path without the leading slash, as netCDF-C names it.

    Args:
        file: The open file.
        read: Reads ranges of the same file.
        end: Its size, bytes.
    """
    base = file.userblock_size
    found: Tables = {}
    indexed: dict[int, list[tuple[str, h5py.Dataset, int]]] = {}
    for name, dataset in _datasets(file, ""):
        try:
            blank = _blank(dataset)
            if blank is None:
                continue
            if dataset.chunks is None:
                found[name] = _unchunked(dataset, blank, end)
                continue
            found[name] = blank
            root = chunk_index(_shifted(read, base), _address(dataset))
            if root is not None:
                indexed.setdefault(len(blank.shape), []).append((name, dataset, root))
        except UnknownIndexError:
            found[name] = _asked(dataset, blank, end)
        except UnreferenceableError as reason:
            found[name] = reason
    for rank, group in indexed.items():
        found |= _walked(read, base, rank, group, found, end)
    return found


def _datasets(group: h5py.Group, prefix: str) -> Iterator[tuple[str, h5py.Dataset]]:
    for name, child in group.items():
        if isinstance(child, h5py.Group):
            yield from _datasets(child, f"{prefix}{name}/")
        elif isinstance(child, h5py.Dataset) and NOT_A_COORDINATE + name not in group:
            yield prefix + name.removeprefix(NOT_A_COORDINATE), child


def _address(dataset: h5py.Dataset) -> int:
    """Return where the object header lies; `h5py.h5o.get_info` would tell too, but walks the chunk index for it."""
    return int(h5py.h5g.get_objinfo(dataset.id).objno[0])


def _shifted(read: Read, base: int) -> Read:
    return read if not base else lambda ranges: read([(base + offset, length) for offset, length in ranges])


def _blank(dataset: h5py.Dataset) -> ArrayTable | None:
    """Return a table without chunks; None for what has no values in one block of fixed-size numbers."""
    dtype = dataset.dtype
    if dataset.shape is None or dtype.kind not in _REPRESENTABLE:
        return None
    creation = dataset.id.get_create_plist()
    filters = tuple(_codec(dataset, *creation.get_filter(i)) for i in range(creation.get_nfilters()))
    shape = tuple(dataset.shape)
    _check_shuffle(dataset, filters)
    chunks = tuple(dataset.chunks) if dataset.chunks else tuple(max(n, 1) for n in shape)
    return ArrayTable(shape, chunks, "|i1" if dtype.kind == "b" else dtype.str, filters)


def _check_shuffle(dataset: h5py.Dataset, filters: tuple[dict[str, Any], ...]) -> None:
    """Refuse a shuffle of a chunk and its checksum whose sum is no whole number of elements, as numcodecs does.

    Raises:
        UnreferenceableError: HDF5 leaves the odd bytes where they are; numcodecs cannot.
    """
    names = [codec["id"] for codec in filters]
    if "fletcher32" not in names or "shuffle" not in names[names.index("fletcher32") :]:
        return
    if (math.prod(dataset.chunks) * dataset.dtype.itemsize + 4) % dataset.dtype.itemsize:
        message = f"variable {dataset.name} shuffles its checksums among the values, which Zarr readers cannot undo"
        raise UnreferenceableError(message)


def _unchunked(dataset: h5py.Dataset, blank: ArrayTable, end: int) -> ArrayTable:
    offset = dataset.id.get_offset()
    if offset is None or not dataset.id.get_storage_size():  # compact: kept in the header; or never written
        return blank
    return contiguous(blank.shape, blank.dtype, offset, end)


def _walked(
    read: Read, base: int, rank: int, group: list[tuple[str, h5py.Dataset, int]], blanks: Tables, end: int
) -> Tables:
    """Return the tables of datasets of one rank, from all their trees at once."""
    try:
        chunks = walk(_shifted(read, base), [root for _, _, root in group], rank)
    except UnknownIndexError:
        return {name: _asked(dataset, blanks[name], end) for name, dataset, _ in group}
    found: Tables = {}
    order = np.argsort(chunks.tree, kind="stable")
    bounds = np.searchsorted(chunks.tree[order], np.arange(len(group) + 1))
    for number, (name, _, _) in enumerate(group):
        mine = order[bounds[number] : bounds[number + 1]]
        offset, size = (column[mine].astype(np.int64) for column in (chunks.offset, chunks.size))
        found[name] = _table(blanks[name], name, chunks.corner[mine], offset + base, size, chunks.mask[mine], end)
    return found


def _asked(dataset: h5py.Dataset, blank: Any, end: int) -> ArrayTable | UnreferenceableError:
    """Ask HDF5 for every chunk of a dataset."""
    if _listed_wrongly(dataset):
        name = dataset.name
        message = f"variable {name} grows along a dimension that is not its first, and HDF5 misplaces its chunks"
        return UnreferenceableError(message, hint="write the file with HDF5's earliest format")
    rows: list[tuple[tuple[int, ...], int, int, int]] = []
    dataset.id.chunk_iter(lambda blob: rows.append((blob.chunk_offset, blob.byte_offset, blob.size, blob.filter_mask)))
    if not rows:
        return cast(ArrayTable, blank)
    corner, offset, size, mask = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    return _table(blank, dataset.name, corner.reshape(len(rows), -1), offset, size, mask, end)


def _listed_wrongly(dataset: h5py.Dataset) -> bool:
    """Tell whether the chunks lie in an extensible array whose growing dimension is not the slowest.

    HDF5 2.0 lists these in the order of the array as if it were that of the dimensions.
    """
    limits = dataset.maxshape
    if limits.count(None) != 1:
        return False
    before = zip(limits[: limits.index(None)], dataset.chunks, strict=False)
    return any(limit > chunk for limit, chunk in before)


def _table(
    blank: Any, name: str, corner: Any, offset: Columns, size: Columns, mask: Any, end: int
) -> ArrayTable | UnreferenceableError:
    try:
        filters = _effective(blank.filters, np.unique(mask).tolist())
        whole = ArrayTable(blank.shape, blank.chunks, blank.dtype, filters)
        index = corner.astype(np.int64) // np.array(blank.chunks, np.int64)
        inside = (index < np.array(whole.grid)).all(axis=1) & (index >= 0).all(axis=1)
        index, offset, size = index[inside], offset[inside], size[inside]
        numbers = np.ravel_multi_index(tuple(index.T), whole.grid) if len(index) else EMPTY
        return located(whole, np.asarray(numbers, np.int64), offset, size, end)
    except UnreferenceableError as reason:
        return UnreferenceableError(f"variable {name}: {reason.message}", hint=reason.hint)


def _effective(filters: tuple[dict[str, Any], ...], masks: list[int]) -> tuple[dict[str, Any], ...]:
    """Return the filters that were applied, where all chunks agree on which were left out."""
    if len(masks) > 1:
        raise UnreferenceableError("some chunks have filters left out that others have")
    if not masks or not masks[0]:
        return filters
    return tuple(codec for place, codec in enumerate(filters) if not masks[0] >> place & 1)


def _codec(dataset: h5py.Dataset, code: int, _flags: int, values: tuple[int, ...], _name: bytes) -> dict[str, Any]:
    """Return the numcodecs configuration that undoes an HDF5 filter."""
    if code in _LEVELLED:
        return {"id": _LEVELLED[code], "level": values[0] if values else 1}
    if code == _SHUFFLE:
        return {"id": "shuffle", "elementsize": dataset.dtype.itemsize}
    if code == _FLETCHER32:
        return {"id": "fletcher32"}
    if code == _BLOSC and len(values) == 7 and values[6] < len(_BLOSC_COMPRESSORS):
        cname = _BLOSC_COMPRESSORS[values[6]]
        return {"id": "blosc", "blocksize": values[3], "clevel": values[4], "shuffle": values[5], "cname": cname}
    raise UnreferenceableError(f"variable {dataset.name} uses HDF5 filter {code}, which Zarr readers do not know")
