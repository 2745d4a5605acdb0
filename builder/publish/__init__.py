"""Puts a built catalogue on a folder or object storage, so that a reader never follows a link into nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from builder.errors import PublishError, UsageError
from builder.tree import MANIFEST, Published, manifest_of, rank, read_manifest

if TYPE_CHECKING:
    from builder.progress import Advance

IN_FLIGHT = 64
"""Uploads under way at once."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many objects a publication wrote and deleted, or would."""

    written: int
    deleted: int
    unchanged: int
    target: str
    dry_run: bool

    def summary(self) -> str:
        """Say it in one line."""
        would = "would be " if self.dry_run else ""
        return (
            f"{self.target}: {self.written} {would}written, {self.deleted} {would}deleted, {self.unchanged} unchanged"
        )


def publish(
    folder: Path, target: str, advance: Advance, *, dry_run: bool = False, endpoint: str | None = None
) -> Outcome:
    """Bring a target up to date with a built catalogue.

    The manifest at the target says what is there; only files with another digest are written:
    data first, then items and pages, collections, the root, the manifest, and deletions last. A
    publication that is interrupted leaves the old manifest, and the next one writes the rest.

    Args:
        folder: A catalogue that `iaos build` wrote.
        target: ``file:///folder``, ``s3://bucket/prefix``, or another address obstore knows.
        advance: Called once per object.
        dry_run: Only count.
        endpoint: Address of an S3-compatible server; plain http is allowed then.

    Raises:
        UsageError: The folder is no catalogue, or the target's address is not understood.
        PublishError: The target cannot be read or written.
    """
    wanted = read_manifest(folder)
    if not wanted:
        raise UsageError("no catalogue to publish", where=str(folder), hint="run `iaos build` first")
    store = open_store(target, endpoint)
    present = _present(store, target)
    writes = sorted((path for path, entry in wanted.items() if present.get(path) != entry), key=lambda p: (rank(p), p))
    deletes = sorted(present.keys() - wanted.keys())
    outcome = Outcome(len(writes), len(deletes), len(wanted) - len(writes), target, dry_run)
    if not dry_run and (writes or deletes):
        asyncio.run(_upload(store, folder, wanted, writes, deletes, advance, target))
    return outcome


def open_store(target: str, endpoint: str | None = None) -> Any:
    """Open the object store behind an address.

    Raises:
        UsageError: The address is not understood.
    """
    from obstore.exceptions import BaseError
    from obstore.store import LocalStore, from_url

    try:
        if target.startswith("file://"):
            path = Path(target.removeprefix("file://"))
            path.mkdir(parents=True, exist_ok=True)
            return LocalStore(path)
        if endpoint is None:
            return from_url(target)
        return from_url(target, config={"endpoint": endpoint}, client_options={"allow_http": True})
    except (BaseError, ValueError, OSError) as trouble:
        raise UsageError(
            f"cannot open the target: {str(trouble).splitlines()[0]}",
            where=target,
            hint="use file:///folder or s3://bucket/prefix",
        ) from trouble


def _present(store: Any, target: str) -> dict[str, Published]:
    from obstore import get
    from obstore.exceptions import BaseError

    try:
        return manifest_of(bytes(get(store, MANIFEST).bytes()))
    except FileNotFoundError:
        return {}
    except (BaseError, orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as trouble:
        raise PublishError(
            f"the target's manifest cannot be read: {str(trouble).splitlines()[0]}", where=target
        ) from trouble


async def _upload(
    store: Any,
    folder: Path,
    wanted: dict[str, Published],
    writes: list[str],
    deletes: list[str],
    advance: Advance,
    target: str,
) -> None:
    from obstore import delete_async
    from obstore.exceptions import BaseError

    try:
        for level in sorted({rank(path) for path in writes}):
            await _put_all(store, folder, wanted, [path for path in writes if rank(path) == level], advance)
        await _put(store, MANIFEST, (folder / MANIFEST).read_bytes(), "application/json")
        for start in range(0, len(deletes), 1000):
            await delete_async(store, deletes[start : start + 1000])
    except (BaseError, OSError) as trouble:
        raise PublishError(
            f"writing failed: {str(trouble).splitlines()[0]}",
            where=target,
            hint="publish again; what is there stays readable",
        ) from trouble


async def _put_all(
    store: Any, folder: Path, wanted: dict[str, Published], paths: Iterable[str], advance: Advance
) -> None:
    places = asyncio.Semaphore(IN_FLIGHT)

    async def one(path: str) -> None:
        async with places:
            await _put(store, path, folder / path, wanted[path].media_type)
            advance("publish")

    await asyncio.gather(*(one(path) for path in paths))


async def _put(store: Any, path: str, data: bytes | Path, media_type: str) -> None:
    from obstore import put_async
    from obstore.store import LocalStore

    if isinstance(store, LocalStore):
        await put_async(store, path, data)
    else:
        cache = "public, max-age=60, stale-while-revalidate=600"
        await put_async(store, path, data, attributes={"Content-Type": media_type, "Cache-Control": cache})
