"""Reads one source and decides what its records change; the partner's faults end here as findings."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.crosswalks import describe
from builder.errors import IaosError, SourceError
from builder.findings import Finding, error
from builder.ledger import Change, Entry, Kind, advance, compare, missing
from builder.passes import Pass, fresh, memory_of, remember
from builder.sources import adapter
from builder.sources.http import HttpGate, origin_of
from builder.sources.limits import AT_ONCE, Limits
from builder.sources.protocol import Record, Refused, Source, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from builder.definitions.model import CollectionDefinition
    from builder.sources.answers import Answers
    from builder.state import State


ALWAYS_LOST = 10
"""So many records may always be withdrawn in one pass."""
MOST_ASKED = 1000
"""Most absent records that are asked for one by one."""


@dataclass
class Harvest:
    """What one pass over a source brought.

    Attributes:
        collection: Identifier of the collection.
        counts: The protocol's own figures (headers, datasets, refs ...) and one per `Kind`.
        changes: What happened to each record that is not the same.
        ledger: What is known afterwards.
        findings: What a partner or maintainer should look at.
        failed: The source did not answer as it should, or lost too much; its last good state is kept.
        complete: Everything was seen, so that absence meant withdrawal.
        to_go_on: The partner broke the pass off, and the next run may go on with it.
    """

    collection: str
    counts: dict[str, int] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    ledger: Mapping[str, Entry] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    failed: bool = False
    complete: bool = False
    to_go_on: bool = False


def harvest(
    definition: CollectionDefinition,
    source: Source,
    state: State,
    seen: Callable[[], None],
    this: Pass | None = None,
    *,
    confirmed: bool = False,
) -> Harvest:
    """Read a source to its end and compare every record with the ledger.

    Nothing of a pass that ends in a `SourceError` is taken over: the last good state stays. Nor is
    one that would withdraw more than the definition's ``max_loss``, unless that is confirmed.

    Args:
        definition: The collection that is harvested.
        source: Its adapter.
        state: Where bodies and the ledger are kept.
        seen: Called once per record, for progress.
        this: What the pass asks for; one that is not given asks for everything and is not remembered.
        confirmed: Withdrawals are taken over however many they are.
    """
    known = state.ledger(definition.id)
    reading = _Reading(definition, state, known, seen, Harvest(definition.id, ledger=known))
    result = reading.result
    asked = this or fresh()
    try:
        if asked.again:
            reading.take(source.named(asked.again))
        if asked.list:
            reading.take(source.scan(asked.ask))
            result.complete = source.complete
        gone = reading.absent(source, confirmed=confirmed) if asked.whole and source.complete else []
    except SourceError as trouble:
        _fail(result, trouble)
        result.counts = dict(source.counts)
    else:
        _conclude(result, [*reading.met.values(), *gone], source.counts, confirmed=confirmed, limit=reading.limit)
    if this is not None:
        _remember(definition, state, this, source, reading)
    if result.changes:
        state.remember(definition.id, result.ledger, result.changes)
    return result


@dataclass
class _Reading:
    """The records of one pass, as they come in."""

    definition: CollectionDefinition
    state: State
    known: Mapping[str, Entry]
    seen: Callable[[], None]
    result: Harvest
    met: dict[str, Change] = field(default_factory=dict)
    refused_at: set[str] = field(default_factory=set)

    @property
    def limit(self) -> int:
        """How many records may be withdrawn; hand-written ones leave by the maintainer's own hand."""
        live = sum(not entry.gone for entry in self.known.values())
        if getattr(self.definition.source, "records", ()):
            return live
        return max(ALWAYS_LOST, int(self.definition.source.max_loss * live))

    def take(self, found: Iterable[Record | Finding]) -> None:
        """Compare what a source yields with the ledger."""
        for got in found:
            if isinstance(got, Refused):
                self.met[got.identifier] = _refuse(got, self.result)
                self.refused_at.add(got.url or got.where)
            elif isinstance(got, Finding):
                self.result.findings.append(got)
            else:
                self.seen()
                self.met[got.identifier] = self._weigh(got)

    def absent(self, source: Source, *, confirmed: bool) -> list[Change]:
        """Return the withdrawals that a complete pass implies.

        Lists of pages shift while they are read, so that an absent record is asked for by name
        first, unless there are so many that the pass is held back anyhow.
        """
        gone = self._missing()
        if gone and not confirmed and len(gone) <= min(self.limit, MOST_ASKED):
            self.take(source.named([change.identifier for change in gone]))
            gone = self._missing()
        return gone

    def _missing(self) -> list[Change]:
        return [
            change
            for change in missing(self.known, self.met)
            if self.known[change.identifier].url not in self.refused_at
        ]

    def _weigh(self, record: Record) -> Change:
        """Compare one record; one that no crosswalk can read is refused and the harvest goes on."""
        change = compare(self.known, record)
        if change.kind not in {Kind.NEW, Kind.CHANGED}:
            return change
        try:
            describe(record)
        except IaosError as trouble:
            code, message = f"record.{trouble.code}", trouble.message
        except Exception as trouble:  # noqa: BLE001  (the one place where a single bad record is contained)
            message = f"cannot be understood: {type(trouble).__name__}: {trouble}".splitlines()[0][:300]
            code = "record.unexpected"
        else:
            self.state.store(self.definition.id, record)
            return change
        hint = f"record refused; see {record.url}"
        return _refuse(refused(code, record.identifier, message, hint, record.url), self.result)


def _refuse(refusal: Refused, result: Harvest) -> Change:
    result.findings.append(Finding(refusal.code, refusal.severity, refusal.where, refusal.message, refusal.hint))
    return Change(Kind.REFUSED, refusal.identifier, refusal.message)


def _fail(result: Harvest, trouble: SourceError) -> None:
    where, hint = trouble.where or result.collection, trouble.hint or "last good state kept"
    result.findings.append(error(f"source.{trouble.code}", where, trouble.message, hint))
    result.failed, result.to_go_on, result.complete = True, trouble.passing, False


def _conclude(
    result: Harvest, changes: list[Change], counts: Mapping[str, int], *, confirmed: bool, limit: int
) -> None:
    """Take the changes over, unless too much would be withdrawn."""
    result.counts = dict(counts)
    for kind in Kind:
        result.counts[kind.value] = sum(change.kind is kind for change in changes)
    lost = result.counts[Kind.GONE.value]
    if lost > limit and not confirmed:
        live = sum(not entry.gone for entry in result.ledger.values())
        message = f"{lost} of {live} records would be withdrawn, {limit} may"
        hint = f"last good state kept; if it is right, build with `--confirm {result.collection}`"
        result.findings.append(error("harvest.brake", result.collection, message, hint))
        result.failed = True
        result.counts |= {Kind.GONE.value: 0, "held_back": lost}
        return
    result.changes = sorted(
        (change for change in changes if change.kind not in {Kind.SAME, Kind.REFUSED}),
        key=lambda change: change.identifier,
    )
    result.ledger = advance(result.ledger, result.changes)


def _remember(definition: CollectionDefinition, state: State, this: Pass, source: Source, reading: _Reading) -> None:
    """Keep what the next pass has to know."""
    result = reading.result
    if result.failed:
        return
    before = memory_of(definition.id, state)
    refusals = {change.identifier: change.reason for change in reading.met.values() if change.kind is Kind.REFUSED}
    after = replace(before, source=this.source, refused=refusals)
    if this.list:
        after = replace(after, complete=result.complete)
    if this.list and result.complete:
        full = this.began if this.whole and this.anew else before.full
        there = sum(not entry.gone for entry in result.ledger.values()) + len(refusals.keys() - result.ledger.keys())
        counted = source.total in {None, there}
        after = replace(after, since=source.bookmark, full=full if counted else None)
    remember(definition.id, state, after)


def gate_for(
    definition: CollectionDefinition,
    *,
    answers: Answers | None = None,
    limits: Limits | None = None,
    at_once: int = AT_ONCE,
) -> HttpGate:
    """Open the HTTP gate of a definition: its own host and those it names in ``fetch_hosts``.

    A source that is defined with https is never read over http.
    """
    url = getattr(definition.source, "url", None) or ""
    origin = origin_of(url)
    own = [f"https://{origin}" if url.startswith("https:") else origin] if origin else []
    return HttpGate(
        hosts=[*own, *definition.source.fetch_hosts],
        delay_s=definition.source.delay_s,
        limits=limits or Limits(),
        answers=answers,
        connections=at_once,
    )


@contextmanager
def open_source(
    definition: CollectionDefinition, base: Path, limits: Limits, answers: Answers | None = None
) -> Iterator[Source]:
    """Open the adapter that a definition's ``source.type`` asks for.

    Args:
        definition: The collection.
        base: Folder of the definition, against which local paths are resolved.
        limits: Bounds on each request; the definition's ``deadline_s`` bounds the whole.
        answers: What the partner answered before.
    """
    at_once = max(AT_ONCE, getattr(definition.source, "windows", 1))
    limits = replace(limits, source_s=definition.source.deadline_s)
    with gate_for(definition, answers=answers, limits=limits, at_once=at_once) as gate:
        yield adapter(definition.source, gate, base)
