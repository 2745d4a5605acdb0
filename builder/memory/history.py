"""The history of a collection: the last change of each record, by numbered run, a line each, read where it lies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import orjson

from builder.ledger import Change, Kind


class Told:
    """The changes of one run as they stand in the history, however many they are; they stay when the file is replaced.

    Args:
        file: The history.
        start: Where in it the run begins.
        number: How many changes it has.
    """

    def __init__(self, file: Path, start: int, number: int) -> None:
        self._file = file.open("rb")
        self._start, self._number = start, number

    def __len__(self) -> int:
        """Count the changes."""
        return self._number

    def __iter__(self) -> Iterator[Change]:
        """Yield the changes by identifier, without their entries."""
        place = self._start
        for _ in range(self._number):
            self._file.seek(place)
            line = self._file.readline()
            place += len(line)
            told = orjson.loads(line)
            yield Change(Kind(told["kind"]), told["identifier"], told["reason"])


def append(
    to: IO[bytes], before: Iterable[tuple[dict[str, Any], bytes]], run: int, changes: Iterable[Change]
) -> tuple[int, int]:
    """Write the history with one more run.

    Only the last change of a record stays in it, so that it grows with the records and not with the nights; who has
    seen all runs up to one finds in the lines of later ones all that is different since.

    Args:
        to: Where it is written.
        before: The changes until now, without those of a run that was interrupted, each with its line.
        run: Number of the run.
        changes: What it changed; gone through twice.

    Returns:
        Where in it the run begins, and how many changes it has.
    """
    changed: set[str] | None = None  # where nothing was told before, as in a first run, nothing need be in memory
    for told, line in before:
        changed = {change.identifier for change in changes} if changed is None else changed
        if told["identifier"] not in changed:
            to.write(line)
    start, number = to.tell(), 0
    for number, change in enumerate(changes, 1):  # noqa: B007  (the last is returned)
        to.write(_line(run, change))
    return start, number


def _line(run: int, change: Change) -> bytes:
    stamp = change.entry.datestamp if change.entry else None
    line = {
        "run": run,
        "kind": change.kind.value,
        "identifier": change.identifier,
        "reason": change.reason,
        **({"datestamp": stamp} if stamp else {}),
    }
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
