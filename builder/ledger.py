"""What is known of a record, and what a record just received means for it: pure rules, whose file is in `known`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import orjson

from builder.sources.protocol import Record


class Kind(StrEnum):
    """What happened to a record since the last pass."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    GONE = "gone"
    REFUSED = "refused"


TOLD = (Kind.NEW, Kind.CHANGED, Kind.GONE)
"""What changes the ledger; a record that is refused leaves its last good entry in place."""


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


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one record, and why we say so."""

    kind: Kind
    identifier: str
    reason: str
    entry: Entry | None = None


def compare(before: Entry | None, record: Record) -> Change:
    """Say what a record just received means for what was known of it.

    A datestamp alone changes nothing: partners re-index everything in one night without touching
    a byte, so only the body decides.
    """
    if record.deleted:
        if before is None or before.gone:
            return Change(Kind.SAME, record.identifier, "withdrawn by the partner before it was catalogued", before)
        after = replace(before, gone=True, datestamp=record.datestamp, reason="withdrawn by the partner")
        return Change(Kind.GONE, record.identifier, "withdrawn by the partner", after)
    if before is None:
        return Change(Kind.NEW, record.identifier, "first seen", Entry.of(record))
    if before.gone:
        return Change(Kind.NEW, record.identifier, "back after withdrawal", Entry.of(record))
    if (before.sha256, before.format) != (record.sha256, record.format):
        return Change(Kind.CHANGED, record.identifier, "record differs", Entry.of(record))
    return Change(Kind.SAME, record.identifier, "", before)


def missing(before: Entry) -> Change:
    """Say what it means for a live record that a complete pass did not see it."""
    reason = "no longer listed by the partner"
    return Change(Kind.GONE, before.identifier, reason, replace(before, gone=True, reason=reason))


def line_of(entry: Entry) -> bytes:
    """Write an entry as a line of the ledger, so that two states compare as text."""
    fields = {name: value for name in Entry.__slots__ if (value := getattr(entry, name)) not in (None, (), False)}
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def entry_of(line: bytes) -> Entry:
    """Read what `line_of` wrote."""
    fields = orjson.loads(line)
    if "sets" in fields:
        fields["sets"] = tuple(fields["sets"])
    return Entry(**fields)


def is_gone(line: bytes) -> bool:
    """Tell whether a line of a ledger is of a withdrawn record, unread: in a text the quotes are escaped."""
    return b'"gone":true' in line
