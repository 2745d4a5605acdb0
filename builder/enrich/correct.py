"""Makes kerchunk's references say what netCDF-C says: attributes, fill values, chunks never written, strings."""

from __future__ import annotations

import base64
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import netCDF4
import numcodecs  # type: ignore[import-untyped]
import numpy as np
import orjson

from builder.errors import UnreferenceableError

INLINE_BYTES = 64 * 1024
RAGGED_BYTES = 8 * 1024
MAX_FILL_CHUNK_BYTES = 256 << 20


def groups(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every group of an open file with its Zarr key prefix (``""``, ``"a/"``, ``"a/b/"`` …)."""
    yield prefix, group
    for name, child in group.groups.items():
        yield from groups(child, f"{prefix}{name}/")


def correct(refs: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return references whose metadata come from netCDF-C and whose coordinates are inlined.

    Raises:
        UnreferenceableError: A variable has a type or a layout that Zarr version 2 cannot express.
    """
    result: dict[str, Any] = {}
    located: dict[str, dict[str, Any]] = {}
    for key, value in refs.items():
        owner, _, part = key.rpartition("/")
        if not part.startswith("."):
            located.setdefault(owner, {})[key] = value
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        file.set_auto_chartostring(False)
        for prefix, group in groups(file):
            result[f"{prefix}.zgroup"] = _dump({"zarr_format": 2})
            result[f"{prefix}.zattrs"] = _dump(_attributes(group))
            inline = _coordinate_names(group)
            for name, variable in group.variables.items():
                key = prefix + name
                zarray, chunks = refs.get(f"{key}/.zarray"), located.get(key, {})
                result.update(_variable(key, variable, zarray, chunks, inline=name in inline))
        if file.groups:
            result[".zmetadata"] = _consolidated(result)
    return result


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


def _variable(key: str, variable: Any, zarray: str | None, chunks: dict[str, Any], *, inline: bool) -> dict[str, Any]:
    if variable.dtype is str:
        return _strings(key, variable)
    dtype = variable.dtype
    if not isinstance(dtype, np.dtype) or dtype.kind not in "iufS" or isinstance(variable.datatype, netCDF4.VLType):
        raise UnreferenceableError(f"variable {key} has a user-defined type, which Zarr version 2 does not know")
    nbytes = math.prod(variable.shape) * dtype.itemsize
    small = zarray is None or not chunks or inline or not variable.ndim
    if small and nbytes <= INLINE_BYTES:
        return _values(key, variable)
    array = orjson.loads(zarray) if zarray else _array(variable.shape, dtype)
    fill, attributes = _fill(variable, np.dtype(array["dtype"]))
    array["fill_value"] = fill
    missing = [k for k in _grid(key, array) if k not in chunks]
    if missing:
        if not chunks and not array.get("filters"):
            array["compressor"] = {"id": "zlib", "level": 1}
        chunks = chunks | dict.fromkeys(missing, _fill_chunk(key, variable, array, missing[0]))
    return {f"{key}/.zarray": _dump(array), f"{key}/.zattrs": _dump(attributes), **chunks}


def _consolidated(refs: dict[str, Any]) -> str:
    """Repeat all metadata in one document, because Zarr-Python 3 cannot list groups inside references."""
    metadata = {key: orjson.loads(text) for key, text in refs.items() if key.rpartition("/")[2].startswith(".z")}
    return _dump({"metadata": metadata, "zarr_consolidated_format": 1})


def _grid(key: str, array: dict[str, Any]) -> Iterator[str]:
    counts = [-(-n // c) if c else 0 for n, c in zip(array["shape"], array["chunks"], strict=True)]
    for index in itertools.product(*map(range, counts)):
        yield f"{key}/{'.'.join(map(str, index)) or '0'}"


def _array(shape: tuple[int, ...], dtype: np.dtype[Any]) -> dict[str, Any]:
    return {
        "zarr_format": 2,
        "shape": list(shape),
        "chunks": [max(n, 1) for n in shape],
        "dtype": dtype.str,
        "compressor": None,
        "filters": None,
        "fill_value": None,
        "order": "C",
    }


def _values(key: str, variable: Any) -> dict[str, Any]:
    """Keep the whole variable in the references, uncompressed, so that granules can be joined."""
    data = np.ascontiguousarray(variable[...])
    data = data.astype(data.dtype.newbyteorder("<"))
    array = _array(variable.shape, data.dtype)
    array["fill_value"], attributes = _fill(variable, data.dtype)
    result: dict[str, Any] = {f"{key}/.zarray": _dump(array), f"{key}/.zattrs": _dump(attributes)}
    if data.size:
        result[next(_grid(key, array))] = _base64(data.tobytes())
    return result


def _strings(key: str, variable: Any) -> dict[str, Any]:
    data = np.asarray(variable[...], dtype=object)
    if data.size and sum(len(str(text)) for text in data.flat) > 16 * INLINE_BYTES:
        raise UnreferenceableError(f"variable {key} holds more text than references should carry")
    array = _array(variable.shape, np.dtype(object)) | {"filters": [{"id": "vlen-utf8"}], "fill_value": None}
    attributes = _attributes(variable)
    result: dict[str, Any] = {f"{key}/.zarray": _dump(array), f"{key}/.zattrs": _dump(attributes)}
    if data.size:
        result[next(_grid(key, array))] = _base64(bytes(numcodecs.VLenUTF8().encode(data.reshape(-1))))
    return result


def _fill_chunk(key: str, variable: Any, array: dict[str, Any], missing: str) -> str:
    """Encode one chunk of the value that HDF5 gives for chunks that were never written."""
    dtype = np.dtype(array["dtype"])
    if math.prod(array["chunks"]) * dtype.itemsize > MAX_FILL_CHUNK_BYTES:
        raise UnreferenceableError(f"variable {key} has chunks too large to stand in for")
    index = [int(part) for part in missing.rpartition("/")[2].split(".")]
    corner = tuple(i * c for i, c in zip(index, array["chunks"], strict=False)) if array["shape"] else ...
    buffer: Any = np.full(array["chunks"], variable[corner], dtype)
    for codec in (*(array["filters"] or ()), array["compressor"]):
        if codec:
            buffer = numcodecs.get_codec(dict(codec)).encode(buffer)
    return _base64(buffer.tobytes() if isinstance(buffer, np.ndarray) else bytes(buffer))


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
        return _base64_plain(np.array(value, dtype).tobytes()), attributes
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
        for chunk in _chunks(variable):
            if variable.ndim == 1 and chunk > len(variable) and len(variable) * variable.dtype.itemsize <= RAGGED_BYTES:
                names.add(variable.name)
    return {name for name in names if name in group.variables and group.variables[name].ndim == 1}


def _chunks(variable: Any) -> list[int]:
    chunking = variable.chunking()
    return chunking if isinstance(chunking, list) else []


def _base64(data: bytes) -> str:
    return "base64:" + _base64_plain(data)


def _base64_plain(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _dump(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
