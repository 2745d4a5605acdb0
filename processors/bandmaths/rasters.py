"""Reads bands of rasters strip by strip on one grid: as they are where they lie on it, resampled where they do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.protocol import Input

Floats: TypeAlias = npt.NDArray[np.float64]
Resampling: TypeAlias = Literal["auto", "nearest", "bilinear"]

STRIP = 512
MOST_PIXELS = 1_000_000_000
TOLERANCE = 0.01
"""Pixels by which GDAL may interpolate places instead of computing them; its own default is 0.125."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a band is found.

    Attributes:
        file: The raster.
        number: Its band, from 1.
    """

    file: Input
    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """A strip of one band, as stored.

    Attributes:
        values: Shape (rows, columns).
        valid: Where there is a value, of the same shape; None where only ``nodata`` tells.
        nodata: Stored value that means none.
        scale: Value of one step of what is stored.
        offset: Value of a stored zero.
    """

    values: npt.NDArray[Any]
    valid: npt.NDArray[np.bool_] | None = None
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0

    def flat(self, here: slice) -> Floats:
        """Return some values, counted row by row, in float64; NaN where there is none.

        Steps such as 0.01 divide by 100, so that -1400 becomes the -14 that an expression writes.
        """
        stored = self.values.reshape(-1)[here]
        values = stored.astype(np.float64)
        if self.scale != 1.0:
            steps = round(1 / self.scale)
            values = values / steps if steps and abs(steps * self.scale - 1) < 1e-12 else values * self.scale
        if self.offset:
            values += self.offset
        if self.nodata is not None and not np.isnan(self.nodata):
            values[stored == self.nodata] = np.nan
        if self.valid is not None:
            values[~self.valid.reshape(-1)[here]] = np.nan
        return values


@dataclass(frozen=True, slots=True)
class Lattice:
    """Cells of the product.

    Attributes:
        crs: WKT of the reference system.
        transform: Affine coefficients (a, b, c, d, e, f).
        shape: Rows and columns.
    """

    crs: str
    transform: tuple[float, float, float, float, float, float]
    shape: tuple[int, int]

    def strips(self) -> Iterator[tuple[int, int]]:
        """Yield first row, and the one after the last."""
        for row in range(0, self.shape[0], STRIP):
            yield row, min(row + STRIP, self.shape[0])


def place_of(said: str, files: Sequence[Input], band: str) -> Place:
    """Find what ``FILE``, ``FILE#BAND`` or the number of a file, counted from 1, means.

    Raises:
        Refusal: There is no such file, or the number of the band is none.
    """
    name, _, number = said.partition("#")
    names = [one.href.rsplit("/", 1)[-1] for one in files]
    found = [one for one, own in zip(files, names, strict=True) if name in {own, one.href}]
    if not found and name.isdecimal() and 1 <= int(name) <= len(files):
        found = [files[int(name) - 1]]
    if len(found) != 1:
        said = f"no raster is `{name}`" if not found else f"{len(found)} rasters are `{name}`"
        raise Refusal(said, f"bands.{band}", f"there are: {', '.join(names)}", "EXPR.UNKNOWN_BAND")
    if number and not (number.isdecimal() and int(number)):
        raise Refusal(f"`{number}` is no band", f"bands.{band}", "count from 1", "EXPR.UNKNOWN_BAND")
    return Place(found[0], int(number or 1))


class Stack:
    """Open rasters on the grid of one of them; close it as a context.

    Args:
        places: Bands by their names.
        grid: The band whose grid is taken.
        how: How the others are resampled; ``auto`` takes the nearest cell of classes, else between four.
    """

    def __init__(self, places: Mapping[str, Place], grid: str, how: Resampling) -> None:
        self._places, self._how = places, how
        self._open: ExitStack = ExitStack()
        self._bands: dict[str, Any] = {}
        self._grid = grid

    def __enter__(self) -> Self:
        """Open every raster.

        Raises:
            Refusal: One cannot be read, has no such band, no reference system, or complex numbers.
        """
        import rasterio

        with ExitStack() as opening:
            opening.enter_context(rasterio.Env(GDAL_CACHEMAX=128, GDAL_NUM_THREADS=1, GDAL_PAM_ENABLED=False))
            files = {one.file.path: one.file for one in self._places.values()}
            opened = {path: opening.enter_context(_opened(file)) for path, file in files.items()}
            for name, place in self._places.items():
                if place.number > opened[place.file.path].count:
                    said = f"has {opened[place.file.path].count} bands, none is number {place.number}"
                    raise Refusal(said, place.file.href, "", "EXPR.UNKNOWN_BAND")
                if opened[place.file.path].dtypes[place.number - 1].startswith("complex"):
                    raise Refusal("holds complex numbers", place.file.href, "give its amplitude or intensity")
                self._bands[name] = opened[place.file.path]
            own = self._bands[self._grid]
            if own.height * own.width > MOST_PIXELS:
                said = f"has {own.height} × {own.width} pixels, more than {MOST_PIXELS}"
                raise Refusal(said, self._places[self._grid].file.href, "cut it", "EXPR.LIMIT")
            self.lattice = Lattice(own.crs.to_wkt(), tuple(own.transform)[:6], own.shape)
            laid = {path: opening.enter_context(self._laid(one)) for path, one in opened.items()}
            self._bands = {name: laid[place.file.path] for name, place in self._places.items()}
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Close them."""
        self._open.close()

    def read(self, names: Sequence[str], rows: tuple[int, int]) -> dict[str, Pixels]:
        """Read some rows of some bands.

        Raises:
            Refusal: A raster is damaged.
        """
        from rasterio.errors import RasterioError

        found = {}
        for name in names:
            try:
                found[name] = _pixels(self._bands[name], self._places[name].number, rows)
            except RasterioError as trouble:
                said = f"cannot be read in rows {rows[0]} to {rows[1]}: {str(trouble).splitlines()[0]}"
                raise Refusal(said, self._places[name].file.href, "fetch it again") from trouble
        return found

    def _laid(self, dataset: Any) -> Any:
        """Return the dataset on the grid, resampled where it lies elsewhere."""
        from rasterio.enums import Resampling as Method
        from rasterio.transform import Affine
        from rasterio.vrt import WarpedVRT

        wanted = self.lattice
        crs = self._bands[self._grid].crs
        same = dataset.crs == crs and dataset.shape == wanted.shape
        if same and np.allclose(tuple(dataset.transform)[:6], wanted.transform, rtol=1e-12, atol=1e-6):
            return nullcontext(dataset)
        classes = dataset.colorinterp[0].name == "palette"
        nearest = self._how == "nearest" or (self._how == "auto" and classes)
        return WarpedVRT(
            dataset, crs=crs, transform=Affine(*wanted.transform), height=wanted.shape[0], width=wanted.shape[1],
            resampling=Method.nearest if nearest else Method.bilinear, tolerance=TOLERANCE,
            add_alpha=dataset.nodata is None, dtype=None if nearest else "float64", **_filter(dataset, crs, wanted),
        )  # fmt: skip


def _filter(dataset: Any, crs: Any, wanted: Lattice) -> dict[str, float]:
    """Return what keeps GDAL from widening its filter, but where cells are finer than two thirds of the map's.

    Left alone, it blurs by up to a tenth of a cell between grids of nearly one step.
    """
    from rasterio.warp import calculate_default_transform

    there, _, _ = calculate_default_transform(dataset.crs, crs, dataset.width, dataset.height, *dataset.bounds)
    return {"XSCALE": 1, "YSCALE": 1} if abs(there.a) > abs(wanted.transform[0]) * 2 / 3 else {}


def _opened(file: Input) -> Any:
    import rasterio
    from rasterio.errors import RasterioError

    try:
        dataset = rasterio.open(file.path, driver="GTiff")  # a VRT would name files nobody gave
    except RasterioError as trouble:
        said = str(trouble).replace(str(file.path), file.href).splitlines()[0]
        raise Refusal(f"cannot be read: {said}", file.href, "give a GeoTIFF") from trouble
    if dataset.crs is None or dataset.transform.is_identity:
        lack = "coordinate reference system" if dataset.crs is None else "place in its coordinate reference system"
        dataset.close()
        raise Refusal(f"has no {lack}", file.href, "set one first")
    return dataset


def _pixels(dataset: Any, number: int, rows: tuple[int, int]) -> Pixels:
    from rasterio.enums import MaskFlags
    from rasterio.windows import Window

    window = Window(0, rows[0], dataset.width, rows[1] - rows[0])
    values = dataset.read(number, window=window)
    flags = dataset.mask_flag_enums[number - 1]
    masked = MaskFlags.all_valid not in flags and MaskFlags.nodata not in flags
    valid = dataset.read_masks(number, window=window) > 0 if masked else None
    return Pixels(
        values, valid, dataset.nodatavals[number - 1], dataset.scales[number - 1], dataset.offsets[number - 1]
    )
