"""The processor `s1-ice`: sea ice and open water from a Sentinel-1 scene, with probability, flags and figures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from processors.cog import Band, Raster, blocks_of, write_cog
from processors.errors import Refusal
from processors.icestats.region import Box
from processors.protocol import JSON, Inputs, Lineage, Parameters, Product, Slot
from processors.seaice import decibels, summary
from processors.seaice.area import Area
from processors.seaice.artefact import DEFAULT, Model, example, find_model, load_model
from processors.seaice.described import COLOURS, NAMES, bitfields, classes, item_fields, notes
from processors.seaice.geolocation import Geolocation, MapCrs
from processors.seaice.labels import season_of
from processors.seaice.mapping import NO_CHANCE, Judged, Map, draw_map, flags_of, judge
from processors.seaice.postprocess import Bytes, call_classes
from processors.seaice.quicklook import draw
from processors.seaice.radiometry import NoiseRule, scaling_of
from processors.seaice.safe import Scene, open_safe
from processors.seaice.strips import centres, shape_in_cells
from processors.thumbnail import thumbnail

if TYPE_CHECKING:
    from processors.engine import Engine

PRODUCTS = {
    "*_iceclass.tif": "Open water, sea ice and land, a COG with a colour table",
    "*_iceprob.tif": "Probability of sea ice in percent, a COG",
    "*_flags.tif": "Bits that say what to be careful with, a COG",
    "*_sigma0_*.tif": "Backscatter in dB, thermal noise taken off, one COG for each polarisation; where asked for",
    "*_stats.json": "True areas, share of ice with its interval, concentration on cells of 10 km, edge, noise",
    "*_ql.png": "Picture with legend, graticule, scale and north arrow",
    "*_ql.svg": "The same, as SVG",
    "*_thumb.png": "Small picture",
}


class S1IceParameters(Parameters):
    """How a scene is classified and mapped."""

    model: str = Field(DEFAULT, description=f"Shipped model: NAME, NAME@1 or in full, such as {example()}.")
    crs: MapCrs = Field("EPSG:3413", description="Reference system of the map.")
    resolution_m: Literal[200, 400, 1000] = Field(200, description="Side of a cell of the map, m.")
    noise: Literal["esa", "scaled", "none"] = Field(
        "esa", description="Noise that is subtracted: as annotated, scaled as published for HV, or none."
    )
    threshold: float = Field(0.5, gt=0, lt=1, description="Probability from which on a cell is called sea ice.")
    smooth_cells: float = Field(
        1.0, ge=0, le=5, description="Standard deviation of the smoothing of probabilities, cells."
    )
    min_component_cells: int = Field(5, ge=0, le=1000, description="Patches of fewer cells take the class around them.")
    land_buffer_m: float = Field(1000.0, ge=0, le=20_000, description="Sea this close to land counts as land, m.")
    bbox: Box | None = Field(
        None,
        description="Map this box only: west, south, east, north in degrees; west above east crosses 180°, a box "
        "360° wide goes round the pole.",
    )
    write_sigma0: bool = Field(
        False, description="Write backscatter of both polarisations too, in dB on cells of 80 m."
    )
    figures: bool = Field(True, description="Draw the picture with legend and graticule.")


class S1Ice:
    """Classifies a scene; an instance is registered as processor."""

    name = "s1-ice"
    version = "4"
    title = "Sea ice and open water from Sentinel-1"
    description = (
        "Reads a Sentinel-1 EW GRDM scene in two polarisations, takes thermal noise off, describes cells of 200 m by "
        "backscatter, texture, noise and incidence, and gives the probability of sea ice by a quadratic logistic "
        "regression. Writes classes, probability and flags as cloud-optimised GeoTIFF on a polar map. The shipped "
        "model was trained on simulated scenes and is not validated on real charts. After Park et al. (2018, 2020), "
        "Zakhvatkina et al. (2017), Lohse et al. (2020)."
    )
    inputs = (
        Slot("scene", "Sentinel-1 product: zip archive, or manifest.safe in its folder", ("application/zip",)),
        Slot("model", "A model of `iaos model train` (model.json) in place of a shipped one", ("application/json",), 0),
    )
    products = PRODUCTS
    parameters = S1IceParameters

    def run(self, inputs: Inputs, parameters: S1IceParameters, engine: Engine) -> Iterator[Product]:
        """Yield the maps, their statistics and pictures.

        Raises:
            Refusal: The scene, the model or the box cannot be used; codes ``S1.*``, ``MODEL.*``, ``GRID.*``,
                ``STATS.REGION``.
        """
        lineage = Lineage.of(self, inputs, parameters)
        own = next(iter(inputs.get("model", ())), None)
        model = load_model(own.path if own else find_model(parameters.model))
        scene = open_safe(inputs["scene"][0].path)
        area = Area.of(Geolocation.of(scene.annotation, parameters.crs), parameters.bbox)
        rows = area.rows(area.target(parameters.resolution_m), model.settings.pixels, _reach(parameters))
        inside = area.holds(*(centres(count, 0, model.settings) for count in shape_in_cells(scene, model.settings)))
        judged = judge(scene, model, parameters.noise, engine, rows, inside)
        made = _mapped(scene, model, area, judged, parameters)
        writer = _Writer(scene, model, area, made, judged, lineage, engine.folder)
        yield from writer.rasters()
        if parameters.write_sigma0:
            yield from writer.backscatter(parameters.noise, engine)
        yield writer.statistics()
        if parameters.figures:
            yield from writer.figures()

    def materials(self, inputs: Inputs, parameters: S1IceParameters) -> dict[str, str]:
        """Return the digest of the shipped model that a run uses; nothing where it has none or brings its own."""
        if inputs.get("model"):
            return {}
        try:
            path = find_model(parameters.model)
            return {f"{path.parent.parent.name}@{path.parent.name}": _digest(path)}
        except (Refusal, OSError):
            return {}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _reach(parameters: S1IceParameters) -> int:
    """Return from how many rows of cells away a class may be decided: by smoothing, and by patches beside patches."""
    return ceil(3 * parameters.smooth_cells) + 2 * parameters.min_component_cells + 1


def _mapped(scene: Scene, model: Model, area: Area, judged: Judged, parameters: S1IceParameters) -> Map:
    called = call_classes(
        judged.chance,
        threshold=parameters.threshold,
        smooth_cells=parameters.smooth_cells,
        least_cells=parameters.min_component_cells,
    )
    fallback = parameters.noise == "scaled" and scaling_of(scene, scene.cross) is None
    poor = fallback or "NOISE_UNQUALIFIED" in scene.flags
    flags = flags_of(scene, model, judged, called, poor_noise=poor)
    return draw_map(area, called, flags, model.settings.pixels, parameters.resolution_m, parameters.land_buffer_m)


class _Writer:
    """Writes the products of one scene."""

    def __init__(
        self, scene: Scene, model: Model, area: Area, made: Map, judged: Judged, lineage: Lineage, folder: Path
    ) -> None:
        self.scene, self.model, self.area, self.map, self.judged = scene, model, area, made, judged
        self.lineage, self.folder = lineage, folder
        self.incidence = summary.incidence_of(scene, judged, model.settings)
        self.season = season_of(scene.start.month)

    def rasters(self) -> Iterator[Product]:
        """Yield classes, probability and flags."""
        manifest = self.scene.manifest
        place = {
            "geometry": self.area.footprint(),
            "start_datetime": f"{manifest.start:%Y-%m-%dT%H:%M:%SZ}",
            "end_datetime": f"{manifest.stop:%Y-%m-%dT%H:%M:%SZ}",
            "notes": notes(self.scene, self.model, self.season),
            "item": item_fields(self.scene, self.model, self.incidence),
            "classification:classes": classes(),
        }
        yield self._raster("iceclass", self.map.classes, 0, "Sea ice and open water", "class", place)
        yield self._raster("iceprob", self.map.percent, NO_CHANCE, "Probability of sea ice", "probability", {})
        bits = {"classification:bitfields": bitfields()}
        yield self._raster("flags", self.map.flags, None, "What to be careful with", "flags", bits)

    def backscatter(self, noise: NoiseRule, engine: Engine) -> Iterator[Product]:
        """Yield backscatter of both polarisations."""
        lines = self.area.rows(self.area.target(decibels.RESOLUTION), 1, 2 * decibels.LOOKS)
        for polarisation in self.scene.polarisations:
            made = decibels.average(self.scene, polarisation, noise, engine, lines)
            path = self.folder / f"{self.scene.name}_sigma0_{polarisation.lower()}.tif"
            fields = decibels.write(made, self.area, path, f"sigma0_{polarisation.lower()}", self._tags())
            yield Product(path.name, "cog", path, f"Backscatter in {polarisation}", self.lineage, ("data",), fields)

    def _tags(self) -> dict[str, str]:
        return {
            "DATETIME": f"{self.scene.start:%Y-%m-%dT%H:%M:%SZ}",
            "INCIDENCE_ANGLE": f"{self.incidence:.2f}",
            "MODEL": f"{self.model.name}@{self.model.version}",
            "MODEL_SHA256": self.model.sha256,
            "LINEAGE": json.dumps(self.lineage.to_dict(), sort_keys=True),
        }

    def _raster(
        self, kind: str, values: Bytes, nodata: int | None, title: str, band: str, more: dict[str, JSON]
    ) -> Product:
        target = self.map.target
        name = f"{self.scene.name}_{kind}.tif"
        unit = "%" if kind == "iceprob" else ""
        raster = Raster(
            target.shape,
            "uint8",
            target.crs,
            target.transform,
            (Band(band, unit),),
            nodata,
            "continuous" if kind == "iceprob" else "classes",
            {0: (0, 0, 0, 0), **COLOURS} if kind == "iceclass" else {},
            self._tags(),
        )
        fields = write_cog(self.folder / name, raster, blocks_of(values))
        told = {"data_type": "uint8", "spatial_resolution": target.resolution}
        told |= ({"unit": unit} if unit else {}) | ({} if nodata is None else {"nodata": nodata})
        fields["raster:bands"] = [told]
        roles = ("data",) if kind != "flags" else ("data-mask",)
        return Product(name, "cog", self.folder / name, title, self.lineage, roles, fields | more)

    def statistics(self) -> Product:
        """Write true areas, the share of ice and its interval, concentration, edge and noise."""
        told = {
            "scene": self.scene.name,
            **summary.areas_told(self.map),
            **summary.concentration_told(self.map),
            **summary.noise_told(self.scene, self.judged),
            "incidence_mean_deg": round(self.incidence, 2),
            "flags": list(self.scene.flags),
            "notes": notes(self.scene, self.model, self.season),
            "model": {"name": self.model.name, "version": self.model.version, "sha256": self.model.sha256},
            "files": [{"name": name, "md5": md5} for name, md5 in self.scene.files],
        }
        path = self.folder / f"{self.scene.name}_stats.json"
        path.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return Product(path.name, "json", path, "Areas and share of ice", self.lineage, ("metadata",))

    def figures(self) -> Iterator[Product]:
        """Yield the picture with its legend, and a small one."""
        title = f"{self.scene.platform} {self.scene.start:%Y-%m-%d %H:%M} UTC"
        for path in draw(self.map, COLOURS, NAMES, title, self.folder, f"{self.scene.name}_ql"):
            yield Product(path.name, "figure", path, "Picture with legend", self.lineage, ("overview",))
        small = self.folder / f"{self.scene.name}_thumb.png"
        small.write_bytes(thumbnail(self.folder / f"{self.scene.name}_iceclass.tif"))
        yield Product(small.name, "figure", small, "Small picture", self.lineage, ("thumbnail",))


processor = S1Ice()
