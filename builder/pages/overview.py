"""Maps of whole collections: the positions of their items, or the boxes of their extents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from builder.pages.footprints import box_geometry
from builder.pages.polarmap import PolarMap, draw
from builder.pages.values import Json, bbox, items, mapping


def collection_map(shown: Sequence[tuple[Json, Sequence[Json | None]]]) -> PolarMap | None:
    """Draw collections: positions of their items where given, else the boxes of their extent."""
    geometries: list[Mapping[str, Any] | None] = []
    for collection, positions in shown:
        known = [_middle(geometry) if len(positions) > 100 else geometry for geometry in positions if geometry]
        boxes = items(mapping(mapping(collection.get("extent")).get("spatial")).get("bbox"))
        several = boxes[1:] if len(boxes) > 1 else boxes
        geometries += known or [box_geometry(box) for entry in several if (box := bbox(entry))]
    return draw(geometries, zoom=False)


def _middle(geometry: Json) -> Json:
    """Return one position of a geometry, to draw many of them as dots."""
    position: Any = geometry.get("coordinates")
    while items(position) and items(position[0]):
        position = position[len(position) // 2]
    return {"type": "Point", "coordinates": position}
