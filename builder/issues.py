"""Decides which issues of a forge to open and close, so that a failing partner has one issue and not one per night."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from builder.errors import UsageError
from builder.sources.redact import one_line

LABEL = "iaos-partner"
"""Label of the issues that are ours to open and close."""

MOST_LINES = 20
"""Most messages of one collection that an issue repeats."""

_MARKER = re.compile(r"^\[iaos ([a-z0-9][a-z0-9_-]*)\]")

Report = Mapping[str, Any]
"""A ``report.json`` as ``iaos build`` wrote it."""


@dataclass(frozen=True, slots=True)
class OpenIssue:
    """An issue that is open now: its number and its title."""

    number: int
    title: str

    @property
    def partner(self) -> str | None:
        """The partner that the mark at the beginning of the title names."""
        found = _MARKER.match(self.title)
        return found[1] if found else None


@dataclass(frozen=True, slots=True)
class IssueStep:
    """What to do with one issue; ``number`` is given where one is closed, ``title`` where one is opened."""

    action: Literal["open", "close"]
    partner: str
    body: str
    title: str = ""
    number: int | None = None


def open_issues(listed: object) -> list[OpenIssue]:
    """Read what ``gh issue list --json number,title`` or ``glab issue list --output json`` printed.

    Raises:
        UsageError: It is no such list.
    """
    try:
        found = [OpenIssue(int(one.get("number", one.get("iid"))), str(one["title"])) for one in listed]  # type: ignore[attr-defined]
    except (AttributeError, KeyError, TypeError, ValueError) as trouble:
        raise UsageError(
            "not a list of issues", hint="give what `gh issue list --json number,title` printed"
        ) from trouble
    return sorted(found, key=lambda issue: issue.number)


def decide(report: Report, present: Sequence[OpenIssue], after: int = 1) -> list[IssueStep]:
    """Compare a report with the open issues.

    A partner's issue is opened when one of its sources has failed for ``after`` nights, unless it
    is open; it is closed when all its sources were harvested, or it is defined no longer, or off. A run that
    asked other partners only changes nothing for this one.

    Raises:
        UsageError: The report is not one of ours.
    """
    try:
        partners = _by_partner(report)
        known: dict[str, list[OpenIssue]] = {}
        for issue in present:
            if issue.partner is not None:
                known.setdefault(issue.partner, []).append(issue)
        return [step for name in sorted({*partners, *known}) for step in _steps(name, partners, known, after)]
    except (AttributeError, KeyError, TypeError) as trouble:
        raise UsageError("not a report of `iaos build`", hint="give the report.json of the last build") from trouble


def _by_partner(report: Report) -> dict[str, list[Report]]:
    grouped: dict[str, list[Report]] = {}
    for collection in report["collections"]:
        grouped.setdefault(collection["partner"], []).append(collection)
    return grouped


def _steps(
    partner: str, partners: Mapping[str, list[Report]], known: Mapping[str, list[OpenIssue]], after: int
) -> Iterator[IssueStep]:
    collections, issues = partners.get(partner, []), known.get(partner, [])
    failing = [one for one in collections if one["failed"] and one["nights_failed"] >= after]
    if failing and not issues:
        yield IssueStep("open", partner, _body(failing), title=_title(partner, failing))
    elif all(one["harvested"] for one in collections):
        words = "All sources of this partner answered again." if collections else "This partner is asked no longer."
        for issue in issues:
            yield IssueStep("close", partner, words, number=issue.number)


def _title(partner: str, failing: Sequence[Report]) -> str:
    names = [one["id"] for one in failing]
    return f"[iaos {partner}] cannot be harvested: {', '.join(names[:3])}{' …' if len(names) > 3 else ''}"


def _body(failing: Iterable[Report]) -> str:
    parts = []
    for one in failing:
        errors = [finding for finding in one.get("findings", ()) if finding["severity"] == "error"]
        lines = [one_line(f"{finding['where']}: {finding['message']}") for finding in errors]
        nights = one["nights_failed"]
        parts += [
            f"**{one['id']}** has failed for {nights} night{'s' if nights > 1 else ''}; its last good state stays.",
            _fenced([*lines[:MOST_LINES], *(["…"] if len(lines) > MOST_LINES else [])]),
        ]
    return "\n\n".join([*parts, "This issue is closed by itself when all sources of the partner answer again."])


def _fenced(lines: Sequence[str]) -> str:
    """Show a partner's words as they are: in a code block nothing is a link, a mention or markup."""
    text = "\n".join(lines)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def script(steps: Iterable[IssueStep], tool: Literal["gh", "glab"]) -> Iterator[str]:
    """Yield one shell command per step for GitHub's or GitLab's own tool; every word is quoted."""
    text = "--body" if tool == "gh" else "--description"
    for step in steps:
        if step.action == "open":
            yield shlex.join([tool, "issue", "create", "--title", step.title, text, step.body, "--label", LABEL])
        elif tool == "gh":
            yield shlex.join([tool, "issue", "close", str(step.number), "--comment", step.body])
        else:
            yield shlex.join([tool, "issue", "note", str(step.number), "--message", step.body])
            yield shlex.join([tool, "issue", "close", str(step.number)])
