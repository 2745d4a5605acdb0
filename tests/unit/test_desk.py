"""Tables and the search index are written in a process of their own; other tests write them in that of the build."""

from __future__ import annotations

import pytest

from builder.build import Request, build
from builder.desk import Desk, carry_out_apart
from builder.errors import IaosError
from tests import synthetic


@pytest.fixture
def in_a_child(monkeypatch):
    monkeypatch.setattr("builder.desk.carry_out_apart", carry_out_apart)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path / "out", tmp_path / "staging")


def built(folder):
    """Return the tables and the files of the index of a small catalogue."""
    synthetic.write_definition(folder / "collections")
    synthetic.fill(folder / "state", 30)
    build(Request(folder / "collections", folder / "out", folder / "state", no_harvest=True), lambda _: None)
    written = [*(folder / "out").rglob("*.parquet"), *(folder / "out" / "search").rglob("*.*")]
    return {str(file.relative_to(folder)): file.read_bytes() for file in written if file.is_file()}


def test_a_child_writes_what_the_build_itself_would(tmp_path, request):
    here = built(tmp_path / "here")
    request.getfixturevalue("in_a_child")
    assert built(tmp_path / "apart") == here
    assert {"out/bench/synthetic/items.parquet", "out/collections.parquet"} < here.keys()
    assert len(here) > 4


def test_an_order_that_fails_says_why_in_a_line(desk, in_a_child):
    desk.table_of_items(desk.new_file(), "bench", {}, None)
    with pytest.raises(IaosError, match=r"^tables cannot be written: FileNotFoundError: .*\.desk/0'") as caught:
        desk.work()
    assert caught.value.hint == "is there room on the disk, and memory?"


def test_a_child_that_is_killed_is_said(desk, in_a_child, monkeypatch):
    monkeypatch.setattr("builder.desk.sys.executable", "/bin/false")
    desk.table([{"id": "one"}])
    with pytest.raises(IaosError, match=r"^tables cannot be written: status 1 "):
        desk.work()


def test_nothing_is_started_without_orders(desk, in_a_child, monkeypatch):
    monkeypatch.setattr("builder.desk.sys.executable", "/bin/false")
    desk.work()
