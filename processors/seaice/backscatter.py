"""Mean backscatter of open water and of sea ice at C band, as published, for simulated scenes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.seaice.markup import Floats

Season: TypeAlias = Literal["winter", "melt"]
CMOD5N = (
    *(-0.6878, -0.7957, 0.3380, -0.1728, 0.0000, 0.0040, 0.1103, 0.0159, 6.7329, 2.7713, -2.2885, 0.4971, -0.7250),
    *(0.0450, 0.0066, 0.3222, 0.0120, 22.7000, 2.0813, 3.0000, 8.3659, -3.3428, 1.3236, 6.2437, 2.3893, 0.3249),
    *(4.1590, 1.6930),
)
"""Coefficients c1 to c28 (Hersbach 2010, table 1)."""


@dataclass(frozen=True, slots=True)
class Ice:
    """Mean backscatter of a kind of ice: level at 30°, dB, and slope over incidence angle, dB per degree.

    Attributes:
        name: What it is.
        co: Level and slope at HH.
        cross: Level and slope at HV.
        texture: Standard deviation of its log-normal texture, dB.
        share: Part of the ice that is of this kind.
    """

    name: str
    co: tuple[float, float]
    cross: tuple[float, float]
    texture: float
    share: float


KINDS: Mapping[Season, tuple[Ice, ...]] = {
    "winter": (
        Ice("young ice", (-17.5, -0.25), (-29.5, -0.10), 1.0, 0.15),
        Ice("level first-year ice", (-15.0, -0.235), (-26.5, -0.12), 1.3, 0.40),
        Ice("deformed first-year ice", (-12.0, -0.24), (-22.5, -0.16), 2.2, 0.25),
        Ice("multi-year ice", (-10.0, -0.167), (-18.0, -0.12), 1.6, 0.20),
    ),
    "melt": (
        Ice("young ice", (-18.5, -0.30), (-30.0, -0.10), 1.0, 0.15),
        Ice("level first-year ice", (-16.0, -0.28), (-28.0, -0.12), 1.3, 0.40),
        Ice("deformed first-year ice", (-14.0, -0.27), (-25.5, -0.16), 2.2, 0.25),
        Ice("multi-year ice", (-13.5, -0.25), (-24.5, -0.12), 1.6, 0.20),
    ),
}
"""Levels and slopes chosen within those published for HH and HV (Mahmud et al. 2018; Mäkynen and Karvonen 2017)."""


def cmod5n(wind: npt.ArrayLike, direction: npt.ArrayLike, incidence: npt.ArrayLike) -> Floats:
    """Return sigma nought at VV of the sea, linear: CMOD5.N (Hersbach 2010, J. Atmos. Ocean. Tech. 27).

    Args:
        wind: Equivalent neutral wind at 10 m, m/s, above 0.
        direction: Angle between look and wind, degrees; 0 is upwind.
        incidence: Degrees.
    """
    c = (0.0, *CMOD5N)
    v, phi = np.asarray(wind, np.float64), np.radians(np.asarray(direction, np.float64))
    x = (np.asarray(incidence, np.float64) - 40) / 25
    b0 = _isotropic(c, v, x)
    b1 = c[14] * (1 + x) - c[15] * v * (0.5 + x - np.tanh(4 * (x + c[16] + c[17] * v)))
    b1 = b1 / (np.exp(0.34 * (v - c[18])) + 1)
    y0, n = c[19], c[20]
    y = v / (c[21] + c[22] * x + c[23] * x * x) + 1
    low = y0 - (y0 - 1) / n + (np.maximum(y, 1) - 1) ** n / (n * (y0 - 1) ** (n - 1))
    y = np.where(y < y0, low, y)
    b2 = (-(c[24] + c[25] * x + c[26] * x * x) + (c[27] + c[28] * x) * y) * np.exp(-y)
    sigma: Floats = b0 * np.maximum(1 + b1 * np.cos(phi) + b2 * np.cos(2 * phi), 0) ** 1.6
    return sigma


def _isotropic(c: tuple[float, ...], v: Floats, x: Floats) -> Floats:
    """Return the term b0 of CMOD5."""
    s, s0 = (c[7] + c[8] * x) * v, c[12] + c[13] * x
    held = np.maximum(s, s0)
    weight = 1 / (1 + np.exp(-held))
    with np.errstate(invalid="ignore", divide="ignore"):
        small = np.where(s < s0, (s / s0) ** (s0 * (1 - weight)), 1.0)
    exponent = c[9] + c[10] * x + c[11] * x * x
    b0: Floats = (weight * small) ** exponent * 10 ** (
        c[1] + c[2] * x + c[3] * x**2 + c[4] * x**3 + (c[5] + c[6] * x) * v
    )
    return b0


def polarisation_ratio(incidence: npt.ArrayLike) -> Floats:
    """Return sigma nought at HH over that at VV: Thompson et al. (1998) with alpha 1."""
    squared = np.tan(np.radians(np.asarray(incidence, np.float64))) ** 2
    ratio: Floats = (1 + squared) ** 2 / (1 + 2 * squared) ** 2
    return ratio


def water_cross(wind: npt.ArrayLike) -> Floats:
    """Return sigma nought at HV of the sea, dB: Vachon and Wolfe (2011), not below -36 dB."""
    level: Floats = np.maximum(0.592 * np.asarray(wind, np.float64) - 35.6, -36.0)
    return level
