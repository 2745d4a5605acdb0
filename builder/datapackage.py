"""Collections as Data Packages (version 2): the data files of all items, with table schemas where they are tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from builder.crosswalks.pangaea import is_pangaea
from builder.stac.layout import Place, item_id, relative, resolve
from builder.stac.links import PARQUET

Json = dict[str, Any]

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
TABULAR = {"text/csv": ",", "text/tab-separated-values": "\t"}
"""Media type of tables as text → their delimiter."""

_FORMATS = {"text/csv": "csv", "text/tab-separated-values": "tsv"}

_MULTIHASH = {"1220": "sha256", "1340": "sha512", "1114": "sha1", "d50110": "md5"}
_TYPES = {
    "numeric": "number",
    "number": "number",
    "float": "number",
    "double": "number",
    "float32": "number",
    "float64": "number",
    "integer": "integer",
    "int": "integer",
    "int8": "integer",
    "int16": "integer",
    "int32": "integer",
    "int64": "integer",
    "string": "string",
    "boolean": "boolean",
    "date": "date",
}
"""Type of a column as partners and the table extension name it → type of Table Schema; others stay ``any``."""


MOST_RESOURCES = 5000
"""A package of more files than this would be read by nobody: it names the table of items instead."""


@dataclass
class DataPackage:
    """Grows with every item of one collection; holds one small description per data file.

    Above `MOST_RESOURCES` files it names ``items.parquet`` alone, whose column ``assets`` has them all.
    Files that need a login are left out: a Data Package says what can be fetched.

    Attributes:
        full: Whether no more files are taken in; may be said at once where it is known that there are too many.
    """

    full: bool = False
    _resources: list[Json] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)

    def add(self, stac: Mapping[str, Any], path: str) -> None:
        """Take in the data assets of an Item or of a Collection made from a record.

        Args:
            stac: The object.
            path: Its catalogue path.
        """
        data = {} if self.full else open_files(stac)
        properties = stac.get("properties", stac)
        for key, asset in data.items():
            name = self._name(stac["id"] if len(data) == 1 else f"{stac['id']}-{key.lower()}")
            resource = {"name": name, **_resource(asset, properties, _below_collection(stac, path, asset["href"]))}
            if resource.get("mediatype") in TABULAR and not _has_preamble(resource, properties):
                resource |= _table(resource["mediatype"], properties)
            self._resources.append(resource)
        self.full = len(self._resources) > MOST_RESOURCES or self.full

    def build(self, collection: Mapping[str, Any]) -> Json:
        """Return the descriptor for ``datapackage.json`` beside a STAC Collection.

        A package must have a resource, so an empty one describes the Collection itself.
        """
        own = {"name": "collection", "path": "collection.json", "mediatype": "application/json", "format": "json"}
        if self.full:
            table = {"name": "items", "path": "items.parquet", "mediatype": PARQUET, "format": "parquet"}
            return _package(collection) | {"resources": [table | {"title": "All items and their files"}]}
        return _package(collection) | {"resources": self._resources or [own]}

    def _name(self, wanted: str) -> str:
        name = item_id(wanted)
        if name in self._names:
            name = next(n for n in (f"{name}-{i}" for i in range(2, len(self._names) + 3)) if n not in self._names)
        self._names.add(name)
        return name


def build_datapackage(collection: Mapping[str, Any], items: Iterable[tuple[str, Mapping[str, Any]]]) -> Json:
    """Return the Data Package of a Collection from its items, given as path and object."""
    package = DataPackage()
    for path, item in items:
        package.add(item, path)
    return package.build(collection)


def build_catalogue_package(root: Mapping[str, Any], collections: Iterable[Mapping[str, Any]]) -> Json:
    """Return the Data Package of the whole catalogue: one resource per collection's package.

    Args:
        root: The root Catalog.
        collections: The STAC Collections that `builder.stac.collection.build_collection` made.
    """
    resources = [
        {
            "name": collection["id"],
            "path": Place(collection["iaos:partner"], collection["id"]).datapackage,
            "title": collection["title"],
            "description": collection["description"],
            "mediatype": "application/json",
            "format": "json",
            "licenses": _licenses(collection),
        }
        for collection in collections
    ]
    own = {"name": "catalog", "path": "catalog.json", "mediatype": "application/json", "format": "json"}
    return _package(root) | {"resources": [_filled(entry) for entry in resources] or [own]}


def _package(stac: Mapping[str, Any]) -> Json:
    doi = stac.get("sci:doi")
    return _filled(
        {
            "$schema": PROFILE,
            "name": stac["id"],
            "id": f"https://doi.org/{doi}" if doi else None,
            "title": stac.get("title"),
            "description": stac.get("description"),
            "version": stac.get("version"),
            "keywords": stac.get("keywords"),
            "licenses": _licenses(stac),
            "contributors": _contributors(stac),
            "sources": _sources(stac),
        }
    )


def _filled(value: Json) -> Json:
    return {key: entry for key, entry in value.items() if entry not in (None, "", [], {})}


def _licenses(stac: Mapping[str, Any]) -> list[Json]:
    name = stac.get("license")
    link: Mapping[str, Any] = next((link for link in stac.get("links", ()) if link["rel"] == "license"), {})
    entry = _filled({"name": name if name != "other" else None, "path": link.get("href"), "title": link.get("title")})
    return [entry] if "name" in entry or "path" in entry else []


def _contributors(stac: Mapping[str, Any]) -> list[Json]:
    people = [
        _filled(
            {
                "title": contact["name"],
                "path": contact.get("identifier"),
                "organization": contact.get("organization"),
                "roles": contact.get("roles"),
            }
        )
        for contact in stac.get("contacts", ())
    ]
    known = {person["title"] for person in people}
    return people + [
        _filled({"title": entry["name"], "path": entry.get("url"), "roles": entry.get("roles")})
        for entry in stac.get("providers", ())
        if entry["name"] not in known
    ]


def _sources(stac: Mapping[str, Any]) -> list[Json]:
    return [
        {"title": link.get("title") or link["href"], "path": link["href"]}
        for link in stac.get("links", ())
        if link["rel"] == "via"
    ]


def open_files(stac: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the assets of an object that are files anyone can fetch."""
    if stac.get("properties", stac).get("iaos:restricted"):
        return {}
    return {key: asset for key, asset in stac["assets"].items() if _is_open_file(asset)}


def _is_open_file(asset: Mapping[str, Any]) -> bool:
    """Tell whether an asset is a file anyone can fetch; an OPeNDAP endpoint is none."""
    data = "data" in (asset.get("roles") or ())
    return data and not asset.get("auth:refs") and asset.get("type") != "application/x-netcdf"


def _below_collection(stac: Mapping[str, Any], path: str, href: str) -> str:
    """Return an asset's address as seen from the Collection's folder."""
    if "://" in href:
        return href
    folder = path.rsplit("/", 1 if stac["type"] == "Feature" else 2)[0]
    return relative(f"{folder}/datapackage.json", resolve(path, href)).removeprefix("./")


def _resource(asset: Mapping[str, Any], properties: Mapping[str, Any], path: str) -> Json:
    media_type = (asset.get("type") or "").partition(";")[0].strip()
    suffix = re.search(r"\.([A-Za-z0-9]{1,8})$", path.partition("?")[0].rpartition("/")[2])
    return _filled(
        {
            "path": path,
            "title": asset.get("title") or properties.get("title"),
            "description": asset.get("description"),
            "mediatype": media_type,
            "format": suffix.group(1).lower() if suffix else None,
            "bytes": asset.get("file:size"),
            "hash": _hash(asset.get("file:checksum", "")),
            "licenses": [{"name": properties["license"]}] if properties.get("license", "other") != "other" else None,
        }
    )


def _hash(multihash: str) -> str | None:
    """Return a multihash as Data Packages write it: algorithm, colon, hexadecimal digest."""
    for prefix, algorithm in _MULTIHASH.items():
        if multihash.startswith(prefix):
            return f"{algorithm}:{multihash.removeprefix(prefix)}"
    return None


def _has_preamble(resource: Mapping[str, Any], properties: Mapping[str, Any]) -> bool:
    """Tell whether a file is PANGAEA's text: a description of any length comes before its table.

    Table Dialect has no block comments, and which rows to skip only the file tells.
    """
    theirs = any(is_pangaea(text) for text in (properties.get("sci:doi"), resource["path"]))
    return theirs and resource["mediatype"] == "text/tab-separated-values"


def _table(media_type: str, properties: Mapping[str, Any]) -> Json:
    """Return type, dialect and schema of a table; no schema where column names repeat."""
    columns = properties.get("table:columns", ())
    names = [column["name"] for column in columns]
    dialect = {"delimiter": TABULAR[media_type]} if TABULAR[media_type] != "," else {}
    table: Json = {"type": "table", "format": _FORMATS[media_type], "dialect": dialect}
    if names and len(set(names)) == len(names):
        fields = [_field(column) for column in columns]
        table["schema"] = {"fields": fields, "missingValues": ["", "NaN"]}
    return _filled(table)


def _field(column: Mapping[str, Any]) -> Json:
    return _filled(
        {
            "name": column["name"],
            "type": _TYPES.get(str(column.get("type", "")).lower(), "any"),
            "description": column.get("description"),
            "unit": column.get("unit"),
        }
    )
