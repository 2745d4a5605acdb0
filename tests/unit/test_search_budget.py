"""What the search page reads of a large index until it shows twenty titles; it finds what brute force finds."""

from __future__ import annotations

import numpy as np
import pytest

from builder.search.asked import asked_of
from builder.search.page import Index
from builder.search.places import files_of
from tests import searching

MANY = 100_000
ITEMS = searching.invent(MANY)
QUESTIONS = {kind: (address, answers(ITEMS)) for kind, (address, answers) in searching.QUESTIONS.items()}
REQUESTS = 50


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return searching.write(tmp_path_factory.mktemp("index"), ITEMS)


@pytest.mark.parametrize("kind", QUESTIONS)
def test_the_first_titles_cost_little_whatever_is_asked(folder, kind):
    address, wanted = QUESTIONS[kind]
    index = Index(files_of(str(folder)))
    shown = searching.first_result(index, asked_of(address))
    assert 0 < shown <= min(wanted.sum(), searching.TITLES)
    places = sum(map(len, index.parts("places", ()).values()))
    assert shown == min(wanted.sum(), searching.TITLES) or places > searching.FIRST_PLACES
    assert index.read <= searching.LIMIT
    assert index.requests <= REQUESTS


@pytest.mark.parametrize("kind", QUESTIONS)
def test_every_kind_of_question_finds_what_brute_force_finds(folder, kind):
    address, wanted = QUESTIONS[kind]
    index = Index(files_of(str(folder)))
    numbers = [int(name.removeprefix("cast-")) for _, name in index.ids(asked_of(address))]
    assert sorted(numbers) == np.flatnonzero(wanted).tolist()
    # What a reader of the whole index reads is far more than any first result, so the budget says something.
    assert sum(file.stat().st_size for file in (folder / "search").iterdir()) > 8 * searching.LIMIT
