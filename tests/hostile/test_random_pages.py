"""A short run of questions to the page's reader; the long one is tests/drills/drill_random.py."""

from __future__ import annotations

import csv
import io
import shutil

import pytest

from tests.hostile.pagequestions import understood
from tests.hostile.randompages import asked_of, judged
from tests.hostile.randomshapes import lay, write

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("node") is None, reason="needs Node"),
]


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("random")
    return *asked_of(folder, range(10)), folder


def test_answers_of_the_page_to_random_files_are_those_found_by_hand(asked):
    outcomes, wrong = judged(*asked)
    assert wrong == []
    assert outcomes["same"] >= 30


def rolled(cells):
    return [*cells[1:], cells[0]]


def turned(name):
    """Return what gives each value of a column to the row before."""

    def wrong(answer, variable):
        rows = [*csv.reader(io.StringIO(answer["csv"]))]
        at = next((i for i, one in enumerate(rows[0]) if one.partition(" [")[0] == (name or variable)), None)
        if at is not None:
            for row, cell in zip(rows[1:], rolled([row[at] for row in rows[1:]]), strict=True):
                row[at] = cell
        return answer | {"csv": "\n".join(",".join(row) for row in rows)}

    return wrong


def nowhere(answer, _):
    return answer | {"place": [0.5, 0.5]}


def undrawn(answer, _):
    return answer | {"picture": {"width": 1, "values": []}, "curve": {"x": [], "y": []}}


def other_code(answer, _):
    return answer | {"python": answer["python"].replace("part = ", "part = -")}


@pytest.mark.parametrize("wrong", [turned(""), turned("time"), turned("lat"), nowhere, undrawn, other_code])
def test_an_answer_that_is_wrong_is_noticed(asked, wrong):
    files, answered, folder = asked
    spoilt = [
        got | {"answers": [one if "error" in one else wrong(one, about["variable"])
                           for about, one in zip(questions, got["answers"], strict=True)]}
        for (_, _, questions), got in zip(files, answered, strict=True)
    ]  # fmt: skip
    assert judged(files, spoilt, folder)[1]


def test_all_kinds_of_places_and_questions_come(tmp_path):
    known = []
    for seed in range(60):
        laid = lay(tmp_path / f"{seed}.nc", seed)
        try:
            write(laid, seed)
        except (ValueError, OverflowError):
            continue
        known += [understood(laid, name) for name in laid.numbers]
    assert {one.place for one in known} == {None, "one", "points", "grid", "cells", "projected"}
    assert {kind for one in known for kind in one.kinds} == {"series", "profile", "map", "subset"}
    assert {one.real for one in known} == {True, False}
