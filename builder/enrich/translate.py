"""Finds where the chunks of a NetCDF file lie and how they are encoded; imported in the child process only."""

from __future__ import annotations

from pathlib import Path

import h5py

from builder.enrich.guard import first_line
from builder.errors import UnreferenceableError
from builder.references.hdf5 import Tables, scan_hdf5
from builder.references.netcdf3 import scan_netcdf3
from builder.references.table import local_reader


def translate(path: Path, kind: str) -> Tables:
    """Return a table of chunks per variable, or why there can be none.

    Raises:
        UnreferenceableError: The structure of the file contradicts itself.
    """
    with path.open("rb") as raw:
        read, end = local_reader(raw.fileno()), path.stat().st_size
        try:
            if kind != "hdf5":
                return dict(scan_netcdf3(read, end))
            with h5py.File(path, "r") as file:
                return scan_hdf5(file, read, end)
        except (ValueError, TypeError, KeyError, RuntimeError, OverflowError) as trouble:
            message = f"the chunks cannot be located: {type(trouble).__name__}: {first_line(trouble)}"
            raise UnreferenceableError(message) from trouble
