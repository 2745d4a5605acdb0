"""Bytes of the index: row numbers as runs, columns of places and bounds, and what is small enough to travel."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
VERSION = 2
"""Of the form of the index; another one is not read."""

DEGREE = 1_000_000
"""Units per degree in which boxes are kept: 0.1 m."""

_BITS = np.int64(7)


def pack(data: bytes) -> bytes:
    """Compress in the form that browsers call ``deflate`` (RFC 1950)."""
    return zlib.compress(data, 6)


def runs_bytes(rows: Rows) -> bytes:
    """Write ascending row numbers as runs: gap before each and its length less one, both as varints (LEB128)."""
    if not len(rows):
        return pack(b"")
    starts = np.flatnonzero(np.diff(rows, prepend=rows[0] - 2) != 1)
    first = rows[starts]
    length = np.diff(starts, append=len(rows))
    gap = np.diff(first, prepend=0)
    gap[1:] -= length[:-1]
    return pack(_varints(np.column_stack([gap, length - 1]).ravel()))


def mark_runs(data: bytes, marks: npt.NDArray[np.int32]) -> None:
    """Count the rows that the bytes of `runs_bytes` name: +1 in ``marks`` where a run starts, -1 behind its end."""
    numbers = _read_varints(zlib.decompress(data)).reshape(-1, 2)
    ends = np.cumsum(numbers.sum(axis=1) + 1)
    np.add.at(marks, ends - numbers[:, 1] - 1, 1)
    np.subtract.at(marks, ends, 1)


def marked(marks: npt.NDArray[np.int32]) -> Flags:
    """Return which rows lie in a run that `mark_runs` counted; ``marks`` has one number more than there are rows."""
    flags: Flags = np.cumsum(marks, dtype=np.int32)[:-1] > 0
    return flags


def _varints(numbers: Rows) -> bytes:
    bits = np.arange(5, dtype=np.int64) * _BITS
    parts = (numbers[:, None] >> bits) & 0x7F
    more = (numbers[:, None] >> (bits + _BITS)) > 0
    used = np.hstack([np.ones((len(numbers), 1), bool), more[:, :-1]])
    return bytes((parts | (more << _BITS)).astype(np.uint8)[used].tobytes())


def _read_varints(data: bytes) -> Rows:
    parts = np.frombuffer(data, np.uint8).astype(np.int64)
    last = parts < 0x80
    if not len(parts):
        return np.empty(0, np.int64)
    first: Rows = np.concatenate([[0], np.flatnonzero(last)[:-1] + 1]).astype(np.int64)
    number: Rows = np.cumsum(last) - last
    place = np.arange(len(parts)) - first[number]
    numbers: Rows = np.add.reduceat((parts & 0x7F) << (place * _BITS), first)
    return numbers


def columns_bytes(columns: npt.ArrayLike) -> bytes:
    """Write columns of whole numbers of 32 bits like those of `places_bytes`."""
    return _by_significance(list(np.asarray(columns, "<i4")))


def read_columns(data: bytes, count: int) -> npt.NDArray[np.int32]:
    """Return the ``count`` columns that `columns_bytes` wrote."""
    raw = np.frombuffer(zlib.decompress(data), np.uint8)
    raw = raw.reshape(count, 4, raw.size // (4 * count))
    columns: npt.NDArray[np.int32] = np.ascontiguousarray(raw.transpose(0, 2, 1)).view("<i4")[:, :, 0]
    return columns


def _by_significance(columns: Sequence[npt.NDArray[Any]]) -> bytes:
    return pack(
        b"".join(np.ascontiguousarray(c).view(np.uint8).reshape(len(c), c.itemsize).T.tobytes() for c in columns)
    )


def places_bytes(boxes: npt.NDArray[np.int32], times: npt.NDArray[np.float64]) -> bytes:
    """Write places and times by column, and each column by significance of its bytes, which compresses best.

    Args:
        boxes: West, south, width and height in 1/`DEGREE` degrees, shape (n, 4); a width of -1 is no place.
        times: First instant and duration, seconds since 1970, shape (n, 2).
    """
    return _by_significance([*boxes.astype("<i4").T, *times.astype("<f8").T])


def read_places(data: bytes) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """Return the boxes and times that `places_bytes` wrote."""
    raw = np.frombuffer(zlib.decompress(data), np.uint8)
    count = len(raw) // 32
    cut = [*range(0, 16 * count + 1, 4 * count), 24 * count, 32 * count]
    parts = [raw[start:end].reshape(-1, count).T for start, end in pairwise(cut)]
    kinds = ["<i4"] * 4 + ["<f8"] * 2
    columns = [np.ascontiguousarray(part).view(kind).ravel() for part, kind in zip(parts, kinds, strict=True)]
    return np.column_stack(columns[:4]), np.column_stack(columns[4:])
