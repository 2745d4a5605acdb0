"""One collection as it stands in the wanted tree, for all that is said of it above."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from builder.gathering.whole import Known, Whole
from builder.media import media_type

if TYPE_CHECKING:
    from builder.definitions.model import CollectionDefinition
    from builder.findings import Finding
    from builder.gathering.tabled import Tabled
    from builder.tree import Tree

MOST_GEOMETRIES = 200
"""Most footprints of one collection that an overview map draws."""


@dataclass
class Gathered:
    """One collection as it stands in the tree.

    Attributes:
        definition: What the maintainer wrote.
        stac: The STAC Collection.
        items: How many items and record collections it has.
        references: How many of them have kerchunk references.
        findings: What was doubtful or left out.
        told: What the state calls its history: NDJSON, oldest first, with titles and addresses.
        geometries: Footprints for overview maps, at most `MOST_GEOMETRIES`.
        finish: What is left to do when all tables are written.
    """

    definition: CollectionDefinition
    stac: dict[str, Any] = field(default_factory=dict)
    items: int = 0
    references: int = 0
    findings: list[Finding] = field(default_factory=list)
    told: str = ""
    geometries: tuple[Mapping[str, Any], ...] = ()
    finish: Callable[[], None] = lambda: None

    def conclude(self, tree: Tree, table: Tabled | None, whole: Whole, *, lasting: bool) -> None:
        """Add the table of items, which is written by now, and remember the collection, where that lasts."""
        if table is not None:
            digest = tree.add_file(table.path, table.file, media_type(table.path))
            table.remember(digest)
        if lasting:
            whole.keep(Known(self.items, tuple(self.findings), self.geometries))
        else:
            whole.forget()
