"""Textures beside scikit-image, sums and features beside plain NumPy, and strips that do not matter."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.feature import graycomatrix, graycoprops

from processors.seaice import textures
from processors.seaice.features import Channel, Settings, compute_features, feature_names

SIDE = 5
ANGLES = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)


def speckled(rows, columns, seed=1, level=0.02):
    """Return backscatter of six looks with gradients and gaps, and noise; shape (rows·5, columns·5)."""
    random = np.random.default_rng(seed)
    shape = rows * SIDE, columns * SIDE
    bright = level * (1 + 4 * (np.add.outer(np.arange(shape[0]), np.arange(shape[1])) // 17 % 3))
    nesz = np.broadcast_to(np.linspace(0.001, 0.004, shape[1]), shape).astype("f4")
    sigma0 = (bright * random.gamma(6, 1 / 6, shape)).astype("f4") - nesz / 3
    sigma0[random.random(shape) < 0.02] = np.nan
    sigma0[: 2 * SIDE + 2, : 3 * SIDE - 1] = np.nan
    return sigma0.astype("f4"), nesz.copy()


def scene(rows, columns):
    """Return channels, incidence and the mask of EW1 of an invented scene."""
    co = Channel("HH", *speckled(rows, columns))
    cross = Channel("HV", *speckled(rows, columns, 2, 0.003))
    incidence = np.broadcast_to(np.linspace(19, 46, columns), (rows, columns)).astype("f4").copy()
    return co, cross, incidence, incidence < 27


def windows(grey, count):
    """Cut levels with their margin into windows of whole cells and set the rest to no data."""
    random = np.random.default_rng(3)
    for _ in range(count):
        row = random.integers(0, (grey.shape[0] - 1) // SIDE - 5) * SIDE
        column = random.integers(0, (grey.shape[1] - 2) // SIDE - 5) * SIDE
        alone = np.zeros_like(grey)
        part = grey[row : row + 25, column + 1 : column + 26]
        alone[row : row + 25, column + 1 : column + 26] = part
        yield part, alone, row // SIDE + 2, column // SIDE + 2


def test_textures_are_those_of_scikit_image():
    sigma0, nesz = speckled(16, 20)
    grey, _ = textures.cell_sums(sigma0, nesz, np.zeros((16, 20), "f4"), -30, 0, SIDE)
    assert len(np.unique(grey)) > 20
    for part, alone, row, column in windows(grey, 12):
        ours = textures.textures(textures.window_sums(textures.pair_sums(alone, SIDE), 2))[:, row, column]
        matrix = graycomatrix(part, [1], ANGLES, levels=65, symmetric=True)[1:, 1:].sum(axis=3, keepdims=True)
        theirs = [
            graycoprops(matrix, name)[0, 0] for name in ("contrast", "homogeneity", "correlation", "dissimilarity")
        ]
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


def test_a_window_of_one_level_is_as_scikit_image_says():
    grey = np.zeros((26, 27), np.uint8)
    grey[:25, 1:26] = 9
    ours = textures.textures(textures.window_sums(textures.pair_sums(grey, SIDE), 2))[:, 2, 2]
    matrix = graycomatrix(grey[:25, 1:26], [1], ANGLES, levels=65, symmetric=True).sum(axis=3, keepdims=True)
    names = ("contrast", "homogeneity", "correlation", "dissimilarity")
    assert list(ours) == [graycoprops(matrix, name)[0, 0] for name in names] == [0, 1, 1, 0]


def test_a_window_without_data_has_no_texture():
    assert np.isnan(textures.textures(textures.pair_sums(np.zeros((6, 7), np.uint8), SIDE))).all()


def decibels(sigma0, nesz):
    return 10 * np.log10(np.maximum(sigma0, np.maximum(0.1 * nesz, 1e-6)).astype("f8"))


def by_cells(plane, known):
    rows, columns = plane.shape[0] // SIDE, plane.shape[1] // SIDE
    return np.where(known, plane, 0).astype("f8").reshape(rows, SIDE, columns, SIDE).sum(axis=(1, 3))


def test_sums_are_those_of_numpy():
    sigma0, nesz = speckled(11, 13)
    shift = np.linspace(-3, 3, 11 * 13, dtype="f4").reshape(11, 13)
    grey, sums = textures.cell_sums(sigma0, nesz, shift, -30, 0, SIDE)
    known = ~np.isnan(sigma0)
    level = decibels(sigma0, nesz) - np.kron(shift, np.ones((SIDE, SIDE)))
    expected = [known, sigma0, nesz, level, level**2]
    for ours, plane, tolerance in zip(sums, expected, (0, 1e-6, 1e-6, 25e-4, 2e-1), strict=True):
        np.testing.assert_allclose(ours, by_cells(plane, known), atol=tolerance, rtol=1e-6)
    wanted = np.where(known, np.clip(1 + np.floor((level + 30) * 63 / 30), 1, 64), 0)
    assert np.abs(grey[:-1, 1:-1] - wanted).max() <= 1  # a level may turn within 1e-4 dB of its edge
    assert np.mean(grey[:-1, 1:-1] != wanted) < 1e-3
    assert not grey[-1].any()
    assert not grey[:, [0, -1]].any()


def test_the_logarithm_is_right_to_a_ten_thousandth_of_a_decibel():
    values = np.geomspace(1e-5, 10, 100_000, dtype="f4").reshape(5, -1)
    quiet = np.zeros_like(values)
    columns = values.shape[1] // SIDE
    for tile in range(5):
        row = np.repeat(values[tile : tile + 1], SIDE, axis=0)[:, : columns * SIDE]
        _, sums = textures.cell_sums(row, quiet, np.zeros((1, columns), "f4"), -30, 0, SIDE)
        exact = 10 * np.log10(row.astype("f8"))[0].reshape(columns, SIDE).sum(axis=1) * SIDE
        np.testing.assert_allclose(sums[3, 0] / 25, exact / 25, atol=1e-4)


@pytest.mark.parametrize(
    ("loop", "arguments"),
    [
        (
            textures.add_cells,
            lambda: (*speckled(4, 6), np.full((4, 6), 0.3, "f4"), np.float32(-30), np.float32(2.1), 5,
                     np.zeros((21, 32), np.uint8), np.zeros((5, 4, 6))),
        ),
        (
            textures.add_pairs,
            lambda: (np.random.default_rng(5).integers(0, 65, (21, 32)).astype("u1"), np.array(textures.NEAR), 5,
                     np.zeros((6, 4, 6))),
        ),
        (textures.add_windows, lambda: (np.random.default_rng(6).random((3, 7, 9)), 2, np.zeros((3, 7, 9)))),
    ],
)  # fmt: skip
def test_machine_code_does_what_the_loop_says(loop, arguments):
    plain, fast = arguments(), arguments()
    loop(*plain)
    textures.compiled(loop)(*fast)
    for one, other in zip(plain, fast, strict=True):
        np.testing.assert_array_equal(one, other)


def test_windows_are_those_of_scipy():
    from scipy.ndimage import uniform_filter

    sums = np.random.default_rng(7).random((2, 12, 15))
    expected = [uniform_filter(plane, 5, mode="constant") * 25 for plane in sums]
    np.testing.assert_allclose(textures.window_sums(sums, 2), expected, rtol=1e-12)


def box(plane, reach):
    padded = np.pad(plane, reach)
    size = 2 * reach + 1
    return np.lib.stride_tricks.sliding_window_view(padded, (size, size)).sum(axis=(2, 3))


def test_features_are_those_of_numpy():
    co, cross, incidence, ew1 = scene(12, 14)
    cells = compute_features(co, cross, incidence, ew1, Settings())
    found = dict(zip(cells.names, cells.values, strict=True))
    known = [~np.isnan(channel.sigma0) for channel in (co, cross)]
    counts = [by_cells(np.ones_like(mask, float), mask) for mask in known]
    assert np.array_equal(cells.known, (counts[0] >= 12.5) & (counts[1] >= 12.5))
    for channel, mask, slope in ((co, known[0], -0.24), (cross, known[1], -0.16)):
        shift = slope * (incidence - 30)
        for reach, size in ((0, 1), (1, 3), (2, 5)):
            count = box(by_cells(np.ones_like(mask, float), mask), reach)
            with np.errstate(invalid="ignore", divide="ignore"):
                mean = box(by_cells(channel.sigma0, mask), reach) / count
                noise = box(by_cells(channel.nesz, mask), reach) / count
                expected = 10 * np.log10(np.maximum(mean, 0.1 * noise)) - shift
            name = f"{channel.name.lower()}_mean_{size}"
            np.testing.assert_allclose(found[name][cells.known], expected[cells.known], atol=1e-5)
        level = decibels(channel.sigma0, channel.nesz) - np.kron(shift, np.ones((SIDE, SIDE)))
        with np.errstate(invalid="ignore", divide="ignore"):
            first, second = (box(by_cells(level**power, mask), 2) / count for power in (1, 2))
        deviation = found[f"{channel.name.lower()}_deviation"]
        np.testing.assert_allclose(deviation[cells.known], np.sqrt(second - first**2)[cells.known], atol=2e-4)
    np.testing.assert_allclose(found["hv_snr"][cells.known], 10 * np.log10(mean / noise)[cells.known], atol=1e-5)
    ratio = found["hv_mean_5"] - found["hh_mean_5"] + (-0.16 + 0.24) * (incidence - 30)
    np.testing.assert_allclose(found["hv_hh_ratio"][cells.known], ratio[cells.known], atol=1e-5)
    assert np.array_equal(found["incidence"][cells.known], incidence[cells.known])
    assert np.array_equal(found["ew1"][cells.known], ew1[cells.known])
    assert len(cells.names) == 20 == len(set(cells.names))
    assert not cells.values[:, ~cells.known].any()


@pytest.mark.parametrize("tall", [1, 4, 9, 30])
def test_strips_of_any_height_give_the_same_bytes(tall):
    co, cross, incidence, ew1 = scene(30, 14)
    whole = compute_features(co, cross, incidence, ew1, Settings())
    for first in range(0, 30, tall):
        last = min(first + tall, 30)
        top, bottom = max(0, first - 2), min(30, last + 3)
        lines, rows = slice(top * SIDE, bottom * SIDE), slice(top, bottom)
        parts = [Channel(one.name, one.sigma0[lines], one.nesz[lines]) for one in (co, cross)]
        strip = compute_features(*parts, incidence[rows], ew1[rows], Settings(), slice(first - top, last - top))
        assert strip.values.tobytes() == whole.values[:, first:last].tobytes()
        assert np.array_equal(strip.known, whole.known[first:last])


def test_bias_of_negative_backscatter_is_kept():
    random = np.random.default_rng(8)
    nesz = np.full((100, 100), 0.004, "f4")
    sigma0 = (random.gamma(6, 1 / 6, nesz.shape) * 0.006 - 0.004).astype("f4")
    assert (sigma0 < 0).mean() > 0.1
    co = Channel("HH", sigma0 + 1, nesz)
    cells = compute_features(co, Channel("HV", sigma0, nesz), np.full((20, 20), 30, "f4"), np.zeros((20, 20), bool),
                             Settings())  # fmt: skip
    mean = cells.values[cells.names.index("hv_mean_5")]
    assert abs(np.mean(10 ** (mean / 10)) - 0.002) < 5e-5  # 0.006 minus the noise; clipping would give more


def test_two_looks_are_averaged_first():
    random = np.random.default_rng(9)
    sigma0 = random.gamma(6, 1 / 600, (101, 103)).astype("f4")
    nesz = np.full_like(sigma0, 1e-4)
    half = sigma0[:100, :100].reshape(50, 2, 50, 2).mean(axis=(1, 3), dtype="f8").astype("f4")
    place = np.full((10, 10), 33, "f4"), np.zeros((10, 10), bool)
    one = compute_features(Channel("HH", half, nesz[:50, :50]), Channel("HV", half, nesz[:50, :50]), *place, Settings())
    two = compute_features(Channel("HH", sigma0, nesz), Channel("HV", sigma0, nesz), *place, Settings(looks=2))
    assert two.values.tobytes() == one.values.tobytes()


def test_names_say_the_polarisation():
    assert feature_names("VV", "VH")[0] == "vv_mean_1"
    assert "vh_vv_ratio" in feature_names("VV", "VH")


def test_settings_tell_all_that_makes_a_feature():
    assert Settings().to_dict() == {
        "cell_pixels": 5, "looks": 1, "window_cells": 5, "grey_levels": 64,
        "grey_range_db": {"HH": [-30, 0], "HV": [-35, -10], "VH": [-35, -10], "VV": [-30, 0]},
        "incidence_slope_db_per_deg": {"HH": -0.24, "HV": -0.16, "VH": -0.16, "VV": -0.24},
        "incidence_reference_deg": 30.0,
    }  # fmt: skip
