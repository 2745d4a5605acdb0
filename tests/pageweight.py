"""What a first visit to each page of a website asks for and transfers, counted from its files."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import lxml.html

MOST_BYTES, MOST_REQUESTS = 70 * 1024, 6
"""Budget of the design: before the reader does anything, without a cache, text compressed."""
_OURS = re.compile(rb'href="\.[./]*/static/site\.css"')
"""In pages of the website: not in reports among the data, nor in a 404 page for another address than the folder's."""
_URL = re.compile(r"url\(([^)]+)\)")


def too_heavy(root: Path) -> list[tuple[str, int, int]]:
    """Path, requests and bytes of each page that is over the budget."""
    pages = [page for page in sorted(root.rglob("*.html")) if _OURS.search(page.read_bytes())]
    weights = ((page.relative_to(root).as_posix(), *weight(page)) for page in pages)
    return [one for one in weights if one[1] > MOST_REQUESTS or one[2] > MOST_BYTES]


def weight(page: Path) -> tuple[int, int]:
    """Requests and bytes of a page: itself, its style sheets with all their fonts, scripts and pictures."""
    parts = {file.resolve() for file in (page, *_parts(page))}
    return len(parts), sum(map(_transferred, parts))


def _parts(page: Path) -> Iterator[Path]:
    tree = lxml.html.fromstring(page.read_bytes())
    found = tree.xpath(
        "//script/@src | //img[not(@loading='lazy' and ancestor::details[not(@open)])]/@src | //image/@href"
        " | //link[@rel='stylesheet']/@href"
    )
    for href in {str(one) for one in found if not str(one).startswith("data:")}:
        file = page.parent / href
        yield file
        if file.suffix == ".css":
            yield from (file.parent / url for url in _URL.findall(file.read_text("utf-8")))


@cache
def _transferred(file: Path) -> int:
    data = file.read_bytes()
    return len(gzip.compress(data, mtime=0)) if file.suffix in {".html", ".css", ".js", ".svg"} else len(data)
