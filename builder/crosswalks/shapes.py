"""Points and outlines a partner gave, as one GeoJSON geometry."""

from __future__ import annotations

from builder.dataset import GeoJSON

Position = list[float]
"""Longitude and latitude, degrees."""


def points_of(points: list[Position]) -> GeoJSON | None:
    """Return a Point, or a MultiPoint where there are several; None without any."""
    if len(points) > 1:
        return {"type": "MultiPoint", "coordinates": points}
    return {"type": "Point", "coordinates": points[0]} if points else None


def outlines_of(rings: list[list[Position]]) -> GeoJSON | None:
    """Return a Polygon, or a MultiPolygon where there are several rings; rings of less than four positions are none."""
    closed = [ring for ring in rings if len(ring) > 3]
    if len(closed) > 1:
        return {"type": "MultiPolygon", "coordinates": [[ring] for ring in closed]}
    return {"type": "Polygon", "coordinates": closed} if closed else None


def pairs_of(values: list[float | None], *, latitude_first: bool) -> list[Position]:
    """Return alternating coordinates as positions; none where one is no number or one is left over."""
    known = [value for value in values if value is not None]
    if len(known) != len(values) or len(known) % 2:
        return []
    pairs = zip(known[::2], known[1::2], strict=True)
    return [[second, one] if latitude_first else [one, second] for one, second in pairs]
