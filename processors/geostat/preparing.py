"""Makes of a table of observations what an estimator takes: one level, merged repeats, a metric, a scale and groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.geostat.landmask import FAR_KM, on_land
from processors.geostat.lattice import Lattice
from processors.geostat.levels import Level, Sampled, at_level
from processors.geostat.metric import Metric, metric_of
from processors.geostat.observations import Floats, Observations
from processors.geostat.parameters import GeostatParameters, Validation
from processors.geostat.tracks import MERGE_KM, Merged, decluster, merge, vessel_days
from processors.geostat.transforms import Transform, transform_of

FEWEST, FEW = 10, 30
"""With fewer observations there is no map; with few, no model is fitted."""
OUTLYING = 5.0
_POLAR_PLANES = {3413, 3995, 6931, 6932, 3571, 3572, 3573, 3574, 3575, 3576, 32661, 3976, 3031}
_DISTORTED = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One level's observations, ready.

    Attributes:
        sampled: One value per profile at the level.
        merged: Without repeats.
        metric: How distances are measured; without time.
        transform: Scale of the estimator.
        values: Values on that scale, shape (n,).
        weights: Declustering weights, mean 1.
        groups: Group of each value for validation.
        grouping: What the groups are.
        notes: Findings for the report.
    """

    sampled: Sampled
    merged: Merged
    metric: Metric
    transform: Transform
    values: Floats
    weights: Floats
    groups: npt.NDArray[np.int64]
    grouping: str
    notes: tuple[str, ...]

    @property
    def table(self) -> Observations:
        """The observations."""
        return self.merged.table

    @property
    def is_constant(self) -> bool:
        """Whether all values are the same."""
        return bool(np.ptp(self.table.value) == 0)

    @property
    def mean(self) -> float:
        """Declustered mean on the estimator's scale."""
        return float(np.average(self.values, weights=self.weights))

    @property
    def variance(self) -> float:
        """Declustered variance on the estimator's scale."""
        return float(np.average((self.values - self.mean) ** 2, weights=self.weights))


def prepare(table: Observations, level: Level | None, lattice: Lattice, chosen: GeostatParameters) -> Case:
    """Make a case.

    Raises:
        Refusal: There are fewer than ten places, or no profile reaches the level.
    """
    sampled = at_level(table, level)
    row = sampled.table
    metric = _metric(chosen, row, lattice)
    places = metric.places(row.longitude, row.latitude)
    radius = min(MERGE_KM, lattice.cell_km / 2) if chosen.merge_km == "auto" else chosen.merge_km
    merged = merge(row, places, radius)
    if merged.table.size < FEWEST:
        said = f"{merged.table.size} observations{f' at {level.title}' if level else ''} are too few for a map"
        raise Refusal(
            said, "observations", f"{FEWEST} are needed: widen `time`, `bbox` or the depth", "GEOSTAT.TOO_FEW"
        )
    weights = _weights(merged.places, chosen.decluster_km)
    transform, why = transform_of(chosen.transform, merged.table.value, weights)
    groups, grouping = group(merged, chosen.cv, chosen.seed)
    notes = [sampled.told, f"Scale: {why}."]
    notes += [] if row.unit else ["No file says the unit of the values."]
    notes += _repeats(row, merged, radius) + _ashore(merged.table) + _beyond(merged.table, chosen) + list(row.notes)
    return Case(
        sampled, merged, metric, transform, transform.forward(merged.table.value), weights, groups, grouping,
        tuple(notes),
    )  # fmt: skip


def _metric(chosen: GeostatParameters, row: Observations, lattice: Lattice) -> Metric:
    if chosen.metric == "crs" and lattice.is_geographic:
        raise Refusal("the grid has degrees, which are no distance", "metric", "use laea or chord")
    metric = metric_of(chosen.metric, row.longitude, row.latitude, lattice.crs)
    if chosen.metric == "auto" and metric.kind == "laea" and _is_true(lattice, row):
        return replace(metric, kind="crs", crs=lattice.crs)
    return metric


def _is_true(lattice: Lattice, row: Observations) -> bool:
    """Tell whether lengths in the plane of a polar grid are within 3 % at all observations."""
    from pyproj import CRS, Proj

    crs = CRS.from_user_input(lattice.crs)
    if crs.to_epsg() not in _POLAR_PLANES:
        return False
    factors = Proj(crs).get_factors(row.longitude, row.latitude)
    lengths = np.concatenate([np.atleast_1d(factors.tissot_semimajor), np.atleast_1d(factors.tissot_semiminor)])
    return bool((np.abs(lengths - 1) <= _DISTORTED).all())


def _weights(places: Floats, side: Literal["auto"] | float) -> Floats:
    """Return declustering weights of observations; their mean is 1."""
    side = _side(places) if side == "auto" else side
    return decluster(places, side) if side > 0 else np.ones(len(places))


def _side(places: Floats) -> float:
    """Return the side of a cell that would hold one observation if they were spread evenly."""
    extent = np.maximum(np.ptp(places[:, :2], axis=0), 1e-6)
    return float(np.sqrt(np.prod(extent) / len(places)))


def group(merged: Merged, wanted: Validation, seed: int) -> tuple[npt.NDArray[np.int64], str]:
    """Return groups that validation leaves out together, and what they are.

    Groups of one platform and day leave out what a ship has measured nearby; where there are fewer than five, compact
    blocks of places are made by k-means.
    """
    size = merged.table.size
    if wanted in {"loo", "none"}:
        return np.arange(size), "single values"
    days = vessel_days(merged.table)
    timed = bool(np.isfinite(merged.table.time).all())
    if wanted == "vessel-day" or (wanted == "auto" and timed and np.unique(days).size >= 5):
        return days, "one ship on one day"
    from sklearn.cluster import KMeans

    count = max(2, min(10, size // 5))
    means = KMeans(count, n_init=4, random_state=seed).fit(merged.places)
    return means.labels_.astype(np.int64), f"{count} compact blocks of places"


def _repeats(row: Observations, merged: Merged, radius: float) -> list[str]:
    notes = []
    if merged.table.size < row.size:
        spread = f"; a single value deviates by {merged.spread**0.5:.3g} from the others of its place"
        notes.append(f"{row.size} values were merged into {merged.table.size}, within {radius:g} km and a day{spread}.")
    _, place = np.unique(np.column_stack([row.longitude, row.latitude]), axis=0, return_inverse=True)
    place = place.ravel()
    count = np.bincount(place)
    away = np.abs(row.value - (np.bincount(place, row.value) / count)[place])[count[place] > 1]
    which = np.flatnonzero(count[place] > 1)
    usual = float(np.std(row.value))
    for index in which[away > OUTLYING * usual][:5]:
        where = f"{row.latitude[index]:.3f}° N, {row.longitude[index]:.3f}° E"
        notes.append(
            f"{row.value[index]:g} of {row.platform[index]} at {where} lies far from others of the same place."
        )
    return notes


def _beyond(table: Observations, chosen: GeostatParameters) -> list[str]:
    """Name thresholds that no observation, or every one, is above: what is said of them rests on the model alone."""
    low, high = float(table.value.min()), float(table.value.max())
    past = [f"{one:g}" for one in chosen.thresholds if not low <= one < high]
    told = f"observations lie between {low:g} and {high:g}; its probabilities rest on the model's tails"
    return [f"Threshold {', '.join(past)}: {told}."] if past else []


def _ashore(table: Observations) -> list[str]:
    ashore = on_land(table.longitude, table.latitude, further_km=FAR_KM)
    if not ashore.any():
        return []
    first = int(np.argmax(ashore))
    place = f"{table.latitude[first]:.2f}° N, {table.longitude[first]:.2f}° E"
    return [f"{int(ashore.sum())} observations lie on land, more than {FAR_KM:g} km from water: first at {place}."]
