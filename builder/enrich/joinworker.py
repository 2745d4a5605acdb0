"""The child process that joins the references of granules; see `builder.enrich.joining`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import orjson

from builder.apart import end_with_parent
from builder.enrich.combine import combine_in_order
from builder.enrich.joining import PARQUET, REFERENCES
from builder.references.encode import PARQUET_ABOVE
from builder.references.gathered import parquet_of


def main() -> None:
    """Read what is to be joined on standard input, write files, and say what came of it on standard output."""
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not mix with the answer
    said = join(orjson.loads(sys.stdin.buffer.read()))
    with answer:
        answer.write(orjson.dumps(said))


def join(request: dict[str, Any]) -> dict[str, Any]:
    """Write joined references as files, and return what `builder.enrich.joining.result` reads."""
    folder = _path(request["folder"])
    joined, findings = combine_in_order([(name, _references(_path(kept))) for name, kept in request["parts"]])
    said = {"findings": findings, "order": joined and joined.order, "parquet": False}
    if joined is not None:
        (folder / REFERENCES).write_bytes(joined.body)
        refs = orjson.loads(joined.body)["refs"]
        said["parquet"] = len(refs) > PARQUET_ABOVE
        for name, body in parquet_of(refs).items() if said["parquet"] else ():
            target = folder / PARQUET / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(body)
    return said


def _references(kept: Path) -> bytes:
    return str(orjson.loads(kept.read_bytes())["references"]).encode()


def _path(text: str) -> Path:
    return Path(os.fsdecode(bytes.fromhex(text)))


if __name__ == "__main__":
    end_with_parent()
    main()
