"""Writes calibrated backscatter of a scene as maps in decibels, one for each polarisation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from processors.cog import TILE, Band, Block, Raster, write_cog
from processors.protocol import JSON
from processors.sampling import Target
from processors.seaice.area import Area
from processors.seaice.radiometry import NoiseRule, sigma0_from
from processors.seaice.safe import Scene
from processors.seaice.strips import Numbers
from processors.seaice.textures import BELOW_NOISE, FLOOR, Floats
from processors.seaice.warp import Warp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processors.engine import Engine

LOOKS = 2
"""Lines and samples that are averaged: what is left is as fine as the radar resolves."""
RESOLUTION = 80.0
"""Side of a cell of the map, m."""
STRIP = 512
"""Lines of a strip; a multiple of `LOOKS`."""
STEP_DB = 0.01
NOTHING: Final = -32_768


@dataclass(frozen=True, slots=True, eq=False)
class Averaged:
    """Backscatter of squares of `LOOKS` × `LOOKS` pixels.

    Attributes:
        sigma0: Linear, noise taken off; NaN where a pixel has none.
        nesz: Noise-equivalent backscatter, linear.
    """

    sigma0: Floats
    nesz: Floats


def average(scene: Scene, polarisation: str, noise: NoiseRule, engine: Engine, rows: slice) -> Averaged:
    """Average squares of pixels of some lines; the others, and what fills no square, stay unknown.

    Raises:
        Refusal: The scene cannot be read.
    """
    shape = scene.shape[0] // LOOKS, scene.shape[1] // LOOKS
    made = Averaged(*(np.full(shape, np.nan, np.float32) for _ in range(2)))
    first, last, _ = rows.indices(shape[0] * LOOKS)
    tops = range(first - first % LOOKS, last - last % LOOKS, STRIP)
    strips = ((top, scene.read_dn(polarisation, slice(top, min(top + STRIP, last - last % LOOKS)))) for top in tops)
    for top, *parts in engine.map(partial(_averaged, scene, polarisation, noise), strips, task="backscatter"):
        for whole, part in zip((made.sigma0, made.nesz), parts, strict=True):
            whole[top // LOOKS : top // LOOKS + part.shape[0]] = part
    return made


def _averaged(scene: Scene, name: str, noise: NoiseRule, strip: tuple[int, Numbers]) -> tuple[int, Floats, Floats]:
    top, numbers = strip
    sigma0, nesz = (_squares(one) for one in sigma0_from(scene, name, numbers, top, noise))
    return top, sigma0, nesz


def _squares(values: Floats) -> Floats:
    rows, columns = values.shape[0] // LOOKS, values.shape[1] // LOOKS
    blocks = values[: rows * LOOKS, : columns * LOOKS].reshape(rows, LOOKS, columns, LOOKS)
    made: Floats = blocks.mean(axis=(1, 3), dtype=np.float64).astype(np.float32)
    return made


def to_steps(sigma0: Floats, nesz: Floats) -> npt.NDArray[np.int16]:
    """Return hundredths of a decibel; below a tenth of the noise, a tenth of it stands; `NOTHING` where unknown."""
    held = np.maximum(sigma0, np.maximum(BELOW_NOISE * nesz, FLOOR))
    known = np.isfinite(held)
    steps = np.rint(10 * np.log10(np.where(known, held, 1.0)) / STEP_DB)
    return np.where(known, np.clip(steps, NOTHING + 1, -NOTHING - 1), NOTHING).astype(np.int16)


def write(made: Averaged, area: Area, path: Path, band: str, tags: Mapping[str, str]) -> dict[str, JSON]:
    """Write backscatter as a COG of whole numbers with their scale, and return the fields of its asset.

    Args:
        made: Of `average`.
        area: What is mapped.
        path: The file.
        band: Name of its band.
        tags: Metadata of the file.
    """
    target = area.target(RESOLUTION)
    bands = (Band(band, "dB", STEP_DB),)
    raster = Raster(target.shape, "int16", target.crs, target.transform, bands, NOTHING, "decibels", tags=tags)
    fields = write_cog(path, raster, _blocks(made, area, target))
    told = {"data_type": "int16", "unit": "dB", "nodata": NOTHING, "spatial_resolution": target.resolution}
    return fields | {"raster:bands": [told | packing for packing in fields["raster:bands"]]}


def _blocks(made: Averaged, area: Area, target: Target) -> Iterator[Block]:
    warp, outside = Warp.onto(area.geolocation, target), area.outside(target)
    for top in range(0, target.shape[0], TILE):
        rows = slice(top, min(top + TILE, target.shape[0]))
        sigma0, nesz = (warp.take(one, rows, "bilinear", cell=LOOKS) for one in (made.sigma0, made.nesz))
        steps = to_steps(sigma0, nesz)
        steps[outside[rows]] = NOTHING
        yield top, 0, steps
