"""OAI-PMH lists in windows of datestamps: nothing lost, nothing twice, whatever moves and whatever fails."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from builder.definitions.load import load
from builder.definitions.model import OaiPmhSource
from builder.errors import SourceError
from builder.findings import Finding
from builder.harvest import gate_for, open_source
from builder.sources.http import HttpGate, Limits
from builder.sources.oai import OaiSource
from builder.sources.oai.windows import Window, moment, stamp
from builder.sources.protocol import Ask, Record
from tests.harvesting import QUICK, define, kept, live, report_of, run
from tests.servers.dated import DAY, SECOND, Dated, Kept, envelope
from tests.servers.faults import FAULTS, Faulty, lasting, oai_error, once, slow
from tests.servers.local import LocalServer, wsgi
from tests.servers.oai_app import SIZE, deleted, identifier, oai_app

UNITS = {DAY: timedelta(days=1), SECOND: timedelta(seconds=1)}
BEGIN = datetime(2020, 1, 1)  # noqa: DTZ001  (windows are in UTC without saying so)


def source_for(provider, gate=None, **fields):
    words = {"type": "oai-pmh", "url": "http://127.0.0.1/oai", "metadataPrefix": "oai_dc", "windows": 4}
    return OaiSource(OaiPmhSource(**words | fields), gate or provider.gate)


def scan(source, ask=None):
    got = list(source.scan(ask))
    return [r for r in got if isinstance(r, Record)], [f for f in got if isinstance(f, Finding)]


def spread(count, **more):
    """Make records stamped evenly from 2020 to 2024, the last but a month ago."""
    days = [BEGIN + timedelta(days=1580 * number // count, seconds=number) for number in range(count)]
    return {f"r{number:03}": Kept(f"{day.isoformat()}Z", f"t{number}", **more) for number, day in enumerate(days)}


# The windows themselves


@given(
    unit=st.sampled_from(list(UNITS.values())),
    units=st.integers(0, 500),
    parts=st.lists(st.integers(1, 32), min_size=1, max_size=2),
    beyond=st.integers(-100, 100),
    places=st.lists(st.floats(0, 1), max_size=20),
)
def test_every_datestamp_is_in_a_window_and_only_that_between_two_is_in_both(unit, units, parts, beyond, places):
    windows = [Window(BEGIN, BEGIN + units * unit, unit)]
    for number in parts:
        windows = [narrow for window in windows for narrow in window.cut(number)]
    asked = [window.selection for window in windows]
    assert "from" not in asked[0]
    assert "until" not in asked[-1]
    borders = [one["until"] for one in asked[:-1]]
    assert borders == [one["from"] for one in asked[1:]] == sorted(set(borders))
    there = {*borders, stamp(BEGIN + beyond * unit, unit), stamp(BEGIN + (units + beyond) * unit, unit)}
    there |= {stamp(BEGIN + int(place * units) * unit, unit) for place in places}
    there |= {stamp(moment(border) + step * unit, unit) for border in borders for step in (-1, 1)}
    for own in there:
        within = [one for one in asked if one.get("from", "") <= own <= one.get("until", "9")]
        assert len(within) == (2 if own in borders else 1)


@pytest.mark.parametrize("granularity", UNITS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_records_around_the_borders_are_all_read_once(granularity, data):
    """Kept to a fraction of a second, and told and asked for by the second or day."""
    borders = _borders(granularity)
    near = st.builds(
        lambda border, unit, fraction: (
            f"{(moment(border) + timedelta(**{unit[0]: unit[1]})).isoformat(timespec='seconds')}{fraction}Z"
        ),
        st.sampled_from(borders),
        st.sampled_from([("seconds", 0), ("seconds", 1), ("seconds", -1), ("hours", 13), ("days", 1), ("days", -1)]),
        st.sampled_from(["", ".5", ".999"]),
    )
    outside = st.sampled_from(["1970-01-01T00:00:00Z", "2019-12-31T23:59:59Z", "2030-01-01T00:00:00Z"])
    stamps = data.draw(st.lists(near | outside, min_size=12, max_size=40))
    provider = Dated({f"r{n}": Kept(own) for n, own in enumerate(stamps)}, granularity=granularity)
    provider.sized = data.draw(st.booleans())
    source = source_for(provider)
    records, findings = scan(source)
    assert Counter(record.identifier for record in records) == Counter(list(provider.records))
    assert findings == []
    assert source.complete
    assert source.counts["headers"] == len(stamps)


def _borders(granularity):
    """Return where the first windows meet, which does not depend on the records."""
    provider = Dated(spread(40), granularity=granularity)
    scan(source_for(provider))
    borders = [args["until"] for args in provider.begun if "until" in args]
    assert len(borders) >= 7
    return borders


# Whole lists


@pytest.mark.parametrize("windows", [2, 8, 16])
def test_a_real_provider_gives_the_same_as_one_list(windows):
    with LocalServer(wsgi(oai_app())) as server:
        gate = HttpGate([server.host], delay_s=0, connections=windows)
        source = source_for(None, gate, url=f"{server.url}/oai", windows=windows)
        records, findings = scan(source)
        begun = [r.args for r in server.requests if "resumptionToken" not in r.args]
    assert findings == []
    assert sorted(r.identifier for r in records) == [identifier(n) for n in range(SIZE)]
    assert {r.identifier for r in records if r.deleted} == {identifier(n) for n in range(SIZE) if deleted(n)}
    assert source.complete
    assert {key: source.counts[key] for key in ("headers", "deleted")} == {"headers": 250, "deleted": 14}
    assert "complete_list_size" not in source.counts
    assert len([args for args in begun if args["verb"] == "ListRecords"]) == 2 * windows + 2
    assert len([args for args in begun if args["verb"] == "Identify"]) == 1


def test_as_many_lists_as_asked_for_are_read_at_once_and_no_more():
    now, most, lock = [0], [0], threading.Lock()
    provider = Dated(spread(300))

    def busy(request):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= 1
        return provider(request)

    with LocalServer(busy) as server:
        gate = HttpGate([server.host], delay_s=0, connections=16)
        assert len(scan(source_for(None, gate, url=f"{server.url}/oai", windows=6))[0]) == 300
    assert most[0] == 6


def test_a_definition_lifts_the_limit_of_its_host_to_its_windows(tmp_path):
    for windows, at_once in ((1, 2), (2, 2), (8, 8)):
        block = {"type": "oai-pmh", "url": "https://example.org/oai", "metadataPrefix": "oai_dc", "windows": windows}
        define(tmp_path, "c", block)
        definition = load(tmp_path / "c.yaml")
        with open_source(definition, tmp_path, QUICK) as source:
            assert source._provider.gate.connections == at_once
        with gate_for(definition) as gate:
            assert gate.connections == 2  # data files know nothing of it


@pytest.mark.parametrize("windows", [0, 17, "many"])
def test_more_windows_than_a_partner_can_bear_are_refused(windows):
    with pytest.raises(ValidationError, match="windows"):
        source_for(None, object(), windows=windows)


def test_one_list_is_asked_for_unless_windows_are(tmp_path):
    provider = Dated(spread(40))
    scan(source_for(provider, windows=1))
    assert provider.begun == [{"verb": "ListRecords", "metadataPrefix": "oai_dc"}]


def test_a_short_list_takes_no_windows_and_changes_take_none():
    provider = Dated(spread(3))
    assert len(scan(source_for(provider))[0]) == 3
    assert len(provider.begun) == 1
    provider = Dated(spread(40))
    records, _ = scan(source_for(provider), Ask("2022-01-01T00:00:00Z"))
    assert provider.begun == [{"verb": "ListRecords", "metadataPrefix": "oai_dc", "from": "2022-01-01T00:00:00Z"}]
    assert 0 < len(records) < 40


def test_windows_stay_within_those_of_the_definition():
    provider = Dated(spread(60))
    source = source_for(provider, **{"from": "2021-01-01", "until": "2022-12-31"})
    records, findings = scan(source)
    assert {r.identifier for r in records} == {
        name for name, one in provider.records.items() if "2021-01-01" <= one.stamp[:10] <= "2022-12-31"
    }
    assert findings == []
    assert len(provider.begun) > 8
    assert {args["from"][:4] for args in provider.begun} <= {"2021", "2022"}
    assert {args["until"][:4] for args in provider.begun} <= {"2021", "2022"}
    assert all(len(args["from"]) == len(args["until"]) == 10 for args in provider.begun)


def test_what_changed_is_not_asked_for_from_before_the_definition():
    provider = Dated({f"r{n}": Kept(f"2024-06-01T{n % 12:02}:{n:02}:00Z") for n in range(50)})
    source = source_for(provider, **{"from": "2024-06-01T02:00:00Z"})
    records, findings = scan(source)
    assert {r.identifier for r in records} == {n for n, one in provider.records.items() if one.stamp[10:] > "T02"}
    assert findings == []
    assert len(provider.begun) > 4
    assert provider.begun[0]["from"] == "2024-06-01T02:00:00Z"


def test_a_window_that_holds_more_than_its_share_is_cut_again():
    crowded = {f"c{n:03}": Kept(f"2022-05-05T{n // 60:02}:{n % 60:02}:00Z") for n in range(200)}
    provider = Dated({**spread(40), **crowded})
    records, findings = scan(source_for(provider))
    assert len(records) == 240
    assert findings == []
    narrow = [
        args for args in provider.begun if args.get("from", "")[:10] == args.get("until", "")[:10] == "2022-05-05"
    ]
    assert len(narrow) > 2
    assert max(_sizes(provider)) <= 200 // 2


def _sizes(provider):
    """Return how many records each of the lists gave that were read to their end."""
    read = Counter(args["resumptionToken"].rpartition("|")[0] for args in provider.asked if "resumptionToken" in args)
    return [pages * provider.rows for pages in read.values()]


def test_tombstones_and_empty_windows_are_ordinary():
    records = {**spread(30), "gone": Kept("2023-03-03T03:03:03Z", deleted=True)}
    records |= {f"old{n}": Kept(f"2020-01-01T00:00:{n:02}Z") for n in range(30)}
    provider = Dated({name: one for name, one in records.items() if not "2021" < one.stamp < "2023"})
    source = source_for(provider)
    got, findings = scan(source)
    assert {r.identifier: r.deleted for r in got} == {name: name == "gone" for name in provider.records}
    assert findings == []
    assert source.complete
    assert source.bookmark == "2024-05-31T12:00:00Z"
    assert source.counts["complete_list_size"] == len(got)
    assert source.deleted_policy == "persistent"


# What changes meanwhile


def moving(provider, name, when, stamp="2024-06-01T12:00:05Z"):
    """Change a record, once, when a request is made that ``when`` picks."""
    done = []

    def before(args):
        if not done and when(args):
            done.append(args)
            provider.records[name] = Kept(stamp, "changed")

    provider.before = before
    return done


@pytest.mark.parametrize(
    ("stamped", "bookmark"),
    [
        ("2024-06-01T12:00:05Z", None),  # the next pass asks for everything again
        ("2024-05-31T23:00:00Z", "2024-05-31T12:00:00Z"),  # by a clock that is slow
    ],
)
def test_a_record_that_moves_into_the_window_already_read_is_met(stamped, bookmark):
    provider = Dated(spread(120))
    done = moving(provider, "r060", lambda args: args.get("resumptionToken", "").endswith("|2"), stamped)
    forget = provider.before

    def before(args):
        forget(args)
        if done and "resumptionToken" in args:  # the provider lists what is there now, as most do
            for name in provider._lists:
                provider._lists[name] = [own for own in provider._lists[name] if own != "r060"]

    provider.before = before
    source = source_for(provider)
    records, findings = scan(source)
    assert done
    last = next(r for r in reversed(records) if r.identifier == "r060")
    assert b"changed" in last.body
    assert {r.identifier for r in records} == set(provider.records)
    assert provider.asked[-1].get("from", provider.asked[-1].get("resumptionToken", ""))[:20] == "2024-05-31T12:00:00Z"
    assert findings == []  # though the window announced one record less by and by
    assert source.complete
    assert source.bookmark == bookmark


@settings(deadline=None, max_examples=60)
@given(
    moves=st.lists(st.tuples(st.integers(3, 60), st.integers(0, 59)), max_size=8),
    granularity=st.sampled_from(list(UNITS)),
)
def test_of_records_that_change_during_the_pass_the_last_version_counts(moves, granularity):
    provider = Dated(spread(60), granularity=granularity)

    def before(args):
        if args.get("from", args.get("resumptionToken", ""))[:10] == "2024-05-31":
            return  # the last list: what changes from here on is for the next night
        for number, which in moves:
            if number == len(provider.asked):
                provider.records[f"r{which:03}"] = Kept("2024-06-01T12:00:05Z", f"changed {number}")

    provider.before = before
    source = source_for(provider)
    records, findings = scan(source)
    known = {r.identifier: r for r in records}
    assert known.keys() == provider.records.keys()
    for name, one in provider.records.items():
        assert f">{one.title}<".encode() in known[name].body
    assert findings == []
    assert source.complete


def test_a_record_that_is_mended_during_the_pass_is_not_refused():
    provider = Dated(spread(120))
    provider.records["r000"].content = provider.records["r119"].content = ""
    done = moving(provider, "r000", lambda args: "resumptionToken" in args)  # it was on the first page
    records, findings = scan(source_for(provider))
    assert done
    assert "r000" in {r.identifier for r in records}
    assert [f.where for f in findings] == ["r119"]


def test_the_next_pass_begins_where_identify_was_answered():
    provider = Dated(spread(40))

    def before(args):
        provider.now = "2024-06-01T12:00:00Z" if args["verb"] == "Identify" else "2024-06-01T19:00:00Z"

    provider.before = before
    source = source_for(provider)
    scan(source)
    assert source.bookmark == "2024-05-31T12:00:00Z"


def test_what_lies_between_two_windows_is_said_once():
    border = _borders(SECOND)[2]
    provider = Dated({**spread(40), "between": Kept(border, content="")})
    assert [f.where for f in scan(source_for(provider))[1]] == ["between"]
    assert border in {args.get("from") for args in provider.begun}


def test_nothing_that_moves_is_taken_for_withdrawn(tmp_path):
    provider = Dated(spread(120))
    with LocalServer(provider) as server:
        define(tmp_path / "collections", "c", {**block(server), "full_every_days": 0})
        assert run(tmp_path).exit_status == 0
        done = moving(provider, "r060", lambda args: args.get("resumptionToken", "").endswith("|2"))
        provider.now = "2024-06-02T00:00:00Z"
        provider.records.pop("r070")
        second = report_of(run(tmp_path), "c")
    assert done
    assert (second.counts["changed"], second.counts["gone"]) == (1, 1)
    assert len(live(tmp_path, "c")) == 119


# What fails


def block(server, **more):
    words = {"type": "oai-pmh", "url": f"{server.url}/oai", "metadataPrefix": "oai_dc", "windows": 4}
    return {**words, **more}


UNFIT = {"ignores": "outside", "denies": "none of its windows", "refuses": "badArgument"}
FAILURES = {
    "expired token": lambda: oai_error("badResumptionToken")(None, None).body,
    "garbage": lambda: b"<html>Maintenance",
    "another error": lambda: oai_error("undefinedError")(None, None).body,
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_window_that_fails_leaves_everything_as_it_was(tmp_path, failure):
    provider = Dated(spread(120))
    with LocalServer(provider) as server:
        define(tmp_path / "collections", "c", {**block(server), "full_every_days": 0})
        assert run(tmp_path).exit_status == 0
        before = live(tmp_path, "c")
        for number in range(30, 40):
            provider.records.pop(f"r{number:03}")
        provider.before = lambda args: (
            FAILURES[failure]() if args.get("resumptionToken", "").startswith("2022") else None
        )
        second = run(tmp_path)
        assert second.exit_status == 3
        assert report_of(second, "c").failed
        assert live(tmp_path, "c") == before
        provider.before = lambda args: None
        third = report_of(run(tmp_path), "c")
    assert not third.failed
    assert third.counts["gone"] == 10
    assert ("answered_before" in third.counts) == (failure == "garbage")  # the others are answers, which stand


@pytest.mark.parametrize("how", [once, lasting])
@pytest.mark.parametrize("number", [3, 20])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_passes_or_fails_the_whole_pass(fault, number, how):
    provider = Dated(spread(60))
    for one in provider.records.values():
        one.title = "Tromsø"
    with LocalServer(Faulty(provider, how(number, FAULTS[fault]))) as server:
        limits = Limits(tries=2, response_s=0.8 if FAULTS[fault] is slow else 60)
        gate = HttpGate([server.host], delay_s=0, limits=limits, connections=4, sleep=lambda _: None)
        source = source_for(None, gate, url=f"{server.url}/oai")
        records = []
        try:
            records.extend(got for got in source.scan() if isinstance(got, Record))
        except SourceError:
            assert not source.complete
            assert how is lasting or fault == "redirect to another host"
            return
    assert how is once or fault == "bad UTF-8"
    assert source.complete
    assert {r.identifier for r in records} == set(provider.records)
    assert all("Tromsø".encode() in r.body for r in records)


def test_the_next_run_goes_on_with_the_windows_that_are_left(tmp_path):
    provider = Dated(spread(120))
    whole = Dated(spread(120))
    with LocalServer(whole) as server:
        define(tmp_path / "whole" / "collections", "c", block(server))
        run(tmp_path / "whole")
        address = server.url
    provider.before = lambda args: b"broken" if args.get("resumptionToken", "").startswith("2022") else None
    with LocalServer(provider) as server:
        define(tmp_path / "collections", "c", block(server))
        assert run(tmp_path).exit_status == 3
        answered = {tuple(args.items()) for args in provider.asked if not provider.before(args)}
        provider.before, provider.asked = (lambda _args: None), []
        assert run(tmp_path).exit_status == 0
        again = {tuple(args.items()) for args in provider.asked}
    assert len(answered) > 10
    assert again.isdisjoint(answered)
    assert len(again) < len(whole.asked) - 10
    assert _without(kept(tmp_path, "c"), server.url) == _without(kept(tmp_path / "whole", "c"), address)


def _without(files, address):
    return {name: body.replace(address.encode(), b"") for name, body in files.items() if not name.startswith("pass")}


def test_an_expired_token_begins_only_its_window_again():
    provider = Dated(spread(120))
    spoiled = []

    def before(args):
        if not spoiled and args.get("resumptionToken", "").startswith("2022"):
            spoiled.append(args)
            return FAILURES["expired token"]()
        return None

    provider.before = before
    source = source_for(provider)
    records, findings = scan(source)
    assert {r.identifier for r in records} == set(provider.records)
    assert [f.code for f in findings] == ["oai.token-expired"]
    assert source.complete
    assert max(Counter(map(str, provider.begun)).values()) == 2
    assert [n for n in Counter(map(str, provider.begun)).values() if n > 1] == [2]


@pytest.mark.parametrize(
    ("answer", "sized", "word"),
    [
        *((answer, sized, word) for answer, word in UNFIT.items() for sized in (True, False)),
        ("forgets", True, "its windows"),  # without sizes nothing tells of a record that is not of the first page
    ],
)
def test_a_provider_whose_windows_cannot_be_trusted_is_read_as_one_list(answer, sized, word):
    provider = Dated(spread(60), sized=sized)

    def before(args):
        if args["verb"] != "ListRecords" or not {"from", "until"} & args.keys():
            return None
        if answer == "ignores":
            args.pop("from", None)
            args.pop("until", None)
            return None
        if answer == "forgets":
            return (
                envelope(provider.now, '<error code="noRecordsMatch"/>') if args.get("from", "")[:4] == "2023" else None
            )
        return envelope(provider.now, f'<error code="{"badArgument" if answer == "refuses" else "noRecordsMatch"}"/>')

    provider.before = before
    source = source_for(provider)
    records, findings = scan(source)
    assert Counter(r.identifier for r in records) == Counter(list(provider.records))
    assert [f.code for f in findings] == ["oai.windows"]
    assert word in findings[0].message
    assert source.complete
    assert source.counts["headers"] == 60
    assert source.counts.get("complete_list_size") == (60 if sized else None)


@pytest.mark.parametrize("earliest", ["", "soon", "2024-13-01", "2030-01-01"])
def test_a_provider_that_says_nothing_to_make_windows_of_is_read_as_one_list(earliest):
    provider = Dated(spread(60), earliest=earliest)
    source = source_for(provider)
    records, findings = scan(source)
    assert [r.identifier for r in records] == sorted(provider.records)
    assert [f.code for f in findings] == ([] if earliest == "2030-01-01" else ["oai.windows"])
    assert len(provider.begun) == 1
    assert source.complete


@pytest.mark.parametrize("earliest", ["0001-01-01T00:00:00Z", "1970-01-01", "2023-01-01T00:00:00Z"])
def test_an_earliest_datestamp_that_is_wrong_loses_nothing(earliest):
    provider = Dated(spread(60), earliest=earliest)
    source = source_for(provider)
    records, findings = scan(source)
    assert {r.identifier for r in records} == set(provider.records)
    assert findings == []
    assert source.complete


def test_a_provider_without_identify_is_read_as_one_list():
    provider = Dated(spread(60))
    provider.before = lambda args: (
        envelope(provider.now, '<error code="badVerb"/>') if args["verb"] == "Identify" else None
    )
    records, findings = scan(source_for(provider))
    assert len(records) == 60
    assert [f.code for f in findings] == ["oai.identify"]
    assert len(provider.begun) == 1


@pytest.mark.parametrize(
    ("first", "later", "complete"),
    [
        (1, 1, False),
        (-1, -1, False),
        (0, -1, True),  # a record left the window after it was listed
        (1, 0, True),  # and another before
    ],
)
def test_a_window_that_is_not_as_long_as_announced_keeps_absence_from_meaning_withdrawal(first, later, complete):
    provider = Dated(spread(60))

    def before(args):
        if args.get("resumptionToken", args.get("from", ""))[:4] != "2022":
            return None
        more = later if "resumptionToken" in args else first
        whole = envelope(provider.now, provider._content(args))
        return re.sub(rb'Size="(\d+)"', lambda said: b'Size="%d"' % (int(said[1]) + more), whole)

    provider.before = before
    source = source_for(provider)
    records, findings = scan(source)
    assert len(records) == 60
    assert {f.code for f in findings} == (set() if complete else {"oai.list-size"})
    assert source.complete is complete


def test_what_is_said_does_not_depend_on_which_window_comes_first():
    def told(windows, seconds):
        provider = Dated(spread(60))
        for number in (10, 30, 50):
            provider.records[f"r{number:03}"].content = "<x/>"
            provider.records[f"r{number + 1:03}"].content = ""
        provider.records["r052"].content = ""
        day = provider.records["r010"].stamp[:10]  # so much of one day that its window is cut again
        provider.records |= {f"r010-{number}": Kept(f"{day}T12:{number}:00Z") for number in range(10, 60)}
        provider.records["r010-30"].content = ""
        spoiled = set()

        def before(args):
            time.sleep(seconds(len(provider.asked)))
            token = args.get("resumptionToken", "")
            if windows > 1 and token.endswith("|4") and token not in spoiled:
                spoiled.add(token)
                return FAILURES["expired token"]()
            return None

        provider.before = before
        source = source_for(provider, windows=windows)
        found = []
        for got in source.scan():
            time.sleep(seconds(source.counts["headers"]))
            found += [got] if isinstance(got, Finding) else []
        return found, source.counts["headers"]

    one, several = told(1, lambda n: 0), told(4, lambda n: 0)
    assert [f.where for f in one[0]] == ["r010-30", "r011", "r031", "r051", "r052", "r010"]
    assert one == ([f for f in several[0] if f.code != "oai.token-expired"], several[1])
    assert len(several[0]) > 8
    for pace in (lambda n: 0.002 * (n % 3), lambda n: 0.002 * (-n % 5)):
        assert told(4, pace) == several


# Ending early


def threads():
    return {thread for thread in threading.enumerate() if "ThreadPoolExecutor" in thread.name}


@pytest.mark.parametrize("how", ["closed", "raised"])
def test_nothing_goes_on_when_nobody_listens(how):
    before = threads()
    provider = Dated(spread(2000))
    records = source_for(provider).scan()
    for number, _ in enumerate(records):
        if number == 40:
            break
    if how == "closed":
        records.close()
    else:
        with pytest.raises(ValueError, match="consumer"):
            records.throw(ValueError("consumer"))
    assert threads() <= before
    assert len(provider.asked) < 60


def test_a_sample_of_a_list_in_windows_ends(tmp_path):
    before = threads()
    provider = Dated(spread(2000))
    with LocalServer(provider) as server:
        define(tmp_path / "collections", "c", block(server))
        run(tmp_path, sample=30)
    assert threads() <= before
    assert len(live(tmp_path, "c")) == 30
    assert len(provider.asked) < 60


def test_pages_do_not_pile_up_while_they_are_described():
    provider = Dated(spread(2000))
    taken, ahead = 0, 0
    for _ in source_for(provider).scan():
        taken += 1
        if taken % 50 == 0:
            time.sleep(0.002)
        ahead = max(ahead, len(provider.asked) - taken // provider.rows)
    assert taken == 2000
    assert ahead < 100


def test_a_failure_ends_all_windows():
    before = threads()
    provider = Dated(spread(2000))
    provider.before = lambda args: FAILURES["another error"]() if len(provider.asked) == 40 else None
    provider.records["r0000"] = Kept("2019-01-01T00:00:00Z", content="")
    said = []
    with pytest.raises(SourceError, match="undefinedError"):
        said.extend(got.where for got in source_for(provider).scan() if isinstance(got, Finding))
    assert said == ["r0000"]
    assert threads() <= before
    assert len(provider.asked) < 60
