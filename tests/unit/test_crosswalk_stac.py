"""Remote STAC Items of NOAA, the Sentinel-1 package and the specification, and what a hostile server may send."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from builder.crosswalks import describe
from builder.errors import RecordError
from builder.geometry.footprint import footprint
from builder.sources.protocol import Record

URL = "https://stac.example.org/collections/a/items/b.json"


def read(item):
    body = item if isinstance(item, bytes) else json.dumps(item).encode()
    return describe(Record("given", "stac", body, "application/geo+json", URL))


@pytest.fixture(scope="module")
def items(shared_data):
    found = {}
    for file in sorted((shared_data / "science" / "cloud").glob("stac_*/**/*.json")):
        item = json.loads(file.read_bytes())
        if item.get("type") == "Feature":
            found[file.stem] = (item, read(file.read_bytes()))
    return found


def test_every_recorded_item_is_read(items):
    assert len(items) >= 17
    for item, dataset in items.values():
        assert dataset.identifier == item["id"]
        assert len(dataset.resources) == sum(bool(asset["href"]) for asset in item["assets"].values())
        assert all(resource.href.startswith(("http", "s3")) for resource in dataset.resources)
        assert dataset.coverage.start
        assert dataset.links[0].href == URL
        assert dataset.links[0].rel == "via"
        made = footprint(dataset.coverage)
        assert made.findings == ()
        assert (made.geometry is None) == (item["geometry"] is None)


def test_sea_ice_of_noaa(items):
    _, dataset = items["seaice_conc_daily_nh_2021_v04r00"]
    assert dataset.coverage.start == datetime(2021, 1, 1, tzinfo=UTC)
    assert dataset.coverage.end == datetime(2021, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert footprint(dataset.coverage).bbox == [-180, 31.35, 180, 90]
    assert dataset.processing_level == "L3"
    assert dataset.projection.code is None
    assert dataset.projection.wkt2.startswith("PROJCRS")
    assert dataset.projection.shape == (448, 304)
    assert dataset.projection.transform == (25000.0, 0.0, -3850000.0, 0.0, -25000.0, 5850000.0)
    (file,) = dataset.resources
    assert (file.key, file.media_type, file.roles) == ("netcdf", "application/x-netcdf", ("data",))


def test_sentinel_scene(items):
    _, dataset = items["S1A_EW_GRDM_1SDH_20221130T014342_20221130T014446_046117_058549"]
    assert dataset.platform == "sentinel-1a"
    assert dataset.projection.code == "EPSG:4326"
    assert dataset.projection.bbox == (75.348396, 76.879097, 102.789734, 81.972343)
    assert [(party.name, party.roles) for party in dataset.parties] == [("ESA", ("originator", "processor", "owner"))]
    assert {link.rel for link in dataset.links} == {"via", "license", "about"}
    assert footprint(dataset.coverage).bbox == [75.348396, 76.879097, 102.789734, 81.972343]


def test_extended_example_of_the_specification(items):
    _, dataset = items["extended-item"]
    assert dataset.title == "Extended Item"
    assert dataset.doi == "10.5061/dryad.s2v81.2/27.2"
    assert dataset.coverage.start == dataset.coverage.end
    assert {r.key: r.roles for r in dataset.resources}["thumbnail"] == ("thumbnail",)


def item(properties=None, **more):
    return {"type": "Feature", "id": "b", "properties": properties or {}, "assets": {}, **more}


def test_contacts_providers_and_publications():
    said = {
        "contacts": [{"name": "Ola Nordmann", "organization": "NERSC", "roles": ["principalInvestigator"],
                      "identifier": "https://orcid.org/0000-0002-1825-0097", "emails": [{"value": "ola@example.org"}]}],
        "providers": [{"name": "NERSC", "roles": ["host"], "url": "https://nersc.example"}],
        "sci:publications": [{"doi": "10.1/x", "citation": "A paper"}],
        "license": "CC-BY-4.0",
    }  # fmt: skip
    made = read(item(said))
    person, host = made.parties
    assert (person.roles, person.orcid) == (("principalInvestigator",), "0000-0002-1825-0097")
    assert (person.email, person.organization) == ("ola@example.org", "NERSC")
    assert (host.name, host.roles) == ("NERSC", ("distributor",))
    assert made.publications[0].doi == "10.1/x"
    assert made.license.id == "CC-BY-4.0"


def test_addresses_are_resolved_and_foreign_schemes_left_out():
    assets = {
        "data": {"href": "../b.nc"},
        "evil": {"href": "file:///etc/passwd"},
        "none": None,
        "closed": {"href": "c", "auth:refs": ["x"]},
    }
    made = read(item(assets=assets, links=[{"rel": "license", "href": "../LICENSE"}, {"rel": "self", "href": "x"}]))
    hrefs = {resource.key: (resource.href, resource.restricted) for resource in made.resources}
    assert hrefs == {
        "data": ("https://stac.example.org/collections/a/b.nc", False),
        "closed": ("https://stac.example.org/collections/a/items/c", True),
    }
    assert [link.rel for link in made.links] == ["via", "license"]


@pytest.mark.parametrize(
    "bad",
    [
        b"not json",
        [],
        None,
        {"type": "Collection", "properties": {}},
        {"type": "Feature"},
        {"type": "Feature", "properties": []},
    ],
)
def test_what_is_no_item_is_refused(bad):
    with pytest.raises(RecordError):
        read(bad)


def test_values_of_wrong_type_are_missing():
    odd = {
        "datetime": 5, "providers": "x", "contacts": {"name": ["a"]}, "keywords": {"a": 1}, "instruments": 7,
        "proj:code": ["EPSG:3413"], "proj:shape": ["a", 1], "sci:publications": [None, 1], "title": {"en": 1},
    }  # fmt: skip
    made = read(item(odd, assets=[1], links={"rel": "via"}, bbox=["a"], geometry=[1, 2], id=["b"]))
    assert made.coverage.start is None
    assert made.coverage.boxes == ()
    assert made.resources == ()
