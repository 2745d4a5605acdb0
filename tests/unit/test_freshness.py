"""Partners are asked for the versions of their files many at a time, and told apart what changed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from builder import freshness
from builder.build import Request
from builder.definitions.model import CollectionDefinition
from builder.errors import FetchError
from builder.freshness import Freshness, ask_ahead
from builder.harvest import gate_for
from builder.made import seen_of
from builder.seen import Seen
from builder.state import State
from tests.servers.local import Answer, LocalServer

OLD, NEW = {"ETag": '"old"'}, {"ETag": '"new"'}


def definition(name, server, **policies):
    source = {"type": "files", "url": f"{server.url}/", "delay_s": 0}
    about = {"id": name, "title": name, "description": name, "partner": {"id": name, "name": name}}
    return CollectionDefinition.model_validate({**about, "source": source, "policies": policies})


@pytest.fixture
def state(tmp_path):
    return State(tmp_path, tmp_path / "overlay", tmp_path)


@pytest.fixture
def remembered(monkeypatch):
    """What is remembered of the files of each collection."""
    known = {}
    monkeypatch.setattr(freshness, "seen_before", lambda _, name: iter(known[name]))
    return known


def ask(state, *definitions):
    ask_ahead(definitions, Request(state.folder, state.folder, state.folder), state, lambda _: None)


def test_partners_and_files_of_one_are_asked_side_by_side(state, remembered):
    both = threading.Barrier(4)  # breaks after 5 s where less than two files of two partners are asked for at once

    def late(_request):
        both.wait(5)
        return Answer(200, OLD)

    with ExitStack() as stack:
        servers = {name: stack.enter_context(LocalServer(late)) for name in "ab"}
        for name, server in servers.items():
            files = (f"{server.url}/{number}.nc" for number in range(2))
            remembered[name] = [Seen(kept="k", href=href, etag='"old"') for href in files]
        ask(state, *(definition(name, server) for name, server in servers.items()))
        assert not both.broken
        assert [len(server.requests) for server in servers.values()] == [2, 2]


def test_what_is_unchanged_is_asked_for_once_a_run_and_what_changed_again(state, remembered):
    with LocalServer(lambda request: Answer(200, NEW if "b.nc" in request.path else OLD)) as server:
        ice = definition("ice", server)
        same, other = (Seen(kept="k", href=f"{server.url}/{name}.nc", etag='"old"') for name in "ab")
        remembered["ice"] = [same, other]
        ask(state, ice)
        server.requests.clear()
        with gate_for(ice) as gate:
            known = Freshness(state, gate)
            assert [known.changed(same), known.changed(other), known.changed(other)] == [False, True, True]
            assert [request.path for request in server.requests] == ["/b.nc"]
            assert known.changed(other._replace(etag='"new"')) is False
            assert known.changed(same._replace(etag='"new"')) is True  # of another version nobody asked


def test_records_that_name_one_file_do_not_get_in_each_others_way(state):
    with ThreadPoolExecutor(8) as pool:
        kept = [pool.submit(state.keep, "checks/ab/cd", b"2026-01-01") for _ in range(500)]
    assert [one.exception() for one in kept] == [None] * 500
    assert state.kept("checks") == ["checks/ab/cd"]


def test_a_file_that_is_gone_is_told_of_where_its_item_is_made(state, remembered):
    with LocalServer(lambda _: Answer(404)) as server:
        ice = definition("ice", server)
        remembered["ice"] = [Seen(kept="k", href=f"{server.url}/a.nc", etag='"old"')]
        ask(state, ice)
        with gate_for(ice) as gate, pytest.raises(FetchError, match="404"):
            Freshness(state, gate).changed(remembered["ice"][0])


def test_local_files_and_collections_that_need_not_be_asked_for_are_not(state, remembered):
    with LocalServer(lambda _: Answer(200, OLD)) as server:
        href = f"{server.url}/a.nc"
        local, copies = Seen(kept="k", href=href, local="a.nc"), Seen(copies=(("a.nc", 1, 1),))
        remembered |= {"a": [local, copies], "b": [Seen(kept="k", href=href)], "c": [Seen(kept="k", href=href)]}
        ask(state, definition("a", server), definition("b", server, recheck=False))
        ask(state, definition("c", server, references=False))
        assert server.requests == []


@pytest.mark.parametrize("line", [b"", b"key\t1\n", b"key\t1\t{}\n", b"key\t1\t[]\n", b'key\t1\t["a",null]\n', b"\xff"])
def test_a_damaged_line_of_the_memory_tells_of_nothing(line):
    assert seen_of(line) is None
