"""Reads one source and decides what its records change; the partner's faults end here as findings."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from builder.crosswalks import describe
from builder.errors import IaosError, SourceError
from builder.findings import Finding, error
from builder.ledger import TOLD, Change, Entry, Kind, missing
from builder.memory.met import Met
from builder.memory.passes import Pass, fresh, memory_of, remember
from builder.sources import adapter
from builder.sources.http import HttpGate, origin_of
from builder.sources.limits import AT_ONCE, Limits
from builder.sources.protocol import Record, Refused, Source, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from builder.definitions.model import CollectionDefinition
    from builder.memory.history import Told
    from builder.memory.state import State
    from builder.sources.answers import Answers


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
        live: How many records are known afterwards that are not withdrawn.
        findings: What a partner or maintainer should look at; the last of a pass that failed says why.
        failed: The source did not answer as it should, or lost too much; its last good state is kept.
        complete: Everything was seen, so that absence meant withdrawal.
        to_go_on: The partner broke the pass off, and the next run may go on with it.
    """

    collection: str
    counts: dict[str, int] = field(default_factory=dict)
    changes: Told | tuple[Change, ...] = ()
    live: int = 0
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
    asked = this or fresh()
    with state.known(definition.id) as known, Met(known, state.overlay) as met:
        reading = _Reading(definition, state, met, seen, Harvest(definition.id, live=known.live), asked.anew)
        result = reading.result
        try:
            if asked.again:
                reading.take(source.named(asked.again))
            if asked.list:
                reading.take(source.scan(asked.ask))
                result.complete = source.complete
            if asked.whole and source.complete:
                reading.miss(source)
        except SourceError as trouble:
            _fail(result, trouble)
            result.counts = dict(source.counts)
        else:
            result.counts = {**source.counts, **met.counts()}
            _conclude(result, confirmed=confirmed, limit=reading.limit)
        if this is not None:
            _remember(definition, state, this, source, reading)
        if not result.failed and any(result.counts[kind.value] for kind in TOLD):
            result.changes = state.remember(definition.id, known, met)
    return result


@dataclass
class _Reading:
    """The records of one pass, as they come in."""

    definition: CollectionDefinition
    state: State
    met: Met
    seen: Callable[[], None]
    result: Harvest
    anew: bool
    refused_at: set[str] = field(default_factory=set)

    @property
    def limit(self) -> int:
        """How many records may be withdrawn; hand-written ones leave by the maintainer's own hand."""
        live = self.met.known.live
        if getattr(self.definition.source, "records", ()):
            return live
        return max(ALWAYS_LOST, int(self.definition.source.max_loss * live))

    def take(self, found: Iterable[Record | Finding]) -> None:
        """Compare what a source yields with the ledger."""
        for got in found:
            if isinstance(got, Refused):
                self._refuse(got)
                self.refused_at.add(got.url or got.where)
            elif isinstance(got, Finding):
                self.result.findings.append(got)
            else:
                self.seen()
                self._weigh(got)

    def miss(self, source: Source) -> None:
        """Add the withdrawals that a complete pass implies.

        Lists of pages shift while they are read, so that an absent record is asked for by name
        first, unless there are so many that the pass is held back until that is confirmed.
        """
        most = min(self.limit, MOST_ASKED)
        some = list(islice(self._absent(), most + 1))
        if some and len(some) <= most:
            self.take(source.named([entry.identifier for entry in some]))
        for entry in self._absent():
            self.met.put(missing(entry))

    def _absent(self) -> Iterator[Entry]:
        return (entry for entry in self.met.unmet() if entry.url not in self.refused_at)

    def _weigh(self, record: Record) -> None:
        """Compare one record; one that no crosswalk can read is refused and the harvest goes on."""
        change = self.met.weigh(record)
        if self.anew and change.kind is Kind.SAME and not record.deleted:
            self.state.store(self.definition.id, record, doubted=True)
        if change.kind not in {Kind.NEW, Kind.CHANGED}:
            return
        try:
            describe(record)
        except IaosError as trouble:
            code, message = f"record.{trouble.code}", trouble.message
        except Exception as trouble:  # noqa: BLE001  (the one place where a single bad record is contained)
            message = f"cannot be understood: {type(trouble).__name__}: {trouble}".splitlines()[0][:300]
            code = "record.unexpected"
        else:
            self.state.store(self.definition.id, record)
            return
        hint = f"record refused; see {record.url}"
        self._refuse(refused(code, record.identifier, message, hint, record.url))

    def _refuse(self, refusal: Refused) -> None:
        finding = Finding(refusal.code, refusal.severity, refusal.where, refusal.message, refusal.hint)
        self.result.findings.append(finding)
        self.met.put(Change(Kind.REFUSED, refusal.identifier, refusal.message))


def _fail(result: Harvest, trouble: SourceError) -> None:
    where, hint = trouble.where or result.collection, trouble.hint or "last good state kept"
    result.findings.append(error(f"source.{trouble.code}", where, trouble.message, hint))
    result.failed, result.to_go_on, result.complete = True, trouble.passing, False


def _conclude(result: Harvest, *, confirmed: bool, limit: int) -> None:
    """Take what was counted over, unless too much would be withdrawn."""
    new, lost = result.counts[Kind.NEW.value], result.counts[Kind.GONE.value]
    if lost > limit and not confirmed:
        message = f"{lost} of {result.live} records would be withdrawn, {limit} may"
        hint = f"last good state kept; if it is right, build with `--confirm {result.collection}`"
        result.findings.append(error("harvest.brake", result.collection, message, hint))
        result.failed = True
        result.counts |= {Kind.GONE.value: 0, "held_back": lost}
        return
    result.live += new - lost


def _remember(definition: CollectionDefinition, state: State, this: Pass, source: Source, reading: _Reading) -> None:
    """Keep what the next pass has to know."""
    result = reading.result
    if result.failed:
        return
    before = memory_of(definition.id, state)
    refusals = reading.met.refused()
    after = replace(before, source=this.source, refused=refusals)
    if this.list:
        after = replace(after, complete=result.complete)
    if this.list and result.complete:
        full = this.began if this.anew else before.full
        there = result.live + sum(reading.met.known.find(name) is None for name in refusals)
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

    A source that is defined with https is never read over http. The definition's ``deadline_s`` bounds the whole.
    """
    url = getattr(definition.source, "url", None) or ""
    origin = origin_of(url)
    own = [f"https://{origin}" if url.startswith("https:") else origin] if origin else []
    return HttpGate(
        hosts=[*own, *definition.source.fetch_hosts],
        delay_s=definition.source.delay_s,
        limits=replace(limits or Limits(), source_s=definition.source.deadline_s),
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
        limits: Bounds on each request and on the run.
        answers: What the partner answered before.
    """
    at_once = max(AT_ONCE, getattr(definition.source, "windows", 1))
    with gate_for(definition, answers=answers, limits=limits, at_once=at_once) as gate:
        yield adapter(definition.source, gate, base)
