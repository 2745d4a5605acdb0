"""Renders every page of the website with one Jinja environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One collection as lists show it: its STAC Collection, its partner's STAC Catalog and how many items it has."""

    collection: Json
    partner: Json
    items: int


class Renderer:
    """Makes pages from STAC dicts; every URL it writes is relative.

    Paths are relative to the catalogue root. Where ``path`` is None the usual place is meant:
    ``<partner>/<collection>/<item>.html`` and so on.

    Args:
        base_url: Where the catalogue will stand; adds canonical links and allows a sitemap.
        language: Which file of ``site/messages`` to use.
    """

    def __init__(self, base_url: str | None = None, language: str = "en") -> None:
        raise NotImplementedError

    def item(
        self, item: Json, collection: Json, partner: Json, *, explain: Json | None = None, path: str | None = None
    ) -> bytes:
        """Render an item's page; ``explain`` is what `builder.explain.explain` returned."""
        raise NotImplementedError

    def collection(
        self, collection: Json, partner: Json, items: Sequence[Json], *, path: str | None = None
    ) -> Iterator[tuple[str, bytes]]:
        """Render a collection's pages: path (``…/index.html``, ``…/page-2.html`` …) and bytes of each."""
        raise NotImplementedError

    def partner(self, partner: Json, entries: Sequence[Entry], *, path: str | None = None) -> bytes:
        """Render a partner's page (``<partner>/index.html``)."""
        raise NotImplementedError

    def partners(self, entries: Sequence[Entry]) -> bytes:
        """Render the list of partners (``partners.html``)."""
        raise NotImplementedError

    def home(self, catalog: Json, entries: Sequence[Entry], *, changes: Sequence[Json] = ()) -> bytes:
        """Render the home page (``index.html``) from the root STAC Catalog."""
        raise NotImplementedError

    def changes(self, changes: Sequence[Json]) -> bytes:
        """Render the list of changes (``changes.html``), newest first.

        Each change may have ``date`` (ISO 8601), ``action`` (add, replace, withdraw), ``title``,
        ``href`` (path from the root), ``collection`` and ``reason``.
        """
        raise NotImplementedError

    def about(self, catalog: Json) -> bytes:
        """Render the about page (``about.html``): what it is, machine access, limits."""
        raise NotImplementedError

    def accessibility(self) -> bytes:
        """Render the accessibility statement (``accessibility.html``)."""
        raise NotImplementedError

    def not_found(self) -> bytes:
        """Render the page for wrong addresses (``404.html``)."""
        raise NotImplementedError

    def tombstone(
        self, path: str, *, title: str, reason: str, partner: Json, collection: Json, successor: str | None = None
    ) -> bytes:
        """Render what stays at a withdrawn item's address; ``successor`` is a URL or a path from the root."""
        raise NotImplementedError

    def static_files(self) -> Iterator[tuple[str, bytes]]:
        """Yield path (``static/…``) and bytes of the style sheet, fonts and pictures."""
        raise NotImplementedError

    def robots(self) -> bytes:
        """Return ``robots.txt``."""
        raise NotImplementedError

    def sitemap(self, paths: Iterable[str]) -> bytes | None:
        """Return ``sitemap.xml`` for pages at these paths; None without a base URL."""
        raise NotImplementedError
