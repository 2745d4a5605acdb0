"""What a target remembers of itself under ``_state/``: its objects, those about to go, and how to get back."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from builder.manifest import Published
from builder.publish.headers import RULES

STATE = "_state"
MANIFEST = f"{STATE}/manifest.json.gz"
IN_PROGRESS = f"{STATE}/inprogress.json.gz"
LATEST = f"{STATE}/latest.json"
LOCK = f"{STATE}/lock.json"

UNKNOWN = Published("", 0, "application/octet-stream")
"""An object that an interrupted publication may have written: its bytes are not relied on."""


def build_key(build: int) -> str:
    """Where the manifest of one build is kept."""
    return f"{STATE}/builds/{build:06}.json.gz"


def blob_key(digest: str) -> str:
    """Where the bytes of a replaced object are kept."""
    return f"{STATE}/blobs/{digest}"


@dataclass(frozen=True, slots=True)
class Leaving:
    """An object no document names any more, and when it may be deleted (ISO 8601, UTC)."""

    entry: Published
    due: str


@dataclass(frozen=True, slots=True)
class Build:
    """One publication that changed something: when, how many objects, and which build it brought back (or 0)."""

    published: str
    objects: int
    restored: int = 0


@dataclass(slots=True)
class Bucket:
    """The state of a target.

    Attributes:
        build: Number of the build it shows; 0 where nothing was published.
        rules: Version of the header rules its objects were written with.
        files: Path → object of that build.
        leaving: Path → object that waits for its grace time to end.
        blobs: Digest of kept bytes → the last build that needs them.
        builds: The builds `rollback` can bring back, and the present one.
    """

    build: int = 0
    rules: int = RULES
    files: dict[str, Published] = field(default_factory=dict)
    leaving: dict[str, Leaving] = field(default_factory=dict)
    blobs: dict[str, int] = field(default_factory=dict)
    builds: dict[int, Build] = field(default_factory=dict)

    def present(self, path: str) -> Published | None:
        """Return what lies at a path, whether a document names it or not."""
        left = self.leaving.get(path)
        return left.entry if left else self.files.get(path)


@dataclass(frozen=True, slots=True)
class InProgress:
    """What an interrupted publication may have written and deleted."""

    writes: frozenset[str] = frozenset()
    deletes: frozenset[str] = frozenset()


def bucket_bytes(bucket: Bucket) -> bytes:
    """Serialise and compress; equal buckets give equal bytes."""
    return pack({
        "version": 1,
        "build": bucket.build,
        "rules": bucket.rules,
        "files": {path: _row(entry) for path, entry in bucket.files.items()},
        "leaving": {path: [*_row(left.entry), left.due] for path, left in bucket.leaving.items()},
        "blobs": bucket.blobs,
        "builds": {str(n): [b.published, b.objects, b.restored] for n, b in bucket.builds.items()},
    })  # fmt: skip


def bucket_of(data: bytes) -> Bucket:
    """Read what `bucket_bytes` wrote."""
    said = unpack(data)
    return Bucket(
        said["build"],
        said["rules"],
        {path: _entry(row) for path, row in said["files"].items()},
        {path: Leaving(_entry(row), row[3]) for path, row in said["leaving"].items()},
        said["blobs"],
        {int(n): Build(*row) for n, row in said["builds"].items()},
    )


def in_progress_bytes(writes: Iterable[str], deletes: Iterable[str]) -> bytes:
    """Serialise what is about to be touched."""
    return pack({"writes": sorted(writes), "deletes": sorted(deletes)})


def in_progress_of(data: bytes) -> InProgress:
    """Read what `in_progress_bytes` wrote."""
    said = unpack(data)
    return InProgress(frozenset(said["writes"]), frozenset(said["deletes"]))


def pack(content: Mapping[str, Any]) -> bytes:
    """Write compressed JSON with sorted keys and no time stamp."""
    return gzip.compress(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), compresslevel=2, mtime=0)


def unpack(data: bytes) -> Any:
    """Read compressed JSON, which a website may have uncompressed on the way."""
    return orjson.loads(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)


def _row(entry: Published) -> list[Any]:
    return [entry.sha256, entry.size, entry.media_type]


def _entry(row: list[Any]) -> Published:
    return Published(row[0], row[1], sys.intern(row[2]))
