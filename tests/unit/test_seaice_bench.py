"""The bench of sea ice tells when a goal is missed: a bench that cannot fail measures nothing."""

from __future__ import annotations

import pytest

from tests.bench.bench_seaice import LIMITS, PROGRAMS, missed, number

KEPT = {
    "radiometry": [(2.0, 900, "sum 7"), (10.1, 3000, "sum 7")],
    "map": [(5.0, 900, "error rms 0.7 m"), (2.3, 400, "error rms 17.0 m"), (68.0, 400, "error rms 0.9 m")],
    "textures": [(2.0, 300, "0.24 us per window"), (3.0, 300, "1300.00 us per window")],
    "scene": [(11.0, 3072, "wall 99.0 s, 7 products")],
}


def told(part, measured):
    return missed(part, dict(zip(PROGRAMS[part], measured, strict=False)))


@pytest.mark.parametrize("part", list(PROGRAMS))
def test_a_goal_that_is_kept_is_not_missed(part):
    assert part in LIMITS
    assert told(part, KEPT[part]) == ""


@pytest.mark.parametrize(
    ("part", "place", "worse", "why"),
    [
        ("radiometry", 1, (9.9, 3000, "sum 7"), "less than 5 times less CPU"),
        ("map", 1, (2.3, 400, "error rms 0.6 m"), "no less error than control points"),
        ("map", 2, (68.0, 400, "error rms 0.7 m"), "no less error than control points"),
        ("textures", 1, (3.0, 300, "23.90 us per window"), "less than 100 times less CPU for each window"),
        ("scene", 0, (11.0, 3073, "wall 1.0 s, 7 products"), "more than 3072 MiB"),
    ],
)
def test_each_goal_can_be_missed(part, place, worse, why):
    measured = list(KEPT[part])
    measured[place] = worse
    assert told(part, measured) == why


@pytest.mark.parametrize("part", ["radiometry", "map", "textures"])
def test_a_goal_beside_nobody_is_missed(part):
    assert told(part, KEPT[part][:1]) == "no peer was measured"


def test_numbers_are_found_in_words():
    assert (number("error rms 17.25 m"), number("3 us per window")) == (17.25, 3.0)
