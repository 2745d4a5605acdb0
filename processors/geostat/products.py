"""Writes all that is known of a map: layers, numbers, figures and report; each file is a product with its lineage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from processors.geostat.figures import draw_level, draw_relation
from processors.geostat.lattice import Lattice
from processors.geostat.mapping import Mapped
from processors.geostat.names import plain_name
from processors.geostat.netcdf import Layout, write_netcdf
from processors.geostat.outputs import as_csv, as_json, cv_rows, write_maps
from processors.geostat.parameters import GeostatParameters
from processors.geostat.periods import instant_of
from processors.geostat.report import write_report
from processors.geostat.risk import region_of, risk_of
from processors.geostat.summaries import block_means, regular_depths, regular_times, relation_of, statistics
from processors.geostat.variography import Variography, rows_of, variography_of
from processors.protocol import JSON, Inputs, Kind, Product
from processors.references import references_beside
from processors.thumbnail import thumbnail

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
    "risk.json": "Of the region as a whole: mean and area above thresholds, with their uncertainty",
    "statistics.csv": "Statistics of the observations: all, by year, by depth",
    "block_means.csv": "Means on a coarse mesh, where `block_km` is given",
    "regular_times.csv": "Means in regular steps of time, where `regular_days` is given",
    "regular_depths.csv": "Profiles at regular depths, where `regular_m` is given",
    "relation.json": "Correlation of two variables and their water masses, where `second` is given",
    "water_masses.csv": "Class of each sample, where `water_masses` is given",
    "map.png": "A small picture of the map alone",
    "map_estimate.png": "Figures, as PNG and SVG: maps, observations, variogram, validation",
    "report.html": "The report: how far the map can be trusted",
    "params.json": "Parameters as they were resolved",
}


def fields_of(layout: Layout) -> dict[str, JSON]:
    """Return what the item of the product tells: findings, verdict and scores."""
    checked = [one.validation for one in layout.maps if one.validation is not None]
    notes = list(dict.fromkeys(note for one in layout.maps for note in one.notes))
    fields: dict[str, JSON] = {"unit": layout.table.unit, "notes": notes}
    if checked:
        fields["geostat:quality"] = "red" if any(one.status == "red" for one in checked) else "green"
        scores = {
            "geostat:rmse": round((checked[0].grouped or checked[0].single).rmse, 6),
            "geostat:msdr": round(checked[0].single.msdr, 4),
        }
        fields |= {name: score for name, score in scores.items() if np.isfinite(score)}
    if np.isfinite(layout.steps[0].at):
        fields |= {"datetime": f"{instant_of(layout.steps[0].at):%Y-%m-%dT%H:%M:%SZ}"}
    return fields


def all_files(folder: Path, layout: Layout, inputs: Inputs, chosen: GeostatParameters) -> Iterator[Product]:
    """Write and yield every product of a run.

    Raises:
        Refusal: The outline of the region cannot be read, or a summary that was asked for has nothing to go on.
    """
    yield from write_maps(folder, layout, fields_of(layout))
    small = folder / "map.png"
    small.write_bytes(thumbnail(folder / "estimate.tif"))
    yield Product(small.name, "figure", small, f"{layout.title}, small", layout.lineage, ("thumbnail",))
    path = folder / "geostat.nc"
    write_netcdf(path, layout)
    yield Product(path.name, "netcdf", path, layout.title, layout.lineage, ("data",), fields_of(layout))
    yield _written(folder, "geostat.json", references_beside(path), layout, ("references",))
    found = [variography_of(one, chosen.seed) for one in layout.maps]
    yield from _numbers(folder, layout, found)
    outline = inputs.get("region", ())
    region = region_of(layout.cells, outline[0].path, Path(outline[0].href).name) if outline else None
    region = region or region_of(layout.cells, None, "")
    risk = {one.title: risk_of(one, region, layout.steps, chosen) for one in layout.maps}
    yield _written(folder, "risk.json", as_json({"maps": [row for rows in risk.values() for row in rows]}), layout)
    yield _written(folder, "statistics.csv", as_csv(statistics(layout.table)), layout)
    yield from _summaries(folder, layout, chosen)
    if chosen.report:
        yield from _report(folder, layout, chosen, found, risk)
    yield _written(folder, "params.json", as_json(resolved(layout, chosen)), layout)


def _report(
    folder: Path,
    layout: Layout,
    chosen: GeostatParameters,
    found: Sequence[Variography | None],
    risk: Mapping[str, Sequence[Mapping[str, JSON]]],
) -> Iterator[Product]:
    told, relation = statistics(layout.table), relation_of(layout.table, chosen)
    pictures: dict[str, list[tuple[Path, str]]] = {}
    for mapped, variograms in zip(layout.maps, found, strict=True):
        for picture, title in draw_level(folder, layout, mapped, variograms):
            yield Product(picture.name, "figure", picture, title, layout.lineage, _roles(picture))
            if picture.suffix == ".png":
                pictures.setdefault(mapped.title, []).append((picture, title))
    about: list[tuple[Path, str]] = []
    if relation is not None:
        title = (
            f"{plain_name(layout.table.name, layout.table.standard_name)} over {plain_name(layout.table.second_name)}"
        )
        about = [(path, title) for path in draw_relation(folder, layout, relation)]
        for path, title in about:
            yield Product(path.name, "figure", path, title, layout.lineage, _roles(path))
    report = folder / "report.html"
    write_report(report, layout, pictures, risk, told, None if relation is None else relation.to_dict(), about[:1])
    yield Product(report.name, "report", report, "Report of the map", layout.lineage, ("metadata",))


def _roles(picture: Path) -> tuple[str, ...]:
    return ("overview",) if picture.suffix == ".png" else ("visual",)


def _numbers(folder: Path, layout: Layout, found: Sequence[Variography | None]) -> Iterator[Product]:
    variograms = as_json({"levels": [one.to_dict() for one in found if one is not None]})
    yield _written(folder, "variogram.json", variograms, layout)
    yield _written(folder, "variogram.csv", as_csv(rows_of(found)), layout)
    scores = [{"level": one.title, **_scores(one)} for one in layout.maps]
    yield _written(folder, "cv.json", as_json({"levels": scores}), layout)
    yield _written(folder, "cv.csv", as_csv([row for one in layout.maps for row in cv_rows(one)]), layout)


def _summaries(folder: Path, layout: Layout, chosen: GeostatParameters) -> Iterator[Product]:
    table = layout.table
    if chosen.block_km:
        yield _written(folder, "block_means.csv", as_csv(block_means(table, chosen.block_km)), layout)
    if chosen.regular_days:
        yield _written(folder, "regular_times.csv", as_csv(regular_times(table, chosen.regular_days)), layout)
    if chosen.regular_m:
        yield _written(folder, "regular_depths.csv", as_csv(regular_depths(table, chosen.regular_m)), layout)
    relation = relation_of(table, chosen)
    if relation is not None:
        yield _written(folder, "relation.json", as_json(relation.to_dict()), layout)
    if relation is not None and chosen.water_masses:
        yield _written(folder, "water_masses.csv", as_csv(relation.rows()), layout)


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
        "declustered_mean": float(np.average(mapped.case.table.value, weights=mapped.case.weights)),
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
