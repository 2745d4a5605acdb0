"""Tells from an item alone whether its data can answer a question, so that others are not opened."""

from __future__ import annotations

from builder.crosswalks.times import parse_time
from builder.geometry.boxes import spans
from builder.reading.locate import Source
from builder.reading.positions import MARGIN
from builder.reading.query import Query


def may_answer(source: Source, asked: Query) -> bool:
    """Tell whether the item's box and time meet those asked for; what is not known may always do."""
    return _meets_box(source, asked) and _meets_time(source, asked)


def _meets_box(source: Source, asked: Query) -> bool:
    if asked.box is None or len(source.bbox) != 4:
        return True
    west, south, east, north = source.bbox
    if south > asked.box[3] + MARGIN or north < asked.box[1] - MARGIN:
        return False
    return any(
        left + turn <= right_asked + MARGIN and right + turn >= left_asked - MARGIN
        for turn in (-360.0, 0.0, 360.0)  # 180 is -180
        for left, right in spans(west, east)
        for left_asked, right_asked in spans(asked.box[0], asked.box[2])
    )


def _meets_time(source: Source, asked: Query) -> bool:
    said = source.properties
    start = parse_time(said.get("start_datetime") or said.get("datetime"))
    end = parse_time(said.get("end_datetime") or said.get("datetime"))
    if asked.time is None or said.get("iaos:ongoing"):
        return True
    first, last = asked.time
    return not ((first and end and end < first) or (last and start and start.replace(microsecond=0) > last))
