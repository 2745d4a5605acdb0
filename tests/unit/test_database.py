"""A scratch database leaves no file, and a full disk is told as what it is."""

from __future__ import annotations

import pytest

from builder.database import Database


def test_rows_are_given_back_and_no_file_is_left(tmp_path):
    base = Database(tmp_path / "new", "CREATE TABLE t (a TEXT)")
    for number in range(20_000):
        base.ask("INSERT INTO t VALUES (?)", (f"{number:0500}",))
    assert base.ask("SELECT count(*), max(a) FROM t").fetchone() == (20_000, f"{19_999:0500}")
    assert list((tmp_path / "new").iterdir()) == []
    base.close()


def test_a_full_disk_is_no_error_of_the_database(tmp_path):
    base = Database(tmp_path, "CREATE TABLE t (a TEXT); PRAGMA max_page_count = 3")
    with pytest.raises(OSError, match="scratch folder cannot be used: database or disk is full"):
        base.ask("INSERT INTO t VALUES (?)", ("x" * 100_000,))
    with pytest.raises(OSError, match="scratch folder"):
        Database(tmp_path, "CREATE TABEL t")
