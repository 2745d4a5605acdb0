"""The search page in a real Chromium over 100,000 items: what it reads first, and servers that know no ranges."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from builder.build import Request, build
from builder.search.asked import asked_of
from builder.search.page import Index
from builder.search.places import files_of
from builder.serve import file_app, serve
from tests import searching, synthetic
from tests.browser import chromium
from tests.servers.local import LocalServer, wsgi

pytestmark = pytest.mark.integration
SCRIPT = Path(__file__).with_name("search_large.mjs")
MANY = 100_000


@pytest.fixture(scope="module")
def items():
    return searching.invent(MANY)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, items):
    """Return a catalogue whose index is that of many items."""
    folder = tmp_path_factory.mktemp("large")
    synthetic.write_definition(folder / "collections")
    synthetic.fill(folder / "state", 3)
    build(Request(folder / "collections", folder / "out", folder / "state", no_harvest=True), lambda _: None)
    for file in (folder / "out" / "search").glob("index*.*"):
        if file.suffix != ".html":
            file.unlink()
    return searching.write(folder / "out", items)


def visit(tools, addresses):
    command = ["node", str(SCRIPT), json.dumps(addresses), chromium()]
    done = subprocess.run(command, cwd=tools, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def seen(tools, folder):
    with serve(folder) as server:
        pages = [f"{server.url}search/index.html?{address}" for address, _ in searching.QUESTIONS.values()]
        return dict(zip(searching.QUESTIONS, visit(tools, [*pages, f"{server.url}search/index.html"]), strict=False))


@pytest.mark.parametrize("kind", searching.QUESTIONS)
def test_the_first_titles_are_there_within_the_budget(seen, folder, items, kind):
    address, answers = searching.QUESTIONS[kind]
    page, wanted = seen[kind], answers(items)
    requests, read = map(int, page["first"].split())
    index = Index(files_of(str(folder)))
    searching.first_result(index, asked_of(address))
    head = (folder / "search" / "index.json").stat().st_size
    assert head + read <= searching.LIMIT
    # The page keeps a page of the dictionary that two words share; else it reads what the Python reader reads.
    assert 0.9 * (index.read - head) <= read <= index.read - head
    assert requests <= index.requests - 1
    ids = [name for _, name in Index(files_of(str(folder))).ids(asked_of(address))]
    assert page["last"]["ids"] == ids[: searching.TITLES]
    assert page["last"]["say"] == f"{int(wanted.sum()):,} found"
    assert page["busy"] is None
    assert page["last"]["years"] == sorted(page["last"]["years"], reverse=True)


def test_a_dear_count_is_offered_with_its_cost_and_not_made_unasked(seen, items):
    # Of the rows of a word spread at random, more than 256 KiB of places are undecided for a box.
    page = seen["box, word"]
    assert any(offer.startswith("Count exactly (") for offer in page["offers"])
    least, most = (int(number.replace(",", "")) for number in page["say"].removesuffix(" found").split(" to "))
    exact = int(searching.QUESTIONS["box, word"][1](items).sum())
    assert least < exact < most


@pytest.mark.parametrize(("padding", "said"), [(0, "{} found"), (9 * 2**20, "range requests")])
def test_without_ranges_a_small_index_is_read_whole_and_a_large_one_is_refused(
    tools, folder, items, tmp_path, padding, said
):
    shutil.copytree(folder, tmp_path / "out")
    (data,) = (tmp_path / "out" / "search").glob("*.bin")
    data.write_bytes(data.read_bytes() + bytes(padding))
    files = wsgi(file_app(tmp_path / "out"))

    def whole(request):
        return files(replace(request, headers={k: v for k, v in request.headers.items() if k != "range"}))

    with LocalServer(whole) as server:
        (page,) = visit(tools, [f"{server.url}/search/index.html?q=fram&bbox=-20,76,15,82"])
    count = int((searching.meeting(items, *searching.BOX) & (items.place == 0)).sum())
    assert said.format(f"{count:,}") in page["last"]["say"]
    assert (len(page["last"]["ids"]) == searching.TITLES) is not bool(padding)


def test_no_question_costs_no_more_than_the_head(tools, folder):
    with serve(folder) as server:
        (page,) = visit(tools, [f"{server.url}search/index.html"])
    assert page["say"] == f"{MANY:,} found"
    assert int(page["done"].split()[1]) < 20_000
    assert np.array_equal(page["years"], sorted(page["years"], reverse=True))
