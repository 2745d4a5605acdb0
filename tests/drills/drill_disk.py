"""Drill R9: a full disk, a folder that cannot be written, two builders at once, a clock set back: refused or survived.

A small tmpfs in a mount namespace of its own (`unshare`) is the full disk; where that is not allowed, a limit on the
size of a file stands for it.
"""

from __future__ import annotations

import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.drills.scene import NIGHT, contents, define, python, report

BUILD = ("-m", "builder", "-q", "build", "--collections", "collections", "--out", "out", "--state", "state")
NAMESPACE = ("unshare", "--map-root-user", "--mount")


def can_mount():
    """Tell whether a file system may be mounted here in a namespace."""
    words = [*NAMESPACE, "mount", "-t", "tmpfs", "none", "/mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(words, capture_output=True, check=False).returncode == 0


def plain(done):
    """Tell whether a process ended in one clear line."""
    return done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def prepare(base):
    """Build a catalogue, then change what is to be built."""
    define(base / "collections", "http://127.0.0.1:9", keep=(), records=("walrus",))
    python(*BUILD, cwd=base)
    before = contents(base / "out")
    define(base / "collections", "http://127.0.0.1:9", keep=(), records=[f"seal-{n}" for n in range(20)])
    return before


def full_disk(base):
    """Fill the disk of the catalogue; the old one stays whole, and a run with room mends it."""
    before = prepare(base)
    if can_mount():
        room = sum(-(-len(body) // 4096) * 4096 for body in before.values()) + 40_960
        inner = " ".join(map(shlex.quote, [sys.executable, *BUILD]))
        shell = (
            f"cp -a out kept && mount -t tmpfs -o size={room} none out && cp -a kept/. out/ && "
            f"{inner}; status=$?; cp -a out/. seen/; exit $status"
        )
        (base / "seen").mkdir()
        words = ("-c", f"import os; os.execvp('unshare', {[*NAMESPACE, 'sh', '-c', shell]!r})")
        done = python(*words, cwd=base, check=False)
        seen = contents(base / "seen")
    else:
        limit = 20_000
        done = python(
            *BUILD, cwd=base, check=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        )
        seen = contents(base / "out")
    whole = {path: body for path, body in seen.items() if ".scratch-" not in path and path in before} == before
    python(*BUILD, cwd=base)
    mended = "nordeco/village/seal-19.json" in contents(base / "out")
    named = not can_mount() or done.stderr.startswith("error: out")
    return plain(done) and named and whole and mended, f"exit {done.returncode}: {done.stderr.strip()[-160:]}"


def read_only(base):
    """Make the catalogue a folder in which nobody may write."""
    prepare(base)
    if not can_mount():
        return True, "skipped, no mount namespaces here"
    inner = " ".join(map(shlex.quote, [sys.executable, *BUILD]))
    shell = f"mount --bind out out && mount -o remount,bind,ro out && exec {inner}"
    done = python(
        "-c", f"import os; os.execvp('unshare', {[*NAMESPACE, 'sh', '-c', shell]!r})", cwd=base, check=False
    )  # fmt: skip
    return plain(done), f"exit {done.returncode}: {done.stderr.strip()[-160:]}"


def two_builders(base):
    """Build twice at once, with one state, and with two states but one catalogue."""
    prepare(base)
    hold = "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], 0), fcntl.LOCK_EX); print(flush=True); input()"
    said = []
    for folder in ("state", "out"):
        with subprocess.Popen(
            [sys.executable, "-c", hold, base / folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            other.stdout.readline()
            said.append(python(*BUILD, cwd=base, check=False))
            other.communicate("\n")
    return all(map(plain, said)), "; ".join(done.stderr.strip()[-120:] for done in said)


def clock_back(base):
    """Build on one day and again with the clock set back a day: only what tells the night may differ."""
    define(base / "collections", "http://127.0.0.1:9", keep=(), records=("walrus",))
    python(*BUILD, cwd=base)
    first = contents(base / "out")
    done = python(*BUILD, cwd=base, env={"SOURCE_DATE_EPOCH": str(int(NIGHT) - 86400)}, check=False)
    second = contents(base / "out")
    changed = sorted(path for path in first.keys() | second.keys() if first.get(path) != second.get(path))
    ok = done.returncode == 0 and changed == ["manifest.json", "status.html", "status.json"]
    return ok, f"exit {done.returncode}, {len(changed)} files differ ({', '.join(changed)})"


DRILLS = {
    "R9 disk full": full_disk,
    "R9 read-only output": read_only,
    "R9 two builders": two_builders,
    "R9 clock set back": clock_back,
}


def main():
    failed = 0
    for name, drill in DRILLS.items():
        with tempfile.TemporaryDirectory() as folder:
            failed += report(name, *drill(Path(folder)))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
