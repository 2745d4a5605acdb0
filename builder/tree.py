"""The wanted files against the published ones: what differs, and putting it in place without a half state."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from builder.errors import IaosError
from builder.manifest import MANIFEST, Published, Row, damaged, manifest_lines, rows


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


_TABLES = """
    PRAGMA journal_mode = off;
    PRAGMA synchronous = off;
    PRAGMA locking_mode = exclusive;
    PRAGMA temp_store = file;
    PRAGMA cache_size = -8000;
    CREATE TABLE published (path TEXT PRIMARY KEY, sha256 TEXT, size INT, type TEXT, kept INT) WITHOUT ROWID;
    CREATE TABLE differing
        (path TEXT PRIMARY KEY, sha256 TEXT, size INT, type TEXT, reason TEXT, rank INT) WITHOUT ROWID;
    CREATE VIEW wanted AS SELECT path, sha256, size, type FROM published WHERE kept
        UNION ALL SELECT path, sha256, size, type FROM differing;
    CREATE VIEW gone AS SELECT path FROM published WHERE NOT kept AND path NOT IN (SELECT path FROM differing);
    CREATE VIEW steps AS
        SELECT path, CASE WHEN path IN (SELECT path FROM published) THEN 'replace' ELSE 'add' END AS action, reason
        FROM differing
        UNION ALL SELECT path, 'withdraw', 'no longer part of the catalogue' FROM gone;
    CREATE VIEW under_way AS
        SELECT path, sha256, size, type FROM published WHERE kept
        UNION ALL SELECT path, '', 0, '' FROM published WHERE NOT kept
        UNION ALL SELECT path, '', 0, '' FROM differing WHERE path NOT IN (SELECT path FROM published);
    BEGIN;
"""
"""What is published, with whether it is wanted as it is; what is wanted and not published so; what follows from it."""


class Tree:
    """Collects the wanted files one at a time; only bytes that differ from the published ones are held.

    They are held in ``staging``, a scratch folder on the same file system as the target, so that
    applying is a rename; what is published and wanted is held in a database there, so that memory
    does not grow with the number of files.

    Args:
        target: The published folder.
        staging: Scratch folder for new bytes.

    Raises:
        UsageError: The target's manifest is damaged, or it holds files but no manifest.
    """

    def __init__(self, target: Path, staging: Path) -> None:
        staging.mkdir(parents=True, exist_ok=True)
        self.target, self.staging = target, staging
        self._folders: set[str] = set()
        self._base = sqlite3.connect(staging / ".files", isolation_level=None)
        self._base.executescript(_TABLES)
        try:
            self._base.executemany("INSERT INTO published VALUES (?, ?, ?, ?, 0)", rows(target))
        except sqlite3.IntegrityError as trouble:
            raise damaged(target) from trouble
        except sqlite3.Error as trouble:
            raise _full(trouble) from trouble

    def add(self, path: str, data: bytes, media_type: str, reason: str = "") -> str:
        """Want ``data`` at ``path``; return its SHA-256."""
        entry = Published(sha256(data).hexdigest(), len(data), media_type)
        if self._register(path, entry, reason):
            write_new(str(self._staged(path)), data)
        return entry.sha256

    def add_file(self, path: str, source: Path, media_type: str, reason: str = "") -> str:
        """Want a copy of a local file at ``path``, without reading it into memory; return its SHA-256."""
        with source.open("rb") as stream:
            entry = Published(file_digest(stream, "sha256").hexdigest(), source.stat().st_size, media_type)
        if self._register(path, entry, reason):
            shutil.copyfile(source, self._staged(path))
        return entry.sha256

    def take(self, files: Mapping[str, str]) -> bool:
        """Want files, given as path and SHA-256, as they are published; only if all are, and still lie there."""
        paths = (orjson.dumps(list(files)).decode(),)
        if self.ask("SELECT 1 FROM differing WHERE path IN (SELECT value FROM json_each(?))", paths).fetchone():
            return False
        of_these = "SELECT path, sha256, size FROM published WHERE path IN (SELECT value FROM json_each(?))"
        found = self.ask(of_these, paths).fetchall()
        if len(found) < len(files) or not all(files[path] == digest for path, digest, _ in found):
            return False
        if not all(self._lies(path, size) for path, _, size in found):
            return False
        self.ask("UPDATE published SET kept = 1 WHERE path IN (SELECT value FROM json_each(?))", paths)
        return True

    def take_folder(self, folder: str, but: str, digest: str) -> bool:
        """Want all files below a folder but one as they are published; only if they have this digest and lie there."""
        if self.digest(folder, but, published=True) != digest:
            return False
        below = (f"{folder}/", f"{folder}0", but)
        for path, size in self.ask("SELECT path, size FROM published WHERE path > ? AND path < ? AND path <> ?", below):
            if not self._lies(path, size):
                return False
        self.ask("UPDATE published SET kept = 1 WHERE path > ? AND path < ? AND path <> ?", below)
        return True

    def digest(self, folder: str, but: str, *, published: bool = False) -> str:
        """Return a digest of all files below a folder but one, as wanted or as published."""
        there = "SELECT path, sha256 FROM published WHERE path > ? AND path < ? AND path <> ? ORDER BY path"
        wanted = "SELECT path, sha256 FROM wanted WHERE path > ? AND path < ? AND path <> ? ORDER BY path"
        digest = sha256()
        for path, known in self.ask(there if published else wanted, (f"{folder}/", f"{folder}0", but)):
            digest.update(f"{path}\0{known}\n".encode())
        return digest.hexdigest()

    def stands(self, path: str, digest: str) -> bool:
        """Tell whether a file with this SHA-256 is published and still lies there."""
        found = self.ask("SELECT size FROM published WHERE path = ? AND sha256 = ?", (path, digest)).fetchone()
        return found is not None and self._lies(path, found[0])

    def is_published(self, path: str) -> bool:
        """Tell whether the target folder holds a file at ``path``."""
        return self.ask("SELECT 1 FROM published WHERE path = ?", (path,)).fetchone() is not None

    def __contains__(self, path: str) -> bool:
        """Tell whether a file is wanted at ``path``."""
        return self.ask("SELECT 1 FROM wanted WHERE path = ?", (path,)).fetchone() is not None

    def __iter__(self) -> Iterator[str]:
        """Yield the paths of the wanted files, sorted."""
        return (path for path, *_ in self.ask("SELECT * FROM wanted ORDER BY path"))

    def read(self, path: str) -> bytes:
        """Return the wanted bytes at ``path``, staged or already in the target."""
        staged = self.staging / path
        return staged.read_bytes() if staged.exists() else (self.target / path).read_bytes()

    def plan(self) -> Plan:
        """Return what has to happen."""
        return Plan(self)

    def _lies(self, path: str, size: int) -> bool:
        """Tell whether a published file is still in the target with its size."""
        try:
            return os.stat(f"{self.target}/{path}").st_size == size  # noqa: PTH116  (a third of the time)
        except OSError:
            return False

    def _register(self, path: str, entry: Published, reason: str) -> bool:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "\\" in path or path == MANIFEST or path in self:
            raise IaosError("two outputs for one path, or a path outside the catalogue", where=path)
        if self._lies(path, entry.size):
            same = "UPDATE published SET kept = 1 WHERE path = ? AND sha256 = ? AND size = ? AND type = ?"
            if self.ask(same, (path, *entry)).rowcount:
                return False
        self.ask("INSERT INTO differing VALUES (?, ?, ?, ?, ?, ?)", (path, *entry, reason, rank(path)))
        return True

    def ask(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
        """Ask the database of published and wanted files."""
        try:
            return self._base.execute(sql, values)
        except sqlite3.Error as trouble:
            raise _full(trouble) from trouble

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
        return (
            Step(path, Action(action), reason)
            for path, action, reason in self.tree.ask("SELECT * FROM steps ORDER BY path")
        )

    def __len__(self) -> int:
        """Count the steps."""
        return int(self.tree.ask("SELECT count(*) FROM steps").fetchone()[0])

    def rows(self) -> Iterator[Row]:
        """Yield the manifest of what is wanted."""
        return iter(self.tree.ask("SELECT * FROM wanted ORDER BY path"))

    def under_way(self) -> Iterator[Row]:
        """Yield the manifest that vouches for nothing that is about to be touched."""
        return iter(self.tree.ask("SELECT * FROM under_way ORDER BY path"))

    def writes(self) -> Iterator[str]:
        """Yield the paths to write in their order: by rank, then sorted."""
        return (path for (path,) in self.tree.ask("SELECT path FROM differing ORDER BY rank, path"))

    def withdraws(self) -> Iterator[str]:
        """Yield the paths to withdraw, sorted."""
        return (path for (path,) in self.tree.ask("SELECT path FROM gone ORDER BY path"))


def _full(trouble: sqlite3.Error) -> OSError:
    """Say what went wrong with the scratch database as what it is: no room on the disk, or a broken one."""
    return OSError(f"the scratch folder cannot be used: {trouble}")


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
    write_atomic(target / MANIFEST, manifest_lines(plan.under_way()))
    made = set()
    for path in plan.writes():
        folder = path.rpartition("/")[0]
        if folder not in made:
            (target / folder).mkdir(parents=True, exist_ok=True)
            made.add(folder)
        (staging / path).replace(target / path)
    withdraw(plan.withdraws(), target)
    os.sync()
    write_atomic(target / MANIFEST, manifest_lines(plan.rows()))


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
    with temporary.open("wb") as stream:
        stream.writelines((data,) if isinstance(data, bytes) else data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
