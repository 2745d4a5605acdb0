"""Turns positions and times into coordinates in kilometres, in which distances mean something; never degrees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from processors.geostat.observations import Floats

Kind: TypeAlias = Literal["laea", "chord", "crs"]
SPHERE_KM = 6371.0
"""Radius of the sphere of chords; that of GSTools and of the oracles."""


@dataclass(frozen=True, slots=True)
class Metric:
    """Where coordinates come from.

    Attributes:
        kind: ``laea`` is Lambert's equal-area plane about the centre (lengths within 1.2 % at 2000 km from it);
            ``chord`` is the straight line through the sphere, which knows neither pole nor antimeridian and keeps
            every model positive definite; ``crs`` is the plane of a reference system in metres.
        longitude: Centre, degrees.
        latitude: Centre, degrees.
        crs: Reference system, for ``crs``.
        speed: Kilometres that a day counts as; 0 leaves time out.
        epoch: Day since 1970 at which the coordinate of time is 0.
    """

    kind: Kind
    longitude: float
    latitude: float
    crs: str = ""
    speed: float = 0.0
    epoch: float = 0.0

    @property
    def axes(self) -> int:
        """How many coordinates a place has, without time."""
        return 3 if self.kind == "chord" else 2

    def places(self, longitude: Floats, latitude: Floats) -> Floats:
        """Return coordinates of places, km, shape (n, 2 or 3)."""
        if self.kind == "chord":
            return chord(longitude, latitude)
        from pyproj import Transformer

        plane = self.crs if self.kind == "crs" else f"+proj=laea +lat_0={self.latitude!r} +lon_0={self.longitude!r}"
        x, y = Transformer.from_crs("EPSG:4326", plane, always_xy=True).transform(longitude, latitude)
        return np.column_stack([x, y]) / 1000.0

    def points(self, longitude: Floats, latitude: Floats, time: Floats | float) -> Floats:
        """Return coordinates of places and times, km; the last is time where it counts."""
        places = self.places(longitude, latitude)
        if not self.speed:
            return places
        along = np.broadcast_to((np.asarray(time, np.float64) - self.epoch) * self.speed, len(places))
        return np.column_stack([places, along])


def chord(longitude: Floats, latitude: Floats) -> Floats:
    """Return geocentric coordinates on a sphere of 6371 km, shape (n, 3)."""
    lam, phi = np.radians(longitude), np.radians(latitude)
    across = np.cos(phi)
    return SPHERE_KM * np.column_stack([across * np.cos(lam), across * np.sin(lam), np.sin(phi)])


def centre_of(longitude: Floats, latitude: Floats) -> tuple[float, float]:
    """Return the middle of places on the sphere, degrees, to a tenth so that it can be written down.

    Places spread evenly round the globe have no middle; the pole of their hemisphere stands for it.
    """
    mean = chord(longitude, latitude).mean(axis=0) / SPHERE_KM
    if np.hypot(mean[0], mean[1]) < 1e-6:
        return 0.0, 90.0 if mean[2] >= 0 else -90.0
    middle = np.degrees(np.arctan2(mean[1], mean[0])), np.degrees(np.arctan2(mean[2], np.hypot(mean[0], mean[1])))
    return round(float(middle[0]), 1) + 0.0, round(float(middle[1]), 1) + 0.0


def metric_of(wanted: Literal["auto", "laea", "chord", "crs"], longitude: Floats, latitude: Floats, crs: str) -> Metric:
    """Choose the metric: the plane about the data, or chords where they reach more than 3000 km from its centre."""
    centre = centre_of(longitude, latitude)
    if wanted == "auto":
        middle = chord(np.array([centre[0]]), np.array([centre[1]]))
        reach = np.linalg.norm(chord(longitude, latitude) - middle, axis=1).max()
        wanted = "chord" if reach > 3000 else "laea"
    return Metric(wanted, *centre, crs if wanted == "crs" else "")
