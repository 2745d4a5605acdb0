"""Meridians and parallels of a polar map, and the degrees written at them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from builder.pages.projection import DISC, DOWN, SOUTH, View, on_plane, radius_km
from builder.pages.values import longitude_words


class Label(NamedTuple):
    """Degrees written on the map."""

    x: int
    y: int
    text: str


@dataclass(frozen=True, slots=True)
class Graticule:
    """Meridians and parallels as one path, ticks on the rim as another, and what is written at them."""

    lines: str
    ticks: str
    labels: tuple[Label, ...]


def disc_graticule(rim: float) -> Graticule:
    """Draw the graticule of a disc whose rim is at latitude ``rim``."""
    view = View(0.0, 0.0, DISC / radius_km(rim), rim)
    parallels = [latitude for latitude in (80, 70, 60, 50) if latitude > rim]
    lines = "".join(_circle(0, 0, radius_km(latitude) * view.scale) for latitude in parallels)
    lines += "".join(_radial(lon, radius_km(80) * view.scale if lon % 90 else 0, DISC) for lon in range(-180, 180, 30))
    ticks = "".join(_radial(lon, DISC, DISC + (14 if lon % 30 == 0 else 7)) for lon in range(-180, 180, 10))
    labels = [_rim_label(lon) for lon in range(-150, 181, 30)]
    labels += [_label(view, -170, latitude, f"{latitude}°N") for latitude in parallels]
    return Graticule(lines, ticks, tuple(labels))


def square_graticule(view: View) -> Graticule:
    """Meridians and parallels of a square, with degrees where a middle meridian and parallel meet them."""
    half = 500 / view.scale
    step = 2 if half <= 500 else 5
    parallels = _parallels(view, half, step)
    middle = math.hypot(view.x, view.y)
    around_pole = _around_pole(view, half)
    spread = 30 if around_pole or middle < 1200 else 10 if middle < 3000 or step == 5 else 5
    pole = (-view.x * view.scale, view.y * view.scale)
    inner, reach = radius_km(88) * view.scale, radius_km(SOUTH) * view.scale
    lines = "".join(_circle(*pole, radius_km(lat) * view.scale) for lat in parallels)
    lines += "".join(_radial(lon, inner, reach, pole) for lon in range(-180, 180, spread))
    meridian = round((math.degrees(math.atan2(view.x, -view.y)) + DOWN) / spread) * spread
    labels = [_label(view, meridian, lat, f"{lat}°N") for lat in parallels]
    if parallels and not around_pole:
        nearest = min(parallels, key=lambda lat: abs(radius_km(lat) - middle))
        labels += _meridian_labels(view, meridian, spread, nearest + step / 2)
    return Graticule(lines, "", tuple(label for label in labels if max(abs(label.x), abs(label.y)) < 450))


def _meridian_labels(view: View, middle: int, spread: int, latitude: float) -> list[Label]:
    beside = [middle + way * spread for way in range(-5, 6) if way]
    return [_label(view, lon, latitude, _degrees(lon)) for lon in beside]


def _around_pole(view: View, half: float) -> bool:
    return max(abs(view.x), abs(view.y)) < half


def _parallels(view: View, half: float, step: int) -> list[int]:
    """Return the parallels that cross the square, or nearly do."""
    corners = [math.hypot(view.x + i * half, view.y + j * half) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    nearest = 0.0 if _around_pole(view, half) else min(corners) - half / 2
    return [lat for lat in range(50 - step * 2, 90, step) if nearest < radius_km(lat) < max(corners)]


def _degrees(longitude: int) -> str:
    return longitude_words((longitude + 180) % 360 - 180)


def _circle(x: float, y: float, radius: float) -> str:
    r = round(radius)
    return f"M{round(x) - r} {round(y)}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0"


def _radial(longitude: float, inner: float, outer: float, centre: tuple[float, float] = (0.0, 0.0)) -> str:
    angle = math.radians(longitude - DOWN)
    sine, cosine = math.sin(angle), math.cos(angle)
    x, y = centre
    return f"M{x + inner * sine:.0f} {y + inner * cosine:.0f}L{x + outer * sine:.0f} {y + outer * cosine:.0f}"


def _rim_label(longitude: int) -> Label:
    angle = math.radians(longitude - DOWN)
    return Label(
        round(468 * math.sin(angle)),
        round(472 * math.cos(angle)),
        "180°" if longitude == 180 else longitude_words(longitude),
    )


def _label(view: View, longitude: float, latitude: float, words: str) -> Label:
    ((x, y),) = view.units(on_plane(np.array([[longitude, latitude]]))).tolist()
    return Label(x, y, words)
