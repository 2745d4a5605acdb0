"""Reads where a schema.org Dataset is: boxes as ``south west north east``, points, polygons and their height."""

from __future__ import annotations

import re

from builder.crosswalks.jsontext import Json, line, objects, wording
from builder.crosswalks.shapes import Position, outlines_of, pairs_of, points_of
from builder.crosswalks.values import box_of, number, present
from builder.dataset import Box, Draft
from builder.findings import warning

_PLACE = "spatialCoverage/geo"


def put_places(draft: Draft, said: Json) -> None:
    """Set the boxes, points, polygons and height that ``spatialCoverage`` gives.

    A ``box`` has its lower corner first and latitude before longitude (schema.org GeoShape, as
    Google's dataset guidelines spell it out).

    Args:
        draft: The description.
        said: The Dataset.
    """
    shapes = _shapes(said)
    boxes = [_box(shape) for shape in shapes if line(shape.get("box"))]
    draft.put("coverage.boxes", present(boxes), f"{_PLACE}/box")
    if None in boxes:
        draft.find(warning("schemaorg.box", draft.identifier, "a box is not four numbers and is left out", _PLACE))
    draft.put("coverage.geometry", outlines_of([_ring(shape) for shape in shapes]), f"{_PLACE}/polygon")
    draft.put("coverage.geometry", points_of(list(present(map(_point, shapes)))), _PLACE)
    for shape in shapes:
        draft.put("coverage.vertical", _height(line(shape.get("elevation"))), f"{_PLACE}/elevation")


def _shapes(said: Json) -> list[Json]:
    return [shape for spot in objects(said.get("spatialCoverage")) for shape in objects(spot.get("geo") or spot)]


def _ring(shape: Json) -> list[Position]:
    values = [number(part) for part in line(shape.get("polygon")).replace(",", " ").split()]
    return pairs_of(values, latitude_first=True)


def _box(shape: Json) -> Box | None:
    sides = wording(shape.get("box")).replace(",", " ").split()
    return box_of(sides[1], sides[0], sides[3], sides[2]) if len(sides) == 4 else None


def _point(shape: Json) -> list[float] | None:
    longitude, latitude = number(line(shape.get("longitude"))), number(line(shape.get("latitude")))
    return [longitude, latitude] if longitude is not None and latitude is not None else None


def _height(text: str) -> tuple[float, float, str] | None:
    found = re.fullmatch(r"([+-]?[\d.]+)\s*([A-Za-z]{0,10})", text)
    value = number(found[1]) if found else None
    return (value, value, found[2] or "m") if found and value is not None else None
