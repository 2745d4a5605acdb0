"""Whatever partners and maintainers write, a build ends in items or findings and a valid catalogue."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pystac
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from pystac.validation import JsonSchemaSTACValidator

import builder.harvest
from builder.build import Request, build
from builder.checks import check_folder
from builder.definitions.load import load_all
from builder.findings import Severity
from builder.sources.http import HttpGate
from tests.servers.local import Answer, LocalServer

OAI = "http://www.openarchives.org/OAI/2.0/"
OAI_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
DC = "http://purl.org/dc/elements/1.1/"
THREDDS = "http://www.unidata.ucar.edu/namespaces/thredds/InvCatalog/v1.0"

LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")
ODD = (
    "", " ", "<script>alert(1)</script>", "]]>", "{{ 7*7 }}", "javascript:alert(1)", "data:text/html,x", "=1+1",
    "http://[", "https://u:p@h.example/x?token=s", "../../x", "a/b", "CON", "\u202egnp", "-rf", "0" * 400, "Å",
    "A\u030a", "1e308", "NaN", "-91", "95", "540", "2020-13-40", "2019-01-01/2018-01-01", "9999-12-31T23:59:59Z",
    "0000", "LATITUDE: 78 * LONGITUDE: 10", "LATITUDE: x * LONGITUDE: 1e999", "10.1594/PANGAEA.1",
    "https://doi.org/10.5/x y",
    "WEST-BOUND LONGITUDE: 170 * EAST-BOUND LONGITUDE: -170 * SOUTH-BOUND LATITUDE: 80 * NORTH-BOUND LATITUDE: 70",
    "[" * 300, ">" * 300, "a@b..c", "__proto__", "constructor", "١٢", "\u00a0", "https://x.example/a.nc",
)  # fmt: skip
TEXT = st.one_of(st.sampled_from(ODD), st.text(LETTERS, max_size=20))
IDENTIFIERS = st.one_of(TEXT.filter(str.strip), st.sampled_from(["a", "A", "a ", "Å", "A\u030a", "x" * 400]))
TERMS = ("title", "description", "creator", "identifier", "date", "coverage", "rights", "relation", "source", "format",
         "language", "subject", "publisher", "contributor", "type")  # fmt: skip


@st.composite
def oai_documents(draw):
    root = etree.Element(f"{{{OAI}}}OAI-PMH")
    etree.SubElement(root, f"{{{OAI}}}responseDate").text = "2026-01-01T00:00:00Z"
    records = etree.SubElement(root, f"{{{OAI}}}ListRecords")
    for _ in range(draw(st.integers(1, 4))):
        record = etree.SubElement(records, f"{{{OAI}}}record")
        header = etree.SubElement(record, f"{{{OAI}}}header")
        etree.SubElement(header, f"{{{OAI}}}identifier").text = draw(IDENTIFIERS)
        etree.SubElement(header, f"{{{OAI}}}datestamp").text = draw(st.sampled_from(["2020-01-01", "", "soon"]))
        if draw(st.integers(0, 9)) == 0:
            header.set("status", "deleted")
            continue
        inner = etree.SubElement(etree.SubElement(record, f"{{{OAI}}}metadata"), f"{{{OAI_DC}}}dc")
        for name in draw(st.lists(st.sampled_from(TERMS), max_size=8)):
            etree.SubElement(inner, f"{{{DC}}}{name}").text = draw(TEXT)
    return etree.tostring(root)


SHAPES = st.sampled_from(
    [{"type": "Point", "coordinates": [10, 78]}, {"type": "Point", "coordinates": ["10", None]}, {}, [], "x", 1,
     {"type": "Polygon", "coordinates": [[[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]]},
     {"type": [], "coordinates": {}},
     {"type": "Polygon", "coordinates": [[[170, 70], [-170, 70], [-170, 80], [170, 80], [170, 70]]]},
     {"type": "GeometryCollection", "geometries": []}, {"type": "Point", "coordinates": [1e308, -1e308]}]
)  # fmt: skip
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
KEYS = ("title", "notes", "license_id", "author", "author_email", "url", "tags", "groups", "organization",
        "metadata_created", "version", "temporal_start", "temporal", "bbox", "doi", "keywords",
        "__proto__")  # fmt: skip
RESOURCES = st.fixed_dictionaries(
    {"id": st.just("r")}, optional={"url": TEXT, "format": TEXT, "name": ANY, "size": ANY}
)


@st.composite
def packages(draw, number):
    package = {"name": f"p-{number}", "state": "active", "private": False, "type": "dataset", "resources": []}
    package |= draw(st.dictionaries(st.sampled_from(KEYS), ANY, max_size=6))
    package |= {"id": draw(st.one_of(IDENTIFIERS, st.just(f"id-{number}")))}
    package["resources"] = draw(st.lists(RESOURCES, max_size=2))
    shape = draw(SHAPES)
    package["extras"] = [{"key": "spatial", "value": draw(st.sampled_from([shape, json.dumps(shape), "not json"]))}]
    return package


@st.composite
def ckan_documents(draw):
    found = [draw(packages(number)) for number in range(draw(st.integers(1, 4)))]
    count = draw(st.sampled_from([len(found), len(found), 0, 99]))
    text = json.dumps({"help": "", "success": True, "result": {"count": count, "results": found}})
    odd = draw(
        st.sampled_from(
            [None, None, None, ('"state"', '"title"'), ("false", "NaN"), ("false", "1" * 5000), ('"p-0"', '"\\ud800"')]
        )
    )
    return (text.replace(*odd, 1) if odd else text).encode()


@st.composite
def thredds_documents(draw):
    root = etree.Element(f"{{{THREDDS}}}catalog")
    base = draw(st.sampled_from(["/thredds/fileServer/", "", "file:///", "http://other.example/", "javascript:"]))
    etree.SubElement(root, f"{{{THREDDS}}}service", name="all", serviceType="HTTPServer", base=base)
    for _ in range(draw(st.integers(1, 4))):
        dataset = etree.SubElement(
            root, f"{{{THREDDS}}}dataset", name=draw(TEXT), urlPath=draw(TEXT), serviceName="all"
        )
        for name in draw(st.lists(st.sampled_from(["documentation", "keyword", "date", "authority"]), max_size=3)):
            etree.SubElement(dataset, f"{{{THREDDS}}}{name}").text = draw(TEXT)
        if draw(st.booleans()):
            time = etree.SubElement(dataset, f"{{{THREDDS}}}timeCoverage")
            for name in ("start", "end"):
                etree.SubElement(time, f"{{{THREDDS}}}{name}").text = draw(TEXT)
    return etree.tostring(root)


WORDING = st.fixed_dictionaries(
    {"title": TEXT, "description": TEXT, "license": st.sampled_from(["CC-BY-4.0", "other", "x", ""])},
    optional={"keywords": st.lists(TEXT, max_size=2), "doi": TEXT, "unknown": TEXT, "enabled": ANY},
)


class Partner:
    """Answers with what the example says; everything else is not there."""

    documents: dict[str, bytes]

    def __call__(self, request):
        if request.path == "/oai" and request.args.get("verb") == "ListRecords":
            return Answer(200, {"Content-Type": "text/xml"}, self.documents["oai"])
        if request.path.endswith("/package_search"):
            return Answer(200, {"Content-Type": "application/json"}, self.documents["ckan"])
        if request.path == "/thredds/catalog.xml":
            return Answer(200, {"Content-Type": "application/xml"}, self.documents["thredds"])
        return Answer(404)


def sources(url):
    return {
        "oai": {"type": "oai-pmh", "url": f"{url}/oai", "metadataPrefix": "oai_dc"},
        "ckan": {"type": "ckan", "url": url},
        "thredds": {"type": "thredds", "url": f"{url}/thredds/catalog.xml"},
    }


def hurried(*, limits, **rest):
    return HttpGate(limits=replace(limits, tries=1), **rest)


@pytest.fixture(scope="module")
def partner():
    answering = Partner()
    with pytest.MonkeyPatch.context() as patch, LocalServer(answering) as server:
        patch.setattr(builder.harvest, "HttpGate", hurried)
        yield answering, server.url


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(oai_documents(), ckan_documents(), thredds_documents(), WORDING)
def test_every_build_ends_in_a_valid_catalogue(tmp_path_factory, partner, oai, ckan, thredds, wording):
    answering, url = partner
    answering.documents = {"oai": oai, "ckan": ckan, "thredds": thredds}
    folder = tmp_path_factory.mktemp("any")
    try:
        one_build(folder, url, wording)
    finally:
        shutil.rmtree(folder)


def one_build(folder: Path, url: str, wording: dict[str, object]) -> None:
    plain = {"title": "T", "description": "D", "license": "CC-BY-4.0", "partner": {"id": "p", "name": "P"}}
    (folder / "collections").mkdir()
    for name, source in sources(url).items():
        body = {**plain, "id": name, "source": {**source, "delay_s": 0}}
        (folder / "collections" / f"{name}.yaml").write_text(json.dumps(body))
    odd = {**plain, **wording, "id": "odd", "source": {"type": "files", "records": [{"id": "a", "title": "A"}]}}
    (folder / "collections" / "odd.yaml").write_text(json.dumps(odd))
    request = Request(folder / "collections", folder / "catalog", folder / "state")
    _, mistakes = load_all(request.collections)
    assert all("odd.yaml:" in problem for mistake in mistakes for problem in mistake.problems())
    if mistakes:
        (folder / "collections" / "odd.yaml").unlink()
    run = build(request, lambda _: None)
    found = [finding for collection in run.collections for finding in collection.findings]
    assert [str(finding) for finding in found if "unexpected" in finding.code] == []
    for collection in run.collections:
        assert collection.items or collection.findings or collection.counts.get("deleted")
    _, faults = check_folder(folder / "catalog")
    assert [str(fault) for fault in faults if fault.severity is Severity.ERROR] == []
    catalog = pystac.Catalog.from_file(str(folder / "catalog" / "catalog.json"))
    for root, _, items in catalog.walk():
        for stac in (root, *items):
            kind = stac.to_dict()["type"]
            JsonSchemaSTACValidator().validate_core(stac.to_dict(include_self_link=False), kind, "1.1.0")
