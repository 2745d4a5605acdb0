"""Decides which parts of a remote NetCDF file are needed, and fetches them into a file with holes.

After that every library reads the local file as if it were whole; what was not fetched is never read, because the
variables that may be read are named here. Imported in the child process only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from builder.enrich.coordinates import LATITUDE, LONGITUDE, TIME, VERTICAL, X, Y, find, is_time
from builder.enrich.correct import INLINE_BYTES, groups
from builder.enrich.guard import check_hdf5, file_kind
from builder.references.hdf5 import NOT_A_COORDINATE, Tables, scan_hdf5
from builder.references.netcdf3 import scan_netcdf3
from builder.references.partial import Fetch, PartialFile
from builder.references.table import ArrayTable, Range
from builder.sources.limits import HEAD

SAMPLED = 3
COORDINATE_BYTES = 4 << 20


@dataclass
class Parts:
    """What is known of a remote file once the parts that matter are here.

    Attributes:
        kind: As `builder.enrich.guard.file_kind`.
        declared: Bytes of values that an HDF5 file declares.
        tables: Where its chunks lie.
        present: Variables whose values are all here.
        picked: Numbers of the chunks that are here of other variables.
    """

    kind: str
    declared: int
    tables: Tables
    present: set[str] = field(default_factory=set)
    picked: dict[str, list[int]] = field(default_factory=dict)


def fetch_parts(path: Path, fetch: Fetch) -> Parts:
    """Fetch header, chunk indexes, coordinates and a sample of chunks.

    Raises:
        UnreferenceableError: The file must not be read, or too much of it would be needed.
        OSError: HDF5 cannot read the structure.
    """
    with PartialFile(path, fetch) as file:
        file.ensure([(0, HEAD)])
        kind = file_kind(path)
        if kind != "hdf5":
            tables: Tables = dict(scan_netcdf3(file.ranges, file.size))
            parts = Parts(kind, 0, tables)
            _fetch_values(path, file, parts)
            return parts
        with h5py.File(file, "r") as opened:
            declared = check_hdf5(path, opened.id)
            objects = [("", opened), *_objects(opened, "")]
            _read_attributes([found for _, found in objects])
            parts = Parts(kind, declared, scan_hdf5(opened, file.ranges, file.size))
            _fetch_values(path, file, parts)
            _read_texts(objects, parts)
    return parts


def _objects(group: h5py.Group, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, child in group.items():
        yield prefix + name, child
        if isinstance(child, h5py.Group):
            yield from _objects(child, f"{prefix}{name}/")


def _read_attributes(objects: list[Any]) -> None:
    """Read every attribute once, because netCDF-C will; what h5py cannot convert has been read all the same."""
    for found in objects:
        for name in found.attrs:
            with suppress(TypeError, ValueError, OSError):
                found.attrs[name]


def _fetch_values(path: Path, file: PartialFile, parts: Parts) -> None:
    wanted: list[Range] = []
    for name, needed in _variables(path):
        table = parts.tables.get(name)
        if not isinstance(table, ArrayTable):
            continue
        if needed:
            parts.present.add(name)
            wanted += zip(table.offsets.tolist(), table.sizes.tolist(), strict=True)
        elif table.numbers.size:
            chosen = np.unique(np.linspace(0, table.numbers.size - 1, SAMPLED).round().astype(int))
            parts.picked[name] = table.numbers[chosen].tolist()
            wanted += zip(table.offsets[chosen].tolist(), table.sizes[chosen].tolist(), strict=True)
    file.ensure(wanted)


def _read_texts(objects: list[tuple[str, Any]], parts: Parts) -> None:
    """Read variables of strings once, which HDF5 keeps outside of the chunks."""
    for name, found in objects:
        if isinstance(found, h5py.Dataset) and h5py.check_string_dtype(found.dtype):
            found[...]
            parts.present.add(name.replace(NOT_A_COORDINATE, ""))


def _variables(path: Path) -> list[tuple[str, bool]]:
    """Name every variable, and whether all its values are needed: small ones and coordinates."""
    import netCDF4
    import xarray as xr

    with netCDF4.Dataset(path) as file:
        prefixes = [prefix for prefix, _ in groups(file)]
    found: list[tuple[str, bool]] = []
    for prefix in prefixes:
        with xr.open_dataset(
            path, engine="netcdf4", group=prefix.rstrip("/") or None, decode_cf=False, create_default_indexes=False
        ) as dataset:
            found += [(f"{prefix}{name}", _needed(dataset, variable)) for name, variable in dataset.variables.items()]
    return found


def _needed(dataset: Any, variable: Any) -> bool:
    if variable.nbytes <= INLINE_BYTES or variable.ndim == 0:
        return True
    located = any(variable is find(dataset, rule) for rule in (LATITUDE, LONGITUDE, TIME, VERTICAL, X, Y))
    return located or is_time(variable) or (variable.ndim == 1 and variable.nbytes <= COORDINATE_BYTES)
