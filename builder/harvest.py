"""Reads one source and decides what its records change; the partner's faults end here as findings."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from builder.crosswalks import describe
from builder.errors import IaosError, SourceError
from builder.findings import Finding, error
from builder.ledger import Change, Entry, Kind, advance, compare, missing
from builder.sources import adapter
from builder.sources.http import HttpGate, origin_of
from builder.sources.protocol import Record, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from builder.definitions.model import CollectionDefinition
    from builder.state import State


@dataclass
class Harvest:
    """What one pass over a source brought.

    Attributes:
        collection: Identifier of the collection.
        counts: The protocol's own figures (headers, datasets, refs ...) and one per `Kind`.
        changes: What happened to each record that is not the same.
        ledger: What is known afterwards.
        findings: What a partner or maintainer should look at.
        failed: The source did not answer as it should; its last good state is kept.
        complete: Everything was seen, so that absence meant withdrawal.
    """

    collection: str
    counts: dict[str, int] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    ledger: Mapping[str, Entry] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    failed: bool = False
    complete: bool = False


def harvest(definition: CollectionDefinition, source: Source, state: State, seen: Callable[[], None]) -> Harvest:
    """Read a source to its end and compare every record with the ledger.

    Nothing of a pass that ends in a `SourceError` is taken over: the last good state stays.

    Args:
        definition: The collection that is harvested.
        source: Its adapter.
        state: Where bodies and the ledger are kept.
        seen: Called once per record, for progress.
    """
    known = state.ledger(definition.id)
    result = Harvest(definition.id, ledger=known)
    met: dict[str, Change] = {}
    try:
        for got in source.scan():
            if isinstance(got, Finding):
                result.findings.append(got)
                continue
            seen()
            met[got.identifier] = _weigh(definition, got, known, state, result)
    except SourceError as trouble:
        result.findings.append(
            error(
                f"source.{trouble.code}",
                trouble.where or definition.id,
                trouble.message,
                trouble.hint or "last good state kept",
            )
        )
        result.failed = True
        result.counts = dict(source.counts)
        return result
    _conclude(result, known, met, source)
    if result.changes:
        state.remember(definition.id, result.ledger, result.changes)
    return result


def _conclude(result: Harvest, known: Mapping[str, Entry], met: Mapping[str, Change], source: Source) -> None:
    changes = list(met.values())
    result.complete = source.complete
    if source.complete:
        changes += missing(known, met)
    result.counts = dict(source.counts)
    for kind in Kind:
        result.counts[kind.value] = sum(change.kind is kind for change in changes)
    result.changes = sorted(
        (change for change in changes if change.kind not in {Kind.SAME, Kind.REFUSED}),
        key=lambda change: change.identifier,
    )
    result.ledger = advance(known, result.changes)


def _weigh(
    definition: CollectionDefinition, record: Record, known: Mapping[str, Entry], state: State, result: Harvest
) -> Change:
    """Compare one record; one that no crosswalk can read is refused and the harvest goes on."""
    change = compare(known, record)
    if change.kind not in {Kind.NEW, Kind.CHANGED}:
        return change
    try:
        describe(record)
    except IaosError as trouble:
        return _refuse(record, trouble.message, f"record.{trouble.code}", result)
    except Exception as trouble:  # noqa: BLE001  (the one place where a single bad record is contained)
        message = f"cannot be understood: {type(trouble).__name__}: {trouble}".splitlines()[0][:300]
        return _refuse(record, message, "record.unexpected", result)
    state.store(definition.id, record)
    return change


def _refuse(record: Record, message: str, code: str, result: Harvest) -> Change:
    result.findings.append(error(code, record.identifier, message, f"record refused; see {record.url}"))
    return Change(Kind.REFUSED, record.identifier, message)


def gate_for(definition: CollectionDefinition) -> HttpGate:
    """Open the HTTP gate of a definition: its own host and those it names in ``fetch_hosts``.

    A source that is defined with https is never read over http.
    """
    url = getattr(definition.source, "url", None) or ""
    origin = origin_of(url)
    own = [f"https://{origin}" if url.startswith("https:") else origin] if origin else []
    return HttpGate(hosts=[*own, *definition.source.fetch_hosts], delay_s=definition.source.delay_s)


@contextmanager
def open_source(definition: CollectionDefinition, base: Path) -> Iterator[Source]:
    """Open the adapter that a definition's ``source.type`` asks for.

    Args:
        definition: The collection.
        base: Folder of the definition, against which local paths are resolved.
    """
    with gate_for(definition) as gate:
        yield adapter(definition.source, gate, base)
