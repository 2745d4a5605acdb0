"""Several inspectors of data files, for callers in several threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import Queue
from threading import Lock
from types import TracebackType
from typing import Self

from builder.enrich.inspect import TIMEOUT_S, Inspector
from builder.enrich.inspection import Inspection
from builder.references.table import Range

WORTH_S = 3.0
"""So long callers have waited together before another child is worth its start, which takes a second or two."""


class Inspectors:
    """Inspects one file at a time, and more at once where callers have to wait for each other.

    Args:
        count: How many at once at most; each takes a child process.
        timeout_s: As for `builder.enrich.inspect.Inspector`.
    """

    def __init__(self, count: int, *, timeout_s: float = TIMEOUT_S) -> None:
        self._all = [Inspector(timeout_s=timeout_s) for _ in range(count)]
        self._free: Queue[Inspector] = Queue()
        self._free.put(self._all[0])
        self._reserve = self._all[1:]
        self._waited = 0.0
        self._counting = Lock()

    def __enter__(self) -> Self:
        """Return the inspectors."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all children."""
        with ExitStack() as stack:
            for one in self._all:
                stack.push(one)

    def inspect(self, path: Path, href: str, *, references: bool = True) -> Inspection:
        """Inspect a local file; see `builder.enrich.inspect.Inspector.inspect`."""
        with self._borrowed() as one:
            return one.inspect(path, href, references=references)

    def inspect_parts(self, path: Path, href: str, fetch: Callable[[list[Range]], None]) -> Inspection:
        """Inspect parts of a remote file; see `builder.enrich.inspect.Inspector.inspect_parts`."""
        with self._borrowed() as one:
            return one.inspect_parts(path, href, fetch)

    @contextmanager
    def _borrowed(self) -> Iterator[Inspector]:
        began = time.monotonic()
        one = self._free.get()
        with self._counting:
            self._waited += time.monotonic() - began
            if self._waited > WORTH_S and self._reserve:
                self._waited = 0.0
                self._free.put(self._reserve.pop())
        try:
            yield one
        finally:
            self._free.put(one)
