"""Other catalogues read what is written for them: rdflib and the profile's tables, OWSLib, an OAI-PMH harvester."""

from __future__ import annotations

import json
from datetime import datetime
from urllib.parse import parse_qs

import pytest
import rdflib
from lxml import etree
from owslib.iso3 import MD_Metadata
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF, XSD
from sickle import Sickle

from builder.crosswalks import describe as read_record
from builder.exports import Publisher, describe, exports, iso_bytes
from builder.exports.described import Described
from builder.exports.oai import base_url
from builder.serve import running
from builder.sources.protocol import Record
from tests.unit.pages_samples import AWI, CTD_COLLECTION, ICE_COLLECTION, IMR, NERSC, TABLE_COLLECTION

BASE = "https://data.example.org/iaos/"
ME = Publisher(BASE, "arctic@example.org", "", "iAOS", "Arctic observations.")
ACROSS = CTD_COLLECTION | {
    "extent": {"spatial": {"bbox": [[170.0, 70.0, -170.0, 75.0]]}, "temporal": {"interval": [[None, None]]}},
    "sci:doi": "10.1594/PANGAEA.1",
    "updated": "2019-05-16T10:20:29Z",
    "description": "Temperatures & <b>salinities</b> ]]> of a cruise",
    "contacts": [
        {"name": "Data desk", "roles": ["pointOfContact"], "emails": [{"value": "desk@example.org"}]},
        {"name": "Hansen, Ingrid", "roles": ["author"]},
    ],
    "auth:schemes": {"login": {"type": "login"}},
    "summaries": {"cf:parameter": [{"name": "sea_water_temperature", "unit": "degC"}]},
}
SHELVES = [(ACROSS, IMR), (TABLE_COLLECTION, AWI), (ICE_COLLECTION, NERSC)]


@pytest.fixture(scope="module")
def described() -> list[Described]:
    return [describe(collection, partner, BASE) for collection, partner in SHELVES]


@pytest.fixture(scope="module")
def files(described) -> dict[str, bytes]:
    return dict(exports(ME, described))


@pytest.fixture(scope="module")
def graph(files) -> rdflib.Graph:
    return rdflib.Graph().parse(data=files["dcat.jsonld"], format="json-ld")


MANDATORY = {
    DCAT.Catalog: {DCTERMS.title, DCTERMS.description, DCTERMS.publisher},
    DCAT.Dataset: {DCTERMS.title, DCTERMS.description},
    DCAT.Distribution: {DCAT.accessURL},
    FOAF.Agent: {FOAF.name},
}
"""DCAT-AP 3.0, section 4: the properties a class must have."""
RANGES = {
    DCTERMS.publisher: FOAF.Agent,
    DCTERMS.license: DCTERMS.LicenseDocument,
    DCTERMS.temporal: DCTERMS.PeriodOfTime,
    DCTERMS.spatial: DCTERMS.Location,
    DCTERMS.accessRights: DCTERMS.RightsStatement,
    DCAT.mediaType: DCTERMS.MediaType,
    DCAT.landingPage: FOAF.Document,
    DCAT.distribution: DCAT.Distribution,
}
"""The same: what the values of a property must be."""
ONCE = (DCTERMS.publisher, DCTERMS.accessRights, DCTERMS.modified, DCTERMS.license, DCAT.mediaType, DCAT.byteSize)


def test_dcat_has_what_the_profile_demands(graph):
    for kind, needed in MANDATORY.items():
        subjects = set(graph.subjects(RDF.type, kind))
        assert subjects
        for subject in subjects:
            assert needed <= set(graph.predicates(subject)), subject
    for predicate, kind in RANGES.items():
        for value in graph.objects(None, predicate):
            assert (value, RDF.type, kind) in graph, (predicate, value)
    for subject in set(graph.subjects()):
        assert all(len(set(graph.objects(subject, predicate))) <= 1 for predicate in ONCE), subject
    assert not [node for node in graph.all_nodes() if isinstance(node, rdflib.URIRef) and ":" not in node]


def test_dcat_says_of_a_collection_what_stac_says(graph):
    dataset = rdflib.URIRef(f"{BASE}imr/ctd/index.html")
    catalog = next(graph.subjects(RDF.type, DCAT.Catalog))
    assert len(set(graph.objects(catalog, DCAT.dataset))) == 3
    assert str(graph.value(dataset, DCTERMS.description)) == "Temperatures & salinities ]]> of a cruise"
    assert str(graph.value(dataset, DCTERMS.identifier)) == "https://doi.org/10.1594/PANGAEA.1"
    assert str(graph.value(dataset, DCAT.landingPage)) == "https://doi.org/10.1594/PANGAEA.1"
    assert str(graph.value(dataset, DCTERMS.accessRights)).endswith("/RESTRICTED")
    assert {str(word) for word in graph.objects(dataset, DCAT.keyword)} >= {"ocean", "sea_water_temperature"}
    modified = graph.value(dataset, DCTERMS.modified)
    assert (modified.datatype, modified.toPython().year) == (XSD.dateTime, 2019)
    mail = next(graph.objects(graph.value(dataset, DCAT.contactPoint), None), None)
    assert mail is not None
    table = rdflib.URIRef(f"{BASE}awi/events/index.html")
    period = graph.value(table, DCTERMS.temporal)
    assert graph.value(period, DCAT.startDate).toPython() == datetime.fromisoformat("2007-08-01T00:00:00Z")


def test_a_box_across_the_date_line_is_two(graph):
    from shapely import from_wkt

    place = graph.value(rdflib.URIRef(f"{BASE}imr/ctd/index.html"), DCTERMS.spatial)
    shape = from_wkt(str(graph.value(place, DCAT.bbox)))
    assert shape.geom_type == "MultiPolygon"
    assert shape.bounds == (-180, 70, 180, 75)
    assert shape.area == 20 * 5


def test_owslib_reads_the_iso_record(described):
    read = MD_Metadata(etree.fromstring(iso_bytes(described[0], ME)))
    assert read.identifier == f"{BASE}imr/ctd/index.html"
    assert (read.languagecode, read.charset, read.hierarchy) == ("eng", "utf8", "series")
    assert read.datestamp == "2019-05-16T10:20:29Z"
    (contact,) = read.contact
    assert (contact.organization, contact.email, contact.role) == ("iAOS", "arctic@example.org", "publisher")
    (about,) = read.identification
    assert about.title == "CTD profiles, IMR research vessels"
    assert about.abstract == "Temperatures & salinities ]]> of a cruise"
    assert about.topiccategory == ["oceans", "biota"]
    assert about.uricode == ["10.1594/PANGAEA.1"]
    assert [one.name for one in about.keywords[0].keywords] == ["ocean", "Arctic", "sea_water_temperature"]
    box = about.extent.boundingBox
    assert [float(side) for side in (box.minx, box.miny, box.maxx, box.maxy)] == [170, 70, -170, 75]
    assert about.accessconstraints == ["restricted"]
    links = {one.url: one.name for one in read.distribution.online}
    assert links[f"{BASE}imr/ctd/collection.json"] == "STAC Collection"


def test_our_own_harvester_reads_the_iso_record_back(described):
    body = iso_bytes(described[2], ME)
    dataset = read_record(Record("x", "iso19139", body, "application/xml", "https://example.org/x"))
    assert dataset.title == "Sea-ice concentration, daily grids"
    assert dataset.coverage.boxes == ((-180, 31, 180, 90),)
    assert dataset.coverage.start.isoformat() == "2018-01-01T00:00:00+00:00"
    assert dataset.license.id == "CC-BY-4.0"


def test_an_iso_record_needs_no_base_url_and_no_date():
    read = MD_Metadata(etree.fromstring(iso_bytes(describe(TABLE_COLLECTION, AWI), Publisher())))
    assert read.identifier == "events"
    assert read.datestamp is None


# The static repository. Order and cardinality as in the schemas static-repository.xsd and OAI-PMH-static-repository.xsd
# (Open Archives Initiative, 2004-04-23): Identify, ListMetadataFormats, then at least one ListRecords.
IDENTIFY = [
    "repositoryName",
    "baseURL",
    "protocolVersion",
    "adminEmail",
    "earliestDatestamp",
    "deletedRecord",
    "granularity",
]
O = "{http://www.openarchives.org/OAI/2.0/}"  # noqa: E741
S = "{http://www.openarchives.org/OAI/2.0/static-repository}"


def test_static_repository_keeps_to_the_schema(files):
    root = etree.fromstring(files["oai.xml"])
    assert [child.tag for child in root] == [
        f"{S}{n}" for n in ("Identify", "ListMetadataFormats", *["ListRecords"] * 2)
    ]
    assert [child.tag for child in root[0]] == [f"{O}{name}" for name in IDENTIFY]
    said = {child.tag.removeprefix(O): child.text for child in root[0]}
    assert (said["deletedRecord"], said["granularity"], said["protocolVersion"]) == ("no", "YYYY-MM-DD", "2.0")
    prefixes = [entry.findtext(f"{O}metadataPrefix") for entry in root[1]]
    assert [records.get("metadataPrefix") for records in root[2:]] == prefixes
    for record in root.iter(f"{O}record"):
        header, metadata = record
        assert [child.tag for child in header] == [f"{O}identifier", f"{O}datestamp"]
        assert header.attrib == {}
        assert header[1].text >= said["earliestDatestamp"]
        assert len(metadata) == 1


@pytest.fixture
def gateway(files):
    """A static repository gateway: answers OAI-PMH from the file, as the guidelines' section 4 has it."""
    root = etree.fromstring(files["oai.xml"])

    def app(environ, start):
        asked = {key: values[0] for key, values in parse_qs(environ["QUERY_STRING"]).items()}
        answer = etree.Element(f"{O}OAI-PMH", nsmap={None: O[1:-1]})
        etree.SubElement(answer, f"{O}responseDate").text = "2020-01-01T00:00:00Z"
        etree.SubElement(answer, f"{O}request").text = "x"
        verb = etree.SubElement(answer, f"{O}{asked['verb']}")
        for part in root.findall(f"{S}{asked['verb']}"):
            if part.get("metadataPrefix") == asked.get("metadataPrefix"):
                verb.extend(list(etree.fromstring(etree.tostring(part))))
        start("200 OK", [("Content-Type", "text/xml")])
        return [etree.tostring(answer)]

    with running(lambda url: app) as server:
        yield server.url


def test_a_harvester_reads_the_static_repository_through_a_gateway(gateway):
    client = Sickle(gateway)
    assert client.Identify().adminEmail == "arctic@example.org"
    assert [one.metadataPrefix for one in client.ListMetadataFormats()] == ["oai_dc", "iso19115-3"]
    records = list(client.ListRecords(metadataPrefix="oai_dc"))
    assert [one.header.identifier for one in records] == [
        f"oai:data.example.org:{path}" for path in ("imr/ctd", "awi/events", "nersc/seaice")
    ]
    assert records[0].header.datestamp == "2019-05-16"
    assert records[0].metadata["creator"] == ["Hansen, Ingrid"]
    assert records[0].metadata["identifier"] == [f"{BASE}imr/ctd/index.html", "https://doi.org/10.1594/PANGAEA.1"]
    assert len(list(client.ListRecords(metadataPrefix="iso19115-3"))) == 3


def test_the_base_url_of_a_static_repository_is_the_gateways():
    # Guidelines for static repositories, section 2.2: http://an.oai.org/ma/mini.xml behind gateway.institution.org/oai.
    me = Publisher("http://an.oai.org/ma/", "a@b.org", "http://gateway.institution.org/oai")
    assert base_url(me) == "http://gateway.institution.org/oai/an.oai.org/ma/oai.xml"


def test_nothing_is_promised_without_address_mailbox_or_collections(described):
    assert dict(exports(Publisher(), described)) == {}
    assert list(dict(exports(Publisher(BASE), described))) == ["dcat.jsonld"]
    assert list(dict(exports(ME, []))) == ["dcat.jsonld"]


def test_any_field_may_be_junk():
    for junk in (None, [], {}, -1, "\x00\ud800", "<x>", [{}], True):
        for key in ACROSS.keys() - {"id"}:
            one = describe(ACROSS | {key: junk}, IMR, BASE)
            files = dict(exports(ME, [one]))
            json.loads(files["dcat.jsonld"])
            etree.fromstring(files["oai.xml"])
            etree.fromstring(iso_bytes(one, ME))
