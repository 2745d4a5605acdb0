"""Collections that a processor makes: run at night, only where something changed, never at the cost of the build."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from builder.build import Request, build, plan
from builder.checks.tree import check_tree
from builder.cli import main
from builder.datafiles import readings
from builder.definitions.load import load_all, parse
from builder.findings import Severity
from builder.gathering import compose
from builder.processing import offers
from builder.processing.child import Child
from builder.processing.worker import perform
from tests.processing import install_toy

TABLES = """
id: tables
title: Tables
description: Some tables.
partner: {id: p, name: P}
license: CC-BY-4.0
source: {type: files, path: tables, format: table}
policies: {time_from_name: '(?P<year>\\d{4})-(?P<month>\\d\\d)-(?P<day>\\d\\d)'}
overrides:
  - {match: "*", set: {bbox: [10, 70, 20, 75]}}
  - {match: "2020-02*", set: {bbox: [-60, 60, -50, 65]}}
"""
COUNTS = """
id: counts
title: Counts
description: Their lines, counted.
partner: {id: q, name: Q}
license: CC-BY-4.0
source:
  type: process
  processor: toy
  per: item
  inputs: {table: {collection: tables}}
"""
AGAIN = COUNTS.replace("id: counts", "id: again").replace("collection: tables", "collection: counts")
AGAIN = AGAIN.replace("per: item", "per: collection")


class Scene:
    """A folder of definitions with three tables, and what a night makes of them.

    Runs have a process of their own where `apart` is true, as all have outside tests; most tests need none to tell
    what becomes of products, and starting one takes half a second.
    """

    apart = False

    def __init__(self, folder, log):
        self.folder, self.log = folder, log
        self.collections = folder / "collections"
        (self.collections / "tables").mkdir(parents=True)
        self.define("tables", TABLES)
        for day, lines in (("2020-01-01", 1), ("2020-01-02", 2), ("2020-02-01", 3)):
            self.table(day, "x\n" * lines)

    def define(self, name, text):
        (self.collections / f"{name}.yaml").write_text(text)

    def table(self, day, text):
        (self.collections / f"tables/{day}.csv").write_text(text)

    def request(self, **more):
        return Request(self.collections, self.folder / "catalog", self.folder / "state", **more)

    def night(self, **more):
        """Build, and return the report of the collection `counts` and how many runs there were."""
        before = len(self.runs())
        run = build(self.request(**more), lambda task: None)
        (counts,) = [one for one in run.collections if one.id == "counts"]
        return counts, len(self.runs()) - before

    def runs(self):
        return self.log.read_text().splitlines()

    def item(self, name, collection="q/counts"):
        return json.loads((self.folder / "catalog" / collection / f"{name}.json").read_bytes())

    def items(self):
        return sorted(path.stem for path in (self.folder / "catalog/q/counts").glob("toy-*.json"))

    def tree(self):
        catalog = self.folder / "catalog"
        return {str(f.relative_to(catalog)): f.read_bytes() for f in sorted(catalog.rglob("*")) if f.is_file()}

    def faults(self):
        tree = self.tree()
        return [str(one) for one in check_tree(tree.__getitem__, tree) if one.severity is Severity.ERROR]


@pytest.fixture
def scene(tmp_path, monkeypatch):
    made = Scene(tmp_path / "scene", install_toy(tmp_path / "plugin", monkeypatch))
    made.define("counts", COUNTS)
    outside = Child._answer

    def answer(child, request, processor):
        if made.apart:
            return outside(child, request, processor)
        return json.loads(json.dumps(perform(json.loads(request))))

    monkeypatch.setattr(Child, "_answer", answer)
    return made


def rels(item, rel):
    return [link["href"] for link in item["links"] if link["rel"] == rel]


def test_products_become_items_that_say_how_they_were_made(scene):
    scene.apart = True
    told, runs = scene.night()
    assert (runs, told.items, told.counts["made"]) == (3, 3, 3)
    assert scene.faults() == []
    item = scene.item("toy-2020-01-02.csv")
    said = item["properties"]
    assert said["title"] == "count.csv of 2"
    assert "all lines count" in said["description"]
    assert said["processing:software"]["toy"] == "1"
    assert said["processing:lineage"] == "Made by the processor toy, version 1, from 2020-01-02.csv."
    source = hashlib.sha256(b"x\nx\n").hexdigest()
    assert said["iaos:process"]["inputs"] == [
        {"slot": "table", "href": "p/tables/data/2020-01-02.csv", "sha256": source}
    ]
    assert (said["start_datetime"], said["end_datetime"]) == ("2020-01-02T00:00:00Z", "2020-01-02T23:59:59Z")
    assert item["bbox"] == [10, 70, 20, 75]
    asset = item["assets"]["count.csv"]
    body = (scene.folder / "catalog/q/counts" / asset["href"]).read_bytes()
    assert body == b"lines\n2\n"
    assert asset["file:checksum"] == "1220" + hashlib.sha256(body).hexdigest()
    assert (asset["file:size"], asset["unit"], asset["type"]) == (8, "1", "text/csv")
    manifest = json.loads((scene.folder / "catalog/manifest.json").read_bytes())["files"]
    assert manifest["q/counts/data/toy-2020-01-02.csv/report.html"]["type"].startswith("text/html")


def test_explain_says_that_a_processor_made_an_item(scene, capsys):
    scene.night()
    with pytest.raises(SystemExit):
        main(["explain", "toy-2020-01-02.csv", "--out", str(scene.folder / "catalog")])
    assert capsys.readouterr().out.splitlines()[0] == "toy-2020-01-02.csv  from  process"


def test_items_and_products_link_to_each_other_also_on_their_pages(scene):
    scene.night()
    product, table = scene.item("toy-2020-01-01.csv"), scene.item("2020-01-01.csv", "p/tables")
    assert rels(product, "derived_from") == ["../../p/tables/2020-01-01.csv.json"]
    assert rels(table, "http://www.w3.org/ns/prov#hadDerivation") == ["../../q/counts/toy-2020-01-01.csv.json"]
    page = (scene.folder / "catalog/q/counts/toy-2020-01-01.csv.html").read_text()
    assert 'href="../../p/tables/2020-01-01.csv.html"' in page
    assert '<img class="preview" src="./data/toy-2020-01-01.csv/count.png"' in page
    page = (scene.folder / "catalog/p/tables/2020-01-01.csv.html").read_text()
    assert 'href="../../q/counts/toy-2020-01-01.csv.html"' in page


def test_place_and_time_that_a_product_tells_go_before_those_of_its_inputs(scene):
    scene.table("2020-01-01", "north\n")
    scene.night()
    item = scene.item("toy-2020-01-01.csv")
    assert item["geometry"] == {"type": "Point", "coordinates": [10, 80]}
    assert item["properties"]["datetime"] == "2001-02-03T04:05:06Z"
    explained = json.loads((scene.folder / "catalog/q/counts/explain/toy-2020-01-01.csv.json").read_bytes())
    assert {"field": "geometry", "source": "process", "place": "products.geometry", "rule": "process"} in explained[
        "fields"
    ]


def test_an_unchanged_night_runs_nothing_and_a_changed_input_runs_once(scene):
    scene.night()
    before = scene.tree()
    told, runs = scene.night()
    assert (runs, told.counts["kept"], scene.tree()) == (0, 3, before)
    scene.table("2020-01-02", "x\n" * 7)
    assert scene.night()[1] == 1
    assert scene.item("toy-2020-01-02.csv")["properties"]["title"] == "count.csv of 7"
    scene.define("counts", COUNTS.replace("per: item", "per: item\n  parameters: {times: 2}"))
    assert scene.night()[1] == 3
    assert scene.item("toy-2020-01-02.csv")["properties"]["title"] == "count.csv of 14"
    kept = [path.name for path in (scene.folder / "state/products").iterdir()]
    assert len(kept) == 3, "products that no record names are removed"


def test_a_build_from_nothing_gives_the_same_bytes(scene, tmp_path):
    scene.table("2020-01-03", "x\n")
    scene.night()
    scene.table("2020-01-03", "y\n")
    scene.night()
    again = Scene.__new__(Scene)
    again.folder, again.log, again.collections = tmp_path / "again", scene.log, scene.collections
    again.night()
    first, second = scene.tree(), again.tree()
    different = {path for path in first | second if first.get(path) != second.get(path)}
    assert {path for path in different if "changes" not in path} <= {"index.html", "manifest.json"}


def test_no_record_is_described_twice_in_a_night_nor_for_its_offer_before_it_changes(scene, monkeypatch):
    scene.define("again", AGAIN)
    described, offered = [], []
    describe, read = compose.describe, offers.read
    monkeypatch.setattr(compose, "describe", lambda record: described.append(record.identifier) or describe(record))
    monkeypatch.setattr(offers, "read", lambda *given: offered.append(given[1].identifier) or read(*given))
    tables, counts = (sorted(f"{start}2020-{day}.csv" for day in ("01-01", "01-02", "02-01")) for start in ("", "toy-"))
    scene.night()
    assert sorted(offered) == sorted(described) == [*tables, "again", *counts]
    before = scene.tree()
    offered.clear()
    scene.night()
    assert (offered, scene.tree()) == ([], before)
    scene.table("2020-01-02", "x\n" * 7)
    described.clear()
    scene.night()
    assert sorted(offered) == ["2020-01-02.csv", "again", "toy-2020-01-02.csv"]
    assert len(described) == len(set(described))
    offered.clear()
    scene.define("tables", TABLES.replace("[10, 70, 20, 75]", "[10, 70, 20, 76]"))
    scene.night()
    assert set(offered) >= {*tables}, "another definition may say something else of a record"
    assert scene.item("toy-2020-01-01.csv")["bbox"] == [10, 70, 20, 76]


@pytest.mark.parametrize(
    ("damage", "again"),
    [
        (lambda lines: [b"rubbish\n", *lines], set()),
        (lambda lines: [b'{"said":3}\n', *lines], set()),
        (lambda lines: [lines[0][:-9] + b"\n", *lines[1:]], {0}),
        (lambda lines: [lines[0], lines[1].replace(b"2020", b"2021"), lines[2]], {1, 2}),
        (lambda lines: [*lines[:2], lines[2][:-2]], {2}),
    ],
)
def test_damaged_offers_are_described_again(scene, monkeypatch, damage, again):
    scene.night()
    before = scene.tree()
    file = scene.folder / "state/tables/offers.ndjson"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(damage(lines)))
    offered, read = [], offers.read
    monkeypatch.setattr(offers, "read", lambda *given: offered.append(given[1].identifier) or read(*given))
    scene.night()
    tables = ("2020-01-01.csv", "2020-01-02.csv", "2020-02-01.csv")
    assert offered == [tables[number] for number in sorted(again)]
    assert (scene.tree(), file.read_bytes()) == (before, b"".join(lines))


def test_inputs_are_fetched_into_the_state_which_the_next_run_clears_where_a_run_is_killed(scene, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(scene.folder / "no such folder"))
    assert scene.night()[1] == 3


DAMAGES = {"lost": lambda file: file.unlink(), "cut": lambda file: file.write_bytes(b"{"), "zeros": None}


@pytest.mark.parametrize("damage", DAMAGES)
def test_records_that_are_damaged_cost_nothing_and_all_of_them_are_whole_after_a_full_harvest(scene, damage):
    scene.night()
    state, tree = scene.folder / "state", scene.tree()
    bodies = {file: file.read_bytes() for file in state.glob("*/records/*/*")}
    for file, body in bodies.items():
        (DAMAGES[damage] or (lambda file, body=body: file.write_bytes(bytes(len(body)))))(file)
    counts, _ = scene.night()
    assert (scene.tree(), counts.failed) == (tree, False)
    scene.night(full=True)
    assert scene.tree() == tree
    assert {file: file.read_bytes() for file in bodies} == bodies


def test_a_damaged_record_is_named_where_it_is_needed_and_ends_no_run(scene):
    scene.night()
    for file in (scene.folder / "state").glob("*/records/*/*"):
        file.write_bytes(b"")
    scene.define("tables", TABLES.replace("Some tables", "More tables"))
    run = build(scene.request(no_harvest=True), lambda task: None)
    said = run.to_markdown()
    assert said.count("a record's body is missing or damaged") == 6, "three tables and what was made of them"
    assert "--full" in said
    run = build(scene.request(full=True), lambda task: None)
    assert (run.exit_status, len(scene.items())) == (0, 3)


def test_what_has_no_room_is_described_again_to_the_same_catalogue(scene, monkeypatch):
    scene.night()
    whole = scene.tree()
    monkeypatch.setattr(readings, "MOST_BYTES", 2 * readings.EACH)
    described, describe = [], compose.describe
    monkeypatch.setattr(compose, "describe", lambda record: described.append(record.identifier) or describe(record))
    (scene.folder / "state/tables/offers.ndjson").unlink()
    (scene.folder / "state/counts/offers.ndjson").unlink()
    for made in (scene.folder / "state").glob("*/made.ndjson"):
        made.unlink()
    scene.night()
    assert (len(described), len(set(described))) == (10, 6)
    assert scene.tree() == whole


def test_lost_products_are_made_again(scene):
    scene.night()
    before = scene.tree()
    next((scene.folder / "state/products").glob("*/count.csv")).unlink()
    assert scene.night()[1] == 1
    assert scene.tree() == before


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("refuse", "table: the table is sour"),
        ("crash", "its process ended with signal 11"),
        ("hang", "took longer than 5 s"),
    ],
)
def test_a_run_that_fails_keeps_what_it_made_before_and_stops_nothing(scene, word, says):
    scene.define("counts", COUNTS.replace("per: item", f"per: item\n  deadline_s: {5 if word == 'hang' else 60}"))
    scene.night()
    before = scene.item("toy-2020-01-01.csv")
    scene.table("2020-01-01", f"{word}\n")
    scene.table("2020-01-02", "x\n" * 9)
    scene.apart = True
    told, runs = scene.night()
    assert runs == 2
    code = "TOY.SOUR" if word == "refuse" else "process.run"
    assert [f.code for f in told.findings if says in f.message] == [code]
    assert scene.item("toy-2020-01-01.csv") == before
    assert scene.item("toy-2020-01-02.csv")["properties"]["title"] == "count.csv of 9"
    assert scene.faults() == []
    tried_again = 0 if word == "refuse" else 1
    told, runs = scene.night()
    assert runs == tried_again, "what was refused is refused again, without a run"
    assert [f.code for f in told.findings if says in f.message] == [code]
    assert scene.night(full=True)[1] == 1
    scene.table("2020-01-01", "x\n" * 4)
    told, runs = scene.night()
    assert (runs, [f for f in told.findings if f.severity is Severity.ERROR]) == (1, [])


def test_a_product_whose_input_is_withdrawn_is_withdrawn(scene):
    scene.night()
    (scene.collections / "tables/2020-01-01.csv").unlink()
    told, _ = scene.night()
    assert scene.items() == ["toy-2020-01-02.csv", "toy-2020-02-01.csv"]
    assert told.counts["gone"] == 1
    assert "withdrawn" in (scene.folder / "catalog/q/counts/toy-2020-01-01.csv.html").read_text().lower()


@pytest.mark.parametrize(
    ("select", "per", "read"),
    [
        ("", "collection", ["2020-01-01 2020-01-02 2020-02-01"]),
        ("", "day", ["2020-01-01", "2020-01-02", "2020-02-01"]),
        ("", "month", ["2020-01-01 2020-01-02", "2020-02-01"]),
        ("", "year", ["2020-01-01 2020-01-02 2020-02-01"]),
        (", newest: 2", "collection", ["2020-01-02 2020-02-01"]),
        (', items: ["*-01.csv"]', "collection", ["2020-01-01 2020-02-01"]),
        (", datetime: 2020-01-02/..", "collection", ["2020-01-02 2020-02-01"]),
        (", bbox: [-70, 50, -40, 70]", "collection", ["2020-02-01"]),
        (', assets: ["*-02.csv", "nothing"]', "collection", ["2020-01-02"]),
        (', assets: ["data"]', "year", ["2020-01-01 2020-01-02 2020-02-01"]),
    ],
)
def test_inputs_are_selected_and_divided(scene, select, per, read):
    text = COUNTS.replace("collection: tables", f"collection: tables{select}").replace("per: item", f"per: {per}")
    scene.define("counts", text)
    scene.night()
    names = [" ".join(href[-14:-4] for href in line.split(",")) for line in scene.runs()]
    assert names == read


def test_a_local_file_beside_the_definition_is_an_input_too(scene):
    (scene.collections / "more.csv").write_text("x\n" * 10)
    scene.define("counts", COUNTS.replace("tables}}", "tables, newest: 1}, extra: {path: more.csv}}"))
    scene.night()
    assert scene.item("toy-2020-02-01.csv")["properties"]["title"] == "count.csv of 13"
    assert scene.night()[1] == 0
    (scene.collections / "more.csv").write_text("x\n" * 11)
    assert scene.night()[1] == 1


def test_a_processor_reads_what_another_has_made(scene):
    scene.define("again", AGAIN)
    scene.night()
    item = scene.item("again", "q/again")
    assert item["properties"]["title"] == "count.csv of 6", "three tables of two lines"
    assert len(rels(item, "derived_from")) == 3
    assert rels(scene.item("toy-2020-01-01.csv"), "http://www.w3.org/ns/prov#hadDerivation") == ["../again/again.json"]
    assert scene.faults() == []


def test_a_loop_and_a_missing_processor_fail_alone(scene):
    scene.define("counts", COUNTS.replace("collection: tables", "collection: again"))
    again = COUNTS.replace("id: counts", "id: again").replace("collection: tables", "collection: counts")
    scene.define("again", again)
    scene.define("gone", COUNTS.replace("id: counts", "id: gone").replace("processor: toy", "processor: tpy"))
    run = build(scene.request(), lambda task: None)
    by_id = {one.id: [f.message for f in one.findings] for one in run.collections}
    assert "by way of `again`" in by_id["counts"][0]
    assert by_id["gone"] == ["no processor is called `tpy`"]
    assert (run.exit_status, by_id["tables"]) == (3, [])


def test_a_plan_says_what_would_run_and_runs_nothing(scene, capsys):
    run = plan(scene.request(), lambda task: None)
    assert "  > toy-2020-01-01.csv  (`toy` would run on 1 input)" in list(run.changes_text())
    assert "- run `toy-2020-01-01.csv`" in run.to_markdown(planned=True)
    assert (scene.runs(), (scene.folder / "state/products").exists()) == ([], False)
    scene.night()
    run = plan(scene.request(), lambda task: None)
    assert (list(run.plan), list(run.changes_text())) == ([], [])


def test_only_asked_for_and_sampled_collections_run(scene):
    assert scene.night(only=("tables",))[1] == 0
    assert scene.night(no_harvest=True)[1] == 0
    assert scene.night(only=("counts",), sample=2)[1] == 2


def test_remote_inputs_come_through_the_gate_and_are_fetched_once(scene, httpserver):
    address = httpserver.url_for("/2020-03-01.csv")
    definition = TABLES.replace("path: tables", f"url: {address}")
    scene.define("tables", definition)
    asked = []

    def answer(request):
        from werkzeug import Response

        asked.append(request.method)
        return Response(b"x\n" * 5, headers={"ETag": '"one"'}, content_type="text/csv")

    httpserver.expect_request("/2020-03-01.csv").respond_with_handler(answer)
    scene.night()
    assert scene.item("toy-2020-03-01.csv")["properties"]["title"] == "count.csv of 5"
    assert asked.count("GET") == 1
    assert scene.night()[1] == 0
    assert asked.count("GET") == 1, "only its headers are asked for again"


def runs(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_build_leaves_the_last_good_catalogue_and_the_next_mends_it(scene):
    scene.night()
    before = scene.tree()
    scene.table("2020-01-01", "hang\n")
    code = (
        "import sys; from pathlib import Path; from builder.build import Request, build; f = Path(sys.argv[1]); "
        "build(Request(f / 'collections', f / 'catalog', f / 'state'), lambda task: None)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(scene.folder)], start_new_session=True)
    deadline = time.monotonic() + 60
    while len(scene.runs()) < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    working = [int(one) for one in Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()]
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    while any(map(runs, working)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (len(working), [*filter(runs, working)]) == (1, []), "who works for nobody ends"
    assert scene.tree() == before
    scene.table("2020-01-01", "x\n" * 6)
    assert scene.night()[1] == 1
    assert scene.item("toy-2020-01-01.csv")["properties"]["title"] == "count.csv of 6"
    assert not list((scene.folder / "state/products").glob(".*"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("processor: toy", "processor: tpy"), "counts.yaml:8:14: no processor is called `tpy`"),
        (("per: item", "per: item\n  parameters: {times: many}"), "10:23: parameter `times`: input should be a valid"),
        (("per: item", "per: item\n  parameters: {tims: 1}"), "unknown parameter `tims`, did you mean `times`?"),
        (("{table:", "{tible:"), "`toy` takes no input `tible`"),
        (("{table:", "{tible:"), "`toy` needs the input `table`"),
        (("collection: tables", "collection: tibles"), "there is no collection `tibles`"),
        (("collection: tables", "collection: counts"), "`counts` is made from this collection"),
        (("collection: tables", "colection: tables"), "did you mean `collection`?"),
        (("per: item", "per: items"), "`source.per` cannot be 'items'"),
        (("collection: tables", "path: x.csv, newest: 1"), "`path` stands alone"),
        (("collection: tables", "newest: 1"), "needs either `collection` or `path`"),
    ],
)
def test_check_names_mistakes_that_only_the_processor_knows(scene, capsys, change, says):
    scene.define("counts", COUNTS.strip().replace(*change))
    with pytest.raises(SystemExit) as ended:
        main(["check", "--collections", str(scene.collections)])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_an_input_that_is_off_is_a_mistake_where_the_product_is_on(scene, capsys):
    scene.define("tables", TABLES + "enabled: false\n")
    with pytest.raises(SystemExit):
        main(["check", "--collections", str(scene.collections)])
    assert "the collection `tables` is off" in capsys.readouterr().err
    run = build(scene.request(), lambda task: None)
    assert [f.message for f in run.collections[0].findings] == ["no collection `tables` takes part"]


def test_a_processor_that_is_off_keeps_its_products_and_does_not_run(scene):
    scene.night()
    scene.table("2020-01-02", "x\n" * 9)
    scene.define("counts", COUNTS + "enabled: false\n")
    before, made = len(scene.runs()), scene.items()
    told = build(scene.request(), lambda task: None)
    assert (len(scene.runs()) - before, [one.id for one in told.collections]) == (0, ["tables"])
    assert scene.items() == made != []
    assert rels(scene.item("2020-01-02.csv", "p/tables"), "http://www.w3.org/ns/prov#hadDerivation")
    assert scene.faults() == []
    assert scene.night(only=("counts",))[1] == 1


def test_new_drafts_a_definition_with_all_that_the_processor_takes(scene, tmp_path, capsys):
    target = tmp_path / "draft.yaml"
    with pytest.raises(SystemExit):
        main(["new", "--processor", "toy", "-o", str(target)])
    definition, _ = parse(target.read_text(), "draft")
    assert definition.id == "draft", "as the file is called"
    assert "`iaos plan draft`" in target.read_text()
    assert (definition.source.processor, set(definition.source.inputs)) == ("toy", {"table"})
    assert "# times: 1" in target.read_text()
    for arguments, says in ((["new"], "needs either --from or --processor"), (["new", "--processor", "x"], "no proc")):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
        assert says in capsys.readouterr().err


def test_the_engine_of_a_build_is_an_option(scene, capsys):
    folders = ["--out", str(scene.folder / "catalog"), "--state", str(scene.folder / "state")]
    with pytest.raises(SystemExit):
        main(["build", "--collections", str(scene.collections), *folders, "--engine", "spark"])
    report = (scene.folder / "state/report.md").read_text()
    assert "unknown engine 'spark'" in report
    assert load_all(scene.collections)[1] == []
