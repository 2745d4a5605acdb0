"""Draws a small PNG of a raster: classes in their own colours, values through a colour map, gaps transparent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

SIDE = 256
"""Pixels along the longer side."""

Palette: TypeAlias = Literal["viridis", "blues", "blue-red"]

PALETTES: Mapping[Palette, tuple[tuple[int, int, int], ...]] = {
    "viridis": (
        (68, 1, 84), (72, 40, 120), (62, 74, 137), (49, 104, 142), (38, 130, 142),
        (31, 158, 137), (53, 183, 121), (110, 206, 88), (181, 222, 43), (253, 231, 37),
    ),
    "blues": (
        (8, 48, 107), (8, 81, 156), (33, 113, 181), (66, 146, 198), (107, 174, 214),
        (158, 202, 225), (198, 219, 239), (222, 235, 247), (247, 251, 255),
    ),
    "blue-red": (
        (5, 48, 97), (33, 102, 172), (67, 147, 195), (146, 197, 222), (209, 229, 240), (247, 247, 247),
        (253, 219, 199), (244, 165, 130), (214, 96, 77), (178, 24, 43), (103, 0, 31),
    ),
}  # fmt: skip
"""Even steps from low to high: viridis (van der Walt and Smith, 2015; CC0), and Blues and RdBu of ColorBrewer
(Brewer, 2002; Apache-2.0), the latter two reversed; all for every kind of colour sight."""


def thumbnail(
    source: Path, side: int = SIDE, *, limits: tuple[float, float] | None = None, palette: Palette = "viridis"
) -> bytes:
    """Return a PNG of a raster's first band, or of its colours; the same raster gives the same bytes.

    Only an overview is read.

    Args:
        source: The raster.
        side: Pixels along the longer side.
        limits: Values of the first and last colour; by default their 2nd and 98th percentile.
        palette: Colours of a band that has none of its own.

    Raises:
        rasterio.errors.RasterioError: GDAL cannot read the file.
    """
    import rasterio
    from rasterio.enums import ColorInterp, Resampling

    with rasterio.Env(GDAL_PAM_ENABLED=False), rasterio.open(source) as dataset:
        scale = min(1.0, side / max(dataset.shape))
        shape = tuple(max(1, round(scale * length)) for length in dataset.shape)
        table = _table(dataset) if dataset.colorinterp[0] == ColorInterp.palette else {}
        photo = not table and dataset.count >= 3 and set(dataset.dtypes[:3]) == {"uint8"}
        bands = (1, 2, 3) if photo else (1,)
        how = Resampling.nearest if table or dataset.dtypes[0] == "uint8" else Resampling.average
        values = dataset.read(bands, out_shape=(len(bands), *shape), resampling=how)
        known = dataset.read_masks(1, out_shape=shape) > 0
        known &= np.isfinite(values).all(axis=0)
        if photo:
            return _png(values, known)
        if table:
            return _png(_by_table(values[0], table), known)
        return _png(_stretched(values[0], known, limits, palette), known)


def _table(dataset: Any) -> dict[int, tuple[int, ...]]:
    """Return the colours of a raster that claims a palette; none where it has not kept one."""
    try:
        return dict(dataset.colormap(1))
    except ValueError:
        return {}


def _by_table(values: npt.NDArray[Any], table: dict[int, tuple[int, ...]]) -> npt.NDArray[np.uint8]:
    present, places = np.unique(values, return_inverse=True)
    colours = np.array([table.get(value, (0, 0, 0))[:3] for value in present.tolist()], np.uint8)
    return np.moveaxis(colours[places.reshape(values.shape)], -1, 0)


def _stretched(
    values: npt.NDArray[Any], known: npt.NDArray[np.bool_], limits: tuple[float, float] | None, palette: Palette
) -> npt.NDArray[np.uint8]:
    usual = np.percentile(values[known].astype(np.float64), (2, 98)) if known.any() else (0.0, 1.0)
    low, high = limits or usual
    colours = PALETTES[palette]
    share = (np.where(known, values, low).astype(np.float64) - low) / ((high - low) or 1.0)
    steps = np.linspace(0, 1, len(colours))
    return np.stack([np.rint(np.interp(share, steps, part)).astype(np.uint8) for part in np.transpose(colours)])


def _png(colours: npt.NDArray[np.uint8], known: npt.NDArray[np.bool_]) -> bytes:
    import warnings

    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.io import MemoryFile

    image = np.concatenate([colours, np.where(known, 255, 0).astype(np.uint8)[None]])
    profile = {"driver": "PNG", "height": image.shape[1], "width": image.shape[2], "count": 4, "dtype": "uint8"}
    with MemoryFile() as memory, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a picture has no place
        with memory.open(**profile) as file:
            file.write(image)
        return bytes(memory.read())
