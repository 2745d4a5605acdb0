"""Knows hosts that did not answer, or had no time, many times in a row, so that not every file of one is waited for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests
import urllib3

from builder.errors import FetchError
from builder.sources.connections import reason_of, unreachable

MOST_TRIES = 15
"""So many tries in a row may go unanswered: three requests of five tries."""

RESTART_S = 120.0
"""So long nobody has to answer, which is more than a server takes to start again."""

PAUSE_S = 60.0
"""So long a silent host is left alone; then one try shows whether it is back."""

BUSY = frozenset({429, 502, 503, 504})
"""HTTP statuses of a host that has no time for anybody, whatever it is asked for."""


@dataclass
class Silence:
    """Counts the tries that each host left unanswered, or had no time for, since it last answered."""

    _tries: dict[str, int] = field(default_factory=dict)
    _first: dict[str, float] = field(default_factory=dict)
    _last: dict[str, float] = field(default_factory=dict)
    _nobody: dict[str, bool] = field(default_factory=dict)

    @contextmanager
    def listening(self, host: str, where: str) -> Iterator[set[int]]:
        """Begin a request in this block; it is over when headers have come, whose status goes into what is yielded.

        Args:
            host: As `builder.sources.http.origin_of` names it.
            where: The address, for the message.

        Raises:
            FetchError: The host is left alone.
        """
        tries = self._tries.get(host, 0)
        silent = tries >= MOST_TRIES and self._last[host] - self._first[host] >= RESTART_S
        if silent and time.monotonic() < self._last[host] + PAUSE_S:
            raise self._left_alone(host, where)
        heard: set[int] = set()
        try:
            yield heard
        except (requests.RequestException, urllib3.exceptions.HTTPError) as trouble:
            self._missed(host, nobody=unreachable(reason_of(trouble)))
            raise
        if heard & BUSY:
            self._missed(host, nobody=False)
        else:
            self._tries.pop(host, None)

    def _missed(self, host: str, *, nobody: bool) -> None:
        tries = self._tries.get(host, 0)  # others may have had an answer since
        self._last[host] = time.monotonic()
        if not tries:
            self._first[host] = self._last[host]
        self._tries[host] = tries + 1
        self._nobody[host] = nobody

    def _left_alone(self, host: str, where: str) -> FetchError:
        """Return what fails a request that is not made: as passing as the failures before it, and of their kind."""
        message = f"not asked for: the host gave no good answer {self._tries[host]} times in a row"
        error = FetchError(message, where=where, hint="try again when the host is back")
        error.passing, error.unreachable = True, self._nobody[host]
        return error
