"""Says what a cut costs before anything of it is read."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from builder.reading.opening import Opened

MOST_LOOKED_UP = 500_000
"""Chunks whose true sizes are looked up; beyond, the size of the values stands for them."""

REQUEST_BYTES = 64 << 10
"""What a request costs beside its bytes, where many are under way at a time."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Requests for parts of files, bytes to be read, and bytes of the values in memory."""

    requests: int = 0
    read_bytes: int = 0
    value_bytes: int = 0

    def __add__(self, other: Cost) -> Cost:
        """Add up."""
        return Cost(
            self.requests + other.requests, self.read_bytes + other.read_bytes, self.value_bytes + other.value_bytes
        )

    @property
    def price(self) -> int:
        """Bytes, with what could be read in the time of a request for each."""
        return self.read_bytes + self.requests * REQUEST_BYTES

    def __str__(self) -> str:
        """Say it in a line."""
        requests = f"{self.requests} request{'' if self.requests == 1 else 's'}"
        return f"{requests}, {_size_text(self.read_bytes)} to read, {_size_text(self.value_bytes)} of values"


def _size_text(size: int) -> str:
    unit, name = next(((u, n) for u, n in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")) if size >= u), (1, "bytes"))
    return f"{size / unit:.4g} {name}"


def cost_of(opened: Opened, names: Iterable[str], kept: Mapping[str, np.ndarray]) -> Cost:
    """Return what reading variables costs.

    Args:
        opened: The open dataset.
        names: Variables to read.
        kept: Dimension → mask of the indices wanted; others are read whole.
    """
    variables = [(name, opened.dataset.variables[name]) for name in names if name in opened.dataset.variables]
    return sum((_of_variable(opened, str(name), variable, kept) for name, variable in variables), Cost())


def _of_variable(opened: Opened, name: str, variable: xr.Variable, kept: Mapping[str, np.ndarray]) -> Cost:
    indices = [_indices(str(dim), size, kept) for dim, size in variable.sizes.items()]
    count = math.prod(len(index) for index in indices)
    values = count * variable.dtype.itemsize
    chunks = variable.encoding.get("chunks") or variable.encoding.get("chunksizes")
    if not chunks:
        return Cost(int(bool(count)), count * _stored(variable), values)
    touched = [np.unique(index // size) for index, size in zip(indices, chunks, strict=True)]
    number = math.prod(map(len, touched))
    if opened.references is None or number > MOST_LOOKED_UP:
        return Cost(number, number * math.prod(chunks) * _stored(variable), values)
    keys = (".".join(map(str, index)) or "0" for index in itertools.product(*(axis.tolist() for axis in touched)))
    sizes = [size for key in keys if (size := _size(opened.references, f"{name}/{key}"))]
    return Cost(len(sizes), sum(sizes), values)


def _indices(dim: str, size: int, kept: Mapping[str, np.ndarray]) -> np.ndarray:
    mask = kept.get(dim)
    return np.flatnonzero(mask) if mask is not None and mask.size == size else np.arange(size)


def _stored(variable: xr.Variable) -> int:
    return int(np.dtype(variable.encoding.get("dtype", variable.dtype) or variable.dtype).itemsize)


def _size(references: Mapping[str, Any], key: str) -> int:
    """Return the bytes that must be fetched for a chunk; none where it is inlined or was never written."""
    try:
        entry = references[key]
    except KeyError:
        return 0
    return int(entry[2]) if isinstance(entry, list | tuple) and len(entry) == 3 else 0
