"""Experimental variograms: how the values of two data differ with their distance, on average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from processors.geostat.models import Floats
from processors.geostat.neighbours import Integers

Estimator: TypeAlias = Literal["matheron", "cressie", "dowd", "genton"]


@dataclass(frozen=True, slots=True)
class Direction:
    """A direction of pairs in the plane of the first two coordinates.

    Attributes:
        azimuth: Degrees clockwise from the second axis (north).
        tolerance: Largest angle to either side of it, degrees.
    """

    azimuth: float
    tolerance: float = 22.5


@dataclass(frozen=True, slots=True)
class Experimental:
    """An experimental variogram; classes without pairs are left out.

    Attributes:
        lags: Mean distance of the pairs of each class.
        pairs: Number of pairs.
        gamma: Semivariance.
        estimator: How it was estimated.
        direction: Of the pairs; None for all.
    """

    lags: Floats
    pairs: Integers
    gamma: Floats
    estimator: Estimator = "matheron"
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class VariogramMap:
    """Semivariance by distance east and north; symmetric about the centre.

    Attributes:
        east: Centres of the cells (w,).
        north: Centres of the cells (h,).
        gamma: Semivariance (h, w); NaN without pairs.
        pairs: Number of pairs (h, w), each pair once in either of two opposite cells.
    """

    east: Floats
    north: Floats
    gamma: Floats
    pairs: Integers


def classes(points: Floats, count: int = 15, reach: float | None = None) -> Floats:
    """Edges of `count` classes of equal width from 0 to `reach`; None for a third of the diagonal (as gstat)."""
    raise NotImplementedError


def experimental(
    points: Floats,
    values: Floats,
    edges: Floats,
    *,
    estimator: Estimator = "matheron",
    direction: Direction | None = None,
    most_pairs: int = 2_000_000,
    seed: int = 0,
) -> Experimental:
    """Variogram of `values` at `points` by classes (edges[i], edges[i + 1]] of distance.

    Matheron's estimator without a direction uses every pair; the others use every pair up to `most_pairs`, beyond which
    they use a sample of them, the same for the same seed.
    """
    raise NotImplementedError


def cross(points: Floats, one: Floats, other: Floats, edges: Floats) -> Experimental:
    """Cross-variogram of two variables known at the same points."""
    raise NotImplementedError


def variogram_map(points: Floats, values: Floats, cell: float, reach: float) -> VariogramMap:
    """Variogram by direction and distance from counts on a grid by FFT (Marcotte 1996)."""
    raise NotImplementedError
