"""Writes references that lead into many files as a folder of Parquet files, which opens without reading all of them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from builder.references.encode import record_files, zmetadata
from builder.references.table import ArrayTable

Chunk = tuple[int, Any]
"""Number of a chunk in row-major order of the grid, and its reference."""


def parquet_of(refs: Mapping[str, Any], known: Mapping[str, Any] | None = None) -> dict[str, bytes]:
    """Return the files of the Parquet folder by name; equal references give equal bytes.

    Args:
        refs: References (kerchunk's format, version 1): metadata as text, chunks as ``[address, offset, size]`` or as
            text that begins with ``base64:``.
        known: What is known of the files that they lead into, by address.
    """
    documents: dict[str, Any] = {}
    chunks: dict[str, list[tuple[str, Any]]] = {}
    for key, value in refs.items():
        owner, _, last = key.rpartition("/")
        if last.startswith("."):
            documents[key] = orjson.loads(value)
        else:
            chunks.setdefault(owner, []).append((last, value))
    files = {".zmetadata": zmetadata(documents, known)}
    for key in sorted(documents):
        name, _, last = key.rpartition("/")
        if last == ".zarray":
            files.update(_array_files(name, documents[key], chunks.get(name, [])))
    return files


def _array_files(name: str, zarray: Mapping[str, Any], chunks: Sequence[tuple[str, Any]]) -> dict[str, bytes]:
    shape, lengths = tuple(zarray["shape"]), tuple(zarray["chunks"])
    blank = ArrayTable(shape, lengths, zarray["dtype"])
    numbered = sorted((_number(key, blank.grid), value) for key, value in chunks)
    placed = [(number, value) for number, value in numbered if not isinstance(value, str)]
    targets = sorted({value[0] for _, value in placed})
    rank = {target: code for code, target in enumerate(targets)}
    table = ArrayTable(
        shape,
        lengths,
        zarray["dtype"],
        numbers=_column(number for number, _ in placed),
        offsets=_column(value[1] for _, value in placed),
        sizes=_column(value[2] for _, value in placed),
    )
    inline = {number: _bytes(value) for number, value in numbered if isinstance(value, str)}
    return record_files(name, table, inline, targets or [""], _column(rank[value[0]] for _, value in placed))


def _number(key: str, grid: Sequence[int]) -> int:
    return int(np.ravel_multi_index([int(part) for part in key.split(".")], grid)) if grid else 0


def _column(values: Any) -> Any:
    return np.fromiter(values, np.int64)


def _bytes(value: str) -> bytes:
    return base64.b64decode(value.removeprefix("base64:"))
