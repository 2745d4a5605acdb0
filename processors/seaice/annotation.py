"""Reads a product annotation: size, times, orbit, ground range, sub-swaths and the grid of located points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from processors.seaice.markup import Floats, Node, seconds

CODE = "S1.ANNOTATION"
"""Code of annotation and calibration files that cannot be used."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines and samples that one sub-swath fills; all bounds belong to it.

    Attributes:
        swath: Number of the sub-swath, 1 to 5.
        first_line: First line.
        last_line: Last line.
        first_sample: First sample.
        last_sample: Last sample.
    """

    swath: int
    first_line: int
    last_line: int
    first_sample: int
    last_sample: int


@dataclass(frozen=True, slots=True, eq=False)
class Orbit:
    """State vectors in the Earth-fixed frame.

    Attributes:
        time: Seconds from the first line, shape (n,).
        position: Metres, shape (n, 3).
        velocity: Metres per second, shape (n, 3).
    """

    time: Floats
    position: Floats
    velocity: Floats


@dataclass(frozen=True, slots=True, eq=False)
class GroundRange:
    """Polynomials that give slant range, m, from ground range, m: R = Σ c_k (x - origin)^k.

    Attributes:
        time: Seconds from the first line, shape (n,).
        origin: Ground range at which each polynomial starts, m, shape (n,).
        coefficients: Shape (n, k).
    """

    time: Floats
    origin: Floats
    coefficients: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The annotated grid of located points, all of shape (rows, columns).

    Attributes:
        line: Line.
        pixel: Sample.
        latitude: Degrees.
        longitude: Degrees.
        height: Metres over the ellipsoid.
        incidence: Incidence angle, degrees.
        elevation: Elevation angle, degrees.
        slant_time: Two-way time, s.
        time: Seconds from the first line.
    """

    line: Floats
    pixel: Floats
    latitude: Floats
    longitude: Floats
    height: Floats
    incidence: Floats
    elevation: Floats
    slant_time: Floats
    time: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Annotation:
    """What a product annotation says of one polarisation.

    Attributes:
        platform: Such as ``S1A``.
        polarisation: Such as ``HH``.
        mode: Such as ``EW``.
        product_type: Such as ``GRD``.
        shape: Lines and samples.
        spacing: Metres from line to line and from sample to sample.
        first_line: Time of the first line.
        line_interval: Seconds from line to line.
        noise_removed: Whether the processor took thermal noise off.
        blocks: Sub-swath bounds.
        orbit: State vectors.
        ground_range: Slant range from ground range.
        points: Annotated grid.
    """

    platform: str
    polarisation: str
    mode: str
    product_type: str
    shape: tuple[int, int]
    spacing: tuple[float, float]
    first_line: datetime
    line_interval: float
    noise_removed: bool
    blocks: tuple[Block, ...]
    orbit: Orbit
    ground_range: GroundRange
    points: Points


def read_annotation(root: Node) -> Annotation:
    """Read an annotation.

    Raises:
        Refusal: Something is missing or not what it should be (``S1.ANNOTATION``).
    """
    image = root.one("imageAnnotation/imageInformation")
    origin = image.time("productFirstLineUtcTime")
    corrected = root.text("imageAnnotation/processingInformation/thermalNoiseCorrectionPerformed", "false")
    return Annotation(
        platform=root.text("adsHeader/missionId"),
        polarisation=root.text("adsHeader/polarisation"),
        mode=root.text("adsHeader/mode"),
        product_type=root.text("adsHeader/productType"),
        shape=(image.whole("numberOfLines"), image.whole("numberOfSamples")),
        spacing=(image.number("azimuthPixelSpacing"), image.number("rangePixelSpacing")),
        first_line=origin,
        line_interval=image.number("azimuthTimeInterval"),
        noise_removed=corrected == "true",
        blocks=tuple(_blocks(root)),
        orbit=_orbit(root, origin),
        ground_range=_ground_range(root, origin),
        points=_points(root, origin),
    )


def read_block(node: Node, swath: str) -> Block:
    """Read the bounds of one block of a sub-swath named such as ``EW3``.

    Raises:
        Refusal: A bound is missing, or the sub-swath has no number.
    """
    if not swath[-1:].isdigit():
        raise node.refusal(f"`{swath}` names no sub-swath")
    names = ("firstAzimuthLine", "lastAzimuthLine", "firstRangeSample", "lastRangeSample")
    return Block(int(swath[-1]), *(node.whole(name) for name in names))


def _blocks(root: Node) -> list[Block]:
    merges = root.each("swathMerging/swathMergeList/swathMerge")
    return [
        read_block(bounds, merge.text("swath"))
        for merge in merges
        for bounds in merge.each("swathBoundsList/swathBounds")
    ]


def _orbit(root: Node, origin: datetime) -> Orbit:
    vectors = list(root.each("generalAnnotation/orbitList/orbit"))
    place, speed = (
        [[vector.number(f"{name}/{axis}") for axis in "xyz"] for vector in vectors] for name in ("position", "velocity")
    )
    time = [seconds(vector.time("time"), origin) for vector in vectors]
    if len(time) < 2 or np.any(np.diff(time) <= 0):
        raise root.refusal("needs two orbit vectors or more, in the order of their times")
    return Orbit(np.array(time), np.array(place), np.array(speed))


def _ground_range(root: Node, origin: datetime) -> GroundRange:
    nodes = list(root.each("coordinateConversion/coordinateConversionList/coordinateConversion"))
    if not nodes:
        raise root.refusal("has no `coordinateConversion`")
    first = nodes[0].numbers("grsrCoefficients")
    return GroundRange(
        np.array([seconds(node.time("azimuthTime"), origin) for node in nodes]),
        np.array([node.number("gr0") for node in nodes]),
        np.array([node.numbers("grsrCoefficients", first.size) for node in nodes]),
    )


def _points(root: Node, origin: datetime) -> Points:
    nodes = list(root.each("geolocationGrid/geolocationGridPointList/geolocationGridPoint"))
    names = ("line", "pixel", "latitude", "longitude", "height", "incidenceAngle", "elevationAngle", "slantRangeTime")
    table = [[*(node.number(name) for name in names), seconds(node.time("azimuthTime"), origin)] for node in nodes]
    rows = len({row[0] for row in table})
    if rows < 2 or len(table) % rows or len(table) // rows < 2:
        raise root.refusal(f"has {len(table)} geolocation points, which make no grid")
    return Points(*np.array(table).reshape(rows, -1, len(names) + 1).transpose(2, 0, 1))
