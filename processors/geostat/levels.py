"""Brings profiles to a depth: interpolated between the levels that bracket it, or averaged over a bench."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.geostat.observations import Floats, Observations

SHALLOW_M = 5.0
"""A first level this far below the depth asked for still stands for it; nothing is extrapolated beyond."""
GAP_M, GAP_SHARE = 5.0, 0.2
"""Levels that bracket a depth may be this far apart: metres, or share of the depth, whichever is more."""


@dataclass(frozen=True, slots=True)
class Level:
    """A depth, or a bench of depths.

    Attributes:
        top: Upper edge, m; the depth itself where both are equal.
        bottom: Lower edge, m, which is not part of the bench.
    """

    top: float
    bottom: float

    @property
    def is_bench(self) -> bool:
        """Whether it has a thickness."""
        return self.bottom > self.top

    @property
    def title(self) -> str:
        """As people write it: ``25 m`` or ``bench [15, 25) m``."""
        return f"bench [{self.top:g}, {self.bottom:g}) m" if self.is_bench else f"{self.top:g} m"


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """One value per profile.

    Attributes:
        table: The values; their depth is the one they stand for.
        level: What was asked for; None where values are taken as they are.
        depth: Mean depth the values stand for, m; NaN where unknown.
        told: What was done, for the report.
        without: How many profiles have no value there.
    """

    table: Observations
    level: Level | None
    depth: float
    told: str
    without: int = 0


def level_of(depth: float | None, bench: tuple[float, float] | None) -> Level | None:
    """Return the level that parameters ask for; None where they ask for none."""
    if bench is not None:
        return Level(*bench)
    return None if depth is None else Level(depth, depth)


def at_level(table: Observations, level: Level | None) -> Sampled:
    """Return one value per profile at a depth or of a bench; the label is never shifted.

    A depth is interpolated linearly between the two levels that bracket it, where they are no further apart than 5 m
    or a fifth of the depth. A bench is the mean of its levels, each weighted with the thickness it stands for.

    Raises:
        Refusal: No profile reaches the depth, or values of several depths are given and none is asked for.
    """
    if level is None:
        return _as_they_are(table)
    if not np.isfinite(table.depth).any():
        raise Refusal("its values have no depth", "depth", "leave `depth` and `bench` out")
    table = table.take(np.isfinite(table.depth), "depth is missing")
    profiles = _Profiles.of(table)
    found = _bench(profiles, level) if level.is_bench else _interpolated(profiles, level.top)
    known = np.flatnonzero(np.isfinite(found.value))
    if not known.size:
        reach = f"{table.depth.min():g} to {table.depth.max():g} m"
        said = f"no profile has a value at {level.title}"
        raise Refusal(said, "depth", f"their levels go from {reach}", "GEOSTAT.NO_LEVEL")
    sampled = profiles.rows(known, found)
    depth = float(np.mean(found.depth[known]))
    told = _told(level, depth, known.size)
    return Sampled(sampled, level, depth, told, profiles.count - known.size)


def _told(level: Level, depth: float, count: int) -> str:
    if level.is_bench:
        return (
            f"Mean of the levels in {level.title}, each weighted with its thickness: "
            f"the values of {count} profiles stand for a mean depth of {depth:.1f} m."
        )
    return f"Interpolated linearly between the levels above and below {level.title} in {count} profiles."


def _as_they_are(table: Observations) -> Sampled:
    depths = table.depth[np.isfinite(table.depth)]
    profiles = np.unique(table.profile).size
    if depths.size and np.unique(depths).size > 1 and profiles < table.size:
        reach = f"from {depths.min():g} to {depths.max():g} m"
        raise Refusal(
            f"has values of many depths, {reach}",
            "depth",
            "say which: depth=25, or bench=[20,30]",
            "GEOSTAT.MANY_LEVELS",
        )
    depth = float(depths.mean()) if depths.size else float("nan")
    return Sampled(table, None, depth, f"All {table.size} values as they are.")


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Per profile: value, second value and the depth they stand for; NaN where there is none."""

    value: Floats
    second: Floats | None
    depth: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Profiles:
    """A table ordered by profile and depth.

    Attributes:
        table: The ordered table; no profile has two values at one depth.
        first: Row at which each profile begins, and one more for the end.
    """

    table: Observations
    first: npt.NDArray[np.int64]

    @classmethod
    def of(cls, table: Observations) -> _Profiles:
        """Order a table; values of one profile at one depth are averaged."""
        order = np.lexsort((table.depth, table.profile))
        ordered = _one_per_depth(table.take(order))
        changes = np.flatnonzero(np.diff(ordered.profile)) + 1
        return cls(ordered, np.concatenate([[0], changes, [ordered.size]]).astype(np.int64))

    @property
    def count(self) -> int:
        """How many profiles there are."""
        return int(self.first.size - 1)

    def rows(self, which: npt.NDArray[np.int64], found: _Found) -> Observations:
        """Return a table of one row per profile, with the place and the mean time of its values."""
        first = self.first[which]
        counts = np.diff(self.first)
        time = np.add.reduceat(self.table.time, self.first[:-1]) / counts
        columns: dict[str, Any] = {"value": found.value[which], "depth": found.depth[which], "time": time[which]}
        second = None if found.second is None else found.second[which]
        return replace(self.table.take(first), **columns, second=second)


def _one_per_depth(table: Observations) -> Observations:
    """Average values of one profile at one depth."""
    new = np.append(True, (np.diff(table.profile) != 0) | (np.diff(table.depth) != 0))
    if new.all():
        return table
    first = np.flatnonzero(new)
    counts = np.diff(np.append(first, table.size))
    value: Any = np.add.reduceat(table.value, first) / counts
    second = None if table.second is None else np.add.reduceat(table.second, first) / counts
    note = f"{table.size - first.size} values were averaged with others of the same profile and depth"
    return replace(table.take(first), value=value, second=second, notes=(*table.notes, note))


def _interpolated(profiles: _Profiles, depth: float) -> _Found:
    table, first = profiles.table, profiles.first
    number = np.repeat(np.arange(profiles.count), np.diff(first))
    below = first[:-1] + np.bincount(number, table.depth < depth, profiles.count).astype(np.int64)
    reaches = below < first[1:]
    lower = np.minimum(below, table.size - 1)
    exact = reaches & (table.depth[lower] == depth)
    shallow = reaches & (below == first[:-1]) & (table.depth[lower] - depth <= SHALLOW_M)
    upper = np.maximum(lower - 1, 0)
    gap = table.depth[lower] - table.depth[upper]
    between = reaches & (below > first[:-1]) & (gap <= max(GAP_M, GAP_SHARE * depth))
    share = np.where(between, (depth - table.depth[upper]) / np.where(gap > 0, gap, 1.0), 1.0)
    share[exact | shallow] = 1.0
    known = exact | shallow | between

    def at(values: Floats) -> Floats:
        """Interpolate values of the levels, shape (n,), to the depth, shape (profiles,)."""
        mixed = np.where(share == 1.0, values[lower], values[upper] + share * (values[lower] - values[upper]))
        return np.where(known, mixed, np.nan)

    second = None if table.second is None else at(table.second)
    return _Found(at(table.value), second, np.where(known, depth, np.nan))


def _bench(profiles: _Profiles, level: Level) -> _Found:
    table, count = profiles.table, profiles.count
    inside = (table.depth >= level.top) & (table.depth < level.bottom)
    number = np.repeat(np.arange(count), np.diff(profiles.first))
    weight = np.where(inside, _thickness(profiles, level), 0.0)

    def mean(values: Floats) -> Floats:
        """Weigh the values of each profile by the thickness that they stand for."""
        known = np.isfinite(values)
        part = np.where(known, weight, 0.0)
        total = np.bincount(number, part, count)
        with np.errstate(invalid="ignore", divide="ignore"):
            averaged: Floats = np.bincount(number, part * np.where(known, values, 0.0), count) / total
        return averaged

    return _Found(mean(table.value), None if table.second is None else mean(table.second), mean(table.depth))


def _thickness(profiles: _Profiles, level: Level) -> Floats:
    """Return for each level half the way to its neighbours on both sides, m; at the ends, the one side twice."""
    depth = profiles.table.depth
    step = np.diff(depth, prepend=np.nan, append=np.nan)
    above, under = step[:-1].copy(), step[1:].copy()
    above[profiles.first[:-1]] = np.nan
    under[profiles.first[1:] - 1] = np.nan
    above, under = np.where(np.isnan(above), under, above), np.where(np.isnan(under), above, under)
    thickness = np.where(np.isnan(above), 1.0, (above + under) / 2)
    most: Floats = np.minimum(thickness, level.bottom - level.top)
    return most
