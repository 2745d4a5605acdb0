"""The command line: every command answers for help, is documented, and loads nothing heavy before it works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from builder.cli import COMMANDS, group

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "xarray",
    "kerchunk",
    "netCDF4",
    "h5py",
    "pystac",
    "sklearn",
    "gstools",
    "rasterio",
    "stactools",
    "numpy",
    "pydantic",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_a_page(command):
    done = CliRunner().invoke(group, [command, "--help"])
    assert done.exit_code == 0, done.output
    assert f"iaos {command}" in (ROOT / "docs" / "commands.md").read_text("utf-8")


def test_every_option_is_in_the_command_reference():
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    context = group.make_context("iaos", [], resilient_parsing=True)
    missing = [
        f"{name} {option}"
        for name in COMMANDS
        for parameter in group.get_command(context, name).params
        for option in parameter.opts
        if option.startswith("--") and f"`{option}" not in page
    ]
    assert missing == []


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from builder.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_unknown_command_is_a_usage_error():
    done = subprocess.run([sys.executable, "-m", "builder", "biuld"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "biuld" in done.stderr
    assert "Traceback" not in done.stderr
