"""A 10,000 x 10,000 raster to COG: ours beside rio-cogeo's cog_translate, each in a process of its own.

    python tests/bench/bench_cog.py [side]

Prints CPU seconds, peak resident memory and size, and the ratio of CPU to rio-cogeo's in the same run. The input, as in
the measurements the design quotes, is a smooth float32 field with noise and a uint8 field of classes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

OURS = """
import sys; from pathlib import Path; from processors.cog import convert
convert(Path(sys.argv[1]), Path(sys.argv[2]), kind=sys.argv[3])
"""
PEER = """
import sys; from rio_cogeo.cogeo import cog_translate; from rio_cogeo.profiles import cog_profiles
profile = cog_profiles.get("deflate") | {"predictor": {"continuous": 3, "classes": 2}[sys.argv[3]]}
resampling = {"continuous": "average", "classes": "mode"}[sys.argv[3]]
cog_translate(sys.argv[1], sys.argv[2], profile, overview_resampling=resampling, quiet=True, in_memory=False)
"""
TAIL = """
import json, re, resource
used = resource.getrusage(resource.RUSAGE_SELF)
peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]  # ru_maxrss is the parent's at first
print(json.dumps([used.ru_utime + used.ru_stime, int(peak) / 1024]))
"""


def make(path, side, kind):
    """Write the input in strips."""
    import rasterio
    from rasterio.windows import Window

    dtype = "float32" if kind == "continuous" else "uint8"
    profile = {"driver": "GTiff", "width": side, "height": side, "count": 1, "dtype": dtype, "crs": "EPSG:3413"}
    noise = np.random.default_rng(1)
    across = np.linspace(0, 12, side)
    transform = rasterio.transform.from_origin(-5e5, 5e5, 100, 100)
    with rasterio.open(path, "w", tiled=True, transform=transform, **profile) as file:
        for row in range(0, side, 500):
            rows = min(500, side - row)
            down = np.linspace(0, 12, side)[row : row + rows]
            field = np.sin(down)[:, None] * np.cos(across) + noise.normal(scale=1e-3, size=(rows, side))
            values = field if kind == "continuous" else np.digitize(field, [-0.5, 0, 0.2, 0.7])
            file.write(values.astype(dtype), 1, window=Window(0, row, side, rows))


def measure(code, *arguments):
    """Run code in a fresh process and return its CPU seconds and peak MiB."""
    done = subprocess.run([sys.executable, "-c", code + TAIL, *arguments], capture_output=True, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    """Print one line per kind and program."""
    from rio_cogeo.cogeo import cog_validate

    side = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        for kind in ("continuous", "classes"):
            source, target = Path(name) / "in.tif", Path(name) / "out.tif"
            make(source, side, kind)
            results = {}
            for program, code in {"rio-cogeo": PEER, "iaos": OURS}.items():
                cpu, peak = results[program] = measure(code, str(source), str(target), kind)
                valid, size = cog_validate(target, strict=True)[0], target.stat().st_size / 2**20
                ratio = cpu / results["rio-cogeo"][0]
                print(
                    f"{kind:10} {side} {program:9} cpu {cpu:6.1f} s ({ratio:.2f}x)  peak {peak:5.0f} MiB  "
                    f"{size:5.0f} MiB  valid {valid}"
                )


if __name__ == "__main__":
    main()
