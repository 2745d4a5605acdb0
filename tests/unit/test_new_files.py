"""A run looks into so many new files of a collection as it may; the other new items wait, and nothing else does."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from builder.build import Request, build
from builder.cli import group
from builder.datafiles.readings import Readings
from builder.enrich.inspect import Inspector
from builder.findings import error
from builder.memory.state import open_state
from builder.processing import offers as offering
from tests.servers.ranged import CLOSED, ranged
from tests.unit.test_memo_data import HEAD, grid

NIGHTLY = {"manifest.json", "status.html", "status.json", "changes.ndjson", "changes.html", "changes.atom"}


class Partner:
    """Files of a partner's server, and the catalogue that is made of them."""

    def __init__(self, folder, base, log):
        self.folder, self.base, self.log = folder, base, log

    def define(self, *names, title="Ice", reviewed="", references=True):
        """Describe items, each with a file of its name; a digit has none. One may be in review."""
        host = self.base.removeprefix("http://")
        text = f"{HEAD}source:\n  type: files\n  delay_s: 0\n  fetch_hosts: ['{host}']\n  records:\n"
        for name in names:
            file = "" if name.isdigit() else f"{{href: '{self.base}/{name}.nc', roles: [data]}}"
            text += (
                f"    - id: '{name}'\n      title: {title} {name}\n      description: Told.\n      start: 2020-01-01\n"
                f"      end: 2020-01-02\n      files: [{file}]\n"
            )
        text += "" if references else "policies: {references: false}\n"
        self.write(text + (f"overrides: [{{match: {reviewed}, set: {{status: in-review}}}}]\n" if reviewed else ""))

    def write(self, definition):
        (self.folder / "collections").mkdir(exist_ok=True)
        (self.folder / "collections/ice.yaml").write_text(definition)

    def night(self, new_files=None, out="out", state="state"):
        """Build; return the ids of all items, those with references, those whose file was fetched, and the finding."""
        self.log.clear()
        folders = (self.folder / name for name in ("collections", out, state))
        report = build(Request(*folders, new_files=new_files), lambda _: None)
        published = self.folder / out / "imr/ice"
        items = {file.stem for file in published.glob("?.json")}
        fetched = {
            path[1:-3] for method, path, size in self.log if method == "GET" and size > 8
        }  # 8: whether pages may
        said = [one.message for one in report.collections[0].findings if one.code in {"data.later", "data.waiting"}]
        return items, {one for one in items if any(published.glob(f"references/{one}*"))}, fetched, said

    def tree(self, out, below=""):
        files = (file for file in (self.folder / out).rglob("*") if file.is_file())
        named = {file.relative_to(self.folder / out).as_posix(): file.read_bytes() for file in files}
        return {path: body for path, body in named.items() if path not in NIGHTLY and path.startswith(below)}


@pytest.fixture
def partner(tmp_path):
    (tmp_path / "data").mkdir()
    for day, name in enumerate("abcde", 1):
        grid(tmp_path / "data" / f"{name}.nc", day)
    with ranged(tmp_path / "data") as (base, log):
        yield Partner(tmp_path, base, log)


def as_before(number):
    return [f"{number} items are shown as if their files were as before, until the next runs look into these"]


def waiting(number):
    return [f"{number} new items are shown when their files are looked into, by the next runs"]


def test_nights_go_on_where_the_one_before_stopped_and_end_in_the_same_catalogue(partner):
    partner.define(*"abcde")
    assert partner.night(2) == ({*"ab"}, {*"ab"}, {*"ab"}, waiting(3))
    assert partner.night(2) == ({*"abcd"}, {*"abcd"}, {*"cd"}, waiting(1))
    assert partner.night(2) == ({*"abcde"}, {*"abcde"}, {*"e"}, [])
    assert partner.night(2) == ({*"abcde"}, {*"abcde"}, set(), [])
    partner.night(out="at-once", state="other")
    assert partner.tree("out") == partner.tree("at-once")


def test_files_are_fetched_into_the_state_which_the_next_run_clears_where_a_run_is_killed(partner, monkeypatch):
    partner.define(*"ab")
    monkeypatch.setattr("tempfile.tempdir", str(partner.folder / "no such folder"))
    assert partner.night() == ({*"ab"}, {*"ab"}, {*"ab"}, [])


def test_without_a_bound_all_are_looked_into(partner):
    partner.define(*"abcde")
    assert partner.night() == ({*"abcde"}, {*"abcde"}, {*"abcde"}, [])


def test_items_without_a_file_wait_for_nothing(partner):
    partner.define(*"abc1")
    assert partner.night(1) == ({*"a1"}, {*"a"}, {*"a"}, waiting(2))


def test_local_files_wait_for_nothing(partner):
    partner.write(f"{HEAD}source: {{type: files, path: data}}\n")
    shutil.copytree(partner.folder / "data", partner.folder / "collections/data")
    assert partner.night(1)[3] == []
    assert len(list((partner.folder / "out/imr/ice").rglob("*.nc"))) == 5


def test_what_is_shown_stays_shown_with_what_its_file_said_when_it_changes(partner):
    partner.define(*"abc")
    partner.night()
    partner.define(*"abcde", title="Snow")
    assert partner.night(1, out="1") == ({*"abcd"}, {*"abcd"}, {*"ad"}, [*waiting(1), *as_before(2)])
    assert b"Snow b" in (partner.folder / "1/imr/ice/b.json").read_bytes()
    assert partner.night(1, out="2") == ({*"abcde"}, {*"abcde"}, {*"be"}, as_before(1))
    assert partner.night(1, out="2") == ({*"abcde"}, {*"abcde"}, {*"c"}, [])
    assert partner.night(1, out="2") == ({*"abcde"}, {*"abcde"}, set(), [])
    partner.night(out="at-once", state="other")
    assert partner.tree("2", "imr/") == partner.tree("at-once", "imr/")


def test_a_file_that_changes_with_its_record_waits_for_nothing(partner):
    partner.define(*"abc")
    partner.night()
    partner.define(*"abc", title="Snow")
    grid(partner.folder / "data/c.nc", 9)
    os.utime(partner.folder / "data/c.nc", (1, 1))
    assert partner.night(1) == ({*"abc"}, {*"abc"}, {*"ac"}, as_before(1))


def test_what_waits_is_looked_into_by_a_run_without_a_bound(partner):
    partner.define(*"ab")
    partner.night()
    partner.define(*"ab", title="Snow")
    partner.night(1)
    assert partner.night() == ({*"ab"}, {*"ab"}, {*"b"}, [])


def test_a_run_that_was_killed_after_it_looked_is_mended_without_another_look(partner):
    partner.define(*"ab")
    partner.night()
    partner.define(*"ab", title="Snow")
    partner.night(1)
    memory = partner.folder / "state/ice"
    shutil.copytree(memory, partner.folder / "before")
    partner.night(1)
    shutil.rmtree(memory)
    (partner.folder / "before").rename(memory)
    assert partner.night(1) == ({*"ab"}, {*"ab"}, set(), [])
    partner.night(out="at-once", state="other")
    assert partner.tree("out", "imr/") == partner.tree("at-once", "imr/")


def test_a_host_that_does_not_answer_when_records_change_loses_no_references(partner):
    partner.define(*"ab")
    partner.night()
    partner.define(*"ab", title="Snow")
    (partner.folder / "data" / CLOSED).touch()
    assert partner.night(out="1")[:2] == ({*"ab"}, {*"ab"})
    assert b"Snow b" in (partner.folder / "1/imr/ice/b.json").read_bytes()
    (partner.folder / "data" / CLOSED).unlink()
    assert partner.night(out="1")[:3] == ({*"ab"}, {*"ab"}, {*"ab"})
    partner.night(out="at-once", state="other")
    assert partner.tree("1", "imr/") == partner.tree("at-once", "imr/")


def test_a_file_that_is_gone_when_its_record_changes_has_no_references(partner):
    partner.define(*"ab")
    partner.night()
    partner.define(*"ab", title="Snow")
    (partner.folder / "data/b.nc").unlink()
    assert partner.night()[:2] == ({*"ab"}, {*"a"})


def test_references_that_are_asked_for_later_come_by_and_by(partner):
    partner.define(*"abc1", references=False)
    assert partner.night(1) == ({*"abc1"}, set(), set(), [])
    partner.define(*"abc1")
    nights = [partner.night(1, out=str(night)) for night in range(4)]
    assert [(items, fetched) for items, _, fetched, _ in nights] == [
        ({*"abc1"}, {*some}) for some in ("a", "b", "c", "")
    ]
    assert [referenced for _, referenced, _, _ in nights] == [{*"a"}, {*"ab"}, {*"abc"}, {*"abc"}]
    assert [said for *_, said in nights] == [as_before(2), as_before(1), [], []]
    partner.night(out="at-once", state="other")
    assert partner.tree("3", "imr/") == partner.tree("at-once", "imr/")


def test_a_job_that_keeps_the_state_alone_goes_on_all_the_same(partner):
    partner.define(*"abcde")
    assert [partner.night(2, out=str(night))[0] for night in range(3)] == [{*"ab"}, {*"abcd"}, {*"abcde"}]


def test_files_that_cannot_be_had_do_not_stand_in_the_way(partner):
    partner.define(*"abc")
    (partner.folder / "data/a.nc").unlink()
    nights = [partner.night(1, out=str(night))[:2] for night in range(3)]
    assert nights == [({*"a"}, set()), ({*"ab"}, {*"b"}), ({*"abc"}, {*"bc"})]


def test_files_that_were_tried_in_vain_do_not_take_the_turn_of_others_that_changed(partner):
    partner.define(*"abc")
    partner.night()
    partner.define(*"abc", title="Snow")
    (partner.folder / "data/a.nc").unlink()
    assert [partner.night(1)[2] for _ in range(4)] == [set(), {*"b"}, {*"c"}, set()]


def test_what_is_shown_without_its_file_stays_shown_when_it_changes(partner):
    partner.define(*"bc")
    (partner.folder / "data/c.nc").unlink()
    partner.night(2)
    partner.define(*"abc", title="Snow")
    assert partner.night(1, out="other")[:2] == ({*"abc"}, {*"ab"})


def test_files_that_take_too_long_do_not_stand_in_the_way(partner, monkeypatch):
    partner.define(*"ab")
    looked = Inspector._look

    def slow(self, path, blank, **options):
        late = (error("netcdf.timeout", blank.href, "reading the file took too long"),)
        return replace(blank, findings=late) if "/a.nc" in blank.href else looked(self, path, blank, **options)

    monkeypatch.setattr(Inspector, "_look", slow)
    assert [partner.night(1, out=str(night))[:2] for night in range(2)] == [({*"a"}, set()), ({*"ab"}, {*"b"})]


def test_what_is_not_to_be_shown_does_not_stand_in_the_way(partner):
    partner.define(*"abc", reviewed="a")
    (partner.folder / "data/a.nc").unlink()
    assert [partner.night(1)[0] for _ in range(2)] == [{*"b"}, {*"bc"}]


def test_what_was_looked_into_by_a_run_that_was_killed_counts_no_more(partner):
    partner.define(*"abc")
    partner.night(2)
    shutil.rmtree(partner.folder / "out")
    for file in (partner.folder / "state/ice").iterdir():
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    assert partner.night(1) == ({*"abc"}, {*"abc"}, {*"c"}, [])


def test_processors_are_not_offered_what_waits(partner, monkeypatch):
    partner.define(*"ab")
    partner.night(1)
    readings, read = Readings(), []
    readings.later["ice"] = {"b"}
    monkeypatch.setattr(offering, "read", lambda _, record, inspecting: read.append(record.identifier))
    remembered = SimpleNamespace(recall=lambda entry, taken: None)
    with open_state(partner.folder / "state") as state:
        list(offering.offers(SimpleNamespace(id="ice"), state, None, partner.folder, readings, remembered))
    assert read == ["a"]


@pytest.mark.parametrize(("words", "shown"), [(["--new-files", "2"], "ab"), ([], "abc")])
def test_the_command_passes_the_bound_on(partner, words, shown):
    partner.define(*"abc")
    folders = [word for name in ("collections", "out", "state") for word in (f"--{name}", str(partner.folder / name))]
    done = CliRunner().invoke(group, ["build", *folders, *words])
    assert done.exit_code == 0, done.output
    assert {file.stem for file in (partner.folder / "out/imr/ice").glob("?.json")} == {*shown}
