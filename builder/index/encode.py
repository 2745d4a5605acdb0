"""Bytes of the index: row numbers as runs, columns of places, and what is small enough to travel."""

from __future__ import annotations

import zlib
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
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


def read_runs(data: bytes, count: int) -> Flags:
    """Return which of ``count`` rows the bytes of `runs_bytes` name."""
    numbers = _read_varints(zlib.decompress(data)).reshape(-1, 2)
    ends = np.cumsum(numbers.sum(axis=1) + 1)
    marks = np.zeros(count + 1, np.int8)
    marks[ends - numbers[:, 1] - 1] += 1
    np.subtract.at(marks, ends, 1)
    flags: Flags = np.cumsum(marks, dtype=np.int8)[:-1].astype(bool)
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


def places_bytes(boxes: npt.NDArray[np.int32], times: npt.NDArray[np.float64]) -> bytes:
    """Write places and times by column, and each column by significance of its bytes, which compresses best.

    Args:
        boxes: West, south, width and height in 1/`DEGREE` degrees, shape (n, 4); a width of -1 is no place.
        times: First instant and duration, seconds since 1970, shape (n, 2).
    """
    columns = [*boxes.astype("<i4").T, *times.astype("<f8").T]
    return pack(b"".join(np.ascontiguousarray(c).view(np.uint8).reshape(len(c), -1).T.tobytes() for c in columns))


def read_places(data: bytes) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """Return the boxes and times that `places_bytes` wrote."""
    raw = np.frombuffer(zlib.decompress(data), np.uint8)
    count = len(raw) // 32
    cut = [*range(0, 16 * count + 1, 4 * count), 24 * count, 32 * count]
    parts = [raw[start:end].reshape(-1, count).T for start, end in pairwise(cut)]
    kinds = ["<i4"] * 4 + ["<f8"] * 2
    columns = [np.ascontiguousarray(part).view(kind).ravel() for part, kind in zip(parts, kinds, strict=True)]
    return np.column_stack(columns[:4]), np.column_stack(columns[4:])
