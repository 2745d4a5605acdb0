"""The processor `geostat`: scattered observations to maps with their uncertainty, by kriging."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from processors.errors import Refusal
from processors.geostat.choosing import plans_of
from processors.geostat.landmask import masked, on_land
from processors.geostat.lattice import lattice_of
from processors.geostat.levels import Level
from processors.geostat.mapping import Cells, Mapped, map_level
from processors.geostat.names import plain_name
from processors.geostat.netcdf import Layout
from processors.geostat.observations import Observations, choose
from processors.geostat.parameters import GeostatParameters
from processors.geostat.periods import period_of
from processors.geostat.preparing import prepare
from processors.geostat.products import TITLES, all_files
from processors.geostat.reading import Wanted, read_observations
from processors.geostat.steps import Step, is_series, steps_of
from processors.geostat.trends import Trend
from processors.protocol import JSON, Input, Inputs, Lineage, Product, Slot

if TYPE_CHECKING:
    from processors.engine import Engine

DATA = ("application/netcdf", "text/csv", "application/geo+json", "application/json")


class Geostat:
    """Makes maps of observations; an instance is registered as processor."""

    name = "geostat"
    version = "2"
    title = "Observations to a map with its uncertainty"
    description = (
        "Reads scattered observations such as CTD profiles, brings them to a depth, merges repeats, fits a covariance "
        "model in space and time by likelihood, chooses among candidates by predicting what was left out in groups, "
        "and kriges a map with standard errors, quantiles and exceedance, with a report that says how far it can be "
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
        table, files, period = _read(inputs, parameters)
        lineage = Lineage.of(self, {**inputs, "observations": files}, parameters)
        cells = _cells(table, inputs, parameters)
        steps = steps_of(parameters.target_time, table.time, period)
        trend, levels = _trend(inputs), levels_of(parameters)
        maps = [map_level(table, level, cells, steps, trend, parameters, engine) for level in levels]
        layout = Layout(table, cells, steps, maps, lineage, _title(table, maps, steps))
        yield from all_files(engine.folder, layout, inputs, parameters)

    def foresee(self, inputs: Inputs, parameters: GeostatParameters) -> dict[str, JSON]:
        """Return what a run would do: observations, grid, times and candidates; nothing is estimated.

        Raises:
            Refusal: The observations give no truthful map.
        """
        table, files, period = _read(inputs, parameters)
        cells = _cells(table, inputs, parameters)
        steps = steps_of(parameters.target_time, table.time, period)
        cases = [prepare(table, level, cells.lattice, parameters) for level in levels_of(parameters)]
        series = is_series(parameters.target_time)
        lattice = cells.lattice
        return {
            "read": {"files": [one.href for one in files], "values": table.size, "left_out": table.left_out},
            "grid": {"crs": lattice.crs, "shape": list(lattice.shape), "cells": int(cells.inside.sum())},
            "times": [one.title for one in steps],
            "levels": [
                {"observations": case.table.size, "scale": case.transform.name, "notes": list(case.notes)}
                | ({} if case.is_constant else {"try": plans_of(case, parameters, _trend(inputs), steps=series)})
                for case in cases
            ],
        }


def _read(
    inputs: Inputs, chosen: GeostatParameters
) -> tuple[Observations, tuple[Input, ...], tuple[float, float] | None]:
    """Return the observations asked for, the files that held them, and the period."""
    wanted = Wanted(chosen.variable, chosen.second, chosen.flags)
    table, files = read_observations(inputs["observations"], wanted)
    period = period_of(chosen.time) if chosen.time else None
    return choose(table, period, chosen.bbox), files, period


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
        raise Refusal(
            "the mask leaves no cell of the grid", "mask", "give another `grid`, or mask=none", "GEOSTAT.NO_CELLS"
        )
    return Cells(lattice, inside, longitude[inside], latitude[inside])


def _title(table: Observations, maps: Sequence[Mapped], steps: Sequence[Step]) -> str:
    """Say what the map shows, where and when, in words: Sea water temperature at 25 m on 2018-08-17, kriged."""
    level = ", ".join(one.title for one in maps if one.title)
    when = f"on {steps[0].title}" if len(steps) == 1 else f"from {steps[0].title} to {steps[-1].title}"
    parts = [
        plain_name(table.name, table.standard_name),
        f"at {level}" if level else "",
        when if steps[0].title else "",
    ]
    made = "mean of the data" if all(one.is_mean for one in maps) else "kriged"
    return " ".join(part for part in parts if part) + f", {made}"


processor = Geostat()
