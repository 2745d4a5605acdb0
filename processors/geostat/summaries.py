"""The plain tools beside kriging: statistics per year and depth, coarse means, regular series, T-S correlation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.geostat.lattice import lattice_of
from processors.geostat.levels import Level, at_level
from processors.geostat.observations import Floats, Observations
from processors.geostat.parameters import GeostatParameters
from processors.geostat.periods import instant_of
from processors.protocol import JSON

DEPTH_EDGES_M = (0, 10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 1500, 2000, 3000, 4000, 5000, 12_000)
"""Edges of the depths that statistics are told for, near the standard depths of oceanography."""
MOST_STEPS = 100_000


def statistics(table: Observations) -> list[dict[str, JSON]]:
    """Return count, mean, spread and extremes of all values, of each year, and of each class of depth."""
    rows = [_row("all", "", table.value)]
    years = _years(table.time)
    rows += [_row("year", str(year), table.value[years == year]) for year in np.unique(years[years > 0])]
    known = np.isfinite(table.depth)
    number = np.digitize(np.where(known, table.depth, -1.0), DEPTH_EDGES_M)
    for one in np.unique(number[known & (number > 0) & (number < len(DEPTH_EDGES_M))]):
        span = f"[{DEPTH_EDGES_M[one - 1]}, {DEPTH_EDGES_M[one]}) m"
        rows.append(_row("depth", span, table.value[known & (number == one)]))
    return rows


def _years(time: Floats) -> npt.NDArray[np.int64]:
    """Return the calendar year of each time; 0 where unknown."""
    known = np.isfinite(time)
    days = np.where(known, np.floor(time), 0).astype(np.int64).astype("datetime64[D]")
    return np.where(known, days.astype("datetime64[Y]").astype(np.int64) + 1970, 0)


def _row(kind: str, group: str, values: Floats) -> dict[str, JSON]:
    return {
        "by": kind, "group": group, "count": int(values.size), "mean": float(values.mean()),
        "std": float(values.std()), "least": float(values.min()), "median": float(np.median(values)),
        "most": float(values.max()),
    }  # fmt: skip


def block_means(table: Observations, side_km: float) -> list[dict[str, JSON]]:
    """Return the mean of the values in each cell of a coarse equal-area or covering grid; empty cells are left out."""
    from pyproj import Transformer

    code = lattice_of("auto", table.longitude, table.latitude).crs
    lattice = lattice_of(f"{code}/{side_km:.10f}km", table.longitude, table.latitude)
    x, y = Transformer.from_crs("EPSG:4326", lattice.crs, always_xy=True).transform(table.longitude, table.latitude)
    column = np.floor((np.asarray(x) - lattice.west) / lattice.step[0]).astype(np.int64)
    row = np.floor((lattice.north - np.asarray(y)) / lattice.step[1]).astype(np.int64)
    row, column = np.clip(row, 0, lattice.shape[0] - 1), np.clip(column, 0, lattice.shape[1] - 1)
    longitude, latitude = lattice.places()
    cell = row * lattice.shape[1] + column
    return [
        {"longitude": float(longitude[one]), "latitude": float(latitude[one])} | _few(table.value[cell == one])
        for one in np.unique(cell)
    ]


def _few(values: Floats) -> dict[str, JSON]:
    return {"count": int(values.size), "mean": float(values.mean()), "std": float(values.std())}


def regular_times(table: Observations, days: float) -> list[dict[str, JSON]]:
    """Return the mean of the values in each step of so many days, counted from 1970-01-01.

    Raises:
        Refusal: Values have no time.
    """
    known = np.isfinite(table.time)
    if not known.any():
        raise Refusal("the observations have no time", "regular_days", "leave it out")
    step = np.floor(table.time[known] / days).astype(np.int64)
    values = table.value[known]
    return [
        {"start": f"{instant_of(one * days):%Y-%m-%dT%H:%M:%SZ}"} | _few(values[step == one]) for one in np.unique(step)
    ]


def regular_depths(table: Observations, step: float) -> list[dict[str, JSON]]:
    """Return profiles interpolated to regular depths: a value where two good levels bracket the depth.

    Raises:
        Refusal: Values have no depth, or there would be too many depths.
    """
    if not np.isfinite(table.depth).any():
        raise Refusal("the observations have no depth", "regular_m", "leave it out")
    deepest = float(np.nanmax(table.depth))
    if deepest / step > MOST_STEPS:
        raise Refusal(f"there would be {deepest / step:.0f} depths", "regular_m", "use a longer step")
    return [row for number in range(int(deepest / step) + 1) for row in _at(table, number * step)]


def _at(table: Observations, depth: float) -> Iterator[dict[str, JSON]]:
    try:
        found = at_level(table, Level(depth, depth)).table
    except Refusal:
        return
    for row in range(found.size):
        yield {
            "platform": str(found.platform[row]), "profile": int(found.profile[row]),
            "longitude": float(found.longitude[row]), "latitude": float(found.latitude[row]), "depth": depth,
            "value": float(found.value[row]),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """How two variables of the same samples go together.

    Attributes:
        first: Values of the first.
        second: Values of the second.
        correlation: Pearson's coefficient.
        classes: Class of each sample, from 0; empty where none were asked for.
        centres: Mean of both variables in each class, shape (classes, 2), the coldest first.
        longitude: Of the samples.
        latitude: Of the samples.
        depth: Of the samples.
    """

    first: Floats
    second: Floats
    correlation: float
    classes: npt.NDArray[np.int64]
    centres: Floats
    longitude: Floats
    latitude: Floats
    depth: Floats

    def to_dict(self) -> dict[str, JSON]:
        """Return coefficient and classes as JSON."""
        count = np.bincount(self.classes, minlength=len(self.centres)).tolist() if len(self.centres) else []
        return {
            "samples": int(self.first.size),
            "correlation": self.correlation,
            "classes": [
                {"class": number + 1, "mean_first": float(one[0]), "mean_second": float(one[1]), "samples": many}
                for number, (one, many) in enumerate(zip(self.centres, count, strict=True))
            ],
        }

    def rows(self) -> list[dict[str, JSON]]:
        """Return one row per sample with its class."""
        return [
            {
                "longitude": float(self.longitude[row]), "latitude": float(self.latitude[row]),
                "depth": float(self.depth[row]), "first": float(self.first[row]), "second": float(self.second[row]),
                "class": int(self.classes[row]) + 1,
            }
            for row in range(self.classes.size)
        ]  # fmt: skip


def relation_of(table: Observations, chosen: GeostatParameters) -> Relation | None:
    """Correlate two variables, and sort their samples into water masses where asked for; None without a second.

    Classes are those of a mixture of normal distributions of both variables, scaled to unit variance (scikit-learn's
    GaussianMixture), in order of the first variable's mean.

    Raises:
        Refusal: Fewer than ten samples per class have both variables.
    """
    if table.second is None:
        return None
    both = table.take(np.isfinite(table.second))
    least = 10 * max(1, chosen.water_masses)
    if both.size < least or both.second is None:
        raise Refusal(f"{both.size} samples have both variables", "second", f"{least} are needed")
    steady = np.ptp(both.value) == 0 or np.ptp(both.second) == 0
    correlation = float("nan") if steady else float(np.corrcoef(both.value, both.second)[0, 1])
    classes, centres = np.zeros(0, np.int64), np.zeros((0, 2))
    if chosen.water_masses:
        classes, centres = _classes(np.column_stack([both.value, both.second]), chosen)
    return Relation(
        both.value, both.second, correlation, classes, centres, both.longitude, both.latitude, both.depth
    )  # fmt: skip


def _classes(samples: Floats, chosen: GeostatParameters) -> tuple[npt.NDArray[np.int64], Floats]:
    from sklearn.mixture import GaussianMixture

    spread = np.where(samples.std(axis=0) > 0, samples.std(axis=0), 1.0)
    scaled = (samples - samples.mean(axis=0)) / spread
    mixture = GaussianMixture(chosen.water_masses, n_init=3, random_state=chosen.seed, reg_covar=1e-4)
    found = mixture.fit_predict(scaled)
    order = np.argsort(mixture.means_[:, 0], kind="stable")
    centres = mixture.means_[order] * spread + samples.mean(axis=0)
    return np.argsort(order)[found].astype(np.int64), np.asarray(centres, np.float64)
