"""Checks that the kerchunk references of a catalogue read nothing but files which its items offer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson

from builder.enrich.accept import accept_references
from builder.errors import UnreferenceableError
from builder.findings import Finding, error
from builder.stac.layout import resolve

_BELOW = "/references/"
_COMBINED = "/references.json"
_FOLDER = re.compile(r"(?P<collection>[^/]+/[^/]+)/references(?:/(?P<item>[^/]+))?\.parquet/.+\.parq")
"""A file of references in Parquet, of one item or of a collection."""
_TIME_MAJOR = re.compile(r"(?P<collection>[^/]+/[^/]+)/time-major/references\.(?:json|parquet/.+\.parq)")
"""References into a collection's copy with all times of a place together."""


def check_references(read: Callable[[str], bytes], paths: Iterable[str]) -> Iterator[Finding]:
    """Check the references of every item, then the combined ones of every collection.

    Args:
        read: Returns the bytes at a path.
        paths: All paths of the catalogue.
    """
    known, offered = frozenset(paths), dict[str, set[str]]()
    for path in sorted(known):
        folder, below, name = path.rpartition(_BELOW)
        if below and name.endswith(".json"):
            item = name.partition("/")[0].removesuffix(".json")  # those of groups lie in a folder named like the item
            own = [f"{folder}/{item}.json", f"{folder}/{item}/collection.json"]
            hrefs = [href for stac in own if stac in known for href in _hrefs(_parsed(read(stac)), stac)]
            offered.setdefault(folder, set()).update(hrefs)
            yield from _faults(read(path), path, hrefs)
    yield from _check_tables(read, known, offered)
    yield from _check_time_major(read, known)
    for path in sorted(path for path in known if path.endswith(_COMBINED) and path.count("/") == 2):
        yield from _faults(read(path), path, offered.get(path.removesuffix(_COMBINED), ()))


def _check_tables(
    read: Callable[[str], bytes], known: frozenset[str], offered: dict[str, set[str]]
) -> Iterator[Finding]:
    """Check references in Parquet, those of items and combined ones; adds to what each folder's items offer."""
    tables = {path: match for path in sorted(known) if (match := _FOLDER.fullmatch(path))}
    for match in tables.values():
        folder, item = match["collection"], match["item"]
        own = [f"{folder}/{item}.json", f"{folder}/{item}/collection.json"] if item else []
        found = [href for path in own if path in known for href in _hrefs(_parsed(read(path)), path)]
        offered.setdefault(folder, set()).update(found)
    for path, match in tables.items():
        yield from _table_faults(read(path), path, offered[match["collection"]])


def _check_time_major(read: Callable[[str], bytes], known: frozenset[str]) -> Iterator[Finding]:
    """Check references into copies with all times of a place together, which the collection itself offers."""
    for path in sorted(known):
        match = _TIME_MAJOR.fullmatch(path)
        if match is not None:
            collection = f"{match['collection']}/collection.json"
            hrefs = list(_hrefs(_parsed(read(collection)), collection)) if collection in known else []
            yield from (_faults if path.endswith(".json") else _table_faults)(read(path), path, hrefs)


def _parsed(body: bytes) -> Any:
    """Parse an object; what is wrong with one that is no JSON, `check_tree` says."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _hrefs(stac: Any, path: str) -> Iterator[str]:
    """Yield the addresses of an object's assets; those inside the catalogue as the end of an address."""
    assets = stac.get("assets") if isinstance(stac, Mapping) else None
    for asset in assets.values() if isinstance(assets, Mapping) else ():
        href = asset.get("href") if isinstance(asset, Mapping) else None
        if isinstance(href, str):
            yield href if "://" in href else f"/{resolve(path, href)}"


def _table_faults(body: bytes, path: str, hrefs: Iterable[str]) -> Iterator[Finding]:
    """Hold the addresses in one Parquet file to the same rule as those in JSON."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(pa.BufferReader(body), pre_buffer=False) as file:
            column = file.read(columns=["path"], use_threads=False)["path"]  # threads may outlive a short program
    except (pa.ArrowException, KeyError) as trouble:
        reason = str(trouble).splitlines()[0]
        yield error("references.unsafe", path, f"is no Parquet of references: {reason}", "build the catalogue anew")
        return
    targets = [target for target in column.unique().to_pylist() if target]
    yield from _faults(
        orjson.dumps({"version": 1, "refs": {f"v/{n}": [t] for n, t in enumerate(targets)}}), path, hrefs
    )


def _faults(body: bytes, path: str, hrefs: Iterable[str]) -> Iterator[Finding]:
    own = frozenset(hrefs)
    inside = tuple(href for href in own if href.startswith("/"))
    try:
        accept_references(orjson.loads(body), lambda target: target in own or target.endswith(inside))
    except UnreferenceableError as trouble:
        yield error("references.unsafe", path, trouble.message, "build the catalogue anew")
    except orjson.JSONDecodeError as trouble:
        yield error("references.unsafe", path, f"is not JSON: {trouble}", "build the catalogue anew")
