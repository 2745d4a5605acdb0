"""Fixtures every suite uses."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import orjson
import pytest

from builder.enrich import joining
from tests.browser import TOOLS, chromium

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def unasked_hosts(monkeypatch):
    """Let no test wait for an earlier one whose server had the same port."""
    monkeypatch.setattr("builder.sources.limits._hosts", {})


@pytest.fixture(autouse=True, scope="session")
def granules_joined_here():
    """Join granules in the process of the tests: a child for each build takes a second; `test_joining` has its own."""

    def join_here(parts, folder):
        from builder.enrich.joinworker import join

        said = orjson.dumps(join(joining.request(parts, folder)))
        return joining.result(orjson.loads(said), folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builder.gathering.stack.join_apart", join_here)
        yield


@pytest.fixture(autouse=True, scope="session")
def tables_written_here():
    """Write tables in the process of the tests: a child for each build takes half its time; `test_desk` has its own."""

    def carry_out_here(orders):
        from builder.tables.clerk import carry_out

        carry_out(orders)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builder.desk.carry_out_apart", carry_out_here)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded partner data, or a skip that says where it was looked for."""
    folder = Path(os.environ.get("IAOS_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"recorded partner data not found at {folder} (set IAOS_TEST_DATA)")
    return folder


@pytest.fixture(scope="session")
def tools(tmp_path_factory) -> Path:
    """A folder with what drives Chromium and judges pages, or a skip where it cannot be had."""
    if chromium() is None or shutil.which("npm") is None:
        pytest.skip("needs Chromium and npm")
    folder = tmp_path_factory.mktemp("tools")
    (folder / "package.json").write_text("{}")
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *TOOLS], cwd=folder, check=True)
    return folder
