"""Lengths as units of coordinates give them."""

from __future__ import annotations

import re

_LENGTH = re.compile(r"(?P<count>\d+(?:\.\d+)?)?\s*(?P<kilo>k|kilo)?(?:m|met(?:er|re)s?)", re.IGNORECASE)


def metres_of(unit: str) -> float | None:
    """Return how many metres a unit has; None for what is no length in metres or kilometres.

    >>> metres_of("km"), metres_of("100 km"), metres_of("degrees")
    (1000.0, 100000.0, None)
    """
    found = _LENGTH.fullmatch(unit.strip())
    return float(found["count"] or 1.0) * (1000.0 if found["kilo"] else 1.0) if found else None
