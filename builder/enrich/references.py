"""Makes kerchunk references of one NetCDF file that read as the file does, or says why that cannot be."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from builder.enrich.combine import combine_key
from builder.errors import UnreferenceableError
from builder.findings import Finding
from builder.references.encode import References

if TYPE_CHECKING:
    from builder.enrich.fetching import Parts

BUDGET_BYTES = 256 * 1024
BUDGET_SHARE = 0.05
REFERENCE_BYTES = 100
"""What one address, offset and length take in JSON, about."""
MAX_REFERENCES = 2_000_000


def make_references(path: Path, kind: str, href: str) -> tuple[bytes, str | None, tuple[Finding, ...]]:
    """Return verified kerchunk references of a whole file as JSON aimed at ``href``; see `build_references`."""
    made, key, findings = build_references(path, kind, href)
    return made.aimed(href), key, findings


def build_references(
    path: Path, kind: str, href: str, parts: Parts | None = None
) -> tuple[References, str | None, tuple[Finding, ...]]:
    """Return verified kerchunk references (version 1, Zarr version 2) and their combine key.

    Every variable is read through the references and compared with netCDF-C before anything is returned.

    Args:
        path: The local file.
        kind: What `builder.enrich.guard.file_kind` says of it.
        href: Public address of the same bytes, for findings.
        parts: What is here of it, where the local file has holes; a sample of chunks is compared then.

    Raises:
        UnreferenceableError: The references would be wrong, unreadable or out of proportion.
    """
    from builder.enrich.correct import correct
    from builder.enrich.translate import translate
    from builder.enrich.verify import verify

    made = correct(parts.tables if parts else translate(path, kind), path)
    _check_size(made)
    refs = made.refs(str(path))
    findings = verify(refs, path, href, parts)
    return made, combine_key(refs, path, parts.present if parts else None), findings


def _check_size(made: References) -> None:
    """Refuse chunk references that are out of proportion to the values, as for NetCDF-3 records of few bytes."""
    count = made.count()
    if count > MAX_REFERENCES:
        raise UnreferenceableError(f"the file needs {count} references, more than {MAX_REFERENCES}")
    tables = made.tables.values()
    values = sum(math.prod(table.shape) * (np.dtype(table.dtype).itemsize) for table in tables)
    kept = sum(len(data) * 4 // 3 for chunks in made.inline.values() for data in chunks.values())
    written = kept + count * REFERENCE_BYTES
    if written > max(BUDGET_BYTES, BUDGET_SHARE * values):
        message = f"references of {written} bytes are out of proportion to {values} bytes of values"
        raise UnreferenceableError(message, hint="publish the file as NetCDF-4 with larger chunks")
