"""The command line: every command answers for help, is documented, and loads nothing heavy before it works."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from builder.cli import COMMANDS, group, main
from tests.harvesting import define

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


def test_a_worker_process_does_not_run_the_command_again(monkeypatch):
    ran = []
    monkeypatch.setattr("builder.cli.main", lambda: ran.append("main"))
    runpy.run_module("builder", run_name="__mp_main__")  # as multiprocessing loads it where it starts a process
    assert ran == []
    runpy.run_module("builder", run_name="__main__")
    assert ran == ["main"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_a_page(command):
    done = CliRunner().invoke(group, [command, "--help"])
    assert done.exit_code == 0, done.output
    assert f"iaos {command}" in (ROOT / "docs" / "commands.md").read_text("utf-8")


def test_the_command_reference_has_each_option_of_each_command_and_no_other():
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    sections = dict(re.findall(r"^### `iaos ([^`]+)`\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL))
    told = {name: set(re.findall(r"`(--[\w-]+)", text)) for name, text in sections.items()}
    real = {name: {text for text in texts if text.startswith("--")} for name, texts in options("", group)}
    assert told == real


@pytest.mark.parametrize("odd", ["b\\s", os.fsdecode(b"n\xff")])
def test_folders_below_which_libraries_find_no_files_are_refused(tmp_path, capsys, odd):
    for name in ("collections", "out", "state"):
        folders = {one: tmp_path / (odd if one == name else one) for one in ("collections", "out", "state")}
        define(folders["collections"], "c", {"type": "oai-pmh", "url": "http://127.0.0.1:9/", "metadataPrefix": "x"})
        for command in ("build", "plan", "harvest"):
            given = [f"--{one}={folder}" for one, folder in folders.items() if (command, one) != ("harvest", "out")]
            if (command, name) == ("harvest", "out"):
                continue
            with pytest.raises(SystemExit) as ended:
                main([command, *given])
            assert ended.value.code == 2
            said = capsys.readouterr().err
            assert said.count("\n") == 1
            assert said.endswith(
                "libraries do not find files at such a path (choose a path in UTF-8 without backslashes)\n"
            )


def options(name, command):
    """Yield each command below one, with all that its options are called."""
    if isinstance(command, click.Group):
        for one in command.list_commands(click.Context(command)):
            yield from options(f"{name} {one}".strip(), command.get_command(click.Context(command), one))
    else:
        parameters = [one for one in command.params if isinstance(one, click.Option)]
        yield name, [text for one in parameters for text in (*one.opts, *one.secondary_opts)]


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from builder.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--base-url", "data.example.org"),
        ("--base-url", "https://"),
        ("--oai-gateway", "gate"),
        ("--stac-browser", "ftp://x.example"),
        ("--contact", "the office"),
    ],
)
def test_what_is_no_address_is_refused_before_anything_is_built(option, value, tmp_path):
    folders = ["--collections", str(tmp_path), "--out", str(tmp_path / "out"), "--state", str(tmp_path / "state")]
    done = CliRunner().invoke(group, ["build", *folders, option, value])
    assert (done.exit_code, "is no" in done.output, (tmp_path / "out").exists()) == (2, True, False)


def test_an_unknown_command_is_a_usage_error():
    done = subprocess.run([sys.executable, "-m", "builder", "biuld"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "biuld" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("KeyError(7)", "Traceback"),
        ("RuntimeError('other')", "Traceback"),
        ('RuntimeError("can\'t start new thread")', "error: there is not enough memory: can't start new thread ("),
        ("MemoryError('13 GiB')", "error: there is not enough memory: 13 GiB ("),
    ],
)
def test_a_fault_has_no_status_with_which_a_night_is_published(trouble, said):
    code = f"import builder.cli as c\ndef fail(*_, **__): raise {trouble}\nc.group.main = fail\nc.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.startswith(said)) == (2, True), done.stderr


@pytest.mark.parametrize("epoch", ["yesterday", "1.5", "9" * 17, "9" * 30])
def test_a_clock_that_is_set_to_no_time_is_named(monkeypatch, capsys, tmp_path, epoch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    (tmp_path / "collections").mkdir()
    with pytest.raises(SystemExit, match="2"):
        main(["harvest", "--collections", str(tmp_path / "collections"), "--state", str(tmp_path / "state")])
    said = f"error: SOURCE_DATE_EPOCH: '{epoch}' is no time (give seconds since 1970)\n"
    assert capsys.readouterr().err == said


def test_what_cannot_be_put_in_its_place_is_named_by_that_place(tmp_path, capsys):
    records = [
        {
            "id": "walrus",
            "title": "Walrus",
            "description": "Seen.",
            "start": "2018-07-01",
            "end": "2018-07-31",
            "point": [-51, 70.5],
        }
    ]
    define(tmp_path / "collections", "village", {"type": "files", "records": records})
    taken = tmp_path / "state/village/nights.ndjson"
    taken.mkdir(parents=True)
    folders = ["--collections", str(tmp_path / "collections"), "--state", str(tmp_path / "state")]
    with pytest.raises(SystemExit, match="2"):
        main(["harvest", *folders])
    assert capsys.readouterr().err.startswith(f"error: {taken}: Is a directory (")
