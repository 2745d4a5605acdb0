"""A run asks partners for so long and no longer; the next ones go on, and all end in the same catalogue."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from builder.cli import group
from tests.harvesting import define, live
from tests.servers.local import LocalServer
from tests.servers.ranged import ranged
from tests.unit.test_bounds import SOURCES, delayed
from tests.unit.test_memo_data import grid
from tests.unit.test_new_files import Partner

NAMES = "abcdefgh"
SOON = "0.5"
"""Two files, each 0.4 s late, are under way by then."""


@pytest.fixture
def late(tmp_path):
    (tmp_path / "data").mkdir()
    for day, name in enumerate(NAMES, 1):
        grid(tmp_path / "data" / f"{name}.nc", day)
    with ranged(tmp_path / "data", late_s=0.4) as (base, log):
        yield Partner(tmp_path, base, log)


def command(folder, name, *words):
    folders = [word for one in ("collections", "state") for word in (f"--{one}", str(folder / one))]
    return CliRunner().invoke(group, [name, *folders, *words], standalone_mode=False)


def build(partner, *words):
    """Return how the command ended, the items, those with references, and those whose files were fetched."""
    partner.log.clear()
    done = command(partner.folder, "build", "--out", str(partner.folder / "out"), *words)
    published = partner.folder / "out/imr/ice"
    items = {file.stem for file in published.glob("?.json")}
    fetched = [path[1:-3] for method, path, size in partner.log if method == "GET" and size > 8]
    return done.return_value, items, {one for one in items if any(published.glob(f"references/{one}*"))}, fetched


def test_new_files_that_are_not_reached_are_shown_by_the_next_runs(late):
    late.define(*NAMES)
    _, shown, referenced, fetched = build(late, "--within", SOON)
    assert referenced == {*fetched}
    assert len(shown) < len(NAMES)
    later = f"{len(NAMES) - len(shown)} new items are shown when their files are looked into, by the next runs"
    assert later in (late.folder / "state/report.md").read_text()
    for _ in range(20):
        if referenced == {*NAMES}:
            break
        status, shown, referenced, now = build(late, "--within", SOON)
        fetched += now
        assert {*fetched} == referenced
    assert status == 0
    assert sorted(fetched) == [*NAMES]
    late.night(out="at-once", state="other")
    assert late.tree("out", "imr/") == late.tree("at-once", "imr/")


def test_items_that_are_shown_keep_what_was_found_until_their_files_are_reached(late):
    late.define(*NAMES)
    assert build(late)[1:3] == ({*NAMES}, {*NAMES})
    late.define(*NAMES, title="Snow")
    _, _, referenced, fetched = build(late, "--within", SOON)
    assert len(fetched) < len(NAMES)
    assert referenced == {*NAMES}
    assert all(b"Snow" in (late.folder / f"out/imr/ice/{name}.json").read_bytes() for name in NAMES)
    assert {*build(late)[3]} == {*NAMES} - {*fetched}


def test_a_file_that_takes_all_the_time_does_not_take_that_of_others_again(late, monkeypatch):
    late.define(*NAMES)
    monkeypatch.setattr("builder.lookahead.AT_ONCE", 1)
    (late.folder / "data/a.nc").unlink()
    build(late, "--new-files", "1")
    assert build(late, "--within", SOON)[3][0] == "b"
    assert late.log[0][1] == "/b.nc"


@pytest.mark.parametrize("kind", SOURCES)
def test_records_that_are_not_reached_are_asked_for_by_the_next_runs(tmp_path, kind):
    handler, source, requests = SOURCES[kind]
    with LocalServer(delayed(handler, 0.3)) as server:
        define(tmp_path / "collections", "c", {"type": kind, **source(server.url)})
        first = command(tmp_path, "harvest", "--within", "0.8")
        assert first.return_value == 3
        assert "the time of this run for asking partners is over" in first.output
        for _ in range(requests):
            if command(tmp_path, "harvest", "--within", "0.8").return_value == 0:
                break
        assert len(set(server.targets)) == len(server.targets)
        whole = live(tmp_path, "c")
        assert command(tmp_path, "harvest", "--full").return_value == 0
    assert live(tmp_path, "c") == whole
