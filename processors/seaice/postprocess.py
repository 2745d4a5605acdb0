"""Makes a map of probabilities: smooths them, calls classes, clears specks, and marks what is unsure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.seaice.features import Mask
from processors.seaice.textures import Floats

Bytes = npt.NDArray[np.uint8]

UNKNOWN: Final = 0
WATER: Final = 1
ICE: Final = 2
LAND: Final = 3
UNSURE = (0.35, 0.65)
"""Probabilities between which a class is a guess."""
CROSS = ((0, 1, 0), (1, 1, 1), (0, 1, 0))
"""Cells that touch along a side."""


@dataclass(frozen=True, slots=True, eq=False)
class Called:
    """Classes of cells.

    Attributes:
        chance: Probability of ice after smoothing, NaN where unknown.
        classes: 0 unknown, 1 open water, 2 sea ice.
        specks: Cells whose class was that of their surroundings.
    """

    chance: Floats
    classes: Bytes
    specks: Mask

    @property
    def unsure(self) -> Mask:
        """Cells whose class is a guess."""
        unsure: Mask = (self.chance >= UNSURE[0]) & (self.chance <= UNSURE[1])
        return unsure


def call_classes(chance: Floats, *, threshold: float, smooth_cells: float, least_cells: int) -> Called:
    """Call each cell open water or sea ice.

    Args:
        chance: Probability of ice, NaN where unknown; shape (rows, columns).
        threshold: Probability from which a cell is ice.
        smooth_cells: Standard deviation of the smoothing, cells; 0 for none.
        least_cells: Patches of fewer cells take the class around them; 0 for none.
    """
    smoothed = smooth(chance, smooth_cells) if smooth_cells else chance
    with np.errstate(invalid="ignore"):
        classes = np.where(np.isnan(smoothed), UNKNOWN, np.where(smoothed >= threshold, ICE, WATER)).astype(np.uint8)
    specks = find_specks(classes, least_cells) if least_cells > 1 else np.zeros(classes.shape, bool)
    classes[specks] = WATER + ICE - classes[specks]
    return Called(smoothed, classes, specks)


def smooth(chance: Floats, sigma: float) -> Floats:
    """Average probabilities with Gaussian weights over the cells that are known; unknown ones stay so."""
    from scipy.ndimage import gaussian_filter

    known = ~np.isnan(chance)
    shares = {"sigma": sigma, "mode": "constant", "truncate": 3.0}
    weight = gaussian_filter(known.astype(np.float32), **shares)
    total = gaussian_filter(np.where(known, chance, np.float32(0)), **shares)
    made: Floats = np.where(known, total / np.maximum(weight, np.float32(1e-6)), np.float32(np.nan))
    return np.clip(made, np.float32(0), np.float32(1))


def find_specks(classes: Bytes, least: int) -> Mask:
    """Find patches of fewer cells than ``least`` that touch a larger patch of the other class."""
    from scipy.ndimage import binary_dilation, label

    found = np.zeros(classes.shape, bool)
    patches = {kind: label(classes == kind, CROSS)[0] for kind in (WATER, ICE)}
    large = {kind: np.bincount(patch.ravel()) >= least for kind, patch in patches.items()}
    for kind, other in ((WATER, ICE), (ICE, WATER)):
        large[kind][0] = True
        small = ~large[kind][patches[kind]]
        if small.any():
            large[other][0] = False
            beside = binary_dilation(large[other][patches[other]], CROSS)
            touching = np.zeros(large[kind].size, bool)
            touching[patches[kind][small & beside]] = True
            found |= touching[patches[kind]] & small
    return found
