"""Has a child process end with the one that started it, even where that is killed; on Linux, which alone offers it."""

from __future__ import annotations

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""``man 2 prctl``."""


def end_with_parent() -> None:
    """Have the system kill this process when the thread that started it, and waits for it, is there no more."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
