"""Where and when a CKAN package is: every form in which portals write places and periods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from builder.crosswalks.jsontext import Json, objects, wording
from builder.crosswalks.times import parse_interval, parse_time, put_period
from builder.crosswalks.values import box_of, number
from builder.dataset import Box, Draft

_SIDES = (
    ("bbox-west-long", "bbox-south-lat", "bbox-east-long", "bbox-north-lat"),
    ("bbox_west", "bbox_south", "bbox_east", "bbox_north"),
    ("west", "south", "east", "north"),
)
_BEGINS = ("temporal-extent-begin", "temporal_extent_begin", "temporal_start", "start_date", "dateStart", "date_from")
_ENDS = ("temporal-extent-end", "temporal_extent_end", "temporal_end", "end_date", "dateEnd", "date_to")


def put_place(draft: Draft, package: Json) -> None:
    """Set geometry and boxes as the portal wrote them; nothing is repaired here.

    Reads ``spatial`` (GeoJSON as object or string, WKT is left out), ``spatial_coverage`` of
    DCAT-AP profiles, ``bbox`` lists and the four ``bbox-*`` fields of ckanext-spatial and CIOOS.
    """
    for place, found in _geometries(package):
        draft.put("coverage.geometry", found, place)
    for place, box in _boxes(package):
        draft.put("coverage.boxes", (box,), place)


def put_time(draft: Draft, package: Json) -> None:
    """Set the period: ``temporal-extent`` lists, DCAT-AP ``temporal_coverage``, or single begin and end fields."""
    for name in ("temporal-extent", "temporal_coverage", "temporal_extent"):
        spans = list(objects(unpacked(package.get(name))))
        begins = [wording(span, "begin", "start", "from") for span in spans]
        ends = [wording(span, "end", "to") for span in spans]
        if any(begins):
            first = min(filter(None, begins))
            last = "" if "" in ends else max(ends, key=lambda text: (parse_time(text, end=True) is not None, text))
            put_period(draft, (first, name), (last, name))
            return
    for begin, end in zip(_BEGINS, _ENDS, strict=True):
        if wording(package.get(begin)):
            put_period(draft, (wording(package.get(begin)), begin), (wording(package.get(end)), end))
            return
    for name in ("temporal", "temporal-extent", "temporal_coverage"):
        opens, closes = parse_interval(wording(package.get(name)))
        draft.put("coverage.start", opens, name)
        draft.put("coverage.end", closes, name)
    _put_collected(draft, package)


def put_depth(draft: Draft, package: Json) -> None:
    """Set the vertical extent; CIOOS gives depths in metres, positive down."""
    for extent in objects(unpacked(package.get("vertical-extent"))):
        low, high = number(wording(extent, "min")), number(wording(extent, "max"))
        if low is not None and high is not None:
            draft.put("coverage.vertical", (-max(low, high), -min(low, high), "m"), "vertical-extent")


def _put_collected(draft: Draft, package: Json) -> None:
    """EnviDat lists dates by type; only what was collected says when the data are from."""
    for date in objects(unpacked(package.get("date"))):
        if wording(date, "date_type") == "collected":
            put_period(draft, (wording(date, "date"), "date"), (wording(date, "end_date"), "date"))
            return


def _geometries(package: Json) -> Iterator[tuple[str, Json]]:
    spatial = unpacked(package.get("spatial"))
    if isinstance(spatial, Mapping) and "coordinates" in spatial:
        yield "spatial", spatial
    for number_, coverage in enumerate(objects(unpacked(package.get("spatial_coverage")))):
        for name in ("geom", "bbox", "centroid"):
            geometry = unpacked(coverage.get(name))
            if isinstance(geometry, Mapping) and "coordinates" in geometry:
                yield f"spatial_coverage[{number_}].{name}", geometry


def _boxes(package: Json) -> Iterator[tuple[str, Box]]:
    candidates: list[tuple[str, Json]] = [("", package)]
    candidates += [("bbox", entry) for entry in objects(unpacked(package.get("bbox")))]
    for place, holder in candidates:
        for sides in _SIDES if place else _SIDES[:2]:
            west, south, east, north = (wording(holder.get(side)) for side in sides)
            box = box_of(west, south, east, north)
            if box:
                yield place or sides[0].rsplit("-", 2)[0].rsplit("_", 1)[0], box


def unpacked(value: Any) -> Any:
    """Read JSON that was stored inside a string; anything else stays as it is."""
    if isinstance(value, str) and value.strip()[:1] in {"{", "["}:
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
    return value
