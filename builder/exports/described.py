"""What other catalogues are told of one collection, whatever their format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urljoin

from builder.pages.citation import creators, landing_page
from builder.pages.facts import doi_of, license_of, spheres_of
from builder.pages.markup import plain
from builder.pages.values import Box, Json, bbox, items, mapping, mappings, text, texts, whole
from builder.spheres import Sphere
from builder.stac.layout import Place

LONGEST_ABSTRACT = 5000


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who runs the catalogue, and where.

    Attributes:
        base: Address of the catalogue with a slash at its end; empty if it is not known.
        contact: Mailbox for questions about the catalogue; empty if none is given.
        gateway: Address of the OAI-PMH gateway that serves the static repository; empty if there is none.
        name: Name of the catalogue.
        summary: What it is, in a sentence.
    """

    base: str = ""
    contact: str = ""
    gateway: str = ""
    name: str = "iAOS"
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A file in which the collection can be had; ``size`` in bytes."""

    title: str
    href: str
    media: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """One collection; addresses are absolute and safe, times RFC 3339.

    Attributes:
        id: Identifier in the whole catalogue.
        path: Its place: ``<partner>/<collection>``.
        page: Address of its page; None where the catalogue's own is not known.
        title: One line.
        abstract: Text without markup.
        keywords: As the partner gave them.
        spheres: Topics of GCMD.
        partner: Name of the archive.
        creators: Names of those who made the data.
        contacts: Name and mailbox of those to ask.
        license: Words and address of the terms, each None where not known.
        restricted: Whether access needs leave.
        doi: Without a resolver.
        landing: The partner's page.
        box: Degrees.
        start: Begin of the time span.
        end: Its end; None while it goes on.
        updated: When the records last changed.
        variables: CF standard names or names of what is measured.
        distributions: Files.
    """

    id: str
    path: str
    page: str | None
    title: str
    abstract: str
    keywords: tuple[str, ...]
    spheres: tuple[Sphere, ...]
    partner: str
    creators: tuple[str, ...]
    contacts: tuple[tuple[str, str], ...]
    license: tuple[str | None, str | None]
    restricted: bool
    doi: str | None
    landing: str | None
    box: Box | None
    start: str | None
    end: str | None
    updated: str | None
    variables: tuple[str, ...]
    distributions: tuple[Distribution, ...]


def describe(collection: Json, partner: Json, base: str = "") -> Described:
    """Read a Collection and its partner's Catalog.

    Args:
        collection: The STAC Collection.
        partner: The STAC Catalog above it.
        base: Address of the catalogue with a slash at its end; empty if it is not known.
    """
    name = text(collection.get("id")) or "?"
    place = Place(text(partner.get("id")) or "?", name)
    title = " ".join((text(collection.get("title")) or name).split())
    extent, terms = mapping(collection.get("extent")), license_of(collection)
    boxes = items(mapping(extent.get("spatial")).get("bbox"))
    spans = items(mapping(extent.get("temporal")).get("interval"))
    span = [*items(spans[0] if spans else ()), None, None]
    return Described(
        id=name,
        path=place.folder,
        page=base + quote(place.page) if base else None,
        title=title,
        abstract=plain(text(collection.get("description")) or title, LONGEST_ABSTRACT),
        keywords=tuple(texts(collection.get("keywords"))),
        spheres=tuple(spheres_of(collection)),
        partner=text(partner.get("title")) or place.partner,
        creators=tuple(creators(collection)),
        contacts=tuple(_contacts(collection)),
        license=(terms.words, terms.href) if terms else (None, None),
        restricted=bool(mapping(collection.get("auth:schemes"))),
        doi=doi_of(collection),
        landing=landing_page(collection),
        box=bbox(boxes[0]) if boxes else None,
        start=text(span[0]),
        end=text(span[1]),
        updated=text(collection.get("updated")),
        variables=tuple(_variables(collection)),
        distributions=tuple(_distributions(collection, base + place.collection_json)) if base else (),
    )


def _contacts(collection: Json) -> Iterator[tuple[str, str]]:
    for one in mappings(collection.get("contacts")):
        name = text(one.get("name")) or text(one.get("organization"))
        mail = next((found for entry in mappings(one.get("emails")) if (found := text(entry.get("value")))), None)
        if name and mail and "@" in mail and not set(mail) & set(' <>"'):
            yield name, mail


def _variables(collection: Json) -> Iterator[str]:
    summaries = mapping(collection.get("summaries"))
    named = [name for entry in mappings(summaries.get("cf:parameter")) if (name := text(entry.get("name")))]
    yield from named or texts(summaries.get("iaos:variables"))


def _distributions(collection: Json, document: str) -> Iterator[Distribution]:
    yield Distribution("STAC Collection", document, "application/json")
    for key, entry in sorted(mapping(collection.get("assets")).items()):
        asset = mapping(entry)
        href = urljoin(document, text(asset.get("href")) or "")
        if href.startswith(("http://", "https://")) and not asset.get("auth:refs"):
            media = (text(asset.get("type")) or "application/octet-stream").partition(";")[0].strip()
            yield Distribution(text(asset.get("title")) or key, href, media, whole(asset.get("file:size")))
