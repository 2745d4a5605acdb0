"""One dataset as an Item or a Collection."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from builder.dataset import Access, Coverage, Dataset, License, Link, Party, Publication, Resource
from builder.errors import IaosError
from builder.findings import Severity
from builder.stac.extensions import AUTHENTICATION, WEB_MAP_LINKS
from builder.stac.item import build_item, build_record_collection, needs_collection
from builder.stac.links import doi_of, safe_href
from builder.stac.serialize import to_bytes
from tests.stac_sample import FULL, INSTANT, ONGOING, RESTRICTED, SHAPES, TIMELESS, Shape, context, point


def item_of(dataset, shape=None, **around):
    return build_item(dataset, shape or point(10, 80), context(dataset, **around))


def rels(stac, rel):
    return [link["href"] for link in stac["links"] if link["rel"] == rel]


def test_an_interval():
    item, _ = item_of(FULL, SHAPES["ctd_2020.nc"])
    assert item["properties"]["datetime"] is None
    assert item["properties"]["start_datetime"] == "2020-07-01T00:00:00Z"
    assert item["properties"]["end_datetime"] == "2020-08-01T12:30:00Z"
    assert item["properties"]["iaos:original_temporal"] == "summer 2020"
    assert item["bbox"] == [-20, 76, 10, 80]


def test_an_instant_and_an_open_end():
    instant, _ = item_of(INSTANT)
    assert instant["properties"]["datetime"] == "2021-01-01T00:00:00Z"
    assert not {"start_datetime", "end_datetime", "iaos:ongoing"} & set(instant["properties"])
    ongoing, _ = item_of(ONGOING)
    assert ongoing["properties"]["datetime"] == "2019-05-01T00:00:00Z"
    assert ongoing["properties"]["iaos:ongoing"] is True


def test_a_time_in_another_zone_is_written_in_utc():
    start = datetime(2020, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    item, _ = item_of(replace(INSTANT, coverage=Coverage(start=start, end=start)))
    assert item["properties"]["datetime"] == "2019-12-31T23:00:00Z"


def test_an_end_before_the_start_is_reported_and_left_out():
    coverage = Coverage(start=datetime(2020, 1, 2, tzinfo=UTC), end=datetime(2020, 1, 1, tzinfo=UTC))
    item, findings = item_of(replace(INSTANT, coverage=coverage))
    assert item["properties"]["datetime"] == "2020-01-02T00:00:00Z"
    assert [finding.code for finding in findings] == ["stac.time-order"]


def test_who_becomes_a_collection():
    assert needs_collection(TIMELESS)
    assert needs_collection(TIMELESS, "item")
    assert needs_collection(replace(FULL, level="collection"))
    assert needs_collection(FULL, "collection")
    assert not needs_collection(replace(FULL, level="collection"), "item")
    assert not needs_collection(FULL)


def test_a_record_without_time_and_place():
    collection, findings = build_record_collection(TIMELESS, Shape(), context(TIMELESS))
    assert collection["extent"]["temporal"]["interval"] == [[None, None]]
    assert collection["extent"]["spatial"]["bbox"] == [[-180.0, -90.0, 180.0, 90.0]]
    assert collection["iaos:unlocated"] is True
    assert collection["description"] == "Planned activity"
    assert rels(collection, "parent") == ["../collection.json"]
    assert collection["assets"]["source-record"]["href"] == "../records/planned.xml.txt"
    assert [(finding.code, finding.severity) for finding in findings] == [("stac.no-time", Severity.NOTE)]


def test_a_series_keeps_its_time_and_place():
    collection, _ = build_record_collection(FULL, SHAPES["ctd_2020.nc"], context(FULL))
    assert collection["extent"]["temporal"]["interval"] == [["2020-07-01T00:00:00Z", "2020-08-01T12:30:00Z"]]
    assert collection["extent"]["spatial"]["bbox"] == [[-20, 76, 10, 80]]
    assert collection["sci:doi"] == "10.1594/PANGAEA.902845"
    ongoing, _ = build_record_collection(ONGOING, point(5, 79), context(ONGOING))
    assert ongoing["extent"]["temporal"]["interval"] == [["2019-05-01T00:00:00Z", None]]


def test_an_unlocated_item_has_null_geometry_and_no_bbox():
    item, _ = item_of(INSTANT, Shape())
    assert item["geometry"] is None
    assert "bbox" not in item
    assert item["properties"]["iaos:unlocated"] is True


def test_the_links():
    item, _ = item_of(FULL)
    assert rels(item, "root") == ["../../catalog.json"]
    assert rels(item, "parent") == rels(item, "collection") == ["./collection.json"]
    assert rels(item, "alternate") == ["./ctd_2020.html"]
    assert rels(item, "cite-as") == ["https://doi.org/10.1594/PANGAEA.902845"]
    assert rels(item, "license") == ["https://creativecommons.org/licenses/by/4.0/"]
    assert rels(item, "self") == []
    by_year, _ = item_of(FULL, by_year=True)
    assert rels(by_year, "parent") == ["./2020/catalog.json"]
    assert rels(by_year, "collection") == ["./collection.json"]


def test_a_partner_cannot_move_an_item_within_the_tree():
    links = (
        Link("parent", "https://evil.example"),
        Link("self", "https://evil.example"),
        Link("via", "https://ok.example"),
    )
    item, _ = item_of(replace(FULL, links=links))
    assert not [link for link in item["links"] if "evil" in link["href"]]
    assert rels(item, "via") == ["https://ok.example"]


def test_services_become_links_and_files_assets():
    item, _ = item_of(FULL)
    wms = next(link for link in item["links"] if link["rel"] == "wms")
    assert wms["href"] == "https://thredds.example.org/wms/ctd_2020.nc"
    assert wms["wms:layers"] == ["TEMP"]
    assert WEB_MAP_LINKS in item["stac_extensions"]
    assert rels(item, "service-desc") == ["https://thredds.example.org/ncss/ctd_2020.nc"]
    assert list(item["assets"]) == ["data", "opendap", "metadata-iso", "references", "source-record", "explain"]


def test_a_wms_without_layers_is_no_web_map_link():
    item, _ = item_of(replace(FULL, variables=()))
    assert rels(item, "wms") == []
    assert WEB_MAP_LINKS not in item["stac_extensions"]


def test_the_data_asset():
    item, _ = item_of(FULL)
    data = item["assets"]["data"]
    assert data["href"] == "https://thredds.example.org/fileServer/ctd%202020.nc"
    assert data["file:size"] == 59_000_000
    assert data["file:checksum"] == "1220" + "ab" * 32  # multihash: sha2-256 is 0x12, 32 bytes are 0x20
    assert data["alternate"] == {"opendap": {"href": item["assets"]["opendap"]["href"], "title": "OPeNDAP"}}
    assert item["assets"]["references"] == {
        "href": "./references/ctd_2020.json",
        "type": "application/json",
        "title": "Kerchunk references",
        "roles": ["references", "index"],
    }


@pytest.mark.parametrize("checksum", ["sha256:xyz", "sha256:" + "g" * 64, "crc32:00", "", "md5:" + "a" * 31])
def test_a_checksum_that_is_none_is_left_out(checksum):
    item, _ = item_of(
        replace(INSTANT, resources=(Resource("data", "https://x.example/a.csv", checksum=checksum, size=-1),))
    )
    assert not {"file:checksum", "file:size"} & set(item["assets"]["data"])


def test_asset_keys_are_unique_and_never_those_of_the_build():
    resources = tuple(
        Resource(key, f"https://x.example/{n}.csv") for n, key in enumerate(["data", "data", "explain", "a b", ""])
    )
    item, _ = item_of(replace(INSTANT, resources=resources))
    assert [key for key, asset in item["assets"].items() if "://" in asset["href"]] == [
        "data",
        "data-2",
        "explain-2",
        "a-b",
        "data-3",
    ]


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://x.example/a",
        "//x.example/a",
        "/etc/passwd",
        "../../secret",
        "https://user:pw@x.example/a",
        "https://",
        "http://[bad",
        "a\\b",
        "",
        "#a",
    ],
)
def test_other_addresses_are_left_out_and_reported(href):
    dataset = replace(INSTANT, resources=(Resource("data", href),), links=(Link("via", href),))
    item, findings = item_of(dataset)
    assert "data" not in item["assets"]
    assert rels(item, "via") == []
    assert [finding.code for finding in findings] == ["stac.href", "stac.href"]


def test_safe_addresses():
    assert safe_href("https://x.example/a b?c=d&e=%20#f") == "https://x.example/a%20b?c=d&e=%20#f"
    assert safe_href(" https://x.example/ø\n") == "https://x.example/%C3%B8"
    assert safe_href("data/a.nc") == "data/a.nc"
    assert safe_href("http://[2001:db8::1]:8080/a[1].nc") == "http://[2001:db8::1]:8080/a%5B1%5D.nc"
    assert [safe_href(f"http://x.example{sign}a.nc") for sign in '\\"<>^`{|} '] == [None] * 10


def test_a_copied_file_is_found_from_item_and_collection():
    dataset = replace(TIMELESS, resources=(Resource("data", "data/a.csv"),))
    collection, _ = build_record_collection(dataset, Shape(), context(dataset))
    assert collection["assets"]["data"]["href"] == "../data/a.csv"
    item, _ = item_of(replace(INSTANT, resources=(Resource("data", "data/a.csv"),)))
    assert item["assets"]["data"]["href"] == "./data/a.csv"


def test_restricted_data_is_listed_with_a_login_only():
    item, _ = item_of(RESTRICTED)
    assert item["properties"]["iaos:restricted"] is True
    assert item["properties"]["auth:schemes"]["login"]["description"] == "Registered users only."
    assert AUTHENTICATION in item["stac_extensions"]
    assert item["assets"]["data"]["auth:refs"] == item["assets"]["opendap"]["auth:refs"] == ["login"]
    assert "auth:refs" not in item["assets"]["metadata-iso"]
    assert "references" not in item["assets"]
    assert next(link for link in item["links"] if link["rel"] == "wms")["auth:refs"] == ["login"]


def test_one_restricted_file_among_open_ones():
    resources = (
        Resource("data", "https://x.example/a.csv"),
        Resource("more", "https://x.example/b.csv", restricted=True),
    )
    item, _ = item_of(replace(INSTANT, resources=resources))
    assert "auth:refs" not in item["assets"]["data"]
    assert item["assets"]["more"]["auth:refs"] == ["login"]
    assert "login" in item["properties"]["auth:schemes"]
    assert "iaos:restricted" not in item["properties"]
    assert "references" not in item["assets"]


def test_a_restricted_file_is_never_copied():
    dataset = replace(INSTANT, access=Access(restricted=True), resources=(Resource("data", "data/a.csv"),))
    item, findings = item_of(dataset)
    assert "data" not in item["assets"]
    assert [(finding.code, finding.severity) for finding in findings] == [("stac.restricted-copy", Severity.ERROR)]


def test_the_source_of_an_item():
    item, _ = item_of(FULL)
    source = item["properties"]["iaos:source"]
    assert source == {
        "protocol": "thredds",
        "endpoint": "https://thredds.example.org/catalog.xml",
        "identifier": "ctd_2020.nc",
        "format": "thredds",
        "url": "https://thredds.example.org/catalog.xml",
        "sha256": context(FULL).record.sha256,
    }


def test_people_and_organisations():
    item, _ = item_of(FULL)
    assert item["properties"]["contacts"][0] == {
        "name": "Ada Nordahl",
        "organization": "Nansen Center",
        "emails": [{"value": "ada@example.org"}],
        "links": [{"rel": "about", "href": "https://people.example.org/ada", "type": "text/html"}],
        "roles": ["author"],
    }
    assert item["properties"]["providers"] == [
        {"name": "Nansen Center", "roles": ["producer"], "url": "https://people.example.org/ada"},
        {"name": "Institute of Marine Research", "roles": ["host"], "url": "https://www.example.org"},
    ]


def test_a_person_is_no_provider_and_doubtful_values_are_left_out():
    parties = (
        Party(
            "Ada",
            ("author",),
            email="https://not.an.email",
            url="ftp://x",
            orcid="https://orcid.org/0000-0002-1825-0097",
        ),
    )
    item, _ = item_of(replace(INSTANT, parties=parties))
    assert "providers" not in item["properties"]
    assert item["properties"]["contacts"] == [
        {"name": "Ada", "identifier": "https://orcid.org/0000-0002-1825-0097", "roles": ["author"]}
    ]


def test_variables_and_dimensions():
    item, _ = item_of(FULL)
    cube = item["properties"]["cube:dimensions"]
    assert cube["x"]["extent"] == [-20.0, 10.0]
    assert (cube["x"]["axis"], cube["x"]["reference_system"], cube["x"]["unit"]) == ("x", 3413, "m")
    assert cube["y"] == {"extent": [None, None], "iaos:size": 10, "type": "other"}
    assert cube["time"]["type"] == "temporal"
    assert cube["depth"]["axis"] == "z"
    assert item["properties"]["cube:variables"]["TEMP"] == {
        "dimensions": ["time", "depth"],
        "type": "data",
        "description": "Temperature",
        "unit": "degC",
        "cf:standard_name": "sea_water_temperature",
        "data_type": "float32",
    }
    expected = [{"name": "sea_water_temperature", "unit": "degC"}]
    assert item["properties"]["cf:parameter"] == item["assets"]["data"]["cf:parameter"] == expected


def test_doi_licence_and_titles():
    dataset = Dataset(
        "x",
        coverage=INSTANT.coverage,
        doi="no doi",
        license=License("see website", "See the website"),
        publications=(Publication("doi:10.5194/os-1", None), Publication(None, None)),
    )
    item, findings = item_of(dataset)
    assert item["properties"]["title"] == "x"
    assert item["properties"]["license"] == "other"
    assert item["properties"]["iaos:license"] == "See the website"
    assert item["properties"]["sci:publications"] == [{"doi": "10.5194/os-1"}]
    assert {finding.code for finding in findings} == {"stac.no-title", "stac.doi"}
    assert doi_of("https://doi.org/10.1594/PANGAEA.1") == "10.1594/PANGAEA.1"


def test_hidden_characters_do_not_reach_the_catalogue():
    item, _ = item_of(replace(INSTANT, title="A\x00B\u202eC\ud800D", keywords=("a\x1b",)))
    assert item["properties"]["title"] == "ABCD"
    assert item["properties"]["keywords"] == ["a"]
    assert to_bytes(item).endswith(b"\n}\n")


def test_bytes_are_the_same_for_the_same_item_and_never_hold_nan():
    item, _ = item_of(FULL)
    again, _ = item_of(FULL)
    assert to_bytes(item) == to_bytes(dict(reversed(again.items())))
    assert list(item)[:6] == ["type", "stac_version", "stac_extensions", "id", "geometry", "bbox"]
    with pytest.raises(IaosError, match="cannot be written as JSON"):
        to_bytes(item | {"x": float("nan")})
    with pytest.raises(IaosError, match="cannot be written as JSON"):
        to_bytes(item | {"x": object()})
