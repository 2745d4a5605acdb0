"""Every recorded OAI-PMH answer gives the numbers that PROVENANCE.md states; run with -s to see the table."""

from __future__ import annotations

import json
import re

import pytest

from builder.definitions.model import OaiPmhSource
from builder.errors import ProtocolError, SourceError
from builder.findings import Finding
from builder.sources.http import HttpGate, Limits
from builder.sources.oai import OaiSource, Provider, read_formats, read_identify, read_page, read_sets
from builder.sources.protocol import Record
from builder.strictxml import format_of, local_name, parse_lenient_encoding, parse_xml
from tests.servers.faults import Faulty, lasting
from tests.servers.local import Answer, LocalServer
from tests.servers.replay import ReplayServer


@pytest.fixture(scope="module")
def harvest_data(shared_data):
    return shared_data / "harvest"


def rows(folder, prefix):
    """Yield (file, expectation) from the tables of PROVENANCE.md."""
    for line in (folder / "PROVENANCE.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if cells[0].strip("` ").startswith(prefix):
            yield cells[0].strip("` "), cells[-1].removesuffix("|").strip()


def describe(folder, name, status):
    """Say what our readers find, in the words of PROVENANCE.md."""
    body = (folder / name).read_bytes()
    if name.endswith("es_panmd_search_10.json"):
        hits = [parse_xml(hit["_source"]["xml"].encode(), where=name) for hit in json.loads(body)["hits"]["hits"]]
        return f"HTTP {status}; {sum(format_of(root) == 'pan_md' for root in hits)} pan_md records"
    if not name.endswith("xml"):
        return "see text" if name.endswith("html") else f"{len([json.loads(body)])} record"
    return f"HTTP 500; {len(body)}" if status == 500 else describe_xml(body, name)


def describe_xml(body, name):
    try:
        root = parse_xml(body, where=name)
    except ProtocolError:
        return "NOT WELL-FORMED"
    return describe_answer(body, name) if local_name(root) == "OAI-PMH" else f"1 {local_name(root)} record"


def describe_answer(body, name):
    page = read_page(body, name)
    if page.error:
        return f"0, error {page.error.oai_code}"
    if page.verb == "Identify":
        return "0 records (Identify)" if read_identify(body, name).name else "no name"
    if page.verb == "ListMetadataFormats":
        return f"{len(read_formats(body, name))} formats"
    if page.verb == "ListSets":
        return f"{len(read_sets(body, name).sets)} sets{describe_token(page)}"
    gone, full = sum(h.deleted for h in page.headers), sum(bool(r.body) for r in page.records)
    return f"{len(page.headers)} headers, {gone} deleted, {full} with metadata{describe_token(page)}"


def describe_token(page):
    if page.token is None and page.cursor is None:
        return ""
    token = f'"{page.token}"' if page.token else "EMPTY (last page)"
    return f"; token {token} size={page.complete_list_size} cursor={page.cursor}"


def test_every_recorded_answer(harvest_data):
    index = json.loads((harvest_data / "http-index.json").read_bytes())
    table = [
        (name, expected, describe(harvest_data, name, int(index.get(name, {}).get("status", 200))))
        for name, expected in rows(harvest_data, "oaipmh/")
    ]
    print(f"\n{'file':<62} | {'expected':<50} | found")
    for name, expected, found in table:
        print(f"{name:<62} | {expected:<50} | {found}")
    files = {str(p.relative_to(harvest_data)) for p in (harvest_data / "oaipmh").rglob("*") if p.is_file()}
    assert {name for name, _, _ in table} == files
    assert [row for row in table if re.sub(r"(NOT WELL-FORMED).*", r"\1", row[1]) != row[2]] == []


def test_totals_of_the_summary(harvest_data):
    (line,) = [t for t in (harvest_data / "PROVENANCE.md").read_text().splitlines() if t.startswith("| oaipmh |")]
    headers, gone = map(int, re.search(r"(\d+) headers of which (\d+) deleted", line).groups())
    pages = []
    for file in sorted((harvest_data / "oaipmh").rglob("*.xml")):
        try:
            pages.append(read_page(file.read_bytes(), file.name))
        except ProtocolError:
            continue
    assert sum(len(page.headers) for page in pages) == headers
    assert sum(header.deleted for page in pages for header in page.headers) == gone


@pytest.fixture
def server(harvest_data):
    with ReplayServer(harvest_data) as replay:
        yield replay


def gate_for(server):
    return HttpGate(hosts=[server.host], delay_s=0, limits=Limits(tries=2), sleep=lambda _: None)


def scan(server, folder, **fields):
    given = {"type": "oai-pmh", "url": server.oai(folder), "metadataPrefix": "oai_dc"} | fields
    source = OaiSource(OaiPmhSource(**given), gate_for(server))
    got = list(source.scan())
    return source, [r for r in got if isinstance(r, Record)], [f for f in got if isinstance(f, Finding)]


def test_replayed_chain_of_four_pages(server):
    """sickle-sample ListRecords..4: 8 headers of which 4 deleted, completeListSize 8 on the first three."""
    source, records, findings = scan(server, "oaipmh/sickle-sample")
    assert source.counts == {"headers": 8, "deleted": 4, "with_metadata": 4, "pages": 4, "complete_list_size": 8}
    assert source.complete
    assert [f.code for f in findings] == ["oai.no-identifier"]  # the tombstone of page 4 has none
    assert len({r.identifier for r in records}) == len(records) == 2  # the pages list the same two records
    assert all(r.format == "oai_dc" for r in records if not r.deleted)
    assert server.targets[1:4] == [
        f"/oaipmh/sickle-sample/oai?verb=ListRecords&resumptionToken=ListRecords{n}.xml" for n in (2, 3, 4)
    ]


def test_replayed_sets_of_mit(server):
    """Ten pages whose tokens hold slashes; completeListSize 966 although each page holds 100."""
    sets = Provider(server.oai("oaipmh/mit-dspace"), gate_for(server)).sets()
    assert len(sets) == 1000
    assert len(server.requests) == 10
    assert "%2F%2F%2F%2F900" in server.targets[-1]


def test_replayed_identifiers_of_mit(server):
    """Page 1 and 2: 100 and 71 headers, completeListSize 171, an empty token at the end, cursor a page number."""
    provider = Provider(server.oai("oaipmh/mit-dspace"), gate_for(server))
    selection = {"metadataPrefix": "oai_dc", "from": "2022-01-01", "until": "2022-01-10", "set": "hdl_1721.1_49432"}
    pages = list(provider.pages("ListIdentifiers", selection))
    assert [len(page.headers) for page in pages] == [100, 71]
    assert pages[-1].complete_list_size == 171


def test_replayed_empty_selection_of_mit(server):
    source, records, _ = scan(server, "oaipmh/mit-dspace", set="com_1721.1_100263")
    assert records == []
    assert source.complete


def test_replayed_tombstone_of_mit(server):
    day = {"from": "2017-12-14", "until": "2017-12-14"}
    source, records, _ = scan(server, "oaipmh/mit-dspace", **day)
    assert [(r.deleted, r.body) for r in records] == [(True, b"")]
    assert source.complete


def test_replayed_named_records_of_mit(server):
    """One good, one deleted, one that answers HTTP 500 with an empty body."""
    names = tuple(f"oai:dspace.mit.edu:1721.1/{n}" for n in (152958, 152786, 112746))
    source, records, findings = scan(server, "oaipmh/mit-dspace", identifiers=names)
    assert [(r.identifier, r.deleted) for r in records] == [(names[0], False), (names[2], True)]
    assert [(f.code, f.where) for f in findings if f.code != "oai.identify"] == [("oai.record-refused", names[1])]
    assert source.complete  # the refused one is known by name, so it counts as seen


def test_replayed_pangaea_tells_what_it_is(server):
    provider = Provider(server.oai("oaipmh/pangaea-2020-01-22"), gate_for(server))
    identity = provider.identify()
    assert (identity.deleted_record, identity.granularity) == ("transient", "YYYY-MM-DDThh:mm:ssZ")
    assert {"pan_md", "iso19139", "dif", "datacite4", "oai_dc"} <= {f.prefix for f in provider.formats()}
    assert len(provider.sets()) == 282


def in_envelope(content, token=b""):
    return (
        b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2018-01-01T00:00:00Z</responseDate>'
        b"<request>x</request><ListRecords><record><header><identifier>oai:x:1</identifier>"
        b"<datestamp>2018-01-01</datestamp></header><metadata>"
        + content
        + b"</metadata></record>"
        + token
        + b"</ListRecords></OAI-PMH>"
    )


def test_latin_1_bytes_of_niva_are_read_and_said(harvest_data):
    """The record holds Gaustadall<e9>en in ISO-8859-1; the Norwegian of other records on the page stays as it is."""
    content = (harvest_data / "oaipmh/nmdc/niva_iso19139_inside_oai.xml").read_bytes()
    with pytest.raises(ProtocolError):
        parse_xml(content, where="niva")
    _, repaired = parse_lenient_encoding(content, where="niva")
    assert repaired
    other = "<!-- Tromsø -->".encode()
    page = read_page(in_envelope(content.strip()).replace(b"<metadata>", other + b"<metadata>"), "niva")
    assert page.repaired
    (record,) = page.records
    assert record.format == "iso19139"
    assert "Gaustadalléen".encode() in record.body
    assert b"\xef\xbf\xbd" not in record.body  # U+FFFD


@pytest.mark.parametrize("name", ["902845_panmd", "902845_iso19139", "902845_dif", "902845_datacite4"])
def test_a_record_is_the_same_document_inside_and_outside_its_envelope(harvest_data, name):
    from lxml import etree

    content = (harvest_data / f"oaipmh/pangaea-902845-six-formats/{name}.xml").read_bytes()
    bare = parse_xml(content, where=name)
    (record,) = read_page(in_envelope(etree.tostring(bare)), name).records
    again = parse_xml(record.body, where=name)
    assert etree.tostring(again, method="c14n", exclusive=True) == etree.tostring(bare, method="c14n", exclusive=True)
    assert b"openarchives" not in record.body
    other = in_envelope(etree.tostring(bare)).replace(b"<OAI-PMH ", b'<OAI-PMH xmlns:q="urn:q" ')
    assert read_page(other, name).records[0].body == record.body


def test_a_prefix_used_only_in_a_value_keeps_its_namespace():
    content = b'<d xmlns="urn:d"><t xsi:type="q:Period">x</t></d>'
    envelope = in_envelope(content).replace(
        b"<OAI-PMH ", b'<OAI-PMH xmlns:q="urn:q" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    )
    (record,) = read_page(envelope, "x").records
    root = parse_xml(record.body, where="x")
    assert root[0].nsmap["q"] == "urn:q"
    assert root.tag == "{urn:d}d"


HOSTILE = {
    "oai-xxe-file": "DOCTYPE",
    "oai-billion-laughs": "DOCTYPE|amplification",
    "oai-token-loop": "same resumption token",
    "oai-truncated": "well-formed",
    "http-gzip-bomb": "200 times|larger",
}


def serve_case(folder, case):
    def answer(request):
        for route in case["routes"]:
            if route["match"] in request.target:
                headers = {"Content-Type": route["type"]}
                if "encoding" in route:
                    headers["Content-Encoding"] = route["encoding"]
                return Answer(200, headers, (folder / case["id"] / route["file"]).read_bytes())
        return Answer(404)

    return LocalServer(Faulty(answer, lasting(10**9, lambda _r, a: a)))


def hostile(shared_data, name):
    folder = shared_data / "hostile"
    cases = json.loads((folder / "cases.json").read_bytes())["cases"]
    with serve_case(folder, next(case for case in cases if case["id"] == name)) as server:
        given = {"type": "oai-pmh", "url": f"{server.url}/oai", "metadataPrefix": "oai_dc"}
        source = OaiSource(OaiPmhSource(**given), gate_for(server))
        got = list(source.scan())
    return source, [r for r in got if isinstance(r, Record)], [f for f in got if isinstance(f, Finding)], server


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answers_are_refused_in_one_line(shared_data, name):
    with pytest.raises(SourceError, match=HOSTILE[name]) as caught:
        hostile(shared_data, name)
    assert "\n" not in str(caught.value)


def test_hostile_latin_1_is_decoded_right(shared_data):
    _, records, findings, _ = hostile(shared_data, "oai-latin1-as-utf8")
    assert any("Tromsø æøå".encode() in r.body for r in records)
    assert not any("\ufffd".encode() in r.body for r in records)
    assert "oai.encoding" in {f.code for f in findings}


def test_hostile_duplicates_keep_the_newer(shared_data):
    source, records, findings, _ = hostile(shared_data, "oai-duplicates")
    final = {r.identifier: r for r in records}
    assert len(final) == 3  # cases.json: count:3
    assert b"Newer" in final["oai:dup:1"].body
    assert "oai.duplicate" in {f.code for f in findings}
    assert source.complete
