"""The processor `geostat`: scattered observations to maps with their uncertainty, by kriging."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from processors.errors import Refusal
from processors.geostat.landmask import masked, on_land
from processors.geostat.lattice import Lattice, lattice_of
from processors.geostat.levels import Level
from processors.geostat.mapping import Cells, Mapped, map_level
from processors.geostat.netcdf import Layout, write_netcdf
from processors.geostat.observations import Observations, choose
from processors.geostat.outputs import as_csv, as_json, cv_rows, write_maps
from processors.geostat.parameters import GeostatParameters
from processors.geostat.periods import period_of
from processors.geostat.reading import Wanted, read_observations
from processors.geostat.steps import Step, steps_of
from processors.geostat.trends import Trend
from processors.geostat.variography import rows_of, variography_of
from processors.protocol import JSON, Inputs, Kind, Lineage, Product, Slot
from processors.references import references_beside

if TYPE_CHECKING:
    from processors.engine import Engine

DATA = ("application/netcdf", "text/csv", "application/geo+json", "application/json")
TITLES = {
    "estimate.tif": "The map, a COG with one band per depth and time",
    "std.tif": "Standard error of the estimate",
    "std_obs.tif": "Standard error against a new observation",
    "q05.tif": "Quantiles, one file each: q05, q50, q95 by default",
    "p_gt_0.tif": "Probability of more than a threshold, one file each",
    "neighbours.tif": "How many observations each estimate was made from",
    "geostat.nc": "All layers, NetCDF by CF",
    "geostat.json": "References into geostat.nc (kerchunk): put both files side by side",
    "variogram.json": "Experimental variograms, candidates and the chosen model",
    "variogram.csv": "Experimental variograms and the model, as a table",
    "cv.json": "Scores of validation, and the verdict",
    "cv.csv": "Predictions of each observation without itself and without its group",
    "params.json": "Parameters as they were resolved",
}


class Geostat:
    """Makes maps of observations; an instance is registered as processor."""

    name = "geostat"
    version = "1"
    title = "Observations to a map with its uncertainty"
    description = (
        "Reads scattered observations such as CTD profiles, brings them to a depth, merges repeats, fits a covariance "
        "model in space and time by likelihood, chooses among candidates by predicting what was left out in groups, "
        "and krigs a map with standard errors, quantiles and exceedance, with a report that says how far it can be "
        "trusted. After Matheron (1971), Chilès and Delfiner (2012), and the INTAROS service RIntaros."
    )
    inputs = (
        Slot("observations", "STAC items, kerchunk references, NetCDF or CSV", DATA, most=None),
        Slot("mask", "Where there is no map: GeoJSON polygons or a raster", ("application/geo+json", "image/tiff"), 0),
        Slot("region", "Region whose risk is told: GeoJSON polygons", ("application/geo+json",), 0),
        Slot("grid", "STAC item whose grid the map takes", ("application/geo+json",), 0),
        Slot("external_drift", "Raster of the term `external`, such as depth of the sea floor", ("image/tiff",), 0),
    )
    products = TITLES
    parameters = GeostatParameters

    def run(self, inputs: Inputs, parameters: GeostatParameters, engine: Engine) -> Iterator[Product]:
        """Yield maps, their numbers, figures and a report.

        Raises:
            Refusal: The observations give no truthful map.
        """
        wanted = Wanted(parameters.variable, parameters.second, parameters.flags)
        table, files = read_observations(inputs["observations"], wanted)
        lineage = Lineage.of(self, {**inputs, "observations": files}, parameters)
        period = period_of(parameters.time) if parameters.time else None
        table = choose(table, period, parameters.bbox)
        cells = _cells(table, inputs, parameters)
        steps = steps_of(parameters.target_time, table.time, period)
        trend = _trend(inputs)
        levels = levels_of(parameters)
        maps = [map_level(table, level, cells, steps, trend, parameters, engine) for level in levels]
        layout = Layout(table, cells, steps, maps, lineage, _title(table, maps, steps))
        yield from _files(engine.folder, layout, parameters)


def levels_of(chosen: GeostatParameters) -> list[Level | None]:
    """Return the levels that are asked for; one None where values are taken as they are."""
    if chosen.bench is not None:
        return [Level(*chosen.bench)]
    return [Level(one, one) for one in chosen.depth] if chosen.depth else [None]


def _trend(inputs: Inputs) -> Trend:
    given = inputs.get("external_drift", ())
    return Trend((), given[0].path, Path(given[0].href).name) if given else Trend()


def _cells(table: Observations, inputs: Inputs, chosen: GeostatParameters) -> Cells:
    """Return the cells of the map that lie on the globe and outside the mask."""
    item = inputs["grid"][0].path.read_bytes() if inputs.get("grid") else None
    lattice = lattice_of(chosen.grid, table.longitude, table.latitude, item, most=chosen.most_nodes)
    longitude, latitude = lattice.places()
    inside = np.isfinite(longitude) & np.isfinite(latitude)
    given = inputs.get("mask", ())
    if given:
        inside[inside] = ~masked(given[0].path, longitude[inside], latitude[inside], Path(given[0].href).name)
    elif chosen.mask == "land":
        inside[inside] = ~on_land(longitude[inside], latitude[inside])
    if not inside.any():
        raise Refusal("the mask leaves no cell of the grid", "mask", "give another `grid`, or mask=none")
    return Cells(lattice, inside, longitude[inside], latitude[inside])


def _title(table: Observations, maps: Sequence[Mapped], steps: Sequence[Step]) -> str:
    level = ", ".join(one.title for one in maps if one.title)
    when = steps[0].title if len(steps) == 1 else f"{steps[0].title} to {steps[-1].title}"
    parts = [table.name, f"at {level}" if level else "", f"on {when}" if when.strip(" to") else ""]
    return " ".join(part for part in parts if part)


def fields_of(layout: Layout) -> dict[str, JSON]:
    """Return what the item of the product tells: findings, verdict and scores."""
    checked = [one.validation for one in layout.maps if one.validation is not None]
    notes = list(dict.fromkeys(note for one in layout.maps for note in one.notes))
    fields: dict[str, JSON] = {"unit": layout.table.unit, "notes": notes}
    if checked:
        fields["geostat:quality"] = "red" if any(one.status == "red" for one in checked) else "green"
        fields["geostat:rmse"] = round((checked[0].grouped or checked[0].single).rmse, 6)
        fields["geostat:msdr"] = round(checked[0].single.msdr, 4)
    if np.isfinite(layout.steps[0].at):
        fields |= {"datetime": _iso(layout.steps[0].at)}
    return fields


def _iso(days: float) -> str:
    from processors.geostat.periods import instant_of

    return f"{instant_of(days):%Y-%m-%dT%H:%M:%SZ}"


def _files(folder: Path, layout: Layout, chosen: GeostatParameters) -> Iterator[Product]:
    yield from write_maps(folder, layout, fields_of(layout))
    path = folder / "geostat.nc"
    write_netcdf(path, layout)
    yield Product(path.name, "netcdf", path, layout.title, layout.lineage, ("data",), fields_of(layout))
    yield _written(folder, "geostat.json", references_beside(path), layout, ("references",))
    found = [variography_of(one, chosen.seed) for one in layout.maps]
    variograms = as_json([one.to_dict() for one in found if one is not None])
    yield _written(folder, "variogram.json", variograms, layout)
    yield _written(folder, "variogram.csv", as_csv(rows_of(found)), layout)
    scores = [{"level": one.title, **_scores(one)} for one in layout.maps]
    yield _written(folder, "cv.json", as_json(scores), layout)
    yield _written(folder, "cv.csv", as_csv([row for one in layout.maps for row in cv_rows(one)]), layout)
    yield _written(folder, "params.json", as_json(resolved(layout, chosen)), layout)


def _scores(mapped: Mapped) -> Mapping[str, JSON]:
    told = {"status": "not validated"} if mapped.validation is None else mapped.validation.to_dict()
    return told | {"published": "mean" if mapped.is_mean else "kriging"}


def resolved(layout: Layout, chosen: GeostatParameters) -> dict[str, JSON]:
    """Return the parameters, and what ``auto`` came to."""
    lattice: Lattice = layout.cells.lattice
    grid = {"crs": lattice.crs, "shape": list(lattice.shape), "transform": list(lattice.transform)}
    return {
        "parameters": chosen.model_dump(mode="json"),
        "grid": grid,
        "times": [{"start": one.start, "end": one.end, "at": one.at} for one in layout.steps],
        "levels": [_level(one) for one in layout.maps],
        "left_out": layout.table.left_out,
        "lineage": layout.lineage.to_dict(),
    }


def _level(mapped: Mapped) -> dict[str, JSON]:
    told: dict[str, Any] = {
        "level": mapped.title,
        "mean_depth_m": mapped.case.sampled.depth,
        "observations": mapped.case.table.size,
        "profiles_without": mapped.case.sampled.without,
        "scale": mapped.case.transform.name,
        "notes": list(mapped.notes),
    }
    if mapped.choice is not None:
        recipe = mapped.choice.recipe
        near = recipe.neighbourhood
        told |= {
            "candidate": mapped.choice.name, "metric": recipe.metric.kind, "centre": [recipe.metric.longitude,
            recipe.metric.latitude], "day_km": recipe.metric.speed, "model": recipe.model.to_dict(),
            "error_variance": recipe.single, "neighbours": near.count, "max_distance_km": near.max_distance,
            "sectors": near.sectors,
        }  # fmt: skip
    return told


def _written(folder: Path, name: str, data: bytes, layout: Layout, roles: tuple[str, ...] = ("metadata",)) -> Product:
    path = folder / name
    path.write_bytes(data)
    kinds: dict[str, Kind] = {"csv": "table", "html": "report"}
    kind = kinds.get(name.rpartition(".")[2], "json")
    return Product(name, kind, path, TITLES[name], layout.lineage, roles)


processor = Geostat()
