"""The simulated satellite: a circular orbit, and the places, ranges and angles of what it looks at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from processors.seaice.annotation import Annotation, GroundRange, Orbit, Points
from processors.seaice.markup import Floats
from processors.seaice.orbit import SEMI_MAJOR, SEMI_MINOR, geographic, locate, solve
from processors.seaice.sensor import Window, blocks_of

ALTITUDE, INCLINATION = 693e3, 98.18
"""Height over the equator, m, and inclination, degrees."""
GRAVITY, EARTH_TURN = 3.986004418e14, 7.2921159e-5
"""Of the Earth: gravitational parameter, m³/s², and rate of turning, rad/s."""
NEAREST = 18.92
"""Incidence angle at the first sample of a full scene, degrees."""
INTERVAL, SPACING = 6.004712e-3, 40.0
LIGHT = 299_792_458.0
POINT_LINES, POINT_SAMPLES = 500, 525
_RADIUS = SEMI_MAJOR + ALTITUDE
_RATE = np.sqrt(GRAVITY / _RADIUS**3)


@dataclass(frozen=True, slots=True)
class Flight:
    """Where the satellite is.

    Attributes:
        argument: Angle from the ascending node at the first line, rad.
        node: Longitude of the ascending node at that moment, rad.
    """

    argument: float
    node: float

    def state(self, time: Floats) -> tuple[Floats, Floats]:
        """Return position and velocity in the Earth-fixed frame, shape (n, 3), at seconds from the first line."""
        u, turn = self.argument + _RATE * time, self.node - EARTH_TURN * time
        tilt = np.radians(INCLINATION)
        place = np.stack([np.cos(u), np.sin(u) * np.cos(tilt), np.sin(u) * np.sin(tilt)], -1) * _RADIUS
        speed = np.stack([-np.sin(u), np.cos(u) * np.cos(tilt), np.cos(u) * np.sin(tilt)], -1) * (_RADIUS * _RATE)
        speed = speed - EARTH_TURN * np.stack([-place[:, 1], place[:, 0], 0 * u], -1)
        return _turned(place, turn), _turned(speed, turn)


def _turned(vectors: Floats, angle: Floats) -> Floats:
    c, s = np.cos(angle), np.sin(angle)
    x, y = vectors[:, 0], vectors[:, 1]
    return np.stack([c * x - s * y, s * x + c * y, vectors[:, 2]], -1)


def fly_over(longitude: float, latitude: float, ascending: bool, window: Window) -> Flight:
    """Return the flight whose scene has its centre at a place, or as near to its latitude as the orbit gets."""
    sample = window.first_sample + window.samples / 2
    middle = window.lines / 2 * INTERVAL
    low, high = (20.0, 90.0) if ascending else (90.0, 160.0)
    arguments = np.radians(np.linspace(low, high, 281))
    position, velocity = (
        np.concatenate(part)
        for part in zip(*(Flight(one, 0.0).state(np.array([middle])) for one in arguments), strict=True)
    )
    places = solve(position, velocity, _distance(position, velocity, sample * SPACING))
    found, latitudes = geographic(places)
    best = int(np.argmin(np.abs(latitudes - latitude)))
    return Flight(float(arguments[best]), float(np.radians(longitude - found[best])))


def _distance(position: Floats, velocity: Floats, along: float) -> Floats:
    """Return slant ranges at a ground range, for one place of the satellite each."""
    near = _nearest(position, velocity)
    return np.array([np.polyval(_polynomial(*one)[::-1], along) for one in zip(position, velocity, near, strict=True)])


def _nearest(position: Floats, velocity: Floats) -> Floats:
    """Return the slant range whose incidence angle is `NEAREST`, by halving between two beyond the nadir."""
    low, high = np.full(len(position), 720e3), np.full(len(position), 790e3)
    for _ in range(30):
        middle = (low + high) / 2
        near = incidence(position, solve(position, velocity, middle)) < NEAREST
        low, high = np.where(near, middle, low), np.where(near, high, middle)
    return high


def _polynomial(position: Floats, velocity: Floats, near: float) -> Floats:
    """Fit slant range over ground range, m, with eight powers."""
    from pyproj import Geod

    ranges = near + (np.linspace(0, 1, 60) ** 1.2) * 330e3
    places = solve(np.tile(position, (60, 1)), np.tile(velocity, (60, 1)), ranges)
    longitude, latitude = geographic(places)
    steps = Geod(ellps="WGS84").inv(longitude[:-1], latitude[:-1], longitude[1:], latitude[1:])[2]
    along = np.concatenate([[0.0], np.cumsum(steps)])
    fit = np.polynomial.Polynomial.fit(along, ranges, 8).convert().coef
    return np.asarray(fit, np.float64)


def incidence(position: Floats, place: Floats) -> Floats:
    """Return the angle between the look and the ellipsoid's normal, degrees."""
    normal = place / np.array([SEMI_MAJOR, SEMI_MAJOR, SEMI_MINOR]) ** 2
    look = position - place
    cosine = np.sum(normal * look, -1) / np.linalg.norm(normal, axis=-1) / np.linalg.norm(look, axis=-1)
    angle: Floats = np.degrees(np.arccos(cosine))
    return angle


def annotate(flight: Flight, window: Window, platform: str, polarisation: str, start: datetime) -> Annotation:
    """Return the annotation of a scene: what is read from a real one, computed from the orbit."""
    duration = (window.lines - 1) * INTERVAL
    time = np.round(np.arange(-62.5, max(duration, 120.0) + 20, 10.0), 6)
    orbit = Orbit(time, *flight.state(time))
    records = np.round(np.arange(-0.641425, duration + 1.5, 1.0), 6)
    position, velocity = flight.state(records)
    near = float(_nearest(*flight.state(np.array([duration / 2])))[0])
    ranges = np.array([_polynomial(*one, near) for one in zip(position, velocity, strict=True)])
    ground = GroundRange(records, np.full(records.size, -SPACING * window.first_sample), ranges)
    empty = Points(*(np.zeros((2, 2)) for _ in range(9)))
    shape, pixel = (window.lines, window.samples), (SPACING, SPACING)
    draft = Annotation(
        platform,
        polarisation,
        "EW",
        "GRD",
        shape,
        pixel,
        start,
        INTERVAL,
        False,
        blocks_of(window),
        orbit,
        ground,
        empty,
    )
    return replace(draft, points=_points(flight, draft))


def _points(flight: Flight, draft: Annotation) -> Points:
    lines, samples = draft.shape
    line, pixel = np.meshgrid(
        np.unique([*range(0, lines - 1, POINT_LINES), lines - 1]),
        np.unique([*range(0, samples - 1, POINT_SAMPLES), samples - 1]),
        indexing="ij",
    )
    places = locate(draft, line, pixel)
    longitude, latitude = geographic(places)
    time = line * INTERVAL
    position = flight.state(time.ravel())[0].reshape(places.shape)
    distance = np.linalg.norm(position - places, axis=-1)
    down = np.sum((position - places) * position, -1) / distance / np.linalg.norm(position, axis=-1)
    angle = incidence(position, places)
    floats = (line.astype(float), pixel.astype(float), latitude, longitude, 0.0 * time, angle)
    return Points(*floats, np.degrees(np.arccos(down)), 2 * distance / LIGHT, time)
