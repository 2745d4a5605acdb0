"""Data files of several partners are looked after side by side, before anything is made of them."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import netCDF4
import pytest

from builder import lookahead
from builder.build import Request
from builder.crosswalks import describe
from builder.datafiles.inspections import Inspections
from builder.datafiles.readings import Readings
from builder.datafiles.seen import Seen
from builder.definitions.model import CollectionDefinition
from builder.enrich import inspectors
from builder.enrich.inspect import Inspector
from builder.enrich.inspectors import Inspectors
from builder.errors import FetchError
from builder.findings import Severity
from builder.harvest import gate_for
from builder.harvests import harvest_all
from builder.lookahead import look_ahead
from builder.memory.state import State
from tests.servers.local import Answer, LocalServer

OLD, NEW = {"ETag": '"old"'}, {"ETag": '"new"'}


def definition(name, server, ids, kind="nc", **policies):
    """A collection of so many records, each with a file of a partner's server."""
    records = [
        {"id": one, "title": one, "description": "Told.", "start": "2020-01-01", "end": "2020-01-02"}
        | ({"files": [{"href": f"{server.url}/{one}.{kind}", "roles": ["data"]}]} if kind else {})
        for one in ids
    ]
    about = {"id": name, "title": name, "description": name, "partner": {"id": name, "name": name}}
    source = {"type": "files", "delay_s": 0, "fetch_hosts": [server.host], "records": records}
    return CollectionDefinition.model_validate({**about, "source": source, "policies": policies})


class Night:
    """One run over an empty state; all files have one size."""

    def __init__(self, folder, size):
        self.size = size
        self.state = State(folder, folder / "overlay", folder)
        self.request = Request(folder, folder / "out", folder)
        self.readings = Readings()

    def harvest(self, *definitions):
        harvest_all(definitions, self.request, self.state, lambda _: None)

    def look(self, *definitions):
        look_ahead(definitions, self.request, self.state, self.readings, lambda _: None)

    def compose(self, one):
        """Return what is found in each file where its item is made."""
        with gate_for(one) as gate, Inspector() as inspector:
            folder, files = self.request.collections, self.readings.files
            looking = Inspections(one, self.state, inspector, gate, folder, None, files)
            records = [self.state.record(one.id, entry) for entry in self.state.entries(one.id)]
            return [looking.of(describe(record), record) for record in records]

    def known(self, one, etag='"old"'):
        """Return by which the files of a collection would be known."""
        looking = Inspections(one, self.state, None, None, Path())
        entries = {entry.identifier: entry for entry in self.state.entries(one.id)}
        hrefs = {record.id: record.files[0].href for record in one.source.records}
        return [
            (name, Seen(kept=looking.name(hrefs[name], entry.sha256), href=hrefs[name], size=self.size, etag=etag))
            for name, entry in entries.items()
        ]


def asked(server):
    """Return method and path of all requests for data files, but for the one whether pages may read the host's."""
    return [(request.method, request.path) for request in server.requests if "origin" not in request.headers]


@pytest.fixture
def night(tmp_path, body):
    return Night(tmp_path, len(body))


@pytest.fixture
def remembered(monkeypatch):
    """What is remembered of the files of each collection."""
    known = {}
    monkeypatch.setattr(lookahead, "seen_before", lambda _, name: iter(known.get(name, [])))
    return known


@pytest.fixture(scope="module")
def body(tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "a.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("depth", 3)
        file.createVariable("temperature", "f4", ("depth",))[:] = [1, 2, 3]
    return path.read_bytes()


@pytest.mark.parametrize("known", [True, False])
def test_files_of_several_partners_and_two_of_each_are_asked_for_side_by_side(night, remembered, body, known):
    both = threading.Barrier(4)

    def late(request):
        if "origin" not in request.headers:
            both.wait(10)  # breaks where fewer are asked for at once
        return Answer(200, OLD, body)

    with ExitStack() as stack:
        servers = {name: stack.enter_context(LocalServer(late)) for name in "ab"}
        collections = [definition(name, server, ("x", "y")) for name, server in servers.items()]
        night.harvest(*collections)
        if known:
            remembered |= {one.id: night.known(one) for one in collections}
        night.look(*collections)
    assert not both.broken
    method = "HEAD" if known else "GET"
    assert [sorted(asked(server)) for server in servers.values()] == [[(method, "/x.nc"), (method, "/y.nc")]] * 2


def test_what_was_found_ahead_is_not_asked_for_where_items_are_made(night, body):
    with LocalServer(lambda _: Answer(200, OLD, body)) as server:
        ice = definition("ice", server, ("x", "y"))
        night.harvest(ice)
        night.look(ice)
        assert sorted(asked(server)) == [("GET", "/x.nc"), ("GET", "/y.nc")]
        server.requests.clear()
        found = night.compose(ice)
        assert asked(server) == []
    assert [(inspection.references is not None, findings) for inspection, findings in found] == [(True, ())] * 2


def test_of_a_file_whose_reading_process_was_killed_nothing_is_remembered(night, body, monkeypatch):
    def start(self):
        started(self)
        os.kill(self._child.pid, signal.SIGKILL)

    started = Inspector._start
    with LocalServer(lambda _: Answer(200, OLD, body)) as server:
        one = definition("one", server, ["a"])
        night.harvest(one)
        with monkeypatch.context() as killing:
            killing.setattr(Inspector, "_start", start)
            night.look(one)
            ((inspection, (said,)),) = night.compose(one)
        assert (said.code, inspection.seen, night.state.kept("inspections")) == ("netcdf.killed", None, [])
        night.readings = Readings()  # of the next run
        ((inspection, findings),) = night.compose(one)
    assert (inspection.references is not None, findings) == (True, ())


@pytest.mark.parametrize("slow", ["/a.nc", "/b.nc"])
def test_whether_pages_may_read_a_hosts_files_does_not_depend_on_which_comes_first(night, body, slow):
    """Of two files, the host lets pages read the first; it is asked with that one, whichever it is slow to send."""

    def answer(request):
        if "origin" in request.headers:
            open_to = {"Access-Control-Allow-Origin": "*"} if request.path == "/a.nc" else {}
            return Answer(206, {"Content-Range": f"bytes 0-7/{len(body)}"} | open_to, body[:8])
        if request.path == slow:
            time.sleep(1)
        return Answer(200, OLD, body)

    with LocalServer(answer) as server:
        one = definition("one", server, ["a", "b"])
        night.harvest(one)
        night.look(one)
        assert [inspection.web for inspection, _ in night.compose(one)] == [True, True]
        assert [request.path for request in server.requests if "origin" in request.headers] == ["/a.nc"]


def test_only_a_file_that_changed_is_looked_into_again(night, remembered, body):
    with LocalServer(lambda request: Answer(200, NEW if "y.nc" in request.path else OLD, body)) as server:
        ice = definition("ice", server, ("x", "y"))
        night.harvest(ice)
        remembered["ice"] = night.known(ice)
        night.look(ice)
        assert sorted(asked(server)) == [("GET", "/y.nc"), ("HEAD", "/x.nc"), ("HEAD", "/y.nc")]


def test_a_version_that_another_took_the_place_of_is_not_asked_for(night, remembered, body):
    with LocalServer(lambda _: Answer(200, NEW, body)) as server:
        ice = definition("ice", server, ("x",))
        night.harvest(ice)
        remembered["ice"] = [*night.known(ice), *night.known(ice, '"new"')]
        night.look(ice)
        assert asked(server) == [("HEAD", "/x.nc")]


def test_a_record_that_changed_has_its_file_looked_into_whatever_was_known(night, remembered, body):
    with LocalServer(lambda _: Answer(200, OLD, body)) as server:
        ice = definition("ice", server, ("x",))
        night.harvest(ice)
        remembered["ice"] = [("x", night.known(ice)[0][1]._replace(kept="inspections/another"))]
        night.look(ice)
        assert asked(server) == [("GET", "/x.nc")]


@pytest.mark.parametrize("known", [True, False])
def test_a_file_that_is_gone_is_asked_for_once_and_told_of_where_its_item_is_made(night, remembered, known):
    with LocalServer(lambda _: Answer(404)) as server:
        ice = definition("ice", server, ("x",))
        night.harvest(ice)
        remembered["ice"] = night.known(ice) if known else []
        night.look(ice)
        ((found, findings),) = night.compose(ice)
        assert asked(server) == [("HEAD", "/x.nc")] * known + [("GET", "/x.nc")]
    assert found is None
    assert [finding.code for finding in findings] == ["netcdf.unreachable"]
    assert "404" in findings[0].message


def test_a_file_of_a_host_that_the_definition_does_not_name_says_what_to_do(night):
    with LocalServer(lambda _: Answer(404)) as server:
        ice = definition("ice", server, ("x",))
        ice = ice.model_copy(update={"source": ice.source.model_copy(update={"fetch_hosts": []})})
        night.harvest(ice)
        ((_, (finding,)),) = night.compose(ice)
        assert asked(server) == []
    assert finding.hint == "no references made for this file; add its host to `fetch_hosts` if it is right"


def test_a_file_that_is_on_another_host_now_is_a_warning_and_not_only_a_note(night):
    with LocalServer(lambda _: Answer(302, {"Location": "http://127.0.0.1:9/x.nc"})) as server:
        ice = definition("ice", server, ("x",))
        night.harvest(ice)
        ((_, (finding,)),) = night.compose(ice)
    assert (finding.severity, finding.where) == (Severity.WARNING, "http://127.0.0.1:9/x.nc")
    assert "add its host to `fetch_hosts`" in finding.hint


@pytest.mark.parametrize("known", [True, False])
def test_of_files_that_cannot_be_had_no_more_is_kept_than_what_is_said(night, remembered, known):
    with LocalServer(lambda _: Answer(404)) as server:
        ice = definition("ice", server, ("x", "y"))
        night.harvest(ice)
        remembered["ice"] = night.known(ice) if known else []
        night.look(ice)
    gc.collect()
    assert len(night.readings.files.unreached) == 2
    assert not [one for one in gc.get_objects() if isinstance(one, FetchError)]  # with all that its frames hold


def test_files_that_need_not_be_asked_for_are_not(night, remembered, body):
    with LocalServer(lambda _: Answer(200, NEW, body)) as server:
        same = definition("same", server, ("x",), recheck=False)
        closed = definition("closed", server, ("x",), references=False)
        night.harvest(same, closed)
        remembered["same"] = night.known(same)
        night.look(same, closed)
        assert server.requests == []


def test_records_without_a_file_that_can_be_looked_into_are_not_read_twice(night, remembered, body, monkeypatch):
    described = []
    monkeypatch.setattr(lookahead, "describe", lambda record: described.append(record.identifier))
    with LocalServer(lambda _: Answer(200, OLD, body)) as server:
        text, bare = definition("text", server, ("x",), "csv"), definition("bare", server, ("x",), None)
        known = definition("known", server, ("x", "y"))
        night.harvest(text, bare, known)
        remembered["known"] = [("x", None), ("y", Seen(copies=(("y.nc", 1, 1),)))]
        night.look(text, bare, known)
    assert described == []


def test_a_record_whose_body_is_lost_does_not_keep_others_from_being_looked_into(night, body):
    with LocalServer(lambda _: Answer(200, OLD, body)) as server:
        ice = definition("ice", server, ("x", "y"))
        night.harvest(ice)
        entry, _ = night.state.entries("ice")
        for file in night.state.overlay.rglob(f"*{entry.sha256[2:]}*"):
            file.unlink()
        night.look(ice)
        assert asked(server) == [("GET", "/y.nc")]


def test_a_record_that_cannot_be_read_does_not_keep_others_from_being_looked_into(night, body, monkeypatch):
    def read(record):
        if record.identifier == "x":
            raise ValueError("x")
        return describe(record)

    monkeypatch.setattr(lookahead, "describe", read)
    with LocalServer(lambda _: Answer(200, OLD, body)) as server:
        ice = definition("ice", server, ("x", "y"))
        night.harvest(ice)
        night.look(ice)
        assert asked(server) == [("GET", "/y.nc")]


@pytest.mark.parametrize(("worth", "at_once"), [(0.01, 2), (60, 1)], ids=["long waits", "short waits"])
def test_another_inspector_is_used_where_callers_wait_long_but_no_more_than_there_are(monkeypatch, worth, at_once):
    inside, most = [], []

    def slow(self, path, href, *, references):
        inside.append(self)
        most.append(len(inside))
        time.sleep(0.05)
        inside.remove(self)
        return href

    monkeypatch.setattr(Inspector, "inspect", slow)
    monkeypatch.setattr(inspectors, "WORTH_S", worth)
    with Inspectors(2) as several, ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda number: several.inspect(Path(), str(number)), range(9)))
    assert answers == [*"012345678"]
    assert max(most) == at_once


def test_children_end_with_the_inspectors(tmp_path, body):
    (tmp_path / "a.nc").write_bytes(body)
    with Inspectors(2) as several:
        assert several.inspect(tmp_path / "a.nc", "https://example.org/a.nc").readable
        assert workers()
    assert not workers()


def workers():
    """Return the processes that inspect files for this one."""
    children = " ".join(file.read_text() for file in Path("/proc/self/task").glob("*/children")).split()
    lines = [Path(f"/proc/{child}/cmdline") for child in children]
    return [line for line in lines if b"builder.enrich.worker" in line.read_bytes()]
