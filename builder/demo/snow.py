"""The demo's glaciers: invented radar backscatter and heights, from which band maths tells snow from ice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

SIDE, ROWS, COLUMNS = 200.0, 400, 500
WEST, NORTH = 250_000.0, -1_800_000.0
"""Upper left corner in EPSG:3413: the inland ice of north-east Greenland."""


def write_rasters(folder: Path) -> None:
    """Write backscatter (hundredths of a decibel) on one grid and heights on a coarser one, the same bytes every time.

    Ice rises westwards from the coast. Snow is wet below some 700 m, where the melt of July reaches; above lies bare
    ice up to the firn line, and frozen snow beyond.
    """
    import numpy as np

    x, y = np.meshgrid(WEST + SIDE * (np.arange(COLUMNS) + 0.5), NORTH - SIDE * (np.arange(ROWS) + 0.5))
    height = _height(x, y)
    random = np.random.default_rng(20180715)
    quiet = np.where(height < 700, -17.0, np.where(height < 1500, -9.5, -4.0))
    decibels = quiet + 1.5 * np.sin(x / 9_000) * np.cos(y / 7_000) + random.normal(0, 0.8, x.shape)
    sigma0 = np.rint(100 * decibels).astype(np.int16)
    sigma0[height <= 0] = -32768
    _write(folder / "sigma0_20180715T083000.tif", sigma0, SIDE, -32768, 0.01, "dB")
    coarse = np.meshgrid(WEST + 1000 * (np.arange(COLUMNS // 5) + 0.5), NORTH - 1000 * (np.arange(ROWS // 5) + 0.5))
    _write(folder / "height_20180715.tif", _height(*coarse).astype(np.float32), 1000.0, -9999, 1.0, "m")


def _height(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> npt.NDArray[Any]:
    import numpy as np

    shore = WEST + 88_000 + 9_000 * np.sin(y / 11_000)
    found: npt.NDArray[Any] = np.clip((shore - x) / 45, -10, None) + 40 * np.sin(x / 5_000) * np.sin(y / 6_000)
    return found


def _write(path: Path, values: npt.NDArray[Any], side: float, nodata: int, scale: float, unit: str) -> None:
    import rasterio
    from rasterio.transform import Affine

    profile = {
        "driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": values.dtype,
        "crs": "EPSG:3413", "transform": Affine(side, 0, WEST, 0, -side, NORTH), "nodata": nodata,
        "compress": "deflate",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(values, 1)
        file.scales, file.units = (scale,), (unit,)
        file.update_tags(TIFFTAG_IMAGEDESCRIPTION="Synthetic")
