"""Reads the entry of a file in a listing or folder; what the file holds is found out from the file itself."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import orjson

from builder.crosswalks.times import parse_time
from builder.crosswalks.values import one_line
from builder.dataset import Dataset, Draft, Resource
from builder.errors import RecordError

if TYPE_CHECKING:
    from builder.sources.protocol import Record


def describe(record: Record) -> Dataset:
    """Describe a file by its entry: name, address, size, and when it was changed.

    Raises:
        RecordError: The body is no such entry.
    """
    entry = _entry(record)
    draft = Draft(record.identifier, source=record.identifier, rule="file")
    draft.put("title", _title(entry) or record.identifier, "name")
    draft.put("updated", parse_time(_text(entry, "modified")), "modified")
    draft.put("resources", tuple(_resources(entry)), "href")
    return draft.build()


def _entry(record: Record) -> dict[str, Any]:
    try:
        entry = orjson.loads(record.body)
    except orjson.JSONDecodeError as trouble:
        raise RecordError("the entry of the file is no JSON", where=record.identifier) from trouble
    if not isinstance(entry, dict) or not _text(entry, "href"):
        raise RecordError("the entry of the file has no address", where=record.identifier)
    return entry


def _text(entry: dict[str, Any], key: str) -> str | None:
    value = entry.get(key)
    return value if isinstance(value, str) and value.strip() else None


def _title(entry: dict[str, Any]) -> str:
    """Return the name of a file, without its suffix where that tells what it is."""
    name = _text(entry, "name") or ""
    return one_line(PurePosixPath(name).stem if _text(entry, "media_type") else name)


def _resources(entry: dict[str, Any]) -> list[Resource]:
    href, size = _text(entry, "href") or "", entry.get("size")
    file = Resource(
        key="data",
        href=href,
        media_type=_text(entry, "media_type"),
        title=one_line(_text(entry, "name")) or None,
        size=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        checksum=_text(entry, "checksum"),
        service="file",
        local=_text(entry, "path"),
    )
    opendap = Resource("opendap", href, "application/x-netcdf", title="OPeNDAP", service="opendap")
    return [file, opendap] if entry.get("opendap") is True else [file]
