"""Reads licences and access rules from the constraints of ISO metadata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from builder.crosswalks.iso19139.spoken import code, spoken, spoken_all
from builder.crosswalks.licenses import clearest, license_of
from builder.crosswalks.values import access_of, one_line, present
from builder.crosswalks.xmltext import every, place_of
from builder.dataset import Access, Draft, License

if TYPE_CHECKING:
    from lxml import etree

_CLOSED = frozenset({"restricted", "private", "confidential", "in-confidence", "sensitiveButUnclassified", "secret"})
_XLINK = "{http://www.w3.org/1999/xlink}href"


def put_constraints(draft: Draft, data: etree._Element | None) -> None:
    """Set the licence and whether a login is needed.

    The first text that names a known licence counts; else the first text about use. Constraints of
    the metadata itself say nothing about the data and are not read.

    Args:
        draft: The description.
        data: The identification of the data.
    """
    nodes = every(data, "resourceConstraints/*")
    where = place_of(nodes)
    terms = clearest(one for node in nodes for one in _terms(node))
    draft.put("license", terms, where)
    draft.put("access", _access(nodes, in_words=terms is None or terms.id == "other"), where)


def _access(nodes: list[etree._Element], *, in_words: bool) -> Access | None:
    """Return the access rule that a code states or, where the licence is not an open one, the words."""
    coded = [one for node in nodes for one in every(node, "accessConstraints") + every(node, "classification")]
    closed = _CLOSED.intersection(map(code, coded))
    if closed:
        return Access(restricted=True, statement=min(closed))
    texts = [text for node in nodes for text in spoken_all(node, "otherConstraints")] if in_words else []
    return next((access for access in present(map(access_of, texts)) if access.restricted), None)


def _terms(node: etree._Element) -> Iterator[License | None]:
    """Yield what is said about use: the text and, with it, the address an anchor points to."""
    for path in ("reference/*/title", "otherConstraints", "useLimitation"):
        yield from (license_of(one_line(spoken(one)), _anchor(one)) for one in every(node, path))
    yield from (license_of("", _anchor(one)) for one in every(node, "useConstraints"))


def _anchor(node: etree._Element) -> str | None:
    hrefs = (child.get(_XLINK) or "" for child in node.iter("*"))
    return next((href for href in hrefs if "://" in href), None)
