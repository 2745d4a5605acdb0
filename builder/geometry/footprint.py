"""From what a partner says of a place to a geometry and bounding box as GeoJSON demands them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from builder.dataset import Box, Coverage
from builder.definitions.model import BboxPolicy
from builder.findings import Finding, warning
from builder.geometry.boxes import parts, read_box, wrap

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

DIGITS = 6
"""Decimals of a degree that are kept: a tenth of a metre."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Where a dataset is: GeoJSON geometry and bounding box (RFC 7946), both None where unknown.

    A box with west > east crosses the antimeridian; the geometry is cut there.
    """

    geometry: dict[str, Any] | None = None
    bbox: list[float] | None = None
    findings: tuple[Finding, ...] = ()


def footprint(coverage: Coverage, policy: BboxPolicy = "geometry_first", where: str = "") -> Footprint:
    """Make the footprint of a coverage.

    A usable geometry goes before boxes; a box that holds the geometry is kept as bounding box
    where the policy believes boxes. Polygons are wound right-handed and cut at the antimeridian
    (RFC 7946 sections 3.1.6 and 3.1.9).

    Args:
        coverage: What the record or file says, unrepaired.
        policy: How the partner's boxes are to be read.
        where: Identifier of the record, for findings.
    """
    read = [read_box(box, policy, coverage.mean_point, where) for box in coverage.boxes]
    findings = [finding for one in read for finding in one.findings]
    boxes = [one.box for one in read if one.box is not None]
    shape, trouble = _given(coverage.geometry)
    if trouble:
        findings.append(warning("geometry.unusable", where, trouble, "the box is used instead" if boxes else ""))
    if shape is None and boxes:
        shape = _united(boxes)
    if shape is None:
        return Footprint(findings=tuple(findings))
    geometry = _geojson(shape)
    bbox = _bbox(geometry)
    if len(boxes) == 1 and (coverage.geometry is None or policy != "geometry_first") and _holds(boxes[0], bbox):
        bbox = [round(value, DIGITS) for value in boxes[0]]
    return Footprint(geometry, bbox, tuple(findings))


def _given(geometry: Mapping[str, Any] | None) -> tuple[BaseGeometry | None, str]:
    """Repair a geometry as given; on failure say why."""
    if geometry is None:
        return None, ""
    import shapely
    from shapely.errors import ShapelyError

    try:
        shape = shapely.force_2d(shapely.geometry.shape(dict(geometry)))
        x, y = shapely.get_coordinates(shape).T
        if not len(x) or not all(map(math.isfinite, (*x, *y))):
            return None, "the geometry has no usable coordinates"
        if abs(y).max() > 90 or abs(x).max() > 540:
            return None, "the geometry lies outside of the globe"
        return _cut(shape), ""
    except (ShapelyError, KeyError, ValueError, TypeError, AttributeError, IndexError) as trouble:
        return (
            None,
            f"the geometry cannot be read: {str(trouble).splitlines()[0] if str(trouble) else type(trouble).__name__}",
        )


def _cut(shape: BaseGeometry) -> BaseGeometry | None:
    """Bring any geometry into -180..180 and cut it at the antimeridian."""
    import shapely

    if isinstance(shape, shapely.GeometryCollection) and shape.geom_type == "GeometryCollection":
        pieces = [piece for part in shape.geoms if (piece := _cut(part)) is not None]
        return shapely.GeometryCollection(pieces) if pieces else None
    if shape.geom_type in {"Point", "MultiPoint"}:
        return shapely.transform(shape, _wrapped)
    if shape.geom_type == "Polygon":
        return _cut_polygon(shape)
    if shape.geom_type == "MultiPolygon":
        pieces = [piece for part in shape.geoms if (piece := _cut_polygon(part)) is not None]  # type: ignore[attr-defined]
        return shapely.union_all(pieces) if pieces else None
    from antimeridian import fix_line_string, fix_multi_line_string

    fix: Any = fix_line_string if shape.geom_type in {"LineString", "LinearRing"} else fix_multi_line_string
    fixed: BaseGeometry = fix(shape, great_circle=False)
    return fixed


def _cut_polygon(shape: Any) -> BaseGeometry | None:
    import shapely
    from antimeridian import fix_polygon

    west, south, east, north = shape.bounds
    if shape.area == 0:
        return _united([(west, south, east, north)])
    if math.isclose(shape.area, shapely.box(west, south, east, north).area, rel_tol=1e-9):
        box = read_box((west, south, east, north), "trust", None, "").box
        return _united([box]) if box else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # winding is put right below
        fixed: BaseGeometry = fix_polygon(shape, great_circle=False)
    return fixed if fixed.is_valid else _areas(shapely.make_valid(fixed))


def _areas(shape: BaseGeometry) -> BaseGeometry:
    """Keep the polygons of a repaired geometry."""
    import shapely

    pieces = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return shapely.union_all(pieces) if pieces else shape


def _united(boxes: Iterable[Box]) -> BaseGeometry:
    import shapely

    return shapely.union_all([_outline(part) for box in boxes for part in parts(box)])


def _outline(box: Box) -> BaseGeometry:
    import shapely

    west, south, east, north = box
    if west == east and south == north:
        return shapely.Point(west, south)
    if west == east or south == north:
        return shapely.LineString([(west, south), (east, north)])
    return shapely.box(west, south, east, north)


def _wrapped(xy: Any) -> Any:
    import numpy as np

    return np.column_stack([[wrap(float(x)) for x in xy[:, 0]], xy[:, 1]])


def _geojson(shape: BaseGeometry) -> dict[str, Any]:
    import shapely

    snapped = shapely.set_precision(shape, 10.0**-DIGITS)
    kept = shape if snapped.is_empty else snapped
    oriented = shapely.normalize(shapely.orient_polygons(kept)) if shapely.get_dimensions(kept) == 2 else kept
    oriented = shapely.orient_polygons(oriented)
    return dict(_plain(shapely.geometry.mapping(oriented)))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return round(value, DIGITS) + 0.0 if isinstance(value, float) else value


def _bbox(geometry: Mapping[str, Any]) -> list[float]:
    """Return the bounding box of a geometry that is already cut (RFC 7946 section 5.2).

    Parts that touch the antimeridian from both sides are one area across it; of points, the widest
    gap between longitudes is taken for the outside.
    """
    import shapely

    shape = shapely.geometry.shape(dict(geometry))
    west, south, east, north = shape.bounds
    pieces = shapely.get_parts(shape, return_index=False)
    spans = sorted((piece.bounds[0], piece.bounds[2]) for piece in pieces)
    touching = west == -180 and east == 180
    if (touching or geometry["type"] == "MultiPoint") and east - west > 180:
        west, east = _around(spans)
    return [round(value, DIGITS) + 0.0 for value in (west, south, east, north)]


def _around(spans: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the shortest way round the globe that holds all spans of longitude, each west to east."""
    merged: list[list[float]] = []
    for west, east in spans:
        if merged and west <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], east)
        else:
            merged.append([west, east])
    gaps = [(after[0] - before[1], after[0], before[1]) for before, after in pairwise(merged)]
    outside = merged[0][0] + 360 - merged[-1][1]
    widest = max(gaps, default=(0.0, 0.0, 0.0))
    return (merged[0][0], merged[-1][1]) if outside >= widest[0] else (widest[1], widest[2])


def _holds(box: Box, inner: list[float]) -> bool:
    west, south, east, north = box
    if inner[1] < south - 1e-6 or inner[3] > north + 1e-6:
        return False
    width, offset = (east - west) % 360 or (360 if east != west else 0), (inner[0] - west) % 360
    inner_width = (inner[2] - inner[0]) % 360 or (360 if inner[2] != inner[0] else 0)
    offset = 0.0 if 360 - offset < 1e-6 else offset
    return offset + inner_width <= width + 1e-6
