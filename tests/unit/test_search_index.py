"""The index of the search page: against brute force that knows nothing of it, and within its budget of bytes."""

from __future__ import annotations

import json
import random
import unicodedata
from contextlib import closing

import numpy as np
import pytest

from builder.build import Request, build
from builder.cli import main
from builder.errors import UsageError
from builder.index.described import Shelf, line_of
from builder.index.encode import mark_runs, marked, runs_bytes
from builder.index.words import words_of
from builder.index.writer import IndexWriter
from builder.search import Client
from builder.search.asked import asked_of
from builder.search.page import Index
from builder.search.places import files_of
from builder.serve import file_app
from tests import searching, synthetic
from tests.servers.local import LocalServer, wsgi
from tests.unit.test_search import expected

MANY = 100_000
SHIPS = ("Polarstern", "Oden", "Lance", "Kronprins Haakon", "Healy")
SHELVES = [
    Shelf("casts", "Casts", "awi", "Alfred Wegener Institute", "Casts from ships"),
    Shelf("ice", "Sea ice", "met", "Weather service", "Drift of sea ice"),
]


def boxes_of(count):
    """Boxes and points on a lattice of 1/4°, so that edges meet exactly; many at ±180° and at the pole."""
    chance = np.random.default_rng(20261127)
    boxes = np.zeros((count, 4))
    boxes[:, 0] = chance.integers(-720, 720, count) / 4
    boxes[:, 1] = 90 - np.abs(chance.integers(0, 160, count)) / 4
    boxes[: count // 2, 2] = chance.choice([0.25, 3, 10, 90, 200, 360], count // 2)
    boxes[:, 3] = np.minimum(90, boxes[:, 1] + np.where(boxes[:, 2] > 0, 0.5, 0))
    boxes[count // 2 : count // 2 + 500, 0] = chance.choice([-180, 180], 500)
    boxes[boxes[:, 2] == 360, 0] = -180
    return boxes


def item(number, box):
    west, south, width, north = box
    east = west + width if west + width <= 180 else west + width - 360
    year = 1990 + number % 35
    return {
        "type": "Feature", "id": f"{number:07d}", "bbox": [west, south, east, north],
        "geometry": {"type": "Point", "coordinates": [west, south]},
        "properties": {
            "title": f"Profile {number} from {SHIPS[number % 5]}", "keywords": [f"Basin{number % 50}a"],
            "datetime": f"{year}-{1 + number % 12:02d}-01T00:00:00Z", "platform": SHIPS[number % 5],
            "cf:parameter": [{"name": ("sea_water_temperature", "sea_ice_area_fraction")[number % 2]}],
        },
    }  # fmt: skip


def write(folder, numbers, boxes):
    writer = IndexWriter(folder)
    for number in numbers:
        writer.add(SHELVES[number % 3 == 0].id, [line_of(item(number, boxes[number]))])
    return searching.finish(writer, folder, SHELVES)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    boxes = boxes_of(MANY)
    return write(tmp_path_factory.mktemp("index"), range(MANY), np.asarray(boxes).tolist()), boxes


def found(folder, address):
    index = Index(files_of(str(folder)))
    numbers = [int(name) for _, name in index.ids(asked_of(address))]
    index.close()
    assert len(numbers) == len(set(numbers))
    return set(numbers)


def test_a_catalogue_without_items_finds_nothing(tmp_path):
    folder = write(tmp_path, (), ())
    assert found(folder, "q=drift&bbox=0,60,40,80") == set()
    assert found(folder, "") == set()


def test_a_word_of_a_collection_and_of_items_elsewhere_finds_both(tmp_path):
    made = [item(number, (0, 80, 1, 81)) for number in range(5)]
    made[1]["properties"]["title"] = "Drift of a buoy"
    writer = IndexWriter(tmp_path)
    for number, one in enumerate(made):
        writer.add(SHELVES[number % 3 == 0].id, [line_of(one)])
    folder = searching.finish(writer, tmp_path, SHELVES)
    assert found(folder, "q=drift") == {0, 1, 3}


def test_an_interval_is_met_from_its_first_to_its_last_second(tmp_path):
    made = [item(number, (0, 80, 1, 81)) for number in range(3)]  # the third is of another time
    made[0]["properties"] |= {
        "datetime": None, "start_datetime": "2000-01-01T00:00:00Z", "end_datetime": "2000-12-31T00:00:00Z",
    }  # fmt: skip
    made[1]["properties"]["datetime"] = "2001-06-01T00:00:00Z"
    writer = IndexWriter(tmp_path)
    writer.add("ice", list(map(line_of, made)))
    folder = searching.finish(writer, tmp_path, SHELVES)
    assert found(folder, "time=2000-12-31T00:00:00Z/2001-06-01T00:00:00Z") == {0, 1}
    assert found(folder, "time=2000-12-31T00:00:01Z/2001-05-31T23:59:59Z") == set()
    assert found(folder, "time=1995/2000-01-01T00:00:00Z") == {0}


BOXES = [
    (170, 60, -170, 80), (180, 60, 180, 70), (-180, 60, -180, 70), (-180, 89, 180, 90), (0, 90, 0, 90),
    (-30, 80, 30, 90), (10, 60, 20, 62), (-180, 50, 180, 90), (100, 85.25, -100, 89.75), (-180, 60, -179.75, 60.25),
]  # fmt: skip


@pytest.mark.parametrize("box", BOXES, ids=str)
def test_a_box_finds_what_brute_force_finds(many, box):
    folder, boxes = many
    wanted = set(np.flatnonzero(expected(boxes, box)).tolist())
    assert found(folder, f"bbox={','.join(map(str, box))}") == wanted != set()


def test_each_is_named_with_its_collection(many):
    folder, _ = many
    index = Index(files_of(str(folder)))
    named = list(index.ids(asked_of("")))
    index.close()
    assert {(name, int(number) % 3 == 0) for name, number in named} == {("casts", False), ("ice", True)}
    assert len(named) == MANY


@pytest.mark.parametrize(("word", "stands"), [("dri", False), ("drif", True), ("drift", True), ("drifts", False)])
def test_a_word_stands_for_longer_ones_from_its_fourth_letter_on(many, word, stands):
    folder, _ = many
    assert found(folder, f"q={word}") == (set(range(0, MANY, 3)) if stands else set())


def test_a_word_stands_for_longer_ones_on_other_pages_of_the_dictionary_too(tmp_path):
    writer = IndexWriter(tmp_path)
    letters = [chr(97 + number // 26 % 26) + chr(97 + number % 26) for number in range(676)]
    made = [line_of(item(number, (0, 80, 1, 81))) for number in range(676)]
    writer.add("ice", [{**one, "terms": [f"drum{pair}"]} for one, pair in zip(made, letters, strict=True)])
    folder = searching.finish(writer, tmp_path, SHELVES)
    index = Index(files_of(str(folder)))
    assert sum(first.startswith("drum") for first in index.head["words"]["first"]) >= 2
    index.close()
    assert found(folder, "q=drum") == set(range(676))
    for pair in ("a", "k", "z", "kk"):
        assert found(folder, f"q=drum{pair}") == {n for n, one in enumerate(letters) if one.startswith(pair)} != set()


def test_all_conditions_together_equal_brute_force(many):
    folder, boxes = many
    number = np.arange(MANY)
    wanted = expected(boxes, (150, 70, -120, 85)) & np.isin(1990 + number % 35, range(1996, 2002))
    wanted &= np.isin(number % 5, [1, 4]) & (number % 2 == 0) & (number % 3 == 0) & (number % 50 == 6)
    address = (
        "?q=BASIN6A drift&bbox=150,70,-120,85&time=1996/2001-12&platform=Oden&platform=Healy"
        "&variable=sea_water_temperature&partner=met&collection=ice"
    )
    assert found(folder, address) == set(np.flatnonzero(wanted).tolist()) != set()
    assert found(folder, "year=2001&year=2002") == set(np.flatnonzero(np.isin(1990 + number % 35, [2001, 2002])))
    months = (1990 + number % 35 == 2001) & (number % 12 < 5)
    assert found(folder, "time=2001/2001-05") == set(np.flatnonzero(months).tolist())
    assert found(folder, "q=nosuchword") == set()
    for nothing in ("platform=Nobody", "platform=Ode", "platform=Polarster", "collection=nowhere", "collection=ic"):
        assert found(folder, nothing) == set()


def test_facets_count_what_there_is(many):
    folder, _ = many
    head = json.loads((folder / "search" / "index.json").read_bytes())
    assert sorted((value, count) for value, count, *_ in head["facets"]["platform"]) == sorted(
        (ship, MANY // 5) for ship in SHIPS
    )
    years = {value: count for value, count, *_ in head["facets"]["year"]}
    assert years == {str(1990 + k): len(range(k, MANY, 35)) for k in range(35)}
    assert [one["rows"] for one in head["collections"]] == [[0, MANY - 33334], [MANY - 33334, MANY]]


def test_bytes_do_not_depend_on_the_order_in_which_items_come(tmp_path):
    numbers, boxes = list(range(3000)), boxes_of(3000).tolist()
    one = write(tmp_path / "one", numbers, boxes)
    random.Random(4).shuffle(numbers)
    other = write(tmp_path / "other", numbers, boxes)
    files = [{p.name: p.read_bytes() for p in sorted((folder / "search").iterdir())} for folder in (one, other)]
    assert files[0] == files[1]
    assert len(files[0]) == 2


@pytest.mark.parametrize(
    "rows", [[], [0], [5], [0, 1, 2], [3, 4, 9], list(range(0, 70_000, 3)), [2**20 - 1], [0, 2**20 - 1]], ids=len
)
def test_rows_survive_as_runs(rows):
    marks = np.zeros(2**20 + 1, np.int32)
    mark_runs(runs_bytes(np.array(rows, np.int64)), marks)
    flags = marked(marks)
    assert np.flatnonzero(flags).tolist() == rows


def test_words_are_without_case_accents_and_serial_numbers():
    assert words_of("Ålesund ÅLESUND Å") == ["alesund", "alesund"]
    assert words_of("CTD-17 in 1999, 123456; 12a") == ["ctd", "in", "1999", "12a"]
    assert words_of(unicodedata.normalize("NFD", "Tromsø é")) == words_of("Tromsø é") == ["tromso"]
    assert words_of("Северный Ледовитый") == ["северныи", "ледовитыи"]
    assert words_of("x" * 41) == []


@pytest.mark.parametrize(
    "address",
    ["bbox=1,2,3", "bbox=0,80,10,70", "bbox=a,b,c,d", "bbox=0,0,inf,1", "bbox=0,60,181,70", "time=1999-13"],
)
def test_what_cannot_be_understood_is_said(address):
    with pytest.raises(UsageError):
        asked_of(address)


@pytest.mark.parametrize("time", ["", "..", "../..", "/"])
def test_a_time_that_is_open_at_both_ends_asks_for_none(time):
    assert asked_of(f"time={time}").period is None


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    synthetic.write_definition(folder / "collections")
    synthetic.fill(folder / "state", 150)
    build(Request(folder / "collections", folder / "out", folder / "state", no_harvest=True), lambda _: None)
    return folder / "out"


@pytest.mark.parametrize("box", [(160, 50, -150, 90), (-180, 88, 180, 90), (-60, 55, 60, 85)], ids=str)
def test_the_command_gives_the_same_by_page_and_by_table(catalogue, box, capsys):
    # Points and boxes have the shape of their box, so both ways of search must agree.
    text = ",".join(map(str, box))

    def by_command(*options):
        with pytest.raises(SystemExit) as left:
            main(["search", str(catalogue), "--page", f"bbox={text}&time=1995/2010", *options])
        assert left.value.code == 0
        return capsys.readouterr().out.split()

    by_page = by_command()
    by_table = Client.open(str(catalogue)).search(bbox=box, datetime="1995/2010").ids()
    assert sorted(by_page) == sorted(by_table) != []
    assert by_command("--matched") == [str(len(by_page))]
    assert by_command("--max-items", "1") == by_page[:1]


def test_what_the_search_page_does_not_know_is_named(catalogue, capsys):
    with pytest.raises(SystemExit) as left:
        main(["search", str(catalogue), "--page", "q=oden&datetime=2019&page=2&titel=ice", "--max-items", "1"])
    assert left.value.code == 0
    said = capsys.readouterr().err
    assert said.startswith("note: not asked for datetime, titel, which the search page does not know (q, bbox, time, ")
    with pytest.raises(SystemExit):
        main(["search", str(catalogue), "--page", "q=oden&time=1990/&year=1995", "--max-items", "1"])
    assert capsys.readouterr().err == ""


def test_keywords_of_an_item_do_not_hold_for_its_whole_collection(tmp_path):
    definition = """
id: {name}
title: Sightings
description: What was seen.
partner: {{id: example, name: Example Institute}}
{keywords}
source:
  type: files
  records:
    - {{id: {name}-1, title: One, description: First, start: 2019, point: [10, 75], keywords: [walrus]}}
    - {{id: {name}-2, title: Two, description: Second, start: 2019, point: [11, 76], keywords: [narwhal]}}
"""
    (tmp_path / "collections").mkdir()
    for name, keywords in (("plain", ""), ("said", "keywords: [walrus]")):
        text = definition.format(name=name, keywords=keywords)
        (tmp_path / "collections" / f"{name}.yaml").write_text(text)
    build(Request(tmp_path / "collections", tmp_path / "out", tmp_path / "state"), lambda _: None)
    with closing(Index(files_of(str(tmp_path / "out")))) as index:
        assert {name for _, name in index.ids(asked_of("q=walrus"))} == {"plain-1", "said-1", "said-2"}
        assert {name for _, name in index.ids(asked_of("q=institute narwhal"))} == {"plain-2", "said-2"}


def test_the_index_is_asked_over_http_by_ranges(catalogue):
    with LocalServer(wsgi(file_app(catalogue))) as server:
        index = Index(files_of(server.url))
        ids = {name for _, name in index.ids(asked_of("q=oden"))}
    assert ids == {f"obs-{n:06d}" for n in range(150) if n % 5 == 1}


def test_a_catalogue_without_index_says_so(tmp_path):
    with pytest.raises(UsageError, match="no search index"):
        Index(files_of(str(tmp_path)))
