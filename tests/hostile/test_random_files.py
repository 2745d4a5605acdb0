"""A short run of random files; the long one is tests/drills/drill_random.py."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest

from builder.findings import Finding, Severity
from tests.hostile import randomchecks
from tests.hostile.randomchecks import READABLE, built, referenced
from tests.hostile.randomfiles import WRITERS, write


@pytest.mark.parametrize("kind", ["hdf5", "netcdf"])
def test_references_of_random_files_read_as_the_files(tmp_path, kind):
    outcomes = Counter(referenced(kind, tmp_path, seed) for seed in range(12))
    assert outcomes[READABLE] >= 6, outcomes


@pytest.mark.parametrize("kind", ["cf", "geotiff", "text"])
def test_a_build_of_random_files_loses_none_without_a_word(tmp_path, kind):
    outcomes = built(kind, tmp_path, range(6))
    assert outcomes["in the catalogue"] >= 5, outcomes


def test_a_reference_one_byte_beside_its_chunk_is_noticed(tmp_path, monkeypatch):
    true = randomchecks.make_references

    def beside(path, kind, href):
        body, key, findings = true(path, kind, href)
        made = orjson.loads(body)
        for chunk in made["refs"].values():
            if isinstance(chunk, list) and len(chunk) == 3:
                chunk[1] += 1
        return orjson.dumps(made), key, findings

    assert referenced("netcdf", tmp_path, 0) == READABLE
    monkeypatch.setattr(randomchecks, "make_references", beside)
    noticed = 0
    for seed in range(12):
        try:
            referenced("netcdf", tmp_path, seed)
        except Exception:
            noticed += 1
    assert noticed


def test_a_file_that_is_lost_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(randomchecks, "_assets", lambda out: ())
    with pytest.raises(AssertionError, match="neither in the catalogue nor in an error"):
        built("text", tmp_path, range(3))


def test_a_record_that_the_code_stumbles_over_is_noticed(tmp_path, monkeypatch):
    true = randomchecks.build

    def stumbling(request, advance):
        run = true(request, advance)
        found = Finding("record.unexpected", Severity.ERROR, "a", "cannot be built")
        one = run.collections[0]
        object.__setattr__(one, "findings", (*one.findings, found))
        return run

    monkeypatch.setattr(randomchecks, "build", stumbling)
    with pytest.raises(AssertionError, match="cannot be built"):
        built("text", tmp_path, range(3))


@pytest.mark.parametrize("kind", WRITERS)
def test_a_seed_gives_the_same_file_again(tmp_path, kind):
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
    for seed in range(5):
        first, second = (write(kind, tmp_path / folder, seed) for folder in ("first", "second"))
        assert (first is None) == (second is None)
        if first is not None and kind not in {"hdf5", "netcdf", "cf"}:  # HDF5 says when its objects were made
            assert first.read_bytes() == second.read_bytes()
