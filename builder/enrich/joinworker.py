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
from builder.references.encode import PARQUET_ABOVE, dump_references
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
    folder, files = _path(request["folder"]), dict[str, dict[str, Any]]()
    parts = [(name, _references(_path(kept), files)) for name, kept in request["parts"]]
    joined, findings = combine_in_order(parts)
    said = {"findings": findings, "order": joined and joined.order, "parquet": False}
    if joined is not None:
        refs = orjson.loads(joined.body)["refs"]
        (folder / REFERENCES).write_bytes(dump_references(refs, files))
        said["parquet"] = len(refs) > PARQUET_ABOVE
        for name, body in parquet_of(refs, files).items() if said["parquet"] else ():
            target = folder / PARQUET / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(body)
    return said


def _references(kept: Path, files: dict[str, dict[str, Any]]) -> bytes:
    """Return the references of a granule; add what tells whether the file that they lead into is still the same."""
    found = orjson.loads(kept.read_bytes())
    file = found.get("copy") or found
    facts = {name: file[name] for name in ("size", "etag", "last_modified") if file.get(name) is not None}
    if facts:
        files[file["href"]] = facts
    return str(found["references"]).encode()


def _path(text: str) -> Path:
    return Path(os.fsdecode(bytes.fromhex(text)))


if __name__ == "__main__":
    end_with_parent()
    main()
