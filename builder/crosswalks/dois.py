"""Digital Object Identifiers in the many ways partners write them."""

from __future__ import annotations

import re
from urllib.parse import unquote

_DOI = re.compile(r"(?<![\d.])10\.\d{4,9}(?:\.\d+)*/[^\s\"<>]+", re.ASCII)
_PANGAEA = re.compile(r"PANGAEA[._](\d{1,9})", re.IGNORECASE | re.ASCII)


def doi_of(text: str | None) -> str | None:
    """Return the bare DOI in a text, its case kept.

    Reads URLs (also percent-encoded), ``doi:``, OAI identifiers that hold one, sentences, bare
    DOIs, and PANGAEA's own ``PANGAEA.902845``.
    """
    words = (text or "").strip()
    own = _PANGAEA.fullmatch(words)
    if own:
        return f"10.1594/PANGAEA.{own[1]}"
    if "://" in words:
        words = unquote(words)
    found = _DOI.search(words)
    return _trimmed(found[0], in_url="://" in words[: found.start()]) if found else None


def same_doi(one: str | None, other: str | None) -> bool:
    """Tell whether two texts name the same DOI; DOIs do not distinguish case (DOI Handbook 2.4)."""
    first, second = doi_of(one), doi_of(other)
    return first is not None and second is not None and first.lower() == second.lower()


def _trimmed(doi: str, *, in_url: bool) -> str:
    """Take off a query and the punctuation of the sentence around; a bracket only where it was not opened inside."""
    if in_url:
        doi = re.split(r"[?#]", doi, maxsplit=1)[0]
    while doi and (doi[-1] in ".,;:'!*" or (doi[-1] in ")]}" and doi.count(doi[-1]) > doi.count(_OPENED[doi[-1]]))):
        doi = doi[:-1]
    return doi


_OPENED = {")": "(", "]": "[", "}": "{"}
