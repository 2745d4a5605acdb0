"""The outline of a box a maintainer wrote: exact, so no bbox policy is needed to read it."""

from __future__ import annotations

from builder.dataset import Box, GeoJSON

Ring = list[list[float]]


def outline(box: Box) -> GeoJSON:
    """Return the GeoJSON geometry of a box in degrees.

    A box without width and height is a point, one without either is a line; west > east is cut at
    the antimeridian (RFC 7946 sections 3.1.9 and 5.2). Rings run counter-clockwise (section 3.1.6).
    """
    west, south, east, north = box
    if west > east:
        return {
            "type": "MultiPolygon",
            "coordinates": [[_ring(west, south, 180, north)], [_ring(-180, south, east, north)]],
        }
    if west == east and south == north:
        return {"type": "Point", "coordinates": [west, south]}
    if west == east or south == north:
        return {"type": "LineString", "coordinates": [[west, south], [east, north]]}
    return {"type": "Polygon", "coordinates": [_ring(west, south, east, north)]}


def _ring(west: float, south: float, east: float, north: float) -> Ring:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]
