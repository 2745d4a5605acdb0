"""Makes the footprint of a dataset: its geometry and bounding box after RFC 7946, from what the partner wrote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.dataset import Box, Coverage
from builder.findings import Finding, note, warning
from builder.geometry.boxes import box_parts, read_box
from builder.geometry.outline import UnusableGeometry, outline
from builder.geometry.parts import Parts, bbox_of, geometry_of
from builder.geometry.paths import MOST_POINTS, thinned

if TYPE_CHECKING:
    from builder.definitions.model import BboxPolicy


@dataclass(frozen=True, slots=True)
class Footprint:
    """Where a dataset is, in WGS 84.

    Attributes:
        geometry: GeoJSON geometry, cut at the antimeridian, or None where the place is unknown.
        bbox: West, south, east, north in degrees, west > east across the antimeridian; None without geometry.
        findings: What was doubtful or had to be repaired.
    """

    geometry: dict[str, Any] | None
    bbox: list[float] | None
    findings: tuple[Finding, ...] = ()


def footprint(coverage: Coverage, policy: BboxPolicy = "geometry_first", where: str = "") -> Footprint:
    """Repair and complete the place of a dataset.

    A geometry that can be used goes before the boxes; these are read after ``policy`` (see
    `builder.geometry.boxes.read_box`). Several boxes give one geometry of several parts.

    Args:
        coverage: What the partner wrote.
        policy: How the partner writes boxes.
        where: The record, for findings.

    Returns:
        The footprint; without geometry and bbox where nothing usable was given.
    """
    read = [read_box(box, policy, coverage.mean_point, where) for box in dict.fromkeys(coverage.boxes)]
    boxes = [box for box, _ in read if box]
    doubts = [finding for _, found in read for finding in found]
    if coverage.geometry is not None:
        try:
            parts, repairs = outline(coverage.geometry, crossing=any(box[0] > box[2] for box in boxes))
        except UnusableGeometry as trouble:
            then = "its box is used" if boxes else "the place is unknown"
            doubts.insert(
                0, warning("geometry.unusable", where, f"{trouble.message}; {then}", "correct it at the source")
            )
        else:
            return _finished(parts, [note("geometry.repaired", where, repair) for repair in repairs])
    return _finished(_united(boxes), doubts)


def _united(boxes: Iterable[Box]) -> Parts:
    parts = Parts()
    for box in boxes:
        parts.add(box_parts(box))
    return parts


def _finished(parts: Parts, findings: list[Finding]) -> Footprint:
    if len(parts.points) > MOST_POINTS:
        parts.points = thinned(parts.points)
    geometry = geometry_of(parts)
    return Footprint(geometry, bbox_of(geometry) if geometry else None, tuple(findings))
