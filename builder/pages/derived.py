"""What a page shows of processing: its figures, what the item was made from, and what was made from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from builder.pages.facts import Value
from builder.pages.markup import safe_href
from builder.pages.values import Json, links, mapping, size_words, text, texts, whole

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


@dataclass(frozen=True, slots=True)
class Figures:
    """Pictures, and what they weigh together; None where the catalogue does not say."""

    pictures: tuple[Value, ...]
    size: str | None


def figures(stac: Json) -> Figures:
    """Return the pictures in the catalogue that are meant to be looked at, with their titles."""
    found = dict(_figures(stac))
    sizes = [whole(asset.get("file:size")) for asset in found.values()]
    known = [size for size in sizes if size is not None]
    return Figures(tuple(found), size_words(sum(known)) if known and len(known) == len(sizes) else None)


def _figures(stac: Json) -> Iterator[tuple[Value, Json]]:
    for key, entry in mapping(stac.get("assets")).items():
        asset = mapping(entry)
        roles = texts(asset.get("roles"))
        shown = "thumbnail" in roles or ("overview" in roles and asset.get("type") in PICTURES)
        href = safe_href(asset.get("href")) if shown else None
        if href and "://" not in href:
            yield Value(text(asset.get("title")) or key, href), asset
