"""A short run of cuts of random files; the long one is tests/drills/drill_random.py."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.hostile import randomcuts
from tests.hostile.randomcuts import cut
from tests.hostile.randomshapes import SHAPES, lay


def test_cuts_of_random_files_are_those_found_by_hand(tmp_path):
    outcomes = Counter(cut("cuts", tmp_path, seed, questions=1) for seed in range(6))
    assert outcomes["same"] >= 4, outcomes


def shifted(part):
    return part.assign(v=part.v.copy(data=np.roll(part.v.values, 1)))


def moved(part):
    return part.assign_coords(
        {name: part[name] + 1.0 for name in part.coords if name in {"lat", "nav_lat", "LATITUDE"}}
    )


def thinned(part):
    return part.isel({part.v.dims[0]: slice(1, None)}) if part.v.ndim else part


@pytest.mark.parametrize("wrong", [shifted, moved, thinned])
def test_an_answer_that_is_wrong_is_noticed(tmp_path, monkeypatch, wrong):
    true = randomcuts.iaos.extract
    monkeypatch.setattr(randomcuts.iaos, "extract", lambda *sources, **asked: wrong(true(*sources, **asked)))
    noticed = 0
    for seed in range(4):
        try:
            cut("cuts", tmp_path, seed, questions=1)
        except (AssertionError, KeyError):
            noticed += 1
    assert noticed >= 2


def test_every_shape_comes_and_a_seed_gives_the_same_file_again(tmp_path):
    twice = [(lay(tmp_path / "a.nc", seed), lay(tmp_path / "a.nc", seed)) for seed in range(100)]
    assert {one.shape for one, _ in twice} == set(SHAPES)
    assert all(str(one) == str(other) for one, other in twice)
