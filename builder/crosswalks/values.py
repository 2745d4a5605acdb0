"""Single values as partners write them: numbers, boxes, languages, names of people, access rules."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import TypeVar

from builder.dataset import Access, Box

T = TypeVar("T")
_NUMBER = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*(?:°|deg)?\s*([NSEW])?", re.ASCII)
_ORCID = re.compile(r"\b\d{4}-\d{4}-\d{4}-\d{3}[\dX]\b", re.ASCII)
_CLOSED = re.compile(
    r"access rights needed|registered|registration|log-?in\b|password|embargo|confidential|(?:on|by|upon) request"
    r"|restricted ?access|access (?:is |to [^.]{1,80} is )?restricted|closed ?access|not public|not available",
    re.IGNORECASE,
)
_LANGUAGES = {
    "dan": "da", "danish": "da", "deu": "de", "ger": "de", "german": "de", "eng": "en", "english": "en", "fin": "fi",
    "finnish": "fi", "fra": "fr", "fre": "fr", "french": "fr", "isl": "is", "ice": "is", "icelandic": "is", "ita": "it",
    "italian": "it", "nld": "nl", "dut": "nl", "dutch": "nl", "nob": "nb", "nno": "nn", "nor": "no", "norwegian": "no",
    "pol": "pl", "polish": "pl", "por": "pt", "portuguese": "pt", "rus": "ru", "russian": "ru", "spa": "es",
    "spanish": "es", "swe": "sv", "swedish": "sv",
}  # fmt: skip


def number(text: str | None) -> float | None:
    """Read a finite decimal number, also with a comma for the point or a compass letter as its sign (``12.5 W``)."""
    words = (text or "").strip()
    if words.count(",") == 1 and "." not in words:
        words = words.replace(",", ".")
    found = _NUMBER.fullmatch(words)
    if found is None:
        return None
    value = float(found[1]) * (-1 if found[2] in {"S", "W"} else 1)
    return value if math.isfinite(value) else None


def box_of(west: str | None, south: str | None, east: str | None, north: str | None) -> Box | None:
    """Read the four sides of a box, degrees, without any repair; None where one of them is no number."""
    sides = [number(side) for side in (west, south, east, north)]
    known = [side for side in sides if side is not None]
    return (known[0], known[1], known[2], known[3]) if len(known) == 4 else None


def paragraphs(text: str | None) -> str:
    """Tidy a text that may have several lines: blanks become one, empty lines at most one."""
    lines = (" ".join(line.split()) for line in (text or "").splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def one_line(text: str | None) -> str:
    """Return a text with every run of white space as one blank."""
    return " ".join((text or "").split())


def language_of(text: str | None) -> str | None:
    """Return a language as its ISO 639-1 code where it is one of ours, else a code as written, else None."""
    words = (text or "").strip().lower().partition(";")[0].strip()
    if words in _LANGUAGES:
        return _LANGUAGES[words]
    return words if re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", words) else None


def orcid_of(text: str | None) -> str | None:
    """Return the bare ORCID iD in a text or address."""
    found = _ORCID.search((text or "").upper())
    return found[0] if found else None


def access_of(text: str | None) -> Access | None:
    """Tell from a partner's words whether a login or a request is needed; None where nothing is said."""
    words = one_line(text)
    return Access(restricted=bool(_CLOSED.search(words)), statement=words) if words else None


def present(values: Iterable[T | None]) -> tuple[T, ...]:
    """Return the values that are not missing or empty."""
    return tuple(value for value in values if value)


def unique(texts: list[str]) -> tuple[str, ...]:
    """Return the texts that are not empty, each once, in their order."""
    return tuple(dict.fromkeys(text for text in texts if text))
