"""The set of pages of the website, on the demo at an address of its own: each is there, linked, and complete."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from builder.build import Request, build
from builder.demo import partners, write_definitions
from tests.pageweight import too_heavy
from tests.servers.real_ckan import free_port
from tests.sitecheck import Website, wrong_dataset

BASE = "https://data.example.org/iaos/"
BROWSER = "https://browser.example.org/"
ONCE = (
    "index.html", "collections.html", "partners.html", "search/index.html", "compare/index.html", "status.html",
    "changes.html", "machines.html", "processes/index.html", "about.html", "accessibility.html", "404.html",
)  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    with partners(folder / "partners", free_port()) as url:
        write_definitions(folder / "collections", url)
        request = Request(folder / "collections", folder / "out", folder / "state", base_url=BASE, stac_browser=BROWSER)
        build(request, lambda task: None)
    return Website(folder / "out", "/iaos/")


def test_every_kind_of_page_is_there(site):
    assert set(ONCE) <= site.pages.keys()
    kinds = {
        "partner": r"demo-[a-z-]+/index\.html", "collection": r"demo-[a-z-]+/demo-[a-z-]+/index\.html",
        "item": r"demo-[a-z-]+/demo-[a-z-]+/[^/]+\.html", "frame": r"demo-[a-z-]+/demo-[a-z-]+/embed/[^/]+\.html",
        "process": r"processes/(?!index)[a-z0-9-]+\.html",
    }  # fmt: skip
    for kind, pattern in kinds.items():
        assert [page for page in site.pages if re.fullmatch(pattern, page)], kind
    for file in ("robots.txt", "sitemap.xml", "opensearch.xml", "changes.atom", "catalog.json"):
        assert (site.root / file).is_file(), file


def test_every_page_has_what_every_page_needs(site):
    assert site.wanting() == []
    assert site.broken() == []
    assert site.unlinked() == ["404.html"]
    assert too_heavy(site.root) == []


def test_canonical_addresses_are_as_designed(site):
    """Its own; of what was harvested the partner's, so that we do not compete with it; of a frame its item's."""
    for page, tree in site.pages.items():
        found = tree.xpath("/html/head/link[@rel='canonical']/@href")
        hidden = tree.xpath("//meta[@name='robots']/@content") == ["noindex"]
        assert hidden == (page == "404.html" or "/embed/" in page), page
        if page == "404.html":
            assert found == []
        elif "/embed/" in page:
            assert found == [BASE + page.replace("/embed/", "/")], page
        else:
            (address,) = found
            assert address == BASE + page or not address.startswith(BASE), page
    assert site.pages["demo-awi/demo-expeditions/pangaea-990001.html"].xpath("//link[@rel='canonical']/@href") != [
        f"{BASE}demo-awi/demo-expeditions/pangaea-990001.html"
    ]


def test_the_sitemap_has_the_pages_that_want_to_be_found(site):
    place = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"
    listed = {one.text for one in ET.parse(site.root / "sitemap.xml").iter(place)}
    assert listed == {BASE + page for page in site.pages if page != "404.html" and "/embed/" not in page}


def test_datasets_are_what_google_dataset_search_asks_for(site):
    datasets = site.datasets()
    described = {page for page in site.pages if re.fullmatch(r"demo-[^/]+/demo-[^/]+/(?!page-)[^/]+\.html", page)}
    assert described <= datasets.keys()
    assert {page: wrong for page, said in datasets.items() if (wrong := wrong_dataset(said))} == {}
    assert all(said["url"] == BASE + page for page, said in datasets.items())
    assert site.pages["index.html"].xpath("//script[@type='application/ld+json']")


def test_each_document_opens_in_stac_browser(site):
    """STAC Browser shows a document at ``#/external/`` and its address without ``https://``."""
    documents = 0
    for page, tree in site.pages.items():
        for href in tree.xpath(f"//a[starts-with(@href, '{BROWSER}')]/@href"):
            start, _, path = href.partition("#/external/data.example.org/iaos/")
            assert start == BROWSER
            assert (site.root / path).is_file(), (page, path)
            documents += 1
    items = [page for page in site.pages if re.fullmatch(r"demo-[^/]+/demo-[^/]+/[^/]+\.html", page)]
    assert documents > len(items)


def test_changes_are_a_feed(site):
    feed = ET.parse(site.root / "changes.atom").getroot()
    assert feed.tag == "{http://www.w3.org/2005/Atom}feed"
    assert feed.findall("{http://www.w3.org/2005/Atom}entry")
    (href,) = site.pages["index.html"].xpath("//link[@type='application/atom+xml']/@href")
    assert href == "./changes.atom"
