"""Reads where and when from ISO metadata: boxes, polygons, periods, instants, heights."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.crosswalks.iso19139.spoken import spoken
from builder.crosswalks.shapes import Position, outlines_of, pairs_of
from builder.crosswalks.times import parse_time, put_period
from builder.crosswalks.values import box_of, number, one_line, present
from builder.crosswalks.xmltext import every, first, place, place_of, words
from builder.dataset import Draft, Projection
from builder.findings import warning
from builder.strictxml import local_name

if TYPE_CHECKING:
    from lxml import etree

_SIDES = ("westBoundLongitude", "southBoundLatitude", "eastBoundLongitude", "northBoundLatitude")
_VAGUE = frozenset({"now", "unknown"})
_LONG = 5000
"""More corners than this in one ring are not read."""


def put_extents(draft: Draft, root: etree._Element, data: etree._Element | None) -> None:
    """Set the place, time and height of a dataset, and the native reference system of gridded data.

    Place and time may stand in one extent or in several.

    Args:
        draft: The description.
        root: The document.
        data: The identification of the data.
    """
    extents = every(data, "extent/EX_Extent")
    _put_boxes(draft, extents)
    _put_polygons(draft, extents)
    _put_time(draft, extents)
    _put_vertical(draft, extents)
    _put_projection(draft, root)


def _put_boxes(draft: Draft, extents: list[etree._Element]) -> None:
    nodes = _in_all(extents, "geographicElement/EX_GeographicBoundingBox")
    found = [(node, box_of(*(spoken(first(node, side)) for side in _SIDES))) for node in nodes if _is_inside(node)]
    draft.put("coverage.boxes", present(dict.fromkeys(box for _, box in found)), place_of(nodes))
    for node, box in found:
        if box is None and words(node):
            draft.find(warning("iso.box", draft.identifier, "a box cannot be read and is left out", place(node)))


def _in_all(extents: list[etree._Element], path: str) -> list[etree._Element]:
    return [node for extent in extents for node in every(extent, path)]


def _is_inside(node: etree._Element) -> bool:
    """Tell whether an element bounds the data; ``extentTypeCode`` false means that it is an exclusion."""
    return spoken(first(node, "extentTypeCode")).lower() not in {"0", "false"}


def _put_polygons(draft: Draft, extents: list[etree._Element]) -> None:
    nodes = _in_all(extents, "geographicElement/EX_BoundingPolygon")
    rings = [_ring(ring, turned=_is_latitude_first(node)) for node in nodes for ring in _outlines(node)]
    draft.put("coverage.geometry", outlines_of([ring for ring in rings if len(ring) <= _LONG]), place_of(nodes))


def _outlines(node: etree._Element) -> list[etree._Element]:
    return every(node, ".//exterior") + every(node, ".//outerBoundaryIs")


def _is_latitude_first(node: etree._Element) -> bool:
    """Tell whether coordinates are latitude first, as EPSG:4326 is where it is named as a URN or URI."""
    names = [found.get("srsName", "") for found in node.iter("*") if found.get("srsName")]
    return any(name.startswith(("urn:", "http")) and "4326" in name for name in names)


def _ring(outline: etree._Element, *, turned: bool) -> list[Position]:
    lists = [words(node) for name in ("posList", "pos", "coordinates") for node in every(outline, f".//{name}")]
    values = [number(part) for part in " ".join(lists).replace(",", " ").split()]
    return pairs_of(values, latitude_first=turned)


def _put_time(draft: Draft, extents: list[etree._Element]) -> None:
    nodes = _in_all(extents, "temporalElement/*/extent/*")
    spans = [span for span in map(_span, nodes) if any(span)]
    if spans:
        starts, ends = zip(*spans, strict=True)
        start = min(starts, key=lambda text: str(parse_time(text) or "9"))
        end = max(ends, key=lambda text: str(parse_time(text, end=True) or "9"))
        where = place_of(nodes)
        put_period(draft, (start, f"{where}/beginPosition"), (end, f"{where}/endPosition"))


def _span(node: etree._Element) -> tuple[str, str]:
    if local_name(node) == "TimeInstant":
        moment = _position(node, "timePosition")
        return moment, moment
    return _position(node, "beginPosition", "begin"), _position(node, "endPosition", "end")


def _position(node: etree._Element, *paths: str) -> str:
    """Return a time position: its text, or ``now`` or ``unknown`` where it is indeterminate.

    ``before`` and ``after`` are taken as the instant they name (GML 3.2.1, 14.2.2.7).
    """
    carriers = (one for path in paths for found in every(node, path) for one in found.iter("*"))
    return next((text for text in map(_written, carriers) if text), "")


def _written(carrier: etree._Element) -> str:
    vague, text = carrier.get("indeterminatePosition") or "", one_line(carrier.text)
    return vague if vague in _VAGUE or not text else text


def _put_vertical(draft: Draft, extents: list[etree._Element]) -> None:
    for node in _in_all(extents, "verticalElement/EX_VerticalExtent"):
        low, high = (number(spoken(first(node, f"{edge}imumValue"))) for edge in ("min", "max"))
        if low is not None and high is not None:
            low, high = (0.0 - high, 0.0 - low) if _points_down(node) else (low, high)
            draft.put("coverage.vertical", (low, high, "m"), place(node))


def _points_down(node: etree._Element) -> bool:
    """Tell whether the vertical reference system counts depth: it says so, or is EPSG:5831, 5715 or 5861."""
    system = " ".join(map(words, every(node, "verticalCRSId") + every(node, "verticalCRS")))
    return re.search(r"depth|\b(?:5831|5715|5861)\b", system, re.IGNORECASE) is not None


def _put_projection(draft: Draft, root: etree._Element) -> None:
    if not every(root, "spatialRepresentationInfo/MD_Georectified") and not every(root, ".//MD_Georeferenceable"):
        return
    for node in every(root, "referenceSystemInfo/*/referenceSystemIdentifier/*/code"):
        found = re.search(r"EPSG\D{0,20}(?:[\d.]*[:/]+)?(\d{4,6})\b", spoken(node), re.IGNORECASE | re.ASCII)
        draft.put("projection", Projection(code=f"EPSG:{found[1]}") if found else None, place(node))
