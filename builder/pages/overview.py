"""Maps of whole collections: the positions of their items, or the boxes of their extents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from builder.pages.footprints import box_geometry
from builder.pages.polarmap import PolarMap, draw
from builder.pages.projection import SOUTH
from builder.pages.values import Box, Json, bbox, items, mapping

MOST_SHAPES = 100
"""Items of a collection that are drawn with their shape; more are drawn as dots."""

MOST_OUTLINES, MOST_DOTS = 40, 1000
"""Shapes and dots of all collections on a map, which is part of a page."""


def collection_map(shown: Sequence[tuple[Json, Sequence[Json | None]]]) -> PolarMap | None:
    """Draw collections: positions of their items where given, else the boxes of their extent.

    A box that covers the whole map would only tint it and hide the others, so it is drawn
    only where there is nothing else.
    """
    shapes: list[Mapping[str, Any]] = []
    whole: list[Mapping[str, Any]] = []
    for collection, geometries in shown:
        known = _shapes(geometries)
        shapes += known
        for box in () if known else _boxes(collection):
            (whole if _covers_the_map(box) else shapes).append(box_geometry(box))
    return draw(_few(shapes or whole), zoom=False)


def _few(shapes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return each shape once; where there are many, dots, and not all of those."""
    once = list({str(shape): shape for shape in shapes}.values())
    if len(once) <= MOST_OUTLINES:
        return once
    return [_middle(shape) for shape in once[:: -(-len(once) // MOST_DOTS)]]


def _shapes(geometries: Sequence[Json | None]) -> list[Mapping[str, Any]]:
    known = [geometry for geometry in geometries if isinstance(geometry, Mapping)]
    return known if len(known) <= MOST_SHAPES else [_middle(geometry) for geometry in known]


def _boxes(collection: Json) -> list[Box]:
    """Return the boxes of an extent that is a place; where there are several, the first is only their union."""
    if collection.get("iaos:unlocated"):
        return []
    said = items(mapping(mapping(collection.get("extent")).get("spatial")).get("bbox"))
    return [box for entry in (said[1:] or said) if (box := bbox(entry))]


def _covers_the_map(box: Box) -> bool:
    west, south, east, north = box
    return south <= SOUTH and north >= 85 and east - west >= 359


def _middle(geometry: Json) -> Json:
    """Return one position of a geometry, to draw many of them as dots."""
    position: Any = geometry.get("coordinates")
    while items(position) and items(position[0]):
        position = position[len(position) // 2]
    return {"type": "Point", "coordinates": position}
