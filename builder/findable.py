"""Puts the index of the search page and the table of collections into the wanted tree, if they are not there yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from builder.gathering.memo import maker
from builder.index.described import LINES, Shelf
from builder.index.encode import VERSION
from builder.media import media_type
from builder.memory.sealed import opened, sealed

if TYPE_CHECKING:
    from builder.desk import Desk
    from builder.memory.state import State
    from builder.tree import Tree

Finish = Callable[[], None]


def index_of(shelves: Sequence[Shelf], state: State, tree: Tree, desk: Desk) -> Finish:
    """Want the index over what the state remembers of all items.

    Args:
        shelves: All collections.
        state: Holds a line per item.
        tree: Where the files go.
        desk: Takes the order where one is needed.

    Returns:
        What is left to do after the desk's work.
    """
    digest = sha256(orjson.dumps([VERSION, maker(), *map(astuple, shelves)]))
    for shelf in shelves:
        digest.update(state.digest(f"{shelf.id}/{LINES}"))
    files = [(shelf.id, str(state.file(f"{shelf.id}/{LINES}") or "")) for shelf in shelves]

    def order() -> Path:
        return desk.index(files, [astuple(shelf) for shelf in shelves])

    return _unless_known("search.json", digest.hexdigest(), "search", order, state, tree)


def table_of(rows: Sequence[dict[str, Any]], path: str, state: State, tree: Tree, desk: Desk) -> Finish:
    """Want a table of collections at a path; arguments and result as for `index_of`."""
    digest = sha256(orjson.dumps([maker(), *rows])).hexdigest()
    return _unless_known("collections.json", digest, path, lambda: desk.table(rows), state, tree)


def _unless_known(memory: str, key: str, path: str, order: Callable[[], Path], state: State, tree: Tree) -> Finish:
    known = opened(key, state.read(memory))
    if known is not None and tree.take(known):
        return lambda: None
    result = order()

    def finish() -> None:
        made = (
            {path: result} if result.is_file() else {f"{path}/{file.name}": file for file in sorted(result.iterdir())}
        )
        files: Mapping[str, str] = {name: tree.add_file(name, file, media_type(name)) for name, file in made.items()}
        state.write(memory, sealed(key, orjson.dumps(files)))

    return finish
