"""The ledger on disk says what a plain dict would, whatever a pass meets, and memory hardly grows with its records."""

from __future__ import annotations

import json
import random
import tracemalloc
from dataclasses import asdict, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.definitions.load import load
from builder.errors import UsageError
from builder.harvest import harvest
from builder.ledger import Change, Entry, Kind, line_of, missing
from builder.memory.known import BLOCK, Known
from builder.memory.met import Met
from builder.memory.state import open_state
from builder.report import RunReport, collection_report
from builder.sources.protocol import Record
from builder.tree import write_new
from tests.harvesting import define

NOW = datetime(2024, 1, 1, tzinfo=UTC)
ROBUST = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=200
)
NAMES = ["a", "aa", 'a"b', "a\\", 'a\\"', "b,", "\uffff", "\U0001f600", 'x":null', '"gone":true', "z\x00", "Ä\n", "é"]
BODY = sha256(b"body").hexdigest()
names = st.sampled_from(NAMES) | st.text("abc", min_size=1, max_size=3)
entries = st.builds(
    Entry, names, st.sampled_from(["ckan", "iso"]), st.sampled_from(["0", BODY]), st.just("a/b"),
    st.sampled_from(["", "u", 'u"gone":true']), st.none() | st.just("2020"), st.sampled_from([(), ("s", "t")]),
    st.booleans(), st.none() | st.just("why"),
)  # fmt: skip
met = st.tuples(names, st.sampled_from(["body", "other", "deleted", "refused"]))


def compact(fields) -> str:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def written(ledger: dict[str, Entry], run: int, arrange=sorted, dumps=None) -> bytes:
    """Write a ledger without the code that is looked at."""
    dumps = dumps or compact
    lines = [
        {key: value for key, value in asdict(one).items() if value not in (None, (), False)} for one in ledger.values()
    ]
    lines = arrange(lines, key=lambda fields: fields["identifier"])
    return "".join(f"{line}\n" for line in [f'{{"run":{run}}}', *map(dumps, lines)]).encode()


def record(identifier: str, body: str) -> Record:
    deleted = body == "deleted"
    return Record(identifier, "ckan", b"" if deleted else body.encode(), "a/b", "u", "2021", deleted, ("s",))


def naive(ledger, events):
    """Say what a pass makes of a ledger: a dict of what each record met means, and the live ones that were not."""
    said = {}
    for identifier, what in events:
        before = ledger.get(identifier)
        one = record(identifier, what)
        now = Entry(identifier, "ckan", one.sha256, "a/b", "u", "2021", ("s",))
        live = before is not None and not before.gone
        if what == "refused":
            said[identifier] = ("refused", None)
        elif what == "deleted" and live:
            gone = replace(before, gone=True, datestamp="2021", reason="withdrawn by the partner")
            said[identifier] = ("gone", gone)
        elif what == "deleted" or (live and (before.sha256, before.format) == (now.sha256, "ckan")):
            said[identifier] = ("same", None)
        else:
            said[identifier] = ("changed" if live else "new", now)
    absent = sorted(key for key, entry in ledger.items() if not entry.gone and key not in said)
    return said, absent


EDITED = {
    "as written": {},
    "shuffled": {"arrange": lambda lines, key: random.Random(1).sample(lines, len(lines))},
    "spaced": {"dumps": json.dumps},
    "spelt out": {"dumps": lambda fields: compact({"gone": False, "reason": None, "sets": [], **fields})},
}


@ROBUST
@given(st.lists(entries, max_size=12), st.lists(met, max_size=12), st.sampled_from(list(EDITED)), st.integers(1, 4))
def test_a_pass_says_what_a_dict_would(tmp_path_factory, monkeypatch, many, events, edited, block):
    monkeypatch.setattr("builder.memory.known.BLOCK", block)
    ledger = {
        entry.identifier: replace(entry, sha256=record("", "body").sha256) if entry.sha256 == "0" else entry
        for entry in many
    }
    folder = tmp_path_factory.mktemp("state")
    (folder / "c").mkdir()
    (folder / "c/ledger.ndjson").write_bytes(written(ledger, 7, **EDITED[edited]))
    said, absent = naive(ledger, events)
    with open_state(folder) as state, state.known("c") as known, Met(known, state.overlay) as this:
        assert (known.run, known.live) == (7, sum(not entry.gone for entry in ledger.values()))
        assert list(state.entries("c")) == [ledger[key] for key in sorted(ledger) if not ledger[key].gone]
        for identifier, what in events:
            if what == "refused":
                this.put(Change(Kind.REFUSED, identifier, "broken"))
            else:
                this.weigh(record(identifier, what))
        assert [entry.identifier for entry in this.unmet()] == absent
        assert this.counts() == {kind.value: sum(one == kind for one, _ in said.values()) for kind in Kind}
        assert this.refused() == {key: "broken" for key, (kind, _) in said.items() if kind == "refused"}
        for entry in this.unmet():
            this.put(missing(entry))
        assert list(this.unmet()) == []
        for key in absent:
            said[key] = ("gone", replace(ledger[key], gone=True, reason="no longer listed by the partner"))
        told = {key: one for key, one in sorted(said.items()) if one[0] in {"new", "changed", "gone"}}
        assert [(change.identifier, (change.kind, change.entry)) for change in this] == list(told.items())
        changes = state.remember("c", known, this)
        assert [(change.identifier, change.kind) for change in changes] == [
            (key, kind) for key, (kind, _) in told.items()
        ]
        assert state.read("c/ledger.ndjson") == written(ledger | {key: entry for key, (_, entry) in told.items()}, 8)


def test_a_ledger_of_many_blocks_is_found_and_written_whole(tmp_path):
    ledger = {
        f"r{n:04}": Entry(f"r{n:04}", "ckan", "0", "a/b", "u" * (n % 90), gone=n % 7 == 0) for n in range(0, 2000, 2)
    }
    (tmp_path / "c").mkdir()
    (tmp_path / "c/ledger.ndjson").write_bytes(written(ledger, 3))
    new = {f"r{n:04}": Entry(f"r{n:04}", "ckan", "1", "a/b", "v") for n in (0, 1, 31, 62, 64, 65, 1001, 1998, 1999)}
    with open_state(tmp_path) as state, state.known("c") as known:
        found = [known.find(f"r{n:04}") for n in range(2001)]
        assert found == [None if n % 2 or n == 2000 else (n // 2, ledger[f"r{n:04}"]) for n in range(2001)]
        state.remember("c", known, [Change(Kind.NEW, key, "", entry) for key, entry in sorted(new.items())])
        assert state.read("c/ledger.ndjson") == written(ledger | new, 4)


LINE = b'{"format":"f","identifier":"a","media_type":"m","sha256":"s","url":"u"}\n'


@pytest.mark.parametrize(
    "data",
    [
        b'{"run": 1}\n{"identifier"',
        b"{}\n",
        b"[1]\n",
        b'{"run":"x"}\n',
        b'{"run":1}\n\n' + LINE,
        b'{"run":1}\n' + LINE + b"5\n",
        b'{"run":1}\n' + LINE + b"[]\n",
        b'{"run":1}\n' + LINE * 40 + LINE[:30],
        b'{"run":1}\n' + LINE.replace(b'"url"', b'"uri"'),
        b'{"run":1}\n' + LINE.replace(b'"url"', b'"more":1,"url"'),
        b'{"run":1}\n' + LINE.replace(b'"a"', b"1"),
        b'{"run":1}\n' + LINE.replace(b'"s"', b'"s","sets":1'),
        b'{"run":1}\n' + LINE.strip() + b"," + LINE.replace(b'"a"', b'"b"'),
    ],
)
def test_a_damaged_ledger_is_named(tmp_path, data):
    (tmp_path / "c").mkdir()
    (tmp_path / "c/ledger.ndjson").write_bytes(data)
    with open_state(tmp_path) as state, pytest.raises(UsageError, match=r"ledger.ndjson.*damaged"):
        state.known("c")


@pytest.mark.parametrize("ends", [b"\r\n", b" \n"])
def test_a_ledger_from_another_editor_is_read(tmp_path, ends):
    (tmp_path / "c").mkdir()
    text = b'{"run":1}\n' + LINE.replace(b'"a"', b'"b"') + LINE + LINE.replace(b'"m"', b'"n"')
    (tmp_path / "c/ledger.ndjson").write_bytes(text.replace(b"\n", ends).rstrip())
    with open_state(tmp_path) as state:
        assert [(one.identifier, one.media_type) for one in state.entries("c")] == [("a", "n"), ("b", "m")]


def test_of_two_lines_of_one_record_the_last_holds_wherever_blocks_end(tmp_path):
    file = tmp_path / "ledger.ndjson"
    entries = [Entry(f"r{number:03}", "ckan", "0" * 64, "a/b", "") for number in range(2 * BLOCK)]
    for place in (1, BLOCK - 1, BLOCK, 2 * BLOCK):
        later = replace(entries[place - 1], sha256="1" * 64)
        file.write_bytes(b'{"run":1}\n' + b"".join(map(line_of, [*entries[:place], later, *entries[place:]])))
        with Known(file, tmp_path) as known:
            assert known.live == len(entries)
            assert [entry for _, entry in known.unmet()] == [*entries[: place - 1], later, *entries[place:]]


def test_there_need_be_no_ledger(tmp_path):
    with open_state(tmp_path) as state, state.known("c") as known:
        assert (known.run, known.live, known.find("a"), list(known.unmet())) == (0, 0, None, [])


class Partner:
    """So many records, of which every hundredth changes each night."""

    complete, bookmark, total = True, None, None

    def __init__(self, size: int) -> None:
        self.size, self.counts, self.nights = size, {}, count()

    def scan(self, ask=None):
        night = next(self.nights)
        for number in range(self.size):
            body = b"%d edition %d" % (number, night if number % 100 == 0 else 0)
            yield Record(f"record-{number * 7919 % self.size:06d}", "ckan", body, "a/b", f"https://x.example/{number}")

    def named(self, identifiers):
        return iter(())


@pytest.fixture
def peaks(tmp_path, monkeypatch):
    """Most memory that two nights of a partner of some size take, each with its report."""

    def store(state, collection, one, **_):  # no path for each, whose parts Python keeps in a table that grows by leaps
        folder = state.overlay / collection / "records" / one.sha256[:2]
        folder.mkdir(parents=True, exist_ok=True)
        write_new(f"{folder}/{one.sha256[2:]}", one.body)

    monkeypatch.setattr("builder.memory.state.State.store", store)
    monkeypatch.setattr("builder.harvest.describe", lambda _: None)

    runs = count()

    def measured(size: int) -> list[int]:
        folder, found, partner = tmp_path / str(next(runs)), [], Partner(size)
        define(folder / "collections", "c", {"type": "ckan", "url": "https://x.example"})
        definition = load(folder / "collections/c.yaml")
        for expected in (size, size // 100):
            tracemalloc.start()
            with open_state(folder / "state") as state:
                done = harvest(definition, partner, state, lambda: None)
                state.commit()
            assert (len(done.changes), done.live) == (expected, size)
            told = collection_report("c", done, partner="p", nights_failed=0, items=0, references=0, findings=())
            report = RunReport(NOW, NOW, (told,))
            assert sum(1 for _ in report.changes_text()) == expected + 1
            assert sum(b'"kind"' in piece for piece in report.to_json()) == expected
            assert report.to_markdown(planned=True)
            found.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        return found

    return measured


def test_memory_hardly_grows_with_the_number_of_records(peaks):
    def each():
        few, many = peaks(2_000), peaks(10_000)
        return max((more - less) / 8_000 for less, more in zip(few, many, strict=True))

    # bytes a record; one that is held takes several hundred; twice, as Python's own table of strings grows by leaps
    assert any(each() < 60 for _ in range(2))
