"""Fixtures every suite uses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded partner data, or a skip that says where it was looked for."""
    folder = Path(os.environ.get("IAOS_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"recorded partner data not found at {folder} (set IAOS_TEST_DATA)")
    return folder
