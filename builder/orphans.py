"""Has a child process end with the one that started it, even where that is killed."""

from __future__ import annotations

import ctypes
import signal

_PR_SET_PDEATHSIG = 1
"""``man 2 prctl``."""


def end_with_parent() -> None:
    """Have the system kill this process when the thread that started it, and waits for it, is there no more."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
