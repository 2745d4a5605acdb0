"""Reads the boxes partners write: sides in doubtful order, longitudes in any convention, across the antimeridian."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from shapely.geometry import LineString, Point, Polygon

from builder.dataset import Box
from builder.findings import Finding, note, warning
from builder.geometry.parts import Parts, wrap

if TYPE_CHECKING:
    from builder.definitions.model import BboxPolicy

CIRCLE = 359.9
"""A span of longitude at least this wide, degrees, is the whole circle."""

FARTHEST = 540.0
"""A longitude beyond this is no longitude in any convention."""

TOLERANCE = 1e-4
"""How far beyond a pole, degrees, a latitude may lie by rounding."""

_CODE = "geometry.box"
_HINT = "set `policies.bbox` in the definition to say how this partner writes boxes"


def read_box(
    box: Box, policy: BboxPolicy, mean: tuple[float, float] | None, where: str
) -> tuple[Box | None, list[Finding]]:
    """Say what a box as written means.

    South above north has one meaning, so it is put right. West > east has two, a crossing of the
    antimeridian and two swapped sides: the policy decides, and under ``geometry_first`` the mean
    point. Without one a crossing is believed only where it is no wider than half the globe, since
    a swapped box never is unless the true one is wider than that. West above east by a hair is no
    crossing of the rest of the globe.

    Args:
        box: The four numbers in the order west, south, east, north (``eswn``: as the partner wrote them).
        policy: How the partner writes boxes.
        mean: The partner's own mid-point, longitude and latitude.
        where: The record, for findings.

    Returns:
        West, south, east, north, with west > east only across the antimeridian; None where the box
        cannot be believed. And what was doubtful.
    """
    west, south, east, north = (box[2], box[1], box[0], box[3]) if policy == "eswn" else box
    fault = _fault(west, south, east, north)
    if fault:
        return None, [warning(f"{_CODE}-out-of-range", where, f"box {list(box)}: {fault}", "correct it at the source")]
    findings = []
    if south > north:
        south, north = north, south
        if not policy.startswith("sort"):
            findings.append(warning(f"{_CODE}-south-above-north", where, f"box {list(box)}: south > north, swapped"))
    south, north = max(south, -90.0), min(north, 90.0)
    if 0.0 < west - east <= 360.0 - CIRCLE:
        west, east = east, west
    if is_circle(west, east):
        if west > east:
            findings.append(note(f"{_CODE}-west-east", where, f"box {list(box)} taken for the whole circle"))
        return (-180.0, south, 180.0, north), findings
    if west <= east:
        findings += _outside(box, (west, south, east, north), mean, where)
        return (west, south, east, north), findings
    sides, more = _crossing(box, west, east, policy, mean, where)
    return (sides[0], south, sides[1], north) if sides else None, findings + more


def is_circle(west: float, east: float) -> bool:
    """Tell whether two sides are the whole circle; 180 to -180 is, as several producers write it."""
    return east - west >= CIRCLE or (west, east) == (180.0, -180.0)


def box_parts(box: Box) -> Parts:
    """Return the parts of a box: cut at the antimeridian (RFC 7946, 3.1.9), or a point or line if it has no area."""
    west, south, east, north = box
    parts = Parts()
    for left, right in spans(west, east):
        if left == right and south == north:
            parts.points.append(Point(left, south))
        elif left == right or south == north:
            parts.lines.append(LineString([(left, south), (right, north)]))
        else:
            parts.polygons.append(Polygon([(left, south), (right, south), (right, north), (left, north)]))
    return parts


def spans(west: float, east: float) -> list[tuple[float, float]]:
    """Return two sides in any convention as one or two spans within -180..180 degrees."""
    if is_circle(west, east):
        return [(-180.0, 180.0)]
    if -180.0 <= west <= east <= 180.0:
        return [(west, east)]
    width = (east - west) % 360.0
    left = (west + 180.0) % 360.0 - 180.0
    right = wrap(east) if left + width > 180.0 else left + width
    if left + width <= 180.0:
        return [(left, right)]
    return [(left, 180.0), (-180.0, right)]


def _fault(west: float, south: float, east: float, north: float) -> str:
    if not all(map(math.isfinite, (west, south, east, north))):
        return "not all sides are numbers"
    for latitude in (south, north):
        if abs(latitude) > 90.0 + TOLERANCE:
            return f"latitude {latitude} is outside -90..90"
    for longitude in (west, east):
        if abs(longitude) > FARTHEST:
            return f"longitude {longitude} is outside -180..360"
    return ""


def _within(longitude: float, west: float, east: float) -> bool:
    return (longitude - west) % 360.0 <= (east - west) % 360.0 + TOLERANCE


def _outside(box: Box, read: Box, mean: tuple[float, float] | None, where: str) -> list[Finding]:
    """Doubt a box that its own mean point lies outside of."""
    west, south, east, north = read
    if mean is None or (_within(mean[0], west, east) and south <= mean[1] <= north):
        return []
    return [warning(f"{_CODE}-mean-outside", where, f"mean point {list(mean)} lies outside of box {list(box)}")]


def _crossing(
    box: Box, west: float, east: float, policy: BboxPolicy, mean: tuple[float, float] | None, where: str
) -> tuple[tuple[float, float] | None, list[Finding]]:
    """Decide whether west > east crosses the antimeridian or was swapped."""
    crosses = mean is not None and _within(mean[0], west, east)
    if policy == "sort_both":
        return (east, west), []
    if policy in {"trust", "sort_lat"}:
        doubt = mean is not None and not crosses
        message = f"box {list(box)} crosses the antimeridian, but mean longitude {mean and mean[0]} lies outside"
        return (west, east), [warning(f"{_CODE}-mean-outside", where, message, _HINT)] if doubt else []
    if mean is not None and policy == "geometry_first":
        said = "crosses the antimeridian" if crosses else "has west and east swapped"
        finding = note(f"{_CODE}-west-east", where, f"box {list(box)} {said}, as its mean point shows")
        return (west, east) if crosses else (east, west), [finding]
    if (east - west) % 360.0 <= 180.0:
        return (west, east), [note(f"{_CODE}-west-east", where, f"box {list(box)} crosses the antimeridian")]
    if policy == "eswn":
        message = f"box {list(box)} was written west first instead of east, south, west, north"
        return (east, west), [warning(f"{_CODE}-west-east", where, message, "correct it at the source")]
    message = f"box {list(box)} has west > east, and nothing says whether it crosses the antimeridian; left out"
    return None, [warning(f"{_CODE}-west-east", where, message, _HINT)]
