"""Pages are fetched while earlier ones are used, never more at once than a host allows, and never for nobody."""

from __future__ import annotations

import threading
from collections import deque
from itertools import count

import pytest

from builder.definitions.model import CkanSource, OaiPmhSource
from builder.sources.ahead import next_ahead, side_by_side
from builder.sources.ckan import CkanAdapter
from builder.sources.http import HttpGate
from builder.sources.limits import PAGES, turn
from builder.sources.oai import OaiSource
from tests.servers.ckan_app import Portal, make_package
from tests.servers.local import Answer, LocalServer, wsgi
from tests.servers.oai_app import oai_app

PATIENCE_S = 10
SOURCES = {
    "ckan": (
        wsgi(Portal(map(make_package, range(100))).app),
        lambda server, gate: CkanAdapter(CkanSource(type="ckan", url=server.url, page_size=20), gate),
    ),
    "oai-pmh": (
        wsgi(oai_app()),
        lambda server, gate: OaiSource(
            OaiPmhSource(type="oai-pmh", url=f"{server.url}/oai", metadataPrefix="oai_dc"), gate
        ),
    ),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_the_next_page_and_no_other_is_asked_for_while_one_is_used(kind):
    handler, make = SOURCES[kind]
    asked = [threading.Event() for _ in range(10)]

    def told(request):
        next(event for event in asked if not event.is_set()).set()
        return handler(request)

    with LocalServer(told) as server:
        records = make(server, HttpGate([server.host], delay_s=0)).scan()
        next(records)
        assert asked[1].wait(PATIENCE_S)
        assert not asked[2].wait(0.2)
        records.close()
        assert len(server.requests) == 2


def test_what_the_next_page_raises_comes_after_all_of_this_one():
    def pages():
        yield "one"
        raise ValueError("two")

    got = next_ahead(pages())
    assert next(got) == "one"
    with pytest.raises(ValueError, match="two"):
        next(got)
    assert list(next_ahead(iter("abc"))) == ["a", "b", "c"]


def test_lists_side_by_side_give_everything_each_in_its_order():
    got = list(side_by_side([iter(range(n)) for n in (3, 0, 50, 1)], 2))
    assert len(got) == 54
    assert [[value for number, value in got if number == n] for n in range(4)] == [[0, 1, 2], [], [*range(50)], [0]]
    assert list(side_by_side([], 2)) == []


def test_lists_side_by_side_wait_for_the_consumer():
    made = [count(), count()]
    taken = [0, 0]
    ends = threading.Event()

    def endless(number):
        for value in made[number]:
            taken[number] = value + 1
            if sum(taken) >= 50:
                ends.set()
            yield value

    got = side_by_side([endless(0), endless(1)], 2)
    for _ in range(10):
        next(got)
    assert not ends.wait(0.2)
    assert sum(taken) <= 10 + 2 + 2  # those handed on, those that wait, and one in each thread
    got.close()


def test_a_list_that_nobody_waits_for_is_not_begun():
    begun = []

    def one(number):
        begun.append(number)
        yield number

    got = side_by_side([one(number) for number in range(50)], 2)
    next(got)
    got.close()
    assert len(begun) <= 6


def test_the_first_error_ends_all_lists():
    def broken():
        yield 1
        raise ValueError("broken")

    got = side_by_side([broken(), (n for n in count())], 2)
    with pytest.raises(ValueError, match="broken"):
        deque(got, maxlen=0)


def holding(at_once, lane=PAGES, origin="turns.example"):
    """Take a turn in a thread and hold it until told."""
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with turn(origin, 0, lambda _: None, at_once, lane):
            inside.set()
            leave.wait(PATIENCE_S)

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    return inside, leave, thread


def test_a_host_that_agreed_to_more_is_still_asked_by_others_as_if_it_had_not():
    many = [holding(4) for _ in range(3)]
    assert all(inside.wait(PATIENCE_S) for inside, _, _ in many)
    other = holding(2)
    assert not other[0].wait(0.1)  # three are in flight
    late = holding(4)
    assert not late[0].wait(0.1)  # it does not overtake
    elsewhere = holding(2, "parts"), holding(2, origin="other.example")
    assert all(inside.wait(PATIENCE_S) for inside, _, _ in elsewhere)
    with LocalServer(lambda _: Answer(200, {}, b"part")) as server:
        pages = [holding(2, origin=server.host) for _ in range(2)]
        assert all(inside.wait(PATIENCE_S) for inside, _, _ in pages)
        assert HttpGate([server.host], delay_s=0, lane="parts").get(server.url).body == b"part"
        for _, leave, _ in pages:
            leave.set()
    many[0][1].set()
    assert not other[0].wait(0.1)
    many[1][1].set()
    assert other[0].wait(PATIENCE_S)
    assert late[0].wait(PATIENCE_S)
    for _, leave, thread in (*many, other, late, *elsewhere):
        leave.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
