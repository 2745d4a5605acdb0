"""What a harvest takes over of what a partner says, holds back, and remembers for the next pass."""

from __future__ import annotations

import json
from datetime import date
from unittest.mock import Mock

import pytest

from builder.definitions.load import load
from builder.errors import FetchError
from builder.findings import error, warning
from builder.harvest import gate_for, harvest
from builder.ledger import Kind
from builder.memory import passes
from builder.memory.nights import Night, Outcome, night_of
from builder.memory.passes import memory_of
from builder.memory.state import open_state
from builder.sources.protocol import Record, refused
from tests.harvesting import define, live
from tests.servers.ckan_app import make_package

URL = "https://x.example"


def name(number):
    return f"r{number:02d}"


def record(number, **more):
    body = json.dumps({**make_package(number), **more}).encode()
    return Record(name(number), "ckan", body, "application/json", f"{URL}/{number}")


class Partner:
    """Says what it is told to say."""

    def __init__(self, *said, complete=True, there=(), trouble=None, bookmark=None, total=None):
        self.said, self.complete, self.there, self.trouble = said, complete, there, trouble
        self.bookmark, self.total, self.counts, self.asked = bookmark, total, {"pages": 2}, []

    def scan(self, ask=None):
        yield from self.said
        if self.trouble:
            raise self.trouble

    def named(self, identifiers):
        self.asked.append(list(identifiers))
        return iter([one for one in self.there if one.identifier in identifiers])


@pytest.fixture
def night(tmp_path):
    """Let one pass happen; pass by pass is remembered only where that is asked for."""

    def happen(partner, *, confirmed=False, wish=None, **source):
        define(tmp_path / "collections", "c", {"type": "ckan", "url": URL, **source})
        definition = load(tmp_path / "collections/c.yaml")
        with open_state(tmp_path / "state") as state:
            this = None if wish is None else passes.begin(definition, state, wish)
            done = harvest(definition, partner, state, lambda: None, this, confirmed=confirmed)
            state.commit()
            if this is not None:
                passes.conclude("c", state)
            done.memory = memory_of("c", state)
        assert done.live == len(live(tmp_path, "c"))
        return done

    happen.live = lambda: set(live(tmp_path, "c"))
    return happen


def test_what_an_incomplete_pass_has_not_seen_is_neither_asked_for_nor_withdrawn(night):
    night(Partner(*map(record, range(3))))
    part = Partner(record(0), record(3), complete=False)
    done = night(part)
    assert (done.complete, part.asked, done.counts["gone"], done.counts["new"]) == (False, [], 0, 1)
    assert night.live() == {name(n) for n in range(4)}


def test_absent_records_are_asked_for_by_name_before_they_count_as_withdrawn(night):
    night(Partner(*map(record, range(4))))
    partner = Partner(record(0), there=[record(1), record(2, title="Other")])
    done = night(partner)
    assert partner.asked == [[name(1), name(2), name(3)]]
    assert {kind.value: done.counts[kind.value] for kind in Kind} == {
        "new": 0, "changed": 1, "same": 2, "gone": 1, "refused": 0,
    }  # fmt: skip
    assert night.live() == {name(0), name(1), name(2)}


def test_as_many_as_may_go_are_asked_for_and_more_only_counted(night):
    night(Partner(*map(record, range(30))))
    most = Partner(*map(record, range(11, 30)), there=[record(10)])
    held = night(most)
    assert (held.failed, most.asked) == (True, [])
    assert (held.counts["gone"], held.counts["held_back"]) == (0, 11)
    assert [finding.code for finding in held.findings] == ["harvest.brake"]
    some = Partner(*map(record, range(10, 30)), there=[record(9)])
    done = night(some)
    assert some.asked == [[name(n) for n in range(10)]]
    assert (done.failed, done.counts["gone"], len(night.live())) == (False, 9, 21)


def test_what_is_confirmed_is_withdrawn_and_only_many_unasked(night):
    night(Partner(*map(record, range(30))))
    many = Partner(*map(record, range(3)), there=[record(20)])
    assert not night(many, confirmed=True).failed
    assert (many.asked, night.live()) == ([], {name(n) for n in range(3)})
    few = Partner(record(0), there=[record(1)])
    assert not night(few, confirmed=True).failed
    assert (few.asked, night.live()) == ([[name(1), name(2)]], {name(0), name(1)})


def test_nothing_of_a_pass_that_is_held_back_or_breaks_off_is_taken_over(night):
    night(Partner(*map(record, range(30))))
    before = night.live()
    assert night(Partner(record(40))).failed
    assert night.live() == before
    trouble = FetchError("too slow", where=URL)
    trouble.passing = True
    done = night(Partner(error("source.early", "a", "b"), record(40), warning("x.doubt", "a", "b"), trouble=trouble))
    assert (done.failed, done.to_go_on, done.complete, done.changes) == (True, True, False, ())
    assert [finding.code for finding in done.findings] == ["source.early", "x.doubt", f"source.{trouble.code}"]
    assert night_of(done, date(2024, 1, 2)) == Night("2024-01-02", Outcome.FAILED, 30, "too slow")
    assert done.counts == {"pages": 2}, "what was read until then is told"
    assert night.live() == before


@pytest.mark.parametrize("by", ["url", "where"])
def test_records_known_from_an_address_that_is_refused_stay(night, by):
    night(Partner(*map(record, range(3))))
    address = f"{URL}/2"
    refusal = refused("x.bad", "another", "no", "", address) if by == "url" else refused("x.bad", address, "no", "")
    done = night(Partner(record(0), refusal))
    assert (done.counts["gone"], done.counts["refused"]) == (1, 1)
    assert night.live() == {name(0), name(2)}


def test_a_known_record_that_cannot_be_understood_any_more_stays_as_it_was(night):
    night(Partner(*map(record, range(2))))
    broken = Record(name(1), "ckan", b"<html>", "application/json", f"{URL}/1")
    done = night(Partner(record(0), broken))
    assert (done.counts["refused"], done.counts["gone"], done.counts["changed"]) == (1, 0, 0)
    assert night.live() == {name(0), name(1)}
    assert night(Partner(record(0), broken, record(1))).counts["refused"] == 0, "the last that is said holds"


def test_what_is_defined_with_https_is_never_read_over_http(tmp_path):
    define(tmp_path, "c", {"type": "ckan", "url": URL})
    with gate_for(load(tmp_path / "c.yaml")) as gate, pytest.raises(FetchError, match="not allowed"):
        gate.read(f"http{URL.removeprefix('https')}/api", lambda answer: answer)


def test_a_maintainer_may_take_out_all_hand_written_records(night):
    night(Partner(*map(record, range(30))))
    written = [{"id": "one", "title": "One", "description": "It."}]
    done = night(Partner(record(40)), type="files", url=None, records=written)
    assert (done.failed, done.counts["gone"], night.live()) == (False, 30, {name(40)})


def test_only_a_complete_pass_moves_the_bookmark(night):
    assert night(Partner(record(0), bookmark="b1"), wish="").memory.since == "b1"
    memory = night(Partner(record(0), bookmark="b2", complete=False), wish="").memory
    assert (memory.since, memory.complete) == ("b1", False)
    memory = night(Partner(trouble=FetchError("x", where=URL), bookmark="b3"), wish="").memory
    assert (memory.since, memory.complete) == ("b1", False)
    assert night(Partner(bookmark="b4"), wish="").memory.since == "b4"


def test_a_pass_that_breaks_off_while_absent_records_are_asked_for_is_not_complete(night):
    night(Partner(record(0), record(1)))
    partner = Partner(record(0))
    partner.named = Mock(side_effect=FetchError("refused", where=URL))
    done = night(partner)
    assert (done.failed, done.to_go_on, done.complete, night.live()) == (True, False, False, {name(0), name(1)})


def test_a_pass_that_is_held_back_leaves_no_memory(night):
    broken = Record(name(50), "ckan", b"<html>", "application/json", f"{URL}/50")
    before = night(Partner(*map(record, range(30)), broken, bookmark="b1"), wish="").memory
    held = night(Partner(record(40), bookmark="b2"), wish="full")
    assert (held.failed, held.complete, held.memory) == (True, True, before)


def test_a_pass_over_changes_is_no_full_one_and_one_whose_number_is_wrong_is_followed_by_a_full_one(night):
    broken = Record(name(9), "ckan", b"<html>", "application/json", f"{URL}/9")
    full = night(Partner(record(0), record(1), broken, bookmark="b1"), wish="").memory
    assert (full.full is not None, set(full.refused)) == (True, {name(9)})
    known = Record(name(1), "ckan", b"<html>", "application/json", f"{URL}/1")
    counted = Partner(known, record(2), bookmark="b2", total=4, there=[broken])  # 0, 1, 2, and 9 that is refused
    memory = night(counted, wish="").memory
    assert (counted.asked, memory.full, set(memory.refused)) == ([[name(9)]], full.full, {name(1), name(9)})
    memory = night(Partner(bookmark="b3", total=2, there=[broken, known]), wish="").memory
    assert (memory.full, night.live()) == (None, {name(0), name(1), name(2)})


def test_a_pass_for_which_the_partner_may_say_that_all_is_the_same_is_no_full_one(night):
    full = night(Partner(record(0)), wish="").memory.full
    memory = night(Partner(record(0)), wish="").memory
    assert (memory.since, memory.full) == (None, full)
    assert night(Partner(record(0)), wish="full").memory.full > full


def test_refusals_are_forgotten_when_they_are_taken(night):
    broken = Record(name(1), "ckan", b"<html>", "application/json", f"{URL}/1")
    assert set(night(Partner(record(0), broken, bookmark="b1"), wish="").memory.refused) == {name(1)}
    again = Partner(trouble=FetchError("must not be asked", where=URL), there=[record(1)])
    done = night(again, wish="failed")
    assert (done.failed, again.asked, done.memory.refused, done.memory.complete) == (False, [[name(1)]], {}, True)
    assert done.memory.since == "b1"
    assert night.live() == {name(0), name(1)}
