"""What looks into data files while a record is read, and what stands in for it where none may be looked into."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from builder.dataset import Dataset
    from builder.enrich.inspection import Inspection
    from builder.findings import Finding
    from builder.sources.protocol import Record


class Unreached(NamedTuple):
    """What is said in this run of a file that waits, could not be had, or not be looked into.

    Attributes:
        last: What the state calls what was found in it before; empty where that is nothing.
        findings: Why it is so.
        found: How far the look came.
        holds: Whether all of what was found before goes on to hold: as far as anybody knows it is the same file.
    """

    last: str = ""
    findings: tuple[Finding, ...] = ()
    found: Inspection | None = None
    holds: bool = False

    def without(self, reason: Finding, *, gone: bool) -> Unreached:
        """Say that the file could not be had, and whether it is gone."""
        holds = self.holds and not gone
        hint = "what was found in it before is shown" if holds else reason.hint
        return self._replace(findings=(replace(reason, hint=hint),), holds=holds)


NOTHING = Unreached()


class Inspecting(Protocol):
    """Looks into the data file of a dataset."""

    def of(self, dataset: Dataset, record: Record) -> tuple[Inspection | None, tuple[Finding, ...]]:
        """Return what the file says, or None with the reason."""
        ...

    def served(self, dataset: Dataset) -> Dataset:
        """Return the dataset with what its map services draw."""
        ...


class Blind:
    """Looks into nothing: for records whose files need not be there any more."""

    def of(self, dataset: Dataset, record: Record) -> tuple[None, tuple[Finding, ...]]:
        """Return nothing."""
        del dataset, record
        return None, ()

    def served(self, dataset: Dataset) -> Dataset:
        """Return the dataset as it is."""
        return dataset
