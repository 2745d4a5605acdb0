"""Data Packages: valid for frictionless, and its tables really read."""

from __future__ import annotations

from dataclasses import replace

import frictionless
import orjson
import pytest

from builder.datapackage import DataPackage, build_catalogue_package, build_datapackage
from builder.dataset import Column, Resource
from builder.stac.item import build_item, build_record_collection
from builder.stac.serialize import to_bytes
from tests.stac_sample import FULL, INSTANT, RESTRICTED, TIMELESS, Shape, context, objects, point

COLLECTION = objects()["imr/ctd/collection.json"]


def items():
    return [(path, stac) for path, stac in sorted(objects().items()) if stac["type"] == "Feature"]


def by_name(package):
    return {resource["name"]: resource for resource in package["resources"]}


def item_of(dataset):
    return build_item(dataset, point(10, 80), context(dataset))[0]


def test_frictionless_finds_the_package_valid():
    package = build_datapackage(COLLECTION, items())
    assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert list(frictionless.Package.metadata_validate(package)) == []
    assert frictionless.Package.from_descriptor(package).resource_names == ["buoy", "ctd_2020", "mooring"]


def test_what_the_package_says():
    package = build_datapackage(COLLECTION, items())
    assert package["name"] == "ctd"
    assert package["id"] == "https://doi.org/10.1594/PANGAEA.900000"
    assert package["licenses"] == [
        {"name": "CC-BY-4.0", "path": "https://creativecommons.org/licenses/by/4.0/", "title": "CC-BY-4.0"}
    ]
    assert package["sources"] == [{"title": "Source (thredds)", "path": "https://thredds.example.org/catalog.xml"}]
    assert "Ada Nordahl" in [person["title"] for person in package["contributors"]]
    assert by_name(package)["ctd_2020"] == {
        "name": "ctd_2020",
        "path": "https://thredds.example.org/fileServer/ctd%202020.nc",
        "title": "CTD 2020",
        "mediatype": "application/netcdf",
        "format": "nc",
        "bytes": 59_000_000,
        "hash": "sha256:" + "ab" * 32,
        "licenses": [{"name": "CC-BY-4.0"}],
    }


def test_restricted_data_and_services_are_no_resources():
    package = build_datapackage(COLLECTION, items())
    paths = [resource["path"] for resource in package["resources"]]
    assert "closed" not in by_name(package)
    assert not [path for path in paths if "dodsC" in path]
    some = replace(
        RESTRICTED,
        access=FULL.access,
        resources=(
            Resource("data", "https://x.example/a.csv", restricted=True),
            Resource("b", "https://x.example/b.csv"),
        ),
    )
    made = DataPackage()
    made.add(item_of(some), "imr/ctd/closed.json")
    assert [resource["path"] for resource in made.build(COLLECTION)["resources"]] == ["https://x.example/b.csv"]


def test_names_are_unique():
    dataset = replace(
        INSTANT, resources=(Resource("a", "https://x.example/a.csv"), Resource("A", "https://x.example/A.csv"))
    )
    package = build_datapackage(COLLECTION, [("imr/ctd/buoy.json", item_of(dataset))])
    assert [resource["name"] for resource in package["resources"]] == ["buoy-a", "buoy-a-2"]


def test_an_empty_package_is_still_valid():
    package = build_datapackage(COLLECTION, [])
    assert [resource["path"] for resource in package["resources"]] == ["collection.json"]
    assert list(frictionless.Package.metadata_validate(package)) == []


def test_a_copied_file_is_found_from_the_package():
    copied = (Resource("data", "data/a.csv"),)
    item = item_of(replace(INSTANT, resources=copied))
    record = build_record_collection(replace(TIMELESS, resources=copied), Shape(), context(TIMELESS))[0]
    package = build_datapackage(COLLECTION, [("imr/ctd/buoy.json", item), ("imr/ctd/planned/collection.json", record)])
    assert [resource["path"] for resource in package["resources"]] == ["data/a.csv", "data/a.csv"]


COLUMNS = (
    Column("Date/Time", "Time of the cast", type="datetime"),
    Column("Depth water [m]", "Depth", "m", "CTD", "numeric"),
    Column("Temp [°C]", "Temperature", "deg C", "CTD", "float"),
    Column("Station", type="string"),
)
TABLE = """Date/Time\tDepth water [m]\tTemp [°C]\tStation
2020-07-01T12:00\t5\t-1.5\tA1
2020-07-01T12:05\t10\t\tA1
"""


def written(tmp_path, name, text):
    """A package on disk with one copied table of four columns."""
    dataset = replace(INSTANT, columns=COLUMNS, resources=(Resource("data", f"data/{name}"),))
    package = DataPackage()
    package.add(item_of(dataset), "imr/ctd/buoy.json")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_text(text, "utf-8")
    (tmp_path / "datapackage.json").write_bytes(to_bytes(package.build(COLLECTION)))
    return frictionless.Package(str(tmp_path / "datapackage.json"))


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.csv", TABLE.replace("\t", ",")), ("a.tsv", TABLE), ("a.tab", TABLE)],
)
def test_a_table_is_read_by_its_description(tmp_path, name, text):
    package = written(tmp_path, name, text)
    rows = package.get_resource("buoy").read_rows()
    assert [float(row["Depth water [m]"]) for row in rows] == [5, 10]
    assert [row["Temp [°C]"] is None for row in rows] == [False, True]
    assert rows[0]["Station"] == "A1"
    assert package.validate().valid
    schema = orjson.loads((tmp_path / "datapackage.json").read_bytes())["resources"][0]["schema"]
    assert schema["fields"][1] == {"name": "Depth water [m]", "type": "number", "description": "Depth", "unit": "m"}
    assert schema["fields"][0]["type"] == "any"  # PANGAEA writes minutes only, which Table Schema's datetime refuses


def test_a_wrong_description_would_be_noticed(tmp_path):
    package = written(tmp_path, "a.csv", TABLE.replace("\t", ",").replace("-1.5", "cold"))
    assert not package.validate().valid


def test_columns_with_the_same_name_get_no_schema():
    dataset = replace(INSTANT, columns=(COLUMNS[0], COLUMNS[0]))
    package = build_datapackage(COLLECTION, [("imr/ctd/buoy.json", item_of(dataset))])
    assert "schema" not in package["resources"][0]


@pytest.mark.parametrize("address", ["https://doi.pangaea.de/10.1594/PANGAEA.1?format=textfile", "data/a.tab"])
def test_text_of_pangaea_is_no_table_as_a_description_comes_first(address):
    data = Resource("data", address, media_type="text/tab-separated-values")
    dataset = replace(INSTANT, doi="10.1594/PANGAEA.1", columns=COLUMNS, resources=(data,))
    other = replace(dataset, doi="10.5555/1")
    made = [
        build_datapackage(COLLECTION, [("imr/ctd/buoy.json", item_of(one))])["resources"][0] for one in (dataset, other)
    ]
    theirs = [not {"type", "dialect", "schema"} & set(resource) for resource in made]
    assert theirs == [True, "pangaea.de" in address]
    assert made[0]["mediatype"] == "text/tab-separated-values"
    package = {"name": "a", "resources": made[:1]}
    assert list(frictionless.Package.metadata_validate(package)) == []


def test_the_whole_catalogue_as_a_package():
    root = objects()["catalog.json"]
    package = build_catalogue_package(root, [COLLECTION])
    assert [resource["path"] for resource in package["resources"]] == ["imr/ctd/datapackage.json"]
    assert list(frictionless.Package.metadata_validate(package)) == []
    assert list(frictionless.Package.metadata_validate(build_catalogue_package(root, []))) == []


def test_a_package_of_very_many_files_names_the_table_instead():
    from builder.datapackage import MOST_RESOURCES, DataPackage

    asset = {"href": "https://example.org/a.nc", "type": "application/netcdf", "roles": ["data"]}
    package = DataPackage()
    for number in range(MOST_RESOURCES + 1):
        item = {"id": f"i{number}", "type": "Feature", "properties": {"title": "A"}, "assets": {"data": asset}}
        package.add(item, f"p/c/i{number}.json")
    resources = package.build({"id": "c", "license": "CC-BY-4.0", "links": []})["resources"]
    assert [(entry["name"], entry["path"]) for entry in resources] == [("items", "items.parquet")]
