"""Several inspectors of data files, for callers in several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import LifoQueue
from types import TracebackType
from typing import Self

from builder.enrich.inspect import TIMEOUT_S, Inspector
from builder.enrich.inspection import Inspection
from builder.references.table import Range


class Inspectors:
    """Inspects as many files at once as there are inspectors; whoever comes when none is free waits for one.

    Args:
        count: How many; each starts its child when it is first needed.
        timeout_s: As for `builder.enrich.inspect.Inspector`.
    """

    def __init__(self, count: int, *, timeout_s: float = TIMEOUT_S) -> None:
        self._all = [Inspector(timeout_s=timeout_s) for _ in range(count)]
        self._free: LifoQueue[Inspector] = LifoQueue()  # so that one child serves those who come one by one
        for one in self._all:
            self._free.put(one)

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
        one = self._free.get()
        try:
            yield one
        finally:
            self._free.put(one)
