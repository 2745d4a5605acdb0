"""Short versions of the drills: killed builds, other surroundings, full disks, two builders, a wrong clock."""

from __future__ import annotations

import pytest

from tests.drills import drill_disk, drill_identical, drill_kill


def test_a_killed_build_is_mended_by_the_next(tmp_path):
    stages, wrong, _, _ = drill_kill.drill(tmp_path, 2, keep=())
    assert wrong == []
    assert sum(stages.values()) == 2
    assert not stages["lived"]


def test_other_surroundings_build_the_same_tree(tmp_path):
    files, fresh, rebuilt = drill_identical.drill(tmp_path, keep=(), surroundings=drill_identical.SURROUNDINGS[:2])
    assert files > 30
    assert (fresh, rebuilt) == ([], [])


@pytest.mark.parametrize("name", drill_disk.DRILLS)
def test_the_machine_fails(name, tmp_path):
    done, figures = drill_disk.DRILLS[name](tmp_path)
    assert done, figures
