"""Writes maps that follow one another in time anew, with all times of a place together; imported in the child only."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Self

import netCDF4
import numpy as np

from builder.enrich.combine import Granule, inlined
from builder.enrich.correct import attribute
from builder.enrich.rewrite import Slices, blocks, same_bits
from builder.errors import UnreferenceableError

CHUNK_BYTES = 512 << 10
"""About the size of the copy's chunks before they are deflated: what one place costs at most."""
LEAST_CELLS = 16
"""Places that share a chunk at least; longer series are cut in time instead."""
BLOCK_BYTES = 64 << 20
"""Most bytes of one variable that are assembled at a time."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The steps of one granule.

    Attributes:
        name: What messages call it.
        length: Number of steps.
        before: Where they begin in the copy that was made before; None where that does not hold them.
    """

    name: str
    length: int
    before: int | None = None


def chunk_lengths(shape: Sequence[int], axis: int, itemsize: int) -> tuple[int, ...]:
    """Return chunks long along ``axis``, which is time, and small along the last two others; 1 along the rest.

    >>> chunk_lengths((365, 1120, 760), 0, 4)
    (365, 18, 18)
    """
    chunks = [1] * len(shape)
    chunks[axis] = max(1, min(shape[axis], CHUNK_BYTES // itemsize // LEAST_CELLS))
    cells = max(LEAST_CELLS, CHUNK_BYTES // itemsize // chunks[axis])
    plane = sorted((i for i in range(len(shape)) if i != axis), key=lambda i: -i)[:2]
    for left, place in zip(range(len(plane), 0, -1), sorted(plane, key=lambda i: shape[i]), strict=True):
        chunks[place] = max(1, min(shape[place], int(cells ** (1 / left) + 1e-9)))
        cells //= chunks[place]
    return tuple(chunks)


def maps_of(whole: Granule) -> list[str]:
    """Return the variables of combined references whose values have times and lie in the granules' files."""
    return [
        name
        for name in sorted(whole.arrays)
        if whole.axis(name) is not None and inlined(whole.arrays[name], whole.chunks.get(name, {})) is None
    ]


def write_time_major(
    whole: Granule,
    pieces: Sequence[Piece],
    target: Path,
    scratch: Path,
    before: Path | None,
    path_of: Callable[[int], Path],
    beat: Callable[[], None],
) -> None:
    """Write a NetCDF-4 file with the values of all granules, chunked long in time, and compare it with them.

    Memory stays flat: values are spooled to a scratch folder as they come, and assembled block by block.
    The first granule is always read, for it lends types, attributes and what has no time.

    Args:
        whole: The combined references of the granules, taken apart.
        pieces: The granules in the order of time.
        target: The file to be made.
        scratch: Folder for the raw values.
        before: The copy made before, for those of its steps that are still the same.
        path_of: Gives the file of a granule by its number.
        beat: Called after each step of the work.

    Raises:
        UnreferenceableError: A granule is not what its references say, or a value came out otherwise.
        OSError: A file cannot be read.
    """
    spool = _Spool(scratch, whole, pieces)
    with netCDF4.Dataset(target, "w", format="NETCDF4") as made:
        _raw(made)
        for number, piece in enumerate(pieces):
            if number and piece.before is not None:
                continue
            with netCDF4.Dataset(path_of(number)) as source:
                _raw(source)
                if not number:
                    _define(made, source, whole)
                spool.take(source, number, fresh=piece.before is None)
            beat()
        with _Before(before) as old:
            for name, block in _all_blocks(made, whole):
                made.variables[name][block] = spool.assembled(name, block, old)
                beat()
    with netCDF4.Dataset(target) as made, _Before(before) as old:
        _raw(made)
        for name, block in _all_blocks(made, whole):
            if not same_bits(spool.assembled(name, block, old), made.variables[name][block]):
                raise UnreferenceableError(f"variable {name} came out otherwise in the copy")
            beat()


class _Before:
    """The copy that was made before, open, or nothing."""

    def __init__(self, path: Path | None) -> None:
        self.file = netCDF4.Dataset(path) if path else None
        if self.file is not None:
            _raw(self.file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            self.file.close()

    def read(self, name: str, block: Slices) -> Any:
        assert self.file is not None
        return np.asarray(self.file.variables[name][block])


class _Spool:
    """The raw values of granules, in one file per variable."""

    def __init__(self, folder: Path, whole: Granule, pieces: Sequence[Piece]) -> None:
        self._folder, self._whole, self._pieces = folder, whole, pieces
        self._names = {name: str(number) for number, name in enumerate(maps_of(whole))}
        self._offsets: dict[tuple[str, int], int] = {}

    def take(self, source: Any, number: int, *, fresh: bool) -> None:
        """Keep the values of one granule where they are ``fresh``; what has another shape is refused in any case."""
        for name in self._names:
            variable, shape = source.variables[name], self._shape(name, number)
            if (
                variable.dtype is str
                or _native(variable.dtype) != _native(self._dtype(name))
                or variable.shape != shape
            ):
                raise UnreferenceableError(
                    f"variable {name} is of another type or shape than its references say",
                    where=self._pieces[number].name,
                )
            if fresh and variable.size:
                self._keep(name, number, variable)

    def _keep(self, name: str, number: int, variable: Any) -> None:
        file, dtype = self._folder / self._names[name], self._dtype(name)
        offset = self._offsets[name, number] = file.stat().st_size if file.exists() else 0
        with file.open("ab") as stream:
            stream.truncate(offset + variable.size * dtype.itemsize)
        kept = np.memmap(file, dtype, "r+", offset, variable.shape)
        for block in blocks(variable.shape, variable.dtype.itemsize):
            kept[block] = variable[block]

    def _dtype(self, name: str) -> Any:
        return np.dtype(self._whole.arrays[name]["dtype"])

    def _shape(self, name: str, number: int) -> tuple[int, ...]:
        axis = self._whole.axis(name)
        shape = self._whole.arrays[name]["shape"]
        return tuple(self._pieces[number].length if i == axis else n for i, n in enumerate(shape))

    def assembled(self, name: str, block: Slices, old: _Before) -> Any:
        """Return all times of a block of places."""
        axis = self._whole.axis(name)
        assert axis is not None
        array = self._whole.arrays[name]
        lengths = (range(*one.indices(n)) for one, n in zip(block, array["shape"], strict=True))
        values = np.empty(tuple(map(len, lengths)), array["dtype"])
        every = tuple(slice(None) if i == axis else one for i, one in enumerate(block))
        earlier: Any = old.read(name, every) if any(piece.before is not None for piece in self._pieces) else None
        start = 0
        for number, piece in enumerate(self._pieces):
            into = _along(axis, values.ndim, slice(start, start + piece.length))
            if piece.before is not None:
                values[into] = earlier[_along(axis, values.ndim, slice(piece.before, piece.before + piece.length))]
            elif values.size:
                file, offset = self._folder / self._names[name], self._offsets[name, number]
                values[into] = np.memmap(file, values.dtype, "r", offset, self._shape(name, number))[block]
            start += piece.length
        return values


def _native(dtype: np.dtype[Any]) -> Any:
    return dtype.newbyteorder("=")


def _along(axis: int, count: int, part: slice) -> Slices:
    return tuple(part if i == axis else slice(None) for i in range(count))


def _define(made: Any, first: Any, whole: Granule) -> None:
    """Lay out the copy after the first granule; write what has no time, and what the references hold themselves."""
    made.setncatts(_attributes(first, whole.root))
    for name in sorted(whole.arrays):
        variable, array = first.variables[name], whole.arrays[name]
        for dimension, length in zip(variable.dimensions, array["shape"], strict=True):
            if dimension not in made.dimensions:
                made.createDimension(dimension, length)
    maps = set(maps_of(whole))
    for name in sorted(whole.arrays):
        _variable(made, first.variables[name], whole, moved=name in maps)


def _variable(made: Any, variable: Any, whole: Granule, *, moved: bool) -> None:
    name, axis = variable.name, whole.axis(variable.name)
    array = whole.arrays[name]
    text = variable.dtype is str
    if text and axis is not None:
        raise UnreferenceableError(f"variable {name} holds text of any length, which is not moved")
    kind = str if text else np.dtype(array["dtype"]) if axis is not None else variable.dtype
    fill = variable.getncattr("_FillValue") if "_FillValue" in variable.ncattrs() and not text else None
    options = _options(variable, kind, array["shape"], axis if moved else None)
    copy = made.createVariable(name, kind, variable.dimensions, fill_value=fill, **options)
    copy.set_auto_maskandscale(False)
    copy.set_auto_chartostring(False)
    copy.setncatts(_attributes(variable, whole.attributes[name]))
    if not moved:
        data = b"" if axis is None else inlined(array, whole.chunks[name]) or b""
        values = variable[...] if axis is None else np.frombuffer(data, array["dtype"]).reshape(array["shape"])
        copy[...] = values
        if not same_bits(values, copy[...]):
            raise UnreferenceableError(f"variable {name} came out otherwise in the copy")


def _options(variable: Any, kind: Any, shape: Sequence[int], time: int | None) -> dict[str, Any]:
    """Return how a variable is written: deflated, in its own byte order, what was moved in chunks long in time."""
    if kind is str or not variable.ndim:
        return {}
    dtype = np.dtype(kind)
    order = "native" if dtype.kind == "S" else "big" if dtype.byteorder == ">" else "little"
    options: dict[str, Any] = {"zlib": True, "complevel": 4, "shuffle": True, "endian": order}
    if time is not None and 0 not in shape:
        options["chunksizes"] = chunk_lengths(shape, time, dtype.itemsize)
    return options


def _attributes(source: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes that all granules share, with the types they have in the file."""
    found: dict[str, Any] = {}
    for name, value in wanted.items():
        if name not in {"_ARRAY_DIMENSIONS", "_FillValue"}:
            own = source.getncattr(name) if name in source.ncattrs() else None
            if own is not None and attribute(own) == value:
                found[name] = own
            else:
                found[name] = np.asarray(value, own.dtype) if isinstance(own, np.generic | np.ndarray) else value
    return found


def _all_blocks(made: Any, whole: Granule) -> Iterator[tuple[str, Slices]]:
    """Yield blocks of whole chunks, each with all its times."""
    for name in maps_of(whole):
        variable, axis = made.variables[name], whole.axis(name)
        lengths, size = list(variable.shape), variable.dtype.itemsize
        chunks = variable.chunking() if 0 not in variable.shape else variable.shape
        for place in (i for i in range(len(lengths)) if i != axis):
            whole_bytes = math.prod(lengths) * size
            if whole_bytes <= BLOCK_BYTES:
                break
            fitting = BLOCK_BYTES * lengths[place] // whole_bytes // chunks[place] * chunks[place]
            lengths[place] = min(lengths[place], max(chunks[place], fitting))
        starts = (range(0, n, max(step, 1)) for n, step in zip(variable.shape, lengths, strict=True))
        for corner in product(*starts):
            ends = zip(corner, lengths, variable.shape, strict=True)
            yield name, tuple(slice(at, min(at + step, end)) for at, step, end in ends)


def _raw(file: Any) -> None:
    file.set_auto_maskandscale(False)
    file.set_auto_chartostring(False)
