"""Projects positions to the polar stereographic plane (EPSG:3413) and to a map of 1000 units."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Units = NDArray[np.int64]

SEMI_MAJOR_KM = 6378.137
ECCENTRICITY = 0.0818191908426215
"""WGS 84."""
TRUE_LATITUDE = 70.0
DOWN = -45.0
"""EPSG:3413: true scale at 70°N, 45°W points down."""
SOUTH = 45.0
"""Southernmost latitude that is drawn."""
DISC = 430
"""Radius of the disc; the rest of the 500 units is for the degrees on its rim."""
CLAMP = 40.0
"""Positions south of this are moved here: out of sight, yet on their meridian."""


def project(longitude: Array, latitude: Array) -> tuple[Array, Array]:
    """Project to EPSG:3413.

    Polar stereographic, ellipsoidal, variant B: Snyder (1987), USGS Professional Paper 1395,
    equations 15-9, 14-15, 21-30, 21-33 and 21-34.

    Args:
        longitude: Degrees east.
        latitude: Degrees north, above -90.

    Returns:
        x and y in kilometres, y upwards.
    """
    rho = _scale_km() * _conformal(np.radians(latitude))
    angle = np.radians(longitude - DOWN)
    return rho * np.sin(angle), -rho * np.cos(angle)


def on_plane(degrees: Array) -> Array:
    """Project positions, longitude and latitude in a row, to a row of x and one of y, kilometres.

    Those south of `CLAMP` are moved there.
    """
    return np.array(project(degrees[:, 0], np.maximum(degrees[:, 1], CLAMP)))


@lru_cache(maxsize=1)
def _scale_km() -> float:
    true = math.radians(TRUE_LATITUDE)
    parallel = SEMI_MAJOR_KM * math.cos(true) / math.sqrt(1 - (ECCENTRICITY * math.sin(true)) ** 2)
    return parallel / float(_conformal(np.array(true)))


def _conformal(phi: Array) -> Array:
    sine = ECCENTRICITY * np.sin(phi)
    return np.tan(math.pi / 4 - phi / 2) / ((1 - sine) / (1 + sine)) ** (ECCENTRICITY / 2)


@lru_cache(maxsize=256)
def radius_km(latitude: float) -> float:
    """Return the radius of a parallel on the map, kilometres."""
    return -float(project(np.array(DOWN), np.array(latitude))[1])


@dataclass(frozen=True, slots=True)
class View:
    """What stretch is shown: a disc about the pole, or a square about a point.

    Attributes:
        x: Middle of the map, kilometres in EPSG:3413.
        y: Likewise, upwards.
        scale: Map units per kilometre.
        rim: Latitude at the rim of a disc; None for a square.
    """

    x: float
    y: float
    scale: float
    rim: float | None

    def units(self, plane: Array) -> Units:
        """Return positions on the plane (`on_plane`) in map units, one row per point, y downwards."""
        return np.rint((plane - [[self.x], [self.y]]) * [[self.scale], [-self.scale]]).astype(np.int64).T
