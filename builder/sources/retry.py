"""Tries again what may pass, waiting as long as the server asks within reason."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TypeVar

from builder import clock
from builder.errors import SourceError
from builder.sources.limits import Limits

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses that may pass."""

_T = TypeVar("_T")


class TransientError(Exception):
    """A failure that may pass; ``error`` is what is raised once the tries are used up.

    Args:
        error: The failure.
        wait_s: How long the server asks to wait, seconds.
    """

    def __init__(self, error: SourceError, wait_s: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.retry_after = wait_s


def patiently(once: Callable[[], _T], limits: Limits, sleep: Callable[[float], None]) -> _T:
    """Call ``once`` until it succeeds or the tries are used up.

    Raises:
        SourceError: The last failure, marked as ``passing``: the same request may be answered later.
    """
    for attempt in range(1, limits.tries + 1):
        try:
            return once()
        except TransientError as trouble:
            if attempt == limits.tries:
                trouble.error.passing = True
                raise trouble.error from trouble
            sleep(_pause(attempt, trouble.retry_after, limits))
    raise AssertionError


def _pause(attempt: int, asked: float | None, limits: Limits) -> float:
    backoff = limits.backoff_s * 2 ** (attempt - 1)
    jitter: float = random.uniform(0, backoff / 4)  # noqa: S311  (spreading retries, not a secret)
    return float(min(limits.retry_after_s, max(asked or 0.0, backoff + jitter)))


def retry_after(value: str | None) -> float | None:
    """Read a Retry-After header, seconds or HTTP date (RFC 9110 section 10.2.3).

    Returns:
        Seconds from now, never negative; None where there is no header or it cannot be read.
    """
    text = (value or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (aware - clock.now()).total_seconds())
