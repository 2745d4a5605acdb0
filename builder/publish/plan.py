"""What a publication has to write, keep for a while and delete; pure, so that `--dry-run` shows the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from builder.errors import PublishError
from builder.manifest import Manifest, Published
from builder.publish.bucket import (
    UNKNOWN,
    Bucket,
    Build,
    InProgress,
    Leaving,
    blob_key,
    build_key,
)
from builder.publish.headers import RULES
from builder.tree import rank

KEPT_SIZE = 16 * 1024 * 1024
"""Replaced and deleted objects up to this size (bytes) are kept for `rollback`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How careful a publication is.

    Attributes:
        grace_data: How long data stay after the last document named them.
        grace_pages: The same for documents and pages.
        keep: How many earlier builds `rollback` can bring back.
        share: Part of a collection's documents or data that may vanish at once (when more than ``at_least``).
        at_least: Fewer vanishing objects than this never count as a mistake.
        allow_deletions: Publish whatever vanishes.
        fresh_for: How long the result may be called current; `verify` tells when it no longer is.
    """

    grace_data: timedelta = timedelta(days=7)
    grace_pages: timedelta = timedelta(days=1)
    keep: int = 7
    share: float = 0.2
    at_least: int = 10
    allow_deletions: bool = False
    fresh_for: timedelta = timedelta(hours=36)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of one publication.

    Attributes:
        writes: Paths to put, in order of rank.
        displaced: Digest → path whose present bytes are kept before they are overwritten or deleted.
        deletes: Keys to delete at the end.
        after: The target's state once all is done.
        stale: An interrupted publication left its mark.
    """

    writes: list[str]
    displaced: dict[str, str]
    deletes: list[str]
    after: Bucket
    stale: bool
    changed: bool

    @property
    def idle(self) -> bool:
        """Tell whether there is nothing to do."""
        return not (self.writes or self.deletes or self.stale or self.changed)

    def lines(self, before: Bucket) -> Iterator[str]:
        """Say each step in a line: ``+`` new, ``~`` replaced, ``-`` deleted now, ``.`` deleted later."""
        for path in self.writes:
            yield f"{'~' if before.present(path) else '+'} {path}"
        for path in self.deletes:
            yield f"- {path}"
        for path, left in self.after.leaving.items():
            yield f". {path}  (deleted after {left.due})"


def draft(
    before: Bucket, stale: InProgress | None, wanted: Manifest, now: datetime, policy: Policy, *, restores: int = 0
) -> Plan:
    """Compare what is wanted with what is there.

    Args:
        before: The target's state.
        stale: What an interrupted publication may have touched: written again or deleted again.
        wanted: What the target shall show.
        now: The present time.
        policy: Grace times and what is kept.
        restores: The build that ``wanted`` comes from, for a rollback.
    """
    unsure = stale or InProgress()
    fresh = before.rules == RULES
    writes = [
        path for path, entry in wanted.items()
        if before.present(path) != entry or not fresh or path in unsure.writes or path in unsure.deletes
    ]  # fmt: skip
    leaving, due = _leaving(before, unsure, wanted, now, policy)
    changed = before.files != wanted or not before.build
    after = Bucket(before.build + changed, RULES, dict(wanted), leaving, dict(before.blobs), dict(before.builds))
    if changed:
        after.builds[after.build] = Build(stamp(now), len(wanted), restores)
    displaced = _displaced(before, [*writes, *due]) if policy.keep else {}
    after.blobs.update(dict.fromkeys(displaced, before.build))
    forgotten = _forget(after, after.build - 1 - policy.keep)
    needed = {*map(blob_key, after.blobs), *map(build_key, after.builds)}
    deletes = {*due, *forgotten} - needed
    return Plan(
        sorted(writes, key=lambda path: (rank(path), path)),
        displaced,
        sorted(deletes),
        after,
        stale is not None,
        changed or leaving != before.leaving,
    )


def _leaving(
    before: Bucket, unsure: InProgress, wanted: Manifest, now: datetime, policy: Policy
) -> tuple[dict[str, Leaving], list[str]]:
    leaving = dict(before.leaving)
    for path, entry in before.files.items():
        if path not in wanted:
            leaving[path] = Leaving(entry, stamp(now + _grace(path, policy)))
    for path in sorted(unsure.writes):
        known = leaving.get(path)
        leaving[path] = Leaving(UNKNOWN, known.due if known else stamp(now + _grace(path, policy)))
    due = unsure.deletes | {path for path, left in leaving.items() if left.due <= stamp(now)}
    left = {path: leaving[path] for path in sorted(leaving.keys() - due - wanted.keys())}
    return left, sorted(due - wanted.keys())


def _displaced(before: Bucket, paths: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in paths:
        entry = before.present(path)
        if entry is not None and entry.sha256 and entry.size <= KEPT_SIZE:
            found.setdefault(entry.sha256, path)
    return found


def _forget(after: Bucket, last: int) -> list[str]:
    """Drop the builds up to ``last`` and the bytes only they need; return the keys to delete."""
    builds = [build for build in after.builds if build <= last]
    blobs = [digest for digest, build in after.blobs.items() if build <= last]
    for build in builds:
        del after.builds[build]
    for digest in blobs:
        del after.blobs[digest]
    return [*map(build_key, builds), *map(blob_key, blobs)]


def guard(before: Bucket, wanted: Manifest, policy: Policy, target: str) -> None:
    """Refuse to empty a collection by mistake.

    Raises:
        PublishError: More of a collection's documents or data would vanish than the policy allows.
    """
    if policy.allow_deletions:
        return
    lost = Counter(_group(path) for path in before.files.keys() - wanted.keys())
    if not any(count > policy.at_least for count in lost.values()):
        return
    had = Counter(_group(path) for path in before.files)
    for group, count in sorted(lost.items()):
        if count > policy.at_least and count > policy.share * had[group]:
            raise PublishError(
                f"{count} of {had[group]} {group[1]} of {group[0]} would vanish",
                where=target,
                hint="nothing was written; if that is right, publish with --allow-deletions",
            )


def _group(path: str) -> tuple[str, str]:
    parts = path.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else "the root", "data objects" if rank(path) == 0 else "documents"


def _grace(path: str, policy: Policy) -> timedelta:
    return policy.grace_data if rank(path) == 0 else policy.grace_pages


def stamp(moment: datetime) -> str:
    """Write a moment so that text order is time order."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def unrestorable(plan: Plan, before: Bucket, stale: InProgress | None) -> list[str]:
    """Name what a rollback needs and the target no longer holds."""
    held = {entry.sha256 for entry in before.files.values()} | before.blobs.keys()
    held |= {left.entry.sha256 for left in before.leaving.values()}
    unsure = stale.writes if stale else frozenset()
    return [path for path in plan.writes if path not in unsure and _wanted(plan, path).sha256 not in held]


def _wanted(plan: Plan, path: str) -> Published:
    return plan.after.files[path]
