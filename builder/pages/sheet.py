"""The sheets that maps are drawn on: frame, land, graticule, scale bar and locator, once per stretch that is shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from builder.pages.graticule import Graticule, disc_graticule, square_graticule
from builder.pages.projection import SOUTH, View, radius_km

LAND_KM = 5200.0
"""Half the width of static/land.svg."""
FINE = 10
"""Parts of a map unit in which footprints are written."""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Everything of a map but what lies on it; there is one of each stretch, so that pages can share its drawing.

    Attributes:
        disc: Whether it is the disc about the pole.
        rim: Latitude at the rim of the disc; 0 on a square.
        land: x, y and width of the land picture, map units.
        origin: Middle of the map in EPSG:3413 and size of a unit of the footprints' paths: x, y, metres per unit.
        graticule: Meridians, parallels and degrees.
        locator: Where the square lies on a small disc: x, y and half width there; None on a disc.
        bar: A scale bar on a square: its length in kilometres and in map units.
    """

    disc: bool
    rim: int
    land: tuple[float, float, float]
    origin: tuple[int, int, float]
    graticule: Graticule
    locator: tuple[int, int, int] | None = None
    bar: tuple[int, int] | None = None


@lru_cache(maxsize=1024)
def sheet(view: View) -> Sheet:
    """Return the sheet for a stretch."""
    return Sheet(
        disc=view.rim is not None,
        rim=int(view.rim or 0),
        land=(
            round((-LAND_KM - view.x) * view.scale, 1),
            round((view.y - LAND_KM) * view.scale, 1),
            round(2 * LAND_KM * view.scale, 1),
        ),
        origin=(round(view.x * 1000), round(view.y * 1000), round(1000 / (view.scale * FINE), 4)),
        graticule=disc_graticule(view.rim) if view.rim is not None else square_graticule(view),
        locator=_locator(view),
        bar=None if view.rim else (200, round(200 * view.scale)),
    )


def _locator(view: View) -> tuple[int, int, int] | None:
    if view.rim is not None:
        return None
    scale = 100 / radius_km(SOUTH)
    return round(view.x * scale), round(-view.y * scale), max(3, round(500 / view.scale * scale))
