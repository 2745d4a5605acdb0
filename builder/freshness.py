"""Asks partners whether data files are still the ones that were looked into: many of them ahead, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from builder.checked import check, checked
from builder.errors import FetchError
from builder.harvest import gate_for
from builder.harvests import SOURCES_AT_ONCE
from builder.memo import seen_before
from builder.sources.limits import AT_ONCE
from builder.sources.ranges import Version, version_of

if TYPE_CHECKING:
    from builder.build import Request
    from builder.definitions.model import CollectionDefinition
    from builder.progress import Advance
    from builder.seen import Seen
    from builder.sources.http import HttpGate
    from builder.state import State

BATCH = 500
"""Files of one collection that are known of at once."""


@dataclass
class Freshness:
    """Knows of a partner's files whether they are as they were; each version is asked for once a run.

    Args:
        state: Where it is remembered what was asked for.
        gate: What partners are asked through.
    """

    state: State
    gate: HttpGate
    _differing: set[str] = field(default_factory=set)

    def changed(self, known: Seen) -> bool:
        """Tell whether a file is another one than when it was looked into; one that cannot be asked for is not.

        Raises:
            FetchError: The file is there no more.
        """
        then = Version(known.size, known.etag, known.last_modified)
        what = f"{known.href} {then}"
        if what in self._differing or checked(self.state, what):
            return what in self._differing
        try:
            changed = then.differs(version_of(self.gate, known.href))
        except FetchError as trouble:
            if trouble.status in {404, 410}:
                raise
            return False
        if changed:
            self._differing.add(what)
        else:
            check(self.state, what)
        return changed


def ask_ahead(definitions: Sequence[CollectionDefinition], request: Request, state: State, advance: Advance) -> None:
    """Ask for the files that remembered items were made from, those of several collections side by side.

    What is found unchanged need not be asked for again in this run; all else is asked for where its item is made.
    """
    asked = [one for one in definitions if request.asks(one) and one.policies.references and one.policies.recheck]

    def ask(definition: CollectionDefinition) -> None:
        with gate_for(definition) as gate, ThreadPoolExecutor(AT_ONCE) as pool:
            freshness = Freshness(state, gate)
            for some in _batches(seen for seen in seen_before(state, definition.id) if seen.kept and not seen.local):
                for _ in pool.map(lambda seen: _quietly(freshness, seen), some):
                    advance(f"ask {definition.id}")

    with ThreadPoolExecutor(SOURCES_AT_ONCE) as pool:
        list(pool.map(ask, asked))


def _quietly(freshness: Freshness, seen: Seen) -> None:
    with suppress(FetchError):  # it is told of where the item is made
        freshness.changed(seen)


def _batches(seen: Iterator[Seen]) -> Iterator[list[Seen]]:
    while some := list(islice(seen, BATCH)):
        yield some
