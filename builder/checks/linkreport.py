"""The report of one run over the links of a catalogue, for people and for programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass

import orjson

from builder.checks.links import Link, Verdict, finding
from builder.findings import Finding, Severity, warning


@dataclass(frozen=True, slots=True)
class LinkReport:
    """What is known of all links after a run.

    Attributes:
        day: Day of the run, UTC.
        links: Every address and its memory.
        asked: How many were asked this time.
        skipped: How many were left out because their host did not answer well.
        offline: No host answered at all, so that nothing was counted.
    """

    day: str
    links: tuple[Link, ...]
    asked: int
    skipped: int
    offline: bool

    @property
    def findings(self) -> list[Finding]:
        """The dead, by address, and whether there was a network."""
        dead = [finding(link) for link in self.links if link.standing is Verdict.DEAD]
        if self.offline:
            hint = "look at this machine's network; nothing was counted"
            dead.append(warning("link.offline", self.day, f"none of {self.asked} addresses answered", hint))
        return sorted(dead)

    @property
    def exit_status(self) -> int:
        """1 where there are dead links, else 0."""
        return int(any(finding.severity is Severity.ERROR for finding in self.findings))

    def counts(self) -> dict[str, int]:
        """Count the addresses that are there, that nobody can tell of, and that are dead."""
        standing = Counter(link.standing for link in self.links)
        return {kind.value: standing[kind] for kind in (Verdict.OK, Verdict.UNKNOWN, Verdict.DEAD)}

    def summary(self) -> str:
        """Say in one line what happened."""
        counts = self.counts()
        left = f" ({self.skipped} left out: their hosts did not answer well)" if self.skipped else ""
        return (
            f"{self.asked} of {len(self.links)} addresses asked{left}; "
            f"{counts['ok']} there, {counts['unknown']} unknown, {counts['dead']} dead"
        )

    def to_json(self) -> bytes:
        """Serialise everything."""
        body = {
            "day": self.day,
            "asked": self.asked,
            "skipped": self.skipped,
            "counts": self.counts(),
            "findings": [asdict(finding) for finding in self.findings],
            "links": [asdict(link) | {"standing": link.standing.value} for link in self.links],
        }
        return orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n"

    def to_markdown(self) -> str:
        """Render for people, e.g. as the summary of a job."""
        told = [f"- `{_escape(one.where)}`: {_escape(one.message)}" for one in self.findings]
        lines = [f"# Links on {self.day}", "", f"{self.summary()}.", "", *told]
        return "\n".join(lines).rstrip() + "\n"


def _escape(text: str) -> str:
    return text.replace("<", "&lt;").replace("`", "'").replace("\n", " ")
