"""Reads platform, instruments and measured quantities from ISO metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.crosswalks.iso19139.spoken import spoken
from builder.crosswalks.values import one_line, unique
from builder.crosswalks.xmltext import every, first, place_of
from builder.dataset import Draft, Variable

if TYPE_CHECKING:
    from lxml import etree

_MOST = 20


def put_observation(draft: Draft, root: etree._Element) -> None:
    """Set platform, instruments and variables from acquisition and content information.

    Args:
        draft: The description.
        root: The document.
    """
    platforms = every(root, "acquisitionInformation/*/platform/*")
    draft.put("platform", ", ".join(_names(platforms)), place_of(platforms))
    instruments = every(root, "acquisitionInformation/*/instrument/*") + [
        one for platform in platforms for one in every(platform, "instrument/*")
    ]
    draft.put("instruments", _names(instruments), place_of(instruments))
    bands = every(root, "contentInfo/*/dimension/*") + every(root, "contentInfo/*/attributeGroup/*/attribute/*")
    draft.put("variables", _variables(bands), place_of(bands))


def _names(nodes: list[etree._Element]) -> tuple[str, ...]:
    """Return the identifier of each, without the long name that GCMD writes after ``>``."""
    paths = ("identifier/*/code", "identifier/*/description", "type/*", "type", "description")
    found = ([_line(node, path).partition(">")[0].strip()[:200] for path in paths] for node in nodes)
    named = (next((name for name in names if name and not name.isdecimal()), "") for names in found)
    return unique(list(named))[:_MOST]


def _variables(bands: list[etree._Element]) -> tuple[Variable, ...]:
    found = {}
    for band in bands:
        name = _line(band, "sequenceIdentifier/*/aName") or _line(band, "name/*/code") or _line(band, "name")
        if name:
            text = _line(band, "descriptor") or _line(band, "description")
            unit = _line(band, "units/*/identifier") or _line(band, "units/*/name")
            found[name] = Variable(name, description=text or None, unit=unit or None)
    return tuple(found.values())


def _line(node: etree._Element, path: str) -> str:
    return one_line(spoken(first(node, path)))
