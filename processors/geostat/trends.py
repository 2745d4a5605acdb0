"""Builds the columns of a trend: polynomials of place, time, seasons, and a raster such as depth of the sea floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from processors.errors import Refusal
from processors.geostat.landmask import raster_at
from processors.geostat.observations import Floats

YEAR_DAYS = 365.2425
SEASONAL_DAYS = 300.0
"""Observations must span this many days before a seasonal cycle is told from a trend."""
_TITLES = {
    "x": "eastwards", "y": "northwards", "x2": "eastwards squared", "xy": "eastwards times northwards",
    "y2": "northwards squared", "time": "linear in time", "annual": "annual and semi-annual cycle",
    "external": "external raster",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trend:
    """Which columns there are.

    Attributes:
        terms: Names of the terms; the constant is always there.
        raster: Raster of the term ``external``.
        where: What the raster is called.
    """

    terms: tuple[str, ...] = ()
    raster: Path | None = None
    where: str = ""

    @property
    def title(self) -> str:
        """In words."""
        return " + ".join(["constant", *(_TITLES[term] for term in self.terms)])

    @property
    def count(self) -> int:
        """How many columns, the constant included."""
        return 1 + len(self.terms) + 3 * ("annual" in self.terms)

    def columns(self, places: Floats, longitude: Floats, latitude: Floats, time: Floats | float) -> Floats | None:
        """Return the columns besides the constant, shape (n, p); None where there are none.

        Args:
            places: Coordinates, km.
            longitude: Degrees; for the raster.
            latitude: Degrees; for the raster.
            time: Days since 1970.
        """
        if not self.terms:
            return None
        days = np.broadcast_to(np.asarray(time, np.float64), len(places))
        x, y = places[:, 0], places[:, 1]
        made: list[Floats] = []
        for term in self.terms:
            if term == "annual":
                angle = 2 * np.pi * days / YEAR_DAYS
                made += [np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)]
            elif term == "external":
                made.append(self._external(longitude, latitude))
            else:
                made.append({"x": x, "y": y, "x2": x * x, "xy": x * y, "y2": y * y, "time": days}[term])
        return np.column_stack(made)

    def _external(self, longitude: Floats, latitude: Floats) -> Floats:
        if self.raster is None:
            raise Refusal("the term `external` needs a raster", "drift", "give it as input external_drift=FILE")
        return raster_at(self.raster, longitude, latitude, self.where)


def time_terms(time: Floats) -> Sequence[tuple[str, ...]]:
    """Return the trends in time that the data can tell apart from none."""
    known = time[np.isfinite(time)]
    if known.size < time.size or np.ptp(known) < 1.0:
        return [()]
    found: list[tuple[str, ...]] = [(), ("time",)]
    if np.ptp(known) > SEASONAL_DAYS:
        found += [("annual",), ("time", "annual")]
    return found
