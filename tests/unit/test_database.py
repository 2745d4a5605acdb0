"""A scratch database leaves no file, and a full disk is told as what it is."""

from __future__ import annotations

import errno
import os
import shutil
from types import SimpleNamespace

import pytest

from builder.database import Database
from builder.memory.state import open_state
from builder.room import full_named
from builder.tree import write_atomic


def test_rows_are_given_back_and_no_file_is_left(tmp_path):
    base = Database(tmp_path / "new", "CREATE TABLE t (a TEXT)")
    for number in range(20_000):
        base.ask("INSERT INTO t VALUES (?)", (f"{number:0500}",))
    assert base.ask("SELECT count(*), max(a) FROM t").fetchone() == (20_000, f"{19_999:0500}")
    assert list((tmp_path / "new").iterdir()) == []
    base.close()


def test_a_full_disk_is_no_error_of_the_database(tmp_path):
    base = Database(tmp_path, "CREATE TABLE t (a TEXT); PRAGMA max_page_count = 3")
    with pytest.raises(OSError, match="scratch folder cannot be used: database or disk is full") as caught:
        base.ask("INSERT INTO t VALUES (?)", ("x" * 100_000,))
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path))
    with pytest.raises(OSError, match="scratch folder"):
        Database(tmp_path, "CREATE TABEL t")


def full():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    yield b""


def test_the_folder_that_is_full_is_named(tmp_path, monkeypatch):
    with pytest.raises(OSError, match="No space") as caught:
        write_atomic(tmp_path / "reports/report.json", full())
    assert caught.value.filename == str(tmp_path / "reports")
    with pytest.raises(OSError, match="No space") as caught, open_state(tmp_path / "state"):
        next(full())
    assert caught.value.filename == str(tmp_path / "state")

    def usage(folder):
        return SimpleNamespace(free={"a": 10, "b": 0, "c": 5}[folder.name])

    monkeypatch.setattr(shutil, "disk_usage", usage)
    with pytest.raises(OSError, match="No space") as caught, full_named(*(tmp_path / name for name in "abc")):
        next(full())
    assert caught.value.filename == str(tmp_path / "b")
    with pytest.raises(OSError, match="denied") as caught, full_named(tmp_path):
        raise OSError(errno.EACCES, "denied")
    assert caught.value.filename is None
