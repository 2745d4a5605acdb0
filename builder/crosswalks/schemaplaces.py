"""Reads where a schema.org Dataset is: boxes as ``south west north east``, points, polygons and their height."""

from __future__ import annotations

import re
from typing import Any

from builder.crosswalks.jsontext import Json, line, objects, wording
from builder.crosswalks.values import box_of, number
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
    boxes: list[Box] = []
    points: list[list[float]] = []
    rings: list[list[list[float]]] = []
    for shape in (shape for spot in objects(said.get("spatialCoverage")) for shape in objects(spot.get("geo") or spot)):
        box, point, ring = _box(shape), _point(shape), _pairs(line(shape.get("polygon")))
        boxes += [box] if box else []
        points += [point] if point else []
        rings += [ring] if len(ring) > 3 else []
        if line(shape.get("box")) and not box:
            draft.find(warning("schemaorg.box", draft.identifier, "a box cannot be read and is left out", _PLACE))
        height = _height(line(shape.get("elevation")))
        draft.put("coverage.vertical", height, f"{_PLACE}/elevation")
    draft.put("coverage.boxes", tuple(boxes), f"{_PLACE}/box")
    draft.put("coverage.geometry", _geometry(points, rings), _PLACE)


def _box(shape: Json) -> Box | None:
    sides = wording(shape.get("box")).replace(",", " ").split()
    return box_of(sides[1], sides[0], sides[3], sides[2]) if len(sides) == 4 else None


def _point(shape: Json) -> list[float] | None:
    longitude, latitude = number(line(shape.get("longitude"))), number(line(shape.get("latitude")))
    return [longitude, latitude] if longitude is not None and latitude is not None else None


def _pairs(text: str) -> list[list[float]]:
    values = [number(part) for part in text.replace(",", " ").split()]
    known = [value for value in values if value is not None]
    if len(known) != len(values) or len(known) % 2:
        return []
    return [[longitude, latitude] for latitude, longitude in zip(known[::2], known[1::2], strict=True)]


def _height(text: str) -> tuple[float, float, str] | None:
    found = re.fullmatch(r"([+-]?[\d.]+)\s*([A-Za-z]{0,10})", text)
    value = number(found[1]) if found else None
    return (value, value, found[2] or "m") if found and value is not None else None


def _geometry(points: list[list[float]], rings: list[list[list[float]]]) -> dict[str, Any] | None:
    if rings:
        polygons = [[ring] for ring in rings]
        several = {"type": "MultiPolygon", "coordinates": polygons}
        return {"type": "Polygon", "coordinates": polygons[0]} if len(rings) == 1 else several
    if points:
        cloud = {"type": "MultiPoint", "coordinates": points}
        return {"type": "Point", "coordinates": points[0]} if len(points) == 1 else cloud
    return None
