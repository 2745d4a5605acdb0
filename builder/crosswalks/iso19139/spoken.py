"""Reads the many carriers of text in ISO metadata: character strings, anchors, codes, translations, nil reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.crosswalks.xmltext import Said, every, place, prose, words
from builder.strictxml import local_name

if TYPE_CHECKING:
    from lxml import etree

_ENGLISH = frozenset({"en", "eng", "#en", "#eng", "#locale-en", "#locale-eng"})


def spoken(element: etree._Element | None) -> str:
    """Return the text of a property element in its own language, else in English, else in any.

    Whatever carries it is read alike: ``CharacterString``, ``Anchor``, ``MimeFileType``, ``URL``,
    ``Date`` or the element itself; an element that is nil is empty.
    """
    if element is None:
        return ""
    carriers = (
        [child for child in element if local_name(child) not in {"", "PT_FreeText"}] if len(element) else [element]
    )
    translations = every(element, "PT_FreeText/textGroup/LocalisedCharacterString")
    ranked = sorted(translations, key=lambda node: (node.get("locale") or "").lower() not in _ENGLISH)
    return next((text for text in map(prose, [*carriers, *ranked]) if text), "") or (element.text or "").strip()


def spoken_at(element: etree._Element | None, *paths: str) -> Said:
    """Return the first text at any of the paths and its place; both empty where nothing is said."""
    for path in paths:
        for node in every(element, path):
            text = spoken(node)
            if text:
                return text, place(node)
    return "", ""


def spoken_all(element: etree._Element | None, path: str) -> list[str]:
    """Return every text at a path that is not empty."""
    return [text for text in map(spoken, every(element, path)) if text]


def code(element: etree._Element | None) -> str:
    """Return the value of a code list element inside a property, by its attribute or its text."""
    if element is None:
        return ""
    return next((child.get("codeListValue") for child in element if child.get("codeListValue")), "") or words(element)
