"""Renders every page of the website with one Jinja environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from builder.pages import schemaorg
from builder.pages.embed import embed_of, embed_path, embed_view
from builder.pages.environment import environment
from builder.pages.linkhealth import PartnerLinks
from builder.pages.lists import (
    PAGE_SIZE,
    Entry,
    beside,
    by_sphere,
    changes_view,
    entry_row,
    entry_rows,
    home_view,
    in_parts,
    partner_rows,
    partner_view,
    row,
)
from builder.pages.machines import machines_view, stac_browser_href
from builder.pages.markup import safe_href
from builder.pages.messages import load_messages
from builder.pages.policy import ASKING, CONTENT_SECURITY, policy
from builder.pages.processes import ProcessView
from builder.pages.regions import named_regions
from builder.pages.status import SourceStatus, status_view
from builder.pages.values import Json, text
from builder.pages.views import CollectionView, ItemView, collection_view, head, item_view, named
from builder.pages.wellknown import OPENSEARCH, opensearch, robots, sitemap
from builder.resources import site_folder

__all__ = ["CONTENT_SECURITY", "PAGE_SIZE", "Entry", "Renderer"]

MOST_CHANGES = 500
MOST_LISTED = 50
"""Most collections on the home page and on the search page; all are on pages of their own."""
MOST_DRAWN = 1000
"""Most items on the map of a collection; of more, every second, third ... is drawn."""


class Renderer:
    """Makes pages from STAC dicts; every URL it writes is relative.

    Paths are relative to the catalogue root. Where ``path`` is None the usual place is meant:
    ``<partner>/<collection>/<item>.html`` and so on.

    Args:
        base_url: Where the catalogue will stand; adds canonical links and allows a sitemap.
        language: Which file of ``site/messages`` to use.
        stac_browser: Address of an instance of STAC Browser to which pages lead; needs a base URL.

    Raises:
        UsageError: The templates or the language are missing.
    """

    def __init__(self, base_url: str | None = None, language: str = "en", *, stac_browser: str | None = None) -> None:
        self.base = f"{base_url.rstrip('/')}/" if base_url else ""
        self.stac_browser = stac_browser or ""
        self.language = language
        self.words = load_messages(language)
        self.environment = environment(language)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let another process make it once, whatever it is sent with."""
        return _renderer, (self.base, self.language, self.stac_browser)

    def item(
        self, item: Json, collection: Json, partner: Json, *, explain: Json | None = None, path: str | None = None
    ) -> bytes:
        """Render an item's page; ``explain`` is what `builder.explain.explain` returned."""
        return next(self.pages(item, collection, partner, explain=explain, path=path))[1]

    def pages(
        self, item: Json, collection: Json, partner: Json, *, explain: Json | None = None, path: str | None = None
    ) -> Iterator[tuple[str, bytes]]:
        """Render an item's page and what other sites show in a frame (``…/embed/<item>.html``): path and bytes of each.

        A Collection of its own has only the page.
        """
        path = path or f"{partner['id']}/{collection['id']}/{item['id']}.html"
        above, around = named(partner), named(collection)
        document = f"{path[:-5]}.json".replace("/index.json", "/collection.json")
        view = item_view(item, above.title, page=path, base=self.base, explain=explain)
        title, url, host = view.head.title, self._url(path), view.reading.host if view.reading else None
        embed = embed_of(path, self.base, title)
        yield (
            path,
            self._render(
                "item.html",
                path,
                view=view,
                title=title,
                partner=above,
                collection=around,
                canonical=view.landing or url,
                document=document.rpartition("/")[2],
                layer=quote(document),
                **policy(host, services=view.services),
                browser=self._browser(document),
                embed=embed,
                jsonld=self._dataset(item, view, path),
            ),
        )
        if embed:
            about = {"view": embed_view(view, page=path), "title": title, "canonical": url, "robots": "noindex"}
            yield embed_path(path), self._render("embed.html", embed_path(path), **about, **policy(host))

    def listed(self, item: Json) -> str:
        """Render the line of an Item, or of a Collection made from a record, in the list of its collection."""
        return self._render("listed.html", "", row=row(item, beside(item))).decode()

    def collection(
        self, collection: Json, partner: Json, lines: Sequence[str], drawn: Sequence[Json | None] = (), path: str = ""
    ) -> Iterator[tuple[str, bytes]]:
        """Render a collection's pages: path (``…/index.html``, ``…/page-2.html`` …) and bytes of each.

        ``lines`` is what `listed` made of all its items, in their order; ``drawn`` are geometries for the map, of which
        a sample of `MOST_DRAWN` items is enough. The items' pages lie beside the first page, at ``path``.
        """
        path = path or f"{partner['id']}/{collection['id']}/index.html"
        above = named(partner)
        view = collection_view(collection, above.title, drawn, page=path, base=self.base)
        for part in in_parts(lines, path, path.replace("index.html", "page-{}.html")):
            yield (
                part.path,
                self._render(
                    "collection.html",
                    part.path,
                    view=view,
                    title=view.head.title,
                    partner=above,
                    lines=[Markup(line) for line in part.shown],  # noqa: S704 - made by `listed`
                    part=part,
                    browser=self._browser(path.replace("index.html", "collection.json")),
                    canonical=self._url(part.path) if part.number > 1 else view.landing or self._url(part.path),
                    jsonld=self._dataset(collection, view, part.path) if part.number == 1 else None,
                ),
            )

    def partner(
        self, partner: Json, entries: Sequence[Entry], *, path: str | None = None
    ) -> Iterator[tuple[str, bytes]]:
        """Render a partner's pages: path (``<partner>/index.html``, ``…/page-2.html`` …) and bytes of each."""
        path = path or f"{partner['id']}/index.html"
        rows = [entry_row(entry, f"./{entry.collection['id']}/index.html", "./index.html") for entry in entries]
        view = partner_view(partner, entries, rows)
        for part in in_parts(rows, path, path.replace("index.html", "page-{}.html")):
            canonical = self._url(part.path)
            yield (
                part.path,
                self._render(
                    "partner.html", part.path, view=view, part=part, title=view.head.title, canonical=canonical
                ),
            )

    def collections(self, entries: Sequence[Entry]) -> Iterator[tuple[str, bytes]]:
        """Render the list of collections (``collections.html``, ``collections-2.html`` …): path and bytes of each."""
        about = {"title": self.words("nav.collections"), "total": len(entries)}
        for part in by_sphere(entries):
            yield (
                part.path,
                self._render("collections.html", part.path, part=part, canonical=self._url(part.path), **about),
            )

    def partners(self, entries: Sequence[Entry]) -> bytes:
        """Render the list of partners (``partners.html``)."""
        return self._render(
            "partners.html",
            "partners.html",
            title=self.words("partners.title"),
            partners=partner_rows(entries),
            canonical=self._url("partners.html"),
        )

    def home(self, catalog: Json, entries: Sequence[Entry], *, changes: Sequence[Json] = ()) -> bytes:
        """Render the home page (``index.html``) from the root STAC Catalog."""
        rows = entry_rows(entries[:MOST_LISTED], "./")
        view = home_view(catalog, entries, rows, partner_rows(entries), changes[:10])
        listed = [{"name": line.title, "url": self._url(line.href.removeprefix("./"))} for line in rows]
        site = self._url("index.html")
        jsonld = schemaorg.data_catalog(self.words("site.name"), self.words("site.summary"), listed, site)
        about = {"csp": ASKING, "view": view, "title": None, "canonical": site, "jsonld": jsonld}
        return self._render("home.html", "index.html", **about)

    def search(self, entries: Sequence[Entry]) -> bytes:
        """Render the search page (``search/index.html``)."""
        rows, regions = entry_rows(entries[:MOST_LISTED], "../"), named_regions(self.words)
        path, about = "search/index.html", {"title": self.words("search.title"), "rows": rows, "total": len(entries)}
        return self._render("search.html", path, canonical=self._url(path), regions=regions, **about)

    def compare(self, entries: Sequence[Entry], hosts: Iterable[str] = ()) -> bytes:
        """Render the page that compares layers (``compare/index.html``).

        Args:
            entries: The collections, to which it leads.
            hosts: Origins on http from which it may read, besides all on https.
        """
        rows = entry_rows(entries[:MOST_LISTED], "../")
        path, about = "compare/index.html", {"title": self.words("compare.title"), "rows": rows, "total": len(entries)}
        return self._render("compare.html", path, canonical=self._url(path), **policy(*hosts), **about)

    def changes(self, changes: Sequence[Json]) -> bytes:
        """Render the list of changes (``changes.html``) in the order given: newest first.

        Each change may have ``date`` (RFC 3339), ``action`` (add, replace, withdraw), ``title``,
        ``href`` (path from the root) and ``reason``.
        """
        return self._render(
            "changes.html",
            "changes.html",
            title=self.words("changes.title"),
            rows=changes_view(changes[:MOST_CHANGES]),
            canonical=self._url("changes.html"),
        )

    def status(self, sources: Sequence[SourceStatus], links: Sequence[PartnerLinks] = ()) -> bytes:
        """Render the status page (``status.html``), the only page that differs from night to night."""
        path = "status.html"
        view = status_view(sources, links)
        return self._render(path, path, title=self.words("status.title"), view=view, canonical=self._url(path))

    def about(self, catalog: Json) -> bytes:
        """Render the about page (``about.html``): what it is, limits."""
        return self._render(
            "about.html",
            "about.html",
            title=self.words("about.title"),
            view=head(catalog),
            canonical=self._url("about.html"),
        )

    def machines(self, entries: Sequence[Entry], *, oai: bool = False) -> bytes:
        """Render the page for machines (``machines.html``): files and code; ``oai`` says that there is ``oai.xml``."""
        path = "machines.html"
        view = machines_view(entries, self.base, dcat=bool(self.base), oai=oai)
        return self._render(
            path,
            path,
            title=self.words("machines.title"),
            view=view,
            browser=self._browser("catalog.json"),
            canonical=self._url(path),
        )

    def processes(self, views: Sequence[ProcessView]) -> bytes:
        """Render the list of processing services (``processes/index.html``)."""
        path = "processes/index.html"
        return self._render(
            "processes.html", path, title=self.words("processes.title"), views=views, canonical=self._url(path)
        )

    def process(self, view: ProcessView) -> bytes:
        """Render the page of a processing service (``processes/<name>.html``)."""
        path = f"processes/{view.name}.html"
        return self._render("process.html", path, title=view.title, view=view, canonical=self._url(path))

    def accessibility(self) -> bytes:
        """Render the accessibility statement (``accessibility.html``)."""
        path = "accessibility.html"
        return self._render(path, path, title=self.words("accessibility.title"), canonical=self._url(path))

    def not_found(self) -> bytes:
        """Render the page for wrong addresses (``404.html``).

        A server shows it at any depth, so with a base URL its links begin with that URL's path.
        """
        root = urlsplit(self.base).path if self.base else "./"
        return self._render("404.html", "404.html", title=self.words("missing.title"), root=root, robots="noindex")

    def tombstone(
        self, path: str, *, title: str, reason: str, partner: Json, collection: Json, successor: str | None = None
    ) -> bytes:
        """Render what stays at a withdrawn item's address; ``successor`` is a URL or a path from the root."""
        target = safe_href(successor)
        if target and "://" not in target:
            target = _root(path) + target
        return self._render(
            "tombstone.html",
            path,
            title=text(title) or self.words("tombstone.untitled"),
            reason=text(reason),
            partner=named(partner),
            collection=named(collection),
            successor=target,
            robots="noindex",
        )

    def static_files(self) -> Iterator[tuple[str, bytes]]:
        """Yield path (``static/…``) and bytes of the style sheet, fonts and pictures."""
        folder = site_folder() / "static"
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                yield f"static/{file.relative_to(folder).as_posix()}", file.read_bytes()

    def well_known(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield what crawlers and browsers look for beside pages at these paths; without a base URL there is little."""
        yield "robots.txt", robots(self.base)
        if self.base:
            yield "sitemap.xml", sitemap(self.base, paths)
            yield OPENSEARCH, opensearch(self.words, self.base, self.language)

    def _render(self, template: str, path: str, **values: Any) -> bytes:
        described = f"{_root(path)}{OPENSEARCH}" if self.base else None
        defaults = {"root": _root(path), "path": path, "canonical": None, "jsonld": None, "robots": None}
        defaults["opensearch"] = described
        return self.environment.get_template(template).render(defaults | values).encode("utf-8", "replace")

    def _url(self, path: str) -> str | None:
        return f"{self.base}{quote(path)}" if self.base else None

    def _browser(self, document: str) -> str | None:
        return stac_browser_href(self.stac_browser, f"{self.base}{quote(document)}") if self.base else None

    def _dataset(self, stac: Json, view: ItemView | CollectionView, path: str) -> Mapping[str, Any]:
        return schemaorg.dataset(
            stac,
            title=view.head.title,
            makers=view.citation.makers,
            landing=view.landing,
            catalog=self.words("site.name"),
            padding=self.words("site.padding", id=view.head.id),
            url=self._url(path),
        )


@cache
def _renderer(base_url: str, language: str, stac_browser: str) -> Renderer:
    return Renderer(base_url, language, stac_browser=stac_browser)


def _root(path: str) -> str:
    """Return the way from a page to the catalogue root."""
    return "../" * path.count("/") or "./"
