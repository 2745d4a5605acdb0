"""The wanted files against the published ones: what differs, and putting it in place without a half state."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath

import orjson

from builder.errors import IaosError, UsageError

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Published:
    """What the manifest knows of one file: hex SHA-256, size in bytes and media type."""

    sha256: str
    size: int
    media_type: str


UNKNOWN = Published("", 0, "")
"""What is known of a file while a build is about to write or withdraw it."""

Manifest = Mapping[str, Published]
"""Path below the catalogue root → what is published there."""


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


Plan = tuple[Step, ...]


def read_manifest(folder: Path) -> dict[str, Published]:
    """Read the manifest of a catalogue folder; empty where there is none.

    Raises:
        UsageError: The manifest is damaged, or the folder holds files but no manifest.
    """
    file = folder / MANIFEST
    if not file.exists():
        strangers = folder.is_dir() and any(
            p.name != "README.md" and not p.name.startswith(".") for p in folder.iterdir()
        )
        if strangers:
            raise UsageError(
                "the folder is not empty and holds no catalogue of ours", where=str(folder), hint="choose another --out"
            )
        return {}
    try:
        return manifest_of(file.read_bytes())
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as trouble:
        raise UsageError(
            "the manifest is damaged", where=str(file), hint="remove it and the files beside it, then build again"
        ) from trouble


def manifest_of(data: bytes) -> dict[str, Published]:
    """Read what `manifest_bytes` wrote."""
    entries = orjson.loads(data)["files"]
    return {path: Published(e["sha256"], e["size"], e["type"]) for path, e in entries.items()}


def manifest_bytes(manifest: Manifest) -> bytes:
    """Serialise a manifest, sorted by path."""
    files = {
        path: {"sha256": entry.sha256, "size": entry.size, "type": entry.media_type}
        for path, entry in sorted(manifest.items())
    }
    return orjson.dumps({"version": 1, "files": files}, option=orjson.OPT_INDENT_2) + b"\n"


@dataclass
class Tree:
    """Collects the wanted files one at a time; only bytes that differ from the published ones are held.

    They are held in ``staging``, a scratch folder on the same file system as the target, so that
    memory stays flat and applying is a rename.

    Args:
        published: What the target folder holds now.
        staging: Scratch folder for new bytes.
    """

    published: Manifest
    staging: Path
    wanted: dict[str, Published] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    _folders: set[str] = field(default_factory=set)

    def add(self, path: str, data: bytes, media_type: str, reason: str = "") -> None:
        """Want ``data`` at ``path``."""
        entry = Published(sha256(data).hexdigest(), len(data), media_type)
        if self._register(path, entry, reason):
            write_new(str(self._staged(path)), data)

    def add_file(self, path: str, source: Path, media_type: str, reason: str = "") -> None:
        """Want a copy of a local file at ``path``, without reading it into memory."""
        with source.open("rb") as stream:
            entry = Published(file_digest(stream, "sha256").hexdigest(), source.stat().st_size, media_type)
        if self._register(path, entry, reason):
            shutil.copyfile(source, self._staged(path))

    def keep(self, path: str) -> bool:
        """Want what is published at ``path`` now; tell whether there is anything."""
        entry = self.published.get(path, UNKNOWN)
        if entry != UNKNOWN:
            self.wanted[path] = entry
        return entry != UNKNOWN

    def lies(self, path: str, target: Path) -> bool:
        """Tell whether a published file is still in ``target`` with its size."""
        try:
            size = os.stat(f"{target}/{path}").st_size  # noqa: PTH116  (a third of the time, for all files there are)
        except OSError:
            return False
        return size == self.published[path].size

    def stands(self, files: Mapping[str, str]) -> bool:
        """Tell whether files, given as path and SHA-256, are what is published."""
        return all(path in self.published and self.published[path].sha256 == digest for path, digest in files.items())

    def read(self, path: str, target: Path) -> bytes:
        """Return the wanted bytes at ``path``, staged or already in ``target``."""
        staged = self.staging / path
        return staged.read_bytes() if staged.exists() else (target / path).read_bytes()

    def plan(self) -> Plan:
        """Return what has to happen, sorted by path."""
        return tuple(sorted(self._steps()))

    def _steps(self) -> Iterator[Step]:
        for path, entry in self.wanted.items():
            before = self.published.get(path)
            if before is None:
                yield Step(path, Action.ADD, self.reasons.get(path, ""))
            elif before != entry:
                yield Step(path, Action.REPLACE, self.reasons.get(path, ""))
        for path in self.published.keys() - self.wanted.keys():
            yield Step(path, Action.WITHDRAW, "no longer part of the catalogue")

    def _register(self, path: str, entry: Published, reason: str) -> bool:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "\\" in path or path in self.wanted or path == MANIFEST:
            raise IaosError("two outputs for one path, or a path outside the catalogue", where=path)
        self.wanted[path] = entry
        if reason:
            self.reasons[path] = reason
        return self.published.get(path) != entry

    def _staged(self, path: str) -> Path:
        staged = self.staging / path
        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            staged.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(folder)
        return staged


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


def apply(tree: Tree, plan: Plan, target: Path) -> None:
    """Carry out a plan: new files by rank, then withdrawals; the manifest says before that all this is under way.

    Every file appears complete or not at all (rename within one file system). A run that is
    killed leaves old and new files, each complete, and a manifest that vouches for none of
    those it was about to touch: the next run writes or withdraws every one of them.
    """
    if not plan:
        return
    under_way = {step.path: UNKNOWN for step in plan}
    write_atomic(target / MANIFEST, manifest_bytes({**tree.published, **under_way}))
    made = set()
    for step in sorted(plan, key=lambda step: (rank(step.path), step.path)):
        if step.action is not Action.WITHDRAW:
            folder = step.path.rpartition("/")[0]
            if folder not in made:
                (target / folder).mkdir(parents=True, exist_ok=True)
                made.add(folder)
            (tree.staging / step.path).replace(target / step.path)
    withdraw((step.path for step in plan if step.action is Action.WITHDRAW), target)
    os.sync()
    write_atomic(target / MANIFEST, manifest_bytes(tree.wanted))


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


def write_atomic(file: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old or the new content, never a part."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.new")
    with temporary.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
