"""Where one array's chunks lie in a file, as columns of numbers, and how to read ranges of a file in batches."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from builder.errors import UnreferenceableError

Range = tuple[int, int]
"""Offset and length in bytes."""

Read = Callable[[Sequence[Range]], list[bytes]]
"""Reads many ranges at once; one that leads beyond the end comes back short."""

Columns = npt.NDArray[np.int64]
EMPTY: Columns = np.empty(0, np.int64)

WHOLE_BYTES = 8 << 20
"""Largest stretch of unchunked values that is read in one piece where it can be divided."""
LEAST_BYTES = 64 << 10
MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class ArrayTable:
    """One array as Zarr version 2 sees it.

    Attributes:
        shape: Lengths.
        chunks: Lengths of one chunk, each at least 1.
        dtype: NumPy type string, e.g. ``<f4``.
        filters: Codecs in the order in which they were applied to a chunk.
        numbers: Which chunks exist, numbered in row-major order of the chunk grid; rising.
        offsets: Where each begins in the file, bytes.
        sizes: How long each is in the file, bytes.
    """

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: str
    filters: tuple[dict[str, Any], ...] = ()
    numbers: Columns = field(default_factory=lambda: EMPTY)
    offsets: Columns = field(default_factory=lambda: EMPTY)
    sizes: Columns = field(default_factory=lambda: EMPTY)

    @property
    def grid(self) -> tuple[int, ...]:
        """How many chunks there are along each axis, written or not."""
        return tuple(-(-n // c) for n, c in zip(self.shape, self.chunks, strict=True))

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Tell whether it has as many axes as a shape and is nowhere longer."""
        return len(self.shape) == len(shape) and all(mine <= n for mine, n in zip(self.shape, shape, strict=True))

    def grown(self, shape: tuple[int, ...]) -> ArrayTable:
        """Return it for a shape that it fits.

        A NetCDF variable is as long as its unlimited dimension, an HDF5 dataset as far as it was written. Chunks keep
        their numbers, for it may only be longer along the first dimension (`builder.enrich.correct`).
        """
        return replace(self, shape=shape)

    def zarray(self) -> dict[str, Any]:
        """Return the ``.zarray`` document, without a fill value."""
        return {
            "zarr_format": 2,
            "shape": list(self.shape),
            "chunks": list(self.chunks),
            "dtype": self.dtype,
            "compressor": None,
            "filters": [dict(codec) for codec in self.filters] or None,
            "fill_value": None,
            "order": "C",
        }

    def missing(self) -> Columns:
        """Return the numbers of chunks that were never written."""
        count = math.prod(self.grid)
        if len(self.numbers) == count:
            return EMPTY
        return np.setdiff1d(np.arange(count, dtype=np.int64), self.numbers, assume_unique=True)

    def keys(self, numbers: Columns) -> list[str]:
        """Return Zarr's keys (``0.3.1``) of chunks."""
        if not self.shape:
            return ["0"] * len(numbers)
        count = math.prod(self.grid)
        if len(numbers) == count and np.array_equal(numbers, np.arange(count)):
            return list(map(".".join, product(*(map(str, range(length)) for length in self.grid))))
        parts = (map(str, axis.tolist()) for axis in np.unravel_index(numbers, self.grid))
        return list(map(".".join, zip(*parts, strict=True)))


def located(table: ArrayTable, numbers: Columns, offsets: Columns, sizes: Columns, end: int) -> ArrayTable:
    """Return a table with its chunks in order.

    Raises:
        UnreferenceableError: A chunk lies beyond the end of the file, or is there twice.
    """
    order = np.argsort(numbers, kind="stable")
    numbers, offsets, sizes = numbers[order], offsets[order], sizes[order]
    if numbers.size and (offsets.min() < 0 or sizes.min() < 0 or (offsets > end - sizes).any()):
        raise UnreferenceableError("a chunk is said to lie beyond the end of the file")
    if (np.diff(numbers) == 0).any():
        raise UnreferenceableError("the file lists a chunk twice")
    return ArrayTable(table.shape, table.chunks, table.dtype, table.filters, numbers, offsets, sizes)


def contiguous(shape: tuple[int, ...], dtype: str, offset: int, end: int) -> ArrayTable:
    """Return the table of values that lie in one stretch, divided into ranges of a size fit for a request.

    Raises:
        UnreferenceableError: The stretch leads beyond the end of the file.
    """
    itemsize = np.dtype(dtype).itemsize
    chunks = divide(shape, itemsize)
    blank = ArrayTable(shape, chunks, dtype)
    count = math.prod(blank.grid)
    if offset + math.prod(shape) * itemsize > end:
        raise UnreferenceableError("values are said to lie beyond the end of the file")
    size = math.prod(chunks) * itemsize
    numbers = np.arange(count, dtype=np.int64)
    return located(blank, numbers, offset + numbers * size, np.full(count, size, np.int64), end)


def divide(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return chunk lengths that cut row-major values into equal stretches of at most 8 MiB, where lengths allow.

    Zarr version 2 knows only whole chunks, so each length is a divisor of the array's.

    >>> divide((1000, 1000, 10), 4)
    (200, 1000, 10)
    """
    chunks = [max(length, 1) for length in shape]
    for axis, length in enumerate(shape):
        row = math.prod(chunks[axis + 1 :]) * itemsize
        if row * length <= WHOLE_BYTES:
            break
        chunks[axis] = divisor(length, row)
        if chunks[axis] > 1:
            break
    return tuple(chunks)


def divisor(length: int, row: int) -> int:
    """Return how many of ``length`` rows of ``row`` bytes one chunk should hold, a divisor of the length."""
    found = _divisors(length)
    fitting = max((d for d in found if d * row <= WHOLE_BYTES), default=1)
    if fitting * row >= LEAST_BYTES:
        return fitting
    return min((d for d in found if WHOLE_BYTES < d * row <= MOST_BYTES), default=length)


def _divisors(number: int) -> list[int]:
    small = [d for d in range(1, min(math.isqrt(number), 1_000_000) + 1) if number % d == 0]
    return sorted({*small, *(number // d for d in small)})


def local_reader(descriptor: int) -> Read:
    """Return a reader of an open local file."""
    return lambda ranges: [os.pread(descriptor, length, offset) for offset, length in ranges]


def coalesce(ranges: Iterable[Range], gap: int, most: int) -> list[Range]:
    """Join ranges that lie close together, so that fewer requests fetch them.

    Args:
        ranges: What is wanted.
        gap: Bytes that may be fetched for nothing between two ranges.
        most: Largest joined range.

    >>> coalesce([(0, 10), (100, 10), (12, 3)], gap=5, most=1000)
    [(0, 15), (100, 10)]
    """
    joined: list[Range] = []
    for offset, length in sorted(ranges):
        if joined:
            first, held = joined[-1]
            end = max(first + held, offset + length)
            if offset - (first + held) <= gap and end - first <= most:
                joined[-1] = (first, end - first)
                continue
        joined.append((offset, length))
    return joined
