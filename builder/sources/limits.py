"""Bounds on what one partner may cost: time, bytes, tries, and how often its host is asked."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from builder.errors import DeadlineError

AT_ONCE = 2
"""Most requests in flight to one host, whoever asks; parts of data files have a lane of their own."""

PAGES = "pages"
"""The lane of everything but parts of data files."""

HEAD = 256 << 10
"""Bytes from the beginning of a data file that are asked for first: there HDF5 and NetCDF-3 say what it holds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one request and on one source; defaults from measurement of partner servers.

    Attributes:
        connect_s: Time to connect, seconds.
        read_s: Longest silence while reading, seconds.
        response_s: Longest time for one whole response, seconds.
        source_s: Longest time for everything one gate fetches, from its first request on, seconds.
        until: When nothing is asked for any more, as `time.monotonic` counts.
        max_bytes: Largest decoded body.
        max_ratio: Most decoded bytes per byte on the wire (metadata compresses 5 to 30 times, a bomb 1000 times).
        tries: How often a transient failure is tried in all.
        retry_after_s: Longest wait a server may ask for, seconds.
        backoff_s: First pause between tries; doubles each time.
    """

    connect_s: float = 10.0
    read_s: float = 60.0
    response_s: float = 300.0
    source_s: float = math.inf
    until: float = math.inf
    max_bytes: int = 64 * 2**20
    max_ratio: float = 200.0
    tries: int = 5
    retry_after_s: float = 120.0
    backoff_s: float = 0.5

    def exceeded(self, until: float, where: str) -> DeadlineError:
        """Return what is raised where something is asked for after the time of the source, or of the run, is over."""
        if until < self.until:
            hint = "the next run goes on from here; raise `deadline_s` if it is that large"
            return DeadlineError(f"the source takes longer than {self.source_s:.0f} s", where=where, hint=hint)
        hint = "the next run goes on from here; raise `--within` if partners need more"
        return DeadlineError("the time of this run for asking partners is over", where=where, hint=hint)


@dataclass
class _Host:
    """One host as this process asks it, shared by all gates of one lane."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    pace: threading.Lock = field(default_factory=threading.Lock)
    waiting: deque[object] = field(default_factory=deque)
    flying: int = 0
    last: float = -math.inf

    @contextmanager
    def slot(self, at_once: int) -> Iterator[None]:
        """Hold one of the requests in flight; first come, first served, whatever others may have at once."""
        mine = object()
        with self.changed:
            self.waiting.append(mine)
            try:
                self.changed.wait_for(lambda: self.waiting[0] is mine and self.flying < at_once)
                self.flying += 1
            finally:
                self.waiting.remove(mine)
                self.changed.notify_all()
        try:
            yield
        finally:
            with self.changed:
                self.flying -= 1
                self.changed.notify_all()


_hosts: dict[tuple[str, str], _Host] = {}
_registry = threading.Lock()


@contextmanager
def turn(
    origin: str, delay_s: float, sleep: Callable[[float], None], at_once: int = AT_ONCE, lane: str = PAGES
) -> Iterator[None]:
    """Wait for a turn to ask a host and hold it inside the block.

    Collections of one partner are harvested side by side, so that turns are counted by host and
    not by gate.

    Args:
        origin: ``host`` or ``host:port``.
        delay_s: Least time since the last request to it, seconds.
        sleep: Waits.
        at_once: Most requests in flight with this one, those of other gates counted.
        lane: Only requests of one lane are counted together.
    """
    with _registry:
        host = _hosts.setdefault((origin, lane), _Host())
    with host.slot(at_once):
        with host.pace:
            wait = host.last + delay_s - time.monotonic()
            if wait > 0:
                sleep(wait)
            host.last = time.monotonic()
        yield
