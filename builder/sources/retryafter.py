"""Reads how long a server asks a client to wait."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

from builder import clock


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
