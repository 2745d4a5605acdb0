"""What the metadata of a THREDDS dataset means, on the recorded catalogues and on every form of period and place."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from builder.crosswalks import describe
from builder.errors import IaosError, RecordError
from builder.invcatalog import read_catalog, single
from builder.sources.protocol import Record

NAMESPACE = (
    'xmlns="http://www.unidata.ucar.edu/namespaces/thredds/InvCatalog/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink"'
)


def record(body, name="a/b.nc"):
    return Record(name, "thredds", body, "application/xml", "http://thredds.example.org/thredds/catalog.html?dataset=x")


def described(shared_data, name, which="datasets"):
    path = shared_data / "harvest" / "thredds" / name
    catalog = read_catalog(path.read_bytes(), f"http://thredds.example.org/{name}")
    return [describe(record(single(dataset, catalog), dataset.url_path)) for dataset in getattr(catalog, which)]


def of(metadata, attributes='urlPath="a/b.nc"', service="HTTPServer"):
    service = f'<service name="s" serviceType="{service}" base="/thredds/fileServer/"/>'
    dataset = f'<dataset name="b.nc" {attributes}><serviceName>s</serviceName>{metadata}</dataset>'
    return describe(record(f"<catalog {NAMESPACE}>{service}{dataset}</catalog>".encode()))


def test_every_recorded_dataset_is_described(shared_data):
    described_, containers = 0, 0
    for path in sorted((shared_data / "harvest" / "thredds").rglob("*.xml")):
        try:
            catalog = read_catalog(path.read_bytes(), f"http://thredds.example.org/{path.name}")
        except IaosError:
            continue
        for dataset in (*catalog.datasets, *catalog.containers):
            result = describe(record(single(dataset, catalog)))
            assert result.title
            assert set(result.trace) >= {"title"}
        described_ += len(catalog.datasets)
        containers += len(catalog.containers)
    assert described_ == 617  # PROVENANCE.md, summary
    assert containers > 100


def test_stations_with_discovery_metadata(shared_data):
    (metar,) = described(shared_data, "thredds.ucar.edu/metar_station_data_dataset_query_catalog.xml")
    assert metar.title == "Feature Collection"
    assert metar.description == "Metars: hourly surface weather observations"
    assert metar.coverage.boxes == ((-180.0, -90.0, 180.0, 90.0),)  # 0.0 + 360.0
    assert metar.coverage.start == datetime(2015, 5, 16, tzinfo=UTC)
    assert metar.coverage.end == datetime(2015, 6, 23, tzinfo=UTC)
    assert metar.keywords == ("metar", "surface observations")
    assert [(p.name, p.roles, p.email) for p in metar.parties] == [
        ("DOC/NOAA/NWS", ("originator",), "answers@noaa.gov"),
        ("UCAR/UNIDATA", ("publisher",), "support@unidata.ucar.edu"),
    ]
    standard = {variable.name: variable.standard_name for variable in metar.variables}
    assert standard["wind_gust"] == "wind_speed"
    assert standard["xfields"] is None
    assert [resource.key for resource in metar.resources] == ["ncss"]
    assert metar.license.title == "Freely available"
    assert not metar.access.restricted


def test_twins_of_two_vocabularies_are_one_party(shared_data):
    catalog = described(shared_data, "thredds.ucar.edu/idd/forecastModels.xml", "containers")
    many = [dataset for dataset in catalog if len(dataset.parties) > 1]
    assert many
    for dataset in many:
        pairs = [(p.roles, p.url) for p in dataset.parties]
        assert len(set(pairs)) == len(pairs)
        assert all(p.email is None or "@" in p.email for p in dataset.parties)


def test_restricted_data_are_marked(shared_data):
    datasets = described(shared_data, "ereeftds.bom.gov.au/ereefs_mwq_P1A_catalog.xml")
    assert len(datasets) == 13
    assert {(d.access.restricted, d.access.statement) for d in datasets} == {(True, "Registered research users only")}
    assert {d.license for d in datasets} == {None}
    assert of("", 'urlPath="a.nc" restrictAccess="group"').access.restricted


def test_files_that_are_no_datasets_get_no_opendap(shared_data):
    for dataset in described(shared_data, "thredds-test.unidata.ucar.edu/hdob_catalog.xml"):
        assert [(r.key, r.media_type) for r in dataset.resources] == [("data", "text/plain; charset=utf-8")]
    opendap = '<property name="NotAThreddsDataset" value="true"/>'
    assert [f.code for f in of(opendap, service="OPENDAP").findings] == ["thredds.no-address"]


def test_virtual_datasets_have_no_file(shared_data):
    for dataset in described(shared_data, "thredds.ucar.edu/NAM_CONUS_20km_noaaport_catalog.xml"):
        assert "data" not in {resource.key for resource in dataset.resources}
        assert "thredds.virtual" in {finding.code for finding in dataset.findings}


def test_services_become_resources(shared_data):
    sic = described(shared_data, "pavics.ouranos.ca/xclim_cmip6_catalog.xml")[2]
    found = {resource.key: resource for resource in sic.resources}
    assert list(found) == [
        "data", "opendap", "metadata-ncml", "metadata-uddc", "metadata-iso", "wcs", "wms", "ncss",
    ]  # fmt: skip
    prefix = "http://thredds.example.org/twitcher/ows/proxy/thredds"
    path = "birdhouse/testdata/xclim/cmip6/sic_SImon_CCCma-CanESM5_ssp245_r13i1p2f1_2020.nc"
    assert found["data"].href == f"{prefix}/fileServer/{path}"
    assert found["data"].media_type == "application/netcdf"
    assert found["data"].size is None  # 3.583 Mbytes is rounded
    assert found["opendap"].media_type == "application/x-netcdf"
    assert found["metadata-iso"].roles == ("metadata",)
    assert sic.updated == datetime(2024, 8, 24, 1, 59, 6, 648000, tzinfo=UTC)
    hyrax = described(shared_data, "oceandata.sci.gsfc.nasa.gov/SeaWiFS_2001_001_hyrax_catalog.xml")[0]
    assert [(r.key, r.href.partition("?")[0]) for r in hyrax.resources] == [
        (
            "opendap",
            "http://thredds.example.org/opendap/hyrax/SeaWiFS/L3SMI/2001/001/S2001001.L3m_DAY_BIOS4_chlor_a_4km.nc",
        ),
        ("wms", "http://thredds.example.org/ncWMS/wms"),
    ]
    assert of('<dataSize units="bytes">2921048216</dataSize>').resources[0].size == 2921048216


def test_comma_lists_and_repeated_words(shared_data):
    namanl = described(shared_data, "www.ncei.noaa.gov/namanl_20180220_catalog.xml")[0]
    assert namanl.keywords[:2] == ("GOVERNMENT AGENCIES-U.S. FEDERAL AGENCIES", "DOC")
    assert namanl.keywords[-1] == "North American Mesoscale"
    assert [theme.scheme for theme in namanl.themes] == ["GCMD"]
    assert namanl.processing_level == "Level 4"
    assert [(link.rel, link.href) for link in namanl.links][-1] == (
        "describedby", "http://gis.ncdc.noaa.gov/geoportal/rest/document?id={6439CC43-0208-4AD6-BF6F-48F586F7541D}",
    )  # fmt: skip
    assert [p.url for p in namanl.parties] == ["http://www.ncep.noaa.gov/", "https://www.ncei.noaa.gov/"]


def moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


@pytest.mark.parametrize(
    ("period", "start", "end", "original"),
    [
        ("<end>present</end><duration>14 days</duration>", None, None, "present/14 days"),
        ("<start>1999-11-16T12:00:00</start><duration>P3M</duration>", "1999-11-16T12:00", "2000-02-16T12:00", None),
        ("<end>2005-05-14</end><duration>2 days</duration>", "2005-05-12", "2005-05-14T23:59:59", None),
        ("<start>2005-05-12 00:52:56</start><end>2005-05-14 00:52:56</end>", "2005-05-12T00:52:56",
         "2005-05-14T00:52:56", None),
        ("<start>1999-11-16T12:00:00</start><end>present</end>", "1999-11-16T12:00", None, None),
        ("<start>2014-04-10 21:49:19 UTC</start><end>2014-04-10 21:49:19 UTC</end>", "2014-04-10T21:49:19",
         "2014-04-10T21:49:19", None),
        ("<start>nonsense</start>", None, None, "nonsense/"),
        ("<start>2001-01-01</start><duration>soon</duration>", "2001-01-01", None, "2001-01-01 soon"),
    ],
)  # fmt: skip
def test_forms_of_a_period(period, start, end, original):
    coverage = of(f"<timeCoverage>{period}</timeCoverage>").coverage
    assert (coverage.start, coverage.end, coverage.original_temporal) == (moment(start), moment(end), original)


def test_other_calendars_keep_the_words():
    dataset = of('<timeCoverage calendar="uniform30day"><start>2017-02-30</start><end>2017-04-01</end></timeCoverage>')
    assert dataset.coverage.original_temporal == "2017-02-30/2017-04-01 (uniform30day)"
    assert dataset.coverage.start is None
    assert [f.code for f in dataset.findings] == ["time.calendar"]


@pytest.mark.parametrize(
    ("eastwest", "northsouth", "boxes"),
    [
        ((0, 360), (-90, 180), ((-180, -90, 180, 90),)),
        ((-130, 260), (40, -80), ((-130, -40, 130, 40),)),
        ((170, 30), (70, 10), ((170, 70, -160, 80),)),
        ((200, 20), (70, 0), ((-160, 70, -140, 70),)),
        ((0, 180), (0, 1), ((0, 0, 180, 1),)),
        ((190, 350), (0, 1), ((-170, 0, 180, 1),)),
        ((0, 10), (80, 20), ()),
        ((0, "wide"), (80, 2), ()),
    ],
)
def test_start_and_size_become_a_box(eastwest, northsouth, boxes):
    def axis(name, values):
        return f"<{name}><start>{values[0]}</start><size>{values[1]}</size></{name}>"

    place = axis("eastwest", eastwest) + axis("northsouth", northsouth)
    assert of(f"<geospatialCoverage>{place}</geospatialCoverage>").coverage.boxes == boxes


def test_depth_is_positive_up():
    updown = "<updown><start>0</start><size>22</size><units>m</units></updown>"
    deep = of(f'<geospatialCoverage zpositive="down">{updown}</geospatialCoverage>').coverage
    assert (deep.vertical, deep.boxes) == ((-22.0, 0.0, "m"), ())


@pytest.mark.parametrize("datasets", ["", '<dataset name="a" urlPath="a"/><dataset name="b" urlPath="b"/>'])
def test_a_record_is_one_dataset(datasets):
    with pytest.raises(RecordError, match="one was expected"):
        describe(record(f"<catalog {NAMESPACE}>{datasets}</catalog>".encode()))
