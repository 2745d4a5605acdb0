"""Reads the calibration vectors of one polarisation: what turns digital numbers into sigma nought."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from processors.seaice.markup import Floats, Node


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Calibration vectors, all with the same samples.

    Attributes:
        line: Shape (n,).
        pixel: Shape (m,).
        sigma: sigmaNought, the A of sigma0 = DN² / A², shape (n, m).
    """

    line: Floats
    pixel: Floats
    sigma: Floats


def read_calibration(root: Node) -> Calibration:
    """Read the calibration vectors.

    Raises:
        Refusal: There are none, or they do not make a grid (``S1.ANNOTATION``).
    """
    vectors = list(root.each("calibrationVectorList/calibrationVector"))
    if not vectors:
        raise root.refusal("has no calibration vectors")
    pixel = vectors[0].numbers("pixel")
    line = np.array([vector.number("line") for vector in vectors])
    if not all(np.array_equal(vector.numbers("pixel"), pixel) for vector in vectors):
        raise root.refusal("its calibration vectors differ in their pixels")
    if np.any(np.diff(line) <= 0) or np.any(np.diff(pixel) <= 0):
        raise root.refusal("its calibration vectors are not in order")
    sigma = np.array([vector.numbers("sigmaNought", pixel.size) for vector in vectors])
    if sigma.min() <= 0:
        raise root.refusal("`sigmaNought` must be positive")
    return Calibration(line, pixel, sigma)
