"""Sigma nought and thermal noise beside OTB's published baselines, a real product's table, and plain NumPy."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio

from processors.seaice.radiometry import apply, spread
from tests.sentinel import OTB, otb_tables, plain_sigma0, real_annotation, real_tables

SCALING = ((0.9, 1.1, 1.0, 0.8, 1.2), (1e-5, -2e-5, 0.0, 3e-5, 1e-4))


def test_sigma0_is_that_of_otb_with_and_without_noise(shared_data):
    """Baselines of OTB 8.1.1, tests apTvRaSARCalibration_SENTINEL1_recent and _recent_noise, which clips at 0."""
    with rasterio.open(shared_data / OTB / "s1b-iw-grd-vh-roi.tif") as image:
        dn = image.read(1).astype(np.uint16)
    tables = spread(*otb_tables(shared_data), 20)
    for rule, suffix in (("none", ""), ("esa", "_noise")):
        with rasterio.open(shared_data / OTB / f"apTvRaSARCalibration_SENTINEL1_recent{suffix}.tif") as image:
            expected = image.read(1)
        found, _ = apply(tables, dn, 0, rule)
        if rule == "esa":
            assert np.count_nonzero(found < 0) == 29
            found = np.maximum(found, 0)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=2e-8)


@pytest.mark.parametrize("polarisation", ["hh", "hv"])
def test_noise_of_a_real_product_is_that_of_the_table(shared_data, polarisation):
    table = json.loads((shared_data / "science/sentinel1/expected.json").read_text())
    (product,) = (value for key, value in table.items() if key.startswith("S1A_EW"))
    calibration, noise = real_tables(shared_data, polarisation)
    assert len(noise.azimuth_vectors) == 17
    assert len(noise.range_vectors) == 67
    annotation = real_annotation(shared_data, polarisation)
    tables = spread(calibration, noise, annotation.shape[1])
    for point in product[polarisation]["points"]:
        dn = np.ones((1, annotation.shape[1]), np.uint16)
        _, nesz = apply(tables, dn, point["line"])
        assert 10 * np.log10(nesz[0, point["pixel"]]) == pytest.approx(point["nesz_db"], abs=1e-4)


def test_noise_is_known_in_all_of_each_block_and_nowhere_else(shared_data):
    calibration, noise = real_tables(shared_data, "hv")
    annotation = real_annotation(shared_data, "hv")
    tables = spread(calibration, noise, annotation.shape[1])
    for top in (0, 79, 200, 330, 415, 1330, 10_690):
        inside = np.zeros((16, annotation.shape[1]), bool)
        for block in annotation.blocks:
            for line in range(max(top, block.first_line), min(top + 16, block.last_line + 1)):
                inside[line - top, block.first_sample : block.last_sample + 1] = True
        _, nesz = apply(tables, np.ones(inside.shape, np.uint16), top)
        np.testing.assert_array_equal(np.isfinite(nesz), inside)
        assert (nesz[inside] > 1e-4).all()


@pytest.mark.parametrize("top", [76, 322, 1343, 6000])
@pytest.mark.parametrize("rule", ["esa", "none", "scaled"])
def test_the_kernel_is_plain_numpy(shared_data, top, rule):
    calibration, noise = real_tables(shared_data, "hv")
    dn = np.random.default_rng(top).integers(0, 300, (4, 10_487)).astype(np.uint16)
    found = apply(spread(calibration, noise, dn.shape[1]), dn, top, rule, SCALING if rule == "scaled" else None)
    sigma0, nesz = np.full((2, *dn.shape), np.nan, np.float32)
    for swath in range(1, 6):
        one = type(noise)(noise.range_vectors, tuple(v for v in noise.azimuth_vectors if v.block.swath == swath))
        scale, offset = (SCALING[0][swath - 1], SCALING[1][swath - 1]) if rule == "scaled" else (1.0, 0.0)
        part = plain_sigma0(calibration, one, dn, top, rule != "none", scale, offset)
        sigma0 = np.where(np.isnan(part[0]), sigma0, part[0])
        nesz = np.where(np.isnan(part[1]), nesz, part[1])
    np.testing.assert_allclose(found[0], sigma0, rtol=2e-6, atol=1e-8)
    np.testing.assert_allclose(found[1], nesz, rtol=2e-6)
    assert np.nanmin(found[0]) < 0 or rule == "none"


def test_strips_of_any_height_give_the_same_bytes(shared_data):
    tables = spread(*real_tables(shared_data, "hv"), 10_487)
    dn = np.random.default_rng(5).integers(0, 300, (96, 10_487)).astype(np.uint16)
    whole = apply(tables, dn, 1300)
    for height in (1, 7, 50):
        parts = [apply(tables, dn[top : top + height], 1300 + top) for top in range(0, 96, height)]
        for one, pieces in zip(whole, zip(*parts, strict=True), strict=True):
            assert one.tobytes() == np.concatenate(pieces).tobytes()
