"""Builds a small website from the sample documents, and hostile items from recorded hostile words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.pages.feed import FEED, feed
from builder.pages.render import Entry, Renderer
from builder.processing.documents import process_files
from tests.unit.pages_samples import CATALOG, CHANGES, CTD, CTD_COLLECTION, ENTRIES, EXPLAIN, IMR, SHELVES, SOURCES


def website(renderer: Renderer) -> dict[str, bytes]:
    """Render every kind of page; path → bytes."""
    files = dict(renderer.static_files())
    files["index.html"] = renderer.home(CATALOG, ENTRIES, changes=CHANGES)
    files["partners.html"] = renderer.partners(ENTRIES)
    files |= dict(renderer.collections(ENTRIES))
    files["search/index.html"] = renderer.search(ENTRIES)
    files["compare/index.html"] = renderer.compare(ENTRIES)
    files["changes.html"] = renderer.changes(CHANGES)
    files[FEED] = feed(CHANGES, renderer.words, renderer.base)
    files["status.html"] = renderer.status(SOURCES)
    files["about.html"] = renderer.about(CATALOG)
    files["machines.html"] = renderer.machines(ENTRIES, oai=bool(renderer.base))
    files |= dict(process_files([], renderer)[0])
    files["accessibility.html"] = renderer.accessibility()
    files["404.html"] = renderer.not_found()
    files |= dict(renderer.well_known(()))
    for partner, shelf, items in SHELVES:
        files |= dict(
            renderer.collection(
                shelf, partner, list(map(renderer.listed, items)), [item.get("geometry") for item in items]
            )
        )
        mine = [entry for entry in ENTRIES if entry.partner is partner]
        files |= dict(renderer.partner(partner, mine))
        for item in items:
            files |= dict(renderer.pages(item, shelf, partner, explain=EXPLAIN))
    files["imr/ctd/gone.html"] = renderer.tombstone(
        "imr/ctd/gone.html",
        title="Old <b>profiles</b>",
        reason="withdrawn by the partner",
        partner=IMR,
        collection=CTD_COLLECTION,
        successor="imr/ctd/58jh-ctd-2003.html",
    )
    return files


def write(root: Path, files: dict[str, bytes]) -> None:
    """Write files below a folder."""
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


def documents() -> set[str]:
    """Paths of the files that other parts of the build put beside the pages."""
    paths = {
        "catalog.json",
        "status.json",
        "changes.ndjson",
        "collections.parquet",
        "datapackage.json",
        "imr/ctd/references/58jh-ctd-2003.json",
        "imr/ctd/references.json",
    }
    paths |= {"imr/ctd/records/58jh-ctd-2003.xml.txt", "nersc/seaice/data/ice-conc-20180801.tif"}
    paths |= {"nersc/seaice/data/ice-conc-20180801.csv"}
    for partner, shelf, items in SHELVES:
        folder = f"{partner['id']}/{shelf['id']}"
        paths |= {f"{partner['id']}/catalog.json", f"{folder}/collection.json", f"{folder}/datapackage.json"}
        paths |= {f"{folder}/{item['id']}.json" for item in items}
    return paths


def hostile_words(shared_data: Path) -> list[str]:
    """Every text in the recorded hostile records that carries markup or a dangerous address."""
    import netCDF4
    from lxml import etree

    folder = shared_data / "hostile"
    words: list[str] = []
    for case in ("oai-script-html", "oai-javascript-url"):
        words += [text for text in etree.parse(folder / case / "p1.xml").getroot().itertext() if text.strip()]
    words += _strings(json.loads((folder / "ckan-markdown" / "search.json").read_text()))
    with netCDF4.Dataset(folder / "nc-attr-html" / "bad.nc") as file:
        words += [str(file.getncattr(name)) for name in file.ncattrs()]
        words += [str(v.getncattr(name)) for v in file.variables.values() for name in v.ncattrs()]
    marked = ("<", "javascript:", "data:", "{{", "](")
    return sorted({text for text in words if any(mark in text for mark in marked)})


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def poisoned(value: Any, word: str) -> Any:
    """Replace every text in a document but identifiers, types and relations by ``word``."""
    if isinstance(value, dict):
        keep = {"id", "type", "rel", "roles", "collection"}
        return {key: part if key in keep else poisoned(part, word) for key, part in value.items()}
    if isinstance(value, list):
        return [poisoned(part, word) for part in value]
    return word if isinstance(value, str) else value


def hostile_pages(renderer: Renderer, shared_data: Path) -> dict[str, bytes]:
    """Render pages whose every word and address is hostile; path → bytes."""
    files = {}
    for number, word in enumerate(hostile_words(shared_data)):
        item, shelf, partner = (poisoned(document, word) for document in (CTD, CTD_COLLECTION, IMR))
        path = f"imr/ctd/hostile-{number}.html"
        files |= dict(renderer.pages(item, shelf, partner, explain=poisoned(EXPLAIN, word), path=path))
        place = f"imr/hostile-{number}/index.html"
        files |= dict(renderer.collection(shelf, partner, [renderer.listed(item)], [item["geometry"]], path=place))
        entries = [Entry(shelf, partner, 1, [item["geometry"]])]
        changes = [{"date": word, "action": word, "title": word, "href": word, "reason": word}]
        files |= dict(renderer.partner(partner, entries, path=f"hostile-{number}/index.html"))
        files[f"hostile-{number}.html"] = renderer.home(partner, entries, changes=changes)
        path = f"imr/ctd/hostile-gone-{number}.html"
        files[path] = renderer.tombstone(
            path, title=word, reason=word, partner=partner, collection=shelf, successor=word
        )
    return files
