"""A short run of the byte-mutation fuzz; the long one is tests/drills/drill_fuzz.py."""

from __future__ import annotations

from tests.hostile.mutants import KINDS, run


def test_mutants_never_hurt_the_parent(tmp_path):
    outcome = run(tmp_path, seconds=10, seed=20260101)
    kinds = {name.split()[0] for name in outcome.counts}
    assert kinds == set(KINDS)
    assert any("unreadable" in name for name in outcome.counts)
    assert any(name.endswith("read") for name in outcome.counts)
    assert outcome.grown_mb < 100  # megabytes; the files have 10 kilobytes
