"""Experimental variograms: how the values of two data differ with their distance, on average."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.geostat.models import Floats
from processors.geostat.neighbours import Integers

Estimator: TypeAlias = Literal["matheron", "cressie", "dowd", "genton"]
EXACT = 4000
"""Most data of which every pair is formed: 8 million pairs."""


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
    if reach is None:
        reach = float(np.linalg.norm(np.ptp(points, axis=0))) / 3
    if not reach > 0:
        raise Refusal("all data are at one place", "points", "a variogram needs distances")
    return np.linspace(0.0, reach, count + 1)


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

    Pairs at one place belong to the first class if that begins at 0. Matheron's estimator without a direction uses
    every pair, for more than 4,000 data by sums over a tree, where the mean distances of classes are near, not exact.
    Everything else uses every pair up to 4,000 data, and beyond that a sample of at most `most_pairs`, as many in each
    class, the same for the same seed.

    Raises:
        Refusal: Edges that do not rise, or an estimator that does not exist.
    """
    points, values, edges = _checked(points, values, edges)
    if estimator not in ESTIMATORS:
        raise Refusal(f"unknown estimator {estimator!r}", "estimator", f"one of {', '.join(ESTIMATORS)}")
    if len(points) > EXACT and estimator == "matheron" and direction is None:
        return _by_tree(points, values, edges)
    found = _pairs(points, edges, direction, most_pairs if len(points) > EXACT else None, seed)
    differences = np.abs(values[found.one] - values[found.other])
    cuts = np.cumsum(np.bincount(found.number, minlength=len(edges) - 1))[:-1]
    parts = np.split(differences, cuts)
    lags = np.array([part.mean() for part in np.split(found.distance, cuts) if len(part)])
    gamma = np.array([ESTIMATORS[estimator](part) for part in parts if len(part)])
    count = np.array([len(part) for part in parts if len(part)], np.int64)
    return Experimental(lags, count, gamma, estimator, direction)


def cross(points: Floats, one: Floats, other: Floats, edges: Floats) -> Experimental:
    """Cross-variogram of two variables known at the same points: half the mean product of their differences."""
    points, one, edges = _checked(points, one, edges)
    other = np.asarray(other, float)
    found = _pairs(points, edges, None, 2_000_000 if len(points) > EXACT else None, 0)
    product = (one[found.one] - one[found.other]) * (other[found.one] - other[found.other])
    count = np.bincount(found.number, minlength=len(edges) - 1)
    there = count > 0
    sums = [np.bincount(found.number, part, len(edges) - 1)[there] for part in (found.distance, product / 2)]
    return Experimental(sums[0] / count[there], count[there], sums[1] / count[there])


def cloud(points: Floats, values: Floats, reach: float) -> tuple[Floats, Floats, Integers, Integers]:
    """Every pair up to a distance: distances, half squared differences, and the numbers of the two data.

    Raises:
        Refusal: More than 4,000 data.
    """
    if len(points) > EXACT:
        raise Refusal(f"a cloud of {len(points)} data", "points", f"at most {EXACT}")
    points, values, edges = _checked(points, values, np.array([0.0, reach]))
    found = _pairs(points, edges, None, None, 0)
    return found.distance, (values[found.one] - values[found.other]) ** 2 / 2, found.one, found.other


def variogram_map(points: Floats, values: Floats, cell: float, reach: float) -> VariogramMap:
    """Variogram by direction and distance, from sums over cells by FFT (Marcotte 1996, Computers & Geosciences 22).

    Data are moved to the centres of square cells, so distances are wrong by up to a cell. Only the first two
    coordinates count.

    Raises:
        Refusal: More than 50 million cells.
    """
    from scipy.fft import irfft2, next_fast_len, rfft2

    points, values, _ = _checked(points, values, np.array([0.0, reach]))
    values = values - values.mean()
    steps = int(np.ceil(reach / cell))
    place = np.floor((points[:, :2] - points[:, :2].min(axis=0)) / cell).astype(np.int64)
    size = tuple(next_fast_len(int(longest) + 1 + steps, real=True) for longest in place.max(axis=0))[::-1]
    if size[0] * size[1] > 50_000_000:
        raise Refusal(f"a variogram map of {size[1]} by {size[0]} cells", "cell", "use larger cells")
    flat = place[:, 1] * size[1] + place[:, 0]
    images = [
        rfft2(np.bincount(flat, weights, size[0] * size[1]).reshape(size))
        for weights in (np.ones(len(values)), values, values**2)
    ]
    window = np.ix_(np.arange(-steps, steps + 1), np.arange(-steps, steps + 1))
    counts, products, squares = (
        irfft2(np.conj(images[a]) * images[b], s=size)[window] for a, b in ((0, 0), (1, 1), (0, 2))
    )
    pairs = np.rint(counts).astype(np.int64)
    pairs[steps, steps] -= len(values)  # every datum with itself
    sums = (squares + squares[::-1, ::-1]) / 2 - products
    pairs[steps, steps] //= 2
    sums[steps, steps] /= 2
    gamma = np.where(pairs > 0, np.maximum(sums, 0) / np.maximum(pairs, 1), np.nan)
    axis = cell * np.arange(-steps, steps + 1.0)
    return VariogramMap(axis, axis, gamma, pairs)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Pairs sorted by class: indices, distances, class numbers."""

    one: Integers
    other: Integers
    distance: Floats
    number: Integers


def _checked(points: Floats, values: Floats, edges: Floats) -> tuple[Floats, Floats, Floats]:
    points, values = np.ascontiguousarray(points, float), np.ascontiguousarray(values, float)
    edges = np.asarray(edges, float)
    if len(points) != len(values) or not (np.isfinite(points).all() and np.isfinite(values).all()):
        raise Refusal("points and values that do not match or are not finite", "values", "leave them out")
    if len(points) < 2:
        raise Refusal(f"{len(points)} data", "points", "a variogram needs pairs")
    if len(edges) < 2 or edges[0] < 0 or not (np.diff(edges) > 0).all():
        raise Refusal("edges of classes do not rise from 0 or more", "edges")
    return points, values, edges


def _pairs(points: Floats, edges: Floats, direction: Direction | None, most: int | None, seed: int) -> _Pairs:
    """Pairs of each class; with `most`, in a random order of data until each class has its share."""
    from scipy.spatial import cKDTree

    order = np.arange(len(points)) if most is None else np.random.default_rng(seed).permutation(len(points))
    tree = cKDTree(points[order])
    share = np.iinfo(np.int64).max if most is None else most // (len(edges) - 1)
    room = np.full(len(edges) - 1, share, np.int64)
    kept: list[_Pairs] = []
    for start in range(0, len(points), 256):
        wanted = np.flatnonzero(room)
        if not len(wanted):
            break
        block, reach = cKDTree(tree.data[start : start + 256]), edges[wanted[-1] + 1]
        near = block.sparse_distance_matrix(tree, reach, output_type="ndarray")
        one, other = order[near["i"] + start], order[near["j"]]
        number = np.searchsorted(edges, near["v"], side="left") - 1
        number[(near["v"] == 0) & (edges[0] == 0)] = 0
        good = (near["i"] + start < near["j"]) & (number >= 0) & _along(points, one, other, direction)
        found = _sorted(_Pairs(one[good], other[good], near["v"][good], number[good]), room)
        room -= np.bincount(found.number, minlength=len(room))
        kept.append(found)
    fields = ("one", "other", "distance", "number")
    return _sorted(_Pairs(*(np.concatenate([getattr(part, name) for part in kept]) for name in fields)), None)


def _sorted(pairs: _Pairs, room: Integers | None) -> _Pairs:
    """Pairs by class, the first ones of each as far as there is room."""
    order = np.argsort(pairs.number, kind="stable")
    if room is not None:
        number = pairs.number[order]
        rank = np.arange(len(number)) - np.searchsorted(number, number, side="left")
        order = order[rank < room[number]]
    return _Pairs(pairs.one[order], pairs.other[order], pairs.distance[order], pairs.number[order])


def _along(points: Floats, one: Integers, other: Integers, direction: Direction | None) -> npt.NDArray[np.bool_]:
    """Whether each pair lies along the direction; pairs at one place lie along all."""
    if direction is None:
        return np.full(len(one), fill_value=True)
    east, north = (points[other] - points[one])[:, :2].T
    turn = np.deg2rad(direction.azimuth)
    cosine = np.abs(east * np.sin(turn) + north * np.cos(turn))
    length = np.hypot(east, north)
    angle = np.arccos(np.minimum(cosine / np.where(length > 0, length, 1.0), 1.0))
    return np.asarray((angle <= np.deg2rad(direction.tolerance) + 1e-12) | (length == 0))


def _by_tree(points: Floats, values: Floats, edges: Floats) -> Experimental:
    """Matheron's estimator from sums of products over pairs of a tree: sum (a - b)^2 = 2 sum a^2 - 2 sum a b."""
    from scipy.spatial import cKDTree

    tree, centred = cKDTree(points), values - values.mean()
    ones = np.ones(len(points))
    inner = np.concatenate([np.linspace(a, b, 4, endpoint=False) for a, b in pairwise(edges)] + [edges[-1:]])
    products = tree.count_neighbors(tree, edges, weights=(centred, centred))
    squares = tree.count_neighbors(tree, edges, weights=(centred**2, ones))
    fine = tree.count_neighbors(tree, inner)
    if edges[0] == 0:  # pairs at one place belong to the first class, a datum with itself to none
        products[0], squares[0], fine[0] = 0.0, 0.0, len(points)
    products, squares, fine = np.diff(products), np.diff(squares), np.diff(fine)
    counts = fine.reshape(-1, 4).sum(axis=1) // 2
    middles = (inner[1:] + inner[:-1]) / 2
    there = counts > 0
    lags = (fine * middles).reshape(-1, 4).sum(axis=1)[there] / (2 * counts[there])
    return Experimental(lags, counts[there], (squares - products)[there] / (2 * counts[there]))


def _matheron(differences: Floats) -> float:
    return float(np.mean(differences**2)) / 2


def _cressie(differences: Floats) -> float:
    """Cressie and Hawkins (1980), Mathematical Geology 12."""
    return float(np.mean(np.sqrt(differences)) ** 4 / (0.457 + 0.494 / len(differences))) / 2


def _dowd(differences: Floats) -> float:
    """Dowd (1984): half of 2.198 times the squared median."""
    return float(2.198 * np.median(differences) ** 2) / 2


def _genton(differences: Floats) -> float:
    """Genton (1998), Mathematical Geology 30: by the scale Qn of Rousseeuw and Croux (1993)."""
    return float((2.2191 * kth_difference(differences)) ** 2) / 2


def kth_difference(values: Floats) -> float:
    """The k-th smallest distance of two of n values, k = h (h - 1) / 2, h = n // 2 + 1; 0 for one value.

    By bisection over the distance: in sorted values the pairs nearer than it are counted in n log n.
    """
    ordered, half = np.sort(values), len(values) // 2 + 1
    rank = half * (half - 1) // 2
    own = len(values) * (len(values) + 1) // 2
    low, high = -1.0, float(ordered[-1] - ordered[0])
    if len(values) < 2:
        return 0.0
    while True:
        middle = (low + high) / 2
        if middle in {low, high}:
            return high
        within = int(np.searchsorted(ordered, ordered + middle, side="right").sum()) - own
        low, high = (low, middle) if within >= rank else (middle, high)


ESTIMATORS: Mapping[Estimator, Callable[[Floats], float]] = {
    "matheron": _matheron,
    "cressie": _cressie,
    "dowd": _dowd,
    "genton": _genton,
}
