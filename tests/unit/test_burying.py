"""A record that is not shown takes no page away from one that is."""

from __future__ import annotations

import orjson

from builder.build import Request, build
from builder.findings import note
from builder.gathering import compose as composing
from tests.servers.local import Answer, LocalServer

DOI = "10.5072/two"
RECORD = """<record><header><identifier>oai:x:{n}</identifier><datestamp>2020-01-01</datestamp></header>
<metadata><resource xmlns="http://datacite.org/schema/kernel-4"><identifier identifierType="DOI">{doi}</identifier>
<titles><title>{title} {n}</title></titles><publicationYear>2020</publicationYear>
<dates><date dateType="Collected">2020-01-0{n}</date></dates></resource></metadata></record>"""
ANSWER = """<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-01-01T00:00:00Z</responseDate>
<request>x</request>{}</OAI-PMH>"""
IDENTIFY = """<Identify><repositoryName>x</repositoryName><baseURL>x</baseURL><protocolVersion>2.0</protocolVersion>
<adminEmail>a@b.example</adminEmail><earliestDatestamp>2000-01-01</earliestDatestamp>
<deletedRecord>no</deletedRecord><granularity>YYYY-MM-DD</granularity></Identify>"""
DEFINITION = """\
id: two
title: Two records of one DOI
description: Made by a test.
partner: {{id: test, name: Test}}
license: CC-BY-4.0
source: {{type: oai-pmh, url: "{url}/oai", metadataPrefix: oai_datacite, delay_s: 0}}
"""


def test_the_other_record_of_a_doi_keeps_its_page_night_after_night(tmp_path, monkeypatch):
    said = {1: "Record", 2: "Record"}

    def answer(request):
        records = "".join(RECORD.format(n=n, doi=DOI, title=title) for n, title in said.items())
        body = IDENTIFY if request.args["verb"] == "Identify" else f"<ListRecords>{records}</ListRecords>"
        return Answer(200, {"Content-Type": "text/xml"}, ANSWER.format(body).encode())

    def shown(record, *_):  # DataCite knows no review, other formats do
        return note("record.not-published", record.identifier, "in review") if b"In review" in record.body else None

    monkeypatch.setattr(composing, "shown", shown)
    (tmp_path / "collections").mkdir()
    request = Request(tmp_path / "collections", tmp_path / "out", tmp_path / "state")
    with LocalServer(answer) as server:
        (tmp_path / "collections" / "two.yaml").write_text(DEFINITION.format(url=server.url))
        for said[1] in ("Record", "In review", "In review", "In review"):
            report = build(request, lambda _: None)
            assert report.exit_status == 0, report.to_markdown()
    titles = []
    for file in (tmp_path / "out" / "test" / "two").glob("*.json"):
        stac = orjson.loads(file.read_bytes())
        if stac.get("type") == "Feature":
            titles.append(stac["properties"]["title"])
            assert f"<h1>{titles[-1]}</h1>" in file.with_suffix(".html").read_text()
    assert titles == ["Record 2"]
