"""Puts a graticule, a scale and an arrow to the north on a figure of a map whose axes are in kilometres."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Frame: TypeAlias = tuple[float, float, float, float]
"""West, south, east and north edge, km on the map."""
INK = "#000000"
LINES: Mapping[str, Any] = {"color": INK, "alpha": 0.3, "linewidth": 0.4}
EDGE: Mapping[str, Any] = {"linewidth": 1.6, "foreground": "#FFFFFF"}
"""White round what is drawn, so that it is seen over any colour."""


def graticule(axes: Any, crs: str, frame: Frame) -> None:
    """Draw parallels every degree and meridians every five, with degrees where they meet the frame's middle."""
    from pyproj import Transformer

    there = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    around, south = np.linspace(-180, 180, 1441), southernmost(crs, frame)
    for parallel in range(south, 90):
        x, y = there.transform(around, np.full(around.size, float(parallel)))
        _line(axes, np.asarray(x) / 1000, np.asarray(y) / 1000, f"{parallel}°N", frame)
    along = np.linspace(south, 89, 10 * (89 - south) + 1)
    for meridian in range(-180, 180, 5):
        x, y = there.transform(np.full(along.size, float(meridian)), along)
        side = f"{abs(meridian)}°{'W' if meridian < 0 else 'E'}"
        _line(axes, np.asarray(x) / 1000, np.asarray(y) / 1000, side, frame)


def southernmost(crs: str, frame: Frame) -> int:
    """Return the whole degree of latitude that no corner lies south of; corners are farthest from the pole."""
    from pyproj import Transformer

    west, south, east, north = (1000 * edge for edge in frame)
    back = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    latitude = back.transform([west, west, east, east], [south, north, south, north])[1]
    return max(0, min(88, int(np.floor(min(latitude)))))


def scale_of(crs: str, frame: Frame) -> tuple[int, float]:
    """Return a round length that is a fifth of the frame or less, km, and how long it is on the map, km.

    The map's scale is that along a horizontal line at the lower left, where the bar is drawn.
    """
    from pyproj import Geod, Transformer

    west, south, east, north = frame
    x = np.array([west + 0.05 * (east - west), west + 0.25 * (east - west)])
    back = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lon, lat = back.transform(x * 1000, np.full(2, (south + 0.05 * (north - south)) * 1000))
    true = float(Geod(ellps="WGS84").inv(lon[0], lat[0], lon[1], lat[1])[2]) / 1000
    steps = [base * 10**power for power in range(5) for base in (1, 2, 5)]
    length = max((one for one in steps if one <= true), default=1)
    return length, length * float(x[1] - x[0]) / true


def north_at(crs: str, x: float, y: float) -> tuple[float, float]:
    """Return the direction of north at a place of a map (m), as a vector of length 1."""
    from pyproj import Transformer

    there = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    lon, lat = there.transform(x, y, direction="INVERSE")
    ends = there.transform([lon, lon], [lat - 0.005, lat + 0.005])
    away = np.diff(np.array(ends), axis=1)[:, 0]
    return float(away[0] / np.hypot(*away)), float(away[1] / np.hypot(*away))


def scale_and_north(axes: Any, crs: str, frame: Frame) -> None:
    """Draw a scale bar at the lower left and an arrow to the north at the lower right."""
    from matplotlib.patheffects import withStroke

    white = [withStroke(**EDGE)]
    west, south, east, north = frame
    width, height = east - west, north - south
    length, drawn = scale_of(crs, frame)
    left, low = west + 0.05 * width, south + 0.05 * height
    axes.plot([left, left + drawn], [low, low], color=INK, linewidth=2, path_effects=white, solid_capstyle="butt")
    style = {"fontsize": 7, "color": INK, "ha": "center", "path_effects": white}
    axes.text(left + drawn / 2, low + 0.012 * height, f"{length} km", va="bottom", **style)
    foot = np.array([east - 0.09 * width, south + 0.09 * height])
    half = 0.045 * min(width, height) * np.array(north_at(crs, *(foot * 1000)))
    arrow = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.2, "path_effects": white, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=tuple(foot + half), xytext=tuple(foot - half), arrowprops=arrow)
    axes.text(*(foot + 1.6 * half), "N", va="center", **style)


def _line(axes: Any, x: npt.NDArray[Any], y: npt.NDArray[Any], text: str, frame: Frame) -> None:
    west, south, east, north = frame
    inside = np.flatnonzero((x > west) & (x < east) & (y > south) & (y < north))
    if inside.size > 1:
        axes.plot(x, y, **LINES)
        middle = inside[inside.size // 2]
        axes.text(x[middle], y[middle], text, fontsize=5, color=INK, alpha=0.7, ha="center", clip_on=True)
