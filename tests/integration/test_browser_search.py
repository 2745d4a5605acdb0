"""The search page in a real Chromium finds what `iaos search` finds, by pointer and by keyboard; axe is content."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from builder.build import Request, build
from builder.search.asked import asked_of
from builder.search.page import Index
from builder.search.places import files_of
from builder.serve import serve
from tests import synthetic
from tests.browser import chromium
from tests.servers.real_ckan import free_port

pytestmark = pytest.mark.integration
SCRIPT = Path(__file__).with_name("search_check.mjs")
QUERIES = (
    "q=Oden", "bbox=160,50,-150,90", "bbox=-180,88,180,90", "time=1995/2001-06", "year=2018&year=2019",
    "q=oden+TEMPERATURE&bbox=-180,50,180,80&time=../2010", "q=nosuchword", "collection=synthetic&partner=bench",
    "q=Ode", "q=temp", "platform=Ode",
)  # fmt: skip


@pytest.fixture(scope="module")
def found(tools, tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    synthetic.write_definition(folder / "collections")
    synthetic.fill(folder / "state", 150)
    port = free_port()
    about = {"no_harvest": True, "base_url": f"http://127.0.0.1:{port}/"}
    build(Request(folder / "collections", folder / "out", folder / "state", **about), lambda _: None)
    with serve(folder / "out", port) as server:
        asked = json.dumps([*QUERIES, "bbox=0,80,10,70", "time=never"])
        command = ["node", str(SCRIPT), server.url, asked, chromium(), str(folder)]
        done = subprocess.run(command, cwd=tools, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


@pytest.mark.parametrize("query", QUERIES)
def test_the_page_finds_what_the_command_finds(found, query):
    folder, seen = found
    index = Index(files_of(str(folder / "out")))
    ids = [name for _, name in index.ids(asked_of(query))]
    assert seen["answers"][query]["ids"] == ids
    assert seen["answers"][query]["say"] == f"{len(ids)} found"
    assert seen["answers"][query]["address"] == f"?{query}"
    if ids:
        assert seen["answers"][query]["facets"]["partner:bench"] == str(len(ids))


def test_the_opensearch_description_leads_to_answers(found):
    _, seen = found
    assert seen["described"]["ids"][:10] == seen["answers"]["q=Oden"]["ids"][:10] != []
    assert seen["described"]["address"] == "?q=Oden"


def test_what_is_not_understood_is_said(found):
    _, seen = found
    assert "not on the globe" in seen["answers"]["bbox=0,80,10,70"]["say"]
    assert "not understood" in seen["answers"]["time=never"]["say"]


def test_accessible_own_host_only_and_usable_without_pointer_or_script(found):
    _, seen = found
    assert seen["problems"] == []
    assert seen["keyboard"]["say"] == "30 found"  # every fifth of 150
    assert seen["plain"]["form"] == "none"
    assert seen["plain"]["links"] >= 1
    assert "JavaScript" in seen["plain"]["words"]
