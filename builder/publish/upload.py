"""Carries out a plan against a store: each step leaves the target readable, wherever the process dies."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from glob import escape
from hashlib import file_digest, sha256
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import PublishError
from builder.manifest import Published
from builder.publish import bucket as state
from builder.publish.headers import STATE as NO_STORE
from builder.publish.headers import cache_control, compress, is_compressed
from builder.publish.lock import Lock
from builder.publish.plan import Plan
from builder.publish.stores import is_folder, read
from builder.tree import rank

if TYPE_CHECKING:
    from builder.progress import Advance

IN_FLIGHT = 64
"""Requests under way at once."""

STREAMED = 8 * 1024 * 1024
"""Files from this size on (bytes) are never read into memory as a whole."""

Source = Callable[[str, Published], Awaitable[bytes | Path]]
"""Gives the bytes (or the file) of a path, checked against its digest."""


async def carry_out(
    store: Any, plan: Plan, stale: state.InProgress | None, source: Source, lock: Lock, advance: Advance
) -> None:
    """Write, keep, replace the manifest, delete; in that order.

    A process that dies before the manifest leaves a note of every key it may have touched; the
    next publication writes or deletes those again.
    """
    left = stale or state.InProgress()
    note = state.in_progress_bytes({*plan.writes, *left.writes}, {*plan.deletes, *left.deletes})
    await put_state(store, state.IN_PROGRESS, note)
    _sweep(store, left)

    async def keep(step: tuple[str, str]) -> None:
        digest, path = step
        if not await _kept(store, digest, path, sure=path not in left.writes and path not in left.deletes):
            plan.after.blobs.pop(digest, None)

    async def write(path: str) -> None:
        entry = plan.after.files[path]
        await put_object(store, path, entry, await source(path, entry))
        advance("publish")
        await lock.keep()

    await in_parallel(keep, plan.displaced.items())
    for _, paths in groupby(plan.writes, key=rank):
        await in_parallel(write, paths)
    await _conclude(store, plan)


async def _conclude(store: Any, plan: Plan) -> None:
    if is_folder(store):
        os.sync()
    manifest = state.bucket_bytes(plan.after)
    await put_state(store, state.build_key(plan.after.build), manifest)
    await put_state(store, state.MANIFEST, manifest)
    await _delete(store, plan.deletes)
    await _delete(store, [state.IN_PROGRESS])


async def in_parallel(do: Callable[[Any], Awaitable[None]], things: Iterable[Any]) -> None:
    """Do something with each of many things, a few at a time; after the first failure none is begun any more.

    What is under way then comes to its end first: a store that works on would meet an interpreter that is no more.
    """
    waiting = iter(things)

    async def worker() -> None:
        for thing in waiting:
            await do(thing)

    workers = [asyncio.create_task(worker()) for _ in range(IN_FLIGHT)]
    done, going = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
    deque(waiting, maxlen=0)
    if going:
        await asyncio.wait(going)
    troubles = [trouble for trouble in (one.exception() for one in (*done, *going)) if trouble is not None]
    if troubles:
        raise troubles[0]


async def put_object(store: Any, path: str, entry: Published, data: bytes | Path) -> None:
    """Store an object with the headers of its kind; a folder takes bytes alone."""
    from obstore import put_async

    if is_folder(store):
        await put_async(store, path, data)
        return
    attributes = {"Content-Type": entry.media_type, "Cache-Control": cache_control(path, entry, rank(path))}
    if isinstance(data, bytes) and is_compressed(entry):
        attributes["Content-Encoding"] = "gzip"
        data = compress(data)
    await put_async(store, path, data, attributes=attributes)


async def put_state(store: Any, key: str, data: bytes) -> None:
    """Store something the target remembers."""
    from obstore import put_async

    if is_folder(store):
        await put_async(store, key, data)
        return
    kind = "application/gzip" if key.endswith(".gz") else "application/json"
    await put_async(store, key, data, attributes={"Content-Type": kind, "Cache-Control": NO_STORE})


async def _kept(store: Any, digest: str, path: str, *, sure: bool) -> bool:
    """Keep the present bytes of a path under their digest; tell whether they are kept.

    Bytes are always kept before a path is overwritten, so where an interrupted publication may
    have overwritten it, kept bytes are there already or the path is still untouched.
    """
    from obstore import copy_async, head_async

    key = state.blob_key(digest)
    try:
        if not sure:
            try:
                await head_async(store, key)
            except FileNotFoundError:
                await copy_async(store, path, key)
        else:
            await copy_async(store, path, key)
    except FileNotFoundError:
        return False
    return True


async def _delete(store: Any, keys: list[str]) -> None:
    from obstore import delete_async

    if not is_folder(store):
        for start in range(0, len(keys), 1000):
            await delete_async(store, keys[start : start + 1000])
        return
    for key in keys:
        try:
            await delete_async(store, key)
        except FileNotFoundError:
            continue


def _sweep(store: Any, left: state.InProgress) -> None:
    """Remove the half-written temporary files (``name#number``) that a killed publication left in a folder."""
    if is_folder(store):
        files = (Path(store.prefix) / path for path in left.writes)
        halves = (half for file in files if file.parent.is_dir() for half in file.parent.glob(f"{escape(file.name)}#*"))
        for half in (*halves, *(Path(store.prefix) / state.STATE).rglob("*#*")):
            if half.name.rpartition("#")[2].isdecimal():
                half.unlink(missing_ok=True)


def from_folder(folder: Path) -> Source:
    """Take bytes from a built catalogue."""

    async def take(path: str, entry: Published) -> bytes | Path:
        return (
            await asyncio.to_thread(_take, folder / path, entry)
            if entry.size >= STREAMED
            else _take(folder / path, entry)
        )

    return take


def _take(file: Path, entry: Published) -> bytes | Path:
    try:
        with file.open("rb") as stream:
            data = stream.read() if entry.size < STREAMED else file
            digest = sha256(data).hexdigest() if isinstance(data, bytes) else file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        digest = ""
    if digest != entry.sha256:
        raise PublishError(
            "the file is not what the catalogue's manifest says", where=str(file), hint="build again, then publish"
        )
    return data


def from_target(store: Any, before: state.Bucket) -> Source:
    """Take bytes that the target itself kept."""
    elsewhere = {entry.sha256: path for path, entry in before.files.items()}
    elsewhere |= {left.entry.sha256: path for path, left in before.leaving.items()}

    async def take(path: str, entry: Published) -> bytes | Path:
        return await asyncio.to_thread(_recover, store, path, entry, elsewhere.get(entry.sha256))

    return take


def _recover(store: Any, path: str, entry: Published, other: str | None) -> bytes:
    for key in (state.blob_key(entry.sha256), path, other):
        data = read(store, key) if key else None
        if data is not None and sha256(data).hexdigest() == entry.sha256:
            return data
    raise PublishError("the bytes of that build are not kept", where=path, hint="build it again and publish")
