"""Which data an estimate is made from: the nearest, within a distance, by sector, outside a group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.geostat.models import Floats

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

Integers: TypeAlias = npt.NDArray[np.int64]
MOST = 256
"""Most neighbours of one estimate; more are better served by `all`."""


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The rule by which data are chosen for a target.

    Distances are those of the coordinates as given, also where the model is anisotropic (as in gstat).

    Attributes:
        count: Nearest data to use, 1 to 256; "all" for every datum in one system.
        minimum: Fewer data than this give no estimate (NaN).
        max_distance: Data farther away are not used.
        sectors: 0, or the number of sectors of the first two coordinates, clockwise from north: each gives its nearest
            `count // sectors` data, looked for among the nearest `max(8 count, 256)`.
    """

    count: int | Literal["all"] = 32
    minimum: int = 1
    max_distance: float | None = None
    sectors: int = 0

    def __post_init__(self) -> None:
        """Refuse a rule that chooses nothing."""
        if self.count == "all":
            if self.max_distance is not None or self.sectors:
                raise Refusal("all data and a maximum distance or sectors", "neighbours", "give a number of neighbours")
        elif not 1 <= self.count <= MOST:
            raise Refusal(f"{self.count} neighbours", "neighbours", f'1 to {MOST}, or "all"')
        elif self.sectors < 0 or self.sectors > self.count:
            raise Refusal(
                f"{self.sectors} sectors for {self.count} neighbours", "sectors", "at most one for each neighbour"
            )
        if self.max_distance is not None and not self.max_distance > 0:
            raise Refusal(f"maximum distance {self.max_distance}", "max_distance", "a positive number")
        if self.minimum < 1:
            raise Refusal(f"at least {self.minimum} data", "minimum", "1 or more")


def rule(neighbours: int | Literal["all"] | Neighbourhood) -> Neighbourhood:
    """A neighbourhood from what a caller gives."""
    return neighbours if isinstance(neighbours, Neighbourhood) else Neighbourhood(neighbours)


class Finder:
    """Looks up the data of each target by a neighbourhood.

    Args:
        points: Coordinates of the data (n, d).
        chosen: The rule; its count is a number.
    """

    def __init__(self, points: Floats, chosen: Neighbourhood) -> None:
        from scipy.spatial import cKDTree

        assert chosen.count != "all"
        self.points = points
        self.chosen = chosen
        self.count = min(chosen.count, len(points))
        self.reach = np.inf if chosen.max_distance is None else float(np.nextafter(chosen.max_distance, np.inf))
        self.tree: cKDTree = cKDTree(points)

    def find(self, targets: Floats, groups: Integers | None = None, own: Integers | None = None) -> Integers:
        """The data of each target, nearest first; the number of data where there are no more.

        Args:
            targets: Coordinates (m, d).
            groups: Group of each datum, if data are to be left out.
            own: Group of each target: data of it are not used.

        Returns:
            Indices (m, count).
        """
        if self.chosen.sectors:
            wanted = min(len(self.points), max(8 * self.count, 256))
            return self._by_sector(targets, self._drop(self._query(targets, wanted), groups, own))
        if groups is None or own is None:
            return self._query(targets, self.count)
        return self._outside(targets, groups, own)

    def _query(self, targets: Floats, count: int) -> Integers:
        _, found = self.tree.query(targets, k=list(range(1, count + 1)), distance_upper_bound=self.reach)
        return np.asarray(found, np.int64)

    def _outside(self, targets: Floats, groups: Integers, own: Integers) -> Integers:
        """Nearest data outside each target's group: asks for more until there are enough."""
        none, found = len(self.points), np.full((len(targets), self.count), len(self.points), np.int64)
        todo, wanted = np.arange(len(targets)), min(none, self.count + 8)
        while len(todo):
            near = self._drop(self._query(targets[todo], wanted), groups, own[todo])
            found[todo] = packed(near, none)[:, : self.count]
            exhausted = self._query(targets[todo], wanted)[:, -1] == none
            todo = todo[(found[todo, -1] == none) & ~exhausted & (wanted < none)]
            wanted = min(none, 2 * wanted)
        return found

    def _drop(self, near: Integers, groups: Integers | None, own: Integers | None) -> Integers:
        if groups is None or own is None:
            return near
        none = len(self.points)
        return np.where(np.append(groups, -1)[near] == own[:, None], none, near)

    def _by_sector(self, targets: Floats, near: Integers) -> Integers:
        """Keep the nearest of each sector."""
        none, sectors = len(self.points), self.chosen.sectors
        spot = np.vstack([self.points, np.zeros(self.points.shape[1])])[near] - targets[:, None]
        turn = np.arctan2(spot[..., 0], spot[..., 1]) % (2 * np.pi)
        sector = np.minimum((turn * (sectors / (2 * np.pi))).astype(np.int64), sectors - 1)
        kept = np.full(near.shape, fill_value=False)
        for number in range(sectors):
            inside = (sector == number) & (near != none)
            kept |= inside & (np.cumsum(inside, axis=1) <= self.count // sectors)
        return packed(np.where(kept, near, none), none)[:, : self.count]


def packed(near: Integers, none: int) -> Integers:
    """Move the indices that are `none` to the end of each row, the others in their order."""
    order = np.argsort(near == none, axis=1, kind="stable")
    return np.take_along_axis(near, order, axis=1)
