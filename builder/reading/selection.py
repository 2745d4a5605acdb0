"""What of a dataset was chosen, dimension by dimension."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from builder.errors import ReadingError

if TYPE_CHECKING:
    import xarray as xr

Mask = npt.NDArray[np.bool_]


@dataclass
class Selection:
    """What was chosen.

    Attributes:
        kept: Dimension → which of its indices are kept.
        masks: Masks of more dimensions than one, to apply to what is kept.
        single: Dimensions of which one index is kept, because a point was asked for.
        distance_m: Metres from the place asked for to the nearest one.
        longitude: Of the nearest place, degrees.
        latitude: Of the nearest place, degrees.
    """

    kept: dict[str, Mask] = field(default_factory=dict)
    masks: list[xr.Variable] = field(default_factory=list)
    single: tuple[str, ...] = ()
    distance_m: float | None = None
    longitude: float | None = None
    latitude: float | None = None

    def keep(self, dim: str, mask: Mask) -> None:
        """Keep along a dimension what is in a mask and was kept before."""
        self.kept[dim] = mask & self.kept.get(dim, True)

    def keep_variable(self, mask: xr.Variable) -> None:
        """Keep what a mask of any shape holds."""
        if mask.ndim == 1:
            self.keep(str(mask.dims[0]), mask.values)
        elif mask.ndim > 1:
            self.masks.append(mask)
            values: Mask = mask.values
            for dim in mask.dims:
                others = tuple(axis for axis, name in enumerate(mask.dims) if name != dim)
                self.keep(str(dim), np.asarray(values.any(axis=others)))
        elif not mask.values:
            raise NothingThereError

    @property
    def within(self) -> xr.Variable:
        """One mask for what is kept."""
        cut = [mask.isel({dim: self.indices[str(dim)] for dim in mask.dims}) for mask in self.masks]
        return reduce(operator.and_, cut)

    def tighten(self) -> None:
        """Leave out indices without any cell that lies within all masks."""
        if not self.masks or self.is_empty:
            return
        within = self.within
        for dim in map(str, within.dims):
            some = within.any([other for other in within.dims if other != dim]).values
            tight = np.zeros_like(self.kept[dim])
            tight[self.indices[dim][some]] = True
            self.kept[dim] = tight

    @property
    def indices(self) -> dict[str, npt.NDArray[np.intp]]:
        """Dimension → indices kept."""
        return {dim: np.flatnonzero(mask) for dim, mask in self.kept.items()}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left."""
        return any(not mask.any() for mask in self.kept.values())


NOTHING = "no data at the place, depth and time asked for"


class NothingThereError(ReadingError):
    """A question was understood, and no data answer it."""

    exit_status = 1

    def __init__(self, what: str = "", *, where: str = "", hint: str = "") -> None:
        super().__init__(what or NOTHING, where=where, hint=hint)
