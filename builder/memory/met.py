"""What a pass has met of a collection's records; the last that is said of a record holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from builder.database import Database
from builder.ledger import TOLD, Change, Entry, Kind, compare, entry_of, line_of
from builder.memory.known import OTHER, SAME, Known
from builder.sources.protocol import Record

_TABLE = "CREATE TABLE met (identifier TEXT PRIMARY KEY, kind TEXT, reason TEXT, line BLOB) WITHOUT ROWID"


class Met:
    """Records that are as they were known are marked in the ledger; what happened to others lies on disk.

    Args:
        known: The ledger.
        scratch: Where the scratch database may lie.
    """

    def __init__(self, known: Known, scratch: Path) -> None:
        self.known = known
        self._base = Database(scratch, _TABLE)

    def __enter__(self) -> Self:
        """Keep the database until the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, what: object, trace: TracebackType | None) -> None:
        """Give the database back."""
        self._base.close()

    def weigh(self, record: Record) -> Change:
        """Say what a record just received means, and remember that, until something else is said of it."""
        place, before = self.known.find(record.identifier) or (None, None)
        change = compare(before, record)
        self._put(change, place)
        return change

    def put(self, change: Change) -> None:
        """Remember what happened to a record."""
        place, _ = self.known.find(change.identifier) or (None, None)
        self._put(change, place)

    def unmet(self) -> Iterator[Entry]:
        """Yield the live records that it has not met, by identifier."""
        return (entry for _, entry in self.known.unmet())

    def counts(self) -> dict[str, int]:
        """Count the records by what happened to them."""
        found = dict(self._base.ask("SELECT kind, count(*) FROM met GROUP BY kind"))
        counts = {kind.value: found.get(kind.value, 0) for kind in Kind}
        counts[Kind.SAME.value] += self.known.marks.count(SAME)
        return counts

    def refused(self) -> dict[str, str]:
        """Return the reasons of the refused records, by identifier."""
        return dict(self._base.ask("SELECT identifier, reason FROM met WHERE kind = ?", (Kind.REFUSED.value,)))

    def __iter__(self) -> Iterator[Change]:
        """Yield what changes the ledger, by identifier."""
        rows = self._base.ask("SELECT * FROM met WHERE kind IN (?, ?, ?) ORDER BY identifier", [*TOLD])
        return (Change(Kind(kind), identifier, reason, entry_of(line)) for identifier, kind, reason, line in rows)

    def _put(self, change: Change, place: int | None) -> None:
        marks = self.known.marks
        if place is not None and change.kind is Kind.SAME:
            if marks[place] == OTHER:
                self._base.ask("DELETE FROM met WHERE identifier = ?", (change.identifier,))
            marks[place] = SAME
            return
        line = line_of(change.entry) if change.entry else None
        row = (change.identifier, change.kind.value, change.reason, line)
        self._base.ask("INSERT OR REPLACE INTO met VALUES (?, ?, ?, ?)", row)
        if place is not None:
            marks[place] = OTHER
