"""Applies what a definition says about its partner's datasets: corrections, and times from file names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from builder.dataset import Access, Dataset, License, Trace
from builder.definitions.model import CollectionDefinition
from builder.definitions.periods import UNITS, period, period_of
from builder.definitions.places import outline
from builder.definitions.records import OverrideValues
from builder.findings import warning

_SHORT_YEAR = 2
_PIVOT = 69
"""Two-digit years from here on are of the 20th century (POSIX strptime, %y)."""


def apply_overrides(dataset: Dataset, definition: CollectionDefinition) -> Dataset:
    """Return the dataset with the corrections whose pattern matches its identifier; later ones win.

    Every corrected field is traced to its place in the definition, e.g. ``overrides[0].set.license``.
    """
    for number, override in enumerate(definition.overrides):
        if fnmatchcase(dataset.identifier, override.match):
            dataset = _set(dataset, override.set, f"overrides[{number}].set")
    return dataset


def apply_time_from_name(dataset: Dataset, definition: CollectionDefinition, name: str) -> Dataset:
    """Return the dataset with the time its file name tells, where it has none itself.

    The pattern is ``policies.time_from_name``. What the name leaves out is covered whole: a name
    with a day only covers that day to its last second, one with a year only that year. Parts of the
    end that are not in the name are those of the start. A name that does not tell a time leaves the
    dataset as it is, with a finding.
    """
    pattern = definition.policies.time_from_name
    if pattern is None or dataset.coverage.start or dataset.coverage.end:
        return dataset
    matched = _compiled(pattern).search(name)
    if matched is None:
        return _without_time(dataset, name, "does not match `policies.time_from_name`")
    try:
        start, end = _times(matched.groupdict())
    except ValueError as trouble:
        return _without_time(dataset, name, f"tells no time: {trouble}")
    trace = Trace("definition", f"policies.time_from_name on {name}", "time_from_name")
    return replace(
        dataset,
        coverage=replace(dataset.coverage, start=start, end=end),
        trace={**dataset.trace, "coverage.start": trace, "coverage.end": trace},
    )


def _set(dataset: Dataset, values: OverrideValues, place: str) -> Dataset:
    fields: dict[str, Any] = {}
    coverage: dict[str, Any] = {}
    trace = dict(dataset.trace)
    for name in sorted(values.model_fields_set - {"license_url"}):
        field, value = _change(name, getattr(values, name), values)
        parent, _, inner = field.rpartition(".")
        (coverage if parent else fields)[inner] = value
        trace[field] = Trace("definition", f"{place}.{name}", "override")
    if "geometry" in coverage:
        coverage |= {"boxes": (), "mean_point": None}
        trace = {key: old for key, old in trace.items() if key not in ("coverage.boxes", "coverage.mean_point")}
    return replace(dataset, coverage=replace(dataset.coverage, **coverage), trace=trace, **fields)


def _change(name: str, value: Any, values: OverrideValues) -> tuple[str, Any]:
    """Return the dataset's field that a value of an override sets, and what it is set to."""
    match name:
        case "license":
            return "license", License(value, url=values.license_url) if value else None
        case "start" | "end":
            return f"coverage.{name}", period_of(value)[name == "end"] if value else None
        case "bbox":
            return "coverage.geometry", outline(value) if value else None
        case "restricted":
            return "access", Access(restricted=value)
        case "keywords" | "instruments":
            return name, value or ()
    return name, value


def _times(groups: Mapping[str, str | None]) -> tuple[datetime, datetime]:
    first = _numbers({name: text for name, text in groups.items() if text and not name.startswith("end_")})
    last = _numbers({name[4:]: text for name, text in groups.items() if text and name.startswith("end_")})
    start, end = period(first)
    if last:
        end = period(_completed(last, first))[1]
    if end < start:
        raise ValueError("its end is before its start")
    return start, end


def _numbers(groups: Mapping[str, str]) -> dict[str, int]:
    numbers = {name: int(text) for name, text in groups.items()}
    if "year" in groups and len(groups["year"]) == _SHORT_YEAR:
        numbers["year"] += 1900 if numbers["year"] >= _PIVOT else 2000
    return numbers


def _completed(last: Mapping[str, int], first: Mapping[str, int]) -> dict[str, int]:
    """Fill the units above those the end names from the start."""
    order = ("year", "doy", *UNITS[1:])
    coarsest = min(order.index("month" if name == "doy" else name) for name in last)
    return {**{name: value for name, value in first.items() if order.index(name) < coarsest}, **last}


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _without_time(dataset: Dataset, name: str, why: str) -> Dataset:
    found = warning(
        "time.from-name", dataset.identifier, f"the file name {name!r} {why}", "mend the pattern or set `start`"
    )
    return replace(dataset, findings=(*dataset.findings, found))
