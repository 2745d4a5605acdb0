"""Remote STAC Items (1.0 and 1.1) as descriptions of our own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from builder.crosswalks.dois import doi_of
from builder.crosswalks.jsontext import Json, line, objects, read_json, wording, wordings
from builder.crosswalks.licenses import license_of
from builder.crosswalks.people import merged
from builder.crosswalks.times import parse_time
from builder.crosswalks.values import orcid_of, paragraphs, unique
from builder.dataset import Access, Dataset, Draft, Link, Party, Projection, Publication, Resource
from builder.errors import RecordError

if TYPE_CHECKING:
    from builder.sources.protocol import Record

_ROLES = {"producer": "originator", "licensor": "owner", "processor": "processor", "host": "distributor"}
_KEPT_LINKS = frozenset({"via", "canonical", "cite-as", "license", "derived_from", "about", "wms", "wmts"})


def describe(record: Record) -> Dataset:
    """Describe a STAC Item; relative addresses are resolved against where it was read.

    Raises:
        RecordError: It is no JSON, or no Item.
    """
    item = read_json(record)
    properties = item.get("properties") if isinstance(item, dict) else None
    if not isinstance(properties, dict) or item.get("type") != "Feature":
        raise RecordError("not a STAC Item", where=record.identifier)
    draft = Draft(wording(item, "id") or record.identifier, source=record.url, rule="stac")
    draft.put("title", line(properties, "title") or line(item, "id"), "properties.title")
    draft.put("description", paragraphs(wording(properties, "description")), "properties.description")
    _put_coverage(draft, item, properties)
    _put_facts(draft, properties)
    draft.put("resources", tuple(_resources(item, record.url)), "assets")
    own = Link("via", record.url, "application/geo+json", "Item at the source")
    draft.put("links", (own, *_links(item, record.url)), "links")
    return draft.build()


def _put_coverage(draft: Draft, item: Json, properties: Json) -> None:
    geometry = item.get("geometry")
    if isinstance(geometry, dict):
        draft.put("coverage.geometry", geometry, "geometry")
    box = item.get("bbox")
    if isinstance(box, list) and len(box) in {4, 6} and all(isinstance(value, int | float) for value in box):
        half = len(box) // 2
        draft.put("coverage.boxes", ((box[0], box[1], box[half], box[half + 1]),), "bbox")
    instant = wording(properties, "datetime")
    for field, name in (("coverage.start", "start_datetime"), ("coverage.end", "end_datetime")):
        draft.put(field, parse_time(wording(properties, name)), f"properties.{name}")
        draft.put(field, parse_time(instant), "properties.datetime")


def _put_facts(draft: Draft, properties: Json) -> None:
    for name in ("created", "updated", "published"):
        draft.put(name, parse_time(wording(properties, name)), f"properties.{name}")
    for field, name in (
        ("platform", "platform"),
        ("mission", "mission"),
        ("version", "version"),
        ("citation", "sci:citation"),
        ("processing_level", "processing:level"),
        ("lineage", "processing:lineage"),
    ):
        draft.put(field, line(properties, name), f"properties.{name}")
    draft.put("instruments", unique(wordings(properties.get("instruments"))), "properties.instruments")
    draft.put("keywords", unique(wordings(properties.get("keywords"))), "properties.keywords")
    draft.put("doi", doi_of(wording(properties, "sci:doi")), "properties.sci:doi")
    if wording(properties, "license") not in {"", "proprietary"}:
        draft.put("license", license_of(wording(properties, "license")), "properties.license")
    publications = objects(properties.get("sci:publications"))
    known = tuple(Publication(wording(p, "doi") or None, line(p, "citation") or None) for p in publications)
    draft.put("publications", known, "properties.sci:publications")
    draft.put("parties", merged([*_contacts(properties), *_parties(properties)]), "properties.providers")
    draft.put("projection", _projection(properties), "properties.proj:code")
    if properties.get("auth:schemes"):
        draft.put("access", Access(statement="some assets ask for authentication"), "properties.auth:schemes")


def _parties(properties: Json) -> Iterator[Party]:
    for provider in objects(properties.get("providers")):
        name = line(provider, "name")
        roles = tuple(_ROLES[role] for role in wordings(provider.get("roles")) if role in _ROLES)
        if name:
            yield Party(name, roles, organization=name, url=wording(provider, "url") or None)


def _contacts(properties: Json) -> Iterator[Party]:
    for contact in objects(properties.get("contacts")):
        institute = line(contact, "organization")
        name = line(contact, "name") or institute
        if name:
            yield Party(
                name,
                unique(wordings(contact.get("roles"))),
                organization=institute or None,
                email=next((wording(entry, "value") or None for entry in objects(contact.get("emails"))), None),
                url=next((wording(entry, "href") or None for entry in objects(contact.get("links"))), None),
                orcid=orcid_of(wording(contact, "identifier")),
            )


def _projection(properties: Json) -> Projection | None:
    epsg = wording(properties, "proj:epsg")
    code = wording(properties, "proj:code") or (f"EPSG:{epsg}" if epsg else "")
    if not code and not wording(properties, "proj:wkt2"):
        return None
    shape, transform = _numbers(properties.get("proj:shape"), 2), _numbers(properties.get("proj:transform"), 6, 9)
    return Projection(
        code=code or None,
        wkt2=wording(properties, "proj:wkt2") or None,
        bbox=tuple(_numbers(properties.get("proj:bbox"), 4, 6)) or None,
        shape=(int(shape[0]), int(shape[1])) if shape else None,
        transform=tuple(transform) or None,
    )


def _numbers(value: object, *lengths: int) -> list[float]:
    """Return a list of numbers of one of the lengths; empty where it is something else."""
    if isinstance(value, list) and len(value) in lengths and all(isinstance(entry, int | float) for entry in value):
        return [float(entry) for entry in value]
    return []


def _resources(item: Json, base: str) -> Iterator[Resource]:
    assets = item.get("assets")
    for key, asset in assets.items() if isinstance(assets, dict) else ():
        href = wording(asset, "href") if isinstance(asset, dict) else ""
        address = urljoin(base, href)
        if href and address.startswith(("http://", "https://", "s3://")):
            size = asset.get("file:size")
            yield Resource(
                key=key,
                href=address,
                media_type=wording(asset, "type") or None,
                roles=unique(wordings(asset.get("roles"))) or ("data",),
                title=line(asset, "title") or None,
                description=line(asset, "description") or None,
                size=size if isinstance(size, int) and size >= 0 else None,
                restricted=bool(asset.get("auth:refs")),
            )


def _links(item: Json, base: str) -> Iterator[Link]:
    for link in objects(item.get("links")):
        if wording(link, "rel") in _KEPT_LINKS and wording(link, "href"):
            address = urljoin(base, wording(link, "href"))
            yield Link(wording(link, "rel"), address, wording(link, "type") or None, line(link, "title") or None)
