"""The only place that reads the clock; nothing it returns may reach a catalogue file."""

from __future__ import annotations

import os
from datetime import UTC, datetime

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
