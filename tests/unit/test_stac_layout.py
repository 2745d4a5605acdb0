"""Identifiers, paths and relative links."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest

from builder.stac.layout import Place, is_stac, item_id, page_of, relative, resolve


@pytest.mark.parametrize("identifier", ["ctd_2020", "ice-20240101", "a", "0", "x" * 80, "a..b", "v1.2-3"])
def test_a_safe_identifier_stays(identifier):
    assert item_id(identifier) == identifier


@pytest.mark.parametrize(
    ("identifier", "start"),
    [
        ("oai:pangaea.de:doi:10.1594/PANGAEA.902845", "oai-pangaea.de-doi-10.1594-pangaea.902845-"),
        ("Ærø Å", "r-a-"),  # NFKD folds Å to A; Æ and ø have no decomposition
        ("CTD", "ctd-"),
        ("", "record-"),
        ("北極海", "record-"),
        ("../../etc/passwd", "etc-passwd-"),
        ("-rf", "rf-"),
        (".hidden", "hidden-"),
        ("_ignored_by_jekyll", "ignored_by_jekyll-"),
        ("trailing.", "trailing-"),
        ("x" * 81, "x" * 71 + "-"),
        ("con", "con-"),
        ("com1.nc", "com1-nc-"),
        ("index", "index-"),
        ("catalog", "catalog-"),
        ("collection", "collection-"),
        ("datapackage", "datapackage-"),
        ("records", "records-"),
        ("references", "references-"),
        ("explain", "explain-"),
        ("data", "data-"),
        ("items", "items-"),
        ("2019", "2019-"),
        ("ends-0badcafe", "ends-0badcafe-"),
        ("\ud800", "record-"),
    ],
)
def test_any_other_gets_its_hash(identifier, start):
    made = item_id(identifier)
    assert made.startswith(start)
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,70}-[0-9a-f]{8}", made), made
    assert not re.match(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", made)


def test_the_hash_is_of_the_whole_identifier():
    assert item_id("CTD").removeprefix("ctd-") in sha256(b"CTD").hexdigest()
    assert item_id("a b") != item_id("a  b")
    assert item_id("CTD") != item_id("ctd") != item_id("Ctd")


def test_a_prefix_counts_as_part_of_the_identifier():
    assert item_id("902845", prefix="pangaea-") == "pangaea-902845"
    assert item_id("2019", prefix="y") == "y2019"


def test_an_identifier_cannot_pose_as_a_hashed_one():
    victim = item_id("Cruise 1")
    assert item_id(victim) != victim


def test_the_paths_of_a_collection():
    place = Place("imr", "ctd")
    assert place.partner_catalog == "imr/catalog.json"
    assert place.collection_json == "imr/ctd/collection.json"
    assert place.page == "imr/ctd/index.html"
    assert place.datapackage == "imr/ctd/datapackage.json"
    assert place.combined_references() == "imr/ctd/references.json"
    assert place.item("a") == "imr/ctd/a.json"
    assert place.item_page("a") == "imr/ctd/a.html"
    assert place.year("2020") == "imr/ctd/2020/catalog.json"
    assert place.child("a") == "imr/ctd/a/collection.json"
    assert place.child_page("a") == "imr/ctd/a/index.html"
    assert place.references("a") == "imr/ctd/references/a.json"
    assert place.explain("a") == "imr/ctd/explain/a.json"
    assert place.data("CTD 1.nc").startswith("imr/ctd/data/ctd-1.nc-")


@pytest.mark.parametrize(
    ("media_type", "suffix"),
    [
        ("application/xml; charset=utf-8", "xml.txt"),
        ("application/json", "json"),
        ("text/html", "txt"),
        ("image/svg+xml", "txt"),
        ("application/xhtml+xml", "txt"),
    ],
)
def test_a_record_never_gets_a_suffix_that_a_browser_runs(media_type, suffix):
    assert Place("p", "c").record("a", media_type) == f"p/c/records/a.{suffix}"


@pytest.mark.parametrize(
    ("source", "target", "href"),
    [
        ("catalog.json", "imr/catalog.json", "./imr/catalog.json"),
        ("imr/ctd/a.json", "catalog.json", "../../catalog.json"),
        ("imr/ctd/a.json", "imr/ctd/collection.json", "./collection.json"),
        ("imr/ctd/2020/catalog.json", "imr/ctd/a.json", "../a.json"),
    ],
)
def test_relative_links_lead_back(source, target, href):
    assert relative(source, target) == href
    assert resolve(source, href) == target


def test_pages_stand_beside_their_objects():
    assert page_of("catalog.json") == "index.html"
    assert page_of("imr/ctd/collection.json") == "imr/ctd/index.html"
    assert page_of("imr/ctd/a.json") == "imr/ctd/a.html"


def test_what_is_stac_by_its_place():
    yes = ["catalog.json", "imr/catalog.json", "imr/ctd/collection.json", "imr/ctd/a.json", "imr/ctd/2020/catalog.json"]
    no = [
        "manifest.json",
        "imr/ctd/datapackage.json",
        "imr/ctd/references.json",
        "imr/ctd/records/a.json",
        "imr/ctd/a.html",
    ]
    assert all(map(is_stac, yes))
    assert not any(map(is_stac, no))
