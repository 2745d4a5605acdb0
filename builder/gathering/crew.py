"""Shares the making of many records in a row among worker processes; a few are made in the process of the build."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from builder.datafiles.readings import size_of
from builder.findings import error
from builder.gathering.making import Maker, Outcome, Task, make_apart
from processors.cores import cores

if TYPE_CHECKING:
    from builder.gathering.memo import Fresh

MANY = 1000
"""So many records in a row are worth starting workers, which takes a second of a processor each."""

MOST_WORKERS = 4
"""More would wait for the process of the build, which adds what they make."""

MOST_IN_BATCH = 25
MOST_BYTES = 2**20
"""About what the descriptions in a batch take of memory."""

Apart: TypeAlias = "list[tuple[Outcome, set[str]]]"
"""What `make_apart` returns."""


class Crew:
    """As many workers as there are processors, four at most; they start when first needed, and end with the block.

    They neither read the state nor ask the network nor write. Where they cannot be started, or are lost whatever
    they do, all is made in this process.
    """

    def __init__(self) -> None:
        self._workers = min(MOST_WORKERS, cores())
        self._stack = ExitStack()
        self._submit: Callable[..., Callable[[], Any]] | None = None

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(self, *trouble: object) -> None:
        """End the workers."""
        self._stack.close()

    def make(
        self, maker: Maker, news: Iterable[Fresh | None], read: Callable[[Fresh], Task], taken: set[str]
    ) -> Iterator[tuple[Task, Outcome]]:
        """Yield what becomes of records, in their order.

        Args:
            maker: Makes it.
            news: Records; at a None, what becomes of those before is yielded before the next is asked for.
            read: Reads one; called in this process and in their order.
            taken: Ids already given in this collection; those of the records are added.
        """
        row: list[Fresh] = []
        rest = iter(news)
        for fresh in rest:
            if fresh is not None:
                row.append(fresh)
            if fresh is None or self._workers == 1:
                yield from _here(maker, map(read, row), taken)
                row = []
            elif len(row) == MANY:
                more = iter(partial(next, rest, None), None)  # up to the next None
                yield from self._shared(maker, map(read, chain(row, more)), taken)
                row = []
        yield from _here(maker, map(read, row), taken)

    def _shared(self, maker: Maker, tasks: Iterator[Task], taken: set[str]) -> Iterator[tuple[Task, Outcome]]:
        pending: deque[tuple[list[Task], Callable[[], Apart]]] = deque()
        for batch in _batches(tasks):
            pending.append((batch, self._hand_out(partial(make_apart, maker), batch)))
            if len(pending) > 2 * self._workers:
                yield from self._taken_in(maker, *pending.popleft(), taken)
        while pending:
            yield from self._taken_in(maker, *pending.popleft(), taken)

    def _taken_in(
        self, maker: Maker, tasks: list[Task], result: Callable[[], Apart], taken: set[str]
    ) -> Iterator[tuple[Task, Outcome]]:
        """Yield what workers made; what took the id of another is made again."""
        for task, (outcome, ids) in zip(tasks, self._made(maker, tasks, result), strict=True):
            if taken.isdisjoint(ids):
                taken |= ids
                yield task, outcome
            else:
                yield task, maker.make(task, taken)

    def _made(self, maker: Maker, tasks: list[Task], result: Callable[[], Apart]) -> Apart:
        """Wait for a batch; of one that its workers are lost with, each record is tried by itself."""
        from processors.errors import WorkerLostError

        make = partial(make_apart, maker)
        try:
            return result()
        except WorkerLostError:
            if len(tasks) > 1:
                return [one for task in tasks for one in self._made(maker, [task], self._hand_out(make, [task]))]
            if not self._works():
                self._submit = partial
                return make(tasks)
        entry = tasks[0].entry
        message = "cannot be built: it ends the process that makes it"
        return [(Outcome([error("record.unexpected", entry.identifier, message, f"see {entry.url}")]), set())]

    def _works(self) -> bool:
        """Tell whether workers do what ends no process."""
        from processors.errors import WorkerLostError

        try:
            return bool(self._hand_out(bool, 1)())
        except WorkerLostError:
            return False

    def _hand_out(self, function: Callable[[Any], Any], batch: Any) -> Callable[[], Any]:
        from processors.engine import open_processes

        try:
            if self._submit is None:
                self._submit = self._stack.enter_context(open_processes(self._workers))
            return self._submit(function, batch)
        except OSError:  # no room for another process
            self._submit = partial
            return partial(function, batch)


def _here(maker: Maker, tasks: Iterable[Task], taken: set[str]) -> Iterator[tuple[Task, Outcome]]:
    return ((task, maker.make(task, taken)) for task in tasks)


def _batches(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    """Yield tasks that follow each other, fewer together where their data files said much."""
    batch: list[Task] = []
    size = 0
    for task in tasks:
        batch.append(task)
        size += _size(task)
        if len(batch) == MOST_IN_BATCH or size >= MOST_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _size(task: Task) -> int:
    if task.read is None:
        return 0
    record, described = task.read
    return len(record.body) + size_of(described)
