"""Drafting a definition: recorded answers served on 127.0.0.1, counts from their provenance."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qsl

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.cli import group
from builder.definitions.load import parse
from builder.definitions.recognise import Facts, ckan_facts, listing_facts, stac_facts, thredds_facts
from builder.definitions.scaffold import _lines, draft
from builder.errors import SourceError, UsageError
from builder.sources.http import HttpGate, Limits
from tests.servers.local import Answer, LocalServer


class Site:
    """Serves bodies by path, or by path and query arguments."""

    def __init__(self, pages):
        self.pages = pages
        self.asked = []

    def __call__(self, request):
        self.asked.append(request.target)
        arguments = frozenset(parse_qsl(request.query))
        for (path, wanted), body in self.pages.items():
            if request.path == path and frozenset(wanted) == arguments:
                return body if isinstance(body, Answer) else Answer(body=body)
        return Answer(404, body=b"<html><title>Not found</title></html>")


def drafted(pages, path="/"):
    site = Site({(key, ()) if isinstance(key, str) else key: body for key, body in pages.items()})
    with LocalServer(site) as server, HttpGate([server.host], delay_s=0, limits=Limits(tries=1)) as gate:
        text = draft(server.url + path, gate)
        return text, parse(text, "draft")[0], server.url, site.asked


def oai(folder, base, sets):
    pages = {(base, (("verb", "Identify"),)): (folder / "identify.xml").read_bytes()}
    pages[base, (("verb", "ListMetadataFormats"),)] = (folder / "list_metadata_formats.xml").read_bytes()
    pages[base, (("verb", "ListSets"),)] = sets
    return pages


def test_pangaea_has_seven_formats_and_282_sets(shared_data):
    folder = shared_data / "harvest" / "oaipmh" / "pangaea-2020-01-22"
    text, definition, url, _ = drafted(
        oai(folder, "/oai/provider", (folder / "list_sets.xml").read_bytes()), "/oai/provider"
    )
    assert "7 formats: oai_dc, pan_md, dif, iso19139, iso19139.iodp, datacite3, datacite4" in text
    assert "282 sets:" in text
    assert "... and 252 more" in text
    assert definition.source.type == "oai-pmh"
    assert definition.source.metadata_prefix == "pan_md"
    assert definition.source.url == url + "/oai/provider"
    assert definition.title == "PANGAEA - Data Publisher for Earth & Environmental Science"
    assert not definition.enabled


def test_sets_are_counted_over_all_pages(shared_data):
    """MIT: ten pages of 100 sets, tokens ``////100`` to ``////900``; 966 announced, 1,000 listed, all different."""
    folder = shared_data / "harvest" / "oaipmh"
    mit = folder / "mit-dspace"
    pages = oai(folder / "pangaea-2020-01-22", "/oai/request", (mit / "list_sets_page01.xml").read_bytes())
    for number in range(2, 11):
        key = ("/oai/request", (("verb", "ListSets"), ("resumptionToken", f"////{number - 1}00")))
        pages[key] = (mit / f"list_sets_page{number:02}.xml").read_bytes()
    text, _, _, asked = drafted(pages, "/oai/request?verb=ListRecords")
    assert "1000 sets:" in text
    assert sum("resumptionToken" in target for target in asked) == 9


def test_a_provider_without_sets_is_drafted_too(shared_data):
    folder = shared_data / "harvest" / "oaipmh"
    none = (folder / "sickle-sample" / "noSetHierarchy.xml").read_bytes()
    text, _, _, _ = drafted(oai(folder / "pangaea-2020-01-22", "/oai", none), "/oai")
    assert "\n#   0 sets\n" in text


STATUS = {"success": True, "result": {"site_title": "INTAROS", "ckan_version": "2.9.5", "extensions": []}}
SEARCH = {
    "success": True,
    "result": {
        "count": 212,
        "results": [],
        "search_facets": {"organization": {"items": [{"name": "imr", "display_name": "IMR", "count": 12}]}},
    },
}


@pytest.mark.parametrize("path", ["/", "/api/3/action/package_search", "/dataset/ctd-2019", "/organization"])
def test_ckan_is_known_from_any_of_its_pages(path):
    facets = (("rows", "0"), ("facet.field", '["organization"]'), ("facet.limit", "200"))
    text, definition, url, _ = drafted(
        {
            "/api/3/action/status_show": json.dumps(STATUS).encode(),
            ("/api/3/action/package_search", facets): json.dumps(SEARCH).encode(),
        },
        path,
    )
    assert (definition.source.type, definition.source.url, definition.title) == ("ckan", url, "INTAROS")
    assert "CKAN 2.9.5" in text
    assert "212 packages" in text
    assert "imr - IMR (12 packages)" in text


def test_a_recorded_ckan_answer_is_enough(shared_data):
    """dados.gov.br answered package_search with count 13786 and no status."""
    body = (shared_data / "harvest" / "ckan" / "dados.gov.br" / "package_search_rows2.json").read_bytes()
    assert "13786 packages" in ckan_facts("https://x.example", b"", body).told
    refused = (shared_data / "harvest" / "ckan" / "dados.gov.br" / "package_show_404.json").read_bytes()
    assert ckan_facts("https://x.example", refused, refused) is None


@pytest.mark.parametrize("name", ["catalog.xml", "catalog.html", "catalog.html?dataset=testGrid"])
def test_thredds_is_known_from_its_page_too(shared_data, name):
    body = (shared_data / "harvest" / "thredds" / "localhost-tds5-default" / "catalog.xml").read_bytes()
    page = b"<html><title>Catalog</title></html>"
    pages = {"/thredds/catalog.xml": body, "/thredds/catalog.html": page}
    pages["/thredds/catalog.html", (("dataset", "testGrid"),)] = page
    text, definition, url, _ = drafted(pages, f"/thredds/{name}")
    assert (definition.source.type, definition.source.url) == ("thredds", url + "/thredds/catalog.xml")
    assert "OpenDAP" in text


@pytest.mark.parametrize("base", ["/opendap/", "/opendap/contents.html"])
def test_hyrax_is_known_from_its_page(shared_data, base):
    recorded = (
        shared_data / "harvest" / "thredds" / "oceandata.sci.gsfc.nasa.gov" / "SeaWiFS_2001_001_hyrax_catalog.xml"
    )
    pages = {
        "/opendap/": Answer(302, {"Location": "/opendap/contents.html"}),
        "/opendap/contents.html": (
            shared_data / "harvest" / "thredds" / "hyrax-nersc-tests" / "root.html"
        ).read_bytes(),
        "/opendap/catalog.xml": recorded.read_bytes(),
    }
    _, definition, url, _ = drafted(pages, base)
    assert (definition.source.type, definition.source.url) == ("thredds", url + "/opendap/catalog.xml")


def test_counts_of_recorded_catalogues_are_those_of_the_provenance(shared_data):
    """`thredds-test.unidata.ucar.edu/catalog/catalog.xml` has 10 catalogRefs, two of them of one name."""
    folder = shared_data / "harvest" / "thredds"
    body = (folder / "thredds-test.unidata.ucar.edu" / "catalog" / "catalog.xml").read_bytes()
    assert any("10 catalogues below" in line for line in thredds_facts("https://x.example/catalog.xml", body).told)
    assert thredds_facts("https://x.example/catalog.xml", body[: len(body) // 2]) is None
    assert thredds_facts("https://x.example/catalog.xml", b"<netcdf/>") is None


def test_stac_is_told_apart_by_its_root():
    root = {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": "mds",
        "title": "Marine Data Store",
        "description": "",
        "links": [{"rel": "child", "href": "a/product.stac.json", "title": "Sea ice"}, {"rel": "self", "href": "x"}],
    }
    text, definition, url, _ = drafted(
        {"/metadata/catalog.stac.json": json.dumps(root).encode()}, "/metadata/catalog.stac.json"
    )
    assert (definition.source.type, definition.source.url) == ("stac", url + "/metadata/catalog.stac.json")
    assert "1 children:" in text
    assert "Sea ice" in text
    root["links"].append({"rel": "search", "href": "search"})
    assert stac_facts("https://x.example", json.dumps(root).encode()).kind == "a STAC API"
    assert stac_facts("https://x.example", b'{"stac_version": "1.0.0", "type": "Feature"}') is None


LISTING = b"""<html><head><title>Index of /n6250/netcdf</title></head><body><a href="?C=N;O=D">Name</a>
<a href="/n6250/">Parent Directory</a> <a href="2018/">2018/</a> <a href="grid.nc">grid.nc</a>
<a href="grid.nc">again</a>
<a href="a%20b.nc">a b.nc</a><a href="readme">readme</a><a href="https://elsewhere.example/x.nc">x</a></body></html>"""


def test_a_directory_listing_is_the_last_resort():
    text, definition, url, asked = drafted({"/n6250/netcdf/": LISTING}, "/n6250/netcdf/")
    assert (definition.source.type, definition.source.url) == ("files", url + "/n6250/netcdf/")
    assert re.findall(r"#\s+(3 files:|1 without suffix|2 \.nc)\n", text) == ["3 files:", "1 without suffix", "2 .nc"]
    assert "1 folders:" in text
    assert len(asked) <= 5


def test_a_home_page_is_no_listing():
    home = b"<html><title>Institute</title><a href='about/'>About</a><a href='news.php'>News</a></html>"
    assert listing_facts("https://x.example/", home) is None
    assert listing_facts("https://x.example/", b"") is None
    with pytest.raises(SourceError) as caught:
        drafted({"/": home})
    assert "directory listing" in caught.value.message
    assert caught.value.hint


def test_a_server_that_leads_to_another_host_says_where():
    with LocalServer(lambda _: Answer()) as other:
        with pytest.raises(SourceError) as caught:
            drafted({"/": Answer(301, {"Location": f"{other.url}/oai"})})
        assert f"it leads to {other.url}/oai, another host (paste the address" in str(caught.value)
        assert other.requests == []


def test_a_server_that_does_not_answer_says_so():
    with pytest.raises(SourceError) as caught:
        drafted({}, "/gone")
    assert "404" in caught.value.message


@pytest.mark.parametrize(
    ("output", "name"), [("my-snow.yaml", "my-snow"), ("My snow_2.yaml", "my-snow-2"), (None, "127-0-0-1")]
)
def test_a_draft_is_called_as_its_file(output, name, tmp_path, shared_data):
    folder = shared_data / "harvest" / "oaipmh" / "pangaea-2020-01-22"
    site = Site(oai(folder, "/oai", (folder / "list_sets.xml").read_bytes()))
    with LocalServer(site) as server:
        where = ["-o", str(tmp_path / output)] if output else []
        done = CliRunner().invoke(group, ["new", "--from", f"{server.url}/oai", *where], standalone_mode=False)
    text = (tmp_path / output).read_text() if output else done.output
    definition = parse(text, "draft")[0]
    assert (definition.id, definition.partner.id) == (name, "127-0-0-1")
    assert f"`iaos plan {name} --sample 10`" in text


@pytest.mark.parametrize("url", ["ftp://x.example/", "x.example", "https://u:p@x.example/", "https://", "https://a b/"])
def test_what_is_no_address_is_refused_before_asking(url):
    with pytest.raises(UsageError) as refused, HttpGate([]) as gate:
        draft(url, gate)
    assert "type: files, path: FOLDER" in refused.value.hint


@settings(max_examples=150, deadline=None)
@given(
    title=st.text(), told=st.lists(st.text(), max_size=4), host=st.from_regex(r"[a-zA-Z0-9.-]{1,70}", fullmatch=True)
)
def test_whatever_a_server_says_the_draft_can_be_loaded(title, told, host):
    """Titles and names are the server's: none may end a comment or a quoted text."""
    url = f"https://{host}/oai"
    facts = Facts(
        "an OAI-PMH provider", title, {"type": "oai-pmh", "url": url, "metadataPrefix": "oai_dc"}, tuple(told)
    )
    text = "\n".join(_lines(url, facts)) + "\n"
    definition = parse(text, "draft")[0]
    assert definition.source.url == url
    assert not definition.enabled
