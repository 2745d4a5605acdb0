"""For each field of an item, the source record, the place in it and the rule that read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from glob import escape
from pathlib import Path
from typing import Any

import orjson

from builder.dataset import Dataset, Trace
from builder.errors import UsageError
from builder.sources.protocol import Record

FIELDS: Mapping[str, tuple[str, ...]] = {
    "title": ("properties.title",),
    "description": ("properties.description",),
    "coverage.geometry": ("geometry", "bbox"),
    "coverage.boxes": ("geometry", "bbox"),
    "coverage.start": ("properties.datetime", "properties.start_datetime"),
    "coverage.end": ("properties.end_datetime",),
    "coverage.original_temporal": ("properties.iaos:original_temporal",),
    "coverage.vertical": ("properties.iaos:vertical", "properties.cube:dimensions"),
    "created": ("properties.created",),
    "updated": ("properties.updated",),
    "published": ("properties.published",),
    "license": ("properties.license", "links[license]"),
    "access": ("properties.auth:schemes", "assets"),
    "parties": ("properties.providers", "properties.contacts"),
    "keywords": ("properties.keywords",),
    "themes": ("properties.themes",),
    "doi": ("properties.sci:doi", "links[cite-as]"),
    "citation": ("properties.sci:citation",),
    "publications": ("properties.sci:publications",),
    "dimensions": ("properties.cube:dimensions",),
    "variables": ("properties.cube:variables", "properties.cf:parameter", "summaries.cf:parameter"),
    "columns": ("properties.table:columns", "assets.data.table:columns"),
    "row_count": ("properties.table:row_count", "assets.data.table:row_count"),
    "projection": ("properties.proj:code", "properties.proj:wkt2", "properties.proj:projjson"),
    "platform": ("properties.platform",),
    "instruments": ("properties.instruments",),
    "mission": ("properties.mission",),
    "processing_level": ("properties.processing:level", "summaries.processing:level"),
    "lineage": ("properties.processing:lineage", "summaries.processing:lineage"),
    "version": ("properties.version",),
    "language": ("properties.language",),
    "resources": ("assets",),
    "links": ("links",),
    "parent": ("links",),
}
"""Field of a `Dataset` → the STAC fields made from it."""


def explain(item: Mapping[str, Any], dataset: Dataset, record: Record, collection: str) -> dict[str, Any]:
    """Explain a STAC object that was made from a dataset.

    Only fields that the object really has are listed.

    Args:
        item: The STAC Item or Collection.
        dataset: What it was made from, with its trace.
        record: The record the dataset was read from.
        collection: Identifier of the collection.
    """
    rows = [
        {"field": field, "source": trace.source, "place": trace.place, "rule": trace.rule}
        for field, trace in sorted(_rows(item, dataset), key=lambda row: row[0])
    ]
    return {
        "item": item["id"],
        "collection": collection,
        "record": {
            "identifier": record.identifier,
            "format": record.format,
            "url": record.url,
            "datestamp": record.datestamp,
            "sha256": record.sha256,
        },
        "fields": rows,
    }


def _rows(item: Mapping[str, Any], dataset: Dataset) -> Iterator[tuple[str, Trace]]:
    for name, trace in dataset.trace.items():
        for field in FIELDS.get(name, ()):
            if _present(item, field):
                yield field, trace


def _present(item: Mapping[str, Any], field: str) -> bool:
    if field.startswith("links["):
        rel = field[6:-1]
        return any(link["rel"] == rel for link in item.get("links", ()))
    parts = field.split(".")
    if parts[0] == "properties" and "properties" not in item:
        parts = parts[1:]
    value: Any = item
    for part in parts:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value is not None


def find_explanation(folder: Path, item: str) -> dict[str, Any]:
    """Read the explanation of an item from a built catalogue.

    Args:
        folder: The catalogue.
        item: The item's id, or the path of its JSON within or including the folder.

    Raises:
        UsageError: There is no such item, or several collections have one of that id.
    """
    name = item.removesuffix(".json").removesuffix(".html").rsplit("/", 1)[-1]
    found = sorted(folder.glob(f"*/*/explain/{escape(name)}.json"))
    within = item.rsplit("/", 1)[0] if "/" in item else ""
    found = [file for file in found if within in str(file.parent.parent)]
    if not found:
        raise UsageError(f"no item {name!r}", where=str(folder), hint="give the id as the catalogue has it")
    if len(found) > 1:
        places = ", ".join(str(file.parent.parent.relative_to(folder)) for file in found)
        raise UsageError(f"several collections have an item {name!r}", where=str(folder), hint=f"say which: {places}")
    explanation: dict[str, Any] = orjson.loads(found[0].read_bytes())
    return explanation
