"""Progress on long work: a bar on a terminal, silence elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Advance(Protocol):
    """Tells that one more thing of a task is done."""

    def __call__(self, task: str) -> None:
        """Count one for the named task."""
        ...


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Advance]:
    """Show a counter per task on stderr while the block runs; nothing when it is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda task: None  # noqa: ARG005  (nothing to show)
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, int] = {}

        def advance(task: str) -> None:
            if task not in tasks:
                tasks[task] = bars.add_task(task, total=None)
            bars.advance(tasks[task])  # type: ignore[arg-type]

        yield advance
