"""What the panel "Read values" of an item's page needs: where the references are, and what reads cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from builder.pages.markup import safe_href
from builder.pages.policy import plain_origin
from builder.pages.snippets import Snippet
from builder.pages.values import Json, mapping, properties, size_words, text, texts, whole

KINDS = frozenset({"series", "profile", "map"})
MOST_BYTES = 5_000_000
"""A read that takes more is not offered in the page."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that a page can read in place.

    Attributes:
        references: Address of the kerchunk references.
        size: Bytes of the file they were made of; None where not known.
        etag: Entity tag of that file.
        crs: Reference system of a projected grid.
        costs: Kind of read (``series``, ``profile``, ``map``), requests and size in words.
        opening: Python code that opens the references.
        groups: Groups of the file, each with the address of its own references and of those of the whole file.
        host: Origin of the file where pages may only reach it with leave of their policy (http).
    """

    references: str
    size: int | None
    etag: str | None
    crs: str | None
    costs: tuple[tuple[str, int, str], ...]
    opening: str
    groups: tuple[tuple[str, str, str], ...]
    host: str | None


def reading(item: Json, snippets: tuple[Snippet, ...], key: str = "references") -> Reading | None:
    """Return what the panel needs; None where the file's host lets no page read, or all reads are too large.

    Args:
        item: The STAC Item or Collection.
        snippets: The code that its page shows.
        key: Its asset with the references.
    """
    assets = mapping(item.get("assets"))
    found = mapping(assets.get(key))
    href, costs = safe_href(found.get("href")), tuple(_costs(found))
    if not href or not costs or found.get("iaos:web_readable") is not True:
        return None
    return Reading(
        href,
        whole(found.get("iaos:source_size")),
        text(found.get("iaos:source_etag")),
        text(properties(item).get("proj:code")),
        costs,
        next((one.code for one in snippets if one.key == {"references": "kerchunk"}.get(key, key)), ""),
        tuple(_groups(assets, href)),
        _host(assets),
    )


def _groups(assets: Json, whole_file: str) -> Iterator[tuple[str, str, str]]:
    for one in map(mapping, assets.values()):
        href, group = safe_href(one.get("href")), text(one.get("iaos:group"))
        if href and group and "group-references" in texts(one.get("roles")):
            yield group, href, whole_file


def _costs(references: Json) -> Iterator[tuple[str, int, str]]:
    """Yield the reads that are not too large."""
    for kind, said in mapping(references.get("iaos:read_cost")).items():
        requests, size = (whole(mapping(said).get(name)) for name in ("requests", "bytes"))
        if kind in KINDS and requests is not None and size is not None and size <= MOST_BYTES:
            yield kind, requests, size_words(size) or ""


def _host(assets: Json) -> str | None:
    """Return the origin of the first data file where it is reached by http."""
    data = (mapping(one) for one in assets.values())
    return plain_origin(next((text(one.get("href")) for one in data if "data" in texts(one.get("roles"))), None))
