"""The page that compares, as the builder renders it: words, links, policy, and what leads to it."""

from __future__ import annotations

import json
import re

import html5lib
import pytest

from builder.pages.policy import CONTENT_SECURITY
from builder.pages.render import Entry, Renderer
from builder.resources import site_folder
from tests.unit.pages_build import hostile_words, poisoned
from tests.unit.pages_samples import CTD, CTD_COLLECTION, ENTRIES, IMR

X = "{http://www.w3.org/1999/xhtml}"


def parsed(page: bytes):
    return html5lib.HTMLParser(strict=True).parse(page, transport_encoding="utf-8")


def policy_of(page: bytes) -> str:
    metas = parsed(page).iter(X + "meta")
    return next(one.get("content") for one in metas if one.get("http-equiv") == "Content-Security-Policy")


def test_without_javascript_it_says_what_it_is_and_leads_to_all_collections():
    page = Renderer().compare(ENTRIES)
    assert b"Comparing needs JavaScript" in page
    leads = {link.get("href") for link in parsed(page).iter(X + "a")}
    for entry in ENTRIES:
        assert f"../{entry.partner['id']}/{entry.collection['id']}/index.html" in leads
    form = next(parsed(page).iter(X + "form"))
    assert form.get("hidden") is not None


def test_it_hands_over_the_words_of_map_panel_and_its_own_and_none_in_place_of_another():
    renderer = Renderer()
    element = next(one for one in parsed(renderer.compare(ENTRIES)).iter(X + "div") if one.get("data-app"))
    for attribute, table in {"words": "comparing.", "map-words": "live.", "panel-words": "reading."}.items():
        assert json.loads(element.get(f"data-{attribute}")) == renderer.words.below(table) != {}
    assert element.get("data-root") == "../"


def words_asked(file):
    """Keys of words that a module of the page asks of each of its tables; those made of parts are left out."""
    asked = re.findall(r"""words\.(own|map|panel)\((?:\w+ \? )?"([\w.]+)"(?: : "([\w.]+)")?""", file.read_text())
    return {(table, key) for table, *keys in asked for key in keys if key}


def test_every_word_that_the_page_asks_is_in_its_table():
    modules = sorted((site_folder() / "src" / "compare").glob("*.ts"))
    asked = set().union(*map(words_asked, modules))
    tables = {"own": "comparing.", "map": "live.", "panel": "reading."}
    words = Renderer().words
    assert len(asked) >= 40
    assert {(table, key) for table, key in asked if key not in words.below(tables[table])} == set()


def test_it_may_read_from_hosts_on_http_that_it_is_told_of_and_no_others():
    assert policy_of(Renderer().compare(ENTRIES)) == CONTENT_SECURITY
    hosts = ["http://127.0.0.1:8470", "http://x'; script-src *", "https://data.example.org", "http://a b"]
    said = policy_of(Renderer().compare(ENTRIES, hosts))
    assert said == CONTENT_SECURITY.replace(" https:; base", " https: http://127.0.0.1:8470; base")


def test_pages_of_items_add_their_layer_and_every_page_leads_to_it():
    page = Renderer().item(CTD, CTD_COLLECTION, IMR).decode()
    assert 'href="../../compare/index.html?add=imr/ctd/58jh-ctd-2003.json"' in page
    assert 'href="./compare/index.html"' in Renderer().about(IMR).decode()


def test_a_collection_of_its_own_adds_its_document():
    page = Renderer().item(CTD, CTD_COLLECTION, IMR, path="imr/ctd/records/a/index.html").decode()
    assert "compare/index.html?add=imr/ctd/records/a/collection.json" in page


@pytest.mark.parametrize("number", range(5))
def test_hostile_words_stay_words(shared_data, number):
    for word in hostile_words(shared_data)[number::5]:
        shelf, partner = poisoned(CTD_COLLECTION, word), poisoned(IMR, word)
        tree = parsed(Renderer().compare([Entry(shelf, partner, 1, [])]))
        tags = [one.tag.rpartition("}")[2] for one in tree.iter() if isinstance(one.tag, str)]
        assert not {"iframe", "object", "embed", "base"} & set(tags)
        assert tags.count("script") == 1
        for one in tree.iter():
            assert not [name for name in one.attrib if str(name).lower().startswith("on")]
            assert not re.match(r"\s*(javascript|data:text)", str(one.get("href", "")), re.IGNORECASE)
