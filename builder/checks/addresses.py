"""Collects the addresses of others that a catalogue leads to: files, pages, services, and the sources themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urlsplit

import orjson

from builder.errors import UsageError
from builder.sources.redact import redact
from builder.stac.layout import ROOT, Place, is_stac
from builder.stac.links import STRUCTURAL

if TYPE_CHECKING:
    from builder.definitions.model import CollectionDefinition


class Kind(StrEnum):
    """What an address is, and so how it is asked."""

    LINK = "link"
    WMS = "WMS"
    OPENDAP = "OPeNDAP"
    OAI = "OAI-PMH"
    CKAN = "CKAN"


@dataclass(frozen=True, slots=True)
class Address:
    """An address as it is asked for.

    Attributes:
        url: The address; of a service, with the request that shows whether it works.
        kind: What it is.
        source: Whether the harvest depends on it.
        places: Partner → path of its first object that leads there.
    """

    url: str
    kind: Kind = Kind.LINK
    source: bool = False
    places: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Name of the address in memory: without secrets."""
        return redact(self.url)


def collect(folder: Path, definitions: Iterable[CollectionDefinition]) -> dict[str, Address]:
    """Return the addresses in the STAC objects of a catalogue and in its definitions, by key.

    Raises:
        UsageError: There is no catalogue, or one of its objects is damaged.
    """
    found: dict[str, Address] = {}
    for place, address in (*_of_sources(definitions), *_of_catalogue(folder)):
        known = found.setdefault(address.key, address)
        known.places.setdefault(place.partition("/")[0], place)
    return found


def _of_sources(definitions: Iterable[CollectionDefinition]) -> Iterator[tuple[str, Address]]:
    for definition in definitions:
        place = Place(definition.partner.id, definition.id).collection_json
        url = getattr(definition.source, "url", None) or getattr(definition.source, "published_at", None)
        if not url:
            continue
        match definition.source.type:
            case "oai-pmh":
                yield place, Address(_with_query(url, "verb=Identify"), Kind.OAI, source=True)
            case "ckan":
                root = url.rstrip("/")
                yield place, Address(f"{root}/api/3/action/package_search?rows=0", Kind.CKAN, source=True)
            case _:
                yield place, Address(url, source=True)


def _of_catalogue(folder: Path) -> Iterator[tuple[str, Address]]:
    if not (folder / ROOT).is_file():
        raise UsageError("there is no catalogue", where=str(folder), hint="build it first, or name its folder")
    for path in sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.json")):
        if is_stac(path) and path != ROOT:
            try:
                yield from ((path, address) for address in _of_object(orjson.loads((folder / path).read_bytes())))
            except (ValueError, KeyError, TypeError, AttributeError) as trouble:
                hint = "`iaos validate` says what is wrong"
                raise UsageError("is no STAC object", where=str(folder / path), hint=hint) from trouble


def _of_object(stac: dict[str, Any]) -> Iterator[Address]:
    for link in stac.get("links", ()):
        if link["rel"] not in STRUCTURAL and _outside(link["href"]):
            yield _wms(link["href"]) if link["rel"] == "wms" else Address(urldefrag(link["href"]).url)
    for key, asset in stac.get("assets", {}).items():
        if _outside(asset["href"]):
            url = urldefrag(asset["href"]).url
            yield Address(f"{url}.dds", Kind.OPENDAP) if key.startswith("opendap") else Address(url)


def _outside(href: str) -> bool:
    return urlsplit(href).scheme in {"http", "https"}


def _wms(url: str) -> Address:
    return Address(_with_query(urldefrag(url).url, "service=WMS&request=GetCapabilities"), Kind.WMS)


def _with_query(url: str, query: str) -> str:
    """Add to the query of an address.

    >>> _with_query("https://example.org/ows?map=a", "request=GetCapabilities")
    'https://example.org/ows?map=a&request=GetCapabilities'
    """
    if "?" not in url:
        return f"{url}?{query}"
    return f"{url.rstrip('?&')}{'&' if urlsplit(url).query else '?'}{query}"
