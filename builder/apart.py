"""What a child process does with itself: it ends with the one that started it, and takes no more than it may."""

from __future__ import annotations

import ctypes
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""``man 2 prctl``."""


def end_with_parent() -> None:
    """Have Linux kill this process when the thread that started it, and waits for it, is there no more."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def limit(kind: int, most: int) -> None:
    """Bound what this process takes of a resource (``RLIMIT_…``), within what its user lets it take.

    Other systems than Linux refuse some bounds, as macOS does that of memory; there the others have to do.
    """
    hard = resource.getrlimit(kind)[1]
    try:
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    except ValueError:
        if sys.platform == "linux":
            raise
