"""What a page shows of processing: its figures, what the item was made from, and what was made from it."""

from __future__ import annotations

from collections.abc import Iterator

from builder.pages.facts import Value
from builder.pages.markup import safe_href
from builder.pages.values import Json, links, mapping, text, texts

DERIVED_FROM = "derived_from"
DERIVATION = "http://www.w3.org/ns/prov#hadDerivation"
PICTURES = frozenset({"image/png", "image/jpeg", "image/webp"})


def within(stac: Json, rel: str) -> tuple[Value, ...]:
    """Read links of a relation to other objects of the catalogue; they lead to the pages of these."""
    found = [
        Value(text(link.get("title")) or href, f"{href.removesuffix('.json').removesuffix('/collection')}{_page(href)}")
        for link in links(stac, rel)
        if (href := safe_href(link.get("href"))) and "://" not in href
    ]
    return tuple({value.href: value for value in found}.values())


def _page(href: str) -> str:
    return "/index.html" if href.endswith("/collection.json") else ".html"


def figures(stac: Json) -> tuple[Value, ...]:
    """Return the pictures in the catalogue that are meant to be looked at, with their titles."""
    return tuple(_figures(stac))


def _figures(stac: Json) -> Iterator[Value]:
    for key, entry in mapping(stac.get("assets")).items():
        asset = mapping(entry)
        href = safe_href(asset.get("href"))
        if "overview" in texts(asset.get("roles")) and asset.get("type") in PICTURES and href and "://" not in href:
            yield Value(text(asset.get("title")) or key, href)
