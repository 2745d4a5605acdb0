"""Does slow work for several collections at the same time, in threads that end when the run is broken off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar

from builder.progress import Advance

One = TypeVar("One")
Done = TypeVar("Done")


class BrokenOffError(BaseException):
    """The run was broken off: by its user, or by an error in another thread. Nothing is to be made of it."""


def in_threads(work: Callable[[One, Advance], Done], ones: Sequence[One], at_once: int, advance: Advance) -> list[Done]:
    """Return the result of some work for each, in their order; after an error no other is begun.

    Args:
        work: Gets one and what it has to tell of each step; there it ends when the run is broken off.
        ones: What is to be worked on.
        at_once: Most of them at the same time.
        advance: Counts steps, for progress.
    """
    broken_off = Event()

    def step(task: str) -> None:
        if broken_off.is_set():
            raise BrokenOffError
        advance(task)

    def stop_others(ended: Future[Done]) -> None:
        if not ended.cancelled() and ended.exception():
            broken_off.set()

    with ThreadPoolExecutor(at_once) as pool:
        results = [pool.submit(work, one, step) for one in ones]
        try:
            for one in results:
                one.add_done_callback(stop_others)
            wait(results, return_when=FIRST_EXCEPTION)
            for trouble in (one.exception() for one in results if one.done()):
                if trouble and not isinstance(trouble, BrokenOffError):
                    raise trouble
            return [one.result() for one in results]
        finally:
            broken_off.set()
            pool.shutdown(wait=False, cancel_futures=True)
