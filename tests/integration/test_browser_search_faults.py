"""The search page in headless Chromium where its index fails, is late, or is asked for twice at once."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from builder.pages.render import Renderer
from tests import searching
from tests.browser import opened
from tests.servers.local import Answer, Request
from tests.servers.troubled import Faults, broken, files_of, late, served
from tests.unit.pages_build import website

pytestmark = pytest.mark.integration
FORM = 'form[role="search"]:not([hidden])'
DONE = "wait", "[data-hits][data-done]"
SAID = "text", "[data-say]"
BROKEN = "The index could not be read"


@pytest.fixture(scope="module")
def items():
    return searching.invent(100_000)


@pytest.fixture(scope="module")
def site(tmp_path_factory, items):
    root, faults = tmp_path_factory.mktemp("search"), Faults()
    for path, data in website(Renderer()).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    searching.write(root, items)
    with served(root, faults) as server:
        yield root, server, faults


@pytest.fixture
def visit(site, tools, tmp_path):
    _, server, faults = site
    faults.of.clear()
    server.requests.clear()

    def run(address: str, acts: list, **more) -> list:
        page = {"url": f"{server.url}/search/index.html{address}", "acts": acts, "ready": FORM} | more
        (found,) = opened(tools, tmp_path, page)
        assert [one for one in found["problems"] if not one.startswith("Failed to load resource")] == []
        return found["found"]

    return run


def asking(words: str) -> list:
    return [("fill", ['[name="q"]', words]), ("press", "Enter")]


def found_of(items, word: str) -> str:
    return f"{int((items.place == searching.PLACES.index(word)).sum()):,} found"


def data_of(root: Path) -> str:
    (data,) = (root / "search").glob("*.bin")
    return data.relative_to(root).as_posix()


def test_an_index_that_failed_is_opened_by_the_next_question(site, visit, items):
    _, _, faults = site
    faults.of["search/index.json"] = [Answer(503), None]
    found = visit("", [("focus", '[name="q"]'), DONE, SAID, *asking("fram"), DONE, SAID])
    assert found[2].startswith(BROKEN)
    assert found[6] == found_of(items, "fram")


def test_two_questions_open_the_index_once_and_ask_whether_it_was_renewed(site, visit, items):
    root, server, faults = site
    faults.of["search/index.json"] = [late(root, 2)]
    found = visit("", [("focus", '[name="q"]'), *asking("fram"), DONE, SAID])
    assert found[4] == found_of(items, "fram")
    (asked,) = [one for one in server.requests if one.path == "/search/index.json"]
    assert asked.headers["cache-control"] in {"no-cache", "max-age=0"}


def test_a_count_that_failed_is_offered_again(site, visit, items):
    root, _, faults = site
    address, answers = searching.QUESTIONS["box, word"]
    count = '[data-more="count"]'
    faults.of["break"] = faults.switch({data_of(root): [Answer(503), None]})
    acts = [("wait", count), DONE, ("run", "fetch('/break').then(() => 0)"), ("click", count), ("pause", 500), SAID]
    acts += [("run", f"document.querySelector('{count}').disabled"), ("click", count), ("pause", 1500), SAID]
    found = visit(f"?{address}", acts)
    assert found[5].startswith(BROKEN)
    assert found[6] is False
    assert found[9] == f"{int(answers(items).sum()):,} found"


WATCH = """
const list = document.querySelector("[data-hits]");
const look = () => { if (list.dataset.done !== undefined) window.rows ??= list.querySelectorAll("[data-id]").length; };
new MutationObserver(look).observe(list, { attributes: true });
0;
"""


def test_an_outdated_question_does_not_end_the_one_after_it(site, visit, items):
    root, _, faults = site
    blocks = json.loads((root / "search/index.json").read_bytes())["blocks"]
    slow = late(root, 4)

    def titles_late(request: Request) -> Answer | None:
        start = int(request.headers["range"].removeprefix("bytes=").partition("-")[0])
        return slow(request) if blocks["titles"] <= start < blocks["sizes"][0] else None

    faults.of[data_of(root)] = [titles_late]
    acts = [
        ("focus", '[name="q"]'),
        ("pause", 1000),
        *asking("barents"),
        ("run", WATCH),
        DONE,
        ("wait", "[data-id]"),
        DONE,
        SAID,
        ("run", "window.rows"),
    ]
    found = visit("", acts)
    assert found[-2] == found_of(items, "barents")
    assert found[-1] == searching.TITLES  # when it was said to be done, the titles were there


def test_a_fragment_asks_nothing_again(visit):
    acts = [
        DONE,
        ("run", "document.querySelector('[data-hits] ol').id = 'kept'; 0"),
        ("run", "location.hash = 'main'; 0"),
    ]
    acts += [
        ("pause", 800),
        ("texts", "#kept li a"),
        ("run", "history.back(); 0"),
        ("pause", 800),
        ("texts", "#kept li a"),
    ]
    found = visit("?q=fram", acts)
    assert len(found[4]) == len(found[7]) == searching.TITLES


NEW_TAB = """
const next = [...document.querySelectorAll("[data-hits] a.button")].at(-1);
let ours;
next.addEventListener("click", (event) => { ours = event.defaultPrevented; event.preventDefault(); });
next.dispatchEvent(new MouseEvent("click", { ctrlKey: true, bubbles: true, cancelable: true }));
ours;
"""


def test_a_step_opens_in_a_new_tab_where_the_reader_wants_that(visit):
    found = visit("?q=fram", [DONE, ("run", NEW_TAB), ("address", None)])
    assert found[1] is False
    assert urlsplit(found[2]).query == "q=fram"


def test_an_index_read_whole_that_broke_is_read_again(site, visit, items):
    root, _, faults = site
    files = files_of(root)

    def whole(request: Request) -> Answer:
        return files(Request(request.method, request.path))

    def cut(request: Request) -> Answer:
        return broken(root)(Request(request.method, request.path))

    faults.of[data_of(root)] = [cut, whole]
    found = visit("?q=fram", [DONE, SAID, *asking("barents"), DONE, SAID])
    assert found[1].startswith(BROKEN)
    assert found[5] == found_of(items, "barents")
