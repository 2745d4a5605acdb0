"""View models of lists: collections, partners, the home page and changes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import Any
from urllib.parse import quote

from builder.pages.facts import Value, spheres_of, when, where
from builder.pages.markup import plain, safe_href
from builder.pages.overview import collection_map
from builder.pages.polarmap import PolarMap
from builder.pages.values import Json, instant, language, links, properties, text
from builder.pages.views import Head, head, named, restricted
from builder.spheres import SPHERES

PAGE_SIZE = 100
"""Lines per page of a list."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One collection as lists show it.

    Attributes:
        collection: Its STAC Collection.
        partner: The STAC Catalog of its partner.
        items: How many items it has.
        geometries: Geometries of items, for the maps; a sample is enough.
    """

    collection: Json
    partner: Json
    items: int
    geometries: Sequence[Json | None] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list of items or collections."""

    id: str
    title: str
    href: str
    lang: str | None
    when: tuple[Value, ...]
    where: str | None
    restricted: bool
    partner: str = ""
    partner_href: str = ""
    items: int = 0
    collections: int = 0
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A page of a long list.

    Attributes:
        path: Where it goes.
        shown: Its lines.
        first: Number of the first of them, from 1.
        total: How many lines the list has.
        number: Number of the page, from 1.
        last: Number of the last page.
        names: File name of each page that is linked to, by its number; None for a gap.
    """

    path: str
    shown: Sequence[Any]
    first: int
    total: int
    number: int
    last: int
    names: Sequence[tuple[int, str] | None]

    def name(self, number: int) -> str:
        """Return the file name of a page beside this one."""
        return next(name for one in self.names if one for found, name in (one,) if found == number)


def in_parts(lines: Sequence[Any], first: str, more: str) -> Iterator[Part]:
    """Divide a list into pages of `PAGE_SIZE` lines; an empty list has one.

    Args:
        lines: What is listed.
        first: Path of the first page.
        more: Path of the others, with ``{}`` for their number.
    """
    last = max(1, -(-len(lines) // PAGE_SIZE))
    paths = [first, *(more.format(number) for number in range(2, last + 1))]
    for number, path in enumerate(paths, 1):
        start = (number - 1) * PAGE_SIZE
        names = [(page, posixpath.basename(paths[page - 1])) if page else None for page in window(number, last)]
        yield Part(path, lines[start : start + PAGE_SIZE], start + 1, len(lines), number, last, names)


def by_sphere(entries: Sequence[Entry]) -> Iterator[Part]:
    """Divide the list of collections into pages; each shows spheres (last "other") with the lines of theirs."""
    pairs = list(zip(entries, entry_rows(entries, "./"), strict=True))
    lines: list[tuple[str, Row]] = [
        (sphere, line) for sphere in SPHERES for one, line in pairs if sphere in spheres_of(one.collection)
    ]
    lines += [("other", line) for one, line in pairs if not spheres_of(one.collection)]
    for part in in_parts(lines, "collections.html", "collections-{}.html"):
        grouped = groupby(part.shown, itemgetter(0))
        yield replace(part, shown=[(sphere, [line for _, line in some]) for sphere, some in grouped])


@dataclass(frozen=True, slots=True)
class PartnerView:
    """A partner and its collections."""

    head: Head
    home: str | None
    map: PolarMap | None
    rows: tuple[Row, ...]
    items: int


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One line of the list of changes."""

    date: Value | None
    action: str
    title: str
    href: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class HomeView:
    """Everything the home page shows."""

    head: Head
    partners: tuple[Row, ...]
    collections: tuple[Row, ...]
    total: int
    items: int
    map: PolarMap | None
    changes: tuple[ChangeRow, ...]


def partner_view(partner: Json, entries: Sequence[Entry], rows: Sequence[Row]) -> PartnerView:
    """Read a partner's Catalog."""
    home = next((safe_href(link.get("href")) for link in links(partner, "about", "related", "via")), None)
    shown = collection_map([(entry.collection, entry.geometries) for entry in entries])
    return PartnerView(head(partner), home, shown, tuple(rows), sum(entry.items for entry in entries))


def home_view(
    catalog: Json, entries: Sequence[Entry], rows: Sequence[Row], partners: Sequence[Row], changes: Sequence[Json]
) -> HomeView:
    """Read the root Catalog and what it holds."""
    return HomeView(
        head(catalog),
        tuple(partners),
        tuple(rows),
        len(entries),
        sum(entry.items for entry in entries),
        collection_map([(entry.collection, entry.geometries) for entry in entries]),
        changes_view(changes),
    )


def changes_view(changes: Sequence[Json]) -> tuple[ChangeRow, ...]:
    """Read changes; ``action`` other than add, replace and withdraw counts as replace."""
    rows = []
    for change in changes:
        moment = instant(change.get("date"))
        action = text(change.get("action"))
        rows.append(
            ChangeRow(
                Value(moment.words, iso=moment.iso) if moment else None,
                action if action in {"add", "replace", "withdraw"} else "replace",
                text(change.get("title")) or text(change.get("href")) or "?",
                safe_href(change.get("href")),
                text(change.get("reason")),
            )
        )
    return tuple(rows)


def row(
    stac: Json, href: str, *, partner: str = "", partner_href: str = "", items: int = 0, collections: int = 0
) -> Row:
    """Read what a list shows of an Item, Collection or Catalog."""
    about = named(stac)
    words = text(properties(stac).get("description")) or text(stac.get("description")) or ""
    return Row(
        about.id,
        about.title,
        href,
        language(stac),
        tuple(_day(value) for value in when(stac)),
        where(stac),
        restricted(stac),
        partner,
        partner_href,
        items,
        collections,
        plain(words, 160),
    )


def _day(value: Value) -> Value:
    """Leave out the time of day, which lists have no room for."""
    return Value(value.iso[:10], iso=value.iso[:10]) if value.iso else value


def window(number: int, last: int) -> list[int | None]:
    """Return the page numbers to link to; None stands for a gap."""
    near = sorted({1, last, *range(max(1, number - 2), min(last, number + 2) + 1)})
    numbers: list[int | None] = []
    for before, page in zip([0, *near], near, strict=False):
        numbers += [page] if page == before + 1 else [None, page]
    return numbers


def beside(stac: Json) -> str:
    """Return the way from a collection's page to that of an Item, or of a Collection made of one record."""
    own = "/index" if stac.get("type") == "Collection" else ""
    return f"./{quote(str(stac['id']))}{own}.html"


def entry_rows(entries: Sequence[Entry], root: str) -> list[Row]:
    """Return the lines of collections in a list; ``root`` is the way to the catalogue's."""
    above = [f"{root}{entry.partner['id']}/" for entry in entries]
    return [
        entry_row(entry, f"{folder}{entry.collection['id']}/index.html", f"{folder}index.html")
        for entry, folder in zip(entries, above, strict=True)
    ]


def entry_row(entry: Entry, href: str, partner_href: str) -> Row:
    """Return the line of a collection that lies at ``href``, its partner's page at ``partner_href``."""
    partner = named(entry.partner).title
    return row(entry.collection, href, partner=partner, partner_href=partner_href, items=entry.items)


def partner_rows(entries: Sequence[Entry]) -> list[Row]:
    """Return the lines of the partners of collections in a list at the catalogue root."""
    grouped: dict[str, list[Entry]] = {}
    for entry in entries:
        grouped.setdefault(str(entry.partner["id"]), []).append(entry)
    return [
        row(some[0].partner, f"./{name}/index.html", collections=len(some), items=sum(one.items for one in some))
        for name, some in grouped.items()
    ]
