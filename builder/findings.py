"""A finding says that something in the data is not as it should be, while the build goes on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding matters to the person who reads the report."""

    ERROR = "error"
    """Something was left out of the catalogue."""
    WARNING = "warning"
    """Something was published, but a value is missing or doubtful."""
    NOTE = "note"
    """Worth knowing; nothing is wrong with the result."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One line of a report that a partner or maintainer can act on.

    Attributes:
        code: Stable rule code such as ``oai.not-well-formed`` (area, dot, rule).
        severity: How much it matters.
        where: URL, file or record identifier.
        message: What was found, one line.
        hint: What to do about it; may be empty.
    """

    code: str
    severity: Severity
    where: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """Render as one line."""
        tail = f" ({self.hint})" if self.hint else ""
        return f"{self.severity}: {self.where}: {self.message} [{self.code}]{tail}"


def finding_of(fields: dict[str, Any]) -> Finding:
    """Read a finding from its fields as JSON."""
    return Finding(**{**fields, "severity": Severity(fields["severity"])})


def error(code: str, where: str, message: str, hint: str = "") -> Finding:
    """Make a finding about something left out."""
    return Finding(code, Severity.ERROR, where, message, hint)


def warning(code: str, where: str, message: str, hint: str = "") -> Finding:
    """Make a finding about a missing or doubtful value."""
    return Finding(code, Severity.WARNING, where, message, hint)


def note(code: str, where: str, message: str, hint: str = "") -> Finding:
    """Make a finding that is only worth knowing."""
    return Finding(code, Severity.NOTE, where, message, hint)
