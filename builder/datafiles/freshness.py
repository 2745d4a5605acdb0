"""Asks partners whether data files are still the ones that were looked into: all each run, or some in turn."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from zlib import crc32

from builder.errors import FetchError
from builder.memory.checked import check, checked
from builder.sources.ranges import Version, version_of

if TYPE_CHECKING:
    from builder.datafiles.seen import Seen
    from builder.enrich.inspection import Inspection
    from builder.memory.state import State
    from builder.sources.http import HttpGate


@dataclass
class Freshness:
    """Knows of a partner's files whether they are as they were; each version is asked for once a run.

    Args:
        state: Where it is remembered what was asked for.
        gate: What partners are asked through.
        nights: Over so many of them all files are asked for once.
        turn: Which of them this is; it goes on counting.
    """

    state: State
    gate: HttpGate
    nights: int = 1
    turn: int = 0
    _differing: set[str] = field(default_factory=set)

    def changed(self, known: Seen) -> bool:
        """Tell whether a file may be another one than when it was looked into; one that cannot be asked for is not.

        It is asked for once a run, be there an answer or not: a host that is down is waited for long enough. In a night
        that is not its turn it is taken to be as it was.

        Raises:
            FetchError: The file is there no more.
        """
        if (crc32(known.href.encode()) - self.turn) % self.nights:
            return False
        what = _named(known)
        if what in self._differing or checked(self.state, what):
            return what in self._differing
        try:
            now = version_of(self.gate, known.href)
            changed = now == Version() or _version(known).differs(now)
        except FetchError as trouble:
            if trouble.status in {404, 410}:
                raise
            changed = False
        if changed:
            self._differing.add(what)
        else:
            check(self.state, what)
        return changed

    def steady(self, before: Inspection | None, found: Inspection, href: str) -> Inspection:
        """Leave out what tells versions apart, where each of the answers says otherwise of the same file."""
        if before is None or (before.sha256, before.references) != (found.sha256, found.references) or found.mtime_ns:
            return found
        said = Version(found.size, found.etag, found.last_modified)
        with suppress(FetchError):
            said = said.steady(version_of(self.gate, href))
        return replace(found, etag=said.etag, last_modified=said.last_modified)

    def met(self, known: Seen) -> None:
        """Remember that a partner's file was fetched just now."""
        if not known.local:
            self._differing.discard(_named(known))
            check(self.state, _named(known))


def freshness_for(most: int | None, state: State, gate: HttpGate, collection: str) -> Freshness:
    """Return what knows of a collection's files, of which about so many are asked for in this run."""
    return Freshness(state, gate, nights_for(most, state, collection), turn_of(state, collection))


def nights_for(most: int | None, state: State, collection: str) -> int:
    """Return how many nights it takes to ask for all files of a collection, if about so many are asked for in each."""
    return -(-sum(1 for _ in state.ledger_lines(collection, gone=False)) // most) or 1 if most else 1


def turn_of(state: State, collection: str) -> int:
    """Return how many runs have asked for some of a collection's files; days do not count, as runs leave some out."""
    said = state.read(_turn(collection)) or b""
    return int(said) if said.isdigit() else 0


def next_turn(state: State, collection: str) -> None:
    """Have the next run ask for the next files, if this one comes to its end."""
    state.write(_turn(collection), b"%d" % (turn_of(state, collection) + 1))


def _turn(collection: str) -> str:
    return f"{collection}/turn"


def _named(known: Seen) -> str:
    return f"{known.href} {_version(known)}"


def _version(known: Seen) -> Version:
    return Version(known.size, known.etag, known.last_modified)
