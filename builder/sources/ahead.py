"""Fetches a few documents ahead of the one being read, and hands them over in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
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
