"""Publish a large catalogue to Ceph RadosGW, again without a change and with a hundred, against `rclone sync`.

Needs ceph-mon, ceph-osd, radosgw and rclone (Debian). The peer gets its own copy, uploaded by itself, so that it can
compare the modification times it stores; both run with 64 requests at once. One run, one server in memory.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import boto3

from builder.manifest import manifest_lines
from tests.servers.real_rgw import ACCESS, SECRET, installed, real_rgw

PER_COLLECTION = 1000


def make(folder, objects, version=1, only=None):
    """Write a catalogue of so many objects (0.6 kB items); the first ``only`` items get another version."""
    manifest = {}

    def add(path, content):
        data = json.dumps(content).encode()
        manifest[path] = (sha256(data).hexdigest(), len(data), "application/geo+json")
        file = folder / path
        if version == 1 or only is None or content.get("version") == version:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)

    collections = max(1, objects // PER_COLLECTION)
    children = [{"rel": "child", "href": f"./p/c{c:04}/collection.json"} for c in range(collections)]
    add("catalog.json", {"type": "Catalog", "links": children})
    for c in range(collections):
        names = [f"i{i:06}" for i in range(c * PER_COLLECTION, min((c + 1) * PER_COLLECTION, objects))]
        links = [{"rel": "item", "href": f"./{name}.json"} for name in names]
        add(f"p/c{c:04}/collection.json", {"type": "Collection", "links": links})
        for name in names:
            mine = version if only is None or int(name[1:]) < only else 1
            add(f"p/c{c:04}/{name}.json", {"type": "Feature", "id": name, "version": mine, "links": [], "x": "x" * 520})
    rows = [(path, *manifest[path]) for path in sorted(manifest)]
    (folder / "manifest.json").write_bytes(b"".join(manifest_lines(rows)))


def timed(*command):
    """Run a command; return seconds, peak resident memory in MB and what it printed."""
    environment = {key: value for key, value in os.environ.items() if key != "AWS_CA_BUNDLE"}
    began = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
        out.seek(0)
        said = out.read().decode()
    assert process.returncode == 0, said[-1000:]
    return seconds, used.ru_maxrss / 1024, said.strip().splitlines()[-1] if said.strip() else ""


def say(what, result):
    print(f"{what:44} {result[0]:8.1f} s {result[1]:6.0f} MB  {result[2][:90]}", flush=True)
    return result[0]


@contextlib.contextmanager
def bench_server():
    """A gateway with a bucket, its credentials in the environment."""
    with real_rgw() as endpoint:
        os.environ.update(AWS_ACCESS_KEY_ID=ACCESS, AWS_SECRET_ACCESS_KEY=SECRET, AWS_DEFAULT_REGION="us-east-1")
        os.environ.pop("AWS_CA_BUNDLE", None)
        boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="bench")
        yield endpoint


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=100_000)
    objects = parser.parse_args().objects
    if not installed() or not shutil.which("rclone"):
        print("bench_publish: skipped, needs ceph-mon ceph-osd radosgw rclone")
        return
    iaos = str(Path(sys.executable).parent / "iaos")
    with tempfile.TemporaryDirectory() as scratch, bench_server() as endpoint:
        tree = Path(scratch) / "tree"
        make(tree, objects)
        ours = (iaos, "publish", str(tree), "s3://bench/iaos", "--endpoint", endpoint)
        remote = f":s3,provider=Ceph,env_auth=true,endpoint='{endpoint}':bench/rclone"
        peer = (
            "rclone",
            "sync",
            str(tree),
            remote,
            "--transfers",
            "64",
            "--checkers",
            "64",
            "--exclude",
            "manifest.json",
            "--stats-one-line",
        )
        print(f"{objects} objects of 0.6 kB, Ceph RadosGW in memory, {os.cpu_count()} cores")
        say("iaos publish, all new", timed(*ours))
        idle = say("iaos publish, no change", timed(*ours))
        make(tree, objects, version=2, only=100)
        few = say("iaos publish, 100 changes", timed(*ours))
        back = say("iaos rollback of them", timed(iaos, "rollback", "s3://bench/iaos", "1", "--endpoint", endpoint))
        make(tree, objects, version=1, only=100)
        say("rclone sync, all new", timed(*peer))
        peer_idle = say("rclone sync, no change", timed(*peer))
        checksum = say("rclone sync --checksum, no change", timed(*peer, "--checksum"))
        make(tree, objects, version=2, only=100)
        peer_few = say("rclone sync, 100 changes", timed(*peer))
        print(f"no change: {peer_idle / idle:.1f} times faster than rclone sync, {checksum / idle:.1f} than --checksum")
        print(f"100 changes: {peer_few / few:.1f} times faster than rclone sync; rollback {back:.1f} s")


if __name__ == "__main__":
    main()
