"""Drills of publishing (R3, R7, R8, R10): one line each with its figures; exit status 1 if one fails."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from builder.publish import Policy, publish, rollback
from builder.publish.verify import verify
from tests.bench.bench_publish import make
from tests.drills.reader import Reader
from tests.servers.real_thredds import installed
from tests.servers.website import website
from tests.unit.publishing import catalogue, contents, ignore, killed, stac

AT_ONCE = Policy(grace_data=timedelta(0), grace_pages=timedelta(0))


def sweep_lock(target):
    (target / "_state/lock.json").unlink(missing_ok=True)


def r3_kills(folder, kills=50):
    """SIGKILL at a random request; a plain run after it gives the tree, byte for byte."""
    chance, source, target = random.Random(3), folder / "out", folder / "site"
    publish(catalogue(source, stac(8)), str(target), ignore)
    died = wrong = 0
    for version in range(2, kills + 2):
        catalogue(source, stac(7 + version % 2, version))
        died += killed(source, str(target), chance.choice((1, -1)) * chance.randint(1, 25))
        sweep_lock(target)
        publish(source, str(target), ignore, policy=AT_ONCE)
        wrong += contents(target) != contents(source)
    return wrong == 0 and died > kills // 2, f"{kills} publications, {died} killed, {wrong} not mended by the next"


def r7_idle(folder, objects=100_000):
    """A night without changes writes nothing but state."""
    make(folder / "out", objects)
    target = folder / "site"
    publish(folder / "out", str(target), ignore)
    before = time.time_ns()
    began = time.perf_counter()
    outcome = publish(folder / "out", str(target), ignore)
    seconds = time.perf_counter() - began
    touched = [f for f in target.rglob("*") if f.is_file() and f.stat().st_mtime_ns >= before]
    outside = [f for f in touched if "_state" not in f.parts]
    ok = outcome.written == 0 and not outside and seconds < 5
    return ok, f"{objects} objects, {len(outside)} written beyond state ({len(touched)} in it), {seconds:.2f} s"


def r8_reader(folder, walks=1000):
    """A reader walking from the root while catalogues that grow and shrink are published meets no fault."""
    if not installed():
        return True, "skipped, nginx is not installed"
    source, target = folder / "out", folder / "site"
    publish(catalogue(source, stac(12)), str(target), ignore)
    published = 0
    with website(root=target) as url:
        reader = Reader(url, walks)
        reader.start()
        while reader.is_alive():
            published += 1
            publish(catalogue(source, stac(8 + published % 9, published)), str(target), ignore)
            for staging in folder.glob("out-staging-*"):
                shutil.rmtree(staging)
    ok = not reader.missing and not reader.invalid and reader.walks == walks
    return ok, (
        f"{reader.walks} walks, {reader.documents} documents during {published} publications, "
        f"{len(reader.missing)} 404s, {len(reader.invalid)} invalid"
    )


def r10_back(folder, objects=100_000):
    """The previous build is back within a minute, and verify finds a flipped byte and a missing object."""
    source, target = folder / "out", folder / "site"
    make(source, objects)
    publish(source, str(target), ignore)
    make(source, objects, version=2, only=objects // 10)
    publish(source, str(target), ignore)
    began = time.perf_counter()
    outcome = rollback(str(target), 1, ignore)
    seconds = time.perf_counter() - began
    make(source, objects, version=1, only=objects // 10)
    flipped, missing = target / "p/c0000/i000007.json", target / "p/c0000/i000011.json"
    same = flipped.read_bytes() == (source / "p/c0000/i000007.json").read_bytes()
    data = bytearray(flipped.read_bytes())
    data[40] ^= 1
    flipped.unlink()
    flipped.write_bytes(bytes(data))
    missing.unlink()
    began = time.perf_counter()
    found = {(finding.code, finding.where) for finding in verify(str(target), ignore).findings}
    checked = time.perf_counter() - began
    wanted = {("verify.differs", "p/c0000/i000007.json"), ("verify.missing", "p/c0000/i000011.json")}
    ok = same and found == wanted and seconds < 60
    return ok, (
        f"{objects} objects, {outcome.written} brought back in {seconds:.1f} s; "
        f"verify found {len(found & wanted)} of 2 faults in {checked:.1f} s"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--walks", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=50)
    asked = parser.parse_args()
    failed = 0
    for name, drill, amount in (
        ("R3 publish, SIGKILL", r3_kills, asked.kills),
        ("R7 no-change publish", r7_idle, asked.objects),
        ("R8 reader during publish", r8_reader, asked.walks),
        ("R10 rollback and verify", r10_back, asked.objects),
    ):
        with tempfile.TemporaryDirectory() as folder:
            ok, figures = drill(Path(folder), amount)
        failed += not ok
        print(f"{'ok    ' if ok else 'FAILED'} {name:26} {figures}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
