"""Versions of processors are raised with what they compute: a guard of versions, not a judge of what is right.

Products are kept from night to night under their processor's version, so one that computes something else under the
same version leaves all maps made before as they were. The numbers held against here are our own, of the last
version; whether they are true is judged by the other tests of each processor, by numbers of independent origin. The
guard sees what its small cases show, to a few digits (see `tests.outcomes`), and of pictures only size and colour.
"""

from __future__ import annotations

import copy
import json

import pytest

from processors.registry import find_processor, find_processors
from tests.versions import CASES, judge, make, read

RAISE = (
    "\nIf another outcome is meant: raise `version` of {module}, run `python -m tests.versions {name}` and commit "
    "tests/unit/processor_versions.json with it."
)


def test_every_processor_is_watched():
    ours = {
        name for name, one in find_processors().processors.items() if type(one).__module__.startswith("processors.")
    }
    assert ours == CASES.keys() == read().keys()


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_processor_that_makes_something_else_has_another_version(name, tmp_path):
    processor = find_processor(name)
    made = json.loads(json.dumps(make(name, tmp_path)))
    said = judge(processor.version, read().get(name), made)
    assert said is None, f"{name} {said}" + RAISE.format(module=type(processor).__module__, name=name)


RASTER = {
    "band 1": [100, 0.0, 10.0, 5.0, 2.0, 2.5],
    "overviews": [],
    "words": "0123456789ab",
    "figures of item": [3.0, 1, 2, 3, 4, 5],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("band 1", [99, 0.0, 10.0, 5.0, 2.0, 2.5]),
        ("band 1", [100, 0.01, 10.0, 5.0, 2.0, 2.5]),
        ("band 1", [100, 0.0, 10.0, 5.003, 2.0, 2.5]),
        ("band 1", [100, 0.0, 10.0, 5.0, 2.0, 2.503]),
        ("words", "0123456789ac"), ("figures of item", [3.001, 1, 2, 3, 4, 5]), ("overviews", [2.0]), ("new", [1.0]),
    ],
)  # fmt: skip
def test_what_a_user_would_see_counts_as_another_outcome(name, value):
    before = {"version": "1", "makes": {"a: map.tif": RASTER}}
    made = {"a: map.tif": {**RASTER, name: value}}
    assert "a: map.tif, " + name in judge("1", before, made)
    assert judge("2", before, made) == "has version 2, recorded is 1"
    assert "map.tif: is missing" in judge("1", before, {})


def test_last_digits_do_not_count():
    before = {"version": "1", "makes": {"a: map.tif": RASTER}}
    made = copy.deepcopy(before["makes"])
    made["a: map.tif"] |= {
        "band 1": [100, 1e-4, 10.001, 5.0005, 2.0001, 2.4999],
        "figures of item": [3.0001, 1, 2, 3, 4, 5],
    }
    assert judge("1", before, made) is None
