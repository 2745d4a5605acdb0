"""Looks for a direction in which values stay alike for longer, in the variogram map of what the trend leaves."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

from processors.geostat.drift import residuals
from processors.geostat.estimating import Recipe
from processors.geostat.models import Structure
from processors.geostat.observations import Floats
from processors.geostat.parameters import Anisotropy
from processors.geostat.variogram import VariogramMap, variogram_map

LEAST = 100
"""Fewer observations do not tell a direction from chance."""
CELLS = 8
ANGLES = np.arange(0.0, 180.0, 15.0)
RATIOS = (0.8, 0.65, 0.5, 0.35, 0.25)
LENGTHS = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8)
"""Longest range over the range that was fitted without direction."""
BETTER = 0.85
"""Share of the squares that an ellipse must leave at most for it to be tried."""


def ellipse_of(recipe: Recipe) -> Anisotropy | None:
    """Return the ellipse that the variogram map shows; None where there is none, or time is part of distances.

    Each cell of the map weighs as its pairs. For every direction and ratio the model's form, stretched, is fitted to
    the map by least squares in its nugget and sill; ranges may grow or shrink.
    """
    if recipe.metric.speed or recipe.points.shape[1] != 2 or len(recipe.points) < LEAST or not recipe.model.structures:
        return None
    left = residuals(recipe.values, recipe.columns)
    reach = float(np.linalg.norm(np.ptp(recipe.points, axis=0))) / 4
    found = variogram_map(recipe.points, left, reach / CELLS, reach)
    east, north = np.meshgrid(found.east, found.north)
    known = (found.pairs > 0) & np.isfinite(found.gamma) & (np.hypot(east, north) <= reach)
    offsets = np.column_stack([east[known], north[known]])
    plain = min(_misfit(recipe, found, known, offsets, 0.0, 1.0, length) for length in LENGTHS)
    tried = [
        (_misfit(recipe, found, known, offsets, float(angle), ratio, length), float(angle), ratio)
        for angle, ratio, length in product(ANGLES, RATIOS, LENGTHS)
    ]
    least, angle, ratio = min(tried)
    return Anisotropy(angle=angle, ratio=ratio) if least < BETTER * plain else None


def _misfit(
    recipe: Recipe,
    found: VariogramMap,
    known: npt.NDArray[np.bool_],
    offsets: Floats,
    angle: float,
    ratio: float,
    length: float,
) -> float:
    """Return the weighted squares that a stretched model leaves of the map."""
    circle = Structure("exponential", 1.0, 1.0, angle=angle, ratio=ratio).stretch(offsets)
    expected = recipe.model.variogram(np.linalg.norm(circle, axis=1) / length)
    gamma, root = found.gamma[known], np.sqrt(found.pairs[known].astype(np.float64))
    columns = np.column_stack([root, root * expected])
    solved, _, _, _ = np.linalg.lstsq(columns, root * gamma, rcond=None)
    return float(np.sum((root * gamma - columns @ solved) ** 2))
