"""What was known of a source's records, and what a new pass over it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from io import BytesIO
from itertools import chain

import orjson

from builder.sources.protocol import Record


class Kind(StrEnum):
    """What happened to a record since the last pass."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    GONE = "gone"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as the ledger remembers it.

    ``sha256`` names the last good body, kept in the record store; ``gone`` marks a record that the
    partner has withdrawn, of which only a tombstone remains.
    """

    identifier: str
    format: str
    sha256: str
    media_type: str
    url: str
    datestamp: str | None = None
    sets: tuple[str, ...] = ()
    gone: bool = False
    reason: str | None = None

    @classmethod
    def of(cls, record: Record) -> Entry:
        """Make the entry of a record just received."""
        return cls(
            identifier=record.identifier,
            format=record.format,
            sha256=record.sha256,
            media_type=record.media_type,
            url=record.url,
            datestamp=record.datestamp,
            sets=record.sets,
        )


Ledger = Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one record, and why we say so."""

    kind: Kind
    identifier: str
    reason: str
    entry: Entry | None = None


def compare(known: Ledger, record: Record) -> Change:
    """Say what a record just received means for the ledger.

    A datestamp alone changes nothing: partners re-index everything in one night without touching
    a byte, so only the body decides.
    """
    before = known.get(record.identifier)
    if record.deleted:
        if before is None or before.gone:
            return Change(Kind.SAME, record.identifier, "withdrawn by the partner before it was catalogued", before)
        after = replace(before, gone=True, datestamp=record.datestamp, reason="withdrawn by the partner")
        return Change(Kind.GONE, record.identifier, "withdrawn by the partner", after)
    entry = Entry.of(record)
    if before is None:
        return Change(Kind.NEW, record.identifier, "first seen", entry)
    if before.gone:
        return Change(Kind.NEW, record.identifier, "back after withdrawal", entry)
    if (before.sha256, before.format) != (entry.sha256, entry.format):
        return Change(Kind.CHANGED, record.identifier, "record differs", entry)
    return Change(Kind.SAME, record.identifier, "", before)


def missing(known: Ledger, seen: Iterable[str]) -> list[Change]:
    """Return the withdrawals that a complete pass implies: live records it did not see."""
    absent = {key for key, entry in known.items() if not entry.gone} - set(seen)
    reason = "no longer listed by the partner"
    return [Change(Kind.GONE, key, reason, replace(known[key], gone=True, reason=reason)) for key in sorted(absent)]


def advance(known: Ledger, changes: Iterable[Change]) -> dict[str, Entry]:
    """Return the ledger after the changes; refused records leave their last good entry in place."""
    after = dict(known)
    for change in changes:
        if change.entry is not None and change.kind in {Kind.NEW, Kind.CHANGED, Kind.GONE}:
            after[change.identifier] = change.entry
    return after


def ledger_bytes(ledger: Ledger, run: int) -> bytes:
    """Serialise as NDJSON sorted by identifier, so that two states compare as text.

    The first line holds the number of the run that last changed something.
    """
    text = BytesIO()
    for line in chain([{"run": run}], (_compact(ledger[key]) for key in sorted(ledger))):
        text.write(orjson.dumps(line, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
    return text.getvalue()


def ledger_of(data: bytes) -> tuple[dict[str, Entry], int]:
    """Read what `ledger_bytes` wrote: the entries and the run number (0 for no data)."""
    first, *lines = data.splitlines() or [b'{"run":0}']
    return {entry.identifier: entry for entry in map(entry_of, lines)}, int(orjson.loads(first)["run"])


def entry_of(line: bytes) -> Entry:
    """Read one line of a ledger but the first."""
    fields = orjson.loads(line)
    return Entry(**{**fields, "sets": tuple(fields.get("sets", ()))})


def is_gone(line: bytes) -> bool:
    """Tell whether a line of a ledger is of a withdrawn record, unread: in a text the quotes are escaped."""
    return b'"gone":true' in line


def _compact(entry: Entry) -> dict[str, object]:
    return {name: value for name in Entry.__slots__ if (value := getattr(entry, name)) not in (None, (), False)}
