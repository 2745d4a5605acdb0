"""Ceph RadosGW from Debian with memory-backed storage: an S3 that checks signatures, digests and conditions."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path

from tests.servers.real_ckan import free_port

PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "ceph", "radosgw-admin", "monmaptool")
ACCESS, SECRET = "ARCTICARCTICARCTIC00", "0123456789abcdef0123456789abcdef01234567"

CONFIG = """\
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{mon}
mon initial members = a
public network = 127.0.0.0/8
ms bind ipv6 = false
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms mon cluster mode = crc
ms mon service mode = crc
ms client mode = crc
ms service mode = crc
ms cluster mode = crc
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = {size}
admin socket =
run dir = {folder}
log file = {folder}/$name.log
mon data = {folder}/mon
osd data = {folder}/osd
rgw data = {folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:{port}
"""
"""No authentication inside the cluster; messages then have no key to be encrypted with, hence ``crc``."""


def installed():
    return all(shutil.which(program) for program in PROGRAMS)


@contextlib.contextmanager
def real_rgw(size=4 << 30):
    """Run monitor, storage and gateway while the block runs; gives the gateway's address.

    The user of `ACCESS` and `SECRET` exists; at most ``size`` bytes are held in memory.
    """
    folder = Path(tempfile.mkdtemp(prefix="rgw-"))
    port, fsid, disk = free_port(), str(uuid.uuid4()), str(uuid.uuid4())
    config = folder / "ceph.conf"
    config.write_text(CONFIG.format(fsid=fsid, mon=free_port(), port=port, folder=folder, size=size))
    for name in ("mon", "osd", "rgw"):
        (folder / name).mkdir()
    address = next(line.split(" = ")[1] for line in config.read_text().splitlines() if line.startswith("mon host"))

    def run(*command):
        environment = {**os.environ, "CEPH_CONF": str(config)}
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
        assert done.returncode == 0, (command, done.stderr[-2000:])

    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)

        def start(*command):
            server = stack.enter_context(
                subprocess.Popen(
                    [*command, "-f", "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
                )
            )
            stack.callback(server.kill)  # nothing of it is to be kept

        keys = (f"--access-key={ACCESS}", f"--secret-key={SECRET}")
        run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[{address}]", str(folder / "monmap"))
        run("ceph-mon", "--mkfs", "-i", "a", "--monmap", str(folder / "monmap"))
        start("ceph-mon", "-i", "a")
        run("ceph", "osd", "new", disk)
        run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk, "--no-mon-config")
        start("ceph-osd", "-i", "0")
        run("ceph", "osd", "crush", "add", "osd.0", "1", "host=a", "root=default")
        start("radosgw", "-n", "client.rgw")
        wait_for_answer(f"http://127.0.0.1:{port}")
        run("radosgw-admin", "user", "create", "--uid=iaos", "--display-name=iaos", *keys)
        yield f"http://127.0.0.1:{port}"


def wait_for_answer(url):
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"nothing answers at {url}")
