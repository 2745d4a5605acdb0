"""One publication at a time: a lock object that only one writer can create, and that ends by itself."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from builder import clock
from builder.errors import PublishError
from builder.publish.bucket import LOCK, STATE
from builder.publish.plan import stamp
from builder.publish.stores import is_folder, read

LASTS = timedelta(minutes=30)
"""A lock nobody renewed for so long belongs to a dead process."""


@dataclass
class Lock:
    """A held lock; `keep` renews it while work goes on."""

    store: Any
    target: str
    owner: str
    until: datetime
    version: Any
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def keep(self) -> None:
        """Renew the lock when half its time is over.

        Raises:
            PublishError: Another publication has taken it over.
        """
        if clock.now() + LASTS / 2 < self.until or self.busy.locked():
            return
        async with self.busy:
            await asyncio.to_thread(self._renew)

    def _renew(self) -> None:
        from obstore.exceptions import PreconditionError

        self.until = clock.now() + LASTS
        try:
            if is_folder(self.store) and _said(self.store).get("owner") != self.owner:
                raise self._lost()
            self.version = _write(self.store, self.owner, self.until, self.version)
        except PreconditionError as trouble:
            raise self._lost() from trouble

    def _lost(self) -> PublishError:
        return PublishError(
            "another publication has taken over the lock", where=self.target, hint="see which of the two is right"
        )

    def release(self) -> None:
        """Give the lock back, if it is still ours."""
        from obstore import delete

        if _said(self.store).get("owner") == self.owner:
            delete(self.store, LOCK)


def acquire(store: Any, target: str) -> Lock:
    """Take the lock of a target.

    Raises:
        PublishError: Another publication holds it.
    """
    from obstore.exceptions import AlreadyExistsError, PreconditionError

    now = clock.now()
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    try:
        return Lock(store, target, owner, now + LASTS, _write(store, owner, now + LASTS, "create"))
    except AlreadyExistsError as trouble:
        said, version = _held(store)
        until = said.get("until", stamp(now + LASTS))
        if until <= stamp(now):
            try:
                return Lock(store, target, owner, now + LASTS, _take_over(store, owner, now + LASTS, said, version))
            except (AlreadyExistsError, PreconditionError, FileNotFoundError):
                until = stamp(now + LASTS)
        raise PublishError(
            f"another publication ({said.get('owner', 'unknown')}) holds the target until {until}",
            where=target,
            hint=f"wait for it; a dead one's lock ends by itself, or remove {LOCK}",
        ) from trouble


def _write(store: Any, owner: str, until: datetime, mode: Any) -> Any:
    """Write the lock if there is none (``create``) or if the one there is the version given.

    Ceph RadosGW 16 compares If-Match with the tag without its quotation marks, so that a refusal
    is tried again that way; a lock that did change differs either way.
    """
    from obstore import put
    from obstore.exceptions import PreconditionError

    data = orjson.dumps({"owner": owner, "until": stamp(until)}) + b"\n"
    if is_folder(store):
        return put(store, LOCK, data, mode="create" if mode == "create" else "overwrite")
    attributes: Any = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    if mode == "create":
        return put(store, LOCK, data, mode=mode, attributes=attributes)
    known: Any = {key: value for key, value in mode.items() if value is not None}
    try:
        return put(store, LOCK, data, mode=known, attributes=attributes)
    except PreconditionError:
        bare: Any = {**known, "e_tag": known.get("e_tag", "").strip('"')}
        return put(store, LOCK, data, mode=bare, attributes=attributes)


def _take_over(store: Any, owner: str, until: datetime, said: dict[str, str], version: Any) -> Any:
    """Replace a dead lock; exactly one of several that try succeeds."""
    from obstore import delete, rename

    if not is_folder(store):
        return _write(store, owner, until, version)
    aside = f"{STATE}/lock-{secrets.token_hex(4)}.json"
    rename(store, LOCK, aside)
    taken = orjson.loads(read(store, aside) or b"{}")
    if taken != said:
        rename(store, aside, LOCK, overwrite=False)
        raise FileNotFoundError(LOCK)
    delete(store, aside)
    return _write(store, owner, until, "create")


def _held(store: Any) -> tuple[dict[str, str], Any]:
    from obstore import get

    try:
        got = get(store, LOCK)
    except FileNotFoundError:
        return {}, None
    version = {"e_tag": got.meta.get("e_tag"), "version": got.meta.get("version")}
    try:
        return orjson.loads(bytes(got.bytes())), version
    except orjson.JSONDecodeError:
        return {}, version


def _said(store: Any) -> dict[str, str]:
    return _held(store)[0]
