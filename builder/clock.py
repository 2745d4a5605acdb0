"""The only place that reads the clock; nothing it returns may reach a catalogue file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from builder.errors import UsageError


def now() -> datetime:
    """Return the present time in UTC, or ``SOURCE_DATE_EPOCH`` where that is set.

    Raises:
        UsageError: That is no time.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError) as trouble:
        raise UsageError(
            f"{epoch!r} is no time", where="SOURCE_DATE_EPOCH", hint="give seconds since 1970"
        ) from trouble


def going_on() -> Callable[[], datetime]:
    """Return what tells the time from now on by what has passed since, however the clock is set meanwhile.

    Raises:
        UsageError: ``SOURCE_DATE_EPOCH`` is no time.
    """
    start, since = now(), time.monotonic()
    if os.environ.get("SOURCE_DATE_EPOCH"):
        return lambda: start
    return lambda: start + timedelta(seconds=time.monotonic() - since)
