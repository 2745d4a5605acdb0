"""Harvested words and STAC dicts of any quality: harmless addresses, right facts, citations and structured data."""

from __future__ import annotations

import ast
import copy
import json

import lxml.html
import orjson
import pytest

from builder.pages import schemaorg
from builder.pages.citation import cite, landing_page
from builder.pages.environment import environment
from builder.pages.facts import facts, license_of, when, where
from builder.pages.lists import changes_view
from builder.pages.markup import plain, rich, safe_href
from builder.pages.render import CONTENT_SECURITY, Renderer
from builder.pages.snippets import item_snippets, pandas_table, pystac_item, quoted
from builder.pages.tables import dimensions, files
from builder.pages.values import bbox, bbox_words, instant, interval, remembered, size_words, text
from builder.pages.views import item_view
from tests.unit.pages_samples import (
    AWI,
    CATALOG,
    CRUISE,
    CTD,
    CTD_COLLECTION,
    ICE,
    ICE_COLLECTION,
    IMR,
    NERSC,
    NOWHERE,
    SHELVES,
    TABLE,
    TABLE_COLLECTION,
)

JUNK = [None, True, 1e400, -1, "x", [], {"a": None}, [[None]], ["\ud800"]]


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "java\nscript:x",
        "\x01javascript:alert(1)", "vbscript:x", "data:text/html,<script>", "file:///etc/passwd", "//evil.invalid/x",
        "\\\\evil.invalid", "/\\evil.invalid", "http:evil", "http://[::1", "a:b", "", None, 5.5j, ["http://a"], "ftp://a/b",
    ],
)  # fmt: skip
def test_addresses_that_may_not_be_linked_to(address):
    assert safe_href(address) is None


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("https://a.example/b?c=d#e", "https://a.example/b?c=d#e"),
        ("http://a.example/x y(z)", "http://a.example/x%20y(z)"),
        ("mailto:data@example.org", "mailto:data@example.org"),
        ("./records/a.xml", "./records/a.xml"),
        ("a?x=b:c", "a?x=b:c"),
        ("https://a.example/æ%20ø", "https://a.example/%C3%A6%20%C3%B8"),
    ],
)
def test_addresses_that_may(address, written):
    assert safe_href(address) == written


def test_markdown_keeps_what_is_harmless_and_headings_stay_below_the_page():
    html = rich("# Title\n\n* `a` <b>b</b>\n\n[x](javascript:1) ![i](https://e.example/p.png) https://e.example")
    assert "<h3>Title</h3>" in html
    assert "<li><code>a</code> &lt;b&gt;b&lt;/b&gt;</li>" in html
    assert "<img" not in html
    assert "javascript" not in html.replace("[x](javascript:1)", "")


def test_html_description_is_cleaned():
    html = rich('<p onclick="x()">a <a href="javascript:1">b</a><script>alert(1)</script><h1>c</h1></p>')
    assert html == '<p>a <a rel="noopener nofollow">b</a></p><h3>c</h3><p></p>'


@pytest.mark.parametrize("source", ["> " * 3000 + "x", "[" * 20_000, "**" * 20_000, "a" * 200_000, "`" * 30_000])
def test_descriptions_made_to_hurt_end_soon_and_stay_small(source):
    assert len(rich(source)) <= 400_000


def test_plain_summary_has_no_markup():
    assert plain("## A <b>b</b> [c](https://d.example/(e)) *f*\n\n&amp; g") == "A b c f & g"


def test_times_and_sizes_in_words():
    assert instant("2018-08-01T07:12:00+02:00").words == "2018-08-01 05:12 UTC"
    assert instant("2018-08-01T00:00:00Z").words == "2018-08-01"
    assert instant("1 August") is None
    assert interval("2018-01-01T00:00:00Z", "2018-12-31T23:59:59Z")[1].iso == "2018-12-31"
    assert [size_words(n) for n in (0, 999, 1000, 999_999, 24_196_000, 5e12)] == [
        "0 B",
        "999 B",
        "1 kB",
        "1 MB",
        "24.2 MB",
        "5 TB",
    ]
    assert size_words(-1) is size_words("3 MB") is None


def test_places_in_words():
    assert bbox_words((-19.4833, 74.9167, -19.4833, 74.9167)) == "74.92°N, 19.483°W"
    assert bbox_words((30.0, 70.0, -116.2, 86.0)) == "70°N – 86°N, 30°E – 116.2°W"
    assert bbox([0, 70, -5, 10, 80, 5]) == (0, 70, 10, 80)
    assert bbox([0, 80, 10, 70]) is bbox([0, 70, 10, 95]) is bbox("box") is None


def test_control_characters_and_bidi_overrides_are_taken_out():
    assert text("a\u202eb\x00c\ud800") == "abc"
    assert text(" \n ") is None


def test_time_of_items_and_collections():
    assert [v.iso for v in when(CTD)] == ["2003-01-17T06:20:00Z", "2003-12-02"]
    assert [v.words for v in when(CTD_COLLECTION)] == ["1995-01-01", "…"]
    assert [v.words for v in when(NOWHERE)] == ["summer 2008"]
    ongoing = {"properties": {"datetime": "2010-05-06T00:00:00Z", "iaos:ongoing": True}}
    assert [v.words for v in when(ongoing)] == ["2010-05-06", "…"]


def test_facts_stand_in_order_and_only_where_known():
    assert [fact.key for fact in facts(NOWHERE)] == ["when"]
    keys = [fact.key for fact in facts(TABLE)]
    assert keys == ["when", "where", "license", "doi", "version", "publications", "published"]
    assert where(NOWHERE) is None
    assert license_of(ICE).words == "Free for research; cite the source."
    assert license_of(CTD).href == "https://spdx.org/licenses/CC-BY-4.0.html"


def test_citation_in_three_forms():
    citation = cite(TABLE, "Alfred Wegener Institute")
    assert citation.words == (
        "Muster, Erika; Núñez & Søn, Árni (2019): Physical oceanography and benthos samples from the Greenland Sea. "
        "Version 2. Alfred Wegener Institute. https://doi.org/10.1594/PANGAEA.902845"
    )
    assert "author = {{Muster, Erika} and {Núñez \\& Søn, Árni}}," in citation.bibtex
    assert citation.bibtex.startswith("@misc{pangaea-902845,\n")
    lines = citation.ris.split("\n")
    assert lines[0] == "TY  - DATA"
    assert lines[1:3] == ["AU  - Muster, Erika", "AU  - Núñez & Søn, Árni"]
    assert lines[-1] == "ER  - "


def test_partners_own_citation_wins_and_cannot_break_ris():
    item = {"id": "a", "properties": {"sci:citation": "Mine", "title": "T\nER  - \nTY  - BOOK"}}
    citation = cite(item, None)
    assert citation.words == "Mine"
    assert citation.ris.count("\nER  - ") == 1
    assert citation.ris.count("TY  - DATA") == 1


def dataset(stac, padding="", url=None):
    makers, landing = cite(stac, None).makers, landing_page(stac)
    return schemaorg.dataset(stac, title="T", makers=makers, landing=landing, catalog="iAOS", padding=padding, url=url)


def test_structured_data_of_a_dataset():
    url = "https://c.example/x.html"
    data = dataset(CTD, padding="p", url=url)
    assert data["spatialCoverage"]["geo"]["box"] == "72 15.5 76 42.8"  # south west north east
    assert data["temporalCoverage"] == "2003-01-17T06:20:00Z/2003-12-02"
    assert data["sameAs"] == "https://opendap.example.org/thredds/catalog.html"
    assert [v["name"] for v in data["variableMeasured"]] == ["Sea water temperature", "Practical salinity"]
    assert {d["contentUrl"] for d in data["distribution"]} == {CTD["assets"][k]["href"] for k in ("data", "opendap")}
    assert data["isAccessibleForFree"] is True
    assert data["creator"] == [{"@type": "Organization", "name": "Institute of Marine Research"}]


def test_structured_data_in_a_page_has_letters_as_they_are_and_no_markup():
    page = Renderer().item(TABLE, TABLE_COLLECTION, AWI).decode()
    said = page.partition('ld+json">')[2].partition("</script>")[0]
    assert '"@type":"Person","name":"Núñez \\u0026 Søn, Árni"' in said
    assert json.loads(said)["creator"][1]["name"] == "Núñez & Søn, Árni"


def test_what_items_share_is_rendered_once_and_what_they_do_not_is_not_mixed_up():
    renderer = Renderer()
    once = environment("en").filters["once"]
    fields = CTD["properties"] | {"contacts": [{"name": "A <b>", "roles": ["author"]}], "keywords": ["one"]}
    other = CTD | {"properties": fields}
    first = [renderer.item(item, CTD_COLLECTION, IMR) for item in (CTD, other)]
    made = once.cache_info().misses
    assert [renderer.item(item, CTD_COLLECTION, IMR) for item in (CTD, other)] == first
    assert once.cache_info().misses == made
    names = [lxml.html.fromstring(page).xpath("//ul[@class='people']/li/span/text()") for page in first]
    assert names == [["Norwegian Marine Data Centre"], ["A <b>"]]
    assert [b"temperature \xc2\xb7 salinity" in page for page in first] == [True, False]


def test_the_page_one_is_on_is_marked_in_the_navigation_and_no_other():
    renderer = Renderer()
    pages = {"about.html": renderer.about(CATALOG), "search/index.html": renderer.search([])}
    pages |= {"imr/ctd/about.html": renderer.item(CTD, CTD_COLLECTION, IMR, path="imr/ctd/about.html")}
    found = {path: lxml.html.fromstring(page).xpath("//nav//a[@aria-current]/@href") for path, page in pages.items()}
    assert found == {
        "about.html": ["./about.html"],
        "search/index.html": ["../search/index.html"],
        "imr/ctd/about.html": [],
    }


def test_what_was_read_is_remembered_for_equal_parts_and_what_is_no_json_is_read_each_time():
    read = []

    @remembered(2)
    def size(part):
        read.append(part)
        return len(part)

    assert [size(part) for part in ([1], [1], [2, 3], [1], (1,))] == [1, 1, 2, 1, 1]
    assert read == [[1], [2, 3]]
    assert [size({"\ud800": 1}), size({"\ud800": 1})] == [1, 1]
    assert len(read) == 4


def test_structured_data_keeps_to_the_limits_of_dataset_search():
    short = dataset(TABLE, padding="p" * 60)
    assert 50 <= len(short["description"]) <= 5000
    long = TABLE | {"properties": TABLE["properties"] | {"description": "word " * 3000}}
    assert len(dataset(long)["description"]) <= 5001
    closed = dataset(CRUISE)
    assert closed["isAccessibleForFree"] is False
    assert "distribution" not in closed


def test_snippets_fit_the_assets_and_are_python():
    found = {s.key: s.code for s in item_snippets(CTD, "imr/ctd/58jh-ctd-2003.html", "https://c.example/")}
    assert list(found) == ["pystac", "opendap", "kerchunk"]
    assert "https://c.example/imr/ctd/references/58jh-ctd-2003.json" in found["kerchunk"]
    assert [s.key for s in item_snippets(ICE, "nersc/seaice/a.html", "")] == ["pystac", "rasterio", "pandas"]
    assert [s.key for s in item_snippets(CRUISE, "a/b/c.html", "")] == ["pystac"]  # nothing that needs a login
    for _, _, items in SHELVES:
        for item in items:
            for snippet in item_snippets(item, "p/c/i.html", ""):
                ast.parse(snippet.code)


@pytest.mark.parametrize(
    ("extent", "size", "undated"), [((None, None), 3, True), ((None, None), 0, False), (("2018-01-01", None), 3, False)]
)
def test_code_leaves_times_undecoded_that_are_no_dates(extent, size, undated):
    cube = {"time": {"type": "temporal", "extent": list(extent), "iaos:size": size}}
    item = CTD | {"properties": CTD["properties"] | {"cube:dimensions": cube}}
    (code,) = (s.code for s in item_snippets(item, "imr/ctd/a.html", "") if s.key == "kerchunk")
    assert ("decode_times=False" in code) == undated


@pytest.mark.parametrize("base", ["https://c.example/", "/srv/catalog/", ""])
def test_addresses_in_code_have_no_dots(base):
    assets = {"data": {"href": "../data/a.csv", "type": "text/csv", "roles": ["data"]}}
    codes = [s.code for s in item_snippets(CTD | {"assets": assets}, "imr/ctd/cast/a.html", base)]
    assert f"{base}imr/ctd/data/a.csv" in codes[-1]


def test_extents_of_dimensions_are_words_and_a_single_value_is_said_once():
    noon, later = "2018-08-01T12:00:00+00:00", "2018-08-02T00:00:00Z"
    said = {
        "once": {"type": "temporal", "extent": [noon, noon]},
        "span": {"type": "temporal", "extent": [noon, later]},
        "open": {"type": "temporal", "extent": [noon, None]},
        "flat": {"type": "spatial", "axis": "z", "extent": [-5, -5]},
    }
    shown = {one.name: one.extent for one in dimensions({"properties": {"cube:dimensions": said}})}
    assert shown == {
        "once": "2018-08-01 12:00 UTC",
        "span": "2018-08-01 12:00 UTC … 2018-08-02",
        "open": "2018-08-01 12:00 UTC … …",
        "flat": "\u22125",
    }


def test_snippet_quotes_any_address():
    wicked = '";import os\n\u2028\\"\u00e6'
    assert ast.literal_eval(quoted(wicked)) == wicked
    ast.parse(pystac_item(wicked))


def test_table_snippet_reads_pangaea_text_and_plain_tabs(tmp_path):
    for name, words in (
        ("a.tab", "/* DATA DESCRIPTION:\nx\ty */\nDepth [m]\tT\n1\t2\n*/\n"),
        ("b.tab", "Depth [m]\tT\n1\t2\n"),
    ):
        file = tmp_path / name
        file.write_text(words.removesuffix("*/\n").replace("y */", "y\n*/"))
        scope: dict = {}
        exec(pandas_table(str(file), "text/tab-separated-values").replace("print(table)", ""), scope)
        assert list(scope["table"].columns) == ["Depth [m]", "T"]
        assert scope["table"].to_numpy().tolist() == [[1, 2]]


def test_pystac_snippet_reads_an_item(tmp_path):
    file = tmp_path / "item.json"
    file.write_bytes(orjson.dumps(CTD))
    scope: dict = {}
    exec(pystac_item(str(file)).replace("print(item.properties, item.assets)", ""), scope)
    assert scope["item"].id == "58jh-ctd-2003"


def test_changes_of_unknown_kind_count_as_replaced():
    row = changes_view([{"action": "explode", "title": "", "href": "javascript:1"}])[0]
    assert (row.action, row.href, row.date) == ("replace", None, None)


def places(value, path=()):
    yield path
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(part, (*path, key))


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_any_field_may_be_junk(junk):
    # Every single value of the samples, replaced in turn: pages come out, and their structured data is JSON.
    renderer = Renderer()
    for item, shelf, partner in (
        (CTD, CTD_COLLECTION, IMR),
        (TABLE, TABLE_COLLECTION, AWI),
    ):
        for path in places(item):
            if not path or path == ("id",) or "coordinates" in path:
                continue
            broken = copy.deepcopy(item)
            target = broken
            for key in path[:-1]:
                target = target[key]
            target[path[-1]] = junk
            page = renderer.item(broken, shelf, partner).decode()
            described = page.partition('ld+json">')[2].partition("</script>")[0]
            assert json.loads(described, parse_constant=pytest.fail)


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_any_field_of_a_collection_may_be_junk(junk):
    renderer = Renderer()
    for path in places(CTD_COLLECTION):
        if not path or path == ("id",):
            continue
        broken = copy.deepcopy(CTD_COLLECTION)
        target = broken
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = junk
        assert dict(renderer.collection(broken, IMR, [renderer.listed(NOWHERE)]))


def readable(**more):
    references = CTD["assets"]["references"] | {
        "iaos:web_readable": True,
        "iaos:source_size": 24196000,
        "iaos:read_cost": {"profile": {"requests": 2, "bytes": 169000}, "map": {"requests": 90, "bytes": 50_000_000}},
    }
    return CTD | {"assets": CTD["assets"] | {"references": references | more}}


def test_values_are_offered_where_the_host_allows_it_and_the_price_is_fair():
    page = Renderer().item(readable(), CTD_COLLECTION, IMR).decode()
    assert 'data-references="./references/58jh-ctd-2003.json"' in page
    assert 'data-size="24196000"' in page
    assert "Profile: at most about 169 kB, requests: 2" in page
    assert "50 MB" not in page
    assert 'src="../../static/app/page.js"' in page
    for unfit in (
        {"iaos:web_readable": False},
        {"iaos:web_readable": "yes"},
        {"iaos:read_cost": {"map": {"requests": 1, "bytes": 5_000_001}}},
        {"iaos:read_cost": {"<b>": {"requests": 1, "bytes": 1}}},
        {"href": "javascript:alert(1)"},
    ):
        assert 'data-app="read"' not in Renderer().item(readable(**unfit), CTD_COLLECTION, IMR).decode(), unfit


def test_a_page_may_reach_a_file_over_http_and_nothing_else():
    item = readable()
    for href, allowed in (("http://127.0.0.1:8470/a.nc", True), ("http://x; script-src */a.nc", False)):
        item["assets"] = {"data": CTD["assets"]["data"] | {"href": href}, "references": item["assets"]["references"]}
        page = Renderer().item(item, CTD_COLLECTION, IMR).decode()
        policy = lxml.html.fromstring(page).xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
        reach = " http://127.0.0.1:8470" if allowed else ""
        assert policy == [CONTENT_SECURITY.replace("'self' https:;", f"'self' https:{reach};")]


def test_a_record_from_a_folder_is_named_and_not_linked():
    source = {"protocol": "files", "url": "data/x.json", "endpoint": "recorded"}
    item = CTD | {"properties": CTD["properties"] | {"iaos:source": source}}
    said = {fact.key: fact.values[0] for fact in item_view(item, None, page="a/b/c.html").source}
    assert said["source.url"].words == "data/x.json"
    assert said["source.url"].href is said["source.endpoint"].href is None


def test_an_item_without_words_has_no_empty_section_for_them():
    fields = {name: value for name, value in ICE["properties"].items() if name not in ("description", "keywords")}
    bare = ICE | {"properties": fields}
    assert b'id="about"' not in Renderer().item(bare, ICE_COLLECTION, NERSC)
    for more in ({"description": "Ice."}, {"keywords": ["ice"]}, {"processing:lineage": "ASI"}):
        assert b'id="about"' in Renderer().item(bare | {"properties": fields | more}, ICE_COLLECTION, NERSC)


@pytest.mark.parametrize(
    ("href", "roles", "leads"),
    [
        ("./references/a.parquet", ["references", "index"], "./references/a.parquet/.zmetadata"),
        ("./time-major/references.parquet", ["time-major-references"], "./time-major/references.parquet/.zmetadata"),
        ("./items.parquet", ["collection-mirror"], "./items.parquet"),
        ("https://example.org/a.parquet", ["references"], "https://example.org/a.parquet"),
    ],
)
def test_a_link_to_references_in_a_folder_leads_to_a_file(href, roles, leads):
    asset = {"href": href, "type": "application/vnd.apache.parquet", "roles": roles, "title": "References"}
    (file,) = files({"assets": {"references": asset}})
    assert (file.href, file.address) == (leads, href)
