"""Known files of a partner are asked for their version every night, or in turn where a night asks for some only."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
from click.testing import CliRunner

from builder import clock
from builder.build import Request, build
from builder.cli import group
from builder.datafiles.freshness import Freshness, nights_for
from builder.datafiles.seen import Seen
from builder.memory.state import State
from tests.servers.ranged import ranged
from tests.unit.test_memo_data import grid
from tests.unit.test_new_files import Partner

DAY = datetime(2026, 12, 30, 2, 17, tzinfo=UTC)


@pytest.fixture
def partner(tmp_path, monkeypatch):
    """Six files of a partner, all known; and what makes it a later day."""
    (tmp_path / "data").mkdir()
    for day, name in enumerate("abcdef", 1):
        grid(tmp_path / "data" / f"{name}.nc", day)
    monkeypatch.setattr(clock, "now", lambda: DAY)
    with ranged(tmp_path / "data") as (base, log):
        made = Partner(tmp_path, base, log)
        made.define(*"abcdef")
        made.night()
        yield made


def asked(partner, monkeypatch, days, **options):
    """Build some days later; return the names of the files that were asked for their version."""
    monkeypatch.setattr(clock, "now", lambda: DAY + timedelta(days))
    partner.log.clear()
    folders = (partner.folder / name for name in ("collections", "out", "state"))
    build(Request(*folders, **options), lambda _: None)
    return sorted(path[1:-3] for method, path, _ in partner.log if method == "HEAD")


def test_all_are_asked_for_every_night(partner, monkeypatch):
    assert [asked(partner, monkeypatch, day) for day in (1, 2)] == [[*"abcdef"]] * 2


def test_each_is_asked_for_once_in_as_many_nights_as_it_takes(partner, monkeypatch):
    nights = [asked(partner, monkeypatch, day, recheck=2) for day in (1, 2, 3)]
    assert sorted(chain(*nights)) == [*"abcdef"]
    assert nights == [asked(partner, monkeypatch, day, recheck=2) for day in (4, 5, 6)]
    assert asked(partner, monkeypatch, 7, recheck=6) == [*"abcdef"]


@pytest.mark.parametrize("apart", [0, 2, 3, 7])
def test_all_have_their_turn_however_many_days_lie_between_two_runs(partner, monkeypatch, apart):
    runs = [asked(partner, monkeypatch, 1 + apart * run, recheck=2) for run in range(3)]
    assert sorted(chain(*runs)) == [*"abcdef"]


def test_a_changed_file_is_looked_into_in_its_turn(partner, monkeypatch):
    item = partner.folder / "out/imr/ice/d.json"
    before = item.read_bytes()
    grid(partner.folder / "data/d.nc", 4, seed=2)
    for day in (1, 2, 3):
        turn = "d" in asked(partner, monkeypatch, day, recheck=2)
        assert (item.read_bytes() != before) is turn
        if turn:
            break
    assert turn


def test_of_very_many_about_as_many_as_wanted_have_their_turn(tmp_path):
    def turns(day):
        """Return of which of 10,000 files a night with ten parts asks the partner."""
        met = []
        freshness = Freshness(State(tmp_path, tmp_path, tmp_path), None, 10, day)
        for number in range(10_000):
            href = f"https://data.example.org/ice/{number:05d}.nc"
            try:
                freshness.changed(Seen(kept="", href=href, size=1, etag="x"))
            except AttributeError:  # it has no gate
                met.append(href)
        return met

    nights = [turns(day) for day in range(739_000, 739_010)]
    assert Counter(href for night in nights for href in night).most_common(1)[0][1] == 1
    assert sum(map(len, nights)) == 10_000
    # binomial: 1,000 with a standard deviation of 30
    assert all(880 < len(night) < 1120 for night in nights)


@pytest.mark.parametrize(("most", "nights"), [(None, 1), (1, 6), (2, 3), (4, 2), (6, 1), (7, 1)])
def test_how_many_nights_it_takes(partner, most, nights):
    state = partner.folder / "state"
    assert nights_for(most, State(state, state, state), "ice") == nights
    assert nights_for(most, State(state, state, state), "unknown") == 1


@pytest.mark.parametrize(("words", "all_of_them"), [(["--recheck", "1"], False), ([], True)])
def test_the_command_passes_it_on(partner, words, all_of_them):
    partner.log.clear()
    folders = [word for name in ("collections", "out", "state") for word in (f"--{name}", str(partner.folder / name))]
    done = CliRunner().invoke(group, ["build", *folders, *words])
    assert done.exit_code == 0, done.output
    assert (sum(method == "HEAD" for method, _, _ in partner.log) == 6) is all_of_them
