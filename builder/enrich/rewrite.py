"""Writes the values of a NetCDF file anew, in an encoding every reader knows; imported in the child process only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from builder.enrich.correct import groups
from builder.errors import UnreferenceableError

BLOCK_BYTES = 8 << 20
"""Most bytes of one variable that are in memory at a time, and about the size of the copy's chunks."""

Slices = tuple[slice, ...]


def rewrite(source: Path, target: Path) -> None:
    """Copy every group, dimension, variable and attribute into a new NetCDF-4 file with deflate and shuffle.

    Values are copied as stored, without unpacking. Each member of a compound type becomes a variable of its own,
    called ``variable.member``. Every value is compared with the source before this returns.

    Raises:
        UnreferenceableError: A variable has a type that cannot be copied, or a value came out otherwise.
        OSError: The source cannot be read.
    """
    with netCDF4.Dataset(source) as old, netCDF4.Dataset(target, "w", format="NETCDF4") as new:
        for one in (old, new):
            one.set_auto_maskandscale(False)
            one.set_auto_chartostring(False)
        for prefix, group in groups(old):
            made = new.createGroup(prefix.rstrip("/")) if prefix else new
            made.setncatts({name: group.getncattr(name) for name in group.ncattrs()})
            for name, dimension in group.dimensions.items():
                made.createDimension(name, len(dimension))
            for variable in group.variables.values():
                for name, member in _members(prefix, variable):
                    _copy(source, prefix, variable, member, made, name)


def _members(prefix: str, variable: Any) -> Iterator[tuple[str, str | None]]:
    """Yield under which names a variable is copied, each with the member of a compound type that it holds."""
    kind = variable.dtype
    if kind is str:
        yield variable.name, None
    elif isinstance(variable.datatype, netCDF4.VLType):
        raise UnreferenceableError(f"variable {prefix}{variable.name} is ragged, which a copy cannot express")
    elif kind.names:
        for member in kind.names:
            if kind[member].kind not in "iuf":
                raise UnreferenceableError(f"variable {prefix}{variable.name} nests types, which a copy cannot express")
            yield f"{variable.name}.{member}", member
    else:
        yield variable.name, None


def _copy(source: Path, prefix: str, variable: Any, member: str | None, made: Any, name: str) -> None:
    kind = variable.dtype if member is None else variable.dtype[member].newbyteorder("=")
    attributes = {key: variable.getncattr(key) for key in variable.ncattrs()}
    fill = attributes.pop("_FillValue", None)
    fill = fill if member is None else None  # that of a compound type fits none of its members
    options = {} if kind is str else _options(variable, kind, ordered=member is None)
    copy = made.createVariable(name, kind, variable.dimensions, fill_value=fill, **options)
    copy.set_auto_maskandscale(False)
    copy.set_auto_chartostring(False)
    copy.setncatts(attributes)
    read = _reader(source, prefix, variable)
    for block in blocks(variable.shape, 1 if kind is str else kind.itemsize):
        values = read(block) if member is None else read(block)[member]
        copy[block] = values
        if not same_bits(values, copy[block]):
            raise UnreferenceableError(f"variable {prefix}{name} came out otherwise in the copy")


def _options(variable: Any, kind: Any, *, ordered: bool) -> dict[str, Any]:
    """Return how numbers and characters are written: deflated, in the byte order of the original."""
    order = variable.endian() if ordered else "native"
    options: dict[str, Any] = {"endian": order if order in {"big", "little"} else "native"}
    if variable.ndim:
        options |= {"zlib": True, "complevel": 4, "shuffle": True, "chunksizes": _chunks(variable.shape, kind.itemsize)}
    return options


def _reader(source: Path, prefix: str, variable: Any) -> Any:
    """Return what reads a part of a variable: netCDF-C, or h5py where that lacks the filter (LZF)."""

    def through_netcdf(block: Slices) -> Any:
        return np.asarray(variable[block])

    if not variable.size:
        return through_netcdf
    try:
        through_netcdf(tuple(slice(0, 1) for _ in variable.shape))
    except RuntimeError:
        import h5py

        file = h5py.File(source, "r")
        dataset = file[prefix + variable.name]
        return lambda block: dataset[block]
    return through_netcdf


def same_bits(one: Any, other: Any) -> bool:
    """Compare two arrays bit for bit, so that not-a-numbers and signs of zero count."""
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape or one.dtype.kind != other.dtype.kind or one.dtype.itemsize != other.dtype.itemsize:
        return False
    if one.dtype.kind == "O":
        return bool(np.array_equal(one, other))
    return bool(_bytes(one) == _bytes(other))


def _bytes(values: Any) -> bytes:
    return bytes(values.astype(values.dtype.newbyteorder("=")).tobytes())


def _chunks(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the largest block of whole last dimensions that is not above a quarter of `BLOCK_BYTES`."""
    chunks = [max(length, 1) for length in shape]
    for axis in range(len(chunks)):
        rest = math.prod(chunks[axis + 1 :]) * itemsize
        chunks[axis] = max(1, min(chunks[axis], BLOCK_BYTES // 4 // rest))
    return tuple(chunks)


def blocks(shape: tuple[int, ...], itemsize: int) -> Iterator[Slices]:
    """Yield the chunks one after the other; one empty tuple for a scalar."""
    steps = _chunks(shape, itemsize)
    for corner in product(*(range(0, length, step) for length, step in zip(shape, steps, strict=True))):
        yield tuple(
            slice(start, min(start + step, length)) for start, step, length in zip(corner, steps, shape, strict=True)
        )
