"""The STAC extensions the catalogue uses, pinned to versions whose schemas are vendored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

STAC_VERSION = "1.1.0"


def _schema(name: str, version: str) -> str:
    return f"https://stac-extensions.github.io/{name}/v{version}/schema.json"


ALTERNATE_ASSETS = _schema("alternate-assets", "1.1.0")
AUTHENTICATION = _schema("authentication", "1.0.0")
CF = _schema("cf", "0.2.0")
CLASSIFICATION = _schema("classification", "2.0.0")
CONTACTS = _schema("contacts", "0.1.0")
DATACUBE = _schema("datacube", "2.2.0")
FILE = _schema("file", "2.1.0")
PROCESSING = _schema("processing", "1.1.0")
PROJECTION = _schema("projection", "2.0.0")
RASTER = _schema("raster", "1.1.0")
RENDER = _schema("render", "2.0.0")
SAR = _schema("sar", "1.0.0")
SATELLITE = _schema("sat", "1.0.0")
SCIENTIFIC = _schema("scientific", "1.0.0")
TABLE = _schema("table", "1.2.0")
THEMES = _schema("themes", "1.0.0")
TIMESTAMPS = _schema("timestamps", "1.1.0")
VERSION = _schema("version", "1.2.0")
VIEW = _schema("view", "1.0.0")
WEB_MAP_LINKS = _schema("web-map-links", "1.2.0")

BY_PREFIX: Mapping[str, str] = {
    "auth": AUTHENTICATION,
    "cf": CF,
    "classification": CLASSIFICATION,
    "cube": DATACUBE,
    "file": FILE,
    "processing": PROCESSING,
    "proj": PROJECTION,
    "raster": RASTER,
    "sar": SAR,
    "sat": SATELLITE,
    "sci": SCIENTIFIC,
    "table": TABLE,
    "view": VIEW,
    "wms": WEB_MAP_LINKS,
}
"""Prefix of a field name → the extension that defines it."""

BY_FIELD: Mapping[str, str] = {
    "alternate": ALTERNATE_ASSETS,
    "contacts": CONTACTS,
    "themes": THEMES,
    "renders": RENDER,
    "published": TIMESTAMPS,
    "expires": TIMESTAMPS,
    "unpublished": TIMESTAMPS,
    "version": VERSION,
    "deprecated": VERSION,
}
"""Field without a prefix → the extension that defines it."""


def declared(stac: Mapping[str, Any]) -> list[str]:
    """Return the extensions whose fields an Item, Collection or Catalog really uses, sorted.

    Fields of the properties (or of the object and its summaries), of assets and of links count.
    """
    names = set(_fields(stac))
    prefixed = {BY_PREFIX.get(name.partition(":")[0]) for name in names if ":" in name}
    plain = {BY_FIELD.get(name) for name in names}
    return sorted(uri for uri in prefixed | plain if uri)


def _fields(stac: Mapping[str, Any]) -> Iterator[str]:
    yield from stac.get("properties", stac)
    yield from stac.get("summaries", ())
    for part in ("assets", "item_assets"):
        for asset in stac.get(part, {}).values():
            yield from asset
    for link in stac.get("links", ()):
        yield from link
