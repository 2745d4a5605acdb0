"""The child process that writes a time-major copy: limited, alone, and free to crash; talks in lines of JSON.

The child asks for the granules' files one after the other (``{"want": 3}``) and is answered with their paths, says
``{}`` as it goes on, and ends with ``{"done": true}`` or ``{"refused": "why"}``.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any

import orjson

from builder.apart import end_with_parent, limit

MEMORY_BYTES = 4 << 30
MAX_VALUES_BYTES = 32 << 30
"""Most bytes of values, not deflated, that a copy may hold; no file that is written may be larger."""


def main() -> None:
    """Do what the document named by the first argument asks for."""
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_AS, MEMORY_BYTES)
    limit(resource.RLIMIT_FSIZE, MAX_VALUES_BYTES)
    _say(_written(orjson.loads(Path(sys.argv[1]).read_bytes())))


def _written(asked: dict[str, Any]) -> dict[str, Any]:
    from builder.enrich.combine import take_apart
    from builder.enrich.guard import MAX_DECLARED_BYTES, UnsafeFileError, check_hdf5, file_kind, first_line
    from builder.enrich.timemajor import Piece, write_time_major
    from builder.errors import UnreferenceableError

    def path_of(number: int) -> Path:
        _say({"want": number})
        path = Path(_hear()["path"])
        if file_kind(path) == "hdf5" and check_hdf5(path) > MAX_DECLARED_BYTES:
            raise UnreferenceableError("the file declares more values than may be copied")
        return path

    whole = take_apart("", orjson.loads(Path(asked["references"]).read_bytes())["refs"])
    if whole is None:
        return {"refused": "there is no time along one dimension"}
    pieces = [Piece(*piece) for piece in asked["pieces"]]
    before = Path(asked["before"]) if asked["before"] else None
    try:
        write_time_major(
            whole, pieces, Path(asked["target"]), Path(asked["scratch"]), before, path_of, lambda: _say({})
        )
    except (UnreferenceableError, UnsafeFileError) as trouble:
        return {"refused": f"{trouble.where}: {trouble.message}" if trouble.where else trouble.message}
    except (OSError, MemoryError, ValueError, RuntimeError, TypeError, KeyError, IndexError) as trouble:
        return {"refused": f"the values cannot be copied: {first_line(trouble)}"}
    return {"done": True}


def _say(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(message) + b"\n")
    sys.stdout.buffer.flush()


def _hear() -> dict[str, Any]:
    return dict(orjson.loads(sys.stdin.buffer.readline()))


if __name__ == "__main__":
    end_with_parent()
    main()
