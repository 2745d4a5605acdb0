"""The processor `band-maths`: an expression over bands of rasters as a map, with the areas of its classes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from processors.bandmaths.checking import checked, used
from processors.bandmaths.evaluation import Work, result_of
from processors.bandmaths.lexer import KEYWORDS, MOST_BYTES
from processors.bandmaths.rasters import Lattice, Pixels, Resampling, Stack, place_of
from processors.bandmaths.syntax import FUNCTIONS
from processors.cog import Band, Block, Raster, write_cog
from processors.errors import Refusal
from processors.icestats.areas import cell_areas
from processors.protocol import JSON, Inputs, Lineage, Parameters, Product, Slot
from processors.thumbnail import thumbnail

if TYPE_CHECKING:
    from processors.engine import Engine

Identifier: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=64)]
SNOW = "if dem == -500 then 0 else if sigma0 < wet_db then 10 else if sigma0 < ice_db and dem < ela_m then 20 else 30"
"""Snow and bare ice over land ice, from backscatter in dB and height in metres; -500 is SNAP's missing height."""
PRODUCTS = {
    "map.tif": "The map, a COG",
    "map.png": "A small picture of it",
    "areas.csv": "True area of each class, where the map holds classes",
}


class Meaning(BaseModel):
    """One class of the map."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: int = Field(description="Its value.")
    name: str = Field(min_length=1, max_length=100, description="Its name.")
    colour: str | None = Field(None, pattern="^[0-9a-fA-F]{6}$", description="Its colour: RRGGBB.")


SNOW_CLASSES = (
    Meaning(value=0, name="unclassified", colour="BFBFBF"),
    Meaning(value=10, name="wet snow", colour="2166AC"),
    Meaning(value=20, name="bare ice", colour="8C510A"),
    Meaning(value=30, name="frozen snow", colour="D1E5F0"),
)
_CYCLE = ("1B9E77", "D95F02", "7570B3", "E7298A", "66A61E", "E6AB02", "A6761D", "666666")
"""Colours of classes that state none: Dark2 of ColorBrewer (Brewer, 2002; Apache-2.0)."""


class BandMathsParameters(Parameters):
    """What is computed from which bands."""

    bands: Mapping[Identifier, str] = Field(
        {"sigma0": "1", "dem": "2"},
        min_length=1,
        max_length=16,
        description="Name of each band in the expression → FILE, FILE#BAND or the number of a raster, counted from 1.",
    )
    expression: str = Field(
        SNOW,
        min_length=1,
        max_length=MOST_BYTES,
        description="Numbers, names, + - * / ^, < <= > >= == !=, and or not, if … then … else …, "
        f"true false nan, and {' '.join(FUNCTIONS)}.",
    )
    numbers: Mapping[Identifier, float] = Field(
        {"wet_db": -14.0, "ice_db": -6.0, "ela_m": 1650.0},
        max_length=64,
        description="Names that stand for a number in the expression.",
    )
    classes: tuple[Meaning, ...] | None = Field(
        None,
        max_length=256,
        description='Classes of the map: `[{"value": 10, "name": "wet snow", "colour": "2166AC"}]`; those of snow and '
        "ice for the default expression, else none: the map holds values.",
    )
    dtype: Literal["uint8", "int16", "float32"] = Field("uint8", description="Type of the map's values.")
    nodata: float = Field(255.0, description="Value where a band that is used has none, or the result is no number.")
    grid: str | None = Field(None, description="Band whose grid the map takes; the first by default.")
    resampling: Resampling = Field(
        "auto", description="How other grids are brought to it: nearest, bilinear; auto takes nearest for classes."
    )
    unit: str = Field("", max_length=40, description="Unit of the map's values.")

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        for name in (*self.bands, *self.numbers):
            if name in KEYWORDS or name in FUNCTIONS:
                raise ValueError(f"`{name}` is a word of the language")
        if both := set(self.bands) & set(self.numbers):
            raise ValueError(f"`{min(both)}` is a band and a number")
        if self.grid is not None and self.grid not in self.bands:
            raise ValueError(f"`{self.grid}`, whose grid is wanted, is no band")
        return self

    @model_validator(mode="after")
    def _values_agree(self) -> Self:
        if self.dtype == "float32" and self.meanings:
            raise ValueError("classes are whole numbers; use uint8 or int16")
        if self.dtype != "float32":
            limits = np.iinfo(self.dtype)
            if not (limits.min <= self.nodata <= limits.max and self.nodata == int(self.nodata)):
                raise ValueError(f"{self.nodata:g} does not fit {self.dtype}")
        values = [one.value for one in self.meanings]
        if len(set(values)) < len(values) or self.nodata in values:
            raise ValueError("two classes, or a class and no-data, have one value")
        return self

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """The classes of the map."""
        if self.classes is not None:
            return self.classes
        return SNOW_CLASSES if self.expression == SNOW else ()


class BandMaths:
    """Computes an expression; an instance is registered as processor."""

    name = "band-maths"
    version = "1"
    title = "Band maths: an expression over rasters"
    description = (
        "Computes an expression for each pixel of up to 16 bands and writes numbers or classes as a cloud-optimised "
        "GeoTIFF with colour table, and the true area of each class. Rasters on another grid, such as a height model, "
        "are resampled. The expression is checked before a pixel is read; errors name the column. By default it tells "
        "wet snow, bare ice and frozen snow on land ice from C-band backscatter (dB) and height (m). Backscatter is "
        "taken as it is: layover, foreshortening and shadow of mountains stay in the map."
    )
    inputs = (Slot("raster", "Rasters", ("image/tiff; application=geotiff", "image/tiff"), most=16),)
    products = PRODUCTS
    parameters = BandMathsParameters

    def run(self, inputs: Inputs, parameters: BandMathsParameters, engine: Engine) -> Iterator[Product]:
        """Yield the map, its picture and the areas of its classes.

        Raises:
            Refusal: The expression is wrong, a band is missing, or a raster cannot be read.
        """
        lineage = Lineage.of(self, inputs, parameters)
        tree = checked(parameters.expression, {*parameters.bands, *parameters.numbers})
        names = used(tree, parameters.bands)
        if not names:
            raise Refusal("reads no band", "expression", f"use: {', '.join(parameters.bands)}", "EXPR.UNKNOWN_BAND")
        grid = parameters.grid or next(iter(parameters.bands))
        places = {
            name: place_of(said, inputs["raster"], name)
            for name, said in parameters.bands.items()
            if name in names or name == grid
        }
        work = Work(tree, parameters.numbers, parameters.dtype, parameters.nodata)
        path = engine.folder / "map.tif"
        areas: dict[int, tuple[int, float]] = {}
        with Stack(places, grid, parameters.resampling) as stack:
            lattice = stack.lattice
            task = partial(_strip, work, lattice, bool(parameters.meanings))
            strips = ((rows, stack.read(names, rows)) for rows in lattice.strips())
            made = _gathered(engine.map(task, strips, task="rows"), areas)
            fields = write_cog(path, _raster(lattice, parameters, lineage), made)
        fields |= {"processing:expression": {"format": "iaos-band-maths", "expression": parameters.expression}}
        fields |= _classes(parameters.meanings)
        title = f"{parameters.expression[:60]}" if parameters.expression != SNOW else "Snow and ice classes"
        yield Product("map.tif", "cog", path, title, lineage, ("data",), fields)
        picture = engine.folder / "map.png"
        picture.write_bytes(thumbnail(path))
        yield Product("map.png", "figure", picture, f"{title}, small", lineage, ("thumbnail",))
        if parameters.meanings:
            table = engine.folder / "areas.csv"
            table.write_text(_table(parameters.meanings, areas, parameters.nodata), encoding="utf-8")
            yield Product("areas.csv", "table", table, "True area of each class", lineage)


def _strip(
    work: Work, lattice: Lattice, count: bool, batch: tuple[tuple[int, int], Mapping[str, Pixels]]
) -> tuple[int, npt.NDArray[Any], dict[int, tuple[int, float]]]:
    """Return first row, values, and of each value the number of pixels and their true area, km²."""
    rows, bands = batch
    values = result_of(work, bands)
    if not count:
        return rows[0], values, {}
    a, b, c, d, e, f = lattice.transform
    areas = cell_areas(lattice.crs, (a, b, c + b * rows[0], d, e, f + e * rows[0]), (values.shape[0], values.shape[1]))
    found, which = np.unique(values, return_inverse=True)
    pixels = np.bincount(which.ravel(), minlength=found.size)
    sums = np.bincount(which.ravel(), weights=areas.ravel(), minlength=found.size)
    keys = found.tolist()
    return rows[0], values, dict(zip(keys, zip(pixels.tolist(), sums.tolist(), strict=True), strict=True))


def _gathered(
    strips: Iterator[tuple[int, npt.NDArray[Any], dict[int, tuple[int, float]]]], areas: dict[int, tuple[int, float]]
) -> Iterator[Block]:
    for row, values, found in strips:
        for value, (pixels, area) in found.items():
            before = areas.get(value, (0, 0.0))
            areas[value] = before[0] + pixels, before[1] + area
        yield row, 0, values


def _raster(lattice: Lattice, parameters: BandMathsParameters, lineage: Lineage) -> Raster:
    meanings = parameters.meanings
    tags = {"LINEAGE": json.dumps(lineage.to_dict(), sort_keys=True), "EXPRESSION": parameters.expression}
    if meanings:
        tags["CLASSES"] = json.dumps({str(one.value): one.name for one in meanings})
    return Raster(
        lattice.shape,
        parameters.dtype,
        lattice.crs,
        lattice.transform,
        (Band("class" if meanings else "value", parameters.unit),),
        parameters.nodata,
        "classes" if meanings else "continuous",
        _colours(meanings, parameters.nodata) if parameters.dtype == "uint8" and meanings else {},
        tags,
    )


def _hex(number: int, one: Meaning) -> str:
    return (one.colour or _CYCLE[number % len(_CYCLE)]).upper()


def _colours(meanings: Sequence[Meaning], nodata: float) -> dict[int, tuple[int, ...]]:
    found = {one.value: (*bytes.fromhex(_hex(number, one)), 255) for number, one in enumerate(meanings)}
    return {int(nodata): (0, 0, 0, 0), **found}


def _classes(meanings: Sequence[Meaning]) -> dict[str, JSON]:
    """Return the classes as the classification extension 2.0 has them."""
    listed = [
        {"value": one.value, "name": one.name.replace(" ", "_"), "title": one.name, "color_hint": _hex(number, one)}
        for number, one in enumerate(meanings)
    ]
    return {"classification:classes": listed} if listed else {}


def _table(meanings: Sequence[Meaning], areas: Mapping[int, tuple[int, float]], nodata: float) -> str:
    names = {one.value: one.name for one in meanings} | {int(nodata): "no data"}
    lines = ["value,name,pixels,area_km2"]
    for value in sorted({*areas, *(one.value for one in meanings)}):
        pixels, area = areas.get(value, (0, 0.0))
        name = names.get(int(value), "").replace('"', "'")
        lines.append(f'{value:g},"{name}",{pixels},{area:.6f}')
    return "\n".join(lines) + "\n"


processor = BandMaths()
