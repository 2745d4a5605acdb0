"""Speckle of multi-look images: correlated gamma numbers of mean 1, the same whatever strips are asked for."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from processors.seaice.markup import Floats

BLOCK = 256
"""Lines that are drawn together."""
WIDTH, REACH = 0.85, 3
"""Standard deviation of the Gaussian that correlates neighbours, and how far it reaches, pixels: 93 by 87 m at 40 m."""


class Speckle:
    """Speckle of one polarisation.

    Args:
        seed: Decides all numbers.
        looks: Equivalent number of looks at each sample; the variance is one over it.
    """

    def __init__(self, seed: tuple[int, int], looks: Floats) -> None:
        self.seed = seed
        offsets = np.arange(-REACH, REACH + 1)
        weights = np.exp(-(offsets**2) / (2 * WIDTH**2))
        self.weights = weights / weights.sum()
        self.shape = (looks * np.sum(self.weights**2) ** 2).astype(np.float32)
        self.white = lru_cache(maxsize=3)(self._white)

    def block(self, number: int) -> npt.NDArray[np.float32]:
        """Return lines ``number * BLOCK`` and on, shape (BLOCK, samples)."""
        from scipy.ndimage import convolve1d

        above, own, below = (self.white(number + step) for step in (-1, 0, 1))
        field = np.concatenate([above[-REACH:], own, below[:REACH]])
        across = convolve1d(field, self.weights, axis=1, mode="reflect")
        smooth: npt.NDArray[np.float32] = convolve1d(across, self.weights, axis=0, mode="reflect")[REACH:-REACH]
        return smooth

    def _white(self, number: int) -> npt.NDArray[np.float32]:
        """Draw independent gamma numbers of mean 1, so many looks each that the smoothed field has those asked for."""
        rng = np.random.default_rng([*self.seed, number + 1])
        drawn = rng.standard_gamma(self.shape, size=(BLOCK, self.shape.size), dtype=np.float32)
        white: npt.NDArray[np.float32] = drawn / self.shape
        return white
