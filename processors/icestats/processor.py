"""The processor `ice-stats`: areas, concentration, extent, edge, frequency and accuracy of ice on maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from processors.errors import Refusal
from processors.icestats.campaign import Campaign, gather, tiles_of
from processors.icestats.concentration import Rules
from processors.icestats.products import PRODUCTS, figures_of, products_of
from processors.icestats.published import Beside, campaign_of_maps
from processors.icestats.region import Region, geojson_of, outline_of
from processors.icestats.scenes import find_scenes, lattice_of, open_raster, time_of
from processors.icestats.tiles import count
from processors.protocol import Input, Inputs, Lineage, Parameters, Product, Slot

if TYPE_CHECKING:
    from processors.engine import Engine
    from processors.icestats.scenes import Scene

TIFF = ("image/tiff; application=geotiff", "image/tiff; application=geotiff; profile=cloud-optimized", "image/tiff")
MAPS = ("application/netcdf", "application/x-netcdf", "application/octet-stream")


class IceStatsParameters(Parameters):
    """What is summed, where, and by which rules."""

    region: Region = Field(
        "all",
        description="Box [west, south, east, north] in degrees (west greater than east crosses the antimeridian), "
        "GeoJSON polygon, or all that the items show.",
    )
    grid_km: Literal[5, 10, 25] = Field(10, description="Side of a cell of concentration made of class rasters, km.")
    sic_threshold: float = Field(0.15, gt=0, le=1, description="Concentration from which on a cell counts as extent.")
    min_valid_fraction: float = Field(0.5, ge=0, le=1, description="Least share of a cell's sea that must be seen.")
    min_coverage: float = Field(0.8, ge=0, le=1, description="Least share of the region's sea for totals to stand.")
    min_observations: int = Field(3, ge=1, le=1000, description="Fewest observations of a pixel for its frequency.")
    composite: Literal["latest", "mean"] = Field(
        "latest", description="What a pixel of a day shows: the latest observation, or the mean of them."
    )
    start: AwareDatetime | None = Field(None, description="Scenes before this time are left out; ISO 8601 with zone.")
    end: AwareDatetime | None = Field(None, description="Scenes after this time are left out; ISO 8601 with zone.")
    figures: bool = Field(True, description="Draw figures.")
    variable: str | None = Field(None, description="Variable of NetCDF items; needed where they have several.")
    valid_codes: tuple[int, ...] = Field((1,), description="Codes of the mask `valid` where ice can be.")
    region_codes: tuple[int, ...] = Field((), description="Codes of the mask `regions` that are wanted.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start and self.end and self.end < self.start:
            raise ValueError("`end` is before `start`")
        return self

    @property
    def rules(self) -> Rules:
        """How cells are judged."""
        return Rules(self.sic_threshold, self.min_valid_fraction, self.min_coverage)


class IceStats:
    """Sums a campaign; an instance is registered as processor."""

    name = "ice-stats"
    version = "2"
    title = "Sea-ice statistics of scenes and campaigns"
    description = (
        "Reads class rasters of scenes (0 nothing, 1 water, 2 ice, 3 land) or published maps of ice concentration "
        "(NSIDC binary, CERSAT, NetCDF by CF), and gives true areas on the ellipsoid, concentration on cells, extent, "
        "marginal zone, ice edge and its length, frequency, first and last day of ice, daily composites and their "
        "series over a region with the share that was seen, and accuracy against references. The order of the items "
        "and repeated items change nothing. After Snyder (1987), Goessling et al. (2016), Melsom et al. (2019), "
        "Olofsson et al. (2014)."
    )
    inputs = (
        Slot("items", "Class rasters, or maps of ice concentration", (*TIFF, *MAPS), most=None),
        Slot("probability", "Probability of ice of a scene in percent, NAME_iceprob.tif", TIFF, least=0, most=None),
        Slot("reference", "Chart or truth: a class raster, or maps of concentration", (*TIFF, *MAPS), 0, None),
        Slot("areas", "Areas of cells as NSIDC publishes them (psn25area_v3.dat)", MAPS[2:], least=0),
        Slot("valid", "Mask of where ice can be, on the grid of the maps", MAPS, least=0),
        Slot("regions", "Mask of regions, on the grid of the maps", MAPS, least=0),
    )
    products = PRODUCTS
    parameters = IceStatsParameters

    def run(self, inputs: Inputs, parameters: IceStatsParameters, engine: Engine) -> Iterator[Product]:
        """Yield tables, maps, NetCDF and figures.

        Raises:
            Refusal: Items cannot be read, do not lie on one grid, or show nothing of the region.
        """
        ordered = {slot: _ordered(files) for slot, files in inputs.items()}
        lineage = Lineage.of(self, ordered, parameters)
        kinds = {_is_raster(one) for one in ordered["items"]}
        if len(kinds) > 1:
            raise Refusal("class rasters and maps of concentration are mixed", "items", "", "STATS.MIXED_GRIDS")
        campaign = _of_scenes(ordered, parameters, engine) if kinds.pop() else _of_maps(ordered, parameters)
        place = geojson_of(parameters.region)
        yield from products_of(campaign, parameters.rules, parameters.min_observations, lineage, engine.folder, place)
        if parameters.figures:
            yield from figures_of(campaign, parameters.rules, parameters.min_observations, lineage, engine.folder)


def _ordered(files: Sequence[Input]) -> list[Input]:
    """Return files by name, each once, so that their order changes no byte of a product."""
    once = {(one.href, one.sha256): one for one in files}
    return [once[key] for key in sorted(once)]


def _is_raster(file: Input) -> bool:
    with file.path.open("rb") as opened:
        return opened.read(4) in {b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"}


def _of_scenes(inputs: Inputs, parameters: IceStatsParameters, engine: Engine) -> Campaign:
    for slot in ("areas", "valid", "regions"):
        if inputs.get(slot):
            raise Refusal("goes with maps of concentration", slot, "leave it out", "STATS.MIXED_GRIDS")
    scenes = find_scenes(inputs["items"], inputs.get("probability", ()), parameters.start, parameters.end)
    outline = outline_of(parameters.region, scenes[0].crs)
    lattice = lattice_of(scenes, parameters.grid_km * 1000.0, outline.bounds if outline is not None else None)
    references = _matched(scenes, inputs.get("reference", ()))
    tiles = tiles_of(lattice, scenes, references, outline)
    counted = engine.map(partial(count, lattice, parameters.composite == "mean"), tiles, task="tiles")
    return gather(lattice, scenes, counted, parameters.rules, _notes(inputs, scenes, references))


def _notes(inputs: Inputs, scenes: Sequence[Scene], references: Mapping[int, Input]) -> list[str]:
    """Return what a reader should know of what was left out."""
    names = {one.file.sha256 for one in scenes}
    left = [one.href for one in inputs["items"] if one.sha256 not in names]
    notes = [f"not between start and end: {name}" for name in left]
    used = {one.probability.sha256 for one in scenes if one.probability}
    notes += [f"belongs to no scene: {one.href}" for one in inputs.get("probability", ()) if one.sha256 not in used]
    if references:
        notes += [f"has no reference: {one.name}" for at, one in enumerate(scenes) if at not in references]
    return notes


def _matched(scenes: Sequence[Scene], references: Sequence[Input]) -> dict[int, Input]:
    """Return the reference of each scene: the only one there is, or the nearest in time of the same day."""
    if not references:
        return {}
    if len(references) == 1:
        return dict.fromkeys(range(len(scenes)), references[0])
    times = [(_time(one), one) for one in references]
    found = {}
    for number, scene in enumerate(scenes):
        same = [(abs(when - scene.when), one.href, one) for when, one in times if when.date() == scene.when.date()]
        if same:
            found[number] = min(same, key=lambda one: one[:2])[2]
    if not found:
        raise Refusal("no reference is of the day of a scene", "reference", "check their times", "STATS.NO_OVERLAP")
    return found


def _time(file: Input) -> datetime:
    with open_raster(file) as dataset:
        when = time_of(dataset.tags(), file.href)
    if when is None:
        hint = "add the tag DATETIME, or YYYYMMDDTHHMMSS to its name"
        raise Refusal("tells no time", file.href, hint, "STATS.NO_TIME")
    return when


def _of_maps(inputs: Inputs, parameters: IceStatsParameters) -> Campaign:
    if inputs.get("regions") and not parameters.region_codes:
        raise Refusal("are needed with a mask of regions", "region_codes", "name the codes wanted", "STATS.REGION")
    one = {slot: next(iter(inputs.get(slot, ())), None) for slot in ("areas", "valid", "regions")}
    beside = Beside(
        one["areas"], one["valid"], parameters.valid_codes, one["regions"], parameters.region_codes, parameters.variable
    )
    return campaign_of_maps(
        inputs["items"], inputs.get("reference", ()), beside, parameters.rules, partial(outline_of, parameters.region)
    )


processor = IceStats()
