"""Makes references say what netCDF-C says: attributes, fill values, chunks never written, strings."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import netCDF4
import numcodecs  # type: ignore[import-untyped]
import numpy as np

from builder.errors import UnreferenceableError
from builder.references.encode import References
from builder.references.table import ArrayTable

INLINE_BYTES = 64 * 1024
RAGGED_BYTES = 8 * 1024
MAX_FILL_CHUNK_BYTES = 256 << 20


def groups(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every group of an open file with its Zarr key prefix (``""``, ``"a/"``, ``"a/b/"`` …)."""
    yield prefix, group
    for name, child in group.groups.items():
        yield from groups(child, f"{prefix}{name}/")


def correct(tables: Mapping[str, ArrayTable | UnreferenceableError], path: Path) -> References:
    """Return references to what the tables locate, with metadata from netCDF-C and coordinates kept in place.

    Raises:
        UnreferenceableError: A variable has a type or a layout that Zarr version 2 cannot express.
    """
    made = References()
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        file.set_auto_chartostring(False)
        for prefix, group in groups(file):
            made.documents[f"{prefix}.zgroup"] = {"zarr_format": 2}
            made.documents[f"{prefix}.zattrs"] = _attributes(group)
            inline = _coordinate_names(group)
            for name, variable in group.variables.items():
                _variable(made, prefix + name, variable, tables.get(prefix + name), inline=name in inline)
        if file.groups:
            metadata = {key: made.documents[key] for key in sorted(made.documents)}
            made.documents[".zmetadata"] = {"metadata": metadata, "zarr_consolidated_format": 1}
    return made


def attribute(value: Any) -> Any:
    """Return an attribute as JSON can carry it: numbers as numbers, arrays as lists, not-a-number as text."""
    if isinstance(value, np.ndarray):
        return [attribute(item) for item in value.tolist()]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, list | tuple):
        return [attribute(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float) else str(value)


def _variable(
    made: References, key: str, variable: Any, table: ArrayTable | UnreferenceableError | None, *, inline: bool
) -> None:
    if variable.dtype is str:
        return _strings(made, key, variable)
    _check_type(key, variable)
    _check_extent(key, variable, table)
    unlocated = not isinstance(table, ArrayTable) or not table.numbers.size
    if (unlocated or inline or not variable.ndim) and math.prod(
        variable.shape
    ) * variable.dtype.itemsize <= INLINE_BYTES:
        return _values(made, key, variable)
    if isinstance(table, UnreferenceableError):
        raise table
    if table is None or not table.fits(variable.shape):
        table = _whole(variable.shape, variable.dtype)
    return _chunks_of(made, key, variable, table.grown(variable.shape))


def _check_type(key: str, variable: Any) -> None:
    dtype = variable.dtype
    if not isinstance(dtype, np.dtype) or dtype.kind not in "iufS" or isinstance(variable.datatype, netCDF4.VLType):
        raise UnreferenceableError(f"variable {key} has a user-defined type, which Zarr version 2 does not know")


def _check_extent(key: str, variable: Any, table: ArrayTable | UnreferenceableError | None) -> None:
    """Refuse what netCDF-C reads wrongly: it puts right fills behind an end along the first dimension alone."""
    if not isinstance(table, ArrayTable) or table.shape == variable.shape or not table.fits(variable.shape):
        return
    growing = [dimension.isunlimited() for dimension in variable.get_dims()]
    if any(growing[1:]) and any(length for length, grows in zip(table.shape, growing, strict=True) if grows):
        message = (
            f"variable {key} ends before one of its several or inner unlimited dimensions, where netCDF-C reads noise"
        )
        raise UnreferenceableError(message, hint="write it to the end of each dimension")


def _chunks_of(made: References, key: str, variable: Any, table: ArrayTable) -> None:
    """Refer to the chunks that were written; each of the others gets the value that netCDF-C reads there."""
    missing = table.missing()
    if missing.size:
        if not table.numbers.size and not table.filters:
            table = replace(table, filters=({"id": "zlib", "level": 1},))
        made.inline[key] = dict.fromkeys(missing.tolist(), _fill_chunk(key, variable, table, missing[0]))
    _add(made, key, table, *_fill(variable, np.dtype(table.dtype)))


def _add(made: References, key: str, table: ArrayTable, fill: Any, attributes: dict[str, Any]) -> None:
    made.tables[key] = table
    made.documents[f"{key}/.zarray"] = table.zarray() | {"fill_value": fill}
    made.documents[f"{key}/.zattrs"] = attributes


def _whole(shape: tuple[int, ...], dtype: np.dtype[Any], *filters: dict[str, Any]) -> ArrayTable:
    return ArrayTable(shape, tuple(max(n, 1) for n in shape), dtype.str, filters)


def _values(made: References, key: str, variable: Any) -> None:
    """Keep the whole variable in the references, uncompressed, so that granules can be joined."""
    data = np.ascontiguousarray(variable[...])
    data = data.astype(data.dtype.newbyteorder("<"))
    _add(made, key, _whole(variable.shape, data.dtype), *_fill(variable, data.dtype))
    if data.size:
        made.inline[key] = {0: data.tobytes()}


def _strings(made: References, key: str, variable: Any) -> None:
    data = np.asarray(variable[...], dtype=object)
    if data.size and sum(len(str(text)) for text in data.flat) > 16 * INLINE_BYTES:
        raise UnreferenceableError(f"variable {key} holds more text than references should carry")
    _add(made, key, _whole(variable.shape, np.dtype(object), {"id": "vlen-utf8"}), None, _attributes(variable))
    if data.size:
        made.inline[key] = {0: bytes(numcodecs.VLenUTF8().encode(data.reshape(-1)))}


def _fill_chunk(key: str, variable: Any, table: ArrayTable, missing: int) -> bytes:
    """Encode one chunk of the value that HDF5 gives for chunks that were never written."""
    dtype = np.dtype(table.dtype)
    if math.prod(table.chunks) * dtype.itemsize > MAX_FILL_CHUNK_BYTES:
        raise UnreferenceableError(f"variable {key} has chunks too large to stand in for")
    index = np.unravel_index(missing, table.grid) if table.shape else ()
    corner = tuple(int(i) * c for i, c in zip(index, table.chunks, strict=True)) if table.shape else ...
    buffer: Any = np.full(table.chunks, variable[corner], dtype)
    for codec in table.filters:
        buffer = numcodecs.get_codec(dict(codec)).encode(buffer)
    return buffer.tobytes() if isinstance(buffer, np.ndarray) else bytes(buffer)


def _fill(variable: Any, dtype: np.dtype[Any]) -> tuple[Any, dict[str, Any]]:
    """Return Zarr's fill value and the other attributes.

    Only the attribute ``_FillValue`` may become Zarr's fill value, because xarray masks by it. One that the
    type cannot hold stays an attribute, as it is in the file; not-a-number on integers masks nothing and is left out.
    """
    attributes = _attributes(variable)
    if "_FillValue" not in attributes:
        return None, attributes
    value = attributes.pop("_FillValue")
    if dtype.kind == "S":
        return _base64(np.array(value, dtype).tobytes()), attributes
    number = float(value) if not isinstance(value, list) else math.nan
    if dtype.kind == "f":
        names = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
        return names.get(str(number), number), attributes
    if not math.isfinite(number):
        return None, attributes
    limits = np.iinfo(dtype)
    if number == int(value) and limits.min <= int(value) <= limits.max:
        return int(value), attributes
    return None, attributes | {"_FillValue": value}


def _attributes(owner: Any) -> dict[str, Any]:
    attributes = {name: attribute(owner.getncattr(name)) for name in owner.ncattrs()}
    if isinstance(owner, netCDF4.Variable):
        attributes["_ARRAY_DIMENSIONS"] = list(owner.dimensions)
        if attributes.get("missing_value") == "nan":
            del attributes["missing_value"]
    return attributes


def _coordinate_names(group: Any) -> set[str]:
    """Name the one-dimensional variables that locate the others (CF conventions 1.11, section 5)."""
    names = {name for name in group.variables if name in group.dimensions}
    for variable in group.variables.values():
        if "coordinates" in variable.ncattrs():
            names.update(str(variable.getncattr("coordinates")).split())
        if " since " in str(getattr(variable, "units", "")):
            names.add(variable.name)
        if _is_short(variable):
            names.add(variable.name)
    return {name for name in names if name in group.variables and group.variables[name].ndim == 1}


def _is_short(variable: Any) -> bool:
    """Tell whether a variable of one dimension, not of text, which is kept in any case, is shorter than its chunk."""
    chunks = variable.chunking()
    if variable.ndim != 1 or variable.dtype is str or not isinstance(chunks, list):
        return False
    return bool(chunks[0] > len(variable) and len(variable) * variable.dtype.itemsize <= RAGGED_BYTES)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
