"""Writes the products of a campaign: summary, tables, NetCDF, maps, edges and figures, each with its STAC fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from processors.cog import Band, Raster, blocks_of, write_cog
from processors.icestats.campaign import Campaign, iso_day
from processors.icestats.concentration import Rules
from processors.icestats.edge import feature_of, latitudes_of, length_of
from processors.icestats.figures import draw_frequency, draw_series
from processors.icestats.netcdf import references_of, write_concentration
from processors.icestats.tables import columns_of, write_csv, write_parquet
from processors.protocol import JSON, Lineage, Product

PRODUCTS = {
    "statistics.json": "Sea-ice statistics: series, scenes, comparison and findings",
    "series.csv": "Areas of each day",
    "series.parquet": "Areas of each day, Parquet",
    "scenes.csv": "Areas of each scene",
    "scenes.parquet": "Areas of each scene, Parquet",
    "comparison.csv": "Each scene against its reference, where there is one",
    "sic.nc": "Ice concentration of each day, NetCDF",
    "sic.json": "References into sic.nc (kerchunk): put both files side by side",
    "edges.geojson": "Ice edge of each day",
    "edges.csv": "Mean latitude of the ice edge in each degree of longitude, per day",
    "frequency.tif": "Share of observations with ice, a COG",
    "dates.tif": "First and last day of ice and number of observations, a COG",
    "series.png": "Extent and ice area over time",
    "series.svg": "Extent and ice area over time, to print",
    "frequency.png": "Share of observations with ice, and the last edge",
    "frequency.svg": "Share of observations with ice, to print",
}


def products_of(
    campaign: Campaign, rules: Rules, least: int, lineage: Lineage, folder: Path, place: JSON | None = None
) -> Iterator[Product]:
    """Write and yield all products but figures.

    Args:
        campaign: What is known.
        rules: How cells are judged.
        least: Fewest observations of a pixel for its frequency.
        lineage: Where it comes from.
        folder: Where to.
        place: Region as GeoJSON geometry; None where the items tell it.
    """
    edges = [campaign.edge(number, rules) for number in range(len(campaign.days))]
    series = [_day(campaign, number, rules, length_of(edges[number])) for number in range(len(campaign.days))]
    (folder / "statistics.json").write_text(_as_json(_summary(campaign, series)), encoding="utf-8")
    yield _product(folder / "statistics.json", "json", lineage, ("metadata",), _of_item(campaign, place))
    yield from _tables(folder, "series", series, lineage)
    yield from _tables(folder, "scenes", campaign.scenes, lineage)
    if campaign.comparisons:
        write_csv(folder / "comparison.csv", _even(campaign.comparisons))
        yield _product(folder / "comparison.csv", "table", lineage)
    fields = write_concentration(folder / "sic.nc", campaign, rules, lineage)
    yield _product(folder / "sic.nc", "netcdf", lineage, ("data",), fields)
    (folder / "sic.json").write_bytes(references_of(folder / "sic.nc"))
    yield _product(folder / "sic.json", "json", lineage, ("references",))
    yield from _edges(folder, campaign, edges, series, lineage)
    yield from _maps(folder, campaign, least, lineage)


def figures_of(campaign: Campaign, rules: Rules, least: int, lineage: Lineage, folder: Path) -> Iterator[Product]:
    """Draw and yield the figures; see `products_of`."""
    last = len(campaign.days) - 1
    series = [_day(campaign, number, rules, 0.0) for number in range(last + 1)]
    edge = campaign.edge(last, rules)
    for path in [*draw_series(folder, series), *draw_frequency(folder, campaign.maps, campaign.crs, edge, least)]:
        role = "visual" if path.suffix == ".svg" else "overview"
        yield _product(path, "figure", lineage, (role,))


def _day(campaign: Campaign, number: int, rules: Rules, edge_km: float) -> dict[str, JSON]:
    one = campaign.figures(number, rules)
    return {
        "date": iso_day(campaign.days[number]),
        "coverage": one.coverage,
        "stands": one.stands,
        "valid_km2": one.valid,
        "ice_km2": one.ice,
        "extent_km2": one.extent,
        "ice_area_km2": one.ice_area,
        "ice_area_in_extent_km2": one.ice_area_in_extent,
        "marginal_km2": one.marginal,
        "estimated_ice_km2": one.estimate if np.isfinite(one.estimate) else None,
        "cells": one.cells,
        "edge_km": edge_km,
    }


def _summary(campaign: Campaign, series: Sequence[Mapping[str, JSON]]) -> dict[str, JSON]:
    return {
        "sea_km2": float(campaign.sea.sum()),
        "days": len(campaign.days),
        "first_day": iso_day(campaign.days[0]),
        "last_day": iso_day(campaign.days[-1]),
        "series": list(series),
        "scenes": list(campaign.scenes),
        "comparison": {"all": dict(campaign.agreement), "scenes": list(campaign.comparisons)},
        "notes": list(campaign.notes),
    }


def _tables(folder: Path, name: str, rows: Sequence[Mapping[str, JSON]], lineage: Lineage) -> Iterator[Product]:
    write_csv(folder / f"{name}.csv", rows)
    yield _product(folder / f"{name}.csv", "table", lineage, ("data",), columns_of(rows))
    write_parquet(folder / f"{name}.parquet", rows)
    yield _product(folder / f"{name}.parquet", "table", lineage, ("data",), columns_of(rows))


def _even(rows: Sequence[Mapping[str, JSON]]) -> list[dict[str, JSON]]:
    """Give all rows the columns of all, in order of appearance."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name) for name in names} for row in rows]


def _edges(
    folder: Path,
    campaign: Campaign,
    edges: Sequence[Sequence[Any]],
    series: Sequence[Mapping[str, JSON]],
    lineage: Lineage,
) -> Iterator[Product]:
    features, rows = [], []
    for day, lines, row in zip(campaign.days, edges, series, strict=True):
        told = {"date": row["date"], "length_km": round(row["edge_km"], 3), "stands": row["stands"]}
        features.append(feature_of(lines, told))
        rows += [
            {"date": iso_day(day), "longitude_from": west, "mean_latitude": latitude}
            for west, latitude in latitudes_of(lines).items()
        ]
    made = {"type": "FeatureCollection", "features": features}
    (folder / "edges.geojson").write_text(_as_json(made), encoding="utf-8")
    yield _product(folder / "edges.geojson", "table", lineage)
    if rows:
        write_csv(folder / "edges.csv", rows)
        yield _product(folder / "edges.csv", "table", lineage)


def _maps(folder: Path, campaign: Campaign, least: int, lineage: Lineage) -> Iterator[Product]:
    maps = campaign.maps
    shape = (maps.seen.shape[0], maps.seen.shape[1])
    tags = {"LINEAGE": json.dumps(lineage.to_dict(), sort_keys=True)}
    place = (campaign.crs, maps.transform)
    raster = Raster(shape, "float32", *place, (Band("ice_frequency", "1"),), float("nan"), tags=tags)
    share = (
        (row, column, np.where(seen >= least, iced / np.maximum(seen, 1), np.nan).astype(np.float32))
        for (row, column, seen), (_, _, iced) in zip(blocks_of(maps.seen), blocks_of(maps.iced), strict=True)
    )
    fields = write_cog(folder / "frequency.tif", raster, share)
    yield _product(folder / "frequency.tif", "cog", lineage, ("data",), fields)
    days = "days since 1970-01-01"
    bands = (Band("first_ice", days), Band("last_ice", days), Band("observations", "1"))
    raster = Raster(shape, "uint16", *place, bands, 0, "classes", tags=tags)
    stacks = (blocks_of(one) for one in (maps.first, maps.last, maps.seen))
    cubes = ((parts[0][0], parts[0][1], _cube(parts)) for parts in zip(*stacks, strict=True))
    fields = write_cog(folder / "dates.tif", raster, cubes)
    yield _product(folder / "dates.tif", "cog", lineage, ("data",), fields)


def _cube(parts: Sequence[tuple[int, int, npt.NDArray[Any]]]) -> npt.NDArray[Any]:
    return np.stack([values for _, _, values in parts])


def _as_json(value: JSON) -> str:
    return json.dumps(value, indent=1, allow_nan=False) + "\n"


def _of_item(campaign: Campaign, place: JSON | None) -> dict[str, JSON]:
    """Return what the item as a whole tells: its place and span of time, and what was left out."""
    first, last = iso_day(campaign.days[0]), iso_day(campaign.days[-1])
    span = {"start_datetime": f"{first}T00:00:00Z", "end_datetime": f"{last}T23:59:59Z"}
    return {**span, "notes": list(campaign.notes), **({"geometry": place} if place else {})}


def _product(
    path: Path,
    kind: Literal["cog", "netcdf", "table", "figure", "json"],
    lineage: Lineage,
    roles: tuple[str, ...] = ("data",),
    fields: Mapping[str, JSON] | None = None,
) -> Product:
    return Product(path.name, kind, path, PRODUCTS[path.name], lineage, roles, fields or {})
