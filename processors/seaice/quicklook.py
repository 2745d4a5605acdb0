"""Draws a classified scene as a figure: classes and their legend, a graticule, and a scale in kilometres."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from processors.drawing import figure, save
from processors.seaice.mapping import Map

MOST = 1024
"""Cells along the longer side of the picture."""


def draw(made: Map, colours: Mapping[int, tuple[int, int, int]], names: Mapping[int, str], title: str, folder: Path,
         name: str) -> list[Path]:  # fmt: skip
    """Write a figure as PNG and SVG and return both.

    Args:
        made: The map.
        colours: Class → red, green, blue.
        names: Class → what it is.
        title: What stands above.
        folder: Where to.
        name: File name without suffix.
    """
    from matplotlib.patches import Patch

    target = made.target
    every = max(1, -(-max(target.shape) // MOST))
    classes = made.classes[::every, ::every]
    table = np.full((256, 4), 0, np.uint8)
    for value, colour in colours.items():
        table[value] = (*colour, 255)
    west, north = target.west / 1000, target.north / 1000
    east, south = west + target.shape[1] * target.resolution / 1000, north - target.shape[0] * target.resolution / 1000
    with figure(5.4, 5.0) as drawn:
        axes = drawn.add_subplot()
        axes.imshow(table[classes], extent=(west, east, south, north), interpolation="nearest")
        _graticule(axes, target.crs, (west, east, south, north))
        axes.set_xlim(west, east)
        axes.set_ylim(south, north)
        axes.set_xlabel(f"x (km, {target.crs})")
        axes.set_ylabel("y (km)")
        axes.set_title(title)
        patches = [Patch(color=np.array(colour) / 255, label=names[value]) for value, colour in colours.items()]
        drawn.legend(handles=patches, loc="outside lower center", ncols=len(patches))
        return save(drawn, folder, name)


def _graticule(axes: Any, crs: str, frame: tuple[float, float, float, float]) -> None:
    """Draw parallels every degree and meridians every five, with degrees where they meet the frame's middle."""
    from pyproj import Transformer

    there = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    style = {"color": "#000000", "alpha": 0.3, "linewidth": 0.4}
    around = np.linspace(-180, 180, 1441)
    for parallel in range(50, 90):
        x, y = there.transform(around, np.full(around.size, float(parallel)))
        _line(axes, np.asarray(x) / 1000, np.asarray(y) / 1000, f"{parallel}°N", frame, style)
    along = np.linspace(50, 89, 400)
    for meridian in range(-180, 180, 5):
        x, y = there.transform(np.full(along.size, float(meridian)), along)
        side = f"{abs(meridian)}°{'W' if meridian < 0 else 'E'}"
        _line(axes, np.asarray(x) / 1000, np.asarray(y) / 1000, side, frame, style)


def _line(
    axes: Any, x: Any, y: Any, text: str, frame: tuple[float, float, float, float], style: Mapping[str, Any]
) -> None:
    west, east, south, north = frame
    inside = np.flatnonzero((x > west) & (x < east) & (y > south) & (y < north))
    if inside.size > 1:
        axes.plot(x, y, **style)
        middle = inside[inside.size // 2]
        axes.text(x[middle], y[middle], text, fontsize=5, color="#000000", alpha=0.7, ha="center", clip_on=True)
