"""What a partner's box means: order of its corners, swapped values, longitudes in any convention."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from builder.dataset import Box
from builder.definitions.model import BboxPolicy
from builder.findings import Finding, warning

GLOBE_DEGREES = 359.9
"""A box at least this wide goes round the globe."""


@dataclass(frozen=True, slots=True)
class Read:
    """A box after reading: west > east crosses the antimeridian, longitudes lie in -180..180."""

    box: Box | None
    findings: tuple[Finding, ...] = ()


def read_box(written: Box, policy: BboxPolicy, mean: tuple[float, float] | None, where: str) -> Read:
    """Read a box as its definition's policy says.

    No rule holds for all partners: west > east is a true crossing of the antimeridian with one and
    a swap with another, hence the policy. ``geometry_first`` believes a crossing if the partner's
    own mean point lies in it.

    Args:
        written: Four numbers in the partner's order.
        policy: How to read them.
        mean: The partner's mid-point, longitude and latitude, if any.
        where: Identifier of the record, for findings.
    """
    if not all(math.isfinite(value) for value in written):
        return Read(
            None, (warning("geometry.not-a-number", where, f"box {_say(written)} holds something that is no number"),)
        )
    west, south, east, north = (written[2], written[1], written[0], written[3]) if policy == "eswn" else written
    findings: list[Finding] = []
    if south > north:
        if policy == "trust":
            findings.append(
                warning("geometry.south-over-north", where, f"box {_say(written)} has south > north; swapped")
            )
        south, north = north, south
    if south < -90 or north > 90:
        message = f"box {_say(written)} has a latitude beyond the pole"
        return Read(
            None, (*findings, warning("geometry.latitude", where, message, "ask the partner for the right value"))
        )
    if west > east:
        west, east, said = _judge(west, east, policy, mean)
        findings += [warning("geometry.west-over-east", where, f"box {_say(written)}: {line}") for line in said]
    return Read(_wrapped(west, south, east, north), tuple(findings))


def _judge(
    west: float, east: float, policy: BboxPolicy, mean: tuple[float, float] | None
) -> tuple[float, float, list[str]]:
    """Decide whether west > east is a crossing or a swap; say so where it is a guess."""
    if policy == "sort_both":
        return east, west, []
    if policy == "trust":
        return west, east, []
    crossing_width = east - west + 360
    if mean is not None and policy == "geometry_first":
        inside = mean[0] >= west or mean[0] <= east
        return (west, east, []) if inside else (east, west, ["west and east are swapped, as the mean point shows"])
    if policy == "eswn" and crossing_width > 180:
        return east, west, ["written west first against the rule of its partner"]
    return west, east, ["taken for a crossing of the antimeridian"]


def _wrapped(west: float, south: float, east: float, north: float) -> Box:
    if east - west >= GLOBE_DEGREES:
        return -180.0, south, 180.0, north
    west, east = wrap(west), wrap(east)
    if west == 180.0 and east < 180.0:
        west = -180.0
    if east == -180.0 and west > -180.0:
        east = 180.0
    return west, south, east, north


def wrap(longitude: float) -> float:
    """Return a longitude in -180..180; one that is there already stays as it is."""
    return longitude if -180 <= longitude <= 180 else (longitude + 180) % 360 - 180


def parts(box: Box) -> Iterator[Box]:
    """Yield a box, or its two halves where it crosses the antimeridian; a half without width is left out."""
    west, south, east, north = box
    if west <= east:
        yield box
        return
    if west < 180:
        yield west, south, 180.0, north
    if east > -180:
        yield -180.0, south, east, north


def _say(box: Box) -> str:
    return "(" + ", ".join(f"{value:g}" for value in box) + ")"
