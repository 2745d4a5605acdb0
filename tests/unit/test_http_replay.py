"""The replay server gives back what was recorded, under addresses of its own."""

from __future__ import annotations

import pytest

from builder.definitions.model import OaiPmhSource
from builder.errors import FetchError
from builder.sources.http import HttpGate, Limits
from builder.sources.oai import OaiSource
from builder.sources.protocol import Record
from tests.servers.faults import FAULTS, Faulty, once
from tests.servers.oai_app import Document
from tests.servers.replay import ReplayServer


@pytest.fixture
def server(shared_data):
    with ReplayServer(shared_data / "harvest") as replay:
        yield replay


def gate_for(server):
    return HttpGate(hosts=[server.host], delay_s=0, limits=Limits(tries=1), sleep=lambda _: None)


def test_a_file_comes_with_its_recorded_headers(server, shared_data):
    name = "oaipmh/mit-dspace/get_record_ok.xml"
    answer = gate_for(server).get(server.file(name))
    assert answer.body == (shared_data / "harvest" / name).read_bytes()
    assert answer.headers["content-type"] == "text/xml;charset=UTF-8"


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("ckan/dados.gov.br/package_show_404.json", 404),
        ("oaipmh/mit-dspace/get_record_http500_empty.xml", 500),
        ("thredds/thredds-test.unidata.ucar.edu/hdob_latest_http500.txt", 500),
        ("thredds/thredds.ucar.edu/ncss_error_http400.txt", 400),
        ("../hostile/cases.json", 404),
        ("no/such/file.xml", 404),
    ],
)
def test_a_recorded_refusal_is_a_refusal(server, name, status):
    with pytest.raises(FetchError) as caught:
        gate_for(server).get(server.file(name))
    assert caught.value.status == status


def test_a_recorded_redirect_leads_to_the_recorded_target(server):
    """OceanData answered 301 from the folder to its catalog.xml, which was recorded too."""
    folder = "thredds/oceandata.sci.gsfc.nasa.gov"
    answer = gate_for(server).get(server.file(f"{folder}/SeaWiFS_2001_001_http301.html"))
    assert answer.url == server.file(f"{folder}/SeaWiFS_2001_001_hyrax_catalog.xml")
    assert b"catalog" in answer.body


def test_added_answers_come_first(server):
    url = server.add("/oaipmh/mit-dspace/get_record_ok.xml", 200, {"Content-Type": "text/plain"}, "mine")
    assert gate_for(server).get(url).body == b"mine"


def test_faults_can_be_put_in_front(shared_data):
    with ReplayServer(shared_data / "harvest", wrap=lambda h: Faulty(h, once(1, FAULTS["500"]))) as server:
        with pytest.raises(FetchError):
            gate_for(server).get(server.file("oaipmh/mit-dspace/get_record_ok.xml"))
        assert gate_for(server).get(server.file("oaipmh/mit-dspace/get_record_ok.xml")).status == 200


def test_recorded_documents_become_a_provider(server, shared_data):
    files = sorted((shared_data / "harvest/oaipmh/pangaea-2020-01-22/panmd").glob("*.xml"))
    documents = [Document(f"oai:pangaea.de:doi:10.1594/PANGAEA.{f.stem}", f.read_bytes()) for f in files]
    gone = Document("oai:pangaea.de:doi:10.1594/PANGAEA.1", None)
    url = server.oai_of("/pangaea", [*documents, gone], "pan_md", page=2)
    source = OaiSource(OaiPmhSource(type="oai-pmh", url=url, metadataPrefix="pan_md"), gate_for(server))
    records = [got for got in source.scan() if isinstance(got, Record)]
    assert len(files) == 6
    assert [(r.identifier, r.deleted) for r in records] == [
        *((d.identifier, False) for d in documents),
        (gone.identifier, True),
    ]
    assert {r.format for r in records if not r.deleted} == {"pan_md"}
    assert source.counts["pages"] == 4
    assert source.complete
