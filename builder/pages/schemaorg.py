"""schema.org descriptions for search engines (Google Dataset Search: Dataset and DataCatalog)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from builder.pages.citation import ET_AL
from builder.pages.facts import doi_href, doi_of, license_of, when
from builder.pages.markup import plain, safe_href
from builder.pages.values import Json, bbox, items, mapping, mappings, properties, text, texts, whole

LEAST, MOST = 50, 5000
"""Characters that Google Dataset Search asks of a description."""


def dataset(
    stac: Json,
    *,
    title: str,
    makers: Sequence[str],
    landing: str | None,
    catalog: str,
    padding: str,
    url: str | None,
) -> dict[str, Any]:
    """Describe an Item or Collection as a Dataset.

    Args:
        stac: The object.
        title: What the page calls it.
        makers: Who made it, as its citation has them.
        landing: The partner's own page of it.
        catalog: Name of the catalogue it is in.
        padding: Sentence that is added to descriptions under 50 characters.
        url: Absolute address of the page; None where it is not known.
    """
    fields = properties(stac)
    words = plain(text(fields.get("description")) or text(stac.get("description")) or title, MOST)
    if len(words) < LEAST:
        words = f"{words.rstrip('.')}. {padding}"
    doi, license_value = doi_of(stac), license_of(stac)
    described: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": title,
        "description": words,
        "identifier": doi_href(doi) if doi else text(stac.get("id")),
        "url": url,
        "sameAs": landing,
        "license": license_value.href or license_value.words if license_value else None,
        "creator": [
            {"@type": "Organization" if _is_provider(stac, name) else "Person", "name": name}
            for name in makers
            if name != ET_AL
        ],
        "keywords": texts(fields.get("keywords")),
        "temporalCoverage": _temporal(stac),
        "spatialCoverage": _spatial(stac),
        "variableMeasured": _variables(fields),
        "measurementTechnique": texts(fields.get("instruments")),
        "version": text(fields.get("version")),
        "dateModified": text(fields.get("updated")),
        "isAccessibleForFree": not fields.get("auth:schemes") and not stac.get("auth:schemes"),
        "includedInDataCatalog": {"@type": "DataCatalog", "name": catalog},
        "distribution": _distribution(stac),
    }
    return {key: value for key, value in described.items() if value not in (None, [], "")}


def data_catalog(
    title: str, description: str, datasets: Sequence[Mapping[str, str | None]], url: str | None
) -> dict[str, Any]:
    """Describe the whole catalogue; ``datasets`` have a name and, where known, an absolute url."""
    listed = [{"@type": "Dataset", **{k: v for k, v in one.items() if v}} for one in datasets]
    described = {
        "@context": "https://schema.org/",
        "@type": "DataCatalog",
        "name": title,
        "description": description,
        "url": url,
        "dataset": listed,
    }
    return {key: value for key, value in described.items() if value not in (None, [])}


def _is_provider(stac: Json, name: str) -> bool:
    providers = mappings(properties(stac).get("providers")) + mappings(stac.get("providers"))
    return any(one.get("name") == name for one in providers)


def _temporal(stac: Json) -> str | None:
    sides = [value.iso or ".." for value in when(stac)]
    return "/".join(sides) if any(side != ".." for side in sides) else None


def _spatial(stac: Json) -> dict[str, Any] | None:
    """Return a GeoShape box, south west north east as schema.org wants it."""
    boxes = items(mapping(mapping(stac.get("extent")).get("spatial")).get("bbox"))
    box = bbox(stac.get("bbox")) or (bbox(boxes[0]) if boxes else None)
    if box is None:
        return None
    west, south, east, north = box
    if (west, south) == (east, north):
        return {"@type": "Place", "geo": {"@type": "GeoCoordinates", "latitude": south, "longitude": west}}
    return {"@type": "Place", "geo": {"@type": "GeoShape", "box": f"{south:g} {west:g} {north:g} {east:g}"}}


def _variables(fields: Json) -> list[dict[str, str]]:
    rows: list[tuple[str | None, Json]] = [
        (name, mapping(entry)) for name, entry in mapping(fields.get("cube:variables")).items()
    ]
    rows = [row for row in rows if row[1].get("type") != "auxiliary"]
    rows += [(text(entry.get("name")), entry) for entry in mappings(fields.get("table:columns"))]
    found = []
    for name, entry in rows[:100]:
        value = {
            "@type": "PropertyValue",
            "name": text(entry.get("description")) or text(name),
            "unitText": text(entry.get("unit")),
        }
        found.append({key: words for key, words in value.items() if words})
    return found


def _distribution(stac: Json) -> list[dict[str, Any]]:
    found = []
    for entry in mapping(stac.get("assets")).values():
        asset = mapping(entry)
        if "data" not in texts(asset.get("roles")) or asset.get("auth:refs"):
            continue
        href = safe_href(asset.get("href"))
        if href and href.startswith("http"):
            size = whole(asset.get("file:size"))
            download = {"@type": "DataDownload", "contentUrl": href, "encodingFormat": text(asset.get("type"))}
            download["contentSize"] = f"{size} B" if size is not None else None
            found.append({key: value for key, value in download.items() if value})
    return found
