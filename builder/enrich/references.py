"""Makes kerchunk references of one NetCDF file that read as the file does, or says why that cannot be."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import orjson

from builder.enrich.combine import combine_key
from builder.errors import UnreferenceableError
from builder.findings import Finding

BUDGET_BYTES = 256 * 1024
BUDGET_SHARE = 0.05
REFERENCE_BYTES = 100
"""What one address, offset and length take in JSON, about."""


def make_references(path: Path, kind: str, href: str) -> tuple[bytes, str | None, tuple[Finding, ...]]:
    """Return verified kerchunk references (version 1, Zarr version 2) that point at ``href``, and their combine key.

    Every variable is read through the references and compared with netCDF-C before anything is returned.

    Args:
        path: The local file.
        kind: What `builder.enrich.guard.file_kind` says of it.
        href: Public address of the same bytes.

    Raises:
        UnreferenceableError: The references would be wrong, unreadable or out of proportion.
    """
    from builder.enrich.correct import correct
    from builder.enrich.translate import translate
    from builder.enrich.verify import verify

    refs = correct(translate(path, kind), path)
    _check_size(refs)
    findings = verify(refs, path, href)
    aimed = {key: [href, *value[1:]] if isinstance(value, list) else value for key, value in refs.items()}
    return dump_references(aimed), combine_key(refs, path), findings


def dump_references(refs: dict[str, Any]) -> bytes:
    """Serialise references; the same references always give the same bytes."""
    return orjson.dumps({"version": 1, "refs": refs}, option=orjson.OPT_SORT_KEYS)


def _check_size(refs: dict[str, Any]) -> None:
    """Refuse chunk references that are out of proportion to the values, as for NetCDF-3 records of few bytes."""
    values = written = 0
    for key, text in refs.items():
        part = key.rpartition("/")[2]
        if part == ".zarray":
            array = orjson.loads(text)
            values += math.prod(array["shape"]) * int(array["dtype"][2:] or 1)
        elif not part.startswith("."):
            written += len(key) + (len(text) if isinstance(text, str) else REFERENCE_BYTES)
    if written > max(BUDGET_BYTES, BUDGET_SHARE * values):
        message = f"references of {written} bytes are out of proportion to {values} bytes of values"
        raise UnreferenceableError(message, hint="publish the file as NetCDF-4 with larger chunks")
