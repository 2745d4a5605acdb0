"""Walks a local folder in a fixed order without ever leaving it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import file_digest
from pathlib import Path

from builder.errors import SourceError
from builder.findings import Finding, error, note, warning
from builder.sources.listing import Entry


def awkward(path: str) -> bool:
    """Tell whether libraries find no file at a path: not in UTF-8, or one of backslashes that netCDF-C turns round."""
    return "\\" in path or any("\ud800" <= sign <= "\udfff" for sign in path)


def walk(root: Path, depth: int) -> Iterator[Entry | Finding]:
    """Yield the files of a folder, or the one file, sorted by path.

    Names that begin with a dot are passed over. Links to folders are not followed, and links to
    files only where these lie in the folder.

    Args:
        root: File or folder.
        depth: How many folders to go down.

    Raises:
        SourceError: It does not exist or cannot be read.
    """
    if root.is_file():
        yield Entry(root.name, str(root), root.stat().st_size)
        return
    if not root.is_dir():
        raise SourceError("there is no such file or folder", where=root.name, hint="check `path` in the definition")
    yield from _inside(root, root.resolve(), "", depth)


def _inside(folder: Path, home: Path, prefix: str, depth: int) -> Iterator[Entry | Finding]:
    try:
        found = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as trouble:
        yield error("files.folder", prefix or folder.name, f"cannot be read: {trouble.strerror}", "left out")
        return
    for entry in found:
        name, path = f"{prefix}{entry.name}", Path(entry.path)
        if entry.name.startswith("."):
            continue
        if _cannot_be_used(entry.name):
            message = "has a name with a backslash or with characters that cannot be shown"
            yield warning("files.name", ascii(name), message, "rename it")
        elif entry.is_symlink() and not path.resolve().is_relative_to(home):
            yield warning("files.link", name, "is a link that leads out of the folder", "not followed")
        elif entry.is_dir(follow_symlinks=False):
            if depth:
                yield from _inside(path, home, f"{name}/", depth - 1)
        elif entry.is_file():
            yield Entry(name, entry.path, entry.stat().st_size)
        elif entry.is_symlink():
            yield note("files.link", name, "is a link to a folder, or to nothing", "not followed")


def _cannot_be_used(name: str) -> bool:
    return awkward(name) or not name.isprintable()


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file as ``sha256:`` and hex digits: what tells that it has changed."""
    with path.open("rb") as file:
        return f"sha256:{file_digest(file, 'sha256').hexdigest()}"
