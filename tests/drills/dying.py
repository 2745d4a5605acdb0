"""Builds in a process that kills itself (SIGKILL) at its k-th act: a file opened, moved or deleted, a connection."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from builder.build import Request, build

ACTS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "socket.connect", "subprocess.Popen"})

if __name__ == "__main__":
    collections, out, state, fatal, told = sys.argv[1:6]
    count, stage = [0], ["harvest"]

    def act(event, arguments):
        if event not in ACTS:
            return
        if event == "os.rename" and str(arguments[1]).startswith(state):
            stage[0] = "keep the state"
        elif event == "os.rename" and str(arguments[1]).startswith(out):
            stage[0] = "write the catalogue"
        count[0] += 1
        if count[0] == int(fatal):
            descriptor = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.write(descriptor, stage[0].encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def advance(task):
        stage[0] = "inspect and render" if task.startswith("build ") else stage[0]

    request = Request(collections=Path(collections), out=Path(out), state=Path(state))
    sys.addaudithook(act)
    build(request, advance)
    total, count[0] = count[0], -(10**9)
    Path(told).write_text(str(total))
