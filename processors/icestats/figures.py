"""Draws a campaign as a journal would print it: areas over time, and how often there was ice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from processors.drawing import figure, save
from processors.icestats.areas import Floats, Transform
from processors.icestats.campaign import Maps
from processors.protocol import JSON

if TYPE_CHECKING:
    pass

MOST = 1200
"""Cells of a picture along a side."""

DPI = 200


def draw_series(folder: Path, rows: Sequence[Mapping[str, JSON]]) -> list[Path]:
    """Draw extent and ice area of each day, hollow where too little of the region was seen; return PNG and SVG."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    days: Any = [datetime.fromisoformat(str(row["date"])).replace(tzinfo=UTC) + timedelta(hours=12) for row in rows]
    with figure(6.4, 3.0) as drawn:
        axes = drawn.add_subplot()
        for key, label, colour, mark in (
            ("extent_km2", "Extent", "#1b3a5c", "o"), ("ice_area_km2", "Ice area", "#c1272d", "s"),
        ):  # fmt: skip
            values = np.array([float(row[key]) / 1000 for row in rows])
            stands = np.array([bool(row["stands"]) for row in rows])
            axes.plot(days, values, color=colour, linewidth=0.7)
            axes.plot(np.array(days)[stands], values[stands], mark, color=colour, markersize=3.5, label=label)
            axes.plot(np.array(days)[~stands], values[~stands], mark, color=colour, markersize=3.5, fillstyle="none")
        axes.plot([], [], "o", color="#555555", markersize=3.5, fillstyle="none", label="Too little of the region seen")
        axes.set_ylabel("Area (1000 km²)")
        axes.set_ylim(bottom=0)
        axes.set_xlim(min(days) - timedelta(days=1), max(days) + timedelta(days=1))
        locator = AutoDateLocator(maxticks=9)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        axes.legend(loc="best")
        return save(drawn, folder, "series", DPI, settled=True)


def draw_frequency(folder: Path, maps: Maps, crs: str, edge: Sequence[Floats], least: int) -> list[Path]:
    """Draw the share of observations with ice, and the last day's edge; return PNG and SVG.

    Args:
        folder: Where to.
        maps: The campaign's maps.
        crs: Their reference system.
        edge: Lines of longitude and latitude.
        least: Fewest observations that are shown.
    """
    from pyproj import Transformer

    every = max(1, -(-max(maps.seen.shape) // MOST))
    seen, iced = (one[::every, ::every].astype(np.float64) for one in (maps.seen, maps.iced))
    share = np.where(seen >= least, iced / np.maximum(seen, 1), np.nan) * 100
    a, _, c, _, e, f = maps.transform
    west, north = c / 1000, f / 1000
    east, south = (c + a * maps.seen.shape[1]) / 1000, (f + e * maps.seen.shape[0]) / 1000
    there = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    with figure(5.2, 4.4) as drawn:
        axes = drawn.add_subplot()
        axes.set_facecolor("#dddddd")
        image = axes.imshow(
            share, extent=(west, east, south, north), cmap="YlGnBu_r", vmin=0, vmax=100, interpolation="nearest"
        )
        for number, line in enumerate(edge):
            x, y = there.transform(line[:, 0], line[:, 1])
            label = "Ice edge, last day" if number == 0 else None
            axes.plot(np.asarray(x) / 1000, np.asarray(y) / 1000, color="#c1272d", linewidth=0.8, label=label)
        _graticule(axes, there, maps.transform, maps.seen.shape)
        axes.set_xlim(west, east)
        axes.set_ylim(south, north)
        axes.set_xlabel("x (km)")
        axes.set_ylabel("y (km)")
        bar = drawn.colorbar(image, ax=axes, pad=0.02, aspect=30)
        bar.set_label("Observations with ice (%)")
        bar.outline.set_linewidth(0.6)
        if edge:
            axes.legend(loc="upper right")
        return save(drawn, folder, "frequency", DPI, settled=True)


def _graticule(axes: Any, there: Any, transform: Transform, shape: tuple[int, ...]) -> None:
    """Draw parallels every 2 or 5 degrees and meridians every 10 or 30, faintly."""
    wide = abs(transform[0]) * max(shape[:2]) > 2_500_000
    parallels, meridians = (np.arange(-85, 90, 5), np.arange(-180, 180, 30)) if wide else (
        np.arange(-88, 90, 2), np.arange(-180, 180, 10)
    )  # fmt: skip
    style = {"color": "#000000", "alpha": 0.25, "linewidth": 0.4}
    polar = there.transform(0.0, 89.9)[1], there.transform(0.0, -89.9)[1]
    south = abs(polar[0]) > abs(polar[1])
    shown = parallels[parallels < -40] if south else parallels[parallels > 40]
    around = np.linspace(-180, 180, 361)
    for one in shown:
        x, y = there.transform(around, np.full(around.size, float(one)))
        axes.plot(np.asarray(x) / 1000, np.asarray(y) / 1000, **style)
    along = np.linspace(shown.min(), shown.max(), 50)
    for one in meridians:
        x, y = there.transform(np.full(along.size, float(one)), along)
        axes.plot(np.asarray(x) / 1000, np.asarray(y) / 1000, **style)
