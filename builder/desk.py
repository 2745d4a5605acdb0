"""Has tables and the search index written by a child process, which gives its libraries and memory back at its end.

pyarrow and what it loads take more memory than all else of a build.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from builder.enrich.inspect import environment
from builder.errors import IaosError

_GIVING_BACK = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_MMAP_THRESHOLD_": "65536"}
"""Has the child give large pieces of memory back as soon as they are free (``man 3 mallopt``)."""


@dataclass
class Desk:
    """Collects orders; one child works on all of them.

    Args:
        target: The published folder.
        staging: Scratch folder with what is about to be published; what is written comes to lie beside it.
    """

    target: Path
    staging: Path
    _orders: list[dict[str, Any]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def new_file(self) -> Path:
        """Return a place for a file that is handed over or written; nothing of the catalogue has such a name."""
        folder = self.staging / ".desk"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / str(next(self._numbers))

    def table_of_items(self, items: Path, folder: str, about: dict[str, Any], before: tuple[str, str] | None) -> Path:
        """Order the table of Items; it is there after `work`, and beside it, under ``.key``, its key.

        Args:
            items: File with JSON lines for Items that follow each other: the share of the row of each, the distinct
                shapes of these rows, and whether all are as before.
            folder: In which the Items lie, each under its id.
            about: What the table says of itself.
            before: File and key of the table of the build before.
        """
        return self._order("items", items=str(items), folder=folder, about=about, before=before)

    def table(self, rows: Sequence[dict[str, Any]]) -> Path:
        """Order a table of rows."""
        return self._order("rows", rows=rows)

    def index(self, lines: Sequence[tuple[str, str]], shelves: Sequence[tuple[str, ...]]) -> Path:
        """Order the search index; a folder with its files is there after `work`.

        Args:
            lines: Collection, and the file with a line for each of its items; empty if there is none.
            shelves: Fields of all collections as `builder.index.described.Shelf` has them.
        """
        return self._order("index", lines=lines, shelves=shelves)

    def work(self) -> None:
        """Have all orders carried out.

        Raises:
            IaosError: The child did not come to its end.
        """
        if not self._orders:
            return
        roots = {"target": str(self.target), "staging": str(self.staging)}
        carry_out_apart(orjson.dumps(roots | {"orders": self._orders}))
        self._orders.clear()

    def _order(self, kind: str, **what: Any) -> Path:
        result = self.new_file()
        self._orders.append({"kind": kind, "result": str(result), **what})
        return result


def carry_out_apart(orders: bytes) -> None:
    """Have `builder.tables.clerk` carry out orders in a child process.

    Raises:
        IaosError: The child did not come to its end.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-m", "builder.tables.clerk"],
        input=orders,
        capture_output=True,
        env=environment() | _GIVING_BACK,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.decode(errors="replace").strip() or f"status {done.returncode}").splitlines()[-1]
        raise IaosError(f"tables cannot be written: {last}", hint="is there room on the disk, and memory?")
