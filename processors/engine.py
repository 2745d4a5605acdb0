"""The one seam for parallel work: the same batches, in the same order, on threads, processes or a Dask cluster."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from signal import SIG_DFL, SIGINT, default_int_handler, getsignal, signal
from threading import Thread
from typing import Any, Protocol, TypeVar, cast

from processors.cores import cores
from processors.errors import Refusal, WorkerLostError

Batch = TypeVar("Batch")
Result = TypeVar("Result")

ENGINES = ("inline", "threads", "processes", "dask", "tcp://HOST:PORT")
ATTEMPTS = 4
"""How often a batch is tried when its worker dies under it."""


class Submit(Protocol):
    """Starts a batch and returns what waits for its result."""

    def __call__(self, function: Callable[[Any], Any], batch: Any, /) -> Callable[[], Any]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Engine:
    """Where a processor works.

    Attributes:
        folder: Empty folder for the files it makes.
        submit: How a batch is started.
        ahead: How many batches may be under way at once.
        advance: Told of each finished batch.
    """

    folder: Path
    submit: Submit
    ahead: int
    advance: Callable[[str], None]

    def map(
        self, function: Callable[[Batch], Result], batches: Iterable[Batch], *, task: str = "compute"
    ) -> Iterator[Result]:
        """Yield ``function(batch)`` for each batch, in the order of the batches.

        Batches are taken when there is room, so a generator of many large ones needs memory for a few only.
        A batch whose worker is lost is done again elsewhere; every batch computes with one BLAS thread, so
        that results do not depend on where they were computed.

        Args:
            function: A module-level function (or a `functools.partial` of one): it must be importable elsewhere.
            batches: Values, not paths below ``folder``: a remote worker has another disk. Some 50 ms of work or
                more each.
            task: What the progress display calls it.

        Raises:
            WorkerLostError: A batch lost its worker again and again.
        """
        pending: deque[Callable[[], Result]] = deque()
        for batch in batches:
            pending.append(self.submit(function, batch))
            if len(pending) >= self.ahead:
                yield self._next(pending, task)
        while pending:
            yield self._next(pending, task)

    def _next(self, pending: deque[Callable[[], Result]], task: str) -> Result:
        result = pending.popleft()()
        self.advance(task)
        return result


@contextmanager
def open_engine(
    kind: str, folder: Path, *, workers: int | None = None, advance: Callable[[str], None] | None = None
) -> Iterator[Engine]:
    """Open an engine; its workers end with the block.

    Args:
        kind: One of `ENGINES`; ``tcp://host:8786`` (or ``tls://``) is a Dask scheduler that runs already and whose
            workers have this package.
        folder: Where products are made; it must exist.
        workers: How many; as many as there are processors where not given.
        advance: Told of each finished batch.

    Raises:
        Refusal: The engine is unknown or does not answer.
    """
    count, tell = workers or cores(), advance or _silent
    with ExitStack() as stack:
        stack.enter_context(_one_thread())
        if kind == "inline":
            yield Engine(folder, _inline, 1, tell)
        else:
            submit, count = stack.enter_context(_pool(kind, count))
            yield Engine(folder, submit, 2 * count, tell)


def _silent(task: str) -> None:
    del task


def _pool(kind: str, workers: int) -> AbstractContextManager[tuple[Submit, int]]:
    if kind == "threads":
        return _threads(workers)
    if kind == "processes":
        return _processes(workers)
    if kind == "dask" or kind.startswith(("tcp://", "tls://")):
        return _dask(kind, workers)
    raise Refusal(f"unknown engine {kind!r}", "--engine", f"choose one of: {', '.join(ENGINES)}")


def _inline(function: Callable[[Any], Any], batch: Any) -> Callable[[], Any]:
    return partial(function, batch)


@contextmanager
def _threads(workers: int) -> Iterator[tuple[Submit, int]]:
    pool = ThreadPoolExecutor(workers)
    try:
        yield lambda function, batch: pool.submit(function, batch).result, workers
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _processes(workers: int) -> Iterator[tuple[Submit, int]]:
    with open_processes(workers, _alone) as submit:
        yield submit, workers


@contextmanager
def open_processes(workers: int, run: Callable[[Any, Any], Any] | None = None) -> Iterator[Submit]:
    """Open worker processes for what does not compute with BLAS: to limit its threads takes 20 MB in each.

    Args:
        workers: How many.
        run: Calls a function with a batch in a worker.
    """
    pool = _Processes(workers, run or _plainly)
    try:
        yield pool.submit
    finally:
        pool.executor.shutdown(cancel_futures=True)


class _Processes:
    """Fresh processes (not forks, which inherit locks of threads), replaced together when one of them dies."""

    def __init__(self, workers: int, run: Callable[[Any, Any], Any]) -> None:
        self._workers, self._run = workers, run
        self.executor = self._start()

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._workers, mp_context=get_context("spawn"), initializer=_begin_worker)

    def submit(self, function: Callable[[Any], Any], batch: Any) -> Callable[[], Any]:
        return partial(self._result, function, batch, *self._begin(function, batch))

    def _begin(self, function: Callable[[Any], Any], batch: Any) -> tuple[ProcessPoolExecutor, Future[Any]]:
        try:
            return self.executor, self.executor.submit(self._run, function, batch)
        except BrokenProcessPool:
            self.executor = self._start()
            return self.executor, self.executor.submit(self._run, function, batch)

    def _result(
        self, function: Callable[[Any], Any], batch: Any, executor: ProcessPoolExecutor, future: Future[Any]
    ) -> Any:
        for _ in range(ATTEMPTS):
            try:
                return future.result()
            except BrokenProcessPool:
                if self.executor is executor:
                    self.executor = self._start()
                executor, future = self._begin(function, batch)
        raise _lost("a process")


@contextmanager
def _dask(address: str, workers: int) -> Iterator[tuple[Submit, int]]:
    import dask
    from distributed import Client, LocalCluster
    from distributed.scheduler import KilledWorker

    with ExitStack() as stack:
        settings = {
            "distributed.comm.timeouts.connect": "5s",
            "distributed.scheduler.allowed-failures": ATTEMPTS - 1,
            "distributed.worker.profile.enabled": False,
            "distributed.admin.tick.interval": "500ms",
        }
        stack.enter_context(dask.config.set(settings))
        scheduler: Any = address
        if address == "dask":
            local = {
                "host": "127.0.0.1",
                "dashboard_address": "127.0.0.1:0",
                "threads_per_worker": 1,
                "silence_logs": 50,
            }
            scheduler = stack.enter_context(LocalCluster(n_workers=workers, **local))  # type: ignore[no-untyped-call]
        try:
            client = stack.enter_context(Client(scheduler, set_as_default=False))  # type: ignore[no-untyped-call]
        except OSError as trouble:
            raise Refusal("no Dask scheduler answers there", address, "start one with `dask scheduler`") from trouble

        def submit(function: Callable[[Any], Any], batch: Any) -> Callable[[], Any]:
            """Give one batch to the cluster; what is returned waits for it."""
            future = client.submit(_alone, function, batch, pure=False)

            def result() -> Any:
                """Wait for the batch."""
                try:
                    return future.result()
                except KilledWorker as trouble:
                    raise _lost("a Dask worker") from trouble

            return result

        cores = sum(client.nthreads().values())
        yield submit, max(cores, 1)


def _begin_worker() -> None:
    """Let a worker end without a word at Ctrl-C, and when the process that started it is gone, even if by force."""
    if getsignal(SIGINT) is default_int_handler:
        signal(SIGINT, SIG_DFL)
    Thread(target=_end_with, args=(parent_process(),), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _plainly(function: Callable[[Any], Any], batch: Any) -> Any:
    return function(batch)


def _alone(function: Callable[[Any], Any], batch: Any) -> Any:
    """Compute in a worker process with one BLAS thread, which keeps the order of summation.

    The limit stays: a worker of Dask may have several threads, and the one that ends first would lift it for all.
    """
    _libraries(len(sys.modules)).limit(limits=1)
    return function(batch)


def _one_thread() -> AbstractContextManager[object]:
    return cast(AbstractContextManager[object], _libraries(len(sys.modules)).limit(limits=1))


@lru_cache(maxsize=1)
def _libraries(loaded: int) -> Any:
    """Find the BLAS of NumPy and of SciPy, and what else has threads; again when modules were loaded since.

    To look costs a millisecond, more than to limit them.
    """
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController

    del loaded
    return ThreadpoolController()


def _lost(what: str) -> WorkerLostError:
    return WorkerLostError(
        f"{what} was lost {ATTEMPTS} times on the same batch", hint="give it more memory, or use fewer workers"
    )
