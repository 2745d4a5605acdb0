"""Kerchunk references of others are taken only where they read the item's own files; no pickle is loaded anywhere."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.checks.references import check_references
from builder.enrich.accept import accept_references
from builder.errors import UnreferenceableError
from builder.references.gathered import parquet_of
from builder.spreadsheet import harmless, original
from tests.unit.test_house import MODULES, PARSED

OWN = "https://data.example/a.nc"
PICKLING = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "skops", "torch"}


def accept(refs, **more):
    return accept_references({"version": 1, "refs": refs, **more}, OWN.__eq__)


def test_plain_references_into_the_own_file_are_accepted():
    assert accept({".zgroup": "{}", "v/0": [OWN, 0, 20], "v/1": [OWN], "w/0": "base64:AAAA"}) == {OWN}


@pytest.mark.parametrize(
    "refs",
    [
        {"v/0": ["/etc/passwd", 0, 20]},
        {"v/0": ["file:///etc/passwd"]},
        {"v/0": ["https://other.example/a.nc", 0, 1]},
        {"v/0": ["{{u}}", 0, 1]},
        {"../v/0": "x"},
        {"v/../../x": "x"},
        {"/v/0": "x"},
        {"v\\0": "x"},
        {"v/{{a}}": "x"},
        {"v/0": [OWN, -1, 2]},
        {"v/0": [OWN, 0]},
        {"v/0": 7},
    ],
    ids=str,
)
def test_everything_else_is_refused(refs):
    with pytest.raises(UnreferenceableError):
        accept(refs)


@pytest.mark.parametrize(
    "more",
    [{"templates": {"u": OWN}}, {"gen": [{"key": "v/{{i}}", "dimensions": {"i": {"stop": 10**9}}}]}, {"version": 2}],
)
def test_templates_generators_and_other_versions_are_refused(more):
    with pytest.raises(UnreferenceableError):
        accept({"v/0": [OWN, 0, 1]}, **more)


def test_the_recorded_references_are_refused(shared_data):
    content = json.loads((shared_data / "hostile" / "refs-local-file" / "refs.json").read_bytes())
    with pytest.raises(UnreferenceableError, match="iaos-canary"):
        accept_references(content, OWN.__eq__)


def test_a_catalogue_is_held_to_its_own_assets():
    item = {"assets": {"data": {"href": "./data/a.nc"}}}
    files = {
        "p/c/a.json": item,
        "p/c/references/a.json": {"version": 1, "refs": {"v/0": ["https://x.example/p/c/data/a.nc", 0, 1]}},
    }
    files["p/c/references.json"] = files["p/c/references/a.json"]
    assert list(check_references(lambda path: json.dumps(files[path]).encode(), files)) == []
    files["p/c/references/a.json"] = {"version": 1, "refs": {"v/0": ["https://x.example/b.nc", 0, 1]}}
    (fault,) = check_references(lambda path: json.dumps(files[path]).encode(), files)
    assert (fault.code, fault.where) == ("references.unsafe", "p/c/references/a.json")


def test_references_in_parquet_are_held_to_the_same_rule():
    url = "https://x.example/p/c/data/a.nc"
    refs = {".zgroup": "{}", "v/.zarray": json.dumps({"shape": [2], "chunks": [1], "dtype": "<f4"}), "v/0": [url, 0, 4]}
    item = json.dumps({"assets": {"data": {"href": "./data/a.nc"}}}).encode()
    for folder in ("p/c/references/a.parquet", "p/c/references.parquet"):
        for other, codes in ((url, []), ("file:///etc/passwd", ["references.unsafe"])):
            made = parquet_of({**refs, "v/1": [other, 4, 4]})
            files = {f"{folder}/{name}": body for name, body in made.items()} | {"p/c/a.json": item}
            if folder.count("/") == 2:  # what an item offers is known by its own references
                own = parquet_of(refs)
                files |= {f"p/c/references/a.parquet/{name}": body for name, body in own.items()}
            assert [finding.code for finding in check_references(files.__getitem__, files)] == codes
    files["p/c/references.parquet/v/refs.0.parq"] = b"PAR1 not so"
    assert ["is no Parquet" in finding.message for finding in check_references(files.__getitem__, files)] == [True]


def test_no_module_loads_a_pickle():
    guilty = []
    for path, tree in PARSED.items():
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            allowed = (
                isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False"
            )
            if allowed or PICKLING & {name.partition(".")[0] for name in names}:
                guilty.append(f"{path}:{node.lineno}")
    assert guilty == []
    assert len(MODULES) > 100


def test_every_template_is_escaped_and_strict():
    from builder.pages.render import Renderer

    environment = Renderer().environment
    for name in environment.list_templates():
        assert "|safe" not in (Path(environment.loader.searchpath[0]) / name).read_text("utf-8").replace(" ", "")
    assert environment.autoescape is True
    assert environment.from_string("{{ x }}").render(x="<b>") == "&lt;b&gt;"


@given(st.text())
def test_a_cell_of_a_spreadsheet_is_no_formula_and_loses_nothing(text):
    assert harmless(text).lstrip(" ")[:1] not in set("=+-@\t\r\n＝＋－＠")
    assert original(harmless(text)) == text
