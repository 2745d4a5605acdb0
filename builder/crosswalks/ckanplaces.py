"""Where and when a CKAN package is: every form in which portals write places and periods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from builder.crosswalks.jsontext import Json, objects, wording
from builder.crosswalks.times import parse_interval, parse_time, put_period, says_open
from builder.crosswalks.values import box_of, number, one_line
from builder.dataset import Box, Draft
from builder.findings import warning

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
    _doubt(draft, package.get("spatial"))
    for place, found in _geometries(package):
        draft.put("coverage.geometry", found, place)
    for place, box in _boxes(package):
        draft.put("coverage.boxes", (box,), place)


def _doubt(draft: Draft, spatial: Any) -> None:
    """Say that a place was given which is no GeoJSON."""
    if spatial and not _is_geojson(unpacked(spatial)):
        message = f"spatial {one_line(str(spatial))[:80]!r} is no GeoJSON geometry"
        draft.find(warning("geometry.unusable", draft.identifier, message, "correct it at the source"))


def put_time(draft: Draft, package: Json) -> None:
    """Set the period: ``temporal-extent`` lists, DCAT-AP ``temporal_coverage``, or single begin and end fields."""
    for name in ("temporal-extent", "temporal_coverage", "temporal_extent"):
        spans = list(objects(unpacked(package.get(name))))
        begins = [wording(span, "begin", "start", "from") for span in spans]
        ends = [wording(span, "end", "to") for span in spans]
        if any(begins):
            put_period(draft, (_first(begins), name), (_last(ends), name))
            return
    for begin, end in zip(_BEGINS, _ENDS, strict=True):
        if wording(package.get(begin)):
            put_period(draft, (wording(package.get(begin)), begin), (wording(package.get(end)), end))
            return
    for name in ("temporal", "temporal-extent", "temporal_coverage", "Cobertura temporal"):
        words = wording(unpacked(package.get(name)))
        opens, closes = parse_interval(words)
        if opens is None and not says_open(words.partition("/")[0]):
            closes = None
        draft.put("coverage.start", opens, name)
        draft.put("coverage.end", closes, name)
        if words and opens is None and closes is None:
            put_period(draft, (words, name), ("", name))
    _put_collected(draft, package)


def put_depth(draft: Draft, package: Json) -> None:
    """Set the vertical extent; CIOOS gives depths in metres, positive down."""
    for extent in objects(unpacked(package.get("vertical-extent"))):
        low, high = number(wording(extent, "min")), number(wording(extent, "max"))
        if low is not None and high is not None:
            draft.put("coverage.vertical", (-max(low, high), -min(low, high), "m"), "vertical-extent")


def _put_collected(draft: Draft, package: Json) -> None:
    """EnviDat lists dates by type; only what was collected says when the data are from."""
    collected = [date for date in objects(unpacked(package.get("date"))) if wording(date, "date_type") == "collected"]
    if collected:
        begins = [wording(date, "date") for date in collected]
        ends = [wording(date, "end_date") for date in collected]
        put_period(draft, (_first(begins), "date"), (_last(ends), "date"))


def _first(begins: list[str]) -> str:
    """Return the text that names the earliest time, or the first one where none does."""
    named = [text for text in begins if parse_time(text)]
    return min(named, key=lambda text: str(parse_time(text)), default=next(filter(None, begins), ""))


def _last(ends: list[str]) -> str:
    """Return the text that names the latest time; nothing where one of the periods is still open."""
    if "" in ends:
        return ""
    return max(ends, key=lambda text: str(parse_time(text, end=True) or ""), default="")


def _geometries(package: Json) -> Iterator[tuple[str, Json]]:
    spatial = unpacked(package.get("spatial"))
    if _is_geojson(spatial):
        yield "spatial", spatial
    for number_, coverage in enumerate(objects(unpacked(package.get("spatial_coverage")))):
        for name in ("geom", "bbox", "centroid"):
            geometry = unpacked(coverage.get(name))
            if _is_geojson(geometry):
                yield f"spatial_coverage[{number_}].{name}", geometry


def _is_geojson(value: Any) -> bool:
    return isinstance(value, Mapping) and ("coordinates" in value or "geometries" in value)


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
    """Read JSON that was stored inside a string; anything else, such as Markdown that begins with a link, stays."""
    if isinstance(value, str) and value.strip()[:1] in {"{", "["}:
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value
