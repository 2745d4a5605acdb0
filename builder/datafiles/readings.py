"""What one run has found out already: how records read, which files cannot be had, and what waits for the next run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from builder.datafiles.inspecting import Unreached
    from builder.dataset import Dataset
    from builder.enrich.inspection import Inspection
    from builder.sources.protocol import Record

Described: TypeAlias = "tuple[Dataset, Inspection | None]"
"""A record as it was understood, and what its data file said."""

MOST_BYTES = 64 * 2**20
"""About what descriptions may take of memory; records beyond it are described again where they are needed."""
EACH = 16 * 2**10
"""What one takes, but for what was found in its data file."""


@dataclass
class Files:
    """What one run has found out about data files.

    A file is called what the state calls what is, or would be, found in it: see `Inspections.name` in
    `builder.datafiles.inspections`.

    Attributes:
        unreached: What is said of files that wait, or were tried in vain.
        superseded: What the state calls what was found for earlier records, of which this run has found something anew.
    """

    unreached: dict[str, Unreached] = field(default_factory=dict)
    superseded: set[str] = field(default_factory=set)


class Readings:
    """Keeps descriptions for one night, some four thousand of records whose data files say little.

    Attributes:
        files: What is known of data files.
        later: By collection, identifiers of new records that are not shown before their files are looked into.
        waiting: By collection, identifiers of records that are shown as if their files were as before, until these are
            looked into.
    """

    def __init__(self) -> None:
        self._room = MOST_BYTES
        self._kept: dict[tuple[str, str, str], Described] = {}
        self.files = Files()
        self.later: dict[str, set[str]] = {}
        self.waiting: dict[str, set[str]] = {}

    def keep(self, collection: str, record: Record, described: Described) -> None:
        """Remember what a record of a collection was read as, while there is room."""
        self.take(collection, record)
        size = size_of(described)
        if size <= self._room:
            self._room -= size
            self._kept[collection, record.identifier, record.sha256] = described

    def take(self, collection: str, record: Record) -> Described | None:
        """Return what a record was read as in this night, once; None where that is not known."""
        found = self._kept.pop((collection, record.identifier, record.sha256), None)
        if found is not None:
            self._room += size_of(found)
        return found


def size_of(described: Described) -> int:
    """Estimate what a description takes of memory, bytes."""
    inspection = described[1]
    if inspection is None:
        return EACH
    large = (inspection.ncml, inspection.references, inspection.thumbnail, *inspection.parquet.values())
    return EACH + sum(len(part) for part in large if part)
