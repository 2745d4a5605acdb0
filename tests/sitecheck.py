"""What every page of a built website must have, and where its links lead, found in its files alone."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import lxml.html

GOOGLE_DATASET = {"name", "description", "license", "isAccessibleForFree", "includedInDataCatalog"}
"""Required and first of the recommended properties of Google's structured data for datasets."""


class Website:
    """The pages below a folder; ``prefix`` is the path of the address at which they are to stand."""

    def __init__(self, root: Path, prefix: str = "/"):
        self.root, self.prefix = root.resolve(), prefix
        files = (file for file in sorted(self.root.rglob("*.html")) if b"static/site.css" in file.read_bytes())
        self.pages = {file.relative_to(self.root).as_posix(): lxml.html.fromstring(file.read_bytes()) for file in files}

    def links(self) -> Iterator[tuple[str, str, str]]:
        """Page, address as written, and path that it leads to, of every link within the site."""
        for page, tree in self.pages.items():
            for href in {str(value) for value in tree.xpath("//@href | //@src | //@data-references")} - {""}:
                parts = urlsplit(href)
                if not parts.scheme and not parts.netloc:
                    path = unquote(parts.path)
                    below = posixpath.join(posixpath.dirname(page), path)
                    target = posixpath.normpath(path.removeprefix(self.prefix) if path.startswith("/") else below)
                    yield page, href, target if parts.path else page

    def broken(self) -> list[tuple[str, str]]:
        """Links that lead to no file, or to a part of their page that is not there."""
        ids = {page: set(tree.xpath("//@id")) for page, tree in self.pages.items()}
        found = []
        for page, href, target in self.links():
            part = urlsplit(href).fragment
            outside = target.startswith("..") or not (self.root / target).is_file()
            if outside or (part and target == page and part not in ids[page]):
                found.append((page, href))
        return found

    def unlinked(self) -> list[str]:
        """Pages to which no other leads."""
        reached = {target for page, _, target in self.links() if target != page}
        return [page for page in self.pages if page not in reached]

    def wanting(self) -> list[tuple[str, str]]:
        """Pages without something that every page has, and what it is."""
        return [(page, what) for page, tree in self.pages.items() for what in _missing(tree)]

    def datasets(self) -> dict[str, dict]:
        """The schema.org Dataset of each page that has one."""
        found = {}
        for page, tree in self.pages.items():
            for script in tree.xpath("//script[@type='application/ld+json']"):
                said = json.loads(script.text)
                if said["@type"] == "Dataset":
                    found[page] = said
        return found


def _missing(tree) -> Iterator[str]:
    titles = [title for title in tree.xpath("/html/head/title/text()") if title.strip()]
    if len(titles) != 1:
        yield "title"
    for name in ("description", "viewport"):
        if not [one for one in tree.xpath(f"//meta[@name='{name}']/@content") if one.strip()]:
            yield name
    if len(tree.xpath("//h1")) != 1 or not tree.xpath("string(//h1)").strip():
        yield "h1"
    if not tree.get("lang"):
        yield "lang"
    if len(tree.xpath("//main")) != 1:
        yield "main"
    if not tree.xpath("//meta[@http-equiv='Content-Security-Policy']"):
        yield "policy"


def wrong_dataset(said: dict) -> list[str]:
    """What Google Dataset Search would refuse of a Dataset, or warn of."""
    wrong = sorted(GOOGLE_DATASET - said.keys())
    if not 50 <= len(said.get("description", "")) <= 5000:
        wrong.append("length of description")
    if not isinstance(said.get("name"), str) or not said["name"].strip():
        wrong.append("name")
    for one in said.get("distribution", ()):
        if one["@type"] != "DataDownload" or not one.get("contentUrl", "").startswith("http"):
            wrong.append("distribution")
    box = said.get("spatialCoverage", {}).get("geo", {}).get("box")
    if box is not None and len([float(part) for part in box.split()]) != 4:
        wrong.append("box")
    return wrong
