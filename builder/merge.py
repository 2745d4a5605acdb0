"""Joins two descriptions of one dataset: the first is believed, the second fills what it leaves open."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from builder.dataset import Coverage, Dataset

_UNITED = ("resources", "links", "findings")
_OWN = frozenset({"identifier", "coverage", "trace", "level", "status", "access", *_UNITED})


def merge(first: Dataset, second: Dataset) -> Dataset:
    """Return the first description with its gaps filled from the second.

    Place and time are each taken whole from one of them, so that halves never mix. Resources are
    united by address, links by relation and address; findings of both are kept; access is
    restricted where either says so. The trace tells for each field which of the two it came from.
    """
    values: dict[str, Any] = {}
    trace = dict(first.trace)
    for field in fields(Dataset):
        ours, theirs = getattr(first, field.name), getattr(second, field.name)
        if field.name not in _OWN and not ours and theirs:
            values[field.name] = theirs
            if field.name in second.trace:
                trace[field.name] = second.trace[field.name]
    coverage = merge_coverage(first.coverage, second.coverage)
    for name, entry in second.trace.items():
        key = name.removeprefix("coverage.")
        if key != name and getattr(first.coverage, key) != getattr(coverage, key):
            trace[name] = entry
    hrefs = {resource.href for resource in first.resources}
    known = {(link.rel, link.href) for link in first.links}
    return replace(
        first,
        **values,
        coverage=coverage,
        access=first.access if first.access.restricted else second.access,
        resources=(*first.resources, *(more for more in second.resources if more.href not in hrefs)),
        links=(*first.links, *(more for more in second.links if (more.rel, more.href) not in known)),
        findings=(*first.findings, *(more for more in second.findings if more not in first.findings)),
        trace=trace,
    )


def merge_coverage(first: Coverage, second: Coverage) -> Coverage:
    """Take place, time and depth each whole from the first coverage that has it."""
    place = first if first.geometry or first.boxes else second
    time = first if first.start or first.end or not (second.start or second.end) else second
    return replace(
        place,
        start=time.start,
        end=time.end,
        original_temporal=time.original_temporal or first.original_temporal,
        vertical=first.vertical or second.vertical,
    )
