"""Walks HDF5's version 1 B-trees of chunks level by level, many trees at a time, with NumPy.

HDF5 File Format Specification 3.0, section III.A.1. A tree costs as many batches of reads as it has levels,
however many nodes it has; each level must lie below the one before, so a damaged tree cannot make it loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from builder.errors import UnreferenceableError
from builder.references.table import Read

FANOUT = 64
"""Most entries of a node: twice the default rank of 32, which no NetCDF library changes."""
HEAD = 24
MAX_NODES = 1 << 20
UNDEFINED = (1 << 64) - 1


class UnknownIndexError(UnreferenceableError):
    """The index is not of the common kind; HDF5 itself may still read it."""


@dataclass(frozen=True, slots=True)
class Chunks:
    """Chunks of several trees: which tree, where in the array (elements), where in the file, size and filter mask."""

    tree: npt.NDArray[np.int64]
    corner: npt.NDArray[np.uint64]
    offset: npt.NDArray[np.uint64]
    size: npt.NDArray[np.uint32]
    mask: npt.NDArray[np.uint32]


def walk(read: Read, roots: list[int], rank: int) -> Chunks:
    """Return all chunks of trees over arrays of one rank.

    Args:
        read: Reads ranges of the file.
        roots: Addresses of the root nodes; trees are numbered in this order.
        rank: Number of dimensions of the arrays.

    Raises:
        UnknownIndexError: A node is none, or has more entries than HDF5 writes by default.
    """
    entry = np.dtype([("size", "<u4"), ("mask", "<u4"), ("corner", "<u8", (rank + 1,)), ("child", "<u8")])
    address = np.array(roots, np.uint64)
    tree = np.arange(len(roots), dtype=np.int64)
    level: int | None = None
    leaves: list[tuple[Any, Any]] = []
    while address.size:
        nodes = _read_nodes(read, address, entry)
        levels = nodes[:, 5].astype(np.int64)
        if level is not None and (levels >= level).any():
            raise UnknownIndexError("a node of the chunk index does not lie below its parent")
        level = int(levels.max())
        used = nodes[:, 6].astype(np.int64) | nodes[:, 7].astype(np.int64) << 8
        if (used > FANOUT).any():
            raise UnknownIndexError("a node of the chunk index has an uncommon size")
        valid = np.arange(FANOUT) < used[:, None]
        rows = nodes[:, HEAD : HEAD + FANOUT * entry.itemsize].reshape(len(nodes), FANOUT, -1)[valid]
        entries: npt.NDArray[Any] = np.ascontiguousarray(rows).view(entry).reshape(-1)
        owner, leaf = np.repeat(tree, used), np.repeat(levels == 0, used)
        leaves.append((owner[leaf], entries[leaf]))
        tree, address = owner[~leaf], entries["child"][~leaf]
        if np.unique(address).size < address.size or address.size > MAX_NODES:
            raise UnknownIndexError("nodes of the chunk index are linked more than once")
    found = np.concatenate([part for _, part in leaves]) if leaves else np.empty(0, entry)
    owners = np.concatenate([part for part, _ in leaves]) if leaves else np.empty(0, np.int64)
    return Chunks(owners, found["corner"][:, :rank], found["child"], found["size"], found["mask"])


def _read_nodes(read: Read, addresses: npt.NDArray[np.uint64], entry: np.dtype[Any]) -> npt.NDArray[np.uint8]:
    """Return one row of bytes per node; the last key, which only bounds the others, is left out."""
    length = HEAD + FANOUT * entry.itemsize
    parts = read([(address, length) for address in addresses.tolist()])
    nodes = np.frombuffer(b"".join(part.ljust(length, b"\0") for part in parts), np.uint8).reshape(-1, length)
    if not (nodes[:, :5] == np.frombuffer(b"TREE\x01", np.uint8)).all():
        raise UnknownIndexError("a node of the chunk index has no signature")
    return nodes
