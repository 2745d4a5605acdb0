"""Draws a map's observations, estimate, standard error and exceedance, its variogram and its validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from processors.drawing import figure, save
from processors.geostat.mapping import Mapped
from processors.geostat.names import plain_name
from processors.geostat.netcdf import Layout, layer_title
from processors.geostat.observations import Floats
from processors.geostat.summaries import Relation
from processors.geostat.variography import Variography

MOST = 1200
"""Cells of a picture along its longer side."""
MOST_DOTS = 20_000
SEA, LAND, INK, LINE = "#eef2f4", "#c4cfd3", "#1b3a5c", "#c1272d"
PALETTES = {"std": "cividis", "std_obs": "cividis", "p": "RdYlBu_r"}


def draw_level(folder: Path, layout: Layout, mapped: Mapped, found: Variography | None) -> Iterator[tuple[Path, str]]:
    """Draw the figures of one level, at the first time; yield each file with its title."""
    tail = f"_{mapped.title.replace(' ', '')}" if len(layout.maps) > 1 else ""
    said = f" at {mapped.title}" if mapped.title else ""
    words = plain_name(layout.table.name, layout.table.standard_name)
    for name, layer in _layers(mapped).items():
        for path in _map(folder, f"map_{name}{tail}", layout, mapped, name, layer):
            yield path, f"{layer_title(layout.table, name)}{said}"
    for path in _observations(folder, f"observations{tail}", layout, mapped):
        yield path, f"{words}: observations{said}"
    if found is not None:
        for path in _variogram(folder, f"variogram{tail}", found):
            yield path, f"{words}: variogram and model{said}"
    if mapped.validation is not None:
        for path in _validation(folder, f"validation{tail}", layout, mapped):
            yield path, f"{words}: validation{said}"


def draw_relation(folder: Path, layout: Layout, relation: Relation) -> list[Path]:
    """Draw one variable of each sample over the other, in the colours of their classes; return its PNG and SVG."""
    with figure(4.4, 4.0) as drawn:
        axes = drawn.add_subplot()
        every = max(1, relation.first.size // MOST_DOTS)
        colours: dict[str, Any] = {"c": INK}
        if relation.classes.size:
            colours = {"c": relation.classes[::every], "cmap": "tab10", "vmin": 0, "vmax": 9}
        axes.scatter(relation.second[::every], relation.first[::every], s=2, rasterized=True, **colours)
        for number, (first, second) in enumerate(relation.centres):
            axes.annotate(str(number + 1), (second, first), weight="bold", ha="center", va="center")
        axes.set_xlabel(layout.table.second_name)
        axes.set_ylabel(f"{layout.table.name}{_unit(layout, 'estimate')}")
        axes.set_title(f"Correlation {relation.correlation:.3f}, {relation.first.size} samples")
        return save(drawn, folder, "relation")


def _layers(mapped: Mapped) -> Mapping[str, npt.NDArray[np.float32]]:
    wanted = [name for name in mapped.layers if name in {"estimate", "std"} or name.startswith("p_gt_")]
    return {name: mapped.layers[name][0] for name in wanted}


def _map(
    folder: Path, name: str, layout: Layout, mapped: Mapped, layer: str, values: npt.NDArray[np.float32]
) -> list[Path]:
    cells = layout.cells
    whole = cells.spread(values)
    every = max(1, int(np.ceil(max(whole.shape) / MOST)))
    with figure(5.2, 4.4) as drawn:
        axes = _plane(drawn, layout)
        low, high = _limits(mapped, layer, values)
        palette = PALETTES.get("p" if layer.startswith("p_gt_") else layer, "viridis")
        extent = _extent(layout)
        land = np.where(cells.inside.reshape(whole.shape), np.nan, 1.0)[::every, ::every]
        axes.imshow(land, extent=extent, cmap=_one_colour(), interpolation="nearest")
        shown = axes.imshow(
            whole[::every, ::every], extent=extent, cmap=palette, vmin=low, vmax=high, interpolation="nearest"
        )
        bar = drawn.colorbar(shown, ax=axes, pad=0.01, aspect=30)
        bar.set_label(layer_title(layout.table, layer) + _unit(layout, layer))
        _dots(axes, layout, mapped, s=2, c="none", edgecolors="k", linewidths=0.3)
        return save(drawn, folder, name)


def _observations(folder: Path, name: str, layout: Layout, mapped: Mapped) -> list[Path]:
    with figure(5.2, 4.4) as drawn:
        axes = _plane(drawn, layout)
        land = np.where(layout.cells.inside.reshape(layout.cells.lattice.shape), np.nan, 1.0)
        every = max(1, int(np.ceil(max(land.shape) / MOST)))
        axes.imshow(land[::every, ::every], extent=_extent(layout), cmap=_one_colour(), interpolation="nearest")
        low, high = _limits(mapped, "estimate", mapped.layers["estimate"][0])
        shown = _dots(axes, layout, mapped, s=9, c=mapped.case.table.value, cmap="viridis", vmin=low, vmax=high)
        bar = drawn.colorbar(shown, ax=axes, pad=0.01, aspect=30)
        bar.set_label(f"{layout.table.name}{_unit(layout, 'estimate')}")
        axes.set_title(f"{mapped.case.table.size} observations, {len(set(mapped.case.table.platform))} platforms")
        return save(drawn, folder, name)


def _plane(drawn: Any, layout: Layout) -> Any:
    axes = drawn.add_subplot()
    axes.set_facecolor(SEA)
    unit = "°" if layout.cells.lattice.is_geographic else "km"
    axes.set_xlabel(f"{'Longitude' if unit == '°' else 'Easting'} ({unit}, {layout.cells.lattice.crs[:20]})")
    axes.set_ylabel(f"{'Latitude' if unit == '°' else 'Northing'} ({unit})")
    return axes


def _extent(layout: Layout) -> tuple[float, float, float, float]:
    lattice = layout.cells.lattice
    scale = 1.0 if lattice.is_geographic else 1000.0
    east = lattice.west + lattice.shape[1] * lattice.step[0]
    south = lattice.north - lattice.shape[0] * lattice.step[1]
    return lattice.west / scale, east / scale, south / scale, lattice.north / scale


def _dots(axes: Any, layout: Layout, mapped: Mapped, **how: Any) -> Any:
    from pyproj import Transformer

    lattice, table = layout.cells.lattice, mapped.case.table
    x, y = Transformer.from_crs("EPSG:4326", lattice.crs, always_xy=True).transform(table.longitude, table.latitude)
    scale = 1.0 if lattice.is_geographic else 1000.0
    dots = axes.scatter(np.asarray(x) / scale, np.asarray(y) / scale, **how)
    west, east, south, north = _extent(layout)
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    return dots


def _one_colour() -> Any:
    from matplotlib.colors import ListedColormap

    return ListedColormap([LAND])


def _limits(mapped: Mapped, layer: str, values: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Return the values of the first and last colour: those of the observations for estimates, so that maps compare."""
    if layer.startswith("p_gt_"):
        return 0.0, 1.0
    known = mapped.case.table.value if layer == "estimate" else values[np.isfinite(values)]
    if not known.size:
        return 0.0, 1.0
    low, high = (float(one) for one in np.percentile(known, (2, 98)))
    return low, max(high, low + 1e-6)


def _unit(layout: Layout, layer: str) -> str:
    unit = layout.table.unit
    return f" ({unit})" if unit and not layer.startswith("p_gt_") else ""


def _variogram(folder: Path, name: str, found: Variography) -> list[Path]:
    every = found.every
    with figure(5.2, 3.6) as drawn:
        axes = drawn.add_subplot()
        reach = np.linspace(0, float(every.lags.max()) * 1.05, 300)
        axes.plot(reach[1:], found.model.variogram(reach[1:]), color=LINE, label="model")
        for one, style in zip(found.directions, ("-", "--", "-.", ":"), strict=True):
            label = f"{one.direction.azimuth:g}°" if one.direction else ""
            axes.plot(one.lags, one.gamma, style, color="#9aa7ad", linewidth=0.7, label=label)
        size = 8 + 60 * every.pairs / every.pairs.max()
        axes.scatter(every.lags, every.gamma, s=size, color=INK, zorder=3, label="all pairs")
        for lag, gamma, pairs in zip(every.lags, every.gamma, every.pairs, strict=True):
            axes.annotate(f"{pairs}", (lag, gamma), (0, 5), textcoords="offset points", ha="center", fontsize=5)
        axes.set_xlabel("Distance (km)" if not found.timed else "Distance in space and time (km)")
        axes.set_ylabel("Semivariance")
        axes.set_xlim(0, reach[-1])
        axes.set_ylim(bottom=0)
        axes.legend(loc="lower right")
        return save(drawn, folder, name)


def _validation(folder: Path, name: str, layout: Layout, mapped: Mapped) -> list[Path]:
    checked, table = mapped.validation, mapped.case.table
    assert checked is not None
    with figure(6.4, 3.2) as drawn:
        left, right = drawn.subplots(1, 2)
        left.scatter(checked.predicted, table.value, s=4, color="#8fa9bd", label="each without itself")
        left.scatter(checked.apart, table.value, s=4, color=INK, label="each without its group")
        ends = [float(table.value.min()), float(table.value.max())]
        left.plot(ends, ends, color=LINE, linewidth=0.8)
        left.set_xlabel(f"Predicted{_unit(layout, 'estimate')}")
        left.set_ylabel(f"Observed{_unit(layout, 'estimate')}")
        left.legend(loc="upper left")
        scores = checked.grouped or checked.single
        share: Floats = np.array(scores.pit) / max(1, scores.count)
        right.bar(np.arange(10) / 10 + 0.05, share, width=0.09, color="#8fa9bd")
        right.axhline(0.1, color=LINE, linewidth=0.8)
        right.set_xlabel("Probability integral transform")
        right.set_ylabel("Share of observations")
        return save(drawn, folder, name)
