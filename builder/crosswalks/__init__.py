"""The meaning of each metadata format: one pure module per format, `Record` in, `Dataset` out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from builder.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.dataset import Dataset
    from builder.sources.protocol import Record

MODULES = {
    "ckan": "ckan",
    "pan_md": "panmd",
    "datacite": "datacite",
    "oai_dc": "dublincore",
    "iso19139": "iso19139",
    "dif": "dif",
    "mmd": "mmd",
    "mm2": "mm2",
    "ncml": "acdd",
    "thredds": "thredds",
    "schemaorg": "schemaorg",
    "stac": "stac",
    "file": "file",
    "definition": "definition",
    "process": "process",
}
"""Format name of a record → module of this package with a `describe` function."""


def describe(record: Record) -> Dataset:
    """Read a record with the crosswalk of its format.

    Raises:
        RecordError: There is no crosswalk for the format, or the document contradicts it.
    """
    module = MODULES.get(record.format)
    if module is None:
        raise RecordError(f"no crosswalk reads format {record.format!r}", where=record.identifier)
    read = cast("Callable[[Record], Dataset]", import_module(f"builder.crosswalks.{module}").describe)
    return read(record)
