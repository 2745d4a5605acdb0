"""Finds out what to open for an item, a collection, a reference file or a NetCDF file, given as object or address."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

from builder.errors import ReadingError, UnsuitedError
from builder.media import media_type

Json = Mapping[str, Any]
NETCDF = frozenset({"application/netcdf", "application/x-netcdf", "application/x-hdf5", "application/x-netcdf4"})
MAX_DOCUMENT_BYTES = 1 << 30
TIME_MAJOR = "time-major"
"""Role of a copy with all times of a place together."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What was known of a file when its references were made; None where that was not recorded."""

    size: int | None = None
    etag: str | None = None
    modified: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One data set that can be opened.

    Attributes:
        href: Address or path of what is opened.
        kind: How it is opened.
        item: Identifier of the STAC object it belongs to; empty where a file was given.
        properties: Properties of that object.
        bbox: Its west, south, east and north, degrees; empty where not known.
        stated: What the catalogue says of the data files, by address.
        document: The references themselves, where they have been read already.
        time_major: The same values in a copy with all times of a place together, where there is one.
    """

    href: str
    kind: Literal["references", "netcdf"]
    item: str = ""
    properties: Json = field(default_factory=dict)
    bbox: tuple[float, ...] = ()
    stated: Mapping[str, Stated] = field(default_factory=dict)
    document: Json | None = None
    time_major: Source | None = None


def locate(given: Any) -> Source:
    """Return what to open for one thing.

    Args:
        given: A `pystac.Item` or `pystac.Collection`, the same as a dictionary, or the path or address of either,
            of kerchunk references (JSON or a Parquet folder) or of a NetCDF file.

    Raises:
        ReadingError: It has no references and no open NetCDF file, or is nothing of all that.
        FetchError: Its address does not answer.
    """
    document, base = _document(given)
    if document is None:
        kind: Literal["references", "netcdf"] = "references" if _is_parquet(base) else "netcdf"
        return Source(base, kind)
    if "refs" in document or ".zgroup" in document:
        return Source(base, "references", document=document)
    if document.get("type") not in {"Feature", "Collection"}:
        raise ReadingError("is neither a STAC item or collection nor a reference file", where=base)
    return _of_stac(document, base)


def members(given: Any) -> Iterator[Any]:
    """Yield one thing itself, or the items of a collection or catalogue whose references are not combined.

    A collection without items stands for its own data files.

    Raises:
        ReadingError: As `locate`.
    """
    document, base = _document(given)
    if document is None or document.get("type") not in {"Collection", "Catalog"} or _has_references(document):
        yield given
        return
    if document["type"] == "Collection" and not _leads_on(document):
        yield given
    for link in document.get("links", ()):
        if link.get("rel") == "item":
            yield absolute(link["href"], base)
        elif link.get("rel") == "child":
            yield from members(absolute(link["href"], base))


def _leads_on(document: Json) -> bool:
    return any(link.get("rel") in {"item", "child"} for link in document.get("links", ()))


def _has_references(document: Json) -> bool:
    return any("references" in asset.get("roles", ()) for asset in document.get("assets", {}).values())


def absolute(href: str, base: str) -> str:
    """Return the address or path that ``href`` leads to from the document at ``base``."""
    if "://" in href or Path(href).is_absolute():
        return local(href)
    if not base:
        raise ReadingError(f"{href} is relative to a document of unknown place", hint="give its address or file")
    return urljoin(base, href) if "://" in base else os.path.normpath(Path(base).parent / href)


def local(href: str) -> str:
    """Return the path of a ``file:`` address; others as they are."""
    parts = urlsplit(href)
    return url2pathname(parts.path) if parts.scheme == "file" else href


def fetch(href: str, max_bytes: int = MAX_DOCUMENT_BYTES) -> bytes:
    """Return the bytes of a file or of what an address answers.

    Raises:
        ReadingError: There is no such file.
        FetchError: The address does not answer.
    """
    if "://" not in href:
        try:
            return Path(href).read_bytes()
        except OSError as trouble:
            raise ReadingError(str(trouble.strerror), where=href) from trouble
    from builder.sources.http import HttpGate, origin_of

    with HttpGate([origin_of(href)], delay_s=0) as gate:
        return gate.get(href, max_bytes=max_bytes).body


def _document(given: Any) -> tuple[Json | None, str]:
    """Return the JSON document that was given or lies at the address given, and where; None for data files."""
    if isinstance(given, Mapping):
        return given, _self_href(given)
    if hasattr(given, "to_dict"):
        return given.to_dict(transform_hrefs=False), local(given.get_self_href() or "")
    href = local(os.fspath(given))
    if not urlsplit(href).path.lower().endswith((".json", ".geojson")) or _is_parquet(href):
        return None, href
    import orjson

    try:
        document = orjson.loads(fetch(href))
    except orjson.JSONDecodeError as trouble:
        raise ReadingError("is not JSON", where=href) from trouble
    if not isinstance(document, dict):
        raise ReadingError("is neither a STAC object nor a reference file", where=href)
    return document, href


def _self_href(document: Json) -> str:
    found = (link["href"] for link in document.get("links", ()) if link.get("rel") == "self")
    return local(next(found, ""))


def _is_parquet(href: str) -> bool:
    path = urlsplit(href).path.rstrip("/").lower()
    return path.endswith((".parquet", ".parq")) or ("://" not in href and Path(href, ".zmetadata").is_file())


def _of_stac(document: Json, base: str) -> Source:
    name, properties = str(document.get("id", "")), document.get("properties") or document
    box = _plane(document.get("bbox") or ())
    assets: Mapping[str, Json] = document.get("assets", {})
    is_open = {key: asset for key, asset in assets.items() if not asset.get("auth:refs")}
    stated = {
        absolute(asset["href"], base): Stated(asset.get("file:size"))
        for asset in is_open.values()
        if base or "://" in asset["href"]
    }
    data = _data_files(is_open)
    for asset in is_open.values():
        if "references" in asset.get("roles", ()):
            if len(data) == 1 and (base or "://" in data[0]):
                stated[absolute(data[0], base)] = _stated(asset, stated[absolute(data[0], base)])
            series = _time_major(is_open, base, (name, properties, box))
            return Source(absolute(asset["href"], base), "references", name, properties, box, stated, None, series)
    if data:
        return Source(absolute(data[0], base), "netcdf", name, properties, box, stated)
    raise _unopenable(document, assets, base or name)


def _time_major(assets: Mapping[str, Json], base: str, said: tuple[str, Json, tuple[float, ...]]) -> Source | None:
    """Return the copy with all times of a place together, and what is stated of it."""
    by_role = {role: asset for asset in assets.values() for role in asset.get("roles", ())}
    references, file = by_role.get("time-major-references"), by_role.get(TIME_MAJOR)
    if references is None or file is None or not (base or "://" in file["href"]):
        return None
    stated = {absolute(file["href"], base): _stated(references, Stated(file.get("file:size")))}
    return Source(absolute(references["href"], base), "references", *said, stated)


def _plane(bbox: Sequence[float]) -> tuple[float, ...]:
    return (*bbox[:2], *bbox[3:5]) if len(bbox) == 6 else tuple(bbox)


def _data_files(assets: Mapping[str, Json]) -> list[str]:
    """Return the NetCDF files of an item; a readable copy stands in for them."""
    copies = [asset["href"] for asset in assets.values() if "readable-copy" in asset.get("roles", ())]
    return copies or [
        asset["href"]
        for key, asset in assets.items()
        if "data" in asset.get("roles", ())
        and _is_netcdf(asset)
        and not key.startswith("opendap")
        and TIME_MAJOR not in asset["roles"]
    ]


def _stated(references: Json, file: Stated) -> Stated:
    """Return what references say of the one file they lead into; its own asset may have been renewed since."""
    return Stated(
        references.get("iaos:source_size", file.size),
        references.get("iaos:source_etag"),
        references.get("iaos:source_last_modified"),
    )


def _is_netcdf(asset: Json) -> bool:
    said = str(asset.get("type", "")).partition(";")[0].strip()
    return (said or media_type(asset["href"].partition("?")[0])) in NETCDF


def _unopenable(document: Json, assets: Mapping[str, Json], where: str) -> ReadingError:
    kind = "collection" if document.get("type") == "Collection" else "item"
    if kind == "collection" and _leads_on(document):
        return ReadingError(
            "the collection has no combined references", where=where, hint="open one of its items, or use iaos extract"
        )
    data = {key: asset for key, asset in assets.items() if "data" in asset.get("roles", ())}
    if data and all(asset.get("auth:refs") for asset in data.values()):
        hint = "its data need a login; ask the partner, then open the file you get"
    elif data:
        hint = "read " + ", ".join(f"{asset['href']} ({asset.get('type', 'no type')})" for asset in data.values())
    else:
        hint = "it lists no data files; see its page for how to get them"
    return UnsuitedError(f"the {kind} has no references and no open NetCDF file", where=where, hint=hint)
