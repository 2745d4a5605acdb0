"""Search by tables: against an oracle that knows nothing of the program, over a folder and over HTTP."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pystac
import pystac_client
import pytest
import shapely

from builder.build import Request, build
from builder.cli import main
from builder.errors import FetchError, UsageError
from builder.search import Client
from builder.serve import file_app, serve
from builder.tables.rows import collection_row, item_row
from builder.tables.writer import TableWriter
from tests import synthetic
from tests.servers.local import LocalServer, wsgi

COUNT = 150
MANY = 100_000


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    synthetic.write_definition(folder / "collections")
    synthetic.fill(folder / "state", COUNT)
    build(Request(folder / "collections", folder / "out", folder / "state", no_harvest=True), lambda _: None)
    return folder / "out"


@pytest.fixture(scope="module")
def items(catalogue):
    return [json.loads(file.read_bytes()) for file in sorted((catalogue / "bench" / "synthetic").glob("obs-*.json"))]


def search(catalogue, **asked):
    return Client.open(str(catalogue)).search(**asked)


def box_of(item):
    west, south, east, north = item["bbox"]
    return west, south, (east - west) % 360 if east - west != 360 else 360.0, north


def expected(boxes, query):
    """Overlap of arcs on a circle and of latitudes; all longitudes are one at a pole. Knows nothing of the program."""
    west, south, width, north = boxes.T
    query_west, query_south, query_east, query_north = query
    query_width = 360.0 if query_east - query_west == 360 else (query_east - query_west) % 360
    along = ((query_west - west) % 360 <= width) | ((west - query_west) % 360 <= query_width)
    along |= (width == 360) | (query_width == 360)
    pole = (north == 90) & (query_north == 90)
    return (along | pole) & (south <= query_north) & (north >= query_south)


def rings(west, south, width, north):
    east = west + width
    sides = [(west, east)] if east <= 180 else [(west, 180.0), (-180.0, east - 360)]
    return [
        {"type": "Polygon", "coordinates": [[[w, south], [e, south], [e, north], [w, north], [w, south]]]}
        for w, e in sides
    ]


@pytest.fixture(scope="module")
def hundred_thousand(tmp_path_factory):
    """Half points, half boxes; on a lattice of 1/4° so that edges meet exactly, many at ±180° and at the pole."""
    folder = tmp_path_factory.mktemp("many")
    random = np.random.default_rng(20261126)
    boxes = np.zeros((MANY, 4))
    boxes[:, 0] = random.integers(-720, 720, MANY) / 4
    boxes[:, 1] = 90 - np.abs(random.integers(0, 160, MANY)) / 4
    boxes[: MANY // 2, 2] = random.choice([0.25, 3, 10, 90, 200, 360], MANY // 2)
    boxes[:, 3] = np.minimum(90, boxes[:, 1] + np.where(boxes[:, 2] > 0, 0.5, 0))
    boxes[MANY // 2 : MANY // 2 + 500, 0] = random.choice([-180, 180], 500)
    boxes[boxes[:, 2] == 360, 0] = -180
    flat = (boxes[:, 2] > 0) & (boxes[:, 1] == 90)
    boxes[flat, 1] = 89.5
    writer = TableWriter(folder)
    for number, (west, south, width, north) in enumerate(boxes.tolist()):
        writer.add(item_row(lattice_item(number, west, south, width, north)))
    (folder / "p" / "many").mkdir(parents=True)
    writer.write(folder / "p" / "many" / "items.parquet", {})
    head = TableWriter(folder)
    head.add(collection_row(lattice_collection(), "p/many/collection.json"))
    head.add(collection_row({**lattice_collection(), "id": "none", "assets": {}}, "p/none/collection.json"))
    head.write(folder / "collections.parquet", {})
    return folder, boxes


def lattice_item(number, west, south, width, north):
    east = west + width if west + width <= 180 else west + width - 360
    parts = rings(west, south, width, north)
    shape = (
        {"type": "MultiPolygon", "coordinates": [part["coordinates"] for part in parts]} if len(parts) > 1 else parts[0]
    )
    point = {"type": "Point", "coordinates": [west, south]}
    return {
        "id": f"{number:06d}", "geometry": shape if width else point, "bbox": [west, south, east, north],
        "properties": {"datetime": f"{1990 + number % 35}-01-01T00:00:00Z", "number": number},
        "links": [], "assets": {},
    }  # fmt: skip


def lattice_collection():
    return {
        "id": "many", "links": [], "assets": {"items": {"href": "./items.parquet"}},
        "extent": {"spatial": {"bbox": [[-180, 0, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
    }  # fmt: skip


@pytest.mark.parametrize(
    "box",
    [
        (170, 60, -170, 80), (180, 60, 180, 70), (-180, 60, -180, 70), (-180, 89, 180, 90), (0, 90, 0, 90),
        (-30, 80, 30, 90), (10, 60, 20, 62), (-180, 50, 180, 90), (100, 85.25, -100, 89.75), (-180, 60, -179.75, 60.25),
    ],
    ids=str,
)  # fmt: skip
def test_a_box_finds_what_brute_force_finds_in_100_000_items(hundred_thousand, box):
    folder, boxes = hundred_thousand
    found = np.zeros(MANY, bool)
    found[[int(name) for name in search(folder, bbox=box).ids()]] = True
    wanted = expected(boxes, box)
    assert wanted.any()
    assert np.flatnonzero(found != wanted).tolist() == []


def test_time_properties_and_place_together_equal_brute_force(hundred_thousand):
    folder, boxes = hundred_thousand
    box, number = (150, 70, -120, 85), np.arange(MANY)
    asked = {"bbox": box, "datetime": "1999/2001-06", "query": {"number": {"gte": 500, "lt": 90_000}}}
    wanted = (
        expected(boxes, box) & np.isin(1990 + number % 35, [1999, 2000, 2001]) & (number >= 500) & (number < 90_000)
    )
    answer = search(folder, **asked, sortby="-number")
    assert [int(name) for name in answer.ids()] == np.flatnonzero(wanted)[::-1].tolist()
    assert answer.matched() == wanted.sum()
    assert [*search(folder, **asked, sortby="-number", max_items=3).ids()] == [*answer.ids()][:3]


def test_a_ring_round_the_pole_holds_the_pole(hundred_thousand):
    folder, boxes = hundred_thousand
    ring = [[lon, 85] for lon in range(-180, 180, 10)] + [[-180, 85]]
    points = boxes[MANY // 2 :]
    found = {int(n) for n in search(folder, intersects={"type": "Polygon", "coordinates": [ring]}).ids()}
    assert {n for n in found if n >= MANY // 2} == set((np.flatnonzero(points[:, 1] >= 85) + MANY // 2).tolist())


def test_a_polygon_across_the_antimeridian_in_either_convention(hundred_thousand):
    folder, _ = hundred_thousand
    east = {"type": "Polygon", "coordinates": [[[170, 60], [190, 60], [190, 70], [170, 70], [170, 60]]]}
    feature = json.dumps({"type": "Feature", "geometry": east})
    both = [set(search(folder, **asked).ids()) for asked in ({"intersects": feature}, {"bbox": [170, 60, -170, 70]})]
    assert both[0] == both[1] != set()
    assert search(folder, sortby="-datetime").unknown() == {}  # though no item has a start


def test_items_are_the_files_with_absolute_addresses(catalogue, items):
    box = (160, 50, -150, 90)
    found = search(catalogue, bbox=box, collections="synthetic").item_collection()
    assert isinstance(found, pystac.ItemCollection)
    parts = shapely.union_all([shapely.box(160, 50, 180, 90), shapely.box(-180, 50, -150, 90)])
    oracle = {i["id"] for i in items if parts.intersects(shapely.geometry.shape(i["geometry"]))}
    assert {item.id for item in found} == oracle
    item = next(iter(found))
    assert item.get_self_href() == str(catalogue / "bench" / "synthetic" / f"{item.id}.json")
    assert item.assets["source-record"].href == str(catalogue / "bench" / "synthetic" / "records" / f"{item.id}.json")


def test_pystac_client_walks_to_the_same_items(catalogue):
    walked = {item.id for item in pystac_client.Client.open(str(catalogue / "catalog.json")).get_items(recursive=True)}
    assert walked == set(search(catalogue).ids())
    assert [search(catalogue, **{of: []}).matched() for of in ("ids", "collections")] == [0, 0]


def test_over_http_only_ranges_are_read_and_the_answer_is_the_same(hundred_thousand):
    folder, _ = hundred_thousand
    asked = {"bbox": (10, 60, 20, 62), "datetime": "1999"}
    with LocalServer(wsgi(file_app(folder))) as server:
        remote = list(search(server.url, **asked).ids())
        sent = [request.headers.get("range") for request in server.requests]
    assert remote == list(search(folder, **asked).ids()) != []
    assert all(sent)
    tail = 2**16
    spans = [text.removeprefix("bytes=").split("-") for text in sent]
    read = sum(int(last) - int(first) + 1 if first else tail for first, last in spans)
    assert read < (folder / "p" / "many" / "items.parquet").stat().st_size / 2


def test_items_come_over_http(catalogue):
    with serve(catalogue) as server:
        found = list(search(server.url + "catalog.json", ids="obs-000001,obs-000002").items())
        assert sorted(item.id for item in found) == ["obs-000001", "obs-000002"]
        assert found[0].get_self_href().startswith(server.url)
        counted = "import sys, pyogrio; print(pyogrio.read_info(sys.argv[1])['features'])"
        address = f"GeoJSON:/vsicurl/{found[0].get_self_href()}"  # read apart: older GDAL bindings hold up our server
        done = subprocess.run([sys.executable, "-c", counted, address], check=True, capture_output=True, text=True)
        assert done.stdout == "1\n"


def test_a_server_without_ranges_is_read_whole(catalogue):
    app = file_app(catalogue)

    def whole(environ, start):
        environ.pop("HTTP_RANGE", None)
        return app(environ, start)

    with LocalServer(wsgi(whole)) as server:
        assert search(server.url, ids=["obs-000001"]).matched() == 1


def test_properties_are_asked_for_by_query_and_filter(catalogue, items):
    titled = {i["id"] for i in items if "Oden" in i["properties"]["title"]}
    like = {"op": "like", "args": [{"property": "title"}, "%Oden%"]}
    for asked in ({"query": {"title": {"contains": "Oden"}}}, {"filter": like}):
        assert set(search(catalogue, **asked).ids()) == titled
    assert set(search(catalogue, filter={"op": "not", "args": [like]}).ids()) == {i["id"] for i in items} - titled
    worded = {i["id"] for i in items if "station 7" in i["properties"]["keywords"]}
    assert set(search(catalogue, query={"keywords": {"contains": "station 7"}}).ids()) == worded != set()
    either = {"op": "or", "args": [{"op": "in", "args": [{"property": "iaos:source.identifier"}, ["obs-000003"]]},
                                   {"op": "=", "args": [{"property": "title"}, "Profile 4 from Healy"]}]}  # fmt: skip
    assert set(search(catalogue, filter=either).ids()) == {"obs-000003", "obs-000004"}
    since = {"op": "between", "args": [{"property": "start_datetime"}, "1999", {"timestamp": "2005-01-01T00:00:00Z"}]}
    within = {i["id"] for i in items if "1999" <= i["properties"]["start_datetime"] < "2005"}
    assert set(search(catalogue, filter=since).ids()) == within != set()
    assert search(catalogue, query=["platform=Oden"]).matched() == 0
    assert search(catalogue, filter={"op": "isNull", "args": [{"property": "platform"}]}).matched() == COUNT


def test_time_is_met_by_intervals(catalogue, items):
    first = min(i["properties"]["start_datetime"] for i in items)
    moment = datetime.fromisoformat(first)
    firsts = [i for i in items if i["properties"]["start_datetime"] == first]
    assert search(catalogue, datetime=f"../{first}").matched() == len(firsts)
    assert search(catalogue, datetime=[None, moment]).matched() >= 1
    assert search(catalogue, datetime=datetime(1900, 1, 1, tzinfo=UTC)).matched() == 0
    ordered = [i["id"] for i in sorted(items, key=lambda i: (i["properties"]["start_datetime"], i["id"]))]
    assert list(search(catalogue, sortby=[{"field": "datetime", "direction": "asc"}]).ids()) == ordered
    assert list(search(catalogue, sortby="-datetime", max_items=1).ids()) == ordered[-1:]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"bbox": [1, 2, 3]}, "4 numbers"),
        ({"bbox": [0, 80, 10, 70]}, "not on the globe"),
        ({"bbox": [0, 0, 541, 1]}, "not on the globe"),
        ({"bbox": "a,b,c,d"}, "four numbers"),
        ({"intersects": {"type": "Nonsense"}}, "intersects"),
        ({"bbox": [0, 0, 1, 1], "intersects": "{}"}, "exclude"),
        ({"datetime": "yesterday"}, "is not a time"),
        ({"datetime": "2020/2019"}, "ends before"),
        ({"collections": ["synthetik"]}, "there are: synthetic"),
        ({"query": ["title"]}, "name=value"),
        ({"query": {"title": {"near": 1}}}, "no operator"),
        ({"query": {"title": {"lt": True}}}, "cannot be compared"),
        ({"filter": "{"}, "not JSON"),
        ({"filter": {"op": "s_intersects", "args": [{"property": "geometry"}, 1]}}, "filter knows no"),
        ({"sortby": "-"}, "names no property"),
        ({"sortby": "iaos:source"}, "cannot be sorted"),
    ],
    ids=str,
)
def test_a_question_that_makes_no_sense_says_why(catalogue, asked, said):
    with pytest.raises(UsageError, match=said):
        list(search(catalogue, **asked).ids())


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(["search", *map(str, arguments)])
    out = capsys.readouterr()
    return end.value.code, out.out, out.err


def test_a_property_that_no_item_has_is_named_with_those_of_like_name(catalogue, capsys):
    code, out, said = run(capsys, catalogue, "--query", "titel=Profile 1 from Oden", "--query", "title<>x")
    assert (code, out, said) == (0, "", "note: no table of items has the property titel: did you mean title?\n")
    said = run(capsys, catalogue, "--sortby=iaos:source.identifier,-properties.zzz", "--max-items", 1)[2]
    assert said == "note: no table of items has the property zzz: the items of a collection show those there are\n"
    assert run(capsys, catalogue, "--sortby=-datetime", "--query", "title<>x", "--matched")[2] == ""
    assert run(capsys, catalogue, "--query", "titel=x", "--matched")[2] != ""


def test_each_option_of_the_command_changes_the_answer(catalogue, items, capsys, tmp_path):
    place = next(i["geometry"] for i in items if i["id"] == "obs-000001")
    (tmp_path / "here.geojson").write_text(json.dumps(place))
    for options in (
        ("--intersects", tmp_path / "here.geojson"), ("--intersects", json.dumps(place)), ("--ids", "obs-000001"),
        ("--filter", json.dumps({"op": "=", "args": [{"property": "title"}, "Profile 1 from Oden"]})),
        ("--query", "title=Profile 1 from Oden"),
    ):  # fmt: skip
        code, out, _ = run(capsys, catalogue, *options, "--output", "ids")
        assert (code, "obs-000001" in out.split(), len(out.split()) < COUNT / 2) == (0, True, True), options
    assert run(capsys, catalogue, "--matched")[1] == f"{COUNT}\n"
    fewer = [
        run(capsys, catalogue, "--matched", *o)[1] for o in (("--bbox=-10,70,10,80",), ("--datetime", "1990/1995"))
    ]
    assert all(0 < int(count) < COUNT for count in fewer)
    newest = max(items, key=lambda i: i["properties"]["start_datetime"])
    first = run(capsys, catalogue, "--sortby=-datetime", "--max-items", 1, "-c", "synthetic")[1]
    assert first.split()[:2] == ["synthetic", newest["id"]]
    whole = json.loads(run(capsys, catalogue, "--ids", "obs-000001", "--output", "items")[1])
    assert whole["features"][0]["properties"]["title"] == "Profile 1 from Oden"
    lines = run(capsys, catalogue, "--max-items", 2, "--output", "ndjson")[1].splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["Feature", "Feature"]


def test_a_server_that_does_not_answer_is_not_a_catalogue_without_tables():
    class Silent:
        def open(self, path):
            raise FetchError("no complete answer", where=path)

    with pytest.raises(FetchError, match="no complete answer"):
        _ = Client(Silent()).tables


def test_the_command_says_where_there_is_no_table(tmp_path, capsys):
    code, _, err = run(capsys, tmp_path)
    assert (code, "no table of collections" in err) == (2, True)
    assert "no such folder" in run(capsys, tmp_path / "nowhere")[2]
    assert "cannot be read" in run(capsys, tmp_path, "--intersects", tmp_path / "none.geojson")[2]


def test_the_snippets_of_the_manual_run(catalogue, items, capsys):
    page = (Path(__file__).resolve().parents[2] / "docs" / "search.md").read_text("utf-8")
    space = {"catalogue": str(catalogue), "items": str(catalogue / "bench" / "synthetic" / "items.parquet")}
    snippets = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    for snippet in snippets:
        exec(snippet, space)
    assert len(snippets) == 3
    assert len(space["frame"]) == COUNT
    assert 0 < len(space["near_the_pole"]) < COUNT
    printed = capsys.readouterr().out.splitlines()
    assert int(printed[0]) >= len(printed) - 1 > 0
    commands = re.findall(r"^\$ iaos search (?:catalog|https\S+) (.*?)(?: > .*)?$", page, re.MULTILINE)
    for line in commands:
        assert run(capsys, catalogue, *shlex.split(line))[0] == 0
    assert len(commands) == 4
