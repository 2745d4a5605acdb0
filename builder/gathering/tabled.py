"""The table of one collection's items on its way: what is asked for, and what is remembered of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from builder.gathering.memo import maker
from builder.memory.sealed import opened, sealed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.desk import Desk
    from builder.memory.state import State
    from builder.stac.layout import Place
    from builder.tree import Tree


class Tabled:
    """Collects the items of one collection.

    Args:
        state: Where is remembered what was written last.
        place: The collection's paths.
        desk: Has the table written.
    """

    def __init__(self, state: State, place: Place, desk: Desk) -> None:
        self.path, self.file, self._folder = place.items_table, Path(), place.folder
        self._state, self._desk, self._name = state, desk, f"{place.collection}/table.json"
        self._items = desk.new_file()
        self._lines = self._items.open("wb")

    def add(self, shares: Sequence[bytes], shapes: Sequence[bytes], *, same: bool) -> None:
        """Take in objects that follow each other.

        Args:
            shares: As JSON, what `builder.tables.writer.share_of` says of the row of each Item; null for others.
            shapes: What `builder.tables.writer.shapes_of` says of it.
            same: They are published as wanted, and were made by this program.
        """
        rows = [share for share in shares if share != b"null"]
        if rows:
            distinct = [one.decode() for one in dict.fromkeys(shapes) if one != b"null"]
            self._lines.write(b"[[%b],%b,%b]\n" % (b",".join(rows), orjson.dumps(distinct), orjson.dumps(same)))

    def close(self) -> None:
        """Take in no more."""
        self._lines.close()

    def order(self, about: dict[str, Any], tree: Tree) -> None:
        """Have the table written; rows are taken from the published one only if that is what was written last."""
        self.close()
        said = opened(maker(), self._state.read(self._name))
        known = said is not None and tree.stands(self.path, said["sha256"])
        before = (str(tree.target / self.path), said["key"]) if known else None
        self.file = self._desk.table_of_items(self._items, self._folder, about, before)

    def remember(self, digest: str) -> None:
        """Remember what was written, by its SHA-256."""
        key = Path(f"{self.file}.key").read_text()
        self._state.write(self._name, sealed(maker(), orjson.dumps({"key": key, "sha256": digest})))
