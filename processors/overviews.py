"""Makes overviews of decibels as means in power, which GDAL, who averages the numbers it finds, cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]


def write_overviews(path: Path, tile: int) -> list[Path]:
    """Write overviews of a GeoTIFF in decibels beside it, each half as large, down to one tile.

    Each is the overview of the one before it (``x.tif.ovr``, ``x.tif.ovr.ovr``, …), which is how GDAL finds them.

    Args:
        path: The file; values times scale plus offset are decibels.
        tile: Side of a tile, pixels.

    Returns:
        The files written.
    """
    import rasterio

    made: list[Path] = []
    with rasterio.open(path) as file:
        scale, offset = np.array(file.scales)[:, None, None], np.array(file.offsets)[:, None, None]
        shape = file.shape
    while max(shape) > tile:
        below = made[-1] if made else path
        made.append(below.with_name(f"{below.name}.ovr"))
        shape = _halved(below, made[-1], tile, (scale, offset))
    return made


def _halved(below: Path, path: Path, tile: int, units: tuple[Numbers, Numbers]) -> tuple[int, int]:
    import rasterio
    from rasterio.windows import Window

    with rasterio.open(below) as source:
        height, width = source.shape
        shape = -(-height // 2), -(-width // 2)
        with rasterio.open(path, "w", **{**source.profile, "height": shape[0], "width": shape[1]}) as target:
            for row in range(0, shape[0], tile):
                rows = min(tile, shape[0] - row)
                values = source.read(window=Window(0, 2 * row, width, min(2 * rows, height - 2 * row)))
                target.write(mean_power(values, source.nodata, *units), window=Window(0, row, shape[1], rows))
    return shape


def mean_power(values: Numbers, nodata: float | None, scale: Any = 1.0, offset: Any = 0.0) -> Numbers:
    """Average squares of two by two decibels in power; what is missing counts not, and squares of it are missing.

    Args:
        values: Shape (bands, rows, columns); the last row and column may have no partner.
        nodata: Value of what is missing.
        scale: What makes decibels of them.
        offset: What is added then.
    """
    odd = [(0, size % 2) for size in values.shape[1:]]
    known = np.isfinite(values) if nodata is None or np.isnan(nodata) else np.isfinite(values) & (values != nodata)
    power = np.where(known, 10 ** ((np.where(known, values, 0) * scale + offset) / 10), 0.0)
    total, count = (_squares(np.pad(one, ((0, 0), *odd))) for one in (power, known.astype(np.float64)))
    decibels = (10 * np.log10(np.where(count > 0, total, 1.0) / np.maximum(count, 1)) - offset) / scale
    if values.dtype.kind in "iu":
        decibels = np.rint(decibels)
    empty = np.nan if nodata is None else nodata
    made: Numbers = np.where(count > 0, decibels, empty).astype(values.dtype)
    return made


def _squares(values: Numbers) -> Numbers:
    bands, rows, columns = values.shape
    made: Numbers = values.reshape(bands, rows // 2, 2, columns // 2, 2).sum(axis=(2, 4))
    return made
