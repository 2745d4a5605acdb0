"""Partners are asked for the version of a file once a run."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor

import pytest

from builder.datafiles.freshness import Freshness
from builder.datafiles.seen import Seen
from builder.errors import FetchError
from builder.gathering.made import seen_of
from builder.memory.state import State
from builder.sources.http import HttpGate
from builder.sources.limits import Limits
from tests.servers.local import Answer, LocalServer

OLD, NEW = {"ETag": '"old"'}, {"ETag": '"new"'}


@pytest.fixture
def state(tmp_path):
    return State(tmp_path, tmp_path / "overlay", tmp_path)


def test_what_is_unchanged_is_asked_for_once_a_run_and_what_changed_is_remembered(state):
    with LocalServer(lambda request: Answer(200, NEW if "b.nc" in request.path else OLD)) as server:
        same, other = (Seen(kept="k", href=f"{server.url}/{name}.nc", etag='"old"') for name in "ab")
        with HttpGate([server.host], delay_s=0) as gate:
            known = Freshness(state, gate)
            assert [known.changed(one) for one in (same, same, other, other)] == [False, False, True, True]
            assert [request.path for request in server.requests] == ["/a.nc", "/b.nc"]
            assert known.changed(other._replace(etag='"new"')) is False
            assert known.changed(same._replace(etag='"new"')) is True  # of another version nobody asked
            known.met(other._replace(etag='"newer"'))
            server.requests.clear()
            assert known.changed(other._replace(etag='"newer"')) is False
            assert server.requests == []


def test_records_that_name_one_file_do_not_get_in_each_others_way(state):
    with ThreadPoolExecutor(8) as pool:
        kept = [pool.submit(state.keep, "checks/ab/cd", b"2026-01-01") for _ in range(500)]
    assert [one.exception() for one in kept] == [None] * 500
    assert state.kept("checks") == ["checks/ab/cd"]


def test_a_server_without_an_answer_changes_nothing_and_is_not_asked_again(state):
    with LocalServer(lambda _: Answer(503)) as server:
        limits = Limits(tries=1)
        for _ in range(2):  # ahead, and where the item is made
            with HttpGate([server.host], delay_s=0, limits=limits) as gate:
                assert Freshness(state, gate).changed(Seen(kept="k", href=f"{server.url}/a.nc", etag='"old"')) is False
        assert len(server.requests) == 1


def test_a_file_that_is_gone_is_told_of(state):
    with LocalServer(lambda _: Answer(404)) as server, HttpGate([server.host], delay_s=0) as gate:
        known = Seen(kept="k", href=f"{server.url}/a.nc", etag='"old"')
        for _ in range(2):
            with pytest.raises(FetchError, match="404"):
                Freshness(state, gate).changed(known)


@pytest.mark.parametrize("ranges", [True, False, 400, 403, 405, 501])
@pytest.mark.parametrize("status", [400, 403, 404, 405, 500, 501])
def test_a_server_that_refuses_head_is_asked_for_the_first_byte(state, status, ranges):
    def answer(request):
        if request.method == "HEAD":
            return Answer(status)
        if "range" in request.headers and ranges not in {True, False}:
            return Answer(ranges)
        if ranges is True:
            return Answer(206, NEW | {"Content-Range": "bytes 0-0/300000"}, b"C")
        return Answer(200, NEW, bytes(300_000))

    with LocalServer(answer) as server, HttpGate([server.host], delay_s=0, limits=Limits(tries=1)) as gate:
        known = Freshness(state, gate)
        file = Seen(kept="k", href=f"{server.url}/a.nc", size=300_000)
        assert known.changed(file._replace(etag='"new"')) is False
        assert known.changed(file._replace(etag='"old"')) is True
        assert known.changed(file._replace(etag='"new"', size=300_001)) is True
        assert known.changed(file._replace(etag='"new"', size=299_999)) is True


@pytest.mark.parametrize("says", [{}, {"Content-Encoding": "gzip"}])
def test_a_file_of_which_a_server_says_nothing_may_be_another_one(state, says):
    answers = [says]
    server = LocalServer(lambda _: Answer(200, answers[0], declared=""))
    with server, HttpGate([server.host], delay_s=0) as gate:
        known = Freshness(state, gate)
        file = Seen(kept="k", href=f"{server.url}/a.nc", size=5)
        assert [known.changed(file), known.changed(file)] == [True, True]
        assert [request.method for request in server.requests] == ["HEAD", "GET"]
        known.met(file)
        assert known.changed(file) is False
        answers[0] = says | OLD
        assert known.changed(file._replace(etag='"old"')) is False


def test_the_size_of_a_packed_answer_is_not_that_of_the_file(state):
    packed = OLD | {"Content-Encoding": "gzip"}
    server = LocalServer(lambda _: Answer(200, packed, gzip.compress(bytes(9))))
    with server, HttpGate([server.host], delay_s=0) as gate:
        file = Seen(kept="k", href=f"{server.url}/a.nc", size=9, etag='"old"')
        assert Freshness(state, gate).changed(file) is False


@pytest.mark.parametrize("size", ["\xb2", "9" * 5000, "-5", "many"])
def test_a_size_that_is_no_number_of_bytes_is_none(state, size):
    with LocalServer(lambda _: Answer(200, OLD, declared=size)) as server, HttpGate([server.host], delay_s=0) as gate:
        known = Seen(kept="k", href=f"{server.url}/a.nc", size=5, etag='"old"')
        assert Freshness(state, gate).changed(known) is False


@pytest.mark.parametrize("line", [b"", b"key\t1\n", b"key\t1\t{}\n", b"key\t1\t[]\n", b'key\t1\t["a",null]\n', b"\xff"])
def test_a_damaged_line_of_the_memory_tells_of_nothing(line):
    assert seen_of(line) is None
