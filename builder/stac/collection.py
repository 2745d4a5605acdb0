"""Collections, year and partner catalogues and the root: the branches above the items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from builder.definitions.model import CollectionDefinition, Partner
from builder.spheres import themes_of
from builder.stac.context import Json
from builder.stac.extensions import STAC_VERSION, declared
from builder.stac.item import GLOBE
from builder.stac.layout import ROOT, ROOT_PAGE, YEARS_ABOVE, Place, partner_catalog, relative
from builder.stac.links import GEOJSON, JSON, PARQUET, doi_of, doi_url, link, structural, unique
from builder.stac.properties import license_id
from builder.stac.serialize import ordered, plain
from builder.stac.summaries import Entry, Summary

ROOT_TITLE = "iAOS"


def has_years(items: int) -> bool:
    """Tell whether a collection of so many items gets one sub-catalogue per year."""
    return items > YEARS_ABOVE


def build_collection(
    definition: CollectionDefinition,
    summary: Summary,
    *,
    by_year: bool = False,
    datapackage: bool = True,
    references: str | None = None,
    table: bool = False,
    assets: Mapping[str, Json] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Json:
    """Make the STAC Collection of a definition from what its items have in common.

    Args:
        definition: What the maintainer wrote.
        summary: Fed with every item and every Collection made from a record.
        by_year: Whether the items hang below year catalogues; must agree with the items' contexts.
        datapackage: Whether `datapackage.json` is published beside it.
        references: Media type of the combined kerchunk references, where they are published.
        table: Whether its items are published as stac-geoparquet.
        assets: Further assets of the collection, hrefs relative to it.
        extra: Further fields the build knows, with their prefix (``iaos:…``).
    """
    place = Place(definition.partner.id, definition.id)
    path, box = place.collection_json, summary.extents.bbox
    collection: Json = {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "id": definition.id,
        "title": definition.title,
        "description": definition.description,
        "license": _license(definition, summary),
        "keywords": list(definition.keywords) or summary.keywords,
        "themes": themes_of(definition.spheres),
        "providers": _providers(definition, summary),
        "contacts": summary.contacts,
        "extent": {
            "spatial": {"bbox": [box or GLOBE]},
            "temporal": {"interval": [summary.extents.interval]},
        },
        "summaries": summary.summaries,
        "item_assets": summary.item_assets,
        "links": unique([*structural(path, place.partner_catalog, definition.partner.name), *_terms(definition)]),
        "assets": _assets(place, datapackage=datapackage, references=references, table=table) | dict(assets or {}),
        "sci:doi": doi_of(definition.doi),
        "sci:citation": definition.citation,
        "updated": summary.updated,
        "iaos:partner": definition.partner.id,
        "iaos:unlocated": box is None or None,
    } | dict(extra or {})
    collection["links"] += _downward(place, summary, by_year=by_year)
    return _finished({key: value for key, value in collection.items() if value not in (None, [], {})})


def build_year_catalog(definition: CollectionDefinition, summary: Summary, year: str) -> Json:
    """Make the catalogue of one year's items; the items' files stay where they are."""
    place = Place(definition.partner.id, definition.id)
    path = place.year(year)
    up = [
        link("root", relative(path, ROOT), JSON, ROOT_TITLE),
        link("parent", relative(path, place.collection_json), JSON, definition.title),
        link("alternate", relative(path, place.page), "text/html", "Page"),
    ]
    catalog = _catalog(f"{definition.id}-{year}", f"{definition.title} {year}", f"Items of the year {year}.", up)
    catalog["links"] += _item_links(path, place, summary.of_year(year))
    return catalog


def build_partner_catalog(partner: Partner, collections: Iterable[CollectionDefinition]) -> Json:
    """Make the catalogue of one partner's collections."""
    path = partner_catalog(partner.id)
    links = structural(path, ROOT, ROOT_TITLE)
    if partner.url:
        links.append(link("about", partner.url, "text/html", partner.name))
    for definition in sorted(collections, key=lambda definition: definition.id):
        child = Place(partner.id, definition.id).collection_json
        links.append(link("child", relative(path, child), JSON, definition.title))
    return _catalog(partner.id, partner.name, partner.description or f"Collections of {partner.name}.", links)


def build_root_catalog(
    partners: Iterable[Partner],
    *,
    title: str = ROOT_TITLE,
    description: str = "Observations of the Arctic from many partners in one static STAC catalogue.",
    links: Iterable[Json] = (),
) -> Json:
    """Make the root of the catalogue.

    Args:
        partners: Those that have a collection; each once.
        title: Title of the whole catalogue.
        description: CommonMark.
        links: Further links, e.g. to a search index or a feed of changes, relative to the root.
    """
    up = [link("root", f"./{ROOT}", JSON, title), link("alternate", f"./{ROOT_PAGE}", "text/html", "Page")]
    down = [
        link("child", f"./{partner_catalog(partner.id)}", JSON, partner.name)
        for partner in sorted(partners, key=lambda partner: partner.id)
    ]
    return _catalog("iaos", title, description, [*up, *links, *down])


def _catalog(name: str, title: str, description: str, links: list[Json]) -> Json:
    return _finished(
        {
            "type": "Catalog",
            "stac_version": STAC_VERSION,
            "id": name,
            "title": title,
            "description": description,
            "links": links,
        }
    )


def _finished(stac: Json) -> Json:
    stac["stac_extensions"] = declared(stac)
    return ordered(plain(stac))


def _downward(place: Place, summary: Summary, *, by_year: bool) -> list[Json]:
    path = place.collection_json
    children = [
        link("child", relative(path, place.child(entry.id)), JSON, entry.title) for entry in summary.of_year("")
    ]
    if by_year:
        years = [link("child", relative(path, place.year(year)), JSON, year) for year in summary.years]
        return years + children
    return children + _item_links(path, place, chain.from_iterable(map(summary.of_year, summary.years)))


def _item_links(path: str, place: Place, entries: Iterable[Entry]) -> list[Json]:
    before = relative(path, place.item("")).removesuffix(".json")
    return [link("item", f"{before}{entry.id}.json", GEOJSON, entry.title) for entry in sorted(entries)]


def _terms(definition: CollectionDefinition) -> list[Json]:
    links: list[Json] = []
    if definition.license_url:
        links.append(link("license", definition.license_url, "text/html", definition.license))
    doi = doi_of(definition.doi)
    if doi:
        links.append(link("cite-as", doi_url(doi)))
    url = getattr(definition.source, "url", None)
    if url:
        links.append(link("via", url, title=f"Source ({definition.source.type})"))
    return links


def _license(definition: CollectionDefinition, summary: Summary) -> str:
    """Return the definition's licence, or the one all items share where the definition leaves it open."""
    if definition.license == "other" and not definition.license_url and len(summary.licenses) == 1:
        return summary.licenses[0]
    return license_id(definition.license)


def _providers(definition: CollectionDefinition, summary: Summary) -> list[Json]:
    if definition.providers:
        return [provider.model_dump(exclude_none=True) for provider in definition.providers]
    partner = {"name": definition.partner.name, "roles": ["host"]}
    if definition.partner.url:
        partner["url"] = definition.partner.url
    named = [entry for entry in summary.providers if entry["name"] != definition.partner.name]
    return [*named, partner]


def _assets(place: Place, *, datapackage: bool, references: str | None, table: bool) -> dict[str, Json]:
    path = place.collection_json
    assets: dict[str, Json] = {}
    if datapackage:
        assets["datapackage"] = {
            "href": relative(path, place.datapackage),
            "type": JSON,
            "title": "Data Package",
            "roles": ["metadata"],
        }
        assets["iso"] = {
            "href": relative(path, place.iso_record),
            "type": "application/xml",
            "title": "ISO 19115-3 record",
            "roles": ["metadata"],
        }
    if table:
        assets["items"] = {
            "href": relative(path, place.items_table),
            "type": PARQUET,
            "title": "All items in one table (stac-geoparquet)",
            "roles": ["collection-mirror", "index"],
        }
    if references:
        assets["references"] = {
            "href": relative(path, place.combined_references(references)),
            "type": references,
            "title": "Kerchunk references of all items combined",
            "roles": ["references", "index"],
        }
    return assets
