"""Finds classified scenes and their common lattice, and reads them tile by tile, in the order of their times."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil, floor
from pathlib import Path, PurePosixPath
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.icestats.areas import Transform
from processors.protocol import Input

Bytes = npt.NDArray[np.uint8]
NOTHING, WATER, ICE, LAND = 0, 1, 2, 3
"""Values of a class raster; everything else counts as nothing."""
TILE = 500
"""Pixels that a tile's side has at least."""
MOST_OPEN = 200
"""Rasters that are open at once."""
MOST_PIXELS = 150_000_000
UNKNOWN = 255
"""No probability."""
_STAMP = re.compile(r"(?<!\d)(\d{8}T\d{6})Z?(?!\d)")
_TIMES = ("DATETIME", "ACQUISITION_DATETIME", "TIFFTAG_DATETIME")


@dataclass(frozen=True, slots=True)
class Scene:
    """One class raster.

    Attributes:
        name: File name without ``_iceclass`` and suffix; of its folder where it is called ``iceclass.tif``.
        when: Time of acquisition, UTC.
        incidence: Mean incidence angle, degrees, where the raster's tag ``INCIDENCE_ANGLE`` tells; else 0.
        file: The raster.
        crs: WKT of its reference system.
        transform: Its affine coefficients.
        shape: Its rows and columns.
        probability: Raster of the probability of ice in percent, on the same cells.
    """

    name: str
    when: datetime
    incidence: float
    file: Input
    crs: str
    transform: Transform
    shape: tuple[int, int]
    probability: Input | None = None

    @property
    def day(self) -> int:
        """Days since 1970-01-01."""
        return (self.when - datetime(1970, 1, 1, tzinfo=UTC)).days

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north on the map."""
        west, north, side = self.transform[2], self.transform[5], self.transform[0]
        return west, north - side * self.shape[0], west + side * self.shape[1], north


@dataclass(frozen=True, slots=True)
class Lattice:
    """Pixels of a campaign and the cells they make.

    Attributes:
        crs: WKT of the reference system.
        west: Left edge, a multiple of a cell's side.
        north: Upper edge, a multiple of a cell's side.
        side: Side of a pixel, metres.
        cell: Pixels along the side of a cell.
        shape: Rows and columns of pixels, multiples of ``cell``.
    """

    crs: str
    west: float
    north: float
    side: float
    cell: int
    shape: tuple[int, int]

    @property
    def transform(self) -> Transform:
        """Affine coefficients of the pixels."""
        return self.at(0, 0)

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self.shape[0] // self.cell, self.shape[1] // self.cell

    @property
    def cell_transform(self) -> Transform:
        """Affine coefficients of the cells."""
        wide = self.side * self.cell
        return wide, 0.0, self.west, 0.0, -wide, self.north

    @property
    def tile(self) -> int:
        """Pixels along the side of a tile, whole cells."""
        return self.cell * ceil(TILE / self.cell)

    def at(self, row: int, column: int) -> Transform:
        """Return the affine coefficients of the pixels from a row and column on."""
        return self.side, 0.0, self.west + column * self.side, 0.0, -self.side, self.north - row * self.side

    def tiles(self) -> Iterator[tuple[int, int]]:
        """Yield first row and column of each tile."""
        for row in range(0, self.shape[0], self.tile):
            for column in range(0, self.shape[1], self.tile):
                yield row, column


def find_scenes(
    files: Sequence[Input], probabilities: Sequence[Input], start: datetime | None = None, end: datetime | None = None
) -> list[Scene]:
    """Return the scenes of a span of time, ordered by time; a scene that comes twice counts once.

    Of scenes of one instant those with the lower incidence angle come later, so that they win in a composite.

    Raises:
        Refusal: A raster is no class raster, tells no time, or two with one name differ; or none is in the span.
    """
    found: dict[str, Scene] = {}
    chances = {_stem(one, "_iceprob"): one for one in probabilities}
    for file in sorted(files, key=lambda one: (one.href, one.sha256)):
        name = _stem(file, "_iceclass")
        if name in found:
            if found[name].file.sha256 != file.sha256:
                raise Refusal("two scenes have this name and differ", name, "keep one", "STATS.DUPLICATE_SCENE")
            continue
        found[name] = _scene(file, name, chances.get(name))
    kept = [one for one in found.values() if (not start or one.when >= start) and (not end or one.when <= end)]
    if not kept:
        raise Refusal("no scene is between `start` and `end`", "items", "widen them", "STATS.NO_OVERLAP")
    return sorted(kept, key=lambda one: (one.when, -one.incidence, one.name))


def lattice_of(scenes: Sequence[Scene], grid_m: float, frame: tuple[float, float, float, float] | None) -> Lattice:
    """Return the smallest lattice of whole cells that holds the scenes, or the frame of the region where one is given.

    Raises:
        Refusal: ``STATS.MIXED_GRIDS``: scenes differ in projection or pixels, or pixels do not make whole cells;
            ``STATS.NO_OVERLAP``: no scene meets the frame; ``STATS.TOO_LARGE``: more than 150 million pixels.
    """
    first = scenes[0]
    side = first.transform[0]
    for one in scenes:
        _check_grid(one, first, side)
    cell = round(grid_m / side)
    if cell < 1 or abs(cell * side - grid_m) > 1e-6:
        said = f"cells of {grid_m:g} m are not whole pixels of {side:g} m"
        raise Refusal(said, "grid_km", "choose another", "STATS.MIXED_GRIDS")
    edges = np.array([one.bounds for one in scenes])
    west, south = float(edges[:, 0].min()), float(edges[:, 1].min())
    east, north = float(edges[:, 2].max()), float(edges[:, 3].max())
    if frame is not None:
        apart = frame[0] >= east or frame[2] <= west or frame[1] >= north or frame[3] <= south
        if apart:
            raise Refusal("no scene meets the region", "region", "check its coordinates", "STATS.NO_OVERLAP")
        west, south, east, north = frame
    west, north = grid_m * floor(west / grid_m + 1e-9), grid_m * ceil(north / grid_m - 1e-9)
    columns, rows = ceil((east - west) / grid_m - 1e-9), ceil((north - south) / grid_m - 1e-9)
    if rows * columns * cell * cell > MOST_PIXELS:
        said = f"the campaign would have {rows * cell} × {columns * cell} pixels"
        raise Refusal(said, "region", "give a smaller one", "STATS.TOO_LARGE")
    return Lattice(first.crs, west, north, side, cell, (rows * cell, columns * cell))


class Reader:
    """Reads windows of rasters on a lattice; close it as a context."""

    def __init__(self, lattice: Lattice) -> None:
        self._lattice = lattice
        self._open = ExitStack()
        self._datasets: dict[Path, Any] = {}

    def __enter__(self) -> Self:
        """Limit GDAL's cache."""
        import rasterio

        self._open.enter_context(rasterio.Env(GDAL_CACHEMAX=256, GDAL_NUM_THREADS=1, GDAL_PAM_ENABLED=False))
        return self

    def __exit__(self, *_: object) -> None:
        """Close all rasters."""
        for dataset in self._datasets.values():
            dataset.close()
        self._open.close()

    def tile(self, file: Input, at: tuple[int, int], empty: int = NOTHING) -> Bytes | None:
        """Return the pixels of a tile, ``empty`` outside the raster; None where the raster does not reach it.

        A raster on other pixels is read by its nearest.

        Raises:
            Refusal: It is damaged.
        """
        from rasterio.errors import RasterioError
        from rasterio.windows import Window

        lattice, side = self._lattice, self._lattice.tile
        try:
            dataset = self._dataset(file)
            row = at[0] + round((dataset.transform.f - lattice.north) / lattice.side)
            column = at[1] + round((lattice.west - dataset.transform.c) / lattice.side)
            first = max(row, 0), max(column, 0)
            last = min(row + side, dataset.height), min(column + side, dataset.width)
            if first[0] >= last[0] or first[1] >= last[1]:
                return None
            part = dataset.read(1, window=Window(first[1], first[0], last[1] - first[1], last[0] - first[0]))
        except RasterioError as trouble:
            said = f"cannot be read: {str(trouble).splitlines()[0]}"
            raise Refusal(said, file.href, "fetch it again", "STATS.UNREADABLE") from trouble
        found = np.full((side, side), empty, np.uint8)
        found[first[0] - row : last[0] - row, first[1] - column : last[1] - column] = part
        return found

    def _dataset(self, file: Input) -> Any:
        import rasterio

        if file.path in self._datasets:
            self._datasets[file.path] = self._datasets.pop(file.path)
        else:
            if len(self._datasets) >= MOST_OPEN:
                self._datasets.pop(next(iter(self._datasets))).close()
            dataset = rasterio.open(file.path, driver="GTiff")
            self._datasets[file.path] = dataset if self._fits(dataset) else self._warped(dataset)
        return self._datasets[file.path]

    def _fits(self, dataset: Any) -> bool:
        lattice = self._lattice
        shift = np.array([dataset.transform.c - lattice.west, dataset.transform.f - lattice.north]) / lattice.side
        square = dataset.transform.a == lattice.side == -dataset.transform.e
        same = dataset.crs is not None and dataset.crs.to_wkt() == lattice.crs
        return bool(square and same and np.abs(shift - np.round(shift)).max() < 1e-6)

    def _warped(self, dataset: Any) -> Any:
        from rasterio.enums import Resampling
        from rasterio.transform import Affine
        from rasterio.vrt import WarpedVRT

        lattice = self._lattice
        return WarpedVRT(
            dataset, crs=lattice.crs, transform=Affine(*lattice.transform), height=lattice.shape[0],
            width=lattice.shape[1], resampling=Resampling.nearest, nodata=NOTHING, tolerance=0.01,
        )  # fmt: skip


def time_of(tags: Mapping[str, str], name: str) -> datetime | None:
    """Return the time of a raster: of its tags, else of the first ``YYYYMMDDTHHMMSS`` in its name; None without."""
    for key in _TIMES:
        if key in tags:
            said = tags[key].replace(":", "-", 2) if re.match(r"\d{4}:\d\d:", tags[key]) else tags[key]
            try:
                when = datetime.fromisoformat(said)
            except ValueError:
                continue
            return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    stamp = _STAMP.search(name)
    try:
        return datetime.strptime(stamp[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if stamp else None
    except ValueError:
        return None


def open_raster(file: Input) -> Any:
    """Open a GeoTIFF of bytes.

    Raises:
        Refusal: ``STATS.UNREADABLE``.
    """
    import rasterio
    from rasterio.errors import RasterioError

    try:
        dataset = rasterio.open(file.path, driver="GTiff")
    except RasterioError as trouble:
        raise Refusal("cannot be read as GeoTIFF", file.href, "check it with gdalinfo", "STATS.UNREADABLE") from trouble
    if dataset.crs is None or dataset.dtypes[0] != "uint8":
        raise Refusal("is no raster of bytes with a reference system", file.href, "", "STATS.UNREADABLE")
    return dataset


def _scene(file: Input, name: str, probability: Input | None) -> Scene:
    with open_raster(file) as dataset:
        tags, a = dataset.tags(), tuple(dataset.transform)
        when = time_of(tags, name)
        crs, shape = dataset.crs.to_wkt(), dataset.shape
    if when is None:
        hint = "add the tag DATETIME, or YYYYMMDDTHHMMSS to its name"
        raise Refusal("tells no time", file.href, hint, "STATS.NO_TIME")
    if not np.isfinite(a).all() or a[0] != -a[4] or a[0] <= 0 or a[1] or a[3]:
        raise Refusal("has no square pixels north up", file.href, "warp it first", "STATS.MIXED_GRIDS")
    if probability is not None:
        with open_raster(probability) as dataset:
            if dataset.shape != shape or tuple(dataset.transform) != a:
                raise Refusal("does not lie on its scene's pixels", probability.href, "", "STATS.MIXED_GRIDS")
    incidence = tags.get("INCIDENCE_ANGLE", "")
    degrees = float(incidence) if re.fullmatch(r"\d+(\.\d+)?", incidence) else 0.0
    return Scene(name, when, degrees, file, crs, (a[0], a[1], a[2], a[3], a[4], a[5]), shape, probability)


def _check_grid(one: Scene, first: Scene, side: float) -> None:
    if one.crs != first.crs:
        raise Refusal(f"has another projection than {first.name}", one.name, "warp it first", "STATS.MIXED_GRIDS")
    off = abs(one.transform[2] / side - round(one.transform[2] / side)) + abs(
        one.transform[5] / side - round(one.transform[5] / side)
    )
    if one.transform[0] != side or off > 1e-6:
        said = f"its pixels are not those of {first.name}, from multiples of {side:g} m"
        raise Refusal(said, one.name, "make them on one grid", "STATS.MIXED_GRIDS")


def _stem(file: Input, ending: str) -> str:
    """Return the name of a scene: of the file without its ending, or of its folder where the file has no other name."""
    path = PurePosixPath(file.href)
    return path.parent.name if path.stem == ending[1:] and path.parent.name else path.stem.removesuffix(ending)
