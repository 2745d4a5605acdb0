"""Band maths at the size of a real scene: 28 million pixels, in memory that does not grow with them."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import rasterio

ROWS, COLUMNS = 4000, 7000
RUN = """
import json, re, sys
from pathlib import Path
from processors.bandmaths.processor import processor
from processors.engine import open_engine
from processors.protocol import Input
from processors.run import execute, resolve
folder = Path(sys.argv[1])
inputs = {"raster": [Input.of(folder / name) for name in ("sigma0.tif", "dem.tif")]}
with open_engine("inline", folder) as engine:
    made = execute(processor, inputs, resolve(processor, {}), engine)
peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
print(json.dumps({"peak_mib": int(peak) / 1024, "map": str(made[0].path)}))
"""


def strip(rows):
    """Backscatter in steps of 0.01 dB and heights in metres, so that thresholds are met; a tenth is -500."""
    random = np.random.default_rng(rows.start)
    shape = (rows.stop - rows.start, COLUMNS)
    sigma0 = (random.integers(-2500, 500, shape) / 100).astype(np.float32)
    dem = random.integers(0, 3300, shape).astype(np.float32)
    dem[random.random(shape) < 0.1] = -500
    return sigma0, dem


def nested(sigma0, dem):
    """The formula of the slide in plain numpy."""
    inner = np.where((sigma0 < -6) & (dem < 1650), 20, 30)
    return np.where(dem == -500, 0, np.where(sigma0 < -14, 10, inner)).astype(np.uint8)


def strips(rows):
    return [slice(top, min(top + 500, rows)) for top in range(0, rows, 500)]


def ran(folder, rows):
    """Write both rasters, run band maths on them in a process of its own, and return what it told."""
    folder.mkdir()
    profile = {
        "driver": "GTiff", "height": rows, "width": COLUMNS, "count": 1, "dtype": "float32", "crs": "EPSG:3413",
        "transform": rasterio.Affine(40, 0, 0, 0, -40, -1_000_000), "tiled": True, "blockxsize": 512, "blockysize": 512,
    }  # fmt: skip
    with (
        rasterio.open(folder / "sigma0.tif", "w", **profile) as one,
        rasterio.open(folder / "dem.tif", "w", **profile) as other,
    ):
        for part in strips(rows):
            window = ((part.start, part.stop), (0, COLUMNS))
            for file, values in zip((one, other), strip(part), strict=True):
                file.write(values, 1, window=window)
    done = subprocess.run([sys.executable, "-c", RUN, folder], capture_output=True, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_28_million_pixels_are_those_of_nested_where_in_flat_memory(tmp_path):
    """Design B5; ten times the pixels may take no more than a block of GDAL's cache beside."""
    small, large = ran(tmp_path / "small", ROWS // 10), ran(tmp_path / "large", ROWS)
    with rasterio.open(large["map"]) as file:
        assert file.shape == (ROWS, COLUMNS)
        for part in strips(ROWS):
            made = file.read(1, window=((part.start, part.stop), (0, COLUMNS)))
            assert np.array_equal(made, nested(*strip(part)))
    assert large["peak_mib"] - small["peak_mib"] < 128
    assert large["peak_mib"] < 512
