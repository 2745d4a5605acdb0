"""Puts the index of the search page into the wanted tree; of a night without news it is taken over."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import astuple
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from builder.index.described import LINES, Shelf
from builder.index.encode import VERSION
from builder.index.writer import IndexWriter, write_index
from builder.media import media_type

if TYPE_CHECKING:
    from builder.state import State
    from builder.tree import Tree

MEMORY = "search.json"


def add_index(state: State, tree: Tree, shelves: Sequence[Shelf]) -> None:
    """Add the index over what the state remembers of all items.

    Args:
        state: Holds a line per item.
        tree: Where the files go.
        shelves: All collections.
    """
    digest = sha256(orjson.dumps([VERSION, *map(astuple, shelves)]))
    for shelf in shelves:
        for line in state.lines(f"{shelf.id}/{LINES}"):
            digest.update(line)
    known = orjson.loads(state.read(MEMORY) or b"{}")
    if known.get("key") == digest.hexdigest() and tree.stands(known["files"]):
        for path in known["files"]:
            tree.keep(path)
        return
    files = _write(state, tree, shelves)
    state.write(MEMORY, orjson.dumps({"key": digest.hexdigest(), "files": files}))


def _write(state: State, tree: Tree, shelves: Sequence[Shelf]) -> dict[str, str]:
    """Write the index; path and SHA-256 of its files."""
    writer = IndexWriter(tree.staging)
    for shelf in shelves:
        for line in state.lines(f"{shelf.id}/{LINES}"):
            writer.add(shelf.id, orjson.loads(line))
    paths = []
    with tempfile.TemporaryDirectory(dir=tree.staging) as scratch:
        for path, body in write_index(writer, shelves, Path(scratch)):
            if isinstance(body, Path):
                tree.add_file(path, body, media_type(path))
            else:
                tree.add(path, body, media_type(path))
            paths.append(path)
    return {path: tree.wanted[path].sha256 for path in paths}
