"""Harvests several collections side by side, each going on where it was interrupted, and concludes their passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from builder import clock
from builder.errors import UsageError
from builder.harvest import Harvest, harvest, open_source
from builder.memory import passes
from builder.memory.nights import failures, recall, remember
from builder.memory.passes import memory_of
from builder.memory.state import open_state
from builder.report import CollectionReport, RunReport, collection_report
from builder.threads import in_threads

if TYPE_CHECKING:
    from pathlib import Path

    from builder.build import Request
    from builder.definitions.model import CollectionDefinition
    from builder.findings import Finding
    from builder.memory.state import State
    from builder.progress import Advance
    from builder.sources.protocol import Ask, Record, Source

SOURCES_AT_ONCE = 8
"""Partners read at the same time: they are slow, not we."""


def harvest_only(request: Request, advance: Advance, *, failed: bool) -> RunReport:
    """Harvest into the state, and leave the catalogue alone.

    Args:
        request: What is asked for; ``out`` is not used.
        advance: Counts records, for progress.
        failed: Only sources whose last pass failed or left records out, and of these only what was refused
            where they can be asked for single records.

    Raises:
        DefinitionError: A definition cannot be read.
        UsageError: A folder cannot be used, or another run holds the state.
    """
    from builder.build import load_enabled

    present = clock.going_on()
    started = present()
    definitions = load_enabled(request.collections, request.only)
    with open_state(request.state) as state:
        wanted = [d for d in definitions if not failed or _left_something(d.id, state)]
        harvests = harvest_all(wanted, request, state, advance, failed=failed)
        remember(state, harvests, started.date())
        state.commit()
        conclude_all(harvests, state)
        reports = tuple(_report(d, harvests[d.id], state) for d in wanted if d.id in harvests)
    return RunReport(started, present(), reports)


def _report(definition: CollectionDefinition, done: Harvest, state: State) -> CollectionReport:
    return collection_report(
        definition.id,
        done,
        partner=definition.partner.id,
        nights_failed=failures(recall(state, definition.id)),
        items=done.live,
        references=0,
        findings=(),
    )


def _left_something(collection: str, state: State) -> bool:
    memory = memory_of(collection, state)
    return bool(failures(recall(state, collection)) or memory.refused or not memory.complete)


def harvest_all(
    definitions: Sequence[CollectionDefinition],
    request: Request,
    state: State,
    advance: Advance,
    *,
    failed: bool = False,
) -> dict[str, Harvest]:
    """Harvest the collections that are asked for.

    Raises:
        UsageError: ``request.confirm`` names a collection that is not there.
    """
    _check_names(request.confirm, definitions, request.collections)
    limits = request.limits_from_now()
    asked = [d for d in definitions if d.source.type != "process" and (not request.only or d.id in request.only)]
    wish = "full" if request.full else "failed" if failed else ""

    def one(definition: CollectionDefinition, step: Advance) -> Harvest:
        seen = lambda: step(definition.id)  # noqa: E731
        if request.sample is not None:
            with open_source(definition, request.collections, limits) as source:
                return harvest(definition, Sample(source, request.sample), state, seen)
        this = passes.begin(definition, state, wish)
        answers = passes.answers_of(definition.id, state, this)
        with open_source(definition, request.collections, limits, answers) as source:
            done = harvest(definition, source, state, seen, this, confirmed=definition.id in request.confirm)
        if answers.replayed:
            done.counts["answered_before"] = answers.replayed
        return done

    return {done.collection: done for done in in_threads(one, asked, SOURCES_AT_ONCE, advance)}


def _check_names(names: Iterable[str], definitions: Sequence[CollectionDefinition], folder: Path) -> None:
    unknown = sorted(set(names) - {definition.id for definition in definitions})
    if unknown:
        raise UsageError(f"no collection called {unknown[0]!r} takes part", where=str(folder), hint="check --confirm")


def conclude_all(harvests: Mapping[str, Harvest], state: State) -> None:
    """Forget the passes that are over; those that a partner broke off are kept to be gone on with."""
    for done in harvests.values():
        if not done.to_go_on:
            passes.conclude(done.collection, state)


@dataclass
class Sample:
    """The first records of a source; never complete, so that nothing counts as withdrawn."""

    source: Source
    size: int
    complete: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    bookmark: None = None
    total: None = None

    def scan(self, ask: Ask | None = None) -> Iterator[Record | Finding]:
        """Yield the first records."""
        yield from islice(self.source.scan(ask), self.size)
        self.counts = self.source.counts

    def named(self, identifiers: Sequence[str]) -> Iterator[Record | Finding]:
        """Yield those of the named records that are there."""
        return self.source.named(identifiers)
