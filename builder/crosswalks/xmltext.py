"""Finds elements by local name, whatever namespace a partner chose, and reads their text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from lxml import etree

from builder.crosswalks.values import one_line, paragraphs
from builder.dataset import Draft
from builder.errors import RecordError
from builder.findings import warning
from builder.sources.protocol import Record
from builder.strictxml import local_name, parse_lenient_encoding

Said = tuple[str, str]
"""A text and the place in the record where it stands; both empty where nothing is said."""


def open_record(record: Record, rule: str, *roots: str) -> tuple[etree._Element, Draft]:
    """Parse a record and start its description.

    Args:
        record: What the partner gave.
        rule: Name of the crosswalk, for the trace.
        roots: Local names the document may have at its root or, in an envelope, further down.

    Raises:
        ProtocolError: The document is not well-formed.
        RecordError: There is none of the ``roots`` in it, or an envelope holds several.
    """
    root, repaired = parse_lenient_encoding(record.body, where=record.identifier)
    found = root if local_name(root) in roots else _enclosed(root, roots)
    if found is None:
        raise RecordError(
            f"the root is <{local_name(root)}>, not one <{'> or <'.join(roots)}>",
            where=record.identifier,
            hint="check the metadata format in the definition",
        )
    draft = Draft(record.identifier, source=record.identifier, rule=rule)
    if repaired:
        draft.find(
            warning(
                "record.encoding",
                record.identifier,
                "is not UTF-8 as declared; the wrong bytes were read as Windows-1252",
                "declare the encoding or send UTF-8",
            )
        )
    return found, draft


def _enclosed(root: etree._Element, roots: tuple[str, ...]) -> etree._Element | None:
    """Return the one record in an envelope; None where there is none or where there are several."""
    inside = [element for element in root.iter("*") if local_name(element) in roots]
    return inside[0] if len(inside) == 1 else None


@lru_cache(maxsize=1024)
def _any_namespace(path: str) -> str:
    steps = (step if step in {"", ".", "*", ".."} else f"{{*}}{step}" for step in path.split("/"))
    return "/".join(steps)


def every(element: etree._Element | None, path: str) -> list[etree._Element]:
    """Return the elements at a path of local names; ``*`` is any element and ``.//`` any depth."""
    return [] if element is None else element.findall(_any_namespace(path))


def first(element: etree._Element | None, path: str) -> etree._Element | None:
    """Return the first element at a path, or None."""
    return None if element is None else element.find(_any_namespace(path))


def _pieces(element: etree._Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str):
            yield "\n" if local_name(child) in {"br", "p"} else ""
            yield from _pieces(child)
        yield child.tail or ""


def prose(element: etree._Element | None) -> str:
    """Return the text of an element and its descendants with its lines kept; comments are left out."""
    return "" if element is None else paragraphs("".join(_pieces(element)))


def words(element: etree._Element | None) -> str:
    """Return the text of an element and its descendants in one line."""
    return one_line(prose(element))


def place(element: etree._Element) -> str:
    """Return where an element stands, as a path of local names with a number among brothers of one name."""
    steps = []
    here: etree._Element | None = element
    while here is not None:
        name, parent = local_name(here), here.getparent()
        twins = [] if parent is None else [child for child in parent if local_name(child) == name]
        steps.append(f"{name}[{twins.index(here) + 1}]" if len(twins) > 1 else name)
        here = parent
    return "/" + "/".join(reversed(steps))


def said(element: etree._Element | None, *paths: str, lines: bool = False) -> Said:
    """Return the first text found at any of the paths, tried in order, and its place.

    Args:
        element: Where the paths begin.
        paths: Paths of local names.
        lines: Keep the line breaks.
    """
    for path in paths:
        for found in every(element, path):
            spoken = prose(found) if lines else words(found)
            if spoken:
                return spoken, place(found)
    return "", ""


def text(element: etree._Element | None, *paths: str) -> str:
    """Return the first text found at any of the paths, in one line; for where its place does not matter."""
    found = (words(node) for path in paths for node in every(element, path))
    return next((some for some in found if some), "")


def texts(element: etree._Element | None, path: str) -> list[str]:
    """Return every text at a path that is not empty, in one line each."""
    return [some for some in map(words, every(element, path)) if some]


def place_of(elements: list[etree._Element]) -> str:
    """Return the place of the first of some elements; empty where there is none."""
    return place(elements[0]) if elements else ""
