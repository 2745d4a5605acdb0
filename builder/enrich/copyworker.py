"""The child process that writes a readable copy of a NetCDF file: limited, alone, and free to crash; prints JSON."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import orjson

from builder.apart import end_with_parent, limit

MEMORY_BYTES = 4 << 30
MAX_COPY_BYTES = 2 << 30
"""Largest copy that may be written."""


def main() -> None:
    """Copy the file named by the first argument to the second; print ``{}``, or ``refused`` with a reason."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_AS, MEMORY_BYTES)
    limit(resource.RLIMIT_FSIZE, MAX_COPY_BYTES)
    sys.stdout.buffer.write(orjson.dumps(_copied(source, target)))


def _copied(source: Path, target: Path) -> dict[str, str]:
    from builder.enrich.guard import MAX_DECLARED_BYTES, UnsafeFileError, check_hdf5, file_kind, first_line
    from builder.enrich.rewrite import rewrite
    from builder.errors import UnreferenceableError

    try:
        if file_kind(source) == "hdf5" and check_hdf5(source) > MAX_DECLARED_BYTES:
            return {"refused": "the file declares more values than a copy may hold"}
        rewrite(source, target)
    except (UnreferenceableError, UnsafeFileError) as trouble:
        return {"refused": trouble.message}
    except (OSError, ValueError, RuntimeError, TypeError) as trouble:
        return {"refused": f"the values cannot be copied: {first_line(trouble)}"}
    return {}


if __name__ == "__main__":
    end_with_parent()
    main()
