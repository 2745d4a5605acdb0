"""Publishes in a process that kills itself (SIGKILL) around its k-th request to the store."""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import obstore

from builder.publish import Policy, publish


def deadly(real, fatal, count):
    async def request(*arguments, **options):
        count[0] += 1
        if count[0] == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        done = await real(*arguments, **options)
        if count[0] == -fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    return request


if __name__ == "__main__":
    folder, target, endpoint, fatal = sys.argv[1:5]
    requests = [0]
    for name in ("put_async", "copy_async", "delete_async"):
        setattr(obstore, name, deadly(getattr(obstore, name), int(fatal), requests))
    at_once = Policy(grace_data=timedelta(0), grace_pages=timedelta(0))  # deletions are interrupted too
    publish(Path(folder), target, lambda task: None, policy=at_once, endpoint=endpoint or None)
    print(requests[0])
