"""Publishing to a folder: only the difference, grace times, the guard, the lock, kills, and the way back."""

from __future__ import annotations

import asyncio
import errno
import gzip
import json
import os
import random
import re
import shutil
from datetime import timedelta

import pytest

from builder.errors import PublishError, UsageError
from builder.publish import Policy, builds, publish, rollback
from builder.publish.bucket import IN_PROGRESS, in_progress_bytes
from builder.publish.stores import told
from builder.publish.upload import IN_FLIGHT, in_parallel
from builder.publish.verify import verify
from tests.unit.publishing import at, catalogue, contents, ignore, killed, stac

AT_ONCE = Policy(grace_data=timedelta(0), grace_pages=timedelta(0))


@pytest.fixture
def night(monkeypatch):
    at(monkeypatch)
    return lambda **later: at(monkeypatch, **later)


@pytest.fixture
def site(tmp_path, night):
    """A published catalogue of three items: the built folder and the target."""
    source, target = catalogue(tmp_path / "out", stac(3)), tmp_path / "site"
    publish(source, str(target), ignore)
    return source, target


def test_a_folder_becomes_a_copy_and_then_nothing_is_written(site):
    source, target = site
    assert contents(target) == contents(source)
    before = {file: file.stat().st_mtime_ns for file in target.rglob("*") if file.is_file()}
    again = publish(source, f"file://{target}", ignore)
    assert (again.written, again.deleted, again.unchanged, again.build) == (0, 0, len(stac(3)), 1)
    changed = {file.name for file, when in before.items() if file.stat().st_mtime_ns != when}
    assert changed == {"latest.json"}
    assert not (target / "_state/lock.json").exists()
    assert not (target / "_state/inprogress.json.gz").exists()


def test_a_dry_run_shows_each_step_and_writes_nothing(site):
    source, target = site
    before = {file: file.read_bytes() for file in target.rglob("*") if file.is_file()}
    files = stac(2) | {"p/c/new.json": (b"{}", "application/geo+json")}
    outcome = publish(catalogue(source, files), str(target), ignore, dry_run=True)
    assert outcome.lines == (
        "+ p/c/new.json",
        "~ p/c/collection.json",
        ". p/c/data/i002.nc  (deleted after 2026-03-08T02:17:00Z)",
        ". p/c/i002.json  (deleted after 2026-03-02T02:17:00Z)",
    )
    assert {file: file.read_bytes() for file in target.rglob("*") if file.is_file()} == before


def test_the_website_of_somebody_else_is_not_replaced(tmp_path, night):
    source, target = catalogue(tmp_path / "out", stac(1)), tmp_path / "site"
    target.mkdir()
    (target / "index.html").write_text("<h1>Our institute</h1>")
    for dry_run in (True, False):
        with pytest.raises(PublishError, match="a website that is no catalogue"):
            publish(source, str(target), ignore, dry_run=dry_run)
    assert contents(target) == {"index.html": b"<h1>Our institute</h1>"}
    publish(source, str(target), ignore, policy=Policy(allow_deletions=True))
    assert contents(target) == contents(source)
    shutil.rmtree(target / "_state")  # what is lost there is written anew
    assert publish(source, str(target), ignore).written == len(stac(1))


def test_what_only_reads_makes_no_folder(tmp_path, night):
    source, target = catalogue(tmp_path / "out", stac(1)), str(tmp_path / "typo" / "site")
    outcome = publish(source, target, ignore, dry_run=True)
    assert (outcome.written, outcome.build, len(outcome.lines)) == (len(stac(1)), 1, len(stac(1)))
    with pytest.raises(UsageError, match="no such folder"):
        verify(target, ignore)
    with pytest.raises(UsageError, match="nothing was published"):
        builds(target)
    with pytest.raises(UsageError, match="build 3 is not kept"):
        rollback(target, 3, ignore)
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize(
    ("number", "hint"), [(errno.ENOSPC, "make room"), (errno.EROFS, "may be written"), (errno.EACCES, "may be written")]
)
def test_a_folder_that_cannot_be_written_is_said_with_what_helps(number, hint):
    with pytest.raises(PublishError) as said, told("/srv/site", "writing"):
        raise OSError(number, os.strerror(number))
    assert hint in said.value.hint


def test_a_catalogue_whose_build_was_killed_is_not_published(site, monkeypatch):
    source, target = site
    before = contents(target)

    def killed_there(paths, target):
        raise KeyboardInterrupt(target)

    with monkeypatch.context() as patch:
        patch.setattr("builder.tree.withdraw", killed_there)
        with pytest.raises(KeyboardInterrupt):
            catalogue(source, stac(4))
    with pytest.raises(UsageError, match="build was interrupted"):
        publish(source, str(target), ignore)
    assert contents(target) == before


def test_what_is_withdrawn_stays_for_its_grace_time(site, night):
    source, target = site
    catalogue(source, stac(2))
    assert publish(source, str(target), ignore).leaving == 2
    assert (target / "p/c/i002.json").exists()
    night(hours=23)
    assert publish(source, str(target), ignore).deleted == 0
    night(hours=25)
    assert publish(source, str(target), ignore).deleted == 1
    assert not (target / "p/c/i002.json").exists()
    assert (target / "p/c/data/i002.nc").exists()
    night(days=7, minutes=1)
    assert publish(source, str(target), ignore).deleted == 1
    assert contents(target) == contents(source)
    assert publish(source, str(target), ignore).deleted == 0


def test_what_returns_within_its_grace_time_is_not_written_again(site):
    source, target = site
    publish(catalogue(source, stac(2)), str(target), ignore)
    outcome = publish(catalogue(source, stac(3)), str(target), ignore)
    assert (outcome.written, outcome.leaving) == (1, 0)
    assert contents(target) == contents(source)


def test_a_collection_is_not_emptied_by_mistake(tmp_path, night):
    source, target = catalogue(tmp_path / "out", stac(60)), tmp_path / "site"
    publish(source, str(target), ignore)
    before = contents(target)
    catalogue(source, stac(47))
    with pytest.raises(PublishError, match=r"13 of 60 data objects of p/c would vanish.*--allow-deletions"):
        publish(source, str(target), ignore)
    assert contents(target) == before
    assert not (target / "_state/lock.json").exists()
    assert publish(source, str(target), ignore, policy=Policy(share=0.25)).leaving == 26
    publish(catalogue(source, stac(37)), str(target), ignore, policy=Policy(share=0))  # ten are never too many
    assert publish(catalogue(source, stac(1)), str(target), ignore, policy=Policy(allow_deletions=True)).leaving


def test_a_held_lock_is_respected_and_a_dead_one_is_taken_over(site, night):
    source, target = site
    lock = target / "_state/lock.json"
    lock.write_text(json.dumps({"owner": "other:7:ab", "until": "2026-03-01T02:47:00Z"}))
    with pytest.raises(PublishError, match=r"other:7:ab.*until 2026-03-01T02:47:00Z.*_state/lock.json"):
        publish(source, str(target), ignore)
    with pytest.raises(PublishError, match="other:7:ab"):
        rollback(str(target), 1, ignore)
    assert lock.exists()
    publish(source, str(target), ignore, dry_run=True)
    night(minutes=31)
    publish(source, str(target), ignore)
    assert [file.name for file in lock.parent.glob("lock*")] == []


def test_a_publication_whose_lock_was_taken_stops(site, night):
    source, target = site

    def taken(task):
        swapped = target / "_state/swapped"
        swapped.write_text(json.dumps({"owner": "other", "until": "2026-03-01T09:00:00Z"}))
        swapped.replace(target / "_state/lock.json")
        night(minutes=20)

    with pytest.raises(PublishError, match="taken over"):
        publish(catalogue(source, stac(3, version=2)), str(target), taken)
    assert json.loads((target / "_state/lock.json").read_bytes())["owner"] == "other"


def test_a_file_that_changed_since_the_build_is_not_published(site):
    source, target = site
    catalogue(source, stac(3, version=2))
    (source / "p/c/i000.json").write_bytes(b"{broken}")
    with pytest.raises(PublishError, match=r"i000.json.*build again"):
        publish(source, str(target), ignore)


def test_what_is_no_catalogue_or_no_target_is_refused(tmp_path, night):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no catalogue"):
        publish(tmp_path / "empty", str(tmp_path / "site"), ignore)
    source = catalogue(tmp_path / "out", stac(1))
    for target in ("gopher://hole", "https://example.org/arctic", "memory:///"):
        with pytest.raises(UsageError, match="cannot open the target"):
            publish(source, target, ignore)
    with pytest.raises(UsageError, match="onto itself"):
        publish(source, str(source), ignore)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("s3://bucket/iaos", "S3Store"),
        ("gs://bucket/iaos", "GCSStore"),
        ("abfs://container@account.dfs.core.windows.net/iaos", "AzureStore"),
    ],
)
def test_addresses_of_providers_are_understood(target, name):
    from builder.publish import open_store

    store = open_store(target)
    assert type(store).__name__ == name
    assert store.prefix == "iaos"


def test_a_damaged_memory_is_said_in_one_line(site):
    source, target = site
    (target / "_state/manifest.json.gz").write_bytes(b"junk")
    with pytest.raises(PublishError, match=r"_state: .*damaged.*remove"):
        publish(source, str(target), ignore)


def test_a_build_is_brought_back(site, night):
    source, target = site
    first = contents(target)
    night(days=1)
    publish(catalogue(source, stac(2, version=2)), str(target), ignore)
    night(days=9)
    publish(source, str(target), ignore)  # the withdrawn item and its data are deleted by now
    assert not (target / "p/c/data/i002.nc").exists()
    assert [line.split()[0] for line in builds(str(target))] == ["2", "1"]
    dry = rollback(str(target), 1, ignore, dry_run=True)
    assert "+ p/c/data/i002.nc" in dry.lines
    outcome = rollback(str(target), 1, ignore)
    assert contents(target) == first
    assert outcome.build == 3
    assert "build 1 again  (shown now)" in builds(str(target))[0]
    assert publish(source, str(target), ignore).build == 4  # the newest catalogue again
    with pytest.raises(UsageError, match=r"build 9 is not kept \(kept: 1, 2, 3, 4\)"):
        rollback(str(target), 9, ignore)


def test_only_so_many_builds_are_kept_and_nothing_else_stays(site):
    source, target = site
    for version in range(2, 7):
        publish(catalogue(source, stac(3, version)), str(target), ignore, policy=Policy(keep=2))
    assert [line.split()[0] for line in builds(str(target))] == ["6", "5", "4"]
    assert len(list((target / "_state/builds").iterdir())) == 3
    blobs = {file.name for file in (target / "_state/blobs").iterdir()}
    assert len(blobs) == 2 * 4  # root and three items of each of two builds
    publish(source, str(target), ignore, policy=Policy(keep=0))
    assert not (target / "_state/blobs").exists()


def test_what_must_go_for_good_goes_at_once(site):
    source, target = site
    secret = (target / "p/c/data/i002.nc").read_bytes()
    now = Policy(grace_data=timedelta(0), grace_pages=timedelta(0), keep=0)
    publish(catalogue(source, stac(2)), str(target), ignore, policy=now)
    assert all(file.read_bytes() != secret for file in target.rglob("*") if file.is_file())


def test_a_build_whose_bytes_are_gone_is_not_brought_back_by_halves(site, monkeypatch, night):
    source, target = site
    monkeypatch.setattr("builder.publish.plan.KEPT_SIZE", 1000)
    publish(catalogue(source, stac(2)), str(target), ignore)
    night(days=8)
    publish(source, str(target), ignore)
    before = contents(target)
    with pytest.raises(UsageError, match=r"1 objects of build 1 are no longer kept, such as p/c/data/i002.nc"):
        rollback(str(target), 1, ignore)
    assert contents(target) == before


def test_killed_anywhere_it_is_mended_by_the_next(tmp_path, night):
    """Round after round another publication is killed; the next one leaves exactly the tree, and a way back."""
    chance = random.Random(20260301)
    source, target = catalogue(tmp_path / "out", stac(4)), tmp_path / "site"
    publish(source, str(target), ignore)
    deaths = 0
    for version in range(2, 8):
        earlier = contents(target)
        catalogue(source, stac(3 + version % 2, version))
        deaths += killed(source, str(target), chance.choice((1, -1)) * chance.randint(1, 14))
        night(hours=12 * version)  # the dead one's lock has ended
        mended = publish(source, str(target), ignore, policy=AT_ONCE)
        assert contents(target) == contents(source)
        assert publish(source, str(target), ignore).written == 0
        rollback(str(target), mended.build - 1, ignore)
        assert {path: contents(target)[path] for path in earlier} == earlier
        publish(source, str(target), ignore, policy=AT_ONCE)
    assert deaths >= 4
    assert not list(target.rglob("*#*"))
    assert not (target / "_state/inprogress.json.gz").exists()


def test_the_note_of_a_killed_publication_names_what_it_may_have_touched(site):
    source, target = site
    catalogue(source, stac(3, version=2))
    assert killed(source, str(target), 2)
    note = json.loads(gzip.decompress((target / "_state/inprogress.json.gz").read_bytes()))
    assert note["writes"] == ["catalog.json", "p/c/i000.json", "p/c/i001.json", "p/c/i002.json"]


def test_what_a_killed_publication_left_half_written_goes_and_nothing_else(tmp_path, night):
    named = {
        f"p/c/data/{name}": (name.encode(), "application/netcdf") for name in ("ctd", "ctd#12.nc", "b*", "b_#7.nc")
    }
    source, target = catalogue(tmp_path / "out", stac(1) | named), tmp_path / "site"
    publish(source, str(target), ignore)
    halves = [target / "p/c/data/ctd#3", target / "_state/manifest.json.gz#1"]
    for half in halves:
        half.write_bytes(b"half")
    writes = {"p/c/data/ctd", "p/c/data/b*"}
    (target / IN_PROGRESS).write_bytes(in_progress_bytes(writes, set()))
    publish(source, str(target), ignore)
    assert not any(half.exists() for half in halves)
    assert contents(target) == contents(source)


def test_equal_publications_leave_equal_bytes(tmp_path, night):
    """But for the lock, which is gone at the end."""
    for name in ("a", "b"):
        publish(catalogue(tmp_path / f"out-{name}", stac(3)), str(tmp_path / name), ignore)
    states = [
        {str(f.relative_to(tmp_path / n)): f.read_bytes() for f in (tmp_path / n).rglob("*") if f.is_file()}
        for n in "ab"
    ]
    assert states[0] == states[1]
    assert not any(re.search(rb"tmp|site", data) for path, data in states[0].items() if path.endswith("latest.json"))


def test_after_a_failure_no_object_is_begun_and_those_under_way_come_to_their_end():
    begun, ended = [], []

    async def put(number):
        begun.append(number)
        if number == 3:
            raise OSError("no room")
        await asyncio.sleep(0.01)
        ended.append(number)

    with pytest.raises(OSError, match="no room"):
        asyncio.run(in_parallel(put, range(10 * IN_FLIGHT)))
    assert begun == list(range(IN_FLIGHT))
    assert ended == [number for number in begun if number != 3]
