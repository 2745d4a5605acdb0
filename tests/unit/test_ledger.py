"""The ledger tells new, changed, same, gone and refused apart, and survives an interrupted run."""

from __future__ import annotations

import errno
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import UsageError
from builder.ledger import Change, Entry, Kind, compare, entry_of, is_gone, line_of, missing
from builder.memory.known import Known
from builder.memory.state import State, open_state
from builder.sources.protocol import Record


def record(identifier="r1", body=b"body", **more):
    return Record(identifier, "ckan", body, "application/json", f"https://example.org/{identifier}", **more)


def remember(state, *changes):
    with state.known("c") as known:
        return state.remember("c", known, changes)


NEW = Change(Kind.NEW, "r1", "first seen", Entry.of(record()))
GONE = Change(Kind.GONE, "r1", "withdrawn", replace(NEW.entry, gone=True, datestamp="2020-02-02"))


def test_five_outcomes():
    before = Entry.of(record())
    assert compare(None, record()).kind is Kind.NEW
    assert compare(before, record()).kind is Kind.SAME
    assert compare(before, record(body=b"other")).kind is Kind.CHANGED
    assert compare(before, replace(record(), format="oai_dc")).kind is Kind.CHANGED
    assert compare(before, record(body=b"", deleted=True)).kind is Kind.GONE
    assert missing(before).kind is Kind.GONE


def test_a_new_datestamp_alone_is_no_change():
    assert compare(Entry.of(record(datestamp="2019-01-01")), record(datestamp="2024-01-01")).kind is Kind.SAME


def test_a_withdrawn_record_may_come_back_but_is_not_withdrawn_twice():
    gone = compare(Entry.of(record()), record(body=b"", deleted=True, datestamp="2020-02-02")).entry
    assert gone == replace(Entry.of(record()), gone=True, datestamp="2020-02-02", reason="withdrawn by the partner")
    assert compare(gone, record(body=b"", deleted=True)).kind is Kind.SAME
    assert compare(gone, record()) == Change(Kind.NEW, "r1", "back after withdrawal", Entry.of(record()))


def test_an_unknown_tombstone_is_nothing():
    assert compare(None, record(body=b"", deleted=True)).kind is Kind.SAME


entries = st.builds(
    Entry, st.text(min_size=1), st.just("ckan"), st.text("0123456789abcdef", min_size=64, max_size=64), st.just("a/b"),
    st.text(), st.none() | st.text(), st.lists(st.text()).map(tuple), st.booleans(), st.none() | st.text(min_size=1),
)  # fmt: skip


@given(entries)
def test_a_line_gives_back_what_was_written(entry):
    line = line_of(entry)
    assert (entry_of(line), line.count(b"\n"), is_gone(line)) == (entry, 1, entry.gone)


def test_history_numbers_runs_and_replaces_an_interrupted_one(tmp_path):
    with open_state(tmp_path) as state:
        remember(state, NEW)
        state.commit()
    with open_state(tmp_path) as state:
        remember(state, GONE)
        (state.overlay / "c/changes.ndjson").replace(tmp_path / "c/changes.ndjson")  # killed before the ledger followed
    with open_state(tmp_path) as state:
        assert list(state.history("c")) == []  # until the change is found again
        remember(state, GONE)
        state.commit()
    with open_state(tmp_path) as state:
        assert [(line["run"], line["kind"], line.get("datestamp")) for line, _ in state.history("c")] == [
            (2, "gone", "2020-02-02"),
        ]


def test_history_has_the_last_change_of_each_record(tmp_path):
    def r(number):
        return replace(NEW, identifier=f"r{number}", entry=replace(NEW.entry, identifier=f"r{number}"))

    nights = [[r(1), r(2), r(3)], [replace(GONE, identifier="r2")], [replace(r(3), kind=Kind.CHANGED), r(4)], [r(2)]]
    sizes = []
    for changes in nights * 5:
        with open_state(tmp_path) as state:
            remember(state, *changes)
            state.commit()
        sizes.append((tmp_path / "c/changes.ndjson").stat().st_size)
    with open_state(tmp_path) as state:
        told = [(line["run"], line["kind"], line["identifier"]) for line, _ in state.history("c")]
    assert told == [(17, "new", "r1"), (19, "changed", "r3"), (19, "new", "r4"), (20, "new", "r2")]
    assert sizes[-1] - sizes[3] == 4  # the numbers of the runs have a digit more each


def test_a_history_that_people_wrote_is_gone_on_with(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c/ledger.ndjson").write_bytes(b'{"run": 1}\n')
    history = b'{ "kind": "new", "run": 1, "identifier": "r0", "reason": "x" }\n'
    (tmp_path / "c/changes.ndjson").write_bytes(history + history.replace(b"1", b"2"))
    with open_state(tmp_path) as state:
        assert list(remember(state, NEW)) == [replace(NEW, entry=None)]
        assert [(line["run"], line["identifier"]) for line, _ in state.history("c")] == [(1, "r0"), (2, "r1")]


@pytest.mark.parametrize("damage", [b'{"run":1,"kind":"ne', b"\xff\n", b"{}\n", b"[1]\n", b"null\n"])
def test_a_damaged_history_is_named_whether_it_is_read_or_gone_on_with(tmp_path, damage):
    with open_state(tmp_path) as state:
        remember(state, NEW)
        state.commit()
    (tmp_path / "c/changes.ndjson").write_bytes(damage)
    with open_state(tmp_path) as state:
        with pytest.raises(UsageError, match=r"c/changes.ndjson: the history is damaged .*starts over"):
            list(state.history("c"))
        with pytest.raises(UsageError, match="the history is damaged"):
            remember(state, GONE)


def test_a_history_whose_last_line_lacks_its_end_is_gone_on_with(tmp_path):
    with open_state(tmp_path) as state:
        remember(state, NEW)
        state.commit()
    file = tmp_path / "c/changes.ndjson"
    file.write_bytes(file.read_bytes().strip())
    with open_state(tmp_path) as state:
        remember(state, replace(NEW, identifier="r2"))
        assert [line["identifier"] for line, _ in state.history("c")] == ["r1", "r2"]


def test_what_was_changed_is_told_whatever_becomes_of_the_file(tmp_path):
    with open_state(tmp_path) as state:
        remember(state, replace(NEW, identifier="r0"))
        told = remember(state, NEW, replace(NEW, identifier="r2"))
        state.commit()
    (tmp_path / "c/changes.ndjson").unlink()
    names = ["r1", "r2"]
    assert [(one.identifier, two.identifier) for one in told for two in told] == [(a, b) for a in names for b in names]
    assert len(told) == 2


def test_a_plan_whose_first_word_is_a_change_or_an_edited_ledger_makes_its_own_folder(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c/ledger.ndjson").write_bytes(b'{"run":1}\n' + line_of(NEW.entry).replace(b":", b": ", 1))
    for number in range(2):
        overlay = tmp_path / f"plan{number}"
        plan = State(tmp_path, overlay, overlay)
        assert list(plan.entries("c")) == [NEW.entry]
        with Known(None, overlay) as known:
            assert len(plan.remember("d", known, [GONE])) == 1


def test_what_is_not_committed_is_forgotten(tmp_path):
    with open_state(tmp_path) as state:
        state.store("c", record())
        assert state.record("c", Entry.of(record())).body == b"body"
    with open_state(tmp_path) as state, pytest.raises(UsageError, match="body is missing"):
        state.record("c", Entry.of(record()))


def test_bodies_are_kept_before_the_ledger_and_that_before_what_the_next_pass_asks_for(tmp_path, monkeypatch):
    with open_state(tmp_path) as state:
        state.write("c/harvest.json", b"{}")
        remember(state, NEW)
        state.store("c", record())
        state.write("d/e/f", b"")
        moved = []
        monkeypatch.setattr("pathlib.Path.replace", lambda _, to: moved.append(to.relative_to(tmp_path).as_posix()))
        monkeypatch.setattr("os.replace", lambda _, to: moved.append(to.removeprefix(f"{tmp_path}/")))
        state.commit()
    body = f"c/records/{record().sha256[:2]}/{record().sha256[2:]}"
    assert sorted(moved[:3]) == ["c/changes.ndjson", body, "d/e/f"]
    assert moved[3:] == ["c/ledger.ndjson", "c/harvest.json"]


def test_a_document_beside_the_body_is_kept_with_it(tmp_path):
    one = record(companion=b"sidecar")
    with open_state(tmp_path) as state:
        state.store("c", one)
        state.commit()
    with open_state(tmp_path) as state:
        assert state.record("c", Entry.of(one)) == one


def test_what_a_killed_run_left_in_its_scratch_folder_goes_with_the_next(tmp_path):
    (tmp_path / ".scratch-killed/c").mkdir(parents=True)
    (tmp_path / ".scratch-killed/c/ledger.ndjson").write_bytes(b"")
    with open_state(tmp_path) as state:
        assert list(tmp_path.iterdir()) == [state.overlay]
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_was_about_to_keep_lies_in_its_scratch_folder(tmp_path, monkeypatch):
    with open_state(tmp_path) as state, monkeypatch.context() as killing:
        killing.setattr("pathlib.Path.replace", None)
        with pytest.raises(TypeError):
            state.keep("inspections/ab/cd", b"{}")
        left = [file for file in tmp_path.rglob("*") if file.is_file()]
        assert left
        assert all(file.is_relative_to(state.overlay) for file in left)


def test_two_runs_at_once_are_refused(tmp_path):
    with open_state(tmp_path), pytest.raises(UsageError, match="another run"), open_state(tmp_path):
        pass


def test_a_machine_without_room_for_another_process_is_not_taken_for_another_run(tmp_path):
    with pytest.raises(BlockingIOError, match="unavailable"), open_state(tmp_path):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))  # as fork(2) has it
    with open_state(tmp_path):
        pass


def test_a_body_that_is_kept_is_neither_read_nor_written_again(tmp_path, monkeypatch):
    with open_state(tmp_path) as state:
        state.store("c", record())
        state.commit()
        monkeypatch.setattr("pathlib.Path.read_bytes", None)
        monkeypatch.setattr("pathlib.Path.write_bytes", None)
        state.store("c", record())
