"""Reads the thermal noise vectors of one polarisation, as processors wrote them before and since version 2.90."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from processors.seaice.annotation import Block, read_block
from processors.seaice.markup import Floats, Node

CODE = "S1.NOISE_SCHEMA"


@dataclass(frozen=True, slots=True, eq=False)
class RangeVector:
    """Noise across one line.

    Attributes:
        line: Its line.
        pixel: Samples, shape (n,).
        noise: Noise in DN², shape (n,); 0 means that nothing is known.
    """

    line: int
    pixel: Floats
    noise: Floats


@dataclass(frozen=True, slots=True, eq=False)
class AzimuthVector:
    """What noise is multiplied with along the lines of one block.

    Attributes:
        block: Where it holds.
        line: Lines, shape (n,).
        factor: Factors, shape (n,).
    """

    block: Block
    line: Floats
    factor: Floats


@dataclass(frozen=True, slots=True)
class Noise:
    """Thermal noise of one polarisation: across × along, in each block.

    Attributes:
        range_vectors: By line.
        azimuth_vectors: One for each block.
    """

    range_vectors: tuple[RangeVector, ...]
    azimuth_vectors: tuple[AzimuthVector, ...]


def read_noise(root: Node, blocks: Sequence[Block]) -> Noise:
    """Read noise vectors of either format.

    Args:
        root: Noise file.
        blocks: Sub-swath bounds of the annotation, for files of processors before 2.90 that have none.

    Raises:
        Refusal: It has neither format, or vectors that cannot be used (``S1.NOISE_SCHEMA``).
    """
    new = list(root.each("noiseRangeVectorList/noiseRangeVector"))
    old = list(root.each("noiseVectorList/noiseVector"))
    if not (new or old):
        raise root.refusal("has neither `noiseRangeVector` nor `noiseVector`")
    ranges = sorted(
        (_range_vector(node, "noiseRangeLut" if new else "noiseLut") for node in new or old), key=lambda one: one.line
    )
    if new:
        azimuth = [_azimuth_vector(node) for node in root.each("noiseAzimuthVectorList/noiseAzimuthVector")]
    else:
        azimuth = [AzimuthVector(block, np.array([float(block.first_line)]), np.ones(1)) for block in blocks]
    if not azimuth:
        raise root.refusal("has no `noiseAzimuthVector`" if new else "needs the sub-swath bounds of the annotation")
    return Noise(tuple(ranges), tuple(azimuth))


def _range_vector(node: Node, name: str) -> RangeVector:
    pixel = node.numbers("pixel")
    noise = node.numbers(name, pixel.size)
    if np.any(np.diff(pixel) <= 0) or noise.min() < 0:
        raise node.refusal(f"`{name}` must not be negative, and its pixels must be in order")
    return RangeVector(node.whole("line"), pixel, noise)


def _azimuth_vector(node: Node) -> AzimuthVector:
    line = node.numbers("line")
    factor = node.numbers("noiseAzimuthLut", line.size)
    if np.any(np.diff(line) <= 0):
        raise node.refusal("`noiseAzimuthVector` must have its lines in order")
    return AzimuthVector(read_block(node, node.text("swath")), line, factor)
