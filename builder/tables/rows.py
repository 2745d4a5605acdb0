"""One STAC object as one row: the properties beside the other fields, the place in degrees and in polar space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

Json = dict[str, Any]

POLAR = "iaos:polar"
"""Column of the box in EPSG:3413, km: the only one that may be compared near the pole and at ±180°."""

TIMES = frozenset(
    {"datetime", "start_datetime", "end_datetime", "created", "updated", "published", "expires", "unpublished"}
)
"""Columns that hold instants."""

FIRST = (
    "type", "stac_version", "stac_extensions", "id", "collection", "title", "datetime", "start_datetime",
    "end_datetime", "geometry", "bbox", POLAR, "links", "assets",
)  # fmt: skip
"""Columns in this order, then the others by name."""

_SIDES = ("xmin", "ymin", "xmax", "ymax")
_DOWNWARD = frozenset({"item", "child"})


def item_row(item: Mapping[str, Any]) -> Json:
    """Return the row of an Item; links are relative to the folder in which both it and the table lie."""
    row: Json = {key: value for key, value in item["properties"].items() if key not in item}
    row |= {key: value for key, value in item.items() if key not in {"properties", "bbox", "geometry"}}
    own = {"rel": "self", "href": f"./{item['id']}.json", "type": "application/geo+json"}
    row["links"] = [*item["links"], own]
    return _placed(row, item.get("geometry"), item.get("bbox"))


def collection_row(collection: Mapping[str, Any], path: str) -> Json:
    """Return the row of a Collection; its links to what lies below it are left out.

    Args:
        collection: The Collection.
        path: Its catalogue path, to which its ``self`` link leads from the root.
    """
    from builder.geometry.boxes import box_parts
    from builder.geometry.parts import geometry_of

    row: Json = without_downward_links(collection)
    start, end = collection["extent"]["temporal"]["interval"][0]
    row |= {"datetime": None, "start_datetime": start, "end_datetime": end}
    row["links"] = [*row["links"], {"rel": "self", "href": f"./{path}", "type": "application/json"}]
    box = None if collection.get("iaos:unlocated") else collection["extent"]["spatial"]["bbox"][0]
    return _placed(row, box and geometry_of(box_parts(flat_box(box))), box)


def without_downward_links(collection: Mapping[str, Any]) -> Json:
    """Return a Collection without its links to children and items, of which there may be thousands."""
    return {**collection, "links": [link for link in collection["links"] if link["rel"] not in _DOWNWARD]}


def flat_box(box: Sequence[float]) -> tuple[float, float, float, float]:
    """Return west, south, east, north of a STAC bbox of four or six numbers."""
    half = len(box) // 2
    return box[0], box[1], box[half], box[half + 1]


def _placed(row: Json, geometry: Any, box: Sequence[float] | None) -> Json:
    """Add the place.

    ``bbox`` is the planar box of the geometry, which is cut at ±180°: readers compare the numbers
    without a thought of the antimeridian, and must not miss a row for it.
    """
    if geometry is None or box is None:
        return row | {"geometry": None, "bbox": None}
    west, south, east, north = flat_box(box)
    planar = (west, south, east, north) if west <= east else (-180.0, south, 180.0, north)
    return row | {
        "geometry": orjson.dumps(geometry).decode(),
        "bbox": dict(zip(_SIDES, map(float, planar), strict=True)),
        POLAR: [west, south, east, north],
    }
