"""Brings pixels or cells of a scene onto a map, by strips of rows: the nearest one, or between four."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from processors.sampling import Target
from processors.seaice.geolocation import Geolocation
from processors.seaice.kernels import resample
from processors.seaice.markup import Floats

NODE_METRES = 1600.0
"""Usual distance between cells of the map whose line and sample are computed; between them they are bilinear."""
MOST_CELLS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """Where the cells of a map lie in a scene; it can be sent to other processes.

    Nodes lie at multiples of `step` cells of the reference system, wherever a map begins: a part of a map is the same
    as that part of the whole.

    Attributes:
        target: The map.
        step: Cells from node to node.
        before: Rows and columns of cells from the first node to the first cell.
        line: Lines of the nodes, shape (n, m); NaN outside the scene.
        sample: Samples of the nodes.
    """

    target: Target
    step: int
    before: tuple[int, int]
    line: Floats
    sample: Floats

    @classmethod
    def onto(cls, geolocation: Geolocation, target: Target) -> Warp:
        """Find the nodes of a map in a scene; both must have the same reference system."""
        step = max(2, min(MOST_CELLS, int(NODE_METRES // target.resolution)))
        before = round(-target.north / target.resolution) % step, round(target.west / target.resolution) % step
        rows, columns = (
            np.arange(-(-(more + length) // step) + 1) * step - more
            for more, length in zip(before, target.shape, strict=True)
        )
        x = target.west + (columns + 0.5) * target.resolution
        y = target.north - (rows + 0.5) * target.resolution
        return cls(target, step, before, *geolocation.inverse(x[None, :], y[:, None]))

    def take(
        self,
        source: npt.NDArray[Any],
        rows: slice,
        how: Literal["nearest", "bilinear"] = "nearest",
        fill: float = np.nan,
        cell: int = 1,
        top: int = 0,
    ) -> npt.NDArray[Any]:
        """Return some rows of the map.

        Args:
            source: Pixels, or cells of ``cell`` × ``cell`` pixels that begin with the first; shape (lines, samples).
            rows: Rows of the map.
            how: ``nearest``, or ``bilinear``, which weighs known neighbours (not NaN) where the nearest is known.
            fill: What cells outside the scene get.
            cell: Lines and samples of each cell of the source.
            top: Number of the first line of cells in ``source``, where it is a strip of the scene.

        Returns:
            Shape (rows, columns), of the type of ``source``.
        """
        first, last, _ = rows.indices(self.target.shape[0])
        found = np.full((last - first, self.target.shape[1]), fill, source.dtype)
        nodes = (self.line, self.sample, self.step)
        begin = first + self.before[0], self.before[1]
        resample()(source, nodes, (*begin, cell, top, how == "bilinear"), found)
        return found

    def lines_of(self, rows: slice) -> tuple[int, int]:
        """Return the first line that some rows of the map need and the one after the last; equal where none."""
        first, last, _ = rows.indices(self.target.shape[0])
        first, last = first + self.before[0], last + self.before[0]
        part = self.line[first // self.step : -(-last // self.step) + 1]
        if not np.isfinite(part).any():
            return 0, 0
        return max(int(np.nanmin(part)) - 2, 0), max(int(np.nanmax(part)) + 3, 0)
