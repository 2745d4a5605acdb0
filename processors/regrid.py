"""The processor `regrid`: one variable of a gridded NetCDF file as a map, a COG in a polar projection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from processors.cog import Band, Block, Raster, write_cog
from processors.cropping import crop
from processors.errors import Refusal
from processors.grids import Floats, Grid, TimeRule, read_grid
from processors.protocol import JSON, Inputs, Lineage, Parameters, Product, Slot
from processors.sampling import Resampling, Target, cell_size, reach_of, sample, spacings
from processors.thumbnail import Palette, thumbnail

if TYPE_CHECKING:
    from processors.engine import Engine

MOST_CELLS = 100_000_000
STRIP = 512


class RegridParameters(Parameters):
    """How a grid becomes a map."""

    variable: str | None = Field(None, description="Name of the variable; needed where the file has several maps.")
    time: TimeRule = Field("last", description="Time step to show: `first`, `last`, or `mean` of all.")
    step: int | None = Field(
        None, ge=0, description="Number of the time step to show, counted from 0; goes before `time`."
    )
    crs: str = Field("EPSG:3413", description="Projected reference system of the map, in metres.")
    resolution: float | None = Field(
        None, gt=0, le=1e6, allow_inf_nan=False, description="Side of a cell in metres; the grid's own by default."
    )
    resampling: Literal["auto", "nearest", "bilinear", "mean"] = Field(
        "auto",
        description="`nearest` cell, `bilinear` between four, or `mean` over the cell; `auto` takes the nearest for "
        "classes and curvilinear grids, the mean where cells get more than twice as large, else bilinear.",
    )
    south: float = Field(50.0, ge=-90, lt=90, description="Cells south of this latitude do not widen the map.")
    limits: tuple[float, float] | None = Field(
        None,
        description="Values of the first and the last colour of the picture; by default their 2nd and 98th percentile.",
    )
    palette: Palette = Field("viridis", description="Colours of the picture, from low to high.")


class Regrid:
    """Makes a map of a grid; an instance is registered as processor."""

    name = "regrid"
    version = "2"
    title = "Grid to map"
    description = (
        "Reads one variable of a gridded NetCDF file by its CF attributes (projected axes, longitude and latitude, "
        "or a curvilinear grid), takes one time step or their mean, and writes it as a cloud-optimised GeoTIFF in a "
        "polar projection. Flags among packed values count as missing; flag variables keep their classes."
    )
    inputs = (Slot("grid", "Gridded NetCDF file", ("application/netcdf", "application/x-netcdf")),)
    products = {"map.tif": "The map, a COG", "map.png": "A small picture of it"}  # noqa: RUF012  (never changed)
    parameters = RegridParameters

    def run(self, inputs: Inputs, parameters: RegridParameters, engine: Engine) -> Iterator[Product]:
        """Yield ``map.tif`` and ``map.png``.

        Raises:
            Refusal: The file holds no such map, or the map would have too many cells.
        """
        lineage = Lineage.of(self, inputs, parameters)
        (file,) = inputs["grid"]
        time = parameters.time if parameters.step is None else parameters.step
        grid = read_grid(file.path, parameters.variable, time)
        target = target_of(grid, parameters)
        how, per_side = _how(grid, target, parameters)
        strips = [(row, min(row + STRIP, target.shape[0])) for row in range(0, target.shape[0], STRIP)]
        reach = reach_of(grid)
        parts = ((crop(grid, target, rows, reach), rows) for rows in strips)
        values = engine.map(partial(sample, target, how, per_side, reach), parts, task="rows")
        blocks = ((first, 0, strip) for (first, _), strip in zip(strips, values, strict=True))
        map_file, picture = engine.folder / "map.tif", engine.folder / "map.png"
        fields = write_cog(map_file, _raster(grid, target, how, lineage), _typed(blocks, grid))
        fields |= _classes(grid) | ({"datetime": grid.time} if grid.time else {})
        yield Product("map.tif", "cog", map_file, _title(grid, parameters), lineage, ("data",), fields)
        picture.write_bytes(thumbnail(map_file, limits=parameters.limits, palette=parameters.palette))
        yield Product("map.png", "figure", picture, f"{_title(grid, parameters)}, small", lineage, ("thumbnail",))


def _title(grid: Grid, parameters: RegridParameters) -> str:
    mean = parameters.time == "mean" and parameters.step is None
    when = "mean of all times" if mean else grid.time
    return f"{grid.name}, {when} ({parameters.crs})" if when else f"{grid.name} ({parameters.crs})"


def target_of(grid: Grid, parameters: RegridParameters) -> Target:
    """Return the smallest map whose edges are multiples of the resolution and that holds the grid's cells.

    Raises:
        Refusal: The reference system is not projected in metres, no cell lies on the map, or there are too many.
    """
    from pyproj import CRS, Transformer
    from pyproj.exceptions import CRSError

    try:
        crs = CRS.from_user_input(parameters.crs)
    except CRSError:
        raise Refusal(f"{parameters.crs!r} is no reference system", "crs", "give a code such as EPSG:3413") from None
    if not crs.is_projected or crs.axis_info[0].unit_name != "metre":
        raise Refusal(f"{parameters.crs} is not projected in metres", "crs", "give a code such as EPSG:3413")
    x, y = (grid.x, grid.y) if grid.is_curvilinear else np.meshgrid(grid.x, grid.y)
    _, latitude = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
    there_x, there_y = Transformer.from_crs(grid.crs, crs, always_xy=True).transform(x, y)
    known = (latitude >= parameters.south) & np.isfinite(there_x) & np.isfinite(there_y)
    if not known.any():
        raise Refusal(f"no cell lies north of {parameters.south}°", grid.name, "lower `south`, or choose another `crs`")
    size = max(spacings(grid))
    side = parameters.resolution or _rounded(cell_size(grid))
    west, east, south, north = *_edges(there_x[known], size, side), *_edges(there_y[known], size, side)
    shape = round((north - south) / side), round((east - west) / side)
    if shape[0] * shape[1] > MOST_CELLS:
        raise Refusal(f"the map would have {shape[0]} × {shape[1]} cells", grid.name, "give a coarser `resolution`")
    return Target(parameters.crs, west, north, side, shape)


def _edges(at: Floats, size: float, side: float) -> tuple[float, float]:
    return side * floor((at.min() - size / 2) / side + 1e-6), side * ceil((at.max() + size / 2) / side - 1e-6)


def _rounded(size: float) -> float:
    """Keep two digits of a size."""
    return float(round(size, 1 - floor(log10(size))))


def _how(grid: Grid, target: Target, parameters: RegridParameters) -> tuple[Resampling, int]:
    per_side = max(1, ceil(target.resolution / cell_size(grid)))
    if parameters.resampling != "auto":
        if parameters.resampling != "nearest" and grid.is_classes:
            raise Refusal(f"`{grid.name}` holds classes, which have no mean", "resampling", "use nearest")
        if parameters.resampling == "bilinear" and grid.is_curvilinear:
            raise Refusal(f"the grid of `{grid.name}` is curvilinear", "resampling", "use nearest or mean")
        return parameters.resampling, per_side
    if grid.is_classes:
        return "nearest", 1
    if target.resolution > 2 * cell_size(grid):
        return "mean", per_side
    return ("nearest" if grid.is_curvilinear else "bilinear"), 1


def _raster(grid: Grid, target: Target, how: Resampling, lineage: Lineage) -> Raster:
    said = json.dumps(lineage.to_dict(), sort_keys=True)
    return Raster(
        target.shape,
        "uint8" if _fits_byte(grid) else str(grid.values.dtype),
        target.crs,
        target.transform,
        (Band(grid.name, grid.unit),),
        255 if _fits_byte(grid) else np.nan,
        "classes" if grid.is_classes else "continuous",
        tags={"LINEAGE": said, "RESAMPLING": how},
    )


def _fits_byte(grid: Grid) -> bool:
    """Tell whether all values are classes below 255, which then means missing."""
    values = grid.values[np.isfinite(grid.values)]
    return grid.is_classes and bool((values >= 0).all() and (values < 255).all() and (values % 1 == 0).all())


def _typed(blocks: Iterator[Block], grid: Grid) -> Iterator[Block]:
    for row, column, values in blocks:
        yield row, column, np.nan_to_num(values, nan=255).astype("uint8") if _fits_byte(grid) else values


def _classes(grid: Grid) -> dict[str, JSON]:
    """Return the meanings of flags as the classification extension 2.0 has them."""
    named = [{"value": int(value), "name": word, "title": word} for value, word in grid.meanings.items() if word]
    return {"classification:classes": named} if named else {}


processor = Regrid()
