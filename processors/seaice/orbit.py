"""Finds where on Earth a sample was taken: range-Doppler equations on orbit vectors and ground-range polynomials."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.seaice.annotation import Annotation
from processors.seaice.markup import Floats

SEMI_MAJOR, SEMI_MINOR = 6_378_137.0, 6_356_752.314245
"""Axes of the WGS 84 ellipsoid, m."""
LONGEST_GAP_S = 30.0
"""Seconds between orbit vectors over which a cubic still follows the orbit to a few centimetres."""
_STEPS = 8
_CLOSE = 1e-4


def locate(annotation: Annotation, line: npt.ArrayLike, sample: npt.ArrayLike, height: npt.ArrayLike = 0.0) -> Floats:
    """Return Earth-fixed places of samples at a height over the ellipsoid, m.

    Args:
        annotation: Of the product.
        line: Lines, fractions allowed, shape (...).
        sample: Samples, broadcast against them.
        height: Metres over WGS 84; the sea is taken at 0.

    Returns:
        Shape (..., 3).

    Raises:
        Refusal: The orbit vectors do not cover these lines (``S1.ORBIT_GAP``).
    """
    line, sample = np.broadcast_arrays(np.asarray(line, np.float64), np.asarray(sample, np.float64))
    time = line * annotation.line_interval
    return solve(*satellite(annotation, time), slant_range(annotation, time, sample), height)


def satellite(annotation: Annotation, time: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return position and velocity, shape (..., 3) each, at times in seconds from the first line.

    Between vectors the orbit is the cubic that has their positions and velocities (Hermite).

    Raises:
        Refusal: There is no vector before or after, or none for too long (``S1.ORBIT_GAP``).
    """
    from scipy.interpolate import CubicHermiteSpline

    orbit, time = annotation.orbit, np.asarray(time, np.float64)
    covered = orbit.time[0] <= time.min() and time.max() <= orbit.time[-1]
    used = (orbit.time[1:] >= time.min()) & (orbit.time[:-1] <= time.max())
    if not covered or np.diff(orbit.time)[used].max() > LONGEST_GAP_S:
        message = f"has no orbit vectors for all of {time.min():.1f} to {time.max():.1f} s from the first line"
        raise Refusal(message, annotation.polarisation, "fetch the product again", "S1.ORBIT_GAP")
    path = CubicHermiteSpline(orbit.time, orbit.position, orbit.velocity)
    return path(time), path(time, 1)


def slant_range(annotation: Annotation, time: Floats, sample: Floats) -> Floats:
    """Return the distance from the satellite to samples, m, by the polynomial nearest in time.

    That is how the processor does it: to blend two of them would be off by up to 16 m.
    """
    table = annotation.ground_range
    middles = (table.time[1:] + table.time[:-1]) / 2
    nearest = np.searchsorted(middles, time)
    along = sample * annotation.spacing[1] - table.origin[nearest]
    distance = np.zeros(along.shape)
    for power in range(table.coefficients.shape[1] - 1, -1, -1):
        distance = distance * along + table.coefficients[nearest, power]
    return distance


def solve(position: Floats, velocity: Floats, distance: Floats, height: npt.ArrayLike = 0.0) -> Floats:
    """Solve |X - S| = R, (X - S)·V = 0 and (x² + y²)/(a + h)² + z²/(b + h)² = 1 by Newton's method.

    It starts on a sphere, right of the satellite's way. The enlarged ellipsoid is that of height h to some millimetres.

    Args:
        position: S, shape (..., 3), m.
        velocity: V, shape (..., 3), m/s, Earth-fixed: lines of zero Doppler.
        distance: R, shape (...), m.
        height: h, m.

    Returns:
        X, shape (..., 3).
    """
    axes = np.stack(np.broadcast_arrays(SEMI_MAJOR, SEMI_MAJOR, SEMI_MINOR), -1) + np.asarray(height)[..., None]
    axes = np.broadcast_to(axes, position.shape)
    place = _first_guess(position, velocity, distance)
    for _ in range(_STEPS):
        look = place - position
        off = np.stack(
            [
                np.sum(look * look, -1) - distance**2,
                np.sum(look * velocity, -1),
                np.sum((place / axes) ** 2, -1) - 1.0,
            ],
            -1,
        )
        slopes = np.stack([2 * look, velocity, 2 * place / axes**2], -2)
        step = np.linalg.solve(slopes, off[..., None])[..., 0]
        place = place - step
        if np.abs(step).max() < _CLOSE:
            break
    return place


def _first_guess(position: Floats, velocity: Floats, distance: Floats) -> Floats:
    radius = np.linalg.norm(position, axis=-1)
    up = position / radius[..., None]
    right = np.cross(velocity, up)
    right /= np.linalg.norm(right, axis=-1, keepdims=True)
    earth = SEMI_MINOR + (SEMI_MAJOR - SEMI_MINOR) * (1 - up[..., 2] ** 2)
    cosine = np.clip((radius**2 + earth**2 - distance**2) / (2 * radius * earth), -1, 1)
    sine = np.sqrt(1 - cosine**2)
    guess: Floats = earth[..., None] * (cosine[..., None] * up + sine[..., None] * right)
    return guess


def geographic(place: Floats) -> tuple[Floats, Floats]:
    """Return longitude and latitude, degrees, of Earth-fixed places, shape (..., 3)."""
    from pyproj import Transformer

    change = Transformer.from_crs("EPSG:4978", "EPSG:4979", always_xy=True)
    longitude, latitude, _ = change.transform(place[..., 0], place[..., 1], place[..., 2])
    return np.asarray(longitude, np.float64), np.asarray(latitude, np.float64)
