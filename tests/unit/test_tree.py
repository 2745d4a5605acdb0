"""The tree writes what differs, in an order readers can follow, and never half of anything."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import orjson
import pytest

from builder.errors import IaosError, UsageError
from builder.manifest import read_manifest
from builder.tree import Action, Step, Tree, apply, rank, write_new


def grow(target, staging, files, kept=()):
    tree = Tree(target, staging)
    published = read_manifest(target)
    for path, data in files.items():
        tree.add(path, data, "text/plain")
    assert not kept or tree.take({path: published[path].sha256 for path in kept})
    plan = tuple(tree.plan())
    apply(tree)
    return plan


def contents(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_first_build_adds_and_second_changes_nothing(tmp_path):
    target = tmp_path / "out"
    files = {"a/b.json": b"1", "catalog.json": b"2"}
    first = grow(target, tmp_path / "s1", files)
    stamps = {path: path.stat().st_mtime_ns for path in target.rglob("*")}
    assert [(step.path, step.action) for step in first] == [("a/b.json", Action.ADD), ("catalog.json", Action.ADD)]
    assert grow(target, tmp_path / "s2", files) == ()
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*")} == stamps


def test_the_manifest_tells_of_a_file_that_changed_before_it_was_copied_what_was_copied(tmp_path, monkeypatch):
    source = tmp_path / "source.nc"
    source.write_bytes(b"old" * 1000)

    def copy(file, target):
        source.write_bytes(b"new")
        copied(file, target)

    copied = shutil.copyfile
    monkeypatch.setattr(shutil, "copyfile", copy)
    (tmp_path / "out").mkdir()
    tree = Tree(tmp_path / "out", tmp_path / "staging")
    digest = tree.add_file("data/a.nc", source, "application/x-netcdf")
    apply(tree)
    assert (tmp_path / "out/data/a.nc").read_bytes() == b"new"
    said = read_manifest(tmp_path / "out")["data/a.nc"]
    assert (said.sha256, said.size, digest) == (sha256(b"new").hexdigest(), 3, said.sha256)


def test_a_folder_is_taken_but_for_the_file_that_is_made_with_others(tmp_path):
    target = tmp_path / "out"
    grow(target, tmp_path / "s1", {"p/c/a": b"1", "p/c/iso.xml": b"2", "p/c/iso.xml.gz": b"3", "p/c-d/e": b"4"})
    tree = Tree(target, tmp_path / "s2")
    digest = tree.digest("p/c", "p/c/iso.xml", published=True)
    assert tree.take_folder("p/c", "p/c/iso.xml", digest)
    assert list(tree) == ["p/c/a", "p/c/iso.xml.gz"]
    tree.add("p/c/iso.xml", b"5", "text/plain")
    assert tree.digest("p/c", "p/c/iso.xml") == digest
    assert [(step.path, step.action) for step in tree.plan()] == [
        ("p/c-d/e", Action.WITHDRAW),
        ("p/c/iso.xml", Action.REPLACE),
    ]


def test_a_file_that_is_wanted_otherwise_is_wanted_and_not_twice(tmp_path):
    target = tmp_path / "out"
    grow(target, tmp_path / "s1", {"a": b"1"})
    tree = Tree(target, tmp_path / "s2")
    assert "a" not in tree
    tree.add("a", b"2", "text/plain")
    assert "a" in tree
    with pytest.raises(IaosError, match="two outputs"):
        tree.add("a", b"3", "text/plain")


def test_a_file_that_is_replaced_is_not_taken_as_it_was(tmp_path):
    target = tmp_path / "out"
    grow(target, tmp_path / "s1", {"a": b"1", "b": b"2"})
    published = read_manifest(target)
    tree = Tree(target, tmp_path / "s2")
    tree.add("a", b"3", "text/plain")
    assert not tree.take({path: published[path].sha256 for path in ("a", "b")})
    assert tree.take({"b": published["b"].sha256})
    apply(tree)
    assert (target / "a").read_bytes() == b"3"


def test_changed_kept_and_withdrawn(tmp_path):
    target = tmp_path / "out"
    grow(target, tmp_path / "s1", {"a.json": b"1", "b.json": b"2", "gone/c.json": b"3"})
    plan = grow(target, tmp_path / "s2", {"a.json": b"changed"}, kept=["b.json"])
    assert [(step.path, step.action) for step in plan] == [("a.json", Action.REPLACE), ("gone/c.json", Action.WITHDRAW)]
    left = contents(target)
    assert left.keys() == {"a.json", "b.json", "manifest.json"}
    assert left["a.json"] == b"changed"
    assert orjson.loads(left["manifest.json"])["files"].keys() == {"a.json", "b.json"}
    assert not (target / "gone").exists()


@pytest.mark.parametrize("path", ["/etc/x", "a/../../x", "..", "a\\b", "manifest.json"])
def test_paths_outside_the_catalogue_are_refused(tmp_path, path):
    with pytest.raises(IaosError):
        Tree(tmp_path / "out", tmp_path / "s").add(path, b"", "text/plain")


def test_two_outputs_for_one_path_are_refused(tmp_path):
    tree = Tree(tmp_path / "out", tmp_path / "s")
    tree.add("a", b"1", "text/plain")
    with pytest.raises(IaosError, match="two outputs"):
        tree.add("a", b"2", "text/plain")


def test_a_folder_of_strangers_is_not_touched(tmp_path):
    (tmp_path / "thesis.doc").write_bytes(b"mine")
    with pytest.raises(UsageError, match="no catalogue of ours"):
        read_manifest(tmp_path)


def test_a_damaged_manifest_is_named(tmp_path):
    (tmp_path / "manifest.json").write_bytes(b"{}")
    with pytest.raises(UsageError, match=r"manifest.json.*damaged"):
        read_manifest(tmp_path)


def test_links_never_lead_into_nothing():
    order = [
        "p/c/data/x.nc", "p/c/references/i.json", "p/c/i.json", "p/c/i.html", "p/c/2018/catalog.json",
        "p/c/collection.json", "p/catalog.json", "catalog.json",
    ]  # fmt: skip
    ranks = [rank(path) for path in order]
    assert ranks == sorted(ranks)
    assert rank("p/c/collection.json") < rank("p/catalog.json") < rank("catalog.json")


def test_what_links_lead_to_is_in_place_before_them_and_withdrawn_after(tmp_path, monkeypatch):
    target = tmp_path / "out"
    grow(target, tmp_path / "s1", {"catalog.json": b"1", "p/c/a.json": b"1", "p/c/old.json": b"1"})
    acts = []
    for name in ("replace", "unlink"):
        act = getattr(Path, name)

        def noted(file, *rest, act=act, **options):
            path = Path(*rest or (file,))
            if path.is_relative_to(target):
                acts.append((act.__name__, path.relative_to(target).as_posix()))
            return act(file, *rest, **options)

        monkeypatch.setattr(Path, name, noted)
    new = {"catalog.json": b"2", "p/c/collection.json": b"2", "p/c/new.json": b"2", "p/c/data/x.nc": b"2"}
    grow(target, tmp_path / "s2", {**new, "p/c/a.json": b"1"})
    assert acts == [
        ("replace", "manifest.json"),
        ("replace", "p/c/data/x.nc"),
        ("replace", "p/c/new.json"),
        ("replace", "p/c/collection.json"),
        ("replace", "catalog.json"),
        ("unlink", "p/c/old.json"),
        ("replace", "manifest.json"),
    ]


def test_a_new_file_takes_the_place_of_no_other(tmp_path):
    write_new(f"{tmp_path}/a", b"1")
    with pytest.raises(FileExistsError):
        write_new(f"{tmp_path}/a", b"2")
    assert (tmp_path / "a").read_bytes() == b"1"


def test_interrupted_apply_is_mended_by_the_next(tmp_path):
    target = tmp_path / "out"
    grow(target, tmp_path / "s1", {"a.json": b"1", "catalog.json": b"1"})
    tree = Tree(target, tmp_path / "s2")
    tree.add("a.json", b"2", "text/plain")
    tree.add("catalog.json", b"2", "text/plain")
    half = (Step("a.json", Action.REPLACE),)
    for step in half:
        (tree.staging / step.path).replace(target / step.path)
    assert contents(target)["catalog.json"] == b"1"
    grow(target, tmp_path / "s3", {"a.json": b"2", "catalog.json": b"2"})
    assert {k: v for k, v in contents(target).items() if k != "manifest.json"} == {"a.json": b"2", "catalog.json": b"2"}


OLD = {"a.json": b"1", "leaves/b.json": b"1", "returns/c.json": b"1", "catalog.json": b"1"}
NEW = {"a.json": b"2", "comes/d.json": b"2", "regretted/e.json": b"2", "catalog.json": b"2"}
LATER = {"a.json": b"2", "comes/d.json": b"2", "returns/c.json": b"1", "catalog.json": b"3"}


@pytest.mark.parametrize("before", [{}, OLD])
@pytest.mark.parametrize("after", [NEW, LATER])
def test_a_build_killed_anywhere_is_mended_by_the_next_whatever_that_wants(tmp_path, monkeypatch, before, after):
    for survives in range(20):
        target, acts = tmp_path / f"out{survives}", []
        grow(target, tmp_path / f"old{survives}", before)

        def fatal(act, acts=acts, survives=survives):
            def done(*arguments, **options):
                if len(acts) == survives:
                    raise KeyboardInterrupt
                acts.append(act)
                return act(*arguments, **options)

            return done

        lived = False
        with monkeypatch.context() as patch:
            for name in ("replace", "unlink"):
                patch.setattr(Path, name, fatal(getattr(Path, name)))
            try:
                grow(target, tmp_path / f"killed{survives}", NEW)
                lived = True
            except KeyboardInterrupt:
                pass
        grow(target, tmp_path / f"mended{survives}", after)
        assert {path: data for path, data in contents(target).items() if path != "manifest.json"} == after
        assert read_manifest(target).keys() == after.keys()
        if lived:
            break
    assert lived
    assert survives >= len(NEW)
