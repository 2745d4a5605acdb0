"""How each kind of object is stored and cached: media type, cache-control, and who may be compressed."""

from __future__ import annotations

import gzip

from builder.manifest import Published

RULES = 1
"""Raised when a rule below changes: the next publication then writes every object anew."""

COMPRESSED = ("text/html", "text/css", "text/javascript", "image/svg+xml")
"""What only browsers read. STAC documents, references, records and data are stored as the manifest names them: Python's
urllib and obstore do not undo a content-encoding they did not ask for, and ranges count stored bytes."""

RANGED = ("application/netcdf", "application/x-netcdf", "image/tiff", "application/vnd.apache.parquet")
"""What is read by range."""

WORTH_IT = 1024
PAGES = "public, max-age=60, stale-while-revalidate=600"
DATA = "public, max-age=600"
IMMUTABLE = "public, max-age=31536000, immutable"
STATE = "no-store"


def is_ranged(entry: Published) -> bool:
    """Tell whether readers ask for parts of an object."""
    return entry.media_type.split(";")[0] in RANGED


def is_compressed(entry: Published) -> bool:
    """Tell whether an object is stored with ``content-encoding: gzip``."""
    return entry.size > WORTH_IT and entry.media_type.split(";")[0] in COMPRESSED


def cache_control(path: str, entry: Published, rank: int) -> str:
    """Say how long a copy may be used: for ever only when the name carries the digest of the content."""
    if entry.sha256[:8] in path.rsplit("/", 1)[-1]:
        return IMMUTABLE
    return DATA if rank == 0 else PAGES


def compress(data: bytes) -> bytes:
    """Compress so that equal input gives equal output."""
    return gzip.compress(data, compresslevel=6, mtime=0)
