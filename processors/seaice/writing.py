"""Writes the annotation, calibration and noise files of a simulated SAFE: the parts that are read here."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from processors.seaice.annotation import Annotation, Block
from processors.seaice.calibration import Calibration
from processors.seaice.markup import Content, Floats, element, to_bytes, utc
from processors.seaice.noise import Noise
from processors.seaice.packing import Identity


def annotation_xml(found: Annotation, identity: Identity) -> bytes:
    """Write a product annotation: the parts that are read here."""
    first = found.first_line
    information = [
        ("productFirstLineUtcTime", utc(first)),
        ("productLastLineUtcTime", utc(identity.stop)),
        ("slantRangeTime", _long(found.points.slant_time[0, 0])),
        ("pixelValue", "Detected"),
        ("outputPixels", "16 bit Unsigned Integer"),
        ("rangePixelSpacing", _long(found.spacing[1])),
        ("azimuthPixelSpacing", _long(found.spacing[0])),
        ("azimuthTimeInterval", _long(found.line_interval)),
        ("numberOfSamples", str(found.shape[1])),
        ("numberOfLines", str(found.shape[0])),
        ("incidenceAngleMidSwath", _long(found.points.incidence.mean())),
    ]
    corrected = ("thermalNoiseCorrectionPerformed", str(found.noise_removed).lower())
    product: list[tuple[str, Content]] = [
        ("adsHeader", _header(found.polarisation, identity)),
        (
            "generalAnnotation",
            [
                ("productInformation", [("pass", "Ascending" if identity.ascending else "Descending")]),
                ("orbitList", _orbits(found)),
            ],
        ),
        ("imageAnnotation", [("imageInformation", information), ("processingInformation", [corrected])]),
        ("geolocationGrid", [("geolocationGridPointList", _points(found))]),
        ("coordinateConversion", [("coordinateConversionList", _conversions(found))]),
        ("swathMerging", [("swathMergeList", _merges(found))]),
    ]
    return to_bytes(element("product", product))


def calibration_xml(calibration: Calibration, found: Annotation, identity: Identity) -> bytes:
    """Write calibration vectors."""
    vectors: list[tuple[str, Content]] = [
        (
            "calibrationVector",
            [
                ("azimuthTime", _after(found, line * found.line_interval)),
                ("line", f"{line:.0f}"),
                ("pixel", _wholes(calibration.pixel)),
                ("sigmaNought", _numbers(sigma)),
            ],
        )
        for line, sigma in zip(calibration.line, calibration.sigma, strict=True)
    ]
    parts: list[tuple[str, Content]] = [
        ("adsHeader", _header(found.polarisation, identity)),
        ("calibrationInformation", [("absoluteCalibrationConstant", "1.000000e+00")]),
        ("calibrationVectorList", vectors),
    ]
    return to_bytes(element("calibration", parts))


def noise_xml(noise: Noise, found: Annotation, identity: Identity, old: bool) -> bytes:
    """Write noise vectors in the format of processors since 2.90, or (``old``) before, without those along lines."""
    name, value = ("noiseVector", "noiseLut") if old else ("noiseRangeVector", "noiseRangeLut")
    ranges: list[tuple[str, Content]] = [
        (
            name,
            [
                ("azimuthTime", _after(found, one.line * found.line_interval)),
                ("line", str(one.line)),
                ("pixel", _wholes(one.pixel)),
                (value, _numbers(one.noise)),
            ],
        )
        for one in noise.range_vectors
    ]
    along: list[tuple[str, Content]] = [
        (
            "noiseAzimuthVector",
            [
                ("swath", f"EW{one.block.swath}"),
                *_bounds(one.block),
                ("line", _wholes(one.line)),
                ("noiseAzimuthLut", _numbers(one.factor)),
            ],
        )
        for one in noise.azimuth_vectors
    ]
    lists: list[tuple[str, Content]] = [(f"{name}List", ranges)]
    parts = [("adsHeader", _header(found.polarisation, identity)), *lists]
    return to_bytes(element("noise", parts if old else [*parts, ("noiseAzimuthVectorList", along)]))


def _header(polarisation: str, identity: Identity) -> list[tuple[str, Content]]:
    return [
        ("missionId", identity.platform),
        ("productType", "GRD"),
        ("polarisation", polarisation),
        ("mode", "EW"),
        ("swath", "EW"),
        ("startTime", utc(identity.start)),
        ("stopTime", utc(identity.stop)),
        ("absoluteOrbitNumber", str(identity.orbit)),
        ("missionDataTakeId", str(identity.datatake)),
        ("imageNumber", f"{identity.polarisations.index(polarisation) + 1:03d}"),
    ]


def _bounds(block: Block) -> list[tuple[str, Content]]:
    return [
        ("firstAzimuthLine", str(block.first_line)),
        ("firstRangeSample", str(block.first_sample)),
        ("lastAzimuthLine", str(block.last_line)),
        ("lastRangeSample", str(block.last_sample)),
    ]


def _orbits(found: Annotation) -> list[tuple[str, Content]]:
    orbit = found.orbit
    return [
        (
            "orbit",
            [
                ("time", _after(found, float(time))),
                ("frame", "Earth Fixed"),
                ("position", list(zip("xyz", map(_long, place), strict=True))),
                ("velocity", list(zip("xyz", map(_long, speed), strict=True))),
            ],
        )
        for time, place, speed in zip(orbit.time.tolist(), orbit.position, orbit.velocity, strict=True)
    ]


def _points(found: Annotation) -> list[tuple[str, Content]]:
    points = found.points
    names = {
        "slantRangeTime": points.slant_time,
        "latitude": points.latitude,
        "longitude": points.longitude,
        "height": points.height,
        "incidenceAngle": points.incidence,
        "elevationAngle": points.elevation,
    }
    return [
        (
            "geolocationGridPoint",
            [
                ("azimuthTime", _after(found, float(points.time[at]))),
                ("line", f"{points.line[at]:.0f}"),
                ("pixel", f"{points.pixel[at]:.0f}"),
                *((name, _long(float(values[at]))) for name, values in names.items()),
            ],
        )
        for at in np.ndindex(points.line.shape)
    ]


def _conversions(found: Annotation) -> list[tuple[str, Content]]:
    table = found.ground_range
    return [
        (
            "coordinateConversion",
            [
                ("azimuthTime", _after(found, float(time))),
                ("gr0", _long(float(origin))),
                ("grsrCoefficients", " ".join(map(_long, coefficients))),
            ],
        )
        for time, origin, coefficients in zip(
            table.time.tolist(), table.origin.tolist(), table.coefficients, strict=True
        )
    ]


def _merges(found: Annotation) -> list[tuple[str, Content]]:
    return [
        (
            "swathMerge",
            [
                ("swath", f"EW{swath}"),
                ("swathBoundsList", [("swathBounds", _bounds(one)) for one in found.blocks if one.swath == swath]),
            ],
        )
        for swath in sorted({block.swath for block in found.blocks})
    ]


def _after(found: Annotation, seconds: float) -> str:
    return utc(found.first_line + timedelta(microseconds=round(float(seconds) * 1e6)))


def _long(value: float) -> str:
    return f"{float(value):.15e}"


def _numbers(values: Floats) -> str:
    return " ".join(f"{value:.6e}" for value in values)


def _wholes(values: Floats) -> str:
    return " ".join(f"{value:.0f}" for value in values)
