"""Sentinel-1 files for the tests of sea ice: real annotations, OTB's cut-out, and plain NumPy beside the kernels."""

from __future__ import annotations

import numpy as np

from processors.seaice.annotation import Block, read_annotation
from processors.seaice.calibration import Calibration, read_calibration
from processors.seaice.markup import parse
from processors.seaice.noise import AzimuthVector, Noise, RangeVector, read_noise

REAL = "science/sentinel1/S1A_EW_GRDM_1SDH_20221130T014342_BB15"
OTB = "science/sentinel1/otb_s1b_iw_grd_vh_roi"


def real_annotation(shared_data, polarisation="hh"):
    return read_annotation(_xml(shared_data / REAL / "annotation", f"ew-{polarisation}.xml"))


def real_tables(shared_data, polarisation):
    folder = shared_data / REAL / "annotation" / "calibration"
    blocks = real_annotation(shared_data, polarisation).blocks
    calibration = read_calibration(_xml(folder, f"calibration-ew-{polarisation}.xml"))
    return calibration, read_noise(_xml(folder, f"noise-ew-{polarisation}.xml"), blocks)


def _xml(folder, name):
    return parse((folder / name).read_bytes(), name, "S1.ANNOTATION")


def otb_tables(shared_data):
    """Read the vectors out of the keyword list that comes with OTB's test image."""
    text = (shared_data / OTB / "s1b-iw-grd-vh-roi.geom").read_text()
    words = dict(line.split(":  ", 1) for line in text.splitlines() if ":  " in line)

    def numbers(key):
        return np.array(words[key].split(), float)

    def every(name):
        return sorted({int(key.split("[")[1].split("]")[0]) for key in words if key.startswith(f"{name}[")})

    vectors = [f"calibration.calibrationVector[{n}]" for n in every("calibration.calibrationVector")]
    calibration = Calibration(
        np.array([float(words[f"{one}.line"]) for one in vectors]),
        numbers(f"{vectors[0]}.pixel"),
        np.array([numbers(f"{one}.sigmaNought") for one in vectors]),
    )
    ranges = [f"noise.noiseVector[{n}]" for n in every("noise.noiseVector")]
    azimuths = [f"noise.noiseAzimuthVector[{n}]" for n in every("noise.noiseAzimuthVector")]
    bounds = ("firstAzimuthLine", "lastAzimuthLine", "firstRangeSample", "lastRangeSample")
    return calibration, Noise(
        tuple(
            RangeVector(int(words[f"{one}.line"]), numbers(f"{one}.pixel"), numbers(f"{one}.noiseLut"))
            for one in ranges
        ),
        tuple(
            AzimuthVector(
                Block(n + 1, *(int(words[f"{one}.{bound}"]) for bound in bounds)),
                numbers(f"{one}.line"),
                numbers(f"{one}.noiseAzimuthLut"),
            )
            for n, one in enumerate(azimuths)
        ),
    )


def plain_sigma0(calibration, noise, dn, first, subtract=True, scale=1.0, offset=0.0):
    """Compute what `processors.seaice.radiometry.apply` does, a pixel line at a time with np.interp."""
    sigma0, nesz = np.full((2, *dn.shape), np.nan, np.float32)
    pixel = np.arange(dn.shape[1], dtype=float)
    for row in range(dn.shape[0]):
        line = first + row
        a = np.array([np.interp(line, calibration.line, column) for column in calibration.sigma.T])
        a = np.interp(pixel, calibration.pixel, a)
        for one in noise.azimuth_vectors:
            block = one.block
            if not block.first_line <= line <= block.last_line:
                continue
            part = slice(block.first_sample, block.last_sample + 1)
            eta = _across(noise, block, line, pixel[part]) * np.interp(line, one.line, one.factor)
            equivalent = scale * eta / a[part] ** 2 + offset
            nesz[row, part] = equivalent
            values = dn[row, part].astype(float) ** 2 / a[part] ** 2 - subtract * equivalent
            sigma0[row, part] = np.where(dn[row, part] > 0, values, np.nan)
    return sigma0, nesz


def _across(noise, block, line, pixel):
    rows = {}
    for vector in noise.range_vectors:
        keep = (vector.noise > 0) & (vector.pixel >= block.first_sample) & (vector.pixel <= block.last_sample)
        if keep.any():
            rows[vector.line] = np.interp(pixel, vector.pixel[keep], vector.noise[keep])
    inside = [one for one in rows if block.first_line <= one <= block.last_line]
    if not inside:
        return rows[min(rows, key=lambda one: abs(one - (block.first_line + block.last_line) / 2))]
    return np.array([np.interp(line, inside, column) for column in np.array([rows[one] for one in inside]).T])
