"""Passes over real providers: interrupted, incremental, full, braked, and asked again for what was refused."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest

from builder import clock
from builder.memory.nights import recall
from builder.memory.state import open_state
from tests.harvesting import Switch, define, kept, live, report_of, run
from tests.servers.ckan_app import Portal, make_package
from tests.servers.crawled import catalogues
from tests.servers.faults import Faulty, lasting, status
from tests.servers.local import LocalServer, wsgi
from tests.servers.oai_app import Document, documents_app, oai_app

LIVE = 250 - 14  # oai_app: 250 records, 14 of them tombstones


def oai(server):
    return {"type": "oai-pmh", "url": f"{server.url}/oai", "metadataPrefix": "oai_dc"}


def ckan(server, **more):
    return {"type": "ckan", "url": server.url, "page_size": 20, **more}


def crawled(server):
    return {"type": "thredds", "url": f"{server.url}/catalog.xml"}


PORTAL = [make_package(n) for n in range(105)]
KINDS = {  # adapter: its handler, its source block, records, and requests of an undisturbed pass
    "oai": (lambda: wsgi(oai_app()), oai, LIVE, 6),
    "ckan": (lambda: wsgi(Portal(PORTAL).app), ckan, 105, 6),
    "thredds": (catalogues, crawled, 12, 13),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_pass_that_a_partner_breaks_off_goes_on_where_it_was(tmp_path, kind):
    handler, source, records, requests = KINDS[kind]
    with LocalServer(handler()) as server:
        define(tmp_path / "a" / "collections", "c", source(server))
        run(tmp_path / "a")
        assert len(server.requests) == requests
        url = server.url

    plan = Switch(lasting(4, status(503)))
    with LocalServer(Faulty(handler(), plan)) as server:
        define(tmp_path / "b" / "collections", "c", source(server))
        broken = run(tmp_path / "b")
        if kind != "thredds":  # a catalogue below the root is left out, the pass goes on
            assert (broken.exit_status, live(tmp_path / "b", "c")) == (3, {})
            answered = {request.target for request in server.requests[:3]}
            plan.now = lambda _n: None
            done = len(server.requests)
            assert run(tmp_path / "b").exit_status == 0
            assert not answered & {request.target for request in server.requests[done:]}
            assert len(server.requests) - done == requests - 3
        else:
            assert broken.exit_status == 1
            plan.now = lambda _n: None
            assert run(tmp_path / "b").exit_status == 0
        again = server.url
    assert len(live(tmp_path / "b", "c")) == records
    one = {name: data.replace(url.encode(), b"") for name, data in kept(tmp_path / "a", "c").items()}
    two = {name: data.replace(again.encode(), b"") for name, data in kept(tmp_path / "b", "c").items()}
    if kind == "thredds":  # addresses stand in the bodies, whose digests name them
        assert len(one) == len(two)
    else:
        assert one == two


def test_a_run_killed_before_its_memory_was_in_place_asks_nothing_twice(tmp_path, monkeypatch):
    with LocalServer(wsgi(oai_app())) as server:
        define(tmp_path / "collections", "c", oai(server))
        with monkeypatch.context() as patch:
            patch.setattr("builder.memory.state.State.commit", Mock(side_effect=KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                run(tmp_path)
        assert (len(server.requests), live(tmp_path, "c")) == (6, {})
        run(tmp_path)
        assert len(server.requests) == 6
    assert len(live(tmp_path, "c")) == LIVE


def test_what_failed_or_was_not_seen_to_its_end_is_asked_again_where_only_that_is_wanted(tmp_path):
    plan = Switch(lambda _n: None)

    def lying(request):
        answer = portal(request)
        return replace(answer, body=answer.body.replace(b'"count": 3', b'"count": 5'))

    portal = wsgi(Portal([make_package(n) for n in range(3)]).app)
    with (
        LocalServer(Faulty(wsgi(oai_app()), plan)) as server,
        LocalServer(lying) as part,
        LocalServer(portal) as good,
    ):
        define(tmp_path / "collections", "down", oai(server))
        define(tmp_path / "collections", "part", ckan(part))
        define(tmp_path / "collections", "good", ckan(good))
        run(tmp_path)
        plan.now = lasting(1, status(503))
        run(tmp_path, only=("down",))
        plan.now = lambda _n: None
        again = run(tmp_path, failed=True)
        assert [one.id for one in again.collections] == ["down", "part"]
        assert [one.id for one in run(tmp_path, failed=True).collections] == ["part"]


def test_an_interrupted_pass_is_too_old_after_half_a_day(tmp_path, monkeypatch):
    plan = Switch(lasting(4, status(503)))
    with LocalServer(Faulty(wsgi(oai_app()), plan)) as server:
        define(tmp_path / "collections", "c", oai(server))
        run(tmp_path)
        plan.now, done = (lambda _n: None), len(server.requests)
        later = datetime.now(UTC) + timedelta(hours=13)
        monkeypatch.setattr(clock, "now", lambda: later)
        run(tmp_path)
        assert len(server.requests) - done == 6


def test_an_ordinary_night_asks_only_for_what_changed(tmp_path):
    portal = Portal(PORTAL)
    with LocalServer(wsgi(portal.app)) as server:
        define(tmp_path / "collections", "c", ckan(server))
        run(tmp_path)
        portal.packages[PORTAL[7]["id"]] = {**PORTAL[7], "title": "Other", "metadata_modified": "2999-01-01T00:00:00"}
        before, done = live(tmp_path, "c"), len(server.requests)
        report = report_of(run(tmp_path), "c")
        asked = server.requests[done:]
    assert (report.counts["changed"], report.counts["packages"], len(asked)) == (1, 1, 2)
    assert asked[0].args["fq"].startswith("metadata_modified:[20")
    assert asked[1].args["rows"] == "0"
    after = live(tmp_path, "c")
    assert {key for key in after if after[key] != before[key]} == {PORTAL[7]["id"]}


def test_a_deleted_package_is_noticed_by_the_number_and_gone_one_night_later(tmp_path):
    portal = Portal(PORTAL)
    with LocalServer(wsgi(portal.app)) as server:
        define(tmp_path / "collections", "c", ckan(server))
        run(tmp_path)
        del portal.packages[PORTAL[7]["id"]]
        run(tmp_path)
        run(tmp_path)
    assert live(tmp_path, "c").keys() == {p["id"] for p in PORTAL} - {PORTAL[7]["id"]}


def test_a_provider_is_asked_from_the_last_answer_less_a_day(tmp_path):
    with LocalServer(wsgi(oai_app())) as server:
        define(tmp_path / "collections", "c", oai(server))
        run(tmp_path)
        done = len(server.requests)
        assert report_of(run(tmp_path), "c").counts["headers"] == 0
        since = server.requests[done].args["from"]
        assert timedelta(hours=23) < datetime.now(UTC) - datetime.fromisoformat(since) < timedelta(hours=25)
        assert len(server.requests) - done == 2  # the list and Identify
        done = len(server.requests)
        run(tmp_path, full=True)
        assert "from" not in server.requests[done].args
        assert len(server.requests) - done == 6
    assert len(live(tmp_path, "c")) == LIVE


@pytest.mark.parametrize(("days", "full"), [(6, False), (7, True), (-1, True)])
def test_everything_is_asked_for_again_after_a_week_or_where_the_clock_was_wrong(tmp_path, monkeypatch, days, full):
    with LocalServer(wsgi(oai_app())) as server:
        define(tmp_path / "collections", "c", oai(server))
        run(tmp_path)
        done = len(server.requests)
        later = datetime.now(UTC) + timedelta(days=days)
        monkeypatch.setattr(clock, "now", lambda: later)
        run(tmp_path)
        assert ("from" not in server.requests[done].args) is full


def test_after_a_night_whose_clock_ran_ahead_a_portal_is_asked_for_everything(tmp_path, monkeypatch):
    portal = Portal(PORTAL)
    with LocalServer(wsgi(portal.app)) as server:
        define(tmp_path / "collections", "c", ckan(server))
        run(tmp_path)
        right = datetime.now(UTC)
        with monkeypatch.context() as wrong:
            wrong.setattr(clock, "now", lambda: right + timedelta(days=3))
            run(tmp_path)
        changed = {**PORTAL[7], "title": "Other", "metadata_modified": f"{right:%Y-%m-%dT%H:%M:%S}"}
        portal.packages[PORTAL[7]["id"]] = changed
        assert report_of(run(tmp_path), "c").counts["changed"] == 1
        assert report_of(run(tmp_path), "c").counts["packages"] == 1, "and then for what changed"


def test_an_unchanged_catalogue_is_not_sent_again(tmp_path):
    with LocalServer(catalogues(conditional=True)) as server:
        define(tmp_path / "collections", "c", crawled(server))
        run(tmp_path)
        before, done = live(tmp_path, "c"), len(server.requests)
        assert run(tmp_path).exit_status == 0
        assert all("if-none-match" in request.headers for request in server.requests[done:])
        assert live(tmp_path, "c") == before
        done = len(server.requests)
        for file in (tmp_path / "state/c/answers").rglob("*"):
            if file.is_file():
                file.write_bytes(file.read_bytes()[:-9])  # damaged: as if it were not there
        assert run(tmp_path).exit_status == 0
        assert not any("if-none-match" in request.headers for request in server.requests[done:])
        done = len(server.requests)
        run(tmp_path, full=True)
        assert not any("if-none-match" in request.headers for request in server.requests[done:])
    assert live(tmp_path, "c") == before


def test_a_source_that_loses_too_much_is_held_back_until_confirmed(tmp_path):
    portal = Portal(PORTAL)
    with LocalServer(wsgi(portal.app)) as server:
        define(tmp_path / "collections", "c", ckan(server, full_every_days=0))
        run(tmp_path)
        for package in PORTAL[:21]:  # a fifth of 105
            del portal.packages[package["id"]]
        assert run(tmp_path).exit_status == 0
        for package in PORTAL[21:38]:  # 17 of 84, one more than a fifth
            del portal.packages[package["id"]]
        held = run(tmp_path)
        assert held.exit_status == 3
        finding = report_of(held, "c").findings[-1]
        assert (finding.code, finding.message) == ("harvest.brake", "17 of 84 records would be withdrawn, 16 may")
        assert len(live(tmp_path, "c")) == 84
        assert run(tmp_path, confirm=("c",)).exit_status == 0
        assert len(live(tmp_path, "c")) == 67
        assert run(tmp_path).exit_status == 0


def test_ten_records_may_always_go_and_a_definition_may_allow_more(tmp_path):
    portal = Portal(PORTAL[:20])
    with LocalServer(wsgi(portal.app)) as server:
        define(tmp_path / "collections", "c", ckan(server, full_every_days=0))
        define(tmp_path / "collections", "d", ckan(server, full_every_days=0, max_loss=0.9))
        run(tmp_path)
        for package in PORTAL[:11]:
            del portal.packages[package["id"]]
        report = run(tmp_path)
        assert [one.failed for one in report.collections] == [True, False]
        portal.packages[PORTAL[0]["id"]] = PORTAL[0]
        assert run(tmp_path).exit_status == 0
    assert len(live(tmp_path, "c")) == 10


def document(number, body=b"<x/>"):
    good = '<d:dc xmlns:d="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:e="http://purl.org/dc/elements/1.1/">'
    good += f"<e:title>Record {number}</e:title></d:dc>"
    return Document(f"r{number}", good.encode() if body == b"<x/>" else body)


def test_a_record_that_is_always_refused_does_not_keep_others_from_going(tmp_path):
    broken = document(1, b"<unknown/>")
    serving = Switch(wsgi(documents_app([document(0), broken, document(2)], "oai_dc")))
    with LocalServer(serving) as server:
        define(tmp_path / "collections", "c", oai(server))
        first = run(tmp_path)
        assert (first.exit_status, set(live(tmp_path, "c"))) == (1, {"r0", "r2"})
        serving.now = wsgi(documents_app([document(0), broken], "oai_dc"))
        run(tmp_path, full=True)
        assert set(live(tmp_path, "c")) == {"r0"}


def test_what_was_refused_is_asked_for_again_though_its_date_is_old(tmp_path):
    serving = Switch(wsgi(documents_app([document(0), document(1, b"<unknown/>")], "oai_dc")))
    with LocalServer(serving) as server:
        define(tmp_path / "collections", "c", oai(server))
        run(tmp_path)
        assert set(json.loads((tmp_path / "state/c/harvest.json").read_bytes())["refused"]) == {"r1"}
        done = len(server.requests)
        run(tmp_path, failed=True)
        assert [request.args["verb"] for request in server.requests[done:]] == ["GetRecord"]
        serving.now = wsgi(documents_app([document(0), document(1)], "oai_dc"))
        assert run(tmp_path).exit_status == 0
        assert set(live(tmp_path, "c")) == {"r0", "r1"}
        done = len(server.requests)
        assert run(tmp_path, failed=True).collections == ()
        assert len(server.requests) == done


def test_a_night_that_failed_is_remembered_with_its_reason(tmp_path):
    plan = Switch(lambda _n: None)
    with LocalServer(Faulty(wsgi(oai_app()), plan)) as server:
        define(tmp_path / "collections", "c", oai(server))
        run(tmp_path)
        plan.now = lasting(1, status(503))
        run(tmp_path)
    with open_state(tmp_path / "state") as state:
        (night,) = recall(state, "c")
    assert (night.outcome, night.reason, night.records) == ("failed", "HTTP status 503", LIVE)


def test_an_answer_with_a_secret_in_it_is_not_kept(tmp_path):
    secret = make_package(1, url="https://me:SECRET@example.org/x")
    plan = Switch(lasting(3, status(503)))
    with LocalServer(Faulty(wsgi(Portal([secret, make_package(2)]).app), plan)) as server:
        define(tmp_path / "collections", "c", ckan(server, page_size=1))
        assert run(tmp_path).exit_status == 0
        plan.now = lasting(1, status(503))
        run(tmp_path)
    for file in (tmp_path / "state").rglob("*"):
        data = file.read_bytes() if file.is_file() else b""
        assert b"SECRET" not in data
        if "answers" in file.parts and data:
            assert b"SECRET" not in zlib.decompress(data.partition(b"\n")[2])


def test_tombstones_take_effect_in_an_ordinary_night(tmp_path):
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    serving = Switch(wsgi(documents_app([document(n) for n in range(3)], "oai_dc")))
    with LocalServer(serving) as server:
        define(tmp_path / "collections", "c", oai(server))
        run(tmp_path)
        gone = Document("r1", None, now)
        serving.now = wsgi(documents_app([document(0), gone, document(2)], "oai_dc"))
        assert report_of(run(tmp_path), "c").counts["gone"] == 1
    assert set(live(tmp_path, "c")) == {"r0", "r2"}
