"""Tables of items and collections: their columns, their order, and what other people's readers make of them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import duckdb
import geopandas
import numpy as np
import pyarrow.parquet as pq
import pyogrio
import pyproj
import pytest
import rustac
import shapely
from hypothesis import given
from hypothesis import strategies as st
from stac_geoparquet.arrow import stac_table_to_items

from builder.build import Request, build
from builder.checks.validate import validate
from builder.geometry.polar import hilbert, polar_bounds, radius_km
from builder.tables.items import ItemsTable
from builder.tables.rows import collection_row, item_row
from builder.tables.shape import MOST_FIELDS, Shape
from builder.tables.writer import TableWriter, shapes_of, share_of
from tests import synthetic

COUNT = 150
TO_POLAR = pyproj.Transformer.from_crs(4326, 3413, always_xy=True)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    synthetic.write_definition(folder / "collections")
    synthetic.fill(folder / "state", COUNT)
    build(Request(folder / "collections", folder / "out", folder / "state", no_harvest=True), lambda _: None)
    return folder / "out"


@pytest.fixture(scope="module")
def table(catalogue):
    return catalogue / "bench" / "synthetic" / "items.parquet"


@pytest.fixture(scope="module")
def written(catalogue):
    files = sorted((catalogue / "bench" / "synthetic").glob("obs-*.json"))
    return {item["id"]: item for item in (json.loads(file.read_bytes()) for file in files)}


def whole(value):
    """Drop what a table cannot tell from absence, and read numbers and stamps alike."""
    if isinstance(value, dict):
        return {key: whole(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, list | tuple):
        return [whole(entry) for entry in value]
    return value.replace(".000000Z", "Z") if isinstance(value, str) else value


def test_stac_geoparquet_reads_back_the_items(table, written):
    back = {item["id"]: item for item in stac_table_to_items(pq.read_table(table))}
    assert back.keys() == written.keys()
    for name, item in back.items():
        assert validate(item) == [] or item["properties"]["datetime"] is None
        theirs, ours = whole(item), whole(written[name])
        del theirs["properties"]["iaos:polar"]
        assert [link for link in theirs["links"] if link["rel"] != "self"] == ours["links"]
        assert theirs["properties"] == ours["properties"]
        assert theirs["assets"] == ours["assets"]
        assert shapely.equals(shapely.geometry.shape(theirs["geometry"]), shapely.geometry.shape(ours["geometry"]))


def test_geopandas_finds_what_lies_across_the_antimeridian(table, written):
    frame = geopandas.read_parquet(table)
    assert len(frame) == COUNT
    assert frame.crs.equals("OGC:CRS84")
    area = (-180, 50, -170, 90)
    expected = {
        i["id"] for i in written.values() if shapely.geometry.shape(i["geometry"]).intersects(shapely.box(*area))
    }
    assert any(written[name]["bbox"][0] > written[name]["bbox"][2] for name in expected)
    assert set(geopandas.read_parquet(table, bbox=area)["id"]) >= expected


def test_duckdb_reads_columns_and_structs(table, written):
    rows = duckdb.sql(f'select id from \'{table}\' where "iaos:polar".xmin <= 0 and "iaos:polar".xmax >= 0').fetchall()
    assert 0 < len(rows) < COUNT
    years = duckdb.sql(f"select count(*) from '{table}' where year(start_datetime) = 1999").fetchall()
    assert years[0][0] == sum(i["properties"]["start_datetime"].startswith("1999") for i in written.values())


async def _rustac(table):
    return await rustac.read(str(table))


def test_rustac_reads_the_items(table, written):
    import asyncio

    read = asyncio.run(_rustac(table))
    assert {feature["id"] for feature in read["features"]} == written.keys()


@pytest.mark.skipif("Parquet" not in pyogrio.list_drivers(), reason="this GDAL has no Parquet driver")
def test_gdal_reads_the_items(table):
    info = pyogrio.read_info(table)
    assert (info["features"], info["geometry_type"]) == (COUNT, "Unknown")


def test_metadata_says_what_geoparquet_asks_for(table):
    said = pq.read_schema(table).metadata
    geo = json.loads(said[b"geo"])
    column = geo["columns"]["geometry"]
    assert (geo["version"], geo["primary_column"], column["encoding"]) == ("1.1.0", "geometry", "WKB")
    assert column["geometry_types"] == ["MultiPolygon", "Point", "Polygon"]
    assert column["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    assert json.loads(said[b"stac-geoparquet"])["collections"].keys() == {"synthetic"}


def test_collections_have_a_table_and_link_to_theirs(catalogue):
    frame = geopandas.read_parquet(catalogue / "collections.parquet")
    assert list(frame["id"]) == ["synthetic"]
    collection = json.loads((catalogue / "bench" / "synthetic" / "collection.json").read_bytes())
    asset = collection["assets"]["items"]
    assert (asset["href"], asset["type"]) == ("./items.parquet", "application/vnd.apache.parquet")
    assert "collection-mirror" in asset["roles"]
    root = json.loads((catalogue / "catalog.json").read_bytes())
    assert "./collections.parquet" in [link["href"] for link in root["links"]]


def test_order_of_arrival_changes_no_byte(written, tmp_path):
    files = []
    for seed in (1, 2):
        items = list(written.values())
        random.Random(seed).shuffle(items)
        writer = TableWriter(tmp_path)
        for item in items:
            writer.add(item_row(item))
        writer.write(tmp_path / f"{seed}.parquet", {})
        files.append((tmp_path / f"{seed}.parquet").read_bytes())
    assert files[0] == files[1]


def odd(number, **properties):
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": f"i{number}", "geometry": None, "links": [], "assets": {},
        "stac_extensions": ["https://stac-extensions.github.io/datacube/v2.2.0/schema.json"],
        "properties": {"datetime": "2020-01-01T00:00:00Z", **properties},
    }  # fmt: skip


def test_a_field_no_column_can_hold_is_left_out_with_its_extension(tmp_path: Path):
    writer = TableWriter(tmp_path)
    for number in range(MOST_FIELDS + 20):
        mixed = number if number % 2 else "text"
        writer.add(item_row(odd(number, mixed=mixed, **{"cube:variables": {f"v{number}": {"type": "data"}}})))
    writer.write(tmp_path / "x.parquet", {})
    table = pq.read_table(tmp_path / "x.parquet")
    assert {"mixed", "cube:variables", "assets"}.isdisjoint(table.column_names)
    assert table["stac_extensions"].to_pylist() == [[]] * len(table)


def written_as(tmp_path, *items):
    writer = TableWriter(tmp_path)
    for item in items:
        writer.add(item_row(item))
    writer.write(tmp_path / "x.parquet", {})
    return pq.read_table(tmp_path / "x.parquet")


def test_an_extension_of_which_any_field_is_held_or_none_is_used_stays(tmp_path: Path):
    many = {"cube:variables": {f"v{number}": {"type": "data"} for number in range(MOST_FIELDS + 1)}}
    for more in ({**many, "cube:dimensions": {"x": {"type": "spatial"}}}, {"cube:variables": None}):
        (extensions,) = written_as(tmp_path, odd(1, **more))["stac_extensions"].to_pylist()
        assert extensions == odd(1)["stac_extensions"]


def test_rows_come_by_year_and_a_table_of_no_places_has_no_bounds(tmp_path: Path):
    start = {"datetime": None, "start_datetime": "1999-01-01T00:00:00Z", "end_datetime": "2020-01-01T00:00:00Z"}
    table = written_as(
        tmp_path, odd(1), odd(2, **start), odd(3, datetime=None), odd(4, datetime="2001-01-01T00:00:00Z")
    )
    assert table["id"].to_pylist() == ["i3", "i2", "i4", "i1"]
    assert "bbox" not in json.loads(table.schema.metadata[b"geo"])["columns"]["geometry"]


def test_rows_of_a_year_that_lie_together_come_together(tmp_path: Path):
    places = {1: (0, 85), 2: (-140, 50), 3: (1, 85), 4: (-140, 51)}
    items = [
        {**odd(n), "geometry": {"type": "Point", "coordinates": place}, "bbox": [*place, *place]}
        for n, place in places.items()
    ]
    order = written_as(tmp_path, *items)["id"].to_pylist()
    assert {frozenset(order[:2]), frozenset(order[2:])} == {frozenset({"i1", "i3"}), frozenset({"i2", "i4"})}


def test_a_collection_has_the_row_of_its_box_without_what_lies_below():
    extent = {"spatial": {"bbox": [[170, 60, -5, -170, 70, 0]]}, "temporal": {"interval": [["2001", None]]}}
    links = [{"rel": rel, "href": "x"} for rel in ("child", "item", "license")]
    collection = {"id": "c", "links": links, "extent": extent}
    row = collection_row(collection, "p/c/collection.json")
    assert [(link["rel"], link["href"]) for link in row["links"]] == [
        ("license", "x"), ("self", "./p/c/collection.json"),
    ]  # fmt: skip
    assert (row["iaos:polar"], row["bbox"]["xmin"], row["bbox"]["xmax"]) == ([170, 60, -170, 70], -180, 180)
    assert (row["start_datetime"], row["end_datetime"]) == ("2001", None)
    assert collection_row({**collection, "iaos:unlocated": True}, "x")["geometry"] is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([2**63 - 1, -(2**63)], "int64"), ([2**63], "None"), ([-(2**63) - 1], "None"), ([1, 2.5], "double"),
        ([["a"], "a"], "None"), ([["a"], [None, "b"]], "list<item: string>"),
        ([[{"a": 1}], [{"b": [1]}, None]], "list<item: struct<a: int64, b: list<item: int64>>>"),
        ([{"a": {}}], "None"), ([True, 1], "None"),
    ],
    ids=str,
)  # fmt: skip
def test_a_shape_is_the_same_told_as_seen(values, expected):
    seen, told = Shape(), Shape()
    for value in values:
        seen.learn(value)
        one = Shape()
        one.learn(value)
        told.merge(one.told())
    assert (str(seen.arrow()), str(told.arrow())) == (expected, expected)


def test_a_row_without_a_place_has_no_box_in_polar_space(tmp_path: Path, written):
    writer = TableWriter(tmp_path)
    for item in (odd(1), {**odd(2), **{name: next(iter(written.values()))[name] for name in ("geometry", "bbox")}}):
        writer.add(item_row(item))
    writer.write(tmp_path / "x.parquet", {})
    rows = pq.read_table(tmp_path / "x.parquet").to_pylist()
    assert {row["id"]: row["iaos:polar"] is None for row in rows} == {"i1": True, "i2": False}


def test_a_shape_is_learnt_from_all_occurrences():
    shape = Shape()
    for value in ({"a": 1}, {"a": 2.5, "b": [None]}, None, {"b": ["x"], "c": {}}, {"d": 2**70}):
        shape.learn(value)
    assert str(shape.arrow()) == "struct<a: double, b: list<item: string>>"


places = st.tuples(st.floats(-180, 180), st.floats(5, 90), st.floats(0, 360), st.floats(0, 60))


@given(places)
def test_polar_bounds_hold_the_box_as_pyproj_draws_it(place):
    west, south, width, height = place
    north = min(90.0, south + height)
    east = west + width if west + width <= 180 else west + width - 360
    if width > 359 or (east < west and west - east < 1e-9):
        west, width, east = -180.0, 360.0, 180.0
    lon, lat = np.meshgrid(west + np.linspace(0, width, 181), np.linspace(south, north, 9))
    x, y = TO_POLAR.transform(lon.ravel(), lat.ravel())
    got = polar_bounds([[west, south, east, north]])[0]
    exact = np.array([np.min(x), np.min(y), np.max(x), np.max(y)]) / 1000
    assert (got[:2] <= exact[:2] + 1e-3).all()
    assert (got[2:] >= exact[2:] - 1e-3).all()
    step = radius_km(np.array([south]))[0] * np.radians(width / 180)  # how far from a sample an extreme may lie
    assert np.abs(got - exact).max() <= 1 + step


def test_hilbert_steps_to_a_neighbour_each_time():
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(16), np.arange(16)))
    order = np.argsort(hilbert(x, y, bits=4))
    steps = np.abs(np.diff(x[order])) + np.abs(np.diff(y[order]))
    assert sorted(hilbert(x, y, bits=4)) == list(range(256))
    assert (steps == 1).all()


def test_rows_of_unchanged_items_come_from_the_table_before_and_the_bytes_are_the_same(written, tmp_path, monkeypatch):
    monkeypatch.setattr("builder.tables.writer.ROW_GROUP", 16)
    items, read = dict(sorted(written.items())), []

    def table(name, changed=(), before=None):
        made = ItemsTable(lambda name: read.append(name) or json.dumps(items[name]).encode())
        for name_of_item, item in items.items():
            row = item_row(item)
            made.add([share_of(row)], [shapes_of(row)], same=name_of_item not in changed)
        return tmp_path / name, made.write(tmp_path / name, {"n": 1}, before)

    before = table("before")
    withdrawn, *changed = list(items)[3::20]
    del items[withdrawn]
    for name in changed:
        items[name] = {**items[name], "properties": {**items[name]["properties"], "title": "Another"}}
    items["new"] = {**items[changed[0]], "id": "new"}
    read.clear()
    woven, _ = table("woven", {*changed, "new"}, before)
    assert sorted(read) == sorted([*changed, "new"])
    assert woven.read_bytes() == table("anew")[0].read_bytes()
    items["new"]["properties"] = {**items["new"]["properties"], "extra": 1}  # another column: every row is read
    read.clear()
    woven, _ = table("woven", {*changed, "new"}, before)
    assert len(read) == len(items)
    assert woven.read_bytes() == table("anew")[0].read_bytes()
