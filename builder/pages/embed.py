"""View model of the small page of an item that other sites show in a frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import quote

from markupsafe import escape

from builder.pages.citation import Citation
from builder.pages.polarmap import PolarMap
from builder.pages.reading import Reading
from builder.pages.views import Head, ItemView

FOLDER = "embed"


@dataclass(frozen=True, slots=True)
class EmbedView:
    """Everything the page in a frame shows; ``page`` leads from it to the item's own page."""

    head: Head
    map: PolarMap | None
    place: str | None
    citation: Citation
    reading: Reading | None
    page: str


@dataclass(frozen=True, slots=True)
class Embed:
    """How an item's page offers it: HTML to copy, and the way there."""

    code: str
    href: str


def embed_path(page: str) -> str:
    """Return the path of the page in a frame that goes with an item's page.

    >>> embed_path("imr/ctd/a.html")
    'imr/ctd/embed/a.html'
    """
    folder, slash, name = page.rpartition("/")
    return f"{folder}{slash}{FOLDER}/{name}"


def embed_of(page: str, base: str, title: str) -> Embed | None:
    """Return the offer; None for a Collection of its own, which has none.

    The code is to be pasted into other people's pages, so the title is escaped in it.
    """
    if page.endswith("/index.html"):
        return None
    path = embed_path(page)
    code = f'<iframe src="{base}{quote(path)}" title="{escape(title)}" width=480 height=720></iframe>'
    return Embed(code, f"./{FOLDER}/{quote(page.rpartition('/')[2])}")


def embed_view(view: ItemView, *, page: str) -> EmbedView:
    """Take from an item's page, at the path ``page``, what the page in a frame shows."""
    found = view.reading
    if found is not None and "://" not in found.references:
        found = replace(found, references=f"../{found.references.removeprefix('./')}")
    return EmbedView(
        head=view.head,
        map=view.map,
        place=view.place,
        citation=view.citation,
        reading=found,
        page=f"../{quote(page.rpartition('/')[2])}",
    )
