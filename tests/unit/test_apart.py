"""Children that open files do so within the limits that the user of the machine has set."""

from __future__ import annotations

import json
import subprocess
import sys

import netCDF4
import numpy as np
import rasterio
from rasterio.transform import from_origin

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
