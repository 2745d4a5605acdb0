"""Draws a classified scene as a figure: classes and their legend, a graticule, a scale and an arrow to the north."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from processors.drawing import figure, save
from processors.polarframe import graticule, scale_and_north
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
    frame = (west, south, east, north)
    with figure(6.4, 6.0) as drawn:
        axes = drawn.add_subplot()
        axes.imshow(table[classes], extent=(west, east, south, north), interpolation="nearest")
        graticule(axes, target.crs, frame)
        scale_and_north(axes, target.crs, frame)
        axes.set_xlim(west, east)
        axes.set_ylim(south, north)
        axes.set_xlabel(f"x (km, {target.crs})")
        axes.set_ylabel("y (km)")
        axes.set_title(title)
        patches = [Patch(color=np.array(colour) / 255, label=names[value]) for value, colour in colours.items()]
        drawn.legend(handles=patches, loc="outside lower center", ncols=len(patches))
        return save(drawn, folder, name)
