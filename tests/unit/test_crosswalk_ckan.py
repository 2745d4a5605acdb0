"""CKAN packages of four portals; counts and odd values as PROVENANCE.md of the recordings states them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest

from builder.crosswalks import describe
from builder.dataset import Party
from builder.errors import RecordError
from builder.geometry.footprint import footprint
from builder.sources.protocol import Record


def read(package: object):
    name = package.get("name", "x") if isinstance(package, dict) else "x"
    body = json.dumps(package).encode()
    return describe(Record("given", "ckan", body, "application/json", f"https://ckan.example.org/dataset/{name}"))


def packages(file) -> list[dict]:
    answer = json.loads(file.read_bytes())
    result = answer.get("result", answer) if isinstance(answer, dict) else answer
    result = result.get("results", [result]) if isinstance(result, dict) else result
    return [entry for entry in result if isinstance(entry, dict)]


@pytest.fixture(scope="module")
def envidat(shared_data):
    file = shared_data / "harvest/ckan/envidat/2021-01-05_current_package_list_with_resources.json"
    return {package["id"]: (package, read(package)) for package in packages(file)}


@pytest.fixture(scope="module")
def cioos(shared_data):
    files = sorted((shared_data / "harvest/ckan/cioos").glob("*.json"))
    return {file.stem: read(packages(file)[0]) for file in files}


def test_envidat_is_read_whole(envidat) -> None:
    made = [dataset for _, dataset in envidat.values()]
    assert len(made) == 354
    assert all(dataset.title and dataset.description and dataset.license and dataset.parties for dataset in made)
    assert all(dataset.status == "published" for dataset in made)
    kinds = Counter(dataset.coverage.geometry["type"] for dataset in made)
    assert kinds == {"Polygon": 193, "Point": 109, "MultiPoint": 49, "MultiPolygon": 3}
    assert all(footprint(dataset.coverage).geometry for dataset in made)


def test_envidat_identity_is_the_id_not_the_name(envidat) -> None:
    assert all(dataset.identifier == key for key, (_, dataset) in envidat.items())


def test_files_for_members_are_restricted(envidat) -> None:
    closed = 0
    for package, dataset in envidat.values():
        levels = [(unquote(r["url"].strip()), json.loads(r.get("restricted") or "{}")) for r in package["resources"]]
        shut = [url for url, rule in levels if rule.get("level") in {"same_organization", "any_organization"}]
        closed += len(shut)
        for resource in dataset.resources:
            assert resource.restricted == (unquote(resource.href) in shut), resource.href
    assert closed == 255


def test_a_rule_that_cannot_be_read_closes_a_file() -> None:
    def resource(rule):
        return read({"id": "a", "resources": [{"url": "https://x.example/a.nc", "restricted": rule}]}).resources[0]

    assert resource('{"level": ').restricted
    assert resource("same_organization").restricted
    assert resource({"level": "any_organization"}).restricted
    assert not resource("").restricted
    assert not resource('{"level": "public", "allowed_users": ""}').restricted


def test_only_dates_of_collection_are_dates_of_the_data(envidat) -> None:
    for package, dataset in envidat.values():
        kinds = {date["date_type"] for date in json.loads(package["date"] or "[]")}
        assert (dataset.coverage.start is not None) == ("collected" in kinds)
    assert sum(dataset.coverage.start is not None for _, dataset in envidat.values()) == 162


@pytest.mark.parametrize(
    ("written", "start", "end"),
    [
        ({"date": "2006-06-15", "end_date": ""}, datetime(2006, 6, 15, tzinfo=UTC), None),
        ({"date": "15.5.2018", "end_date": "03.09.2018"}, datetime(2018, 5, 15, tzinfo=UTC), (2018, 9, 3)),
        ({"date": "2017-07", "end_date": "2019-4-1"}, datetime(2017, 7, 1, tzinfo=UTC), (2019, 4, 1)),
        ({"date": "2000-01-01", "end_date": "2045-01-01"}, datetime(2000, 1, 1, tzinfo=UTC), (2045, 1, 1)),
    ],
)
def test_dates_in_every_form(written, start, end) -> None:
    coverage = read({"id": "a", "date": json.dumps([{"date_type": "collected", **written}])}).coverage
    assert coverage.start == start
    assert (coverage.end and (coverage.end.year, coverage.end.month, coverage.end.day)) == end


def test_several_periods_are_one_from_first_to_last() -> None:
    periods = [{"begin": "2020-01-01", "end": "2020-02-01"}, {"begin": "2010-01-01", "end": "2021-01-01"}]
    coverage = read({"id": "a", "temporal-extent": periods}).coverage
    assert (coverage.start.year, coverage.end.year) == (2010, 2021)
    assert read({"id": "a", "temporal-extent": [*periods, {"begin": "2015-01-01"}]}).coverage.end is None


def test_people_of_envidat_have_their_orcid(envidat) -> None:
    made = next(d for p, d in envidat.values() if p["name"] == "environmental-constraints-on-tree-growth")
    author = made.parties[0]
    assert author.name == "Trotsiuk, Volodymyr"
    assert set(author.roles) == {"author", "pointOfContact"}
    assert "Swiss Federal Institute" in author.organization
    assert made.doi == "10.16904/envidat.195"
    assert [paper.doi for paper in made.publications] == ["10.1111/gcb.15011", "10.1111/2041-210X.13474"]
    assert made.publications[0].citation.startswith("Trotsiuk, V.")
    assert (made.license.id, made.license.url.startswith("https://www.wsl.ch/")) == ("other", True)


def test_doi_that_is_still_pending_is_not_cited(envidat) -> None:
    pending = [d for p, d in envidat.values() if p.get("publication_state") == "pub_pending"]
    assert [dataset.doi for dataset in pending] == [None]
    assert [finding.code for finding in pending[0].findings] == ["ckan.doi-unregistered"]


def test_cioos_boxes_are_taken_as_written(cioos) -> None:
    swapped = cioos["ca-cioos_bed2ce5b-227a-4dc0-9f04-c2749625a50b"].coverage.boxes[0]
    assert swapped == pytest.approx((-59.47181, 68.62726856037182, -63.354197, 67.753343))
    assert len(cioos) == 76
    assert all(dataset.coverage.boxes and dataset.coverage.geometry for dataset in cioos.values())


def test_cioos_footprints_are_right_without_their_boxes(cioos) -> None:
    boxes = {name: footprint(dataset.coverage).bbox for name, dataset in cioos.items()}
    assert boxes["ca-cioos_bed2ce5b-227a-4dc0-9f04-c2749625a50b"] == [-63.354197, 67.753343, -59.47181, 68.627269]
    assert boxes["ca-cioos_21f6bc31-d55d-4cd4-a16f-6db280c1f6291"] == [-172.36609, 45.3843, -155.6565, 51.905]
    assert boxes["ca-cioos_84cd8b9b-7ffb-4ada-afa5-ab46a5aa9e69"] == [170, 30, -120, 65]
    assert boxes["ca-cioos_388df44d-ccee-4209-afba-e62fa5be3a681"] == [-180, -90, 180, 90]
    # latitude 166.89188 in box and geometry alike: nowhere, and said
    assert {name for name, box in boxes.items() if box is None} == {"a369bb95-fe8c-4840-a261-89cfb8ff790d"}
    # 130 of 2,636 boxes have west > east by a swap, none of these records crosses 180 but one in longitudes below -180
    assert [name for name, box in boxes.items() if box and box[0] > box[2]] == [
        "ca-cioos_84cd8b9b-7ffb-4ada-afa5-ab46a5aa9e69"
    ]


def test_sorting_the_boxes_gives_the_same_place_as_the_geometry(cioos) -> None:
    differing = set()
    for name, dataset in cioos.items():
        by_geometry = footprint(dataset.coverage).bbox
        by_box = footprint(replace(dataset.coverage, geometry=None), "sort_both").bbox
        if by_box != (by_geometry and pytest.approx(by_geometry, abs=1e-5)):
            differing.add(name)
    # its outline has a spur without area, 0.01 degrees long; "agrees in all but 1", says the provenance
    assert differing == {"ca-cioos_d33ef8ea-e22e-411e-a1be-972a57729fdd"}


def test_embedded_iso_knows_time_depth_and_people_better(cioos) -> None:
    made = cioos["ca-cioos_66fb4c6a-e84b-4c5c-9e9c-a6a249bda395"]
    assert made.coverage.start == datetime(2007, 8, 16, 16, tzinfo=UTC)  # the portal's own field has no hour
    assert made.coverage.end.date().isoformat() == "2019-08-07"
    assert made.coverage.vertical == (-39.0, -2.0, "m")
    assert "Dhifallah, Fatma" in {party.name for party in made.parties}
    assert made.doi == "10.26071/ogsl-66fb4c6a-e84b"
    assert made.license.id == "CC-BY-4.0"
    rules = {field: trace.rule for field, trace in made.trace.items()}
    assert rules["title"] == "ckan"
    assert rules["coverage.start"] == rules["parties"] == "iso19139"
    assert sum(dataset.coverage.start is not None for dataset in cioos.values()) == 75


def test_embedded_record_that_is_broken_is_left_out_and_said() -> None:
    made = read({"id": "a", "title": "Ice", "harvest_document_content": "<mdb:MD_Metadata"})
    assert made.title == "Ice"
    assert [finding.code for finding in made.findings] == ["ckan.embedded-iso"]


def test_english_title_and_words_come_first(cioos) -> None:
    made = cioos["ca-cioos_66fb4c6a-e84b-4c5c-9e9c-a6a249bda395"]
    assert made.title.startswith("Dinoflagellate Communities in the Ports")
    assert "Dinoflagellates" in made.keywords
    assert (
        "seaSurfaceSalinity" in {t.scheme.rsplit("/", 2)[-2]: t.ids for t in made.themes}["essential-ocean-variables"]
    )


def test_intaros_extras_are_fields() -> None:
    extras = {
        "Principal Investigator": "Ola Nordmann; Kari Nordmann",
        "Data Curator": "Per Hansen",
        "Observing system name": "UNDER-ICE moorings",
        "Parameter name(s)": "sea temperature, salinity",
        "Project/Program name(s)": "INTAROS",
        "spatial": '{"type": "Point",\n\t"coordinates": [5, 80]}',
    }
    made = read({"id": "a", "name": "n", "extras": [{"key": key, "value": value} for key, value in extras.items()]})
    assert made.platform == "UNDER-ICE moorings"
    assert made.mission == "INTAROS"
    assert made.keywords == ("sea temperature", "salinity")
    assert made.parties == (
        Party("Ola Nordmann", ("principalInvestigator",)),
        Party("Kari Nordmann", ("principalInvestigator",)),
        Party("Per Hansen", ("custodian",)),
    )
    assert made.coverage.geometry == {"type": "Point", "coordinates": [5, 80]}
    assert made.links[0].href == "https://ckan.example.org/dataset/n"


@pytest.mark.parametrize(
    ("fields", "box"),
    [
        ({"bbox-west-long": "1", "bbox-south-lat": "2", "bbox-east-long": "3", "bbox-north-lat": "4"}, (1, 2, 3, 4)),
        ({"bbox": [{"west": "1.5", "south": "2", "east": "3", "north": "4"}]}, (1.5, 2, 3, 4)),
        ({"bbox-west-long": "", "bbox-south-lat": None, "bbox-east-long": "x", "bbox-north-lat": "4"}, None),
    ],
)
def test_boxes_in_every_form(fields, box) -> None:
    assert read({"id": "a", **fields}).coverage.boxes == ((box,) if box else ())


def test_dcat_fields(shared_data) -> None:
    made = read(packages(shared_data / "harvest/ckan/dcat/ckan_full_dataset_dcat_ap.json")[0])
    assert made.coverage.geometry["type"] == "Polygon"
    assert (made.coverage.start.year, made.coverage.end.year) == (1905, 2024)
    assert made.published == datetime(2024, 5, 1, tzinfo=UTC)
    assert made.updated == datetime(2024, 5, 5, tzinfo=UTC)
    assert made.lineage == "Statement about provenance"
    assert made.access.statement == "Statement about access rights"
    assert not made.access.restricted
    assert made.publications[0].doi == "10.1038/sdata.2018.22"
    assert {party.name for party in made.parties} == {"Contact 1", "Contact 2", "Test Creator", "Test Publisher"}
    assert made.resources[0].media_type == "text/csv"


def test_free_words_about_time_are_kept_not_guessed(shared_data) -> None:
    made = read(packages(shared_data / "harvest/ckan/dados.gov.br/package_search_rows2.json")[0])
    assert (made.coverage.start, made.coverage.end) == (None, None)
    assert "a partir de 08/2019" in made.coverage.original_temporal
    assert [finding.code for finding in made.findings] == ["time.unreadable"]


@pytest.mark.parametrize(
    ("resource", "media"),
    [
        ({"url": "https://x.example/a", "format": "netcdf4 cf-1.6"}, "application/netcdf"),
        ({"url": "https://x.example/a.zip", "format": ".zip"}, "application/zip"),
        ({"url": "https://x.example/a.csv", "format": ""}, "text/csv"),
        ({"url": "https://x.example/a", "format": "", "mimetype": "application/xls"}, "application/xls"),
    ],
)
def test_formats_in_every_form(resource, media) -> None:
    assert [made.media_type for made in read({"id": "a", "resources": [resource]}).resources] == [media]


def test_pages_are_links_not_data() -> None:
    addresses = ["https://doi.org/10.1594/PANGAEA.1", "https://x.example/page", "javascript:alert(1)", "", "  "]
    made = read({"id": "a", "resources": [{"url": url, "format": "HTML"} for url in addresses]})
    assert made.resources == ()
    assert [link.href for link in made.links if link.rel == "related"] == addresses[:2]


def test_blank_in_an_address_is_encoded_and_sizes_are_bytes() -> None:
    file = {"url": "https://x.example/my file.nc", "size": "1024", "hash": "md5:" + "0" * 32}
    (made,) = read(
        {"id": "a", "resources": [file, {**file, "state": "deleted", "url": "https://x.example/b.nc"}]}
    ).resources
    assert (made.href, made.size, made.checksum) == ("https://x.example/my%20file.nc", 1024, "md5:" + "0" * 32)


def test_private_and_deleted_packages() -> None:
    assert read({"id": "a", "private": True}).access.restricted
    assert read({"id": "a", "state": "deleted"}).status == "withdrawn"


@pytest.mark.parametrize(
    "package",
    [
        None,
        [],
        "text",
        5,
        {
            "id": {"a": 1},
            "extras": 7,
            "resources": {"a": None},
            "tags": "x",
            "spatial": "POINT(1 2)",
            "temporal-extent": {"begin": 5},
            "author": [1, None, {"name": []}],
            "notes": {"en": None},
            "organization": [],
            "date": "[1, 2",
            "bbox": [[1, 2, 3, 4]],
            "publication": "[]",
            "vertical-extent": [{"min": "a"}],
        },
    ],
)
def test_hostile_package_is_refused_or_read(package) -> None:
    if isinstance(package, dict):
        assert read(package).identifier
    else:
        with pytest.raises(RecordError):
            read(package)


def test_markdown_that_begins_with_a_link_is_a_description():
    body = {"id": "x", "name": "x", "title": "X", "notes": "[here](https://x.example) is *ice*", "resources": []}
    made = describe(Record("x", "ckan", json.dumps(body).encode(), "application/json", "https://x.example"))
    assert made.description == "[here](https://x.example) is *ice*"


@pytest.mark.parametrize("spatial", ["not json", [[1, 2], [3, 4]], {"type": "Point"}, "[[1,2]"])
def test_a_place_that_is_no_geojson_is_reported(spatial):
    body = {"id": "x", "name": "x", "title": "X", "spatial": spatial, "resources": []}
    made = describe(Record("x", "ckan", json.dumps(body).encode(), "application/json", "https://x.example"))
    assert made.coverage.geometry is None
    assert [finding.code for finding in made.findings] == ["geometry.unusable"]
