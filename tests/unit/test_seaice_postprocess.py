"""Smoothing beside its definition, specks beside counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from processors.seaice.postprocess import call_classes, find_specks, smooth


def chances(text):
    """Read a picture: # ice, . water, ? unknown, o unsure ice."""
    value = {"#": 0.9, ".": 0.1, "?": np.nan, "o": 0.6}
    return np.array([[value[one] for one in row] for row in text.split()], "f4")


def picture(called):
    return " ".join("".join("?.#"[one] for one in row) for row in called.classes)


def call(text, **changes):
    return call_classes(chances(text), **{"threshold": 0.5, "smooth_cells": 0, "least_cells": 0} | changes)


def test_smoothing_is_a_weighted_mean_of_known_cells():
    random = np.random.default_rng(1)
    values = random.random((15, 17)).astype("f4")
    values[random.random(values.shape) < 0.2] = np.nan
    found = smooth(values, 1.3)
    rows, columns = np.indices(values.shape)
    for row, column in ((0, 0), (7, 8), (14, 3), (3, 16)):
        reach = round(3 * 1.3)  # as far as the weights go
        near = (abs(rows - row) <= reach) & (abs(columns - column) <= reach) & ~np.isnan(values)
        weight = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * 1.3**2))[near]
        expected = (weight * values[near]).sum() / weight.sum()
        if not np.isnan(values[row, column]):
            assert found[row, column] == pytest.approx(expected, abs=2e-6)
    assert np.array_equal(np.isnan(found), np.isnan(values))


def test_the_threshold_decides():
    text = "#o. .?#"
    assert picture(call(text)) == "##. .?#"
    assert picture(call(text, threshold=0.7)) == "#.. .?#"
    assert call(text).unsure.tolist() == [[False, True, False], [False, False, False]]


def test_smoothing_may_change_a_class():
    text = "..... ..... ..#.. ..... ....."
    assert "#" in picture(call(text))
    assert "#" not in picture(call(text, smooth_cells=1))


SPECKS = """
    ........##
    .##.....##
    .#.....###
    ......####
    .....####.
    ....####.#
"""


def test_patches_of_fewer_cells_take_the_class_around_them():
    called = call(SPECKS, least_cells=4)
    assert picture(called).split()[1:3] == [".........."[:8] + "##", ".......###"]
    assert called.specks.sum() == 3 + 1 + 1  # the patch of three, and the two corners that touch by a corner only
    assert picture(call(SPECKS, least_cells=3)).split()[1] == ".##.....##"
    assert call(SPECKS, least_cells=0).specks.sum() == 0


def test_a_speck_amid_the_unknown_stays():
    assert picture(call("??? ?#? ???", least_cells=5)) == "??? ?#? ???"


def test_specks_do_not_depend_on_orientation():
    random = np.random.default_rng(4)
    classes = random.integers(0, 3, (40, 50)).astype("u1")
    found = find_specks(classes, 5)
    assert found.any()
    assert np.array_equal(find_specks(classes.T.copy(), 5), found.T)
    assert np.array_equal(find_specks(classes[::-1].copy(), 5), found[::-1])
