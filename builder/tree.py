"""The wanted files against the published ones: what differs, and putting it in place without a half state."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from hashlib import file_digest, sha256
from heapq import merge
from itertools import chain
from pathlib import Path, PurePosixPath

from builder.database import Database
from builder.errors import IaosError
from builder.manifest import MANIFEST, UNKNOWN, Published, line_of, manifest_of
from builder.register import KEPT, LAST, LEFT, REPLACED, Register
from builder.room import full_named


class Action(StrEnum):
    """What happens to one path."""

    ADD = "add"
    REPLACE = "replace"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One change of one file, and why."""

    path: str
    action: Action
    reason: str = ""


_TABLE = """
    PRAGMA cache_size = -8000;
    CREATE TABLE differing
        (path TEXT PRIMARY KEY, sha256 TEXT, size INT, type TEXT, reason TEXT, rank INT, action TEXT) WITHOUT ROWID
"""
"""What is wanted and not published so."""


class Tree:
    """Collects the wanted files one at a time; only bytes that differ from the published ones are held.

    They are held in ``staging``, a scratch folder on the same file system as the target, so that
    applying is a rename; which they are is held in a database there, and what is published is read
    from its manifest, so that memory hardly grows with the number of files.

    Args:
        target: The published folder.
        staging: Scratch folder for new bytes.

    Raises:
        UsageError: The target's manifest is damaged, or it holds files but no manifest.
    """

    def __init__(self, target: Path, staging: Path) -> None:
        staging.mkdir(parents=True, exist_ok=True)
        self.target, self.staging = target, staging
        self.published = Register(target, staging)
        self._folders: set[str] = set()
        self.ask = Database(staging, _TABLE).ask

    def add(self, path: str, data: bytes, media_type: str, reason: str = "") -> str:
        """Want ``data`` at ``path``; return its SHA-256."""
        entry = Published(sha256(data).hexdigest(), len(data), media_type)
        if self._register(path, entry, reason):
            write_new(str(self._staged(path)), data)
        return entry.sha256

    def add_file(self, path: str, source: Path, media_type: str, reason: str = "") -> str:
        """Want a copy of a local file at ``path``, without reading it into memory; return its SHA-256."""
        before = source.stat()
        entry = _of_file(source, media_type)
        if self._register(path, entry, reason):
            staged = self._staged(path)
            shutil.copyfile(source, staged)
            after = source.stat()
            if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):  # others may write to it
                entry = _of_file(staged, media_type)
                self.ask("UPDATE differing SET sha256 = ?, size = ? WHERE path = ?", (entry.sha256, entry.size, path))
        return entry.sha256

    def take(self, files: Mapping[str, str]) -> bool:
        """Want files, given as path and SHA-256, as they are published; only if all are, and still lie there."""
        found = self.published.same(files)
        if found is None or not self._there((path, size) for path, _, size in found):
            return False
        for _, position, _ in found:
            self.published.marks[position] = KEPT
        return True

    def take_folder(self, folder: str, but: str, digest: str) -> bool:
        """Want all files below a folder but one as they are published; only if they have this digest and lie there."""
        if self.digest(folder, but, published=True) != digest:
            return False
        spans = [tuple(map(self.published.before, ends)) for ends in _ranges(folder, but)]
        files = chain.from_iterable(self.published.files(*span) for span in spans)
        if not self._there((path, said.size) for path, _, said in files):
            return False
        for first, end in spans:
            self.published.marks[first:end] = bytes([KEPT]) * (end - first)
        return True

    def digest(self, folder: str, but: str, *, published: bool = False) -> str:
        """Return a digest of all files below a folder but one, as wanted or as published."""
        digest = sha256()
        for start, end in _ranges(folder, but):
            span = self.published.before(start), self.published.before(end)
            new = self.rows(start, end)
            for line in self.published.lines(*span) if published else self.published.kept_lines(*span, new):
                digest.update(line)
        return digest.hexdigest()

    def stands(self, path: str, digest: str) -> bool:
        """Tell whether a file with this SHA-256 is published and still lies there."""
        found = self.published.find(path)
        return found is not None and found[1].sha256 == digest and self._there([(path, found[1].size)])

    def is_published(self, path: str) -> bool:
        """Tell whether the target folder holds a file at ``path``."""
        return self.published.find(path) is not None

    def __contains__(self, path: str) -> bool:
        """Tell whether a file is wanted at ``path``."""
        found = self.published.find(path)
        if found is not None:
            return self.published.marks[found[0]] != LEFT
        return self.ask("SELECT 1 FROM differing WHERE path = ?", (path,)).fetchone() is not None

    def __iter__(self) -> Iterator[str]:
        """Yield the paths of the wanted files, sorted."""
        return merge(
            self.published.marked(KEPT), (path for (path,) in self.ask("SELECT path FROM differing ORDER BY path"))
        )

    def read(self, path: str) -> bytes:
        """Return the wanted bytes at ``path``, staged or already in the target."""
        staged = self.staging / path
        return staged.read_bytes() if staged.exists() else (self.target / path).read_bytes()

    def plan(self) -> Plan:
        """Return what has to happen."""
        return Plan(self)

    def _there(self, files: Iterable[tuple[str, int]]) -> bool:
        """Tell whether published files, given as path and size, are still in the target."""
        try:
            with _opened(self.target) as folder:
                return all(os.stat(path, dir_fd=folder).st_size == size for path, size in files)
        except OSError:
            return False

    def _register(self, path: str, entry: Published, reason: str) -> bool:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "\\" in path or path == MANIFEST or path in self:
            raise IaosError("two outputs for one path, or a path outside the catalogue", where=path)
        found = self.published.find(path)
        if found is not None and found[1] == entry and self._there([(path, entry.size)]):
            self.published.marks[found[0]] = KEPT
            return False
        if found is not None:
            self.published.marks[found[0]] = REPLACED
        action = Action.REPLACE if found else Action.ADD
        self.ask("INSERT INTO differing VALUES (?, ?, ?, ?, ?, ?, ?)", (path, *entry, reason, rank(path), action))
        return True

    def rows(self, start: str = "", end: str = LAST) -> Iterator[tuple[str, bytes]]:
        """Yield path and manifest line of those wanted files that are not published so, from one path to another."""
        rows = self.ask(
            "SELECT path, sha256, size, type FROM differing WHERE path >= ? AND path < ? ORDER BY path", (start, end)
        )
        return ((row[0], line_of(*row)) for row in rows)

    def _staged(self, path: str) -> Path:
        staged = self.staging / path
        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            staged.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(folder)
        return staged


@dataclass(frozen=True, eq=False)
class Plan:
    """What has to happen to make the published files the wanted ones; read from the tree, however long it is."""

    tree: Tree

    def __iter__(self) -> Iterator[Step]:
        """Yield the steps, sorted by path."""
        new = self.tree.ask("SELECT path, action, reason FROM differing ORDER BY path")
        gone = (Step(path, Action.WITHDRAW, "no longer part of the catalogue") for path in self.withdraws())
        return merge((Step(path, Action(action), reason) for path, action, reason in new), gone)

    def __len__(self) -> int:
        """Count the steps."""
        differing: int = self.tree.ask("SELECT count(*) FROM differing").fetchone()[0]
        return differing + self.tree.published.marks.count(LEFT)

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of the manifest of what is wanted."""
        published = self.tree.published
        return published.kept_lines(0, len(published.marks), self.tree.rows())

    def under_way(self) -> Iterator[bytes]:
        """Yield the lines of the manifest that vouches for nothing that is about to be touched."""
        published = self.tree.published
        new = ((path, _unknown(path)) for path, _ in self.tree.rows())
        return published.kept_lines(0, len(published.marks), new, _unknown)

    def writes(self) -> Iterator[str]:
        """Yield the paths to write in their order: by rank, then sorted."""
        return (path for (path,) in self.tree.ask("SELECT path FROM differing ORDER BY rank, path"))

    def withdraws(self) -> Iterator[str]:
        """Yield the paths to withdraw, sorted."""
        return self.tree.published.marked(LEFT)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """Open a folder, from which files are found sooner than by their whole path."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)


def _of_file(file: Path, media_type: str) -> Published:
    with file.open("rb") as stream:
        return Published(file_digest(stream, "sha256").hexdigest(), stream.tell(), media_type)


def _ranges(folder: str, but: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return where what lies below a folder begins and ends among sorted paths, in two parts without one file."""
    return (f"{folder}/", but), (f"{but}\0", f"{folder}0")


def _unknown(path: str) -> bytes:
    return line_of(path, *UNKNOWN)


def rank(path: str) -> int:
    """Order of writing: data first, then items and pages, then collections, the root last.

    A reader who follows links from the root during an update then never meets a link to a file
    that is not there yet.
    """
    name = path.rsplit("/", 1)[-1]
    if any(part in f"/{path}" for part in ("/data/", "/references", "/records/", "/explain/", "/static/")):
        return 0
    depth = path.count("/")
    if name in {"collection.json", "catalog.json", "index.html", "datapackage.json"}:
        return max(2, 5 - depth)
    return 5 if depth == 0 else 1


def apply(tree: Tree) -> None:
    """Carry out a plan: new files by rank, then withdrawals; the manifest says before that all this is under way.

    Every file appears complete or not at all (rename within one file system). A run that is
    killed leaves old and new files, each complete, and a manifest that vouches for none of
    those it was about to touch: the next run writes or withdraws every one of them.
    """
    plan, staging, target = tree.plan(), tree.staging, tree.target
    if not len(plan):
        return
    write_atomic(target / MANIFEST, manifest_of(plan.under_way()))
    made = set()
    for path in plan.writes():
        folder = path.rpartition("/")[0]
        if folder not in made:
            (target / folder).mkdir(parents=True, exist_ok=True)
            made.add(folder)
        (staging / path).replace(target / path)
    withdraw(plan.withdraws(), target)
    os.sync()
    write_atomic(target / MANIFEST, manifest_of(plan.lines()))


def withdraw(paths: Iterable[str], target: Path) -> None:
    """Delete files and the folders they leave empty."""
    for path in paths:
        file = target / path
        file.unlink(missing_ok=True)
        for parent in file.parents:
            if parent == target or not parent.is_dir() or any(parent.iterdir()):
                break
            parent.rmdir()


def write_new(file: str, data: bytes) -> None:
    """Write a file that is not there yet, with three calls of the system."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        while data:
            data = data[os.write(handle, data) :]
    finally:
        os.close(handle)


def write_atomic(file: Path, data: bytes | Iterable[bytes]) -> None:
    """Write a file so that a reader sees the old or the new content, never a part."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.new")
    with full_named(file.parent), temporary.open("wb") as stream:
        stream.writelines((data,) if isinstance(data, bytes) else data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
