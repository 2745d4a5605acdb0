"""The manifest of a catalogue folder: every published file with digest, size and media type, one line each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from builder.errors import UsageError

MANIFEST = "manifest.json"
HEAD = b'{"version":1,"files":{\n'
"""First line; a line for each file follows."""
TAIL = b"}}\n"


class Published(NamedTuple):
    """What the manifest knows of one file: hex SHA-256, size in bytes and media type."""

    sha256: str
    size: int
    media_type: str


UNKNOWN = Published("", 0, "")
"""What is known of a file while a build is about to write or withdraw it."""

Manifest = Mapping[str, Published]
"""Path below the catalogue root → what is published there."""

Row = tuple[str, str, int, str]
"""Path below the catalogue root, and what `Published` says of it."""


def read_manifest(folder: Path) -> dict[str, Published]:
    """Read the manifest of a catalogue folder; empty where there is none.

    Raises:
        UsageError: The manifest is damaged, or the folder holds files but no manifest.
    """
    return {path: Published(sha256, size, media_type) for path, sha256, size, media_type in rows(folder)}


def rows(folder: Path) -> Iterator[Row]:
    """Yield the same one by one, sorted by path.

    Raises:
        UsageError: As above.
    """
    file = folder / MANIFEST
    if not file.exists():
        strangers = folder.is_dir() and any(
            p.name != "README.md" and not p.name.startswith(".") for p in folder.iterdir()
        )
        if strangers:
            raise UsageError(
                "the folder is not empty and holds no catalogue of ours", where=str(folder), hint="choose another --out"
            )
        return
    try:
        for path, known in _entries(file):
            yield path, known["sha256"], known["size"], known["type"]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as trouble:
        raise damaged(folder) from trouble


def damaged(folder: Path) -> UsageError:
    """Return what is said of a manifest that cannot be what a build wrote."""
    hint = "remove it and the files beside it, then build again"
    return UsageError("the manifest is damaged", where=str(folder / MANIFEST), hint=hint)


def _entries(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the entries; line by line where they were written so, as only then memory stays flat."""
    with file.open("rb") as stream:
        head = line = stream.readline()
        if head != HEAD:
            yield from orjson.loads(head + stream.read())["files"].items()
            return
        for line in stream:
            if line != TAIL:
                yield from orjson.loads(b"{" + line.rstrip(b",\n") + b"}").items()
        if line != TAIL:
            raise KeyError(TAIL)


def manifest_lines(files: Iterable[Row]) -> Iterator[bytes]:
    """Yield the JSON of a manifest in parts.

    Args:
        files: Sorted by path.
    """
    return manifest_of(line_of(*row) for row in files)


def line_of(path: str, sha256: str, size: int, media_type: str) -> bytes:
    """Return the line of one file, with the comma that all but the last have behind them."""
    return orjson.dumps({path: {"sha256": sha256, "size": size, "type": media_type}})[1:-1] + b",\n"


def manifest_of(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the JSON of a manifest of lines that all have a comma behind them, also several together."""
    yield HEAD
    last = b""
    for some in filter(None, lines):
        yield last
        last = some
    yield last.removesuffix(b",\n") + (b"\n" if last else b"") + TAIL
