"""Reads the measurement TIFFs, and says where they end too early."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal

_HINT = "fetch the product again"
_CACHE_BYTES = 32 * 2**20


def check_size(
    raster: str,
    where: str,
    size: int | None = None,
    expected: int | None = None,
    shape: tuple[int, int] | None = None,
) -> None:
    """Check that a TIFF can be opened and is as large as it must be.

    Args:
        raster: Name for GDAL.
        where: Name for messages.
        size: Its bytes.
        expected: Bytes it should have.
        shape: Lines and samples it should have.

    Raises:
        Refusal: It is empty (``S1.TIFF_EMPTY``), cut (``S1.TIFF_TRUNCATED``), or differs from the annotation
            (``S1.SIZE_MISMATCH``).
    """
    if size == 0:
        raise Refusal("is empty", where, _HINT, "S1.TIFF_EMPTY")
    with _opened(raster, where) as dataset:
        found, kind = (dataset.height, dataset.width), dataset.dtypes[0]
        if size is not None and expected is not None and size < expected:
            raise _truncated(where, _first_bad(dataset, 0, dataset.height))
    if shape is not None and (found != shape or kind != "uint16"):
        message = f"has {found[0]} x {found[1]} values of type {kind}, the annotation {shape[0]} x {shape[1]} of uint16"
        raise Refusal(message, where, _HINT, "S1.SIZE_MISMATCH")


def read_lines(raster: str, where: str, first: int, last: int) -> npt.NDArray[np.uint16]:
    """Return the lines from ``first`` to the one before ``last``.

    Raises:
        Refusal: A line cannot be read (``S1.TIFF_TRUNCATED``).
    """
    from rasterio.errors import RasterioIOError

    with _opened(raster, where) as dataset:
        try:
            values: npt.NDArray[np.uint16] = dataset.read(1, window=_window(dataset, first, last))
        except RasterioIOError:
            raise _truncated(where, _first_bad(dataset, first, last)) from None
    return values


@contextmanager
def _opened(raster: str, where: str) -> Iterator[Any]:
    """Open with a small cache of blocks: each is needed once."""
    import rasterio
    from rasterio.errors import RasterioIOError

    with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
        try:
            dataset = rasterio.open(raster, driver="GTiff")
        except RasterioIOError:
            raise _truncated(where, 0) from None
        with dataset:
            yield dataset


def _window(dataset: Any, first: int, last: int) -> Any:
    from rasterio.windows import Window

    return Window(0, first, dataset.width, last - first)


def _first_bad(dataset: Any, first: int, last: int) -> int:
    """Return the first line that cannot be read, by halving: a file cut at its end has none after it."""
    from rasterio.errors import RasterioIOError

    while last - first > 1:
        middle = (first + last) // 2
        try:
            dataset.read(1, window=_window(dataset, middle - 1, middle))
        except RasterioIOError:
            last = middle
        else:
            first = middle
    return first


def _truncated(where: str, line: int) -> Refusal:
    return Refusal(f"ends before line {line} is complete", where, _HINT, "S1.TIFF_TRUNCATED")
