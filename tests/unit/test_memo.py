"""A record with unchanged inputs is not composed again, and what comes out is the same to the byte."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from builder.build import Request, build
from builder.gathering import compose as composing
from builder.gathering import gather, making
from builder.ledger import Change, Entry, Kind
from builder.memory.state import open_state
from builder.spool import Spool
from tests import synthetic

COUNT = 40
MEMORY = ("synthetic/made.ndjson", "synthetic/made-since.ndjson", "synthetic/made-common.ndjson")


def run(folder: Path, out: str = "out", state: str = "state"):
    return build(Request(folder / "collections", folder / out, folder / state, no_harvest=True), lambda _: None)


def digests(folder: Path):
    files = (file for file in folder.rglob("*") if file.is_file())
    return {f.relative_to(folder).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def from_nothing(folder: Path):
    """Build into another folder from the ledger alone; return the digests of the files."""
    anew = folder / "state-anew"
    shutil.copytree(folder / "state", anew)
    for name in (*MEMORY, "synthetic/whole.json", "synthetic/table.json", "search.json"):
        (anew / name).unlink(missing_ok=True)
    (anew / "collections.json").unlink()
    run(folder, out="anew", state="state-anew")
    return digests(folder / "anew")


def named(name: str, like: int):
    """Return a record of another name."""
    true = synthetic.record(like, 3)
    return replace(true, identifier=name, body=true.body.replace(true.identifier.encode(), name.encode()))


def bodied(name: str, like: int):
    """Return a record under one identifier that now says what another one said."""
    return replace(synthetic.record(like), identifier=name)


def receive(folder: Path, *records, gone=()):
    """Put records into the ledger as a harvest does, and mark some as withdrawn."""
    with open_state(folder / "state") as state:
        with state.known("synthetic") as known:
            changes = []
            for one in records:
                kind = Kind.CHANGED if known.find(one.identifier) else Kind.NEW
                state.store("synthetic", one)
                changes.append(Change(kind, one.identifier, "record differs", Entry.of(one)))
            for name in gone:
                entry = replace(known.find(name)[1], gone=True, reason="withdrawn by the partner")
                changes.append(Change(Kind.GONE, name, "withdrawn by the partner", entry))
            state.remember("synthetic", known, sorted(changes, key=lambda change: change.identifier))
        state.commit()


@pytest.fixture
def built(tmp_path):
    synthetic.write_definition(tmp_path / "collections")
    synthetic.fill(tmp_path / "state", COUNT)
    run(tmp_path)
    return tmp_path


@pytest.fixture
def composed(monkeypatch):
    """Names of the records that are composed, by the true function."""
    seen = []

    def counted(definition, record, *arguments, **named):
        seen.append(record.identifier)
        return composing.compose(definition, record, *arguments, **named)

    monkeypatch.setattr(making, "compose", counted)
    return seen


def test_only_changed_records_are_composed_and_the_tree_equals_one_from_nothing(built, composed):
    synthetic.fill(built / "state", COUNT, changed=2)
    run(built)
    assert composed == ["obs-000000", "obs-000021"]
    (built / "state" / "synthetic" / "made.ndjson").unlink()
    run(built, out="anew")
    assert len(composed) == 2 + COUNT
    assert digests(built / "out") == digests(built / "anew")


def test_only_pages_that_show_what_changed_are_written(built):
    before = digests(built / "out")
    synthetic.fill(built / "state", COUNT, changed=2)
    written = {change.path for change in run(built).plan}
    after = digests(built / "out")
    assert written - {"manifest.json"} == {path for path, digest in after.items() if before.get(path) != digest} - {
        "manifest.json"
    } | (before.keys() - after.keys())
    mine = {f"bench/synthetic/{kind}obs-0000{n}.html" for kind in ("", "embed/") for n in ("00", "21")}
    lists = {"bench/synthetic/index.html", "changes.html", "index.html", "status.html"}
    pages = {path for path in written if path.endswith(".html")}
    assert mine <= pages <= mine | lists


def test_a_night_of_all_kinds_of_news_gives_the_tree_of_a_build_from_nothing(built):
    synthetic.fill(built / "state", COUNT + 3, changed=2, withdrawn=2)
    run(built)
    assert digests(built / "out") == from_nothing(built)
    assert not (built / "out" / "bench" / "synthetic" / "obs-000005.json").exists()
    assert (built / "out" / "bench" / "synthetic" / f"obs-{COUNT + 2:06d}.json").exists()


NEWS = {
    "first": ((synthetic.record(0, 2),), ()),
    "last": ((synthetic.record(COUNT - 1, 2),), ()),
    "about the end of a stretch": (tuple(synthetic.record(n, 2) for n in (6, 7, 20)), ()),
    "two beside each other": ((synthetic.record(10, 2), synthetic.record(11, 2)), ()),
    "one more before all": ((named("a-first", 50),), ()),
    "one more among them": ((named("obs-000010-b", 50),), ("obs-000011",)),
    "withdrawn": ((), ("obs-000000", "obs-000013", f"obs-{COUNT - 1:06d}")),
    "the name of a later one": ((bodied("obs-000003", 25),), ()),
    "the name of an earlier one": ((bodied("obs-000025", 3),), ()),
    "two change names": ((bodied("obs-000003", 25), bodied("obs-000025", 3)), ()),
}


@pytest.mark.parametrize("news", NEWS)
def test_news_at_any_place_gives_the_tree_of_a_build_from_nothing(built, composed, monkeypatch, news):
    monkeypatch.setattr("builder.gathering.memo.STRETCH", 7)
    records, gone = NEWS[news]
    receive(built, *records, gone=gone)
    run(built)
    assert {one.identifier for one in records} <= set(composed)
    assert len(composed) <= len(records) + 1
    assert digests(built / "out") == from_nothing(built)


def test_news_with_lost_and_damaged_files_beside_them_give_the_tree_of_a_build_from_nothing(
    built, composed, monkeypatch
):
    monkeypatch.setattr("builder.gathering.memo.STRETCH", 7)
    receive(built, synthetic.record(9, 2), gone=["obs-000030"])
    folder = built / "out" / "bench" / "synthetic"
    (folder / "obs-000008.html").unlink()
    (folder / "obs-000033.json").write_bytes(b"{}")
    (folder / "explain" / "obs-000034.json").unlink()
    run(built)
    assert composed == ["obs-000008", "obs-000009", "obs-000033", "obs-000034"]
    assert digests(built / "out") == from_nothing(built)


def lines_but(place: int, change):
    return lambda memory: b"".join(
        change(line) if number == place else line for number, line in enumerate(memory.splitlines(keepends=True))
    )


@pytest.mark.parametrize(
    ("damage", "again"),
    [
        (lambda memory: b"", COUNT),
        (lambda memory: b"\xff\0\n" * 3 + b"rubbish", COUNT),
        (lambda memory: memory[: len(memory) // 2], COUNT // 2),
        (lines_but(5, lambda line: line[:-1]), 2),
        (lines_but(5, lambda line: line.replace(b"Profile", b"Profane")), 1),
        (lines_but(5, lambda line: line[:70] + b"\n"), 1),
        (lines_but(5, lambda line: b""), 1),
        (lines_but(5, lambda line: line * 2), 0),
        (lambda memory: b"".join(reversed(memory.splitlines(keepends=True))), COUNT - 1),
    ],
)
def test_a_damaged_memory_costs_no_more_than_time(built, composed, damage, again):
    memory = built / "state" / "synthetic" / "made.ndjson"
    memory.write_bytes(damage(memory.read_bytes()))
    (built / "state" / "synthetic" / "whole.json").unlink()
    before = digests(built / "out")
    run(built)
    assert len(composed) == again
    assert digests(built / "out") == before
    (built / "state" / "synthetic" / "whole.json").unlink()
    run(built)
    assert len(composed) == again


def test_nights_write_what_was_made_since_until_there_is_much_of_it(built, composed, monkeypatch):
    monkeypatch.setattr("builder.gathering.memo.STRETCH", 7)
    first, since, _ = (built / "state" / name for name in MEMORY)
    before, lines, anew = first.read_bytes(), [], []
    for night in range(1, 8):
        news = [synthetic.record(number, night) for number in (9, 9 + night, 20)]
        receive(built, *news, named(f"obs-{night:06d}-b", 60 + night))
        composed.clear()
        run(built)
        assert sorted(composed) == sorted({*(one.identifier for one in news), f"obs-{night:06d}-b"})
        lines.append(since.read_bytes().count(b"\n"))
        anew.append(first.read_bytes() != before)
        before = first.read_bytes()
        if lines[-1] == 0 or night == 7:
            assert digests(built / "out") == from_nothing(built)
            shutil.rmtree(built / "anew")
            shutil.rmtree(built / "state-anew")
    assert lines[:3] == [4, 6, 0]  # the third finds more than an eighth of 40 lines there
    assert [number == 0 for number in lines] == anew
    assert first.read_bytes().count(b"\n") + lines[-1] >= COUNT + 7


def test_what_was_made_since_may_be_lost_or_damaged_and_is_made_again(built, composed):
    receive(built, synthetic.record(3, 2), synthetic.record(9, 2))
    run(built)
    since = built / "state" / MEMORY[1]
    whole = since.read_bytes()
    before = digests(built / "out")
    for body, again in ((b"", 2), (whole[:-5], 1), (b"\xff\n" + whole, 0), (whole + whole, 0)):
        since.write_bytes(body)
        (built / "state" / "synthetic" / "whole.json").unlink()
        composed.clear()
        run(built)
        assert (len(composed), digests(built / "out")) == (again, before)
        assert since.read_bytes() == whole


def test_what_lines_have_in_common_may_be_lost_or_damaged(built, composed):
    common = built / "state" / MEMORY[2]
    whole = common.read_bytes()
    before = digests(built / "out")
    lines = whole.splitlines(keepends=True)
    assert 1 < len(lines) < COUNT + 2
    for body in (b"", b"\xff\n", whole[:-9], whole.replace(b"Author 1", b"Author 2"), b"".join(lines[::2])):
        common.write_bytes(body)
        (built / "state" / "synthetic" / "whole.json").unlink()
        composed.clear()
        run(built)
        assert composed
        assert digests(built / "out") == before
        assert set(common.read_bytes().splitlines(keepends=True)) >= set(lines)
        (built / "state" / "synthetic" / "whole.json").unlink()
        composed.clear()
        run(built)
        assert composed == []


def test_texts_stand_in_their_lines_where_too_many_are_common(built, composed, monkeypatch):
    monkeypatch.setattr("builder.gathering.made.MOST_COMMON", 2)
    for name in MEMORY:
        (built / "state" / name).unlink(missing_ok=True)
    (built / "state" / "synthetic" / "whole.json").unlink()
    run(built)
    assert (built / "state" / MEMORY[2]).read_bytes().count(b"\n") == 2
    composed.clear()
    receive(built, synthetic.record(5, 2))
    run(built)
    assert composed == ["obs-000005"]
    assert digests(built / "out") == from_nothing(built)


def test_what_no_line_has_in_common_any_more_is_forgotten(built):
    common = built / "state" / MEMORY[2]
    before = len(common.read_bytes())
    receive(built, gone=[f"obs-{number:06d}" for number in range(10, COUNT)])
    run(built)
    receive(built, *(synthetic.record(number, 2) for number in range(8)))
    run(built)
    assert len(common.read_bytes()) == before
    receive(built, synthetic.record(9, 2))
    run(built)  # writes the memory anew
    assert len(common.read_bytes()) < before / 2
    assert digests(built / "out") == from_nothing(built)


def test_a_record_that_is_as_it_was_before_the_last_night_is_made_again(built, composed):
    before = digests(built / "out")
    for edition in (1, 0):
        receive(built, synthetic.record(5, edition))
        composed.clear()
        run(built)
        assert composed == ["obs-000005"]
    after = digests(built / "out")
    item = "bench/synthetic/obs-000005.json"
    assert after[item] == before[item]
    assert after == from_nothing(built)
    composed.clear()
    run(built)
    assert composed == []


def test_a_night_without_news_composes_and_writes_nothing(built, composed):
    assert (list(run(built).plan), composed) == ([], [])


def test_findings_of_records_that_have_not_changed_are_reported_again(built, composed):
    doubtful = synthetic.record(7, 2)
    doubtful = replace(doubtful, body=doubtful.body.replace(b'"spatial","value":"', b'"spatial","value":"?'))
    receive(built, doubtful)
    first = run(built)
    receive(built, synthetic.record(20, 2))
    assert run(built).collections[0].findings == first.collections[0].findings != ()
    assert composed == ["obs-000007", "obs-000020"]


def test_files_of_records_that_have_not_changed_count_for_the_data_package(built, monkeypatch):
    package = built / "out" / "bench" / "synthetic" / "datapackage.json"
    assert b"obs-000001" in package.read_bytes()
    monkeypatch.setattr(gather, "MOST_RESOURCES", COUNT)  # each record has two files
    receive(built, synthetic.record(20, 2))
    run(built)
    assert b"obs-000001" not in package.read_bytes()


def test_a_collection_without_news_is_not_gone_through_and_says_the_same(built, monkeypatch):
    synthetic.fill(built / "state", COUNT, changed=2)
    first = run(built)
    before = digests(built / "out")
    gone_through = []
    monkeypatch.setattr(gather.Gatherer, "_go_through", gone_through.append)
    (built / "out" / "status.json").write_bytes(b"")  # made from other things, and not the collection's
    second = run(built)
    assert (gone_through, [step.path for step in second.plan]) == ([], ["status.json"])
    assert (second.collections[0].items, second.collections[0].findings) == (COUNT, first.collections[0].findings)
    assert digests(built / "out") == before


@pytest.mark.parametrize("name", ["obs-000001.json", "obs-000002.html", "items.parquet"])
def test_a_collection_of_which_a_file_is_missing_is_gone_through(built, monkeypatch, name):
    seen = []
    true = gather.Gatherer._go_through
    monkeypatch.setattr(gather.Gatherer, "_go_through", lambda *a, **k: (seen.append(1), true(*a, **k)))
    (built / "out" / "bench" / "synthetic" / name).unlink()
    run(built)
    assert seen == [1]


DAMAGES = (
    lambda memory: b"rubbish",
    lambda memory: b"[1]",
    lambda memory: memory[:-5],
    lambda memory: memory.replace(b"a", b"b"),
    lambda memory: memory.replace(b"0", b"1"),
)


def test_a_damaged_memory_of_what_is_made_of_all_together_costs_no_more_than_time(built):
    before = digests(built / "out")
    whole, *others = (
        built / "state" / name
        for name in ("synthetic/whole.json", "synthetic/table.json", "search.json", "collections.json")
    )
    for memory in (whole, *others):
        said = memory.read_bytes()
        for damage in DAMAGES:
            memory.write_bytes(damage(said))
            if memory.name == "table.json":
                whole.unlink()
            assert list(run(built).plan) == []
            assert memory.read_bytes() == said
    assert digests(built / "out") == before


def test_changes_are_told_again_when_a_collection_is_taken_over(built):
    before = (built / "out" / "changes.ndjson").read_bytes()
    assert before.count(b"\n") == COUNT
    run(built)
    assert (built / "out" / "changes.ndjson").read_bytes() == before


def test_a_run_killed_before_its_files_were_in_place_is_mended(built):
    synthetic.fill(built / "state", COUNT, changed=3)
    run(built, out="elsewhere")  # the state knows what was made, the first folder has not got it
    run(built)
    assert digests(built / "out") == digests(built / "elsewhere")


def test_another_definition_composes_all(built, composed):
    file = built / "collections" / "synthetic.yaml"
    file.write_text(file.read_text().replace("Invented datasets", "Made-up datasets"))
    run(built)
    assert len(composed) == COUNT


def test_another_program_composes_all(built, composed, monkeypatch):
    monkeypatch.setattr("builder.gathering.memo.maker", lambda: "another")
    run(built)
    assert len(composed) == COUNT


def test_a_damaged_item_is_composed_again(built, composed):
    (built / "out" / "bench" / "synthetic" / "obs-000003.json").write_bytes(b"{}")
    run(built)
    assert composed == ["obs-000003"]


def test_files_that_may_change_without_their_record_are_looked_at_every_time(built, composed):
    file = built / "collections" / "synthetic.yaml"
    file.write_text(file.read_text().replace("references: false", "references: true"))
    run(built)
    run(built)
    assert len(composed) == 2 * COUNT


def test_a_spool_is_a_list(tmp_path):
    spool = Spool(tmp_path)
    assert (len(spool), spool[:5], spool.lines([])) == (0, [], b"")
    for number in range(5):
        spool.append({"n": number})
    assert [entry["n"] for entry in spool] == [0, 1, 2, 3, 4]
    assert spool[::2] == [{"n": 0}, {"n": 2}, {"n": 4}]
    assert (spool[-1], spool.lines([3, 1])) == ({"n": 4}, b'{"n":3}\n{"n":1}\n')
    with pytest.raises(IndexError):
        spool[5]
