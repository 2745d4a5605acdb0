"""The website as a whole: every link leads somewhere, pages are light, well formed and repeatable."""

from __future__ import annotations

import json
import posixpath
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import html5lib
import pytest

from builder.pages.markup import icon
from builder.pages.messages import load_messages
from builder.pages.policy import ASKING, CONTENT_SECURITY
from builder.pages.render import PAGE_SIZE, Renderer
from builder.resources import site_folder
from tests.pageweight import too_heavy, weight
from tests.unit.pages_build import documents, hostile_pages, website, write
from tests.unit.pages_samples import CATALOG, CTD, CTD_COLLECTION, ENTRIES, IMR

X = "{http://www.w3.org/1999/xhtml}"
EVERY_PAGE = {"static/site.css", "static/land.svg"}
EVERY_PAGE |= {"static/fonts/iaos-sans.woff2", "static/fonts/iaos-code.woff2"}


@pytest.fixture(scope="module")
def site() -> dict[str, bytes]:
    return website(Renderer())


@pytest.fixture(scope="module")
def trees(site):
    pages = {path: data for path, data in site.items() if path.endswith(".html")}
    return {
        path: html5lib.HTMLParser(strict=True).parse(data, transport_encoding="utf-8") for path, data in pages.items()
    }


def references(tree):
    for element in tree.iter():
        if isinstance(element.tag, str):
            for name in ("href", "src", "{http://www.w3.org/1999/xlink}href"):
                if element.get(name) not in {None, icon()}:
                    yield element.tag.rpartition("}")[2], element.get(name)


def test_every_relative_reference_leads_to_a_file(site, trees):
    known = site.keys() | documents()
    for path, tree in trees.items():
        ids = {element.get("id") for element in tree.iter()}
        for _, href in references(tree):
            parts = urlsplit(href)
            if parts.scheme:
                assert parts.scheme in {"http", "https", "mailto"}, (path, href)
                continue
            assert not href.startswith("/"), (path, href)
            target = (
                posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(parts.path))) if parts.path else path
            )
            assert target in known, (path, href)
            if parts.fragment and target == path:
                assert parts.fragment in ids, (path, href)


def test_nothing_is_loaded_from_elsewhere(trees):
    for path, tree in trees.items():
        for tag, href in references(tree):
            if tag in {"img", "image", "script", "use", "iframe"}:
                assert not urlsplit(href).scheme, (path, href)
        loaded = [link.get("href") for link in tree.iter(X + "link") if link.get("rel") == "stylesheet"]
        assert all(not urlsplit(href).scheme for href in loaded)


def test_no_page_shows_how_python_writes_an_object(trees):
    for path, tree in trees.items():
        assert not re.search(r"\b(Time|Value|Fact|Named|Row)\(\w+=", "".join(tree.itertext())), path


def test_style_sheet_loads_only_files_that_exist(site):
    used = re.findall(r"url\(([^)]+)\)", site["static/site.css"].decode())
    assert set(used) == {path.removeprefix("static/") for path in EVERY_PAGE if path.endswith(".woff2")}
    assert all(f"static/{path}" in site for path in used)


def test_a_page_weighs_at_most_70_kib_in_six_requests(site, tmp_path):
    write(tmp_path, site)
    assert too_heavy(tmp_path) == []
    requests, _ = weight(tmp_path / "nersc/seaice/ice-conc-20180801.html")
    assert requests == 6  # page, style, two fonts, land, script: a file more would be one too many


def test_pictures_wait_until_they_are_asked_for():
    picture = {"href": "./map.png", "type": "image/png", "roles": ["overview"], "file:size": 41_000}
    assets = {"a.png": picture | {"title": "Ice"}, "b.png": picture | {"href": "./b.png", "roles": ["thumbnail"]}}
    page = html5lib.parse(Renderer().item(CTD | {"assets": assets}, CTD_COLLECTION, IMR))
    (shown,) = [one for one in page.iter(X + "details") if one.find(f".//{X}img") is not None]
    assert shown.get("open") is None
    assert shown.find(X + "summary").text == "Show 2 pictures (82 kB)"
    pictures = list(page.iter(X + "img"))[1:]  # after the mark of the site
    assert [(one.get("src"), one.get("alt"), one.get("loading")) for one in pictures] == [
        ("./map.png", "Ice", "lazy"),
        ("./b.png", "b.png", "lazy"),
    ]


def test_pages_state_language_policy_and_one_heading(trees):
    for path, tree in trees.items():
        assert tree.get("lang") == "en", path
        policy = [m.get("content") for m in tree.iter(X + "meta") if m.get("http-equiv") == "Content-Security-Policy"]
        asks = any(form.get("action") for form in tree.iter(X + "form"))
        assert policy == [ASKING if asks else CONTENT_SECURITY], path
        assert asks == (path == "index.html")
        assert len(list(tree.iter(X + "h1"))) == 1, path
        assert len(list(tree.iter(X + "main"))) == 1, path
        ids = [element.get("id") for element in tree.iter() if element.get("id")]
        assert len(ids) == len(set(ids)), path
        assert all(element.get("style") is None for element in tree.iter()), path


def test_tables_have_caption_and_scopes(trees):
    for path, tree in trees.items():
        for table in tree.iter(X + "table"):
            assert table.find(X + "caption") is not None, path
            assert all(cell.get("scope") in {"col", "row"} for cell in table.iter(X + "th")), path


def ours(script) -> bool:
    """Tell whether it is the entry of the site's own code, with nothing inline."""
    return str(script.get("src")).endswith("static/app/page.js") and not (script.text or "").strip()


def test_no_script_but_structured_data_and_our_own(trees):
    for path, tree in trees.items():
        for script in tree.iter(X + "script"):
            if not ours(script):
                assert script.get("type") == "application/ld+json", path
                assert json.loads(script.text)["@context"] == "https://schema.org/"


def test_repeats_byte_for_byte_whatever_the_hash_seed():
    program = (
        "import hashlib; from builder.pages.render import Renderer; from tests.unit.pages_build import website;"
        "print(hashlib.sha256(repr(sorted(website(Renderer()).items())).encode()).hexdigest())"
    )
    root = Path(__file__).resolve().parents[2]
    run = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=root,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert run[0] == run[1] != ""


def test_words_are_all_used_and_all_there():
    # Every key a template names is in the catalogue (a missing one raises), and no key lies idle.
    templates = "".join(file.read_text() for file in (site_folder() / "templates").glob("*.html"))
    code = "".join(file.read_text() for file in Path(__file__).resolve().parents[2].glob("builder/pages/*.py"))
    composed = (
        "fact.",
        "format.",
        "role.",
        "snippet.",
        "count.",
        "map.part",
        "map.all",
        "changes.",
        "reading.",
        "search",
        "live.",
        "serving.",
        "about.limit",
        "accessibility.",
    )
    composed += (
        "comparing.",
        "nav.",
        "region.",
        "sphere.",
        "status.ok",
        "status.partial",
        "status.failed",
        "status.none",
        "status.failures",
    )
    for key in load_messages("en").words:
        assert f"'{key}'" in templates or f'"{key}"' in code or key.startswith(composed), key
    for key in re.findall(r"\bt\('([a-z_.]+)'[),]", templates):
        assert key in load_messages("en").words, key


def test_a_collection_of_201_items_has_three_pages_that_link_to_each_other():
    items = [CTD | {"id": f"i{number}"} for number in range(2 * PAGE_SIZE + 1)]
    renderer = Renderer()
    pages = dict(renderer.collection(CTD_COLLECTION, IMR, list(map(renderer.listed, items))))
    assert list(pages) == ["imr/ctd/index.html", "imr/ctd/page-2.html", "imr/ctd/page-3.html"]
    listed = [set(re.findall(rb'href="\./(i\d+)\.html"', data)) for data in pages.values()]
    assert [len(found) for found in listed] == [100, 100, 1]
    assert len(set().union(*listed)) == 201
    assert b'href="./page-2.html"' in pages["imr/ctd/index.html"]
    assert b'rel="prev" href="./index.html"' in pages["imr/ctd/page-2.html"]
    assert b'rel="next"' not in pages["imr/ctd/page-3.html"]


def test_empty_catalogue_and_empty_collection_have_pages():
    renderer = Renderer()
    assert b"0 partner archives" in renderer.home(CATALOG, [])
    ((path, data),) = renderer.collection(CTD_COLLECTION, IMR, [])
    assert path == "imr/ctd/index.html"
    assert b"No item has been published yet" in data
    assert b"Nothing has changed yet" in renderer.changes([])


def test_base_url_gives_canonical_links_sitemap_and_rooted_404():
    renderer = Renderer("https://data.example.org/iaos")
    assert b'<link rel="canonical" href="https://data.example.org/iaos/index.html">' in renderer.home(CATALOG, ENTRIES)
    assert b'href="/iaos/static/site.css"' in renderer.not_found()
    known = dict(renderer.well_known(["b.html", "a&b.html"]))
    sitemap = known["sitemap.xml"]
    assert sitemap.index(b"/a%26b.html") < sitemap.index(b"/b.html")
    assert b"Sitemap: https://data.example.org/iaos/sitemap.xml" in known["robots.txt"]
    page = renderer.item(CTD, CTD_COLLECTION, IMR).decode()
    assert "https://data.example.org/iaos/imr/ctd/references/58jh-ctd-2003.json" in page


def test_without_a_base_url_there_is_no_sitemap():
    known = dict(Renderer().well_known(["a.html"]))
    assert list(known) == ["robots.txt"]
    assert b"Sitemap" not in known["robots.txt"]


def test_opensearch_describes_the_search_page():
    """By the text of OpenSearch 1.1 draft 6; the integration tests follow its template in Chromium."""
    base = "https://data.example.org/iaos/"
    files = website(Renderer(base))
    name = "{http://a9.com/-/spec/opensearch/1.1/}"
    root = ET.fromstring(files["opensearch.xml"])
    said = {element.tag.removeprefix(name): element for element in root}
    assert root.tag == f"{name}OpenSearchDescription"
    assert 0 < len(said["ShortName"].text) <= 16
    assert 0 < len(said["LongName"].text) <= 48
    assert 0 < len(said["Description"].text) <= 1024
    assert "<" not in said["ShortName"].text + said["Description"].text
    templates = {url.get("type"): url.get("template") for url in root.iter(f"{name}Url")}
    assert templates["text/html"] == f"{base}search/index.html?q={{searchTerms}}"
    assert templates["application/opensearchdescription+xml"] == f"{base}opensearch.xml"
    for path in ("index.html", "imr/ctd/58jh-ctd-2003.html", "search/index.html"):
        tree = html5lib.parse(files[path])
        (href,) = [one.get("href") for one in tree.iter(X + "link") if one.get("rel") == "search"]
        assert posixpath.normpath(posixpath.join(posixpath.dirname(path), href)) == "opensearch.xml"


def test_without_a_base_url_there_is_no_opensearch(site):
    assert "opensearch.xml" not in site
    assert b"opensearch" not in site["index.html"]


def test_tombstone_names_title_reason_and_successor(site):
    page = site["imr/ctd/gone.html"].decode()
    assert "Withdrawn: Old &lt;b&gt;profiles&lt;/b&gt;" in page
    assert "withdrawn by the partner" in page
    assert 'href="../../imr/ctd/58jh-ctd-2003.html"' in page
    assert '<meta name="robots" content="noindex">' in page


def test_item_shows_what_the_partner_said(site):
    page = site["imr/ctd/58jh-ctd-2003.html"].decode()
    for words in (
        "24.2 MB",
        "sea_water_temperature",
        "Johan Hjort",
        "\u22123,700 … 0 m",
        "Where each value comes from",
    ):
        assert words in page
    assert '<time datetime="2003-01-17T06:20:00Z">2003-01-17 06:20 UTC</time>' in page


def test_restricted_item_says_so(site):
    page = site["awi/events/pangaea-901709.html"].decode()
    assert "The data are not open." in page
    assert "Access rights needed" in page
    assert "Login needed" in page


def test_words_in_another_language_are_marked(site):
    assert '<h1 lang="se">' in site["awi/events/planned-activity.html"].decode()


def test_hostile_words_stay_words(shared_data):
    pages = hostile_pages(Renderer(), shared_data)
    assert len(pages) >= 40
    for path, data in pages.items():
        tree = html5lib.HTMLParser(strict=True).parse(data, transport_encoding="utf-8")
        for element in tree.iter():
            if isinstance(element.tag, str):
                assert element.tag.rpartition("}")[2] not in {"iframe", "object", "embed", "base"}, path
                assert element.tag != X + "form" or element.get("action") == "./search/index.html", path
                assert not [name for name in element.attrib if str(name).lower().startswith("on")], path
        for tag, href in references(tree):
            assert urlsplit(href).scheme in {"", "http", "https", "mailto"}, (path, href)
            assert tag != "image" or href.endswith("static/land.svg"), path
        for script in tree.iter(X + "script"):
            if not ours(script):
                assert script.get("type") == "application/ld+json", path
                json.loads(script.text)


def test_harmless_markdown_of_a_hostile_record_is_kept(shared_data):
    pages = hostile_pages(Renderer(), shared_data)
    assert any(b'<a href="https://example.org/a_(b)" rel="noopener nofollow">ok</a>' in data for data in pages.values())
