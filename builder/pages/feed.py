"""Writes the Atom feed of changes (RFC 4287)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from lxml import etree

from builder.pages.markup import safe_href
from builder.pages.messages import Messages
from builder.pages.values import Json, instant, text

ATOM = "http://www.w3.org/2005/Atom"
FEED = "changes.atom"
MEDIA_TYPE = "application/atom+xml"
MOST_ENTRIES = 500
UNDATED = "1970-01-01T00:00:00Z"
"""Time of a change of which no time is known; RFC 4287 §4.1.2 asks for one."""

_DEFAULT: dict[Any, str] = {None: ATOM}

_IDS = UUID("a7d4f6a2-4c8e-5d0c-9a41-0f3f6f0f5b60")
"""Name space of the identifiers, so that two builds of one state give the same (RFC 9562 §5.5)."""


def feed(changes: Sequence[Json], words: Messages, base: str = "") -> bytes:
    """Return the feed of changes, in the order given: newest first.

    Links are relative to the feed unless the address of the catalogue is known.

    Args:
        changes: As for `Renderer.changes`; ``run`` and ``identifier`` tell changes of one record apart, and a change
            without a date takes the newest date of its run.
        words: Words of the website.
        base: Address of the catalogue with a slash at its end; empty if it is not known.
    """
    shown = changes[:MOST_ENTRIES]
    dates = _dates(shown)
    root = etree.Element(f"{{{ATOM}}}feed", nsmap=_DEFAULT)
    _add(root, "id", f"{base}{FEED}" if base else _identifier("feed", words("site.name")))
    _add(root, "title", f"{words('site.name')}: {words('changes.title')}")
    _add(root, "subtitle", words("changes.lead"))
    _add(root, "updated", max(dates, default=UNDATED))
    _add(_add(root, "author"), "name", words("site.name"))
    _link(root, "self", f"{base}{FEED}", MEDIA_TYPE)
    _link(root, "alternate", f"{base}changes.html", "text/html")
    for change, date in zip(shown, dates, strict=True):
        _entry(root, change, date, words, base)
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True))


def _dates(changes: Sequence[Json]) -> list[str]:
    """Return the time of each change, RFC 3339."""
    known = [_rfc3339(change) for change in changes]
    runs: dict[tuple[str, str], str] = {}
    for change, date in zip(changes, known, strict=True):
        runs[_run(change)] = max(date, runs.get(_run(change), ""))
    return [date or runs[_run(change)] or UNDATED for change, date in zip(changes, known, strict=True)]


def _rfc3339(change: Json) -> str:
    moment = instant(change.get("date"))
    if moment is None:
        return ""
    return moment.iso if "T" in moment.iso else f"{moment.iso}T00:00:00Z"


def _run(change: Json) -> tuple[str, str]:
    return str(change.get("collection")), str(change.get("run"))


def _entry(root: etree._Element, change: Json, date: str, words: Messages, base: str) -> None:
    action = text(change.get("action"))
    action = action if action in {"add", "replace", "withdraw"} else "replace"
    title = _xml(change.get("title")) or _xml(change.get("href")) or "?"
    href = safe_href(change.get("href"))
    entry = _add(root, "entry")
    names = [_xml(change.get(key)) for key in ("collection", "run", "identifier", "href", "action", "date")]
    _add(entry, "id", _identifier(*names))
    _add(entry, "title", f"{title} ({words(f'changes.{action}')})")
    _add(entry, "updated", date)
    target = href or "changes.html"
    _link(entry, "alternate", target if "://" in target else base + target.removeprefix("./"), "text/html")
    _add(entry, "category", attributes={"term": action, "label": words(f"changes.{action}")})
    _add(entry, "summary", _xml(change.get("reason")) or words(f"changes.{action}"))


def _identifier(*names: str) -> str:
    return f"urn:uuid:{uuid5(_IDS, chr(0).join(names))}"


def _xml(value: object) -> str:
    """Return text with only the characters that XML 1.0 allows, on one line."""
    return " ".join((text(value) or "").replace("\ufffe", "").replace("\uffff", "").split())


def _link(parent: etree._Element, relation: str, href: str, media_type: str) -> None:
    _add(parent, "link", attributes={"rel": relation, "href": href, "type": media_type})


def _add(
    parent: etree._Element, name: str, words: str | None = None, attributes: Mapping[str, str] | None = None
) -> etree._Element:
    made = etree.SubElement(parent, f"{{{ATOM}}}{name}", dict(attributes or {}))
    made.text = words
    return made
