"""Every rule of the house: an example that breaks it, and the sample that keeps all of them."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

from builder.checks import check_folder
from builder.checks.rules import RULES
from builder.checks.shapes import faults
from builder.checks.tree import check_tree
from tests.stac_sample import tree

ITEM = "imr/ctd/ctd_2020.json"
COLLECTION = "imr/ctd/collection.json"
CLOSED = "imr/ctd/closed.json"


def edit(path, *steps, value=None, drop=False):
    """Return a change of one value in the sample's files."""

    def change(files):
        stac = orjson.loads(files[path])
        inner = stac
        for step in steps[:-1]:
            inner = inner[step]
        if drop:
            del inner[steps[-1]]
        else:
            inner[steps[-1]] = value
        files[path] = orjson.dumps(stac)

    return change


def link(path, relation, **changes):
    def change(files):
        stac = orjson.loads(files[path])
        stac["links"] = [entry | changes if entry["rel"] == relation else entry for entry in stac["links"]]
        files[path] = orjson.dumps(stac)

    return change


def unlink(path, target):
    def change(files):
        stac = orjson.loads(files[path])
        stac["links"] = [entry for entry in stac["links"] if entry["href"] != target]
        files[path] = orjson.dumps(stac)

    return change


def copy_item(files):
    files["imr/ctd/copy.json"] = files[ITEM]


def empty_collection(files):
    for path in [path for path in files if path.startswith("imr/ctd/") and path != COLLECTION]:
        del files[path]
    stac = orjson.loads(files[COLLECTION])
    stac["links"] = [entry for entry in stac["links"] if entry["rel"] not in {"item", "child"}]
    del stac["assets"]
    files[COLLECTION] = orjson.dumps(stac)


BAD = [
    ("stac.href-unsafe", ITEM, edit(ITEM, "assets", "data", "href", value="javascript:alert(1)")),
    ("stac.href-unsafe", ITEM, edit(ITEM, "assets", "data", "href", value="https://a:b@x.example/")),
    ("stac.href-unsafe", ITEM, edit(ITEM, "assets", "data", "href", value="/etc/passwd")),
    ("stac.href-unsafe", ITEM, edit(ITEM, "assets", "data", "href", value="../../../../etc/passwd")),
    ("stac.href-unsafe", ITEM, edit(ITEM, "assets", "data", "href", value="//x.example/a")),
    ("stac.link-missing", ITEM, edit(ITEM, "assets", "explain", "href", value="./explain/other.json")),
    ("stac.link-missing", ITEM, link(ITEM, "alternate", href="./nowhere.html")),
    ("stac.link-root", ITEM, link(ITEM, "root", href="./collection.json")),
    ("stac.link-root", ITEM, unlink(ITEM, "../../catalog.json")),
    ("stac.link-root", ITEM, link(ITEM, "parent", rel="up")),
    ("stac.title-missing", ITEM, edit(ITEM, "properties", "title", drop=True)),
    ("stac.title-missing", COLLECTION, link(COLLECTION, "item", title="")),
    ("stac.id-path", ITEM, edit(ITEM, "id", value="other")),
    ("stac.id-path", COLLECTION, edit(COLLECTION, "id", value="other")),
    ("stac.time-missing", ITEM, edit(ITEM, "properties", "start_datetime", drop=True)),
    ("stac.time-missing", ITEM, edit(ITEM, "properties", "end_datetime", value="1999-01-01T00:00:00Z")),
    ("stac.media-type", ITEM, edit(ITEM, "assets", "data", "type", drop=True)),
    ("stac.media-type", ITEM, edit(ITEM, "assets", "data", "type", value="netcdf")),
    (
        "stac.restricted-open",
        CLOSED,
        edit(CLOSED, "assets", "data", "auth:refs", drop=True),
    ),
    (
        "stac.restricted-open",
        CLOSED,
        edit(CLOSED, "assets", "data", "href", value="./data/x"),
    ),
    (
        "stac.restricted-open",
        CLOSED,
        edit(CLOSED, "assets", "references", value={"href": "./references/closed.json"}),
    ),
    ("stac.geometry", ITEM, edit(ITEM, "bbox", value=[0, 0, 1, 1])),
    ("stac.license", COLLECTION, edit(COLLECTION, "license", value="other")),
    ("stac.id-duplicate", ITEM, copy_item),
    ("stac.link-one-way", COLLECTION, link(ITEM, "parent", href="../catalog.json")),
    ("stac.link-one-way", ITEM, unlink(COLLECTION, "./ctd_2020.json")),
    ("stac.extent-space", ITEM, edit(COLLECTION, "extent", "spatial", "bbox", value=[[-180, -10, 180, 10]])),
    (
        "stac.extent-time",
        ITEM,
        edit(COLLECTION, "extent", "temporal", "interval", value=[["2020-07-02T00:00:00Z", None]]),
    ),
    ("stac.empty", COLLECTION, empty_collection),
    ("stac.json", ITEM, lambda files: files.update({ITEM: b"{"})),
    ("stac.json", ITEM, lambda files: files.update({ITEM: b"[]"})),
    ("stac.type", ITEM, lambda files: files.update({ITEM: b"{}"})),
    ("stac.schema", ITEM, edit(ITEM, "links", value=7)),
]


@pytest.mark.parametrize("by_year", [False, True])
def test_the_sample_keeps_every_rule(by_year):
    files = tree(by_year)
    assert list(check_tree(files.__getitem__, files)) == []


def test_an_item_may_end_a_fraction_of_a_second_after_it_starts():
    for first, last in (("00", "00.500"), ("00.250", "01")):
        files = tree()
        for name, second in (("start_datetime", first), ("end_datetime", last)):
            edit(ITEM, "properties", name, value=f"2019-05-01T00:00:{second}Z")(files)
        assert list(check_tree(files.__getitem__, files)) == []


@pytest.mark.parametrize(("code", "where", "change"), BAD, ids=[f"{entry[0]}-{n}" for n, entry in enumerate(BAD)])
def test_a_broken_rule_is_found(code, where, change):
    files = tree()
    if code == "stac.license":
        unlink(COLLECTION, "https://creativecommons.org/licenses/by/4.0/")(files)
    change(files)
    findings = list(check_tree(files.__getitem__, files))
    assert (code, where) in {(finding.code, finding.where) for finding in findings}, findings
    assert all("\n" not in str(finding) for finding in findings)


def test_every_rule_has_a_bad_example_and_is_documented():
    assert {code for code, _, _ in BAD} >= set(RULES)
    page = (Path(__file__).parents[2] / "docs" / "stac.md").read_text("utf-8")
    for code, entry in RULES.items():
        assert entry.says
        row = next(line for line in page.splitlines() if line.startswith(f"| `{code}` |"))
        assert entry.severity.value in row
        assert entry.says in row
    assert set(re.findall(r"^\| `(stac\.[a-z-]+)`", page, re.MULTILINE)) >= set(RULES)


HOSTILE = [None, True, 7, "x", [], [[]], {}, {"x": []}, [None], [{"rel": 1}], {"a": {"href": 1}}]


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
@pytest.mark.parametrize(
    "field", ["links", "assets", "properties", "geometry", "bbox", "id", "type", "stac_extensions"]
)
def test_values_of_any_type_are_coped_with(field, value):
    files = tree()
    edit(ITEM, field, value=value)(files)
    list(check_tree(files.__getitem__, files))


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_extents_of_any_type_are_coped_with(value):
    for steps in (["extent"], ["extent", "spatial"], ["extent", "spatial", "bbox"], ["extent", "temporal", "interval"]):
        files = tree()
        edit(COLLECTION, *steps, value=value)(files)
        list(check_tree(files.__getitem__, files))


def ring(*positions):
    return {"type": "Polygon", "coordinates": [list(positions)]}


GOOD_SHAPES = [
    (None, None),
    ({"type": "Point", "coordinates": [10, 80, -5]}, [10, 80, 10, 80]),
    ({"type": "Point", "coordinates": [180, 80]}, [-180, 80, -180, 80]),
    (ring([-20, 76], [10, 76], [10, 80], [-20, 76]), [-20, 76, 10, 80]),
    (ring([-179.75, 60], [179.75, 60], [179.75, 90], [-179.75, 90], [-179.75, 60]), [-179.75, 60, 179.75, 90]),
    (
        {
            "type": "MultiPolygon",
            "coordinates": [
                [[[170, 60], [180, 60], [180, 70], [170, 60]]],
                [[[-180, 60], [-170, 60], [-170, 70], [-180, 60]]],
            ],
        },
        [170, 60, -170, 70],
    ),
    (
        {"type": "MultiLineString", "coordinates": [[[170, 80], [180, 81]], [[-180, 81], [-170, 82]]]},
        [170, 80, -170, 82],
    ),
    ({"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 2]}]}, [1, 2, 1, 2]),
]

BAD_SHAPES = [
    (None, [1, 2, 3, 4], "no geometry"),
    ({"type": "Point", "coordinates": [1, 2]}, None, "no bbox"),
    ({"type": "Point", "coordinates": [200, 80]}, [200, 80, 200, 80], "not a longitude"),
    ({"type": "Point", "coordinates": [80, 100]}, [80, 100, 80, 100], "not a longitude"),
    ({"type": "Point", "coordinates": [10, 80]}, [20, 80, 30, 80], "outside the bbox"),
    ({"type": "Point", "coordinates": [0, 80]}, [170, 70, -170, 90], "outside the bbox"),
    ({"type": "Point", "coordinates": [0, 80]}, [0, 80], "not four or six"),
    ({"type": "Point", "coordinates": [0, 80]}, [0, 81, 0, 79], "south"),
    (ring([-20, 76], [10, 76], [10, 80], [-20, 77]), [-20, 76, 10, 80], "not closed"),
    ({"type": "LineString", "coordinates": [[170, 80], [-170, 81]]}, [170, 80, -170, 81], "not cut"),
    ({"type": "Circle", "coordinates": [1, 2]}, [1, 2, 1, 2], "not GeoJSON"),
    ({"type": "Polygon"}, [1, 2, 1, 2], "not GeoJSON"),
    ("POINT(1 2)", [1, 2, 1, 2], "not GeoJSON"),
]


@pytest.mark.parametrize(("geometry", "bbox"), GOOD_SHAPES)
def test_right_shapes(geometry, bbox):
    assert list(faults(geometry, bbox)) == []


@pytest.mark.parametrize(("geometry", "bbox", "said"), BAD_SHAPES, ids=[entry[2] for entry in BAD_SHAPES])
def test_wrong_shapes(geometry, bbox, said):
    assert any(said in fault for fault in faults(geometry, bbox))


def test_an_asset_may_be_a_folder_of_references_but_no_other():
    files = tree()
    item = orjson.loads(files[ITEM])
    about = {"type": "application/vnd.apache.parquet", "roles": ["references"], "title": "References"}
    item["assets"]["more"] = {"href": "./references/x.parquet", **about}
    files[ITEM] = orjson.dumps(item)
    files["imr/ctd/references/x.parquet/v/refs.0.parq"] = b""
    assert "stac.link-missing" in {finding.code for finding in check_tree(files.__getitem__, files)}
    files["imr/ctd/references/x.parquet/.zmetadata"] = b"{}"
    assert "stac.link-missing" not in {finding.code for finding in check_tree(files.__getitem__, files)}


def test_a_folder_is_checked(tmp_path):
    files = tree()
    for path, data in files.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    assert check_folder(tmp_path) == (8, [])  # 4 items, the record's collection, the collection, partner, root
    (tmp_path / "imr/ctd/explain/ctd_2020.json").unlink()
    assert [finding.code for finding in check_folder(tmp_path)[1]] == ["stac.link-missing"]
