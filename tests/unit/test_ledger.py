"""The ledger tells new, changed, same, gone and refused apart, and survives an interrupted run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.errors import UsageError
from builder.ledger import Change, Entry, Kind, advance, compare, ledger_bytes, ledger_of, missing
from builder.sources.protocol import Record
from builder.state import open_state


def record(identifier="r1", body=b"body", **more):
    return Record(identifier, "ckan", body, "application/json", f"https://example.org/{identifier}", **more)


def known(*records):
    return {r.identifier: Entry.of(r) for r in records}


def test_five_outcomes():
    before = known(record("same"), record("changed"), record("deleted"), record("absent"))
    assert compare(before, record("new")).kind is Kind.NEW
    assert compare(before, record("same")).kind is Kind.SAME
    assert compare(before, record("changed", b"other")).kind is Kind.CHANGED
    assert compare(before, record("deleted", b"", deleted=True)).kind is Kind.GONE
    assert [c.identifier for c in missing(before, ["same", "changed", "deleted"])] == ["absent"]


def test_a_new_datestamp_alone_is_no_change():
    before = known(record(datestamp="2019-01-01"))
    assert compare(before, record(datestamp="2024-01-01")).kind is Kind.SAME


def test_a_withdrawn_record_may_come_back_but_is_not_withdrawn_twice():
    ledger = advance(known(record()), [compare(known(record()), record(body=b"", deleted=True))])
    assert ledger["r1"].gone
    assert compare(ledger, record(body=b"", deleted=True)).kind is Kind.SAME
    assert compare(ledger, record()).kind is Kind.NEW
    assert missing(ledger, []) == []


def test_a_refused_record_keeps_its_last_good_entry():
    before = known(record())
    assert advance(before, [Change(Kind.REFUSED, "r1", "broken")]) == before


entries = st.builds(
    Entry, st.text(min_size=1), st.just("ckan"), st.text("0123456789abcdef", min_size=64, max_size=64), st.just("a/b"),
    st.text(), st.none() | st.text(), st.lists(st.text()).map(tuple), st.booleans(), st.none() | st.text(min_size=1),
)  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=50)
@given(st.lists(entries, max_size=8), st.integers(0, 10**6))
def test_the_file_gives_back_what_was_written(many, run):
    ledger = {entry.identifier: entry for entry in many}
    data = ledger_bytes(ledger, run)
    assert ledger_of(data) == (ledger, run)
    assert data == ledger_bytes(dict(reversed(ledger.items())), run)


def test_history_numbers_runs_and_replaces_an_interrupted_one(tmp_path):
    new = Change(Kind.NEW, "r1", "first seen", Entry.of(record()))
    with open_state(tmp_path) as state:
        state.remember("c", {"r1": new.entry}, [new])
        state.commit()
    gone = Change(Kind.GONE, "r1", "withdrawn", replace(new.entry, gone=True, datestamp="2020-02-02"))
    with open_state(tmp_path) as state:
        state.remember("c", {"r1": gone.entry}, [gone])
        (state.overlay / "c/changes.ndjson").replace(tmp_path / "c/changes.ndjson")  # killed before the ledger followed
    with open_state(tmp_path) as state:
        assert [line["kind"] for line in state.history("c")] == ["new"]
        state.remember("c", {"r1": gone.entry}, [gone])
        state.commit()
    with open_state(tmp_path) as state:
        assert [(line["run"], line["kind"], line.get("datestamp")) for line in state.history("c")] == [
            (1, "new", None),
            (2, "gone", "2020-02-02"),
        ]


def test_what_is_not_committed_is_forgotten(tmp_path):
    with open_state(tmp_path) as state:
        state.store("c", record())
        assert state.record("c", Entry.of(record())).body == b"body"
    with open_state(tmp_path) as state, pytest.raises(UsageError, match="body is missing"):
        state.record("c", Entry.of(record()))


def test_two_runs_at_once_are_refused(tmp_path):
    with open_state(tmp_path), pytest.raises(UsageError, match="another run"), open_state(tmp_path):
        pass


def test_a_damaged_ledger_is_named(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c/ledger.ndjson").write_bytes(b'{"run": 1}\n{"identifier"')
    with open_state(tmp_path) as state, pytest.raises(UsageError, match=r"ledger.ndjson.*damaged"):
        state.ledger("c")


def test_a_run_that_cannot_be_numbered_is_named_too(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c/ledger.ndjson").write_bytes(b"{}\n")
    with open_state(tmp_path) as state, pytest.raises(UsageError, match=r"ledger.ndjson.*damaged"):
        state.remember("c", {}, [])


def test_remembering_reads_no_more_of_a_long_ledger_than_its_number(tmp_path):
    new = Change(Kind.NEW, "r1", "first seen", Entry.of(record()))
    (tmp_path / "c").mkdir()
    (tmp_path / "c/ledger.ndjson").write_bytes(b'{"run":6}\nthe rest is not looked at')
    with open_state(tmp_path) as state:
        state.remember("c", {"r1": new.entry}, [new])
        assert [line["run"] for line in state.history("c")] == [7]


def test_a_body_that_is_kept_is_neither_read_nor_written_again(tmp_path, monkeypatch):
    with open_state(tmp_path) as state:
        state.store("c", record())
        state.commit()
        monkeypatch.setattr("pathlib.Path.read_bytes", None)
        monkeypatch.setattr("pathlib.Path.write_bytes", None)
        state.store("c", record())
