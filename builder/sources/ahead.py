"""Fetches documents ahead of the one being read: in order, one at a time, or several lists side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event, Semaphore
from typing import TypeVar

AT_ONCE = 4
"""Requests in flight to one partner."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def ahead(fetch: Callable[[_In], _Out], waiting: deque[_In]) -> Iterator[tuple[_In, _Out]]:
    """Yield what ``fetch`` makes of each item, in the order of the queue.

    Args:
        fetch: Called in threads; must return its troubles rather than raise them.
        waiting: The queue; the consumer may append to it while it reads.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        flying: deque[tuple[_In, Future[_Out]]] = deque()
        try:
            while waiting or flying:
                while waiting and len(flying) < AT_ONCE:
                    item = waiting.popleft()
                    flying.append((item, pool.submit(fetch, item)))
                item, future = flying.popleft()
                yield item, future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def next_ahead(pages: Iterator[_Out]) -> Iterator[_Out]:
    """Yield each page while a thread fetches the next one; never more than one at a time is asked for."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, pages, None)
        while (page := coming.result()) is not None:
            coming = pool.submit(next, pages, None)
            yield page


def side_by_side(lists: Sequence[Iterator[_Out]], at_once: int) -> Iterator[tuple[int, _Out]]:
    """Yield what several lists give as it comes, each with the number of its list.

    So many results as there are threads wait for the consumer at most, and one in each thread. What a
    list raises is raised here and ends them all, once the requests in flight are answered.

    Args:
        lists: Each is read in one thread, to its end.
        at_once: How many are read at a time.
    """
    ready: SimpleQueue[tuple[int, _Out] | Future[None]] = SimpleQueue()
    room, over = Semaphore(at_once), Event()

    def read(number: int) -> None:
        for got in lists[number]:
            room.acquire()
            if over.is_set():
                return
            ready.put((number, got))

    with ThreadPoolExecutor(at_once) as pool:
        try:
            for number in range(len(lists)):
                pool.submit(read, number).add_done_callback(ready.put)
            left = len(lists)
            while left:
                got = ready.get()
                if isinstance(got, Future):
                    got.result()
                    left -= 1
                else:
                    room.release()
                    yield got
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            over.set()
            room.release(at_once)
