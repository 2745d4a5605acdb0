"""A scratch database on disk, for one run and one thread; it has no name and goes with its connection."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

_SETTINGS = """
    PRAGMA journal_mode = off;
    PRAGMA synchronous = off;
    PRAGMA locking_mode = exclusive;
    PRAGMA temp_store = file;
    PRAGMA cache_size = -2000;
"""


class Database:
    """Tables that are written once and read in any order.

    Args:
        folder: Where the file may lie.
        tables: The statements that make them.
    """

    def __init__(self, folder: Path, tables: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        handle, name = tempfile.mkstemp(dir=folder)
        os.close(handle)
        self._base = sqlite3.connect(name, isolation_level=None)
        try:
            self._base.executescript(f"{_SETTINGS}{tables};BEGIN;")
        except sqlite3.Error as trouble:
            raise _full(trouble, folder) from trouble
        finally:
            Path(name).unlink()

    def ask(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
        """Ask for rows, or change some.

        Raises:
            OSError: There is no room on the disk, or it is broken.
        """
        try:
            return self._base.execute(sql, values)
        except sqlite3.Error as trouble:
            raise _full(trouble, self._folder) from trouble

    def close(self) -> None:
        """Give the file back."""
        self._base.close()


def _full(trouble: sqlite3.Error, folder: Path) -> OSError:
    """Say what went wrong with the database as what it is: no room on the disk, or a broken one."""
    number = errno.ENOSPC if trouble.sqlite_errorcode == sqlite3.SQLITE_FULL else errno.EIO
    return OSError(number, f"the scratch folder cannot be used: {trouble}", str(folder))
