"""Draws the ice, open water and wind of a simulated scene, and their backscatter before any noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.seaice.backscatter import KINDS, Ice, Season, cmod5n, polarisation_ratio, water_cross
from processors.seaice.markup import Floats

Singles: TypeAlias = npt.NDArray[Any]
"""Arrays of float32."""
Wholes: TypeAlias = npt.NDArray[np.int64]
WATER = 1
"""Class of open water; kinds of ice follow in the order of `KINDS`."""
COARSE, FINE = 5, 2
"""Pixels of a cell of smooth fields and of textures."""
PIXEL_KM = 0.04
_LEAD = 0.02


@dataclass(frozen=True, slots=True)
class Weather:
    """What is drawn for a scene before its fields.

    Attributes:
        season: Decides the backscatter of ice.
        wind: Mean wind, m/s.
        direction: Mean angle between look and wind, degrees.
        ice: Part of the scene that ice covers, about.
        jitter: dB added to each class (water first) at co and cross polarisation, shape (classes, 2).
        vertical: Whether the co-polarised channel is VV.
    """

    season: Season
    wind: float
    direction: float
    ice: float
    jitter: tuple[tuple[float, float], ...]
    vertical: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Scenery:
    """Fields of a scene; all but textures have one value for each cell of `COARSE` pixels.

    Attributes:
        weather: As drawn.
        concentration: Share of ice, 0 to 1.
        floes: Uniform numbers that rise from floe to floe; below the concentration there is ice.
        leads: Standard normal; near 0 there is open water.
        kinds: Uniform numbers that tell the kind of ice.
        wind: m/s.
        direction: Degrees.
        regional: dB, slowly varying, for ice.
        textures: Standard normal, for co and cross polarisation, for each cell of `FINE` pixels.
    """

    weather: Weather
    concentration: Singles
    floes: Singles
    leads: Singles
    kinds: Singles
    wind: Singles
    direction: Singles
    regional: Singles
    textures: tuple[Singles, Singles]


def draw_scenery(rng: np.random.Generator, weather: Weather, shape: tuple[int, int]) -> Scenery:
    """Draw the fields of a scene of some lines and samples."""
    coarse = (-(-shape[0] // COARSE) + 2, -(-shape[1] // COARSE) + 2)
    fine = (-(-shape[0] // FINE) + 2, -(-shape[1] // FINE) + 2)
    cell = PIXEL_KM * COARSE
    first, second = (random_field(rng, fine, PIXEL_KM * FINE, 2.0, (0.12, 1.6)) for _ in range(2))
    return Scenery(
        weather,
        _concentration(rng, weather.ice, coarse, cell),
        _uniform(random_field(rng, coarse, cell, 2.2, (0.8, 60.0))),
        random_field(rng, coarse, cell, 2.6, (2.0, 120.0)),
        _uniform(random_field(rng, coarse, cell, 3.0, (4.0, 240.0))),
        np.clip(weather.wind + 1.6 * random_field(rng, coarse, cell, 3.2, (10.0, 480.0)), 1.0, 25.0),
        (weather.direction + 15 * random_field(rng, coarse, cell, 3.2, (40.0, 480.0))).astype(np.float32),
        0.8 * random_field(rng, coarse, cell, 3.0, (20.0, 480.0)),
        (first, np.float32(0.7) * first + np.float32(np.sqrt(1 - 0.7**2)) * second),
    )


def random_field(
    rng: np.random.Generator, shape: tuple[int, int], cell: float, steepness: float, waves: tuple[float, float]
) -> Singles:
    """Return a Gaussian random field of mean 0 and variance 1 whose power falls as k^-steepness.

    Args:
        rng: Random numbers.
        shape: Rows and columns.
        cell: Side of a cell, km.
        steepness: Exponent of the two-dimensional power spectrum.
        waves: Shortest and longest wave, km; the field has none beyond.
    """
    import scipy.fft

    size = tuple(scipy.fft.next_fast_len(length, real=True) for length in shape)
    ky, kx = np.fft.fftfreq(size[0], cell)[:, None], np.fft.rfftfreq(size[1], cell)[None, :]
    k = np.hypot(ky, kx).astype(np.float32)
    lowest = max(1 / waves[1], 1 / (max(size) * cell))
    keep = (k >= lowest) & (k <= 1 / waves[0])
    weight = np.where(keep, np.maximum(k, lowest) ** np.float32(-steepness / 2), np.float32(0))
    white = rng.standard_normal(size, dtype=np.float32)
    field = scipy.fft.irfft2(scipy.fft.rfft2(white) * weight, s=size)[: shape[0], : shape[1]]
    field = (field - field.mean(dtype=np.float64)) / max(field.std(dtype=np.float64), 1e-12)
    single: Singles = field.astype(np.float32)
    return single


def _uniform(field: Singles) -> Singles:
    """Turn a standard normal field into a uniform one."""
    from scipy.special import ndtr

    uniform: Singles = ndtr(field)
    return uniform


def _concentration(rng: np.random.Generator, ice: float, shape: tuple[int, int], cell: float) -> Singles:
    """Return the share of ice: a ramp with random waves, steep at the ice edge."""
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.linspace(-1, 1, shape[0])[:, None], np.linspace(-1, 1, shape[1])[None, :]
    ramp = rows * np.sin(angle) + columns * np.cos(angle) + 0.6 * random_field(rng, shape, cell, 3.2, (2.0, 480.0))
    edge = np.quantile(ramp, 1 - ice)
    share: Singles = (1 / (1 + np.exp(-(ramp - edge) / 0.12))).astype(np.float32)
    return share


def strip(scenery: Scenery, first: int, last: int, incidence: Floats) -> tuple[npt.NDArray[np.uint8], Singles, Singles]:
    """Return the classes and sigma nought, linear, of some lines.

    Args:
        scenery: Fields of the scene.
        first: First line.
        last: The one after the last.
        incidence: Degrees for each sample, shape (samples,).

    Returns:
        Classes (1 is water), and sigma nought at co and at cross polarisation, shape (lines, samples) each.
    """
    lines, samples = np.arange(first, last, dtype=np.int64), np.arange(incidence.size, dtype=np.int64)
    classes = _classes(scenery, lines, samples)
    levels = _levels(scenery, lines, samples, classes, incidence)
    ice = classes > WATER
    regional = _spread(scenery.regional, lines, samples, COARSE)
    widths = np.array([0.0, 0.0, *(kind.texture for kind in KINDS[scenery.weather.season])], np.float32)[classes]
    co, cross = (
        np.float32(10) ** ((level + np.where(ice, regional, 0) + widths * _spread(texture, lines, samples, FINE)) / 10)
        for level, texture in zip(levels, scenery.textures, strict=True)
    )
    return classes, co, cross


def _classes(scenery: Scenery, lines: Wholes, samples: Wholes) -> npt.NDArray[np.uint8]:
    concentration, floes, leads, kinds = (
        _spread(field, lines, samples, COARSE)
        for field in (scenery.concentration, scenery.floes, scenery.leads, scenery.kinds)
    )
    shares = np.cumsum([kind.share for kind in KINDS[scenery.weather.season]])[:-1]
    kind = (np.searchsorted(shares, kinds.ravel()).reshape(kinds.shape) + WATER + 1).astype(np.uint8)
    return np.where((floes < concentration) & (np.abs(leads) > _LEAD), kind, np.uint8(WATER))


def _levels(
    scenery: Scenery, lines: Wholes, samples: Wholes, classes: npt.NDArray[np.uint8], incidence: Floats
) -> tuple[Singles, Singles]:
    """Return mean backscatter of the classes, dB."""
    weather = scenery.weather
    co, cross = _water(scenery, lines, samples, incidence)
    co += np.float32(weather.jitter[0][0])
    cross += np.float32(weather.jitter[0][1])
    for number, kind in enumerate(KINDS[weather.season], WATER + 1):
        here = classes == number
        for level, (at_30, slope), more in zip((co, cross), _pair(kind), weather.jitter[number - WATER], strict=True):
            across = (at_30 + slope * (incidence - 30) + more).astype(np.float32)
            np.copyto(level, np.broadcast_to(across, level.shape), where=here)
    return co, cross


def _pair(kind: Ice) -> tuple[tuple[float, float], tuple[float, float]]:
    return kind.co, kind.cross


def _water(scenery: Scenery, lines: Wholes, samples: Wholes, incidence: Floats) -> tuple[Singles, Singles]:
    """Return backscatter of water, dB: the model's value at every fourth cell of wind, spread between."""
    step = 4 * COARSE
    top, bottom = lines[0] // step, lines[-1] // step + 2
    rows = np.minimum(np.arange(top, bottom) * 4, scenery.wind.shape[0] - 1)
    columns = np.minimum(np.arange(samples.size // step + 2) * 4, scenery.wind.shape[1] - 1)
    wind, direction = (field[np.ix_(rows, columns)] for field in (scenery.wind, scenery.direction))
    angle = incidence[np.minimum(columns * COARSE, incidence.size - 1)]
    linear = cmod5n(wind, direction, angle) * (1.0 if scenery.weather.vertical else polarisation_ratio(angle))
    co, cross = (10 * np.log10(linear)).astype(np.float32), water_cross(wind).astype(np.float32)
    below = lines - top * step
    return _spread(co, below, samples, step), _spread(cross, below, samples, step)


def _spread(field: Singles, lines: Wholes, samples: Wholes, cell: int) -> Singles:
    """Interpolate cells linearly to pixels."""
    i, v = lines // cell, ((lines % cell) / np.float32(cell)).astype(np.float32)[:, None]
    j, u = samples // cell, ((samples % cell) / np.float32(cell)).astype(np.float32)
    below = int(i[0])
    part = field[below : int(i[-1]) + 2]
    across = part[:, j] * (1 - u) + part[:, j + 1] * u
    spread: Singles = across[i - below] * (1 - v) + across[i - below + 1] * v
    return spread
