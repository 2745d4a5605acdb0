"""The report of one run: counts, findings and refusals that a partner or maintainer can act on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import orjson

from builder.findings import Finding, Severity
from builder.ledger import Change, Kind
from builder.sources.redact import redact

if TYPE_CHECKING:
    from builder.harvest import Harvest
    from builder.memory.history import Told
    from builder.tree import Plan, Step

MARKDOWN_FINDINGS = 50
"""Most findings per collection that the Markdown report spells out; the JSON report has all."""

MARKDOWN_CHANGES = 100
"""Most changed records per collection that a plan in Markdown lists."""

WOULD_RUN = "process.would-run"
"""Code of the finding by which a plan tells that a build would run a processor."""


@dataclass(frozen=True, slots=True)
class CollectionReport:
    """What happened to one collection.

    ``harvested`` is False where only the last good state was used: the source failed, or this run
    was asked for other collections. ``nights_failed`` counts the nights since its last good one.
    """

    id: str
    harvested: bool
    partner: str = ""
    nights_failed: int = 0
    failed: bool = False
    complete: bool = True
    counts: dict[str, int] = field(default_factory=dict)
    items: int = 0
    references: int = 0
    findings: tuple[Finding, ...] = ()
    changes: Told | tuple[Change, ...] = ()

    def of_severity(self, severity: Severity) -> int:
        """Count the findings of one severity."""
        return sum(finding.severity is severity for finding in self.findings)


@dataclass(frozen=True, slots=True)
class RunReport:
    """What one run did; the only file of a build that knows the time."""

    started: datetime
    finished: datetime
    collections: tuple[CollectionReport, ...]
    plan: Plan | tuple[Step, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def exit_status(self) -> int:
        """0 when all is well, 1 when something was left out, 3 when a source failed (its last good state is kept)."""
        if any(collection.failed for collection in self.collections):
            return 3
        everything = (*self.findings, *(f for c in self.collections for f in c.findings))
        return int(any(finding.severity is Severity.ERROR for finding in everything))

    def steps(self) -> dict[str, int]:
        """Count the planned steps by action."""
        return dict(sorted(Counter(step.action.value for step in self.plan).items()))

    def summary(self) -> str:
        """Say in one line what happened."""
        items = sum(collection.items for collection in self.collections)
        failed = [collection.id for collection in self.collections if collection.failed]
        tail = f"; failed, last good kept: {', '.join(failed)}" if failed else ""
        return (
            f"{items} items in {len(self.collections)} collections; {_words(self.steps()) or 'no file changes'}{tail}"
        )

    def harvest_summary(self) -> str:
        """Say in one line what a harvest without a build brought."""
        kinds = [kind.value for kind in Kind if kind is not Kind.SAME]
        sums = {kind: sum(collection.counts.get(kind, 0) for collection in self.collections) for kind in kinds}
        said = _words({kind: number for kind, number in sums.items() if number}) or "nothing new"
        failed = [collection.id for collection in self.collections if collection.failed]
        tail = f"; failed, last good kept: {', '.join(failed)}" if failed else ""
        return f"{len(self.collections)} collections asked; {said}{tail}"

    def changes_text(self) -> Iterator[str]:
        """Yield one line per changed record, grouped by collection, then the refusals."""
        signs = {Kind.NEW: "+", Kind.CHANGED: "~", Kind.GONE: "-"}
        for collection in self.collections:
            if collection.changes or collection.failed:
                yield f"{collection.id}: {_state(collection)}"
            for change in collection.changes:
                yield f"  {signs[change.kind]} {change.identifier}  ({change.reason})"
            for finding in collection.findings:
                if finding.severity is Severity.ERROR or finding.code == WOULD_RUN:
                    sign = "!" if finding.severity is Severity.ERROR else ">"
                    yield f"  {sign} {finding.where}  ({finding.message})"

    def to_json(self) -> Iterator[bytes]:
        """Serialise everything, piece by piece."""
        head = {
            "started": self.started.isoformat(),
            "finished": self.finished.isoformat(),
            "exit_status": self.exit_status,
            "steps": self.steps(),
            "findings": [asdict(finding) for finding in self.findings],
        }
        yield _json(head).removesuffix(b"\n}") + b',\n  "collections": ['
        for number, collection in enumerate(self.collections):
            yield b",\n    " if number else b"\n    "
            yield from _collection_json(collection)
        yield b"\n  ]\n}\n" if self.collections else b"]\n}\n"

    def to_markdown(self, *, planned: bool = False) -> str:
        """Render for people: one table, then what each partner can act on; what is only planned lists its changes."""
        lines = [
            "# What a build would change" if planned else "# Run report",
            "",
            f"Started {self.started:%Y-%m-%d %H:%M} UTC, took {(self.finished - self.started).total_seconds():.0f} s.",
            f"Files: {_words(self.steps()) or 'nothing changed'}.",
            "",
            "| collection | state | items | new | changed | gone | refused | references | errors | warnings |",
            "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
            *(_row(collection) for collection in self.collections),
            "",
        ]
        if self.findings:
            lines += ["## The catalogue as a whole", "", *(_bullet(finding) for finding in self.findings), ""]
        for collection in self.collections:
            lines += [*(_changes(collection) if planned else ()), *_section(collection)]
        return "\n".join(lines).rstrip() + "\n"


def collection_report(
    id: str,  # noqa: A002  (the field's name)
    harvest: Harvest | None,
    *,
    partner: str,
    nights_failed: int,
    items: int,
    references: int,
    findings: tuple[Finding, ...],
) -> CollectionReport:
    """Join what the harvest and the building of one collection found."""
    told = CollectionReport(id, False, partner, nights_failed, items=items, references=references, findings=findings)
    if harvest is None:
        return told
    return replace(
        told,
        harvested=not harvest.failed,
        failed=harvest.failed,
        complete=harvest.complete,
        counts=harvest.counts,
        findings=(*harvest.findings, *findings),
        changes=harvest.changes,
    )


def _collection_json(collection: CollectionReport) -> Iterator[bytes]:
    fields = {name: getattr(collection, name) for name in CollectionReport.__slots__ if name != "changes"}
    fields["findings"] = [asdict(finding) for finding in collection.findings]
    told = _json({key: value for key, value in fields.items() if value not in ({}, [])}, 4)
    if not collection.changes:
        yield told
        return
    yield told.removesuffix(b"\n    }") + b',\n      "changes": ['
    for number, change in enumerate(collection.changes):
        yield b",\n        " if number else b"\n        "
        yield _json({"kind": change.kind.value, "identifier": change.identifier, "reason": change.reason}, 8)
    yield b"\n      ]\n    }"


def _json(value: dict[str, Any], depth: int = 0) -> bytes:
    """Write an object as part of a larger one, in which it stands so many blanks from the left."""
    text = redact(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
    return text.replace("\n", "\n" + " " * depth).encode()


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items())


def _state(collection: CollectionReport) -> str:
    if collection.failed:
        return "**failed**, last good kept"
    if not collection.harvested:
        return "not harvested"
    return "complete" if collection.complete else "incomplete"


def _row(collection: CollectionReport) -> str:
    counts = [collection.counts.get(kind, 0) for kind in ("new", "changed", "gone", "refused")]
    errors, warnings = collection.of_severity(Severity.ERROR), collection.of_severity(Severity.WARNING)
    cells = [collection.id, _state(collection), collection.items, *counts, collection.references, errors, warnings]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _bullet(finding: Finding) -> str:
    hint = f" *{_escape(finding.hint)}*" if finding.hint else ""
    return (
        f"- {finding.severity.value} `{finding.code}` at `{_escape(finding.where)}`: {_escape(finding.message)}.{hint}"
    )


def _escape(text: str) -> str:
    return redact(text).replace("<", "&lt;").replace("|", "\\|").replace("`", "'").replace("\n", " ")


def _changes(collection: CollectionReport) -> list[str]:
    runs = [finding for finding in collection.findings if finding.code == WOULD_RUN]
    lines = chain(
        (f"- {one.kind.value} `{_escape(one.identifier)}`: {_escape(one.reason)}" for one in collection.changes),
        (f"- run `{_escape(finding.where)}`: {_escape(finding.message)}" for finding in runs),
    )
    shown = list(islice(lines, MARKDOWN_CHANGES))
    if not shown:
        return []
    rest = len(collection.changes) + len(runs) - len(shown)
    return [f"## Records of {collection.id}", "", *shown, *([f"- … and {rest} more"] if rest else []), ""]


def _section(collection: CollectionReport) -> list[str]:
    told = [finding for finding in collection.findings if finding.severity is not Severity.NOTE]
    if not told:
        return []
    rest = len(told) - MARKDOWN_FINDINGS
    more = [f"- … and {rest} more, all in `report.json`"] if rest > 0 else []
    ordered = sorted(told, key=lambda finding: (finding.severity is not Severity.ERROR, finding.code, finding.where))
    return [f"## {collection.id}", "", *(_bullet(finding) for finding in ordered[:MARKDOWN_FINDINGS]), *more, ""]
