"""What several drills need: the demo's partners with a counter, small definitions, and trees to compare."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from builder.demo import write_definitions
from builder.demo.partners import partners_app, write_files
from builder.serve import running

ROOT = Path(__file__).resolve().parents[2]
NIGHT = "1709251200"
"""Clock of the drills: 2024-03-01."""

VILLAGE = """\
id: village
title: Observations of a village
description: Written by hand.
partner: {id: nordeco, name: Nordic Foundation for Development and Ecology}
license: CC-BY-4.0
source:
  type: files
  records:
"""
RECORD = (
    "    - {{id: {0}, title: Seen {0}, description: Told., start: 2018-07-01, end: 2018-07-31, point: [-51.0, 70.5]}}\n"
)


@contextmanager
def partners(folder):
    """Run the demo's partners; gives their address and the list of requests so far."""
    write_files(folder / "data")
    asked = []

    def counted(url):
        app = partners_app(folder / "data", url.rstrip("/"))

        def count(environ, start):
            said = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "HTTP_RANGE")
            asked.append(" ".join(environ.get(name, "") for name in said))
            return app(environ, start)

        return count

    with running(counted) as server:
        yield server.url.rstrip("/"), asked


def define(folder, url, *, keep, records):
    """Write the demo's definitions that are kept, unhurried, and a hand-written one with these records."""
    write_definitions(folder, url)
    for file in folder.glob("*.yaml"):
        if file.stem not in keep:
            file.unlink()
        elif "delay_s" not in (text := file.read_text("utf-8")):
            file.write_text(text.replace("\nsource:\n", "\nsource:\n  delay_s: 0\n"), "utf-8")
    (folder / "village.yaml").write_text(VILLAGE + "".join(RECORD.format(name) for name in records), "utf-8")


def contents(folder):
    """Return every file below a folder: relative path → bytes."""
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def python(*words, env=None, check=True, **options):
    """Run Python in the project with a fixed clock; gives the finished process."""
    surroundings = {**os.environ, "SOURCE_DATE_EPOCH": NIGHT, "PYTHONPATH": str(ROOT), **(env or {})}
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False, **options)
    if check and done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def report(name, ok, figures):
    """Print the line of one drill and give what counts as its failures."""
    sys.stdout.write(f"{'ok    ' if ok else 'FAILED'} {name:26} {figures}\n")
    sys.stdout.flush()
    return int(not ok)
