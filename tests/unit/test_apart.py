"""Child processes keep within the limits of the machine's user, and end with the process that started them."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from builder.apart import limit

READ = """
import json, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
from builder.enrich.copying import make_copy
from builder.enrich.inspect import inspect
from builder.enrich.raster import inspect_raster
folder = Path(sys.argv[1])
found = (inspect(folder / "a.nc", "https://a.example/a.nc"), inspect_raster(folder / "a.tif", "https://a.example/a.tif"))
said = [one.code for each in found for one in each.findings]
print(json.dumps([said, make_copy(folder / "a.nc", folder / "b.nc", 50)]))
"""


def test_limits_of_the_machine_that_are_lower_than_ours_are_not_taken_for_faults_of_files(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("x", 3)
        file.createVariable("x", "f4", ("x",))[:] = [1, 2, 3]
    shape = {"width": 8, "height": 8, "count": 1, "dtype": "uint8", "crs": "EPSG:3413"}
    with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", transform=from_origin(0, 0, 9, 9), **shape) as file:
        file.write(np.ones((1, 8, 8), "uint8"))
    words = [sys.executable, "-c", READ, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    said, reason = json.loads(done.stdout)
    assert {one for one in said if one.startswith(("netcdf.", "raster.un"))} == set()
    assert reason is None


def test_bounds_that_another_system_refuses_are_left_out(monkeypatch):
    def refuse(*_):
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    with pytest.raises(ValueError, match="maximum limit"):
        limit(resource.RLIMIT_AS, 1 << 40)
    monkeypatch.setattr(sys, "platform", "darwin")
    limit(resource.RLIMIT_AS, 1 << 40)


ON_STANDARD_INPUT = ["builder.tables.clerk", "builder.processing.worker", "builder.enrich.joinworker"]
ON_A_FILE = ["builder.enrich.timemajorworker", "builder.enrich.rasterworker", "builder.enrich.copyworker"]

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-P", "-m", *sys.argv[1:]])
print(child.pid, flush=True)
time.sleep(600)
"""


def state_of(pid):
    """Return the state of a process as the kernel has it, ``S`` where it waits for something; empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0].replace("Z", "")
    except FileNotFoundError:
        return ""


def for_long(true, times=50, patience=3000):
    """Tell whether something comes to hold for a second on end, within a minute."""
    held = 0
    for _ in range(patience):
        held = held + 1 if true() else 0
        if held == times:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with the process that started them")
@pytest.mark.parametrize("module", [*ON_STANDARD_INPUT, *ON_A_FILE])
def test_a_child_ends_with_the_process_that_started_it(tmp_path, module):
    os.mkfifo(tmp_path / "file")
    reading, writing = os.pipe()  # never written to nor closed: only a signal can end who reads
    words = [] if module in ON_STANDARD_INPUT else [str(tmp_path / "file"), str(tmp_path / "made.nc")]
    command = [sys.executable, "-c", PARENT, module, *words]
    with subprocess.Popen(command, stdin=reading, stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        try:
            assert for_long(lambda: state_of(child) == "S")
            parent.kill()
            parent.wait()
            assert for_long(lambda: not state_of(child))
        finally:
            parent.kill()
            if state_of(child):
                os.kill(child, signal.SIGKILL)
            os.close(reading)
            os.close(writing)
