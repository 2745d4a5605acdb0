"""Puts a built catalogue on a folder or object storage, so that a reader never follows a link into nothing."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from builder import clock
from builder.errors import PublishError, UsageError
from builder.findings import Finding
from builder.manifest import UNKNOWN, read_manifest
from builder.publish import bucket as state
from builder.publish.lock import Lock, acquire
from builder.publish.plan import Plan, Policy, draft, guard, stamp, unrestorable
from builder.publish.probes import cors
from builder.publish.site import Store
from builder.publish.stores import open_store, read, told
from builder.publish.upload import Source, carry_out, from_folder, from_target, put_state

if TYPE_CHECKING:
    from builder.progress import Advance

__all__ = ["Outcome", "Policy", "builds", "cors_findings", "open_store", "publish", "rollback"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many objects a publication wrote and deleted, or would, and which build the target then shows."""

    written: int
    deleted: int
    unchanged: int
    leaving: int
    build: int
    target: str
    dry_run: bool
    lines: tuple[str, ...] = ()

    def summary(self) -> str:
        """Say it in one line."""
        would = "would be " if self.dry_run else ""
        waiting = f"; {self.leaving} more {would}deleted after their grace time" if self.leaving else ""
        return (
            f"{self.target}: {self.written} {would}written, {self.deleted} {would}deleted, "
            f"{self.unchanged} unchanged (build {self.build}){waiting}"
        )


def publish(
    folder: Path,
    target: str,
    advance: Advance,
    *,
    policy: Policy | None = None,
    dry_run: bool = False,
    endpoint: str | None = None,
) -> Outcome:
    """Bring a target up to date with a built catalogue.

    The manifest at the target says what is there; only objects with another digest are written:
    data first, then items and pages, collections, the root, the manifest. What no document names
    any more is deleted after a grace time. A publication that is interrupted is mended by the next.

    Args:
        folder: A catalogue that `iaos build` wrote.
        target: A folder or an address `open_store` understands.
        advance: Called once per object.
        policy: Grace times, what is kept, and how much may vanish.
        dry_run: Only plan.
        endpoint: Address of an S3-compatible server; plain http is allowed then.

    Raises:
        UsageError: The folder is no catalogue, or the target's address is not understood.
        PublishError: The target cannot be read or written, is locked, or too much would vanish.
    """
    wanted = read_manifest(folder)
    if not wanted:
        raise UsageError("no catalogue to publish", where=str(folder), hint="run `iaos build` first")
    if UNKNOWN in wanted.values():
        raise UsageError("the build was interrupted", where=str(folder), hint="run `iaos build` again")
    if (
        "://" not in target.removeprefix("file://")
        and Path(target.removeprefix("file://")).resolve() == folder.resolve()
    ):
        raise UsageError("a catalogue cannot be published onto itself", where=target, hint="choose another folder")
    careful = policy or Policy()
    with _Job.open(target, endpoint, dry_run, make=not dry_run) as job:
        if not careful.allow_deletions:
            job.refuse_others()
        guard(job.before, wanted, careful, target)
        plan = draft(job.before, job.stale, wanted, clock.now(), careful)
        return job.carry_out(plan, from_folder(folder), careful, advance)


def rollback(
    target: str,
    build: int,
    advance: Advance,
    *,
    policy: Policy | None = None,
    dry_run: bool = False,
    endpoint: str | None = None,
) -> Outcome:
    """Show an earlier build again: a publication of its manifest from bytes the target kept.

    Raises:
        UsageError: The build is not kept, whole or in part.
        PublishError: The target cannot be read or written, or is locked.
    """
    careful = policy or Policy()
    with _Job.open(target, endpoint, dry_run) as job:
        kept = read(job.store, state.build_key(build)) if build in job.before.builds else None
        if kept is None:
            known = ", ".join(map(str, sorted(job.before.builds))) or "none"
            raise UsageError(f"build {build} is not kept", where=target, hint=f"kept: {known}")
        wanted = state.bucket_of(kept).files
        plan = draft(job.before, job.stale, wanted, clock.now(), careful, restores=build)
        if lost := unrestorable(plan, job.before, job.stale):
            raise UsageError(
                f"{len(lost)} objects of build {build} are no longer kept, such as {lost[0]}",
                where=target,
                hint="build the catalogue from that commit and publish it",
            )
        return job.carry_out(plan, from_target(job.store, job.before), careful, advance)


def builds(target: str, endpoint: str | None = None) -> list[str]:
    """Describe the builds a target can show, latest first, one line each.

    Raises:
        UsageError: Nothing was published there.
    """
    with told(target, "reading the target"):
        before, _ = _read_state(open_store(target, endpoint), target)
    if not before.builds:
        raise UsageError("nothing was published there", where=target, hint="run `iaos publish` first")
    return [_line(number, before) for number in sorted(before.builds, reverse=True)]


def cors_findings(target: str, endpoint: str | None = None) -> list[Finding]:
    """Tell what pages of other origins lack at an object store; nothing for a folder."""
    store = open_store(target, endpoint)
    with told(target, "signing an address"):
        address = Store(store).address("catalog.json")
    return cors(address, target) if address else []


def _line(number: int, bucket: state.Bucket) -> str:
    build = bucket.builds[number]
    again = f", build {build.restored} again" if build.restored else ""
    here = "  (shown now)" if number == bucket.build else ""
    return f"{number:>6}  {build.published}  {build.objects} objects{again}{here}"


@dataclass(frozen=True, slots=True)
class _Job:
    """One publication under way: the store, its state before, and the lock over it."""

    store: Any
    target: str
    before: state.Bucket
    stale: state.InProgress | None
    lock: Lock | None

    @classmethod
    @contextmanager
    def open(cls, target: str, endpoint: str | None, dry_run: bool, *, make: bool = False) -> Iterator[_Job]:
        store = open_store(target, endpoint, make=make)
        with told(target, "reading the target"):
            lock = None if dry_run else acquire(store, target)
        try:
            with told(target, "reading the target"):
                before, stale = _read_state(store, target)
            yield cls(store, target, before, stale, lock)
        finally:
            if lock:
                with told(target, "giving back the lock"):
                    lock.release()

    def refuse_others(self) -> None:
        """Refuse a place with a website of somebody else, of which nothing could be brought back.

        Raises:
            PublishError: It has a first page, and neither a catalogue nor a memory of one.
        """
        if self.before.build or self.stale is not None:
            return
        with told(self.target, "reading the target"):
            foreign = read(self.store, "index.html") is not None and read(self.store, "catalog.json") is None
        if foreign:
            hint = "choose another folder or prefix; --allow-deletions replaces it"
            raise PublishError("there is a website that is no catalogue", where=self.target, hint=hint)

    def carry_out(self, plan: Plan, source: Source, policy: Policy, advance: Advance) -> Outcome:
        if self.lock is not None:
            with told(self.target, "writing"):
                asyncio.run(self._run(plan, source, self.lock, advance, clock.now(), policy))
        return Outcome(
            len(plan.writes),
            len(plan.deletes),
            len(plan.after.files) - len(plan.writes),
            len(plan.after.leaving),
            plan.after.build,
            self.target,
            self.lock is None,
            tuple(plan.lines(self.before)) if self.lock is None else (),
        )

    async def _run(
        self, plan: Plan, source: Source, lock: Lock, advance: Advance, now: datetime, policy: Policy
    ) -> None:
        if not plan.idle:
            await carry_out(self.store, plan, self.stale, source, lock, advance)
        latest = {
            "build": plan.after.build,
            "objects": len(plan.after.files),
            "published": stamp(now),
            "fresh_until": stamp(now + policy.fresh_for),
        }
        await put_state(self.store, state.LATEST, orjson.dumps(latest, option=orjson.OPT_INDENT_2) + b"\n")


def _read_state(store: Any, target: str) -> tuple[state.Bucket, state.InProgress | None]:
    manifest, note = read(store, state.MANIFEST), read(store, state.IN_PROGRESS)
    try:
        before = state.Bucket() if manifest is None else state.bucket_of(manifest)
        return before, None if note is None else state.in_progress_of(note)
    except (gzip.BadGzipFile, zlib.error, EOFError, orjson.JSONDecodeError, KeyError, TypeError, IndexError) as trouble:
        raise PublishError(
            "what the target remembers of itself is damaged",
            where=f"{target}/{state.STATE}",
            hint=f"remove {state.MANIFEST} and {state.IN_PROGRESS}; the next publication then writes everything anew",
        ) from trouble
