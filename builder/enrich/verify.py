"""Reads every variable through its references and compares it with netCDF-C, bit for bit."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from builder.enrich.guard import first_line
from builder.errors import UnreferenceableError
from builder.findings import Finding, note
from builder.references.table import ArrayTable

if TYPE_CHECKING:
    from builder.enrich.fetching import Parts

WHOLE_FILE_BYTES = 64 << 20
BLOCK_BYTES = 16 << 20
SAMPLED_BLOCKS = 8


def verify(refs: dict[str, Any], path: Path, href: str, parts: Parts | None = None) -> tuple[Finding, ...]:
    """Compare the references (aimed at ``path``) with the file: all of it up to 64 MB, else sampled chunks.

    Of a file with holes, the ``parts`` that are here are compared.

    Both sides are compared as stored and as xarray decodes them (masks, scale and offset, times, text).

    Raises:
        UnreferenceableError: A variable is missing, cannot be read, or differs.
    """
    import netCDF4
    from kerchunk.utils import refs_as_store

    from builder.enrich.correct import groups

    store = refs_as_store({"version": 1, "refs": refs}, remote_protocol="file", read_only=True)
    with netCDF4.Dataset(path) as file:
        prefixes = [prefix for prefix, _ in groups(file)]
    widened: list[str] = []
    for prefix in prefixes:
        options: dict[str, Any] = {"group": prefix.rstrip("/") or None, "decode_cf": False, "cache": False}
        options["create_default_indexes"] = False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with xr.open_dataset(path, engine="netcdf4", **options) as theirs:
                ours = xr.open_dataset(store, engine="zarr", zarr_format=2, consolidated=len(prefixes) > 1, **options)
                widened += [prefix + name for name in _compare_groups(theirs, ours, prefix, parts)]
    return tuple(_notes(prefixes[1:], widened, href))


def same_values(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> bool:
    """Tell whether two arrays have the same type, shape and bits (any not-a-number equals any other)."""
    if first.shape != second.shape:
        return False
    if first.dtype.kind in "OTU" or second.dtype.kind in "OTU":
        return all(a == b or (a != a and b != b) for a, b in zip(first.flat, second.flat, strict=True))  # noqa: PLR0124
    if first.dtype.newbyteorder("=") != second.dtype.newbyteorder("="):
        return False
    if first.dtype.kind in "fc":
        equal = (first == second) & (np.signbit(first.real) == np.signbit(second.real))
        return bool(np.all(equal | (np.isnan(first) & np.isnan(second))))
    if first.dtype.kind in "mM":
        return bool(np.all((first == second) | (np.isnat(first) & np.isnat(second))))
    return bool(np.all(first == second))


def _notes(nested: list[str], widened: list[str], href: str) -> Iterator[Finding]:
    if nested:
        message = (
            f"the file has groups ({', '.join(p.rstrip('/') for p in nested[:5])}), which engine='kerchunk' cannot list"
        )
        hint = "open them with engine='zarr', group=…, consolidated=True"
        yield note("netcdf.groups", href, message, hint)
    if widened:
        text = "decode to 64-bit numbers that round to the file's, because their scale factors have at most 32 bits"
        yield note("netcdf.float32-packing", href, f"read through references, {', '.join(widened)} {text}")


def _compare_groups(theirs: xr.Dataset, ours: xr.Dataset, prefix: str, parts: Parts | None) -> list[str]:
    missing = sorted(set(theirs.variables) ^ set(ours.variables), key=str)
    if missing:
        raise UnreferenceableError(f"variable {prefix}{missing[0]} is not in both the file and its references")
    widened: list[str] = []
    for names, block in _blocks(theirs, ours) if parts is None else _present(theirs, prefix, parts):
        try:
            raw = [side[names].isel(block).load() for side in (theirs, ours)]
        except (OSError, ValueError, RuntimeError, KeyError, TypeError) as trouble:
            reason = f"{type(trouble).__name__}: {first_line(trouble)}"
            raise UnreferenceableError(f"cannot read {prefix}{', '.join(names[:3])}: {reason}") from trouble
        _compare(raw[0], raw[1], raw[0], prefix)
        decoded = _decode(raw[0], raw[1])
        widened += [name for name in _compare(decoded[0], decoded[1], raw[0], prefix) if name not in widened]
    return widened


def _blocks(theirs: xr.Dataset, ours: xr.Dataset) -> Iterator[tuple[list[str], dict[str, slice]]]:
    """Yield names and slices: small variables together, large ones by blocks of whole chunks."""
    small, size = [], 0
    for name in sorted(theirs.variables, key=str):
        variable = theirs.variables[name]
        if variable.nbytes > BLOCK_BYTES and variable.ndim:
            for block in _slices(variable, ours.variables[name].encoding.get("chunks") or variable.shape, theirs):
                yield [str(name)], block
            continue
        small.append(str(name))
        size += variable.nbytes
        if size > BLOCK_BYTES:
            yield small, {}
            small, size = [], 0
    if small:
        yield small, {}


def _present(theirs: xr.Dataset, prefix: str, parts: Parts) -> Iterator[tuple[list[str], dict[str, slice]]]:
    """Yield the variables that are here as a whole, then the chunks that are here of others."""
    whole = [str(name) for name in sorted(theirs.variables, key=str) if prefix + str(name) in parts.present]
    if whole:
        yield whole, {}
    for name, variable in theirs.variables.items():
        table = parts.tables.get(prefix + str(name))
        for number in parts.picked.get(prefix + str(name), ()):
            assert isinstance(table, ArrayTable)
            corner = np.unravel_index(number, table.grid)
            lengths = zip(variable.dims, corner, table.chunks, strict=True)
            yield [str(name)], {str(dim): slice(int(i) * n, (int(i) + 1) * n) for dim, i, n in lengths}


def _slices(variable: xr.Variable, chunks: tuple[int, ...], file: xr.Dataset) -> list[dict[str, slice]]:
    axis = next((i for i, (n, c) in enumerate(zip(variable.shape, chunks, strict=True)) if n > c), 0)
    row = variable.nbytes // variable.shape[axis]
    step = max(BLOCK_BYTES // max(row * chunks[axis], 1), 1) * chunks[axis]
    dimension = str(variable.dims[axis])
    result = [{dimension: slice(start, start + step)} for start in range(0, variable.shape[axis], step)]
    whole = Path(file.encoding.get("source", "")).stat().st_size <= WHOLE_FILE_BYTES
    if len(result) <= SAMPLED_BLOCKS or (whole and variable.nbytes <= 8 * WHOLE_FILE_BYTES):
        return result
    return [result[i * (len(result) - 1) // (SAMPLED_BLOCKS - 1)] for i in range(SAMPLED_BLOCKS)]


def _decode(theirs: xr.Dataset, ours: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Decode both by the CF conventions, leaving times alone, then packed values, where the file's own cannot be."""
    ways: list[dict[str, Any]] = [{}, {"decode_times": False}, {"decode_times": False, "mask_and_scale": False}]
    for way in ways:
        with suppress(ValueError, OverflowError, TypeError):
            first = xr.decode_cf(theirs, **way).load()
            break
    else:
        raise UnreferenceableError("the file cannot be decoded")
    try:
        return first, xr.decode_cf(ours, **way).load()
    except (ValueError, OverflowError, TypeError) as trouble:
        raise UnreferenceableError(f"the references cannot be decoded: {first_line(trouble)}") from trouble


def _compare(theirs: xr.Dataset, ours: xr.Dataset, raw: xr.Dataset, prefix: str) -> list[str]:
    widened = []
    for name in sorted(theirs.variables, key=str):
        first, second = theirs.variables[name], ours.variables[name]
        if first.dims == second.dims and same_values(first.values, second.values):
            continue
        if first.dims == second.dims and _only_widened(first.values, second.values, raw.variables[name].attrs):
            widened.append(str(name))
            continue
        packing = raw.variables[name].attrs.get("scale_factor", raw.variables[name].attrs.get("add_offset"))
        if raw is not theirs and isinstance(packing, np.float32 | np.integer):
            reason = "decodes differently through references, as JSON knows no 32-bit numbers to unpack it by"
            raise UnreferenceableError(f"variable {prefix}{name} {reason}")
        raise UnreferenceableError(f"variable {prefix}{name} reads differently through references than from the file")
    return widened


def _only_widened(theirs: np.ndarray[Any, Any], ours: np.ndarray[Any, Any], attributes: dict[str, Any]) -> bool:
    """Tell whether 64-bit values are those of a 32-bit unpacking before its rounding.

    JSON knows no 32-bit numbers, so xarray unpacks in 64 bits; the scale factor itself is exact. Without an
    offset the rounded values must be the file's; with one, the file's own sum may be off by one rounding.
    Whole numbers that are scaled by a whole number must be the file's own.
    """
    packing = [attributes.get(name) for name in ("scale_factor", "add_offset")]
    if theirs.dtype.kind == "i" and ours.dtype == np.int64:
        return packing[0] is not None and same_values(theirs.astype(np.int64), ours)
    if not any(isinstance(value, np.float32) for value in packing):
        return False
    if theirs.dtype != np.float32 or ours.dtype != np.float64 or theirs.shape != ours.shape:
        return False
    if packing[1] is None:
        return same_values(theirs, ours.astype(np.float32))
    scale = np.maximum(np.abs(theirs), np.float32(np.abs(packing[1])))
    near = np.abs(ours - theirs.astype(np.float64)) <= np.spacing(scale.astype(np.float32))
    return bool(np.all(near | (np.isnan(theirs) & np.isnan(ours))))
