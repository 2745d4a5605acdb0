"""How many processors this process may use."""

from __future__ import annotations

import os


def cores() -> int:
    """Count the processors that the system leaves to this process; all it has, where it does not say (macOS)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
