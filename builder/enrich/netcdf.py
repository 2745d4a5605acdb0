"""Describes a NetCDF file by its header and its coordinates, and says where the two disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from builder.crosswalks.acdd import describe
from builder.dataset import Coverage, Dataset, Dimension, Projection, Trace
from builder.enrich.inspection import Inspection
from builder.findings import Finding, warning
from builder.sources.protocol import Record

OUTSIDE_DEGREES, WIDER_DEGREES = 0.5, 5.0
OUTSIDE_TIME, WIDER_TIME = timedelta(days=1), timedelta(days=32)
_PLACE, _TIME, _VERTICAL = ("geometry", "boxes"), ("start", "end"), ("vertical",)


def dataset_of(inspection: Inspection, identifier: str) -> Dataset:
    """Return what a file says of itself; coordinates are believed before attributes.

    The inspection's own findings are not repeated in the result.
    """
    if not inspection.readable:
        return Dataset(identifier)
    record = Record(identifier, "ncml", inspection.ncml, "application/xml", inspection.href)
    stated = describe(record)
    coverage = _preferred(inspection.coverage, stated.coverage)
    trace = dict(stated.trace)
    for name in (*_PLACE, *_TIME, *_VERTICAL):
        trace.pop(f"coverage.{name}", None)
        value = getattr(coverage, name)
        if value and value == getattr(inspection.coverage, name):
            trace[f"coverage.{name}"] = Trace(inspection.href, "coordinate values", "netcdf")
        elif value:
            trace[f"coverage.{name}"] = stated.trace[f"coverage.{name}"]
    return replace(
        stated,
        coverage=coverage,
        projection=inspection.projection,
        dimensions=tuple(_with_extents(stated.dimensions, coverage, inspection)),
        findings=(*stated.findings, *_disagreements(inspection.coverage, stated.coverage, inspection.href)),
        trace=trace,
    )


def _preferred(measured: Coverage, stated: Coverage) -> Coverage:
    chosen: dict[str, Any] = {}
    for names in (_PLACE, _TIME, _VERTICAL):
        source = measured if any(getattr(measured, name) for name in names) else stated
        chosen |= {name: getattr(source, name) for name in names}
    return replace(stated, **chosen)


def _with_extents(dimensions: Sequence[Dimension], coverage: Coverage, inspection: Inspection) -> Iterator[Dimension]:
    """Give dimensions their extents.

    Where a file has several of a kind, those of groups are told without kind: the coverage is that of all together.
    """
    counts = Counter(one.type for one in dimensions)
    for one in dimensions:
        if "/" in one.name and counts[one.type] > 1:
            yield replace(one, type="other")
        else:
            yield _with_extent(one, coverage, inspection)


def _with_extent(dimension: Dimension, coverage: Coverage, inspection: Inspection) -> Dimension:
    """Give a dimension the extent that follows from the coverage, where that is in the dimension's own terms.

    That of time follows from times that could be read, not from what attributes say of them.
    """
    if dimension.type == "temporal" and (start := inspection.coverage.start) is not None:
        last = inspection.coverage.end.isoformat() if inspection.coverage.end is not None else None
        return replace(dimension, extent=(start.isoformat(), last))
    projection = inspection.projection or Projection()
    box = projection.bbox or extent_of(coverage)
    if dimension.type not in {"x", "y"} or box is None:
        return dimension
    side = 0 if dimension.type == "x" else 1
    system = projection.code or projection.wkt2
    return replace(dimension, extent=(box[side], box[side + 2]), reference_system=system)


def extent_of(coverage: Coverage) -> tuple[float, ...] | None:
    """Return west, south, east and north of a coverage; None where nothing is known."""
    boxes = list(coverage.boxes)
    if coverage.geometry is not None:
        import shapely

        boxes.append(shapely.geometry.shape(dict(coverage.geometry)).bounds)
    if not boxes:
        return None
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def _disagreements(measured: Coverage, stated: Coverage, where: str) -> Iterator[Finding]:
    code, hint = "netcdf.coverage-disagrees", "the coordinates are published"
    ours, theirs = extent_of(measured), extent_of(stated)
    if ours and theirs and ours[0] <= ours[2] and theirs[0] <= theirs[2]:
        pairs = ((0, 2, "longitudes"), (1, 3, "latitudes"))
        for low, high, name in pairs:
            outside = max(theirs[low] - ours[low], ours[high] - theirs[high])
            wider = max(ours[low] - theirs[low], theirs[high] - ours[high])
            if outside > OUTSIDE_DEGREES or wider > WIDER_DEGREES:
                message = (
                    f"its attributes give {name} {theirs[low]:g} to {theirs[high]:g}, its coordinates "
                    f"{ours[low]:g} to {ours[high]:g}"
                )
                yield warning(code, where, message, hint)
    if measured.start and measured.end and stated.start and stated.end:
        outside_time = max(stated.start - measured.start, measured.end - stated.end)
        wider_time = max(measured.start - stated.start, stated.end - measured.end)
        if outside_time > OUTSIDE_TIME or wider_time > WIDER_TIME:
            message = (
                f"its attributes give the time {stated.start:%Y-%m-%d} to {stated.end:%Y-%m-%d}, its coordinates "
                f"{measured.start:%Y-%m-%d} to {measured.end:%Y-%m-%d}"
            )
            yield warning(code, where, message, hint)
