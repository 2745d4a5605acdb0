"""View models: what the templates show, made from STAC dicts whose fields may be absent or wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from builder.pages.citation import Citation, cite, landing_page
from builder.pages.derived import DERIVATION, DERIVED_FROM, Figures, figures, within
from builder.pages.facts import Fact, Value, facts, license_of, where
from builder.pages.markup import plain, rich, safe_href
from builder.pages.overview import collection_map
from builder.pages.polarmap import PolarMap, draw_one
from builder.pages.rasters import rasters
from builder.pages.reading import Reading, reading
from builder.pages.services import services
from builder.pages.snippets import Snippet, collection_snippets, item_snippets
from builder.pages.tables import Column, Dimension, File, Variable, columns, dimensions, files, variables
from builder.pages.values import (
    Json,
    language,
    links,
    mapping,
    mappings,
    properties,
    remembered,
    text,
    texts,
    whole,
)

MOST_KEYWORDS = 60
MOST_CONTACTS = 40


@dataclass(frozen=True, slots=True)
class Head:
    """What every page about one thing begins with."""

    id: str
    title: str
    lang: str | None
    description: Markup
    summary: str


@dataclass(frozen=True, slots=True)
class Named:
    """What a page says of something it only links to."""

    id: str
    title: str


class Contact(NamedTuple):
    """A person or organisation."""

    name: str
    href: str | None
    organization: str | None
    roles: tuple[str, ...]
    orcid: str | None
    emails: tuple[str, ...]


class Explained(NamedTuple):
    """Where one field's value comes from."""

    field: str
    source: str
    place: str
    rule: str


@dataclass(frozen=True, slots=True)
class ItemView:
    """Everything an item's page shows."""

    head: Head
    facts: tuple[Fact, ...]
    map: PolarMap | None
    place: str | None
    restricted: bool
    statement: str | None
    variables: tuple[Variable, ...]
    dimensions: tuple[Dimension, ...]
    columns: tuple[Column, ...]
    column_count: int
    row_count: int | None
    files: tuple[File, ...]
    records: tuple[File, ...]
    citation: Citation
    contacts: tuple[Contact, ...]
    keywords: tuple[str, ...]
    related: tuple[Value, ...]
    figures: Figures
    made_from: tuple[Value, ...]
    made_into: tuple[Value, ...]
    source: tuple[Fact, ...]
    warnings: tuple[str, ...]
    explained: tuple[Explained, ...]
    landing: str | None
    snippets: tuple[Snippet, ...]
    reading: Reading | None
    rasters: tuple[Json, ...]
    services: tuple[Json, ...]

    @property
    def described(self) -> bool:
        """Tell whether there is more to say about it than facts."""
        told = any(fact.key in ("lineage", "publications") for fact in self.facts)
        return bool(self.head.description or self.keywords or told)


@dataclass(frozen=True, slots=True)
class CollectionView:
    """Everything a collection's pages show, but for the items."""

    head: Head
    facts: tuple[Fact, ...]
    map: PolarMap | None
    place: str | None
    restricted: bool
    statement: str | None
    variables: tuple[Variable, ...]
    files: tuple[File, ...]
    providers: tuple[Contact, ...]
    contacts: tuple[Contact, ...]
    keywords: tuple[str, ...]
    license: Value | None
    citation: Citation
    related: tuple[Value, ...]
    landing: str | None
    documents: tuple[Value, ...]
    snippets: tuple[Snippet, ...]
    reading: Reading | None


def named(stac: Json) -> Named:
    """Read identifier and title of any STAC object; without a title the identifier stands in."""
    name = text(stac.get("id")) or "?"
    title = text(properties(stac).get("title")) or text(stac.get("title")) or name
    return Named(name, " ".join(title.split()))


def head(stac: Json) -> Head:
    """Read identifier, title and description of any STAC object."""
    about = named(stac)
    words = text(properties(stac).get("description")) or text(stac.get("description")) or ""
    return Head(about.id, about.title, language(stac), rich(words), plain(words, 160))


def item_view(item: Json, publisher: str | None, *, page: str, base: str = "", explain: Json | None = None) -> ItemView:
    """Read an Item, or a Collection made from a record.

    Args:
        item: The STAC Item or Collection.
        publisher: Name of the partner, for the citation.
        page: Path of its page from the catalogue root.
        base: Address of the catalogue with a slash at its end; empty if it is not known.
        explain: What `builder.explain.explain` says about it.
    """
    fields, geometry = properties(item), mapping(item.get("geometry"))
    everything = files(item)
    table = columns(item)
    source = mapping(fields.get("iaos:source"))
    snippets = item_snippets(item, page, base)
    return ItemView(
        head=head(item),
        facts=facts(item),
        map=draw_one(geometry) if geometry else collection_map([(item, ())]),
        place=where(item),
        restricted=restricted(item),
        statement=_statement(item),
        variables=variables(item),
        dimensions=dimensions(item),
        columns=table[:400],
        column_count=len(table),
        row_count=whole(fields.get("table:row_count")),
        files=tuple(file for file in everything if not file.about),
        records=tuple(file for file in everything if file.about),
        citation=cite(item, publisher),
        contacts=contacts(item),
        keywords=tuple(texts(fields.get("keywords"))[:MOST_KEYWORDS]),
        related=related(item),
        figures=figures(item),
        made_from=(*within(item, "about"), *within(item, DERIVED_FROM)),
        made_into=within(item, DERIVATION),
        source=_source(source),
        warnings=tuple(texts(source.get("warnings"))),
        explained=_explained(explain),
        landing=landing_page(item),
        snippets=snippets,
        reading=reading(item, snippets),
        rasters=rasters(item),
        services=services(item),
    )


def collection_view(
    collection: Json, publisher: str | None, geometries: Sequence[Json | None] = (), *, page: str, base: str = ""
) -> CollectionView:
    """Read a Collection; ``geometries`` are those of its items, the rest as for `item_view`."""
    snippets = collection_snippets(collection, page, base)
    return CollectionView(
        head=head(collection),
        facts=facts(collection),
        map=collection_map([(collection, geometries)]),
        place=where(collection),
        restricted=restricted(collection),
        statement=_statement(collection),
        variables=variables(collection),
        files=files(collection),
        providers=_providers(collection),
        contacts=contacts(collection),
        keywords=tuple(texts(properties(collection).get("keywords"))[:MOST_KEYWORDS]),
        license=license_of(collection),
        citation=cite(collection, publisher),
        related=related(collection),
        landing=landing_page(collection),
        documents=_documents(collection),
        snippets=snippets,
        reading=reading(collection, snippets, "time-major-references"),
    )


def _documents(collection: Json) -> tuple[Value, ...]:
    """Return the machine-readable documents beside a Collection."""
    beside = links(collection, "describedby", "alternate", "related", "index", "items")
    found = [
        Value(text(link.get("title")) or href, href)
        for link in beside
        if (href := safe_href(link.get("href"))) and "://" not in href and link.get("type") != "text/html"
    ]
    return (Value("STAC Collection", "./collection.json"), *found)


def contacts(stac: Json) -> tuple[Contact, ...]:
    """Read ``contacts`` (contacts extension), each name once with all its roles."""
    return _contacts(mappings(properties(stac).get("contacts")) or mappings(stac.get("contacts")))


@remembered(64)
def _contacts(entries: Sequence[Json]) -> tuple[Contact, ...]:
    merged: dict[str, Contact] = {}
    for entry in entries:
        contact = _contact(entry)
        if contact:
            before = merged.get(contact.name, contact).roles
            merged[contact.name] = contact._replace(roles=tuple(dict.fromkeys([*before, *contact.roles])))
    return tuple(merged.values())[:MOST_CONTACTS]


def _contact(entry: Json) -> Contact | None:
    organization = text(entry.get("organization"))
    name = text(entry.get("name")) or organization
    if name is None:
        return None
    identifier = safe_href(entry.get("identifier")) or ""
    emails = (text(one.get("value")) for one in mappings(entry.get("emails")))
    return Contact(
        name,
        next((safe_href(link.get("href")) for link in mappings(entry.get("links"))), None),
        organization if organization != name else None,
        tuple(texts(entry.get("roles"))),
        identifier if identifier.startswith("https://orcid.org/") else None,
        tuple(email for email in emails if email and safe_href(f"mailto:{email}") == f"mailto:{email}"),
    )


def _providers(stac: Json) -> tuple[Contact, ...]:
    return tuple(
        Contact(name, safe_href(entry.get("url")), None, tuple(texts(entry.get("roles"))), None, ())
        for entry in mappings(properties(stac).get("providers"))[:MOST_CONTACTS]
        if (name := text(entry.get("name")))
    )


def related(stac: Json) -> tuple[Value, ...]:
    """Read the links that lead to related things outside."""
    found = links(stac, "via", "about", "derived_from", "related", "predecessor-version", "successor-version", "wms")
    values = [
        Value(text(link.get("title")) or href, href)
        for link in found
        if (href := safe_href(link.get("href"))) and "://" in href
    ]
    return tuple({value.href: value for value in values}.values())


def restricted(stac: Json) -> bool:
    """Tell whether any of the data needs a login."""
    fields = properties(stac)
    assets = mapping(stac.get("assets")).values()
    closed = any(mapping(asset).get("auth:refs") for asset in assets)
    return closed or fields.get("iaos:restricted") is True or bool(mapping(fields.get("auth:schemes")))


def _statement(stac: Json) -> str | None:
    fields = properties(stac)
    schemes = mapping(fields.get("auth:schemes")).values()
    said = (text(mapping(scheme).get("description")) for scheme in schemes)
    return next((words for words in said if words), None) or text(fields.get("iaos:access"))


def _source(source: Json) -> tuple[Fact, ...]:
    rows = []
    for key in ("protocol", "endpoint", "identifier", "format", "set", "datestamp", "sha256", "url"):
        words = ", ".join(texts(source.get(key)))
        if words:
            href = safe_href(words) if key in {"url", "endpoint"} and "://" in words else None
            rows.append(Fact(f"source.{key}", (Value(words, href, code=key not in {"protocol", "format"}),)))
    return tuple(rows)


def _explained(explain: Json | None) -> tuple[Explained, ...]:
    rows = mappings(mapping(explain).get("fields"))
    keys = ("field", "source", "place", "rule")
    return tuple(Explained(*[text(entry.get(key)) or "" for key in keys]) for entry in rows)
