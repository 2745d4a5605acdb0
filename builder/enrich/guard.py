"""Refuses files that would make a NetCDF library read elsewhere, loop for ever or claim absurd sizes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from builder.errors import UnreferenceableError

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
CDF_SIGNATURES = (b"CDF\x01", b"CDF\x02", b"CDF\x05")
MAX_OBJECTS = 100_000
MAX_MESSAGE = 200
MAX_DECLARED_BYTES = 1 << 40
"""One tebibyte of declared values: more is reported, never read."""


class UnsafeFileError(UnreferenceableError):
    """The file is no NetCDF file, or its structure must not be handed to a NetCDF library."""

    def __init__(self, message: str, *, where: str, rule: str, hint: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.rule = rule


def first_line(trouble: BaseException) -> str:
    """Return the first line of an error's message, not too long, or its type where it says nothing."""
    line = next(iter(str(trouble).splitlines()), "") or type(trouble).__name__
    return line if len(line) <= MAX_MESSAGE else f"{line[:MAX_MESSAGE]}…"


def file_kind(path: Path) -> str:
    """Tell ``netcdf3``, ``netcdf3-64bit-data`` or ``hdf5`` from the first bytes.

    The HDF5 signature may stand at 0, 512, 1024, 2048 … (HDF5 File Format Specification 3.0, II.A).

    Raises:
        UnsafeFileError: Neither; for a web page the message says so.
    """
    with path.open("rb") as file:
        head = file.read(1024)
        if head[:4] in CDF_SIGNATURES:
            return "netcdf3-64bit-data" if head[3] == 5 else "netcdf3"
        if head[:8] == HDF5_SIGNATURE:
            return "hdf5"
        offset = 512
        while offset < path.stat().st_size:
            file.seek(offset)
            if file.read(8) == HDF5_SIGNATURE:
                return "hdf5"
            offset *= 2
    if head.lstrip()[:1] == b"<":
        raise UnsafeFileError(
            "a web page or XML document instead of a NetCDF file",
            where=path.name,
            rule="netcdf.not-netcdf",
            hint="check that the download address needs no login",
        )
    message = "the file is empty" if not head else "not a NetCDF or HDF5 file"
    raise UnsafeFileError(message, where=path.name, rule="netcdf.not-netcdf")


def check_hdf5(path: Path, opened: Any | None = None) -> int:
    """Walk the HDF5 objects without opening any data and return the number of bytes they declare.

    Args:
        path: The file; named in messages.
        opened: Its `h5py.h5f.FileID`, where it is open already.

    Raises:
        UnsafeFileError: A link or a dataset leads out of the file, a group is reached twice (a cycle
            on which netCDF-C never returns), or there are too many objects.
        OSError: HDF5 cannot read the structure.
    """
    import h5py

    file = opened or h5py.h5f.open(str(path).encode(), h5py.h5f.ACC_RDONLY)
    root = h5py.h5g.open(file, b"/")
    seen = {h5py.h5o.get_info(root).addr}
    groups, objects, declared = [(root, "")], 0, 0
    while groups:
        group, prefix = groups.pop()
        for raw in group:
            objects += 1
            name = f"{prefix}/{raw.decode('utf-8', 'replace')}"
            if objects > MAX_OBJECTS:
                raise _unsafe(path, f"more than {MAX_OBJECTS} objects", name)
            child = _follow(path, group, raw, name)
            if isinstance(child, h5py.h5d.DatasetID):
                declared += _check_dataset(path, child, name)
            elif isinstance(child, h5py.h5g.GroupID):
                address = h5py.h5o.get_info(child).addr
                if address in seen:
                    raise _unsafe(path, "a group is linked more than once, which can form a cycle", name)
                seen.add(address)
                groups.append((child, name))
    return declared


def _follow(path: Path, group: Any, raw: bytes, name: str) -> Any:
    import h5py

    kind = group.links.get_info(raw).type
    if kind == h5py.h5l.TYPE_EXTERNAL:
        raise _unsafe(path, "an external link leads to another file", name)
    if kind not in {h5py.h5l.TYPE_HARD, h5py.h5l.TYPE_SOFT}:
        raise _unsafe(path, "a user-defined link", name)
    try:
        return h5py.h5o.open(group, raw)
    except KeyError as trouble:
        if kind == h5py.h5l.TYPE_SOFT:
            raise _unsafe(path, "a soft link leads nowhere", name) from trouble
        raise OSError(f"{name} is damaged") from trouble


def _check_dataset(path: Path, dataset: Any, name: str) -> int:
    import h5py

    creation = dataset.get_create_plist()
    if creation.get_external_count():
        raise _unsafe(path, "the values are kept in an external file", name)
    if creation.get_layout() == h5py.h5d.VIRTUAL:
        raise _unsafe(path, "a virtual dataset takes its values from other files", name)
    space = dataset.get_space()
    shape = space.get_simple_extent_dims() if space.get_simple_extent_type() == h5py.h5s.SIMPLE else ()
    return math.prod(shape) * int(dataset.get_type().get_size())


def _unsafe(path: Path, message: str, name: str) -> UnsafeFileError:
    return UnsafeFileError(
        f"{message} ({name})", where=path.name, rule="netcdf.unsafe", hint="ask the partner for a self-contained file"
    )
