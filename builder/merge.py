"""Joins two descriptions of one dataset: the first is believed, the second fills its gaps."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from builder.dataset import Coverage, Dataset, Link, Resource, Trace

_APART = frozenset({"identifier", "coverage", "resources", "links", "findings", "trace"})
_DEFAULTS = Dataset("")
_PLACE = ("geometry", "boxes", "mean_point")
_TIME = ("start", "end", "original_temporal")
_VERTICAL = ("vertical",)


def merge(first: Dataset, second: Dataset) -> Dataset:
    """Complete a description with another one of the same dataset.

    A field of ``first`` stands wherever it says something; the rest comes from ``second``. Place,
    time and depth are each taken whole from one of the two, so that halves never mix. Resources
    with one address become one, and so do links. Every value keeps its trace; the findings of both are kept.

    Returns:
        The joined description, with the identifier of ``first``.
    """
    trace = dict(first.trace)
    gaps = {name: getattr(second, name) for name in _plain() if not _says(first, name) and _says(second, name)}
    _carry(trace, second, gaps)
    coverage = _coverage(first, second, trace)
    _carry(trace, second, {name for name in ("resources", "links") if name not in trace})
    return replace(
        first,
        **gaps,
        coverage=coverage,
        resources=_resources(first.resources, second.resources),
        links=_links(first.links, second.links),
        findings=tuple(dict.fromkeys((*first.findings, *second.findings))),
        trace=trace,
    )


def only(dataset: Dataset, *names: str) -> Dataset:
    """Return a description that says nothing but the named fields, with the findings left out.

    Args:
        dataset: The whole description.
        names: Fields of `Dataset`, or ``coverage.place``, ``coverage.time`` and ``coverage.vertical``.
    """
    parts = {"coverage.place": _PLACE, "coverage.time": _TIME, "coverage.vertical": _VERTICAL}
    inner = [part for name in names for part in parts.get(name, ())]
    coverage = Coverage(**{name: getattr(dataset.coverage, name) for name in inner})
    kept: dict[str, Any] = {name: getattr(dataset, name) for name in names if name not in parts}
    traced = {*kept, *(f"coverage.{name}" for name in inner)}
    trace = {name: told for name, told in dataset.trace.items() if name in traced}
    return Dataset(dataset.identifier, coverage=coverage, trace=trace, **kept)


def _plain() -> list[str]:
    return [field.name for field in fields(Dataset) if field.name not in _APART]


def _says(dataset: Dataset, name: str) -> bool:
    return name in dataset.trace or getattr(dataset, name) != getattr(_DEFAULTS, name)


def _carry(trace: dict[str, Trace], source: Dataset, names: Any) -> None:
    trace.update({name: source.trace[name] for name in names if name in source.trace})


def _coverage(first: Dataset, second: Dataset, trace: dict[str, Trace]) -> Coverage:
    """Take place, time and depth each whole from the first that knows it."""
    values: dict[str, Any] = {}
    for group, telling in ((_PLACE, _PLACE[:2]), (_TIME, _TIME[:2]), (_VERTICAL, _VERTICAL)):
        knowing = (one for names in (telling, group) for one in (first, second) if _tells(one.coverage, names))
        source = next(knowing, first)
        values |= {name: getattr(source.coverage, name) for name in group}
        places = [f"coverage.{name}" for name in group]
        for place in places:
            trace.pop(place, None)
        _carry(trace, source, places)
    return Coverage(**values)


def _tells(coverage: Coverage, names: tuple[str, ...]) -> bool:
    return any(getattr(coverage, name) != getattr(Coverage(), name) for name in names)


def _resources(first: tuple[Resource, ...], second: tuple[Resource, ...]) -> tuple[Resource, ...]:
    known = {resource.href: resource for resource in first}
    for resource in second:
        known[resource.href] = _joined(known[resource.href], resource) if resource.href in known else resource
    return tuple(known.values())


def _joined(one: Resource, other: Resource) -> Resource:
    gaps = {field.name: getattr(one, field.name) or getattr(other, field.name) for field in fields(Resource)}
    return replace(one, **gaps)


def _links(first: tuple[Link, ...], second: tuple[Link, ...]) -> tuple[Link, ...]:
    known = {(link.rel, link.href): link for link in (*second, *first)}
    order = dict.fromkeys((link.rel, link.href) for link in (*first, *second))
    return tuple(known[mark] for mark in order)
