"""ISO 19139 and 19115-3, DIF and DataCite records with known oddities (expected: PROVENANCE.md and the documents)."""

# ruff: noqa: E501, ISC004 (short documents are easier to check on one line)

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from builder.crosswalks import describe
from builder.dataset import License, Link, Projection, Resource
from builder.sources.protocol import Record


@pytest.fixture(scope="session")
def harvest(shared_data):
    return shared_data / "harvest"


def read(path, kind="iso19139", identifier="partner:1"):
    return describe(Record(identifier, kind, path.read_bytes(), "application/xml", "https://example.org"))


def iso(inside, tail=""):
    body = (
        '<MD_Metadata xmlns="http://www.isotc211.org/2005/gmd" xmlns:gco="http://www.isotc211.org/2005/gco" '
        'xmlns:gml="http://www.opengis.net/gml/3.2" xmlns:gmx="http://www.isotc211.org/2005/gmx" '
        'xmlns:xlink="http://www.w3.org/1999/xlink"><identificationInfo><MD_DataIdentification>'
        f"{inside}</MD_DataIdentification></identificationInfo>{tail}</MD_Metadata>"
    )
    return describe(Record("partner:1", "iso19139", body.encode(), "application/xml", "https://example.org"))


def text(value):
    return f"<gco:CharacterString>{value}</gco:CharacterString>"


def period(begin, end):
    return (
        "<extent><EX_Extent><temporalElement><EX_TemporalExtent><extent><gml:TimePeriod>"
        f"{begin}{end}</gml:TimePeriod></extent></EX_TemporalExtent></temporalElement></EX_Extent></extent>"
    )


def test_latin_1_bytes_and_a_swapped_day_and_month(harvest):
    fjord = read(harvest / "oaipmh/nmdc/niva_iso19139_inside_oai.xml")
    assert fjord.title == "Nutrients in the Outer Oslofjord 2001-2013"
    assert fjord.identifier == "e98c827c-556b-43bc-b65c-a29e1fc103b9"
    assert fjord.coverage.start == datetime(2001, 1, 1, tzinfo=UTC)
    assert fjord.coverage.end is None
    assert fjord.coverage.original_temporal == "2001-01-01/2013-31-12"
    assert fjord.coverage.boxes == ((9.4951, 58.9442, 11.4883, 59.7697),)
    assert [f.code for f in fjord.findings] == ["record.encoding", "time.unreadable"]
    assert fjord.version is None  # the edition is the address of somebody's own computer
    assert fjord.lineage is None  # nilReason
    assert fjord.keywords == ("OCEANS>OCEAN CHEMISTRY>NUTRIENTS",)
    data, thumbnail = fjord.resources
    assert (data.key, data.media_type) == ("data", "text/csv")
    assert (thumbnail.key, thumbnail.roles) == ("thumbnail", ("thumbnail",))


def test_both_halves_of_the_sentinel_pair_agree(harvest):
    scene = read(harvest / "iso/py-mmd-tools/reference_iso.xml")
    other = read(harvest / "iso/py-mmd-tools/reference_mmd.xml", "mmd")
    for name in ("identifier", "title", "description", "status", "level", "doi", "created", "parent"):
        assert getattr(scene, name) == getattr(other, name), name
    assert scene.coverage == other.coverage
    assert scene.keywords == ()  # the ISO half has no keywords at all
    assert {p.name: p.email for p in scene.parties}.items() <= {p.name: p.email for p in other.parties}.items()
    places = {one.key: one.href.partition("?")[0] for one in scene.resources}
    assert places == {one.key: one.href.partition("?")[0] for one in other.resources}
    assert set(places) == {"opendap", "wms", "data", "odata"}


def test_title_is_the_datasets_own(harvest):
    coast = read(harvest / "iso/ckanext-geodatagov/nodc_0099041_cw_region_meta_v2013.xml")
    assert coast.title == "CoastWatch Regions in HDF Format"  # the first title in the file is the EPSG registry's
    assert coast.platform.startswith("NOAA-16, NOAA-19")
    assert coast.projection == Projection(code="EPSG:4326")
    assert coast.coverage.end is None


def test_a_series_with_services_and_thesauri(harvest):
    series = read(harvest / "iso/dataone-indexer/gov.noaa.nodc-GHRSST-NEODAAS-L2P-AVHRR17_L.xml")
    assert series.level == "collection"
    assert series.coverage.boxes == ((-60.0, 24.0, 60.0, 90.0),)
    assert series.coverage.end == datetime(2010, 5, 18, 23, 59, 59, tzinfo=UTC)
    assert "http://data.nodc.noaa.gov/opendap/ghrsst/L2P/AVHRR17_L/NEODAAS/" in [one.href for one in series.links]
    assert "NODC ACCESSION NUMBER" in [theme.scheme for theme in series.themes]


def test_services_beside_the_data(harvest):
    relief = read(harvest / "iso/dataone-indexer/isotc211_tightlyCoupledService_SciMeta.xml")
    assert relief.title.startswith("Topography, ETOPO1")
    assert {(one.key, one.service) for one in relief.resources} == {("opendap", "opendap"), ("wms", "wms")}
    assert relief.resources[0].href == "http://gcoos1.tamu.edu:8080/erddap/griddap/etopo180"
    assert relief.updated == datetime(2015, 12, 14, tzinfo=UTC)  # written 20151214Z


def test_an_indeterminate_begin_with_a_negative_duration(harvest):
    forecasts = read(harvest / "iso/metamod/exampleISO19115.xml")
    assert (forecasts.coverage.start, forecasts.coverage.end) == (None, None)
    assert forecasts.coverage.original_temporal == "now/-P3D"
    assert forecasts.published is None  # date nilReason
    assert len(forecasts.keywords) == 24  # 4 delimited strings and 20 words


@pytest.mark.parametrize(
    ("begin", "end", "start", "stop", "original"),
    [
        ("<gml:beginPosition>2003</gml:beginPosition>", '<gml:endPosition indeterminatePosition="now"/>',
         datetime(2003, 1, 1, tzinfo=UTC), None, None),
        ("<gml:beginPosition>2003</gml:beginPosition>", "<gml:endPosition/>", datetime(2003, 1, 1, tzinfo=UTC), None, None),
        ("<gml:beginPosition>2003</gml:beginPosition>", '<gml:endPosition indeterminatePosition="unknown"/>',
         datetime(2003, 1, 1, tzinfo=UTC), None, "2003/unknown"),
        ("<gml:beginPosition>2003</gml:beginPosition>", '<gml:endPosition indeterminatePosition="before">2004</gml:endPosition>',
         datetime(2003, 1, 1, tzinfo=UTC), datetime(2004, 12, 31, 23, 59, 59, tzinfo=UTC), None),
        ("<gml:begin><gml:TimeInstant><gml:timePosition>2003-05</gml:timePosition></gml:TimeInstant></gml:begin>",
         "<gml:end><gml:TimeInstant><gml:timePosition>2003-06</gml:timePosition></gml:TimeInstant></gml:end>",
         datetime(2003, 5, 1, tzinfo=UTC), datetime(2003, 6, 30, 23, 59, 59, tzinfo=UTC), None),
    ],
)  # fmt: skip
def test_periods(begin, end, start, stop, original):
    coverage = iso(period(begin, end)).coverage
    assert (coverage.start, coverage.end, coverage.original_temporal) == (start, stop, original)


def test_an_instant_of_day_precision_is_the_day():
    inside = (
        "<extent><EX_Extent><temporalElement><EX_TemporalExtent><extent><gml:TimeInstant><gml:timePosition>2003-05-01"
        "</gml:timePosition></gml:TimeInstant></extent></EX_TemporalExtent></temporalElement></EX_Extent></extent>"
    )
    coverage = iso(inside).coverage
    assert coverage.start == datetime(2003, 5, 1, tzinfo=UTC)
    assert coverage.end == datetime(2003, 5, 1, 23, 59, 59, tzinfo=UTC)


def test_anchors_translations_and_licences():
    anchor = '<gmx:Anchor xlink:href="https://creativecommons.org/licenses/by/4.0/">Free to use</gmx:Anchor>'
    dataset = iso(
        '<abstract><gco:CharacterString/><PT_FreeText><textGroup><LocalisedCharacterString locale="#FR">Glace'
        '</LocalisedCharacterString></textGroup><textGroup><LocalisedCharacterString locale="#EN">Ice'
        "</LocalisedCharacterString></textGroup></PT_FreeText></abstract><resourceConstraints><MD_LegalConstraints>"
        f"<otherConstraints>{anchor}</otherConstraints></MD_LegalConstraints></resourceConstraints>"
    )
    assert dataset.description == "Ice"
    assert dataset.license == License("CC-BY-4.0", url="https://creativecommons.org/licenses/by/4.0/")


@pytest.mark.parametrize(
    ("constraints", "restricted"),
    [
        ('<accessConstraints><MD_RestrictionCode codeListValue="restricted"/></accessConstraints>', True),
        ('<accessConstraints><MD_RestrictionCode codeListValue="otherRestrictions"/></accessConstraints>'
         f"<otherConstraints>{text('Registered users only, login required')}</otherConstraints>", True),
        ('<accessConstraints><MD_RestrictionCode codeListValue="otherRestrictions"/></accessConstraints>'
         f"<otherConstraints>{text('No conditions apply')}</otherConstraints>", False),
    ],
)  # fmt: skip
def test_access(constraints, restricted):
    wrapped = f"<resourceConstraints><MD_LegalConstraints>{constraints}</MD_LegalConstraints></resourceConstraints>"
    assert iso(wrapped).access.restricted is restricted


def test_constraints_of_the_metadata_are_not_the_datas():
    tail = (
        "<metadataConstraints><MD_LegalConstraints><accessConstraints>"
        '<MD_RestrictionCode codeListValue="restricted"/></accessConstraints></MD_LegalConstraints></metadataConstraints>'
    )
    assert not iso("", tail).access.restricted


def test_the_2014_edition_inside_a_ckan_package(harvest):
    package = json.loads((harvest / "ckan/cioos/23b24541-da8c-427b-bd80-9428166433d4.json").read_text("utf-8"))
    body = package["harvest_document_content"].encode()
    mooring = describe(Record("x", "iso19139", body, "application/xml", "u"))
    assert mooring.identifier == "23b24541-da8c-427b-bd80-9428166433d4"
    assert mooring.title == "Cambridge Bay Conductivity Temperature Depth Deployed 2015-08-27"
    assert mooring.doi == "10.34943/4dbc9b13-e9ba-4574-8a65-48b2a5708c5f"
    assert mooring.coverage.start == datetime(2015, 8, 27, 20, 5, tzinfo=UTC)
    assert mooring.coverage.end == datetime(2016, 8, 24, 3, 21, tzinfo=UTC)
    assert mooring.coverage.vertical == (-8.0, -8.0, "m")  # EPSG:5831 counts depth downwards
    owner = mooring.parties[0]
    assert owner.name == "Ocean Networks Canada Society"
    assert {"custodian", "distributor", "owner"} <= set(owner.roles)


def test_every_iso_record_of_a_ckan_portal_is_read(harvest):
    bodies = [
        json.loads(file.read_text("utf-8")).get("harvest_document_content")
        for file in harvest.glob("ckan/cioos/*.json")
    ]
    records = [describe(Record("x", "iso19139", body.encode(), "application/xml", "u")) for body in bodies if body]
    assert len(records) == 76
    assert all(one.title and one.description and one.parties for one in records)
    assert all(one.coverage.boxes or one.coverage.geometry for one in records)


def test_a_dif_with_two_poles_and_an_open_end(harvest):
    poam = read(harvest / "iso/metamod/exampleDIF.xml", "dif")
    assert poam.identifier == "parent/eçäø€"
    assert poam.coverage.boxes == ((-180.0, -90.0, 180.0, -50.0), (-180.0, 50.0, 180.0, 90.0))
    assert poam.coverage.start == datetime(1998, 4, 22, tzinfo=UTC)
    assert poam.coverage.end is None
    assert poam.access.restricted
    assert (poam.platform, poam.instruments, poam.mission) == ("SPOT-4", ("POAM III",), "SOLVE, SOLVE II")
    assert len(poam.themes[0].ids) == 10
    assert [p.doi for p in poam.publications][:2] == ["10.1029/2001JD000476", "10.1029/2001JD001520"]


def test_a_dif_10():
    body = b"""<DIF xmlns="http://gcmd.gsfc.nasa.gov/Aboutus/xml/dif/"><Entry_ID><Short_Name>ice-7</Short_Name>
    <Version>2.1</Version></Entry_ID><Entry_Title>Ice</Entry_Title><Dataset_Citation><Dataset_Creator>Doe, Jo</Dataset_Creator>
    <Persistent_Identifier><Type>DOI</Type><Identifier>doi:10.5555/ICE</Identifier></Persistent_Identifier></Dataset_Citation>
    <Personnel><Role>INVESTIGATOR</Role><Contact_Person><First_Name>Jo</First_Name><Last_Name>Doe</Last_Name>
    </Contact_Person></Personnel><Science_Keywords><Category>EARTH SCIENCE</Category><Topic>CRYOSPHERE</Topic></Science_Keywords>
    <Platform><Short_Name>Polarstern</Short_Name><Instrument><Short_Name>CTD</Short_Name></Instrument></Platform>
    <Temporal_Coverage><Range_DateTime><Beginning_Date_Time>2010-01-01T00:00:00Z</Beginning_Date_Time>
    <Ending_Date_Time>2010-02-01</Ending_Date_Time></Range_DateTime></Temporal_Coverage>
    <Spatial_Coverage><Geometry><Bounding_Rectangle><Southernmost_Latitude>70 N</Southernmost_Latitude>
    <Northernmost_Latitude>80,5</Northernmost_Latitude><Westernmost_Longitude>12.5 W</Westernmost_Longitude>
    <Easternmost_Longitude>10</Easternmost_Longitude></Bounding_Rectangle></Geometry></Spatial_Coverage>
    <Summary><Abstract>About ice.</Abstract></Summary><Related_URL><URL_Content_Type><Type>GET DATA</Type></URL_Content_Type>
    <URL>https://example.org/ice.nc</URL></Related_URL></DIF>"""
    ice = describe(Record("x", "dif", body, "application/xml", "u"))
    assert (ice.identifier, ice.version, ice.doi) == ("ice-7", "2.1", "10.5555/ICE")
    assert ice.coverage.boxes == ((-12.5, 70.0, 10.0, 80.5),)
    assert ice.coverage.end == datetime(2010, 2, 1, 23, 59, 59, tzinfo=UTC)
    assert ice.parties[0].roles == ("author", "principalInvestigator")
    assert (ice.platform, ice.instruments) == ("Polarstern", ("CTD",))
    assert ice.description == "About ice."
    assert ice.resources == (Resource("data", "https://example.org/ice.nc", "application/netcdf"),)


def test_a_kernel_3_point_of_unclear_order_is_left_out(harvest):
    """DataCite's example writes -52 69 for Disko Bay (69 N 52 W), against its own schema; nobody can tell."""
    bay = read(harvest / "iso/dataone-indexer/datacite-science-metadata-2.xml", "datacite")
    assert bay.coverage.geometry is None
    assert [f.code for f in bay.findings] == ["datacite.place"]
    assert bay.license.id == "CC-BY-3.0"
    assert bay.identifier == bay.doi == "10.5072/geoPointExample"


def test_a_kernel_4_record_with_places_and_relations():
    body = b"""<resource xmlns="http://datacite.org/schema/kernel-4"><identifier identifierType="DOI">10.5555/a</identifier>
    <titles><title titleType="AlternativeTitle">Other</title><title>Own</title></titles>
    <dates><date dateType="Issued">2020</date><date dateType="Available">2020-05-06</date></dates>
    <contributors><contributor contributorType="ProjectLeader"><contributorName>Doe, Jo</contributorName></contributor></contributors>
    <relatedIdentifiers><relatedIdentifier relatedIdentifierType="DOI" relationType="IsPartOf">10.5555/s</relatedIdentifier>
    <relatedIdentifier relatedIdentifierType="DOI" relationType="IsNewVersionOf">10.5555/old</relatedIdentifier></relatedIdentifiers>
    <rightsList><rights rightsURI="info:eu-repo/semantics/restrictedAccess">Restricted Access</rights></rightsList>
    <geoLocations><geoLocation><geoLocationPoint><pointLongitude>20</pointLongitude><pointLatitude>80</pointLatitude>
    </geoLocationPoint></geoLocation><geoLocation><geoLocationPoint>78.2 15.6 </geoLocationPoint></geoLocation></geoLocations></resource>"""
    dataset = describe(Record("x", "datacite", body, "application/xml", "u"))
    assert dataset.title == "Own"
    assert dataset.published == datetime(2020, 5, 6, tzinfo=UTC)
    assert dataset.parent == "10.5555/s"
    assert Link("predecessor-version", "https://doi.org/10.5555/old", title="IsNewVersionOf") in dataset.links
    assert dataset.access.restricted
    assert dataset.coverage.geometry == {"type": "Point", "coordinates": [20.0, 80.0]}
    assert dataset.parties[0].roles == ("principalInvestigator",)


def test_schema_org_in_a_graph_with_a_point_and_its_height():
    said = {
        "@graph": [
            {"@type": "Organization", "name": "x"},
            {
                "@type": ["Dataset"], "name": "Core", "@id": "https://doi.org/10.5555/core",
                "creator": {"@type": "Person", "name": "Jo Doe", "@id": "https://orcid.org/0000-0002-1825-0097"},
                "spatialCoverage": {"geo": {"@type": "GeoCoordinates", "latitude": 70.5, "longitude": "-20", "elevation": "-487.0m"}},
                "temporalCoverage": "2001/..", "keywords": ["ice", {"name": "snow", "inDefinedTermSet": "https://example.org/v"}],
                "isAccessibleForFree": False, "variableMeasured": ["depth", {"name": "age", "unitText": "ka"}],
                "distribution": {"contentUrl": "https://example.org/a.csv", "contentSize": "1234"},
            },
        ]
    }  # fmt: skip
    core = describe(Record("x", "schemaorg", json.dumps(said).encode(), "application/ld+json", "u"))
    assert core.coverage.geometry == {"type": "Point", "coordinates": [-20.0, 70.5]}
    assert core.coverage.vertical == (-487.0, -487.0, "m")
    assert core.coverage.start == datetime(2001, 1, 1, tzinfo=UTC)
    assert core.coverage.end is None
    assert core.access.restricted
    assert core.keywords == ("ice", "snow")
    assert core.parties[0].orcid == "0000-0002-1825-0097"
    assert [v.name for v in core.variables] == ["depth", "age"]
    assert (core.resources[0].size, core.resources[0].media_type) == (1234, "text/csv")
