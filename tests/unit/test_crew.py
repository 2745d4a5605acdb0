"""What workers make of many records is what the build itself makes of them, to the byte and in the same order."""

from __future__ import annotations

import os
import pickle
import shutil
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest

from builder.gathering import crew
from processors import engine
from processors.errors import WorkerLostError
from tests import synthetic
from tests.unit.test_memo import bodied, digests, receive, run

COUNT, MANY = 30, 8
DEADLY = "obs-000020"


@pytest.fixture
def harvested(tmp_path):
    """Records of all kinds: two under one id, broken ones, one with markup, withdrawn ones."""
    synthetic.write_definition(tmp_path / "collections")
    synthetic.fill(tmp_path / "state", COUNT)
    true = synthetic.record(7)
    marked = replace(true, body=true.body.replace(b"Profile 7", b"<script>alert(7)</script>"))
    broken = replace(synthetic.record(9), body=b"{")
    nowhere = replace(synthetic.record(11), body=synthetic.record(11).body.replace(b'"Point"', b'"Pint"'))
    first, later = bodied("a-copy", 25), bodied("z-copy", 26)
    receive(tmp_path, marked, broken, nowhere, first, later, gone=["obs-000013", "obs-000014"])
    return tmp_path


@pytest.fixture
def cores(monkeypatch):
    """Pretend that there are so many processors, and that few records are many."""
    monkeypatch.setattr(crew, "MANY", MANY)
    monkeypatch.setattr(crew, "MOST_IN_BATCH", 5)
    return lambda number: monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(number)))


def workers(monkeypatch, result):
    """Put a function in the place of worker processes; return the batches they were handed."""
    handed = []

    @contextmanager
    def opened(count):
        def submit(function, batch):
            handed.append(batch)
            return lambda: result(function, batch)

        yield submit

    monkeypatch.setattr(engine, "open_processes", opened)
    return handed


def copied(function, batch):
    """Do what a worker does, which gets and gives copies."""
    function, batch = pickle.loads(pickle.dumps((function, batch)))
    return pickle.loads(pickle.dumps(function(batch)))


def said(report):
    return [one.findings for one in report.collections]


def inline(folder, cores):
    """Build in one process into folders of its own; return findings and digests."""
    cores(1)
    shutil.copytree(folder / "state", folder / "state-inline")
    findings = said(run(folder, out="inline", state="state-inline"))
    return findings, digests(folder / "inline")


def test_worker_processes_make_the_same_catalogue(harvested, cores):
    expected = inline(harvested, cores)
    assert "obs-000009" in {finding.where for finding in expected[0][0]}
    cores(2)
    report = run(harvested)
    assert (said(report), digests(harvested / "out")) == expected


def test_records_under_one_id_get_the_same_ids_in_whatever_batch_they_are(harvested, cores, monkeypatch):
    expected = inline(harvested, cores)
    cores(2)
    handed = workers(monkeypatch, copied)
    assert (said(run(harvested)), digests(harvested / "out")) == expected
    assert [len(batch) for batch in handed] == [5] * (COUNT // 5)
    pages = [path for path in expected[1] if path.startswith("bench/synthetic/obs-000025")]
    assert len([path for path in pages if path.endswith(".html")]) == 2


def test_few_changed_records_start_no_worker(harvested, cores, monkeypatch):
    cores(2)
    handed = workers(monkeypatch, copied)
    run(harvested)
    assert handed
    handed.clear()
    synthetic.fill(harvested / "state", COUNT, changed=MANY - 1, edition=4)
    assert len(run(harvested).plan) > MANY
    assert handed == []


def test_no_more_workers_are_started_than_can_be_kept_busy(harvested, cores, monkeypatch):
    started = []

    @contextmanager
    def opened(count):
        started.append(count)
        yield partial

    monkeypatch.setattr(engine, "open_processes", opened)
    cores(64)
    run(harvested)
    assert started == [4]


def test_one_processor_starts_no_worker(harvested, cores, monkeypatch):
    cores(1)
    handed = workers(monkeypatch, copied)
    assert run(harvested).collections[0].items > MANY
    assert handed == []


def test_a_record_that_ends_its_worker_is_one_finding(harvested, cores, monkeypatch):
    findings, before = inline(harvested, cores)
    cores(2)

    def fragile(function, batch):
        if isinstance(batch, list) and DEADLY in [task.entry.identifier for task in batch]:
            raise WorkerLostError("lost")
        return copied(function, batch)

    workers(monkeypatch, fragile)
    report = run(harvested)
    new = [finding for finding in said(report)[0] if finding not in findings[0]]
    assert [(finding.code, finding.where) for finding in new] == [("record.unexpected", DEADLY)]
    missing = before.keys() - digests(harvested / "out").keys()
    items = {path for path in missing if "/obs-" in path}
    assert f"bench/synthetic/{DEADLY}.html" in items
    assert all(DEADLY in path for path in items)


@pytest.mark.parametrize("trouble", [WorkerLostError("lost"), OSError("no room")])
def test_without_workers_the_build_goes_on_alone(harvested, cores, monkeypatch, trouble):
    expected = inline(harvested, cores)
    cores(2)

    def lost(function, batch):
        raise trouble

    if isinstance(trouble, OSError):
        monkeypatch.setattr(engine, "open_processes", lambda count: lost(None, count))
    else:
        workers(monkeypatch, lost)
    assert (said(run(harvested)), digests(harvested / "out")) == expected
