"""Conditional simulation: fields with the data's values at the data and the model's roughness elsewhere.

A field without data is made that differs from its own kriging as the truth does from the map; the difference is added
to the map (Journel 1974; Chiles and Delfiner 2012, section 7.3): Zc = S + W (z - S_d - e), with the kriging weights W
computed once for all fields, S_d the field at the data, and e a draw of their errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.geostat.fields import Embedded, Fields, Grid, Spectral, embedding
from processors.geostat.kriging import Estimate, Kriging
from processors.geostat.models import Floats
from processors.geostat.neighbours import Integers

__all__ = ["Fields", "Grid", "Risk", "exceedance", "quantiles", "regional", "simulate"]
TILE = 4096
"""Targets that are conditioned at once."""


def simulate(
    kriging: Kriging,
    where: Grid | Floats,
    count: int,
    seed: int,
    *,
    inside: npt.NDArray[np.bool_] | None = None,
    drift: Floats | None = None,
    estimate: Estimate | None = None,
    double: bool = False,
    threads: int = 1,
) -> Fields:
    """Draw fields that honour the data as kriging does: exactly where they have no error.

    Fields contain micro-scale variance and no error of measurement; their mean is the kriged map and their variance its
    variance. Data less than a cell apart keep their own residuals in the fields they are conditioned on, which are
    independent: merge such data. The same seed gives the same bytes, whatever the number of threads.

    Args:
        kriging: Data, model and neighbourhood.
        where: A grid, or targets (m, d). A grid in two coordinates is embedded in a torus; targets, a grid in three
            coordinates or with a very long range are filled with sums of waves, which takes longer.
        count: Number of fields.
        seed: Of the random numbers.
        inside: The nodes of the grid that are wanted (rows * columns,); None for all.
        drift: Drift functions at the targets (m, p).
        estimate: `kriging.at` these targets with weights, if it was computed already.
        double: Whether fields are float64, not float32.
        threads: Threads to use.

    Returns:
        Fields (count, m) at the wanted nodes or targets; NaN where there is no estimate.

    Raises:
        Refusal: Blocks, a linear variogram, or an estimate of other targets or without weights.
    """
    if kriging.block is not None or kriging.data.model.intrinsic:
        raise Refusal(
            "blocks and linear variograms cannot be simulated", "model", "simulate points; use a bounded model"
        )
    targets = where.nodes() if isinstance(where, Grid) else np.ascontiguousarray(where, float)
    targets = targets if inside is None else targets[inside.ravel()]
    if estimate is None:
        estimate = kriging.at(targets, drift, weights=True, threads=threads)
    if estimate.weights is None or estimate.weights.shape[0] != len(targets):
        raise Refusal("an estimate of other targets or without weights", "estimate", "ask for weights at these targets")
    used = np.unique(estimate.weights.indices)
    fields = np.empty((count, len(targets)), np.float64 if double else np.float32)
    there = np.zeros((len(used), count))
    points = kriging.data.points[used]
    if kriging.data.model.structures:
        torus = embedding(kriging.data.model, where, points) if isinstance(where, Grid) else None
        if torus is not None:
            Embedded(torus, points, inside).fill(seed, fields, there, threads)
        else:
            Spectral(kriging.data.model, seed).fill(seed, (targets, fields), (points, there), threads)
    else:
        fields[:] = 0
    _condition(kriging, estimate, targets, used, seed, fields, there)
    return fields


def _condition(
    kriging: Kriging, estimate: Estimate, targets: Floats, used: Integers, seed: int, fields: Fields, there: Floats
) -> None:
    """Add the kriged misfit of each field to it, and what varies within the shortest distance."""
    from scipy.spatial import cKDTree

    data, nugget = kriging.data, kriging.data.model.nugget
    spread = np.sqrt(data.error[used] + nugget)
    for number in range(len(fields)):
        source = np.random.default_rng([seed, 2, number])
        there[:, number] += spread * source.standard_normal(len(used))
        if nugget:
            fields[number] += np.sqrt(nugget) * source.standard_normal(fields.shape[1])
    misfit = np.zeros((len(data.values), len(fields)))
    misfit[used] = data.values[used, None] - there
    assert estimate.weights is not None
    weights = estimate.weights
    for start in range(0, len(targets), TILE):
        tile = slice(start, start + TILE)
        fields[:, tile] += kriging.mean + (weights[tile] @ misfit).T
    apart, nearest = cKDTree(data.points).query(targets)
    exact = (apart == 0) & (data.error[nearest] == 0)
    fields[:, exact] = kriging.mean + data.values[nearest[exact]]
    fields[:, ~np.isfinite(estimate.value)] = np.nan


def quantiles(fields: Fields, probabilities: Sequence[float]) -> Floats:
    """Quantiles over the fields at each node (probabilities, m), interpolated as numpy does; NaN where a field is."""
    wanted = np.asarray(probabilities, float)
    if not ((wanted >= 0) & (wanted <= 1)).all():
        raise Refusal(f"probabilities {list(probabilities)}", "quantiles", "from 0 to 1")
    count, m = fields.shape
    position = wanted * (count - 1)
    below = np.floor(position).astype(np.int64)
    above, share = np.minimum(below + 1, count - 1), position - below
    found = np.empty((len(wanted), m))
    for start in range(0, m, TILE):
        ordered = np.sort(fields[:, start : start + TILE].T, axis=1)
        low, high = ordered[:, below].astype(float), ordered[:, above].astype(float)
        found[:, start : start + TILE] = (low + share * (high - low)).T
        found[:, start : start + TILE][:, np.isnan(ordered[:, -1])] = np.nan
    return found


def exceedance(fields: Fields, threshold: float) -> Floats:
    """Share of fields above a threshold at each node (m,); NaN where a field is."""
    return np.where(np.isnan(fields[0]), np.nan, np.count_nonzero(fields > threshold, axis=0) / len(fields))


@dataclass(frozen=True, slots=True)
class Risk:
    """What fields say of a region: one number for each field, of which quantiles are probabilities.

    Attributes:
        mean: Mean over the region (count,).
        area: Area above each threshold (thresholds, count).
        total: Area of the region where there is an estimate.
    """

    mean: Floats
    area: Floats
    total: float


def regional(fields: Fields, areas: Floats, thresholds: Sequence[float] = ()) -> Risk:
    """Mean, and area above thresholds, of a region in each field.

    Args:
        fields: Fields (count, m).
        areas: Area that each node stands for (m,), 0 outside the region; nodes without an estimate do not count.
        thresholds: Values.

    Raises:
        Refusal: No node of the region has an estimate.
    """
    shares = np.where(np.isnan(fields[0]), 0.0, areas)
    total = float(shares.sum())
    if not total > 0:
        raise Refusal("no node of the region has an estimate", "region", "choose a region that the map covers")
    inside = np.flatnonzero(shares)
    part, shares = fields[:, inside].astype(float), shares[inside]
    above = [np.sum((part > threshold) * shares, axis=1) for threshold in thresholds]
    return Risk(np.sum(part * shares, axis=1) / total, np.array(above).reshape(len(thresholds), len(fields)), total)
