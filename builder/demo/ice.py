"""The demo's radar scene: a small simulated Sentinel-1 product, packed as the archives of the data space are."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

SEED = 4
LINES, SAMPLES, FIRST_LINE, FIRST_SAMPLE = 720, 1700, 600, 2300
PLACE = (25.5, 80.55)
"""Longitude and latitude of its middle: off the northern coast of Nordaustlandet, Svalbard."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of the files in the archive: the same on every day."""


def write_scene(folder: Path) -> None:
    """Write one product as a zip archive, the same bytes every time; its manifest says that it is simulated."""
    from processors.seaice.synth import SceneSpec, simulate

    spec = SceneSpec(SEED, LINES, SAMPLES, FIRST_LINE, FIRST_SAMPLE, "winter", place=PLACE, ice=0.5)
    with tempfile.TemporaryDirectory(prefix="iaos-scene-") as scratch:
        made = simulate(spec, Path(scratch)).safe
        with zipfile.ZipFile(folder / f"{made.stem}.zip", "w") as archive:
            for file in sorted(path for path in made.rglob("*") if path.is_file()):
                entry = zipfile.ZipInfo(str(file.relative_to(made.parent)), EPOCH)
                archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
