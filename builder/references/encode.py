"""Writes references in kerchunk's two formats: one JSON document, or a folder of Parquet files for many chunks."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from builder.references.table import ArrayTable

RECORD_SIZE = 100_000
"""References in one Parquet file; readers take the number from ``.zmetadata``."""

FILES = "iaos:files"
"""Member of references into many files that says of each its size, entity tag and time of change."""

PARQUET_ABOVE = 1000
"""References above which the folder of Parquet files opens faster than JSON."""


@dataclass
class References:
    """What a Zarr reader finds behind each key: metadata, bytes kept in place, and ranges of one file.

    Attributes:
        documents: Metadata by key, ``.zgroup``, ``temp/.zarray`` …
        inline: Bytes of chunks by variable and number of the chunk.
        tables: The chunks in the file, by variable.
    """

    documents: dict[str, Any] = field(default_factory=dict)
    inline: dict[str, dict[int, bytes]] = field(default_factory=dict)
    tables: dict[str, ArrayTable] = field(default_factory=dict)

    def count(self) -> int:
        """Return the number of chunks, inlined or not."""
        return sum(map(len, self.inline.values())) + sum(len(table.numbers) for table in self.tables.values())

    def refs(self, target: str) -> dict[str, Any]:
        """Return all as one mapping, with ranges aimed at ``target`` (kerchunk's reference format, version 1)."""
        result: dict[str, Any] = {key: dump(document) for key, document in self.documents.items()}
        for name, table in self.tables.items():
            ranges = map(list, zip(repeat(target), table.offsets.tolist(), table.sizes.tolist(), strict=False))
            result.update(zip([f"{name}/{key}" for key in table.keys(table.numbers)], ranges, strict=True))
        for name, chunks in self.inline.items():
            table = self.tables[name]
            keys = table.keys(np.fromiter(chunks, np.int64, len(chunks)))
            result.update((f"{name}/{key}", as_text(data)) for key, data in zip(keys, chunks.values(), strict=True))
        return result

    def aimed(self, target: str) -> bytes:
        """Return the JSON document; the same references always give the same bytes."""
        return dump_references(self.refs(target))

    def parquet(self, target: str) -> dict[str, bytes]:
        """Return the files of the Parquet folder by name, readable by fsspec with fastparquet."""
        files = {".zmetadata": zmetadata(self.documents)}
        for name, table in self.tables.items():
            codes = np.zeros(len(table.numbers), np.int64)
            files.update(record_files(name, table, self.inline.get(name, {}), [target], codes))
        return files


def dump_references(refs: dict[str, Any], files: Mapping[str, Any] | None = None) -> bytes:
    """Serialise references; the same references always give the same bytes.

    Args:
        refs: By key.
        files: What is known of the files that they lead into, by address, where they are many.
    """
    return orjson.dumps({"version": 1, "refs": refs} | _told(files), option=orjson.OPT_SORT_KEYS)


def _told(files: Mapping[str, Any] | None) -> dict[str, Any]:
    return {FILES: files} if files else {}


def dump(document: Any) -> str:
    """Return metadata as the text that stands in references."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()


def as_text(data: bytes) -> str:
    """Return bytes as the text that stands in references."""
    return "base64:" + as_base64(data)


def as_base64(data: bytes) -> str:
    """Return bytes in base 64."""
    return base64.b64encode(data).decode("ascii")


def zmetadata(documents: dict[str, Any], files: Mapping[str, Any] | None = None) -> bytes:
    """Return the document of a Parquet folder that holds all metadata; ``files`` as for `dump_references`."""
    whole = {"metadata": documents, "record_size": RECORD_SIZE} | _told(files)
    return orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)


def record_files(
    name: str, table: ArrayTable, inline: dict[int, bytes], targets: Sequence[str], codes: npt.NDArray[np.int64]
) -> dict[str, bytes]:
    """Return the Parquet files of one array, by name.

    Args:
        name: The array.
        table: Its chunks, in order.
        inline: Bytes of those that are kept in the references, by number.
        targets: Addresses of the files that chunks lie in.
        codes: For each chunk of the table, which of the addresses.
    """
    records = -(-max(math.prod(table.grid), 1) // RECORD_SIZE)
    return {f"{name}/refs.{record}.parq": _record(table, inline, record, targets, codes) for record in range(records)}


def _record(
    table: ArrayTable, inline: dict[int, bytes], record: int, targets: Sequence[str], codes: npt.NDArray[np.int64]
) -> bytes:
    """Return one Parquet file: a row for each chunk of the grid, in order, whether it exists or not."""
    first = record * RECORD_SIZE
    rows = min(max(math.prod(table.grid), 1) - first, RECORD_SIZE)
    begin, stop = np.searchsorted(table.numbers, [first, first + rows])
    place = table.numbers[begin:stop] - first
    columns: dict[str, Any] = {"offset": np.zeros(rows, np.int64), "size": np.zeros(rows, np.int64)}
    columns["offset"][place], columns["size"][place] = table.offsets[begin:stop], table.sizes[begin:stop]
    chosen = np.full(rows, -1, np.int64)
    chosen[place] = codes[begin:stop]
    kept = {number - first: data for number, data in inline.items() if first <= number < first + rows}
    if kept:
        columns["raw"] = np.full(rows, None, object)
        for number, data in kept.items():
            columns["raw"][number] = data
    return _parquet(columns, chosen, targets)


def _parquet(columns: dict[str, Any], codes: npt.NDArray[np.int64], targets: Sequence[str]) -> bytes:
    import fastparquet
    import pandas as pd

    encodings = {"path": "utf8"} | ({"raw": "bytes"} if "raw" in columns else {})
    frame = pd.DataFrame({"path": pd.Categorical.from_codes(codes, categories=list(targets)), **columns})
    sink = _KeptOpen()
    fastparquet.write(
        "refs",
        frame,
        open_with=lambda *_: sink,
        compression="ZSTD",
        stats=False,
        write_index=False,
        object_encoding=encodings,
        has_nulls=list(encodings),
    )
    return sink.getvalue()


class _KeptOpen(BytesIO):
    """A buffer that outlives the writer's closing of it."""

    def close(self) -> None:
        """Keep the bytes."""
