"""Pages at the scale of ESA's Open Science Catalog: its 2,224 documents, every collection and item of them rendered."""

from __future__ import annotations

import json
import tarfile
from collections import defaultdict
from urllib.parse import urljoin

import pytest

from builder.pages.render import Entry, Renderer
from tests.pageweight import too_heavy
from tests.sitecheck import Website, wrong_dataset

ARCHIVE = "science/cloud/open-science-catalog-metadata_b539bd3b_2026-07-15_json.tar.gz"
HOME = "https://esa-earthcode.github.io/open-science-catalog-metadata/"
PARTNER = {
    "type": "Catalog",
    "id": "osc",
    "title": "Open Science Catalog",
    "description": "Earth science of ESA's projects.",
}
OURS = {"root", "parent", "self", "child", "item", "items", "collection"}


@pytest.fixture(scope="module")
def documents(shared_data):
    found = {}
    with tarfile.open(shared_data / ARCHIVE) as archive:
        for member in archive:
            if member.name.endswith(".json"):
                found[member.name.removeprefix("osc/")] = json.loads(archive.extractfile(member).read())
    return found


def at_home(path: str, stac: dict) -> dict:
    """A document with whole addresses, as a harvest has them, and without the links that only its catalogue has."""
    links = [one | {"href": urljoin(HOME + path, one["href"])} for one in stac["links"] if one["rel"] not in OURS]
    assets = {key: one | {"href": urljoin(HOME + path, one["href"])} for key, one in stac.get("assets", {}).items()}
    return stac | {"links": links, "assets": assets}


@pytest.fixture(scope="module")
def site(documents, tmp_path_factory):
    renderer, root = Renderer("https://data.example.org/iaos"), tmp_path_factory.mktemp("osc")
    whole = {path: at_home(path, stac) for path, stac in documents.items() if stac["type"] in {"Collection", "Feature"}}
    items = defaultdict(list)
    for stac in whole.values():
        if stac["type"] == "Feature":
            items[stac.get("collection")].append(stac)
    shelves = [stac for stac in whole.values() if stac["type"] == "Collection"]
    entries = [Entry(shelf, PARTNER, len(items[shelf["id"]])) for shelf in shelves]
    files = {"catalog.json": b"{}", "osc/catalog.json": b"{}"}
    files |= dict(renderer.static_files()) | {"index.html": renderer.home(PARTNER, entries)}
    files |= {"partners.html": renderer.partners(entries), "search/index.html": renderer.search(entries)}
    files |= dict(renderer.collections(entries)) | dict(renderer.partner(PARTNER, entries))
    for shelf in shelves:
        files |= dict(renderer.collection(shelf, PARTNER, list(map(renderer.listed, items[shelf["id"]]))))
        files[f"osc/{shelf['id']}/collection.json"] = b"{}"
        for item in items[shelf["id"]]:
            path = f"osc/{shelf['id']}/{item['id']}.html"
            files |= dict(renderer.pages(item, shelf, PARTNER)) | {f"{path[:-5]}.json": b"{}"}
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return Website(root)


ELSEWHERE = {"changes.html", "changes.atom", "about.html", "machines.html", "accessibility.html", "status.html"}
ELSEWHERE |= {"processes/index.html", "compare/index.html", "opensearch.xml"}
"""What a build writes beside these pages."""


def test_every_collection_and_item_has_a_page(documents, site):
    kinds = [stac["type"] for stac in documents.values()]
    assert (kinds.count("Collection"), kinds.count("Feature"), len(kinds)) == (559, 324, 2224)
    shelves = {stac["id"] for stac in documents.values() if stac["type"] == "Collection"}
    assert {f"osc/{name}/index.html" for name in shelves} <= site.pages.keys()
    placed = {(stac["collection"], stac["id"]) for stac in documents.values() if stac.get("collection")}
    assert len([page for page in site.pages if "/embed/" in page]) == len(placed) > 290  # 26 items name no collection


def test_no_page_or_link_is_broken_and_none_is_too_heavy(site):
    assert site.wanting() == []
    assert [(page, href) for page, href in site.broken() if href.lstrip("./").partition("?")[0] not in ELSEWHERE] == []
    assert site.unlinked() == []
    assert too_heavy(site.root) == []


def test_every_dataset_can_be_found(site):
    found = site.datasets()
    assert len(found) > 850
    wrong = {page: told for page, said in found.items() if (told := wrong_dataset(said))}
    assert {page: told for page, told in wrong.items() if told != ["license"]} == {}  # half of the projects name none
