"""Conditional simulation on a grid: fields with the data's values at the data and the model's roughness elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from processors.geostat.kriging import Kriging
from processors.geostat.models import Floats

Fields: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Grid:
    """Nodes of a regular grid in the plane of the first two coordinates.

    Attributes:
        origin: Coordinates of the first node.
        step: Distance of nodes along each axis; negative where rows go south.
        shape: Number of nodes along the first axis (columns) and the second (rows).
        third: Third coordinate of all nodes, where data have one.
    """

    origin: tuple[float, float]
    step: tuple[float, float]
    shape: tuple[int, int]
    third: float | None = None

    def nodes(self) -> Floats:
        """Coordinates (rows * columns, 2 or 3), row by row."""
        east = self.origin[0] + self.step[0] * np.arange(self.shape[0])
        north = self.origin[1] + self.step[1] * np.arange(self.shape[1])
        plane = np.column_stack([np.tile(east, len(north)), np.repeat(north, len(east))])
        return plane if self.third is None else np.column_stack([plane, np.full(len(plane), self.third)])


def simulate(
    kriging: Kriging,
    grid: Grid,
    count: int,
    seed: int,
    *,
    inside: npt.NDArray[np.bool_] | None = None,
    drift: Floats | None = None,
    threads: int = 1,
) -> Fields:
    """Realisations (count, m) at the m nodes of the grid that are `inside` (rows * columns; None for all)."""
    raise NotImplementedError


def quantiles(fields: Fields, probabilities: Sequence[float]) -> Floats:
    """Quantiles at each node over realisations (probabilities, m)."""
    raise NotImplementedError


def exceedance(fields: Fields, threshold: float) -> Floats:
    """Share of realisations above a threshold at each node (m,)."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Risk:
    """What realisations say of a region: one number for each realisation, to be summarised.

    Attributes:
        mean: Mean over the region (count,).
        area: Area above each threshold (thresholds, count).
    """

    mean: Floats
    area: Floats


def regional(fields: Fields, areas: Floats, thresholds: Sequence[float] = ()) -> Risk:
    """Mean and area above thresholds over nodes, each of which stands for an area (m,); 0 where outside the region."""
    raise NotImplementedError
