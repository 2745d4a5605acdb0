"""Does slow work for several collections at the same time, in threads that end when the run is broken off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
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
    causes: list[BaseException] = []

    def step(task: str) -> None:
        if broken_off.is_set():
            raise BrokenOffError
        advance(task)

    def guarded(one: One) -> Done:
        try:
            return work(one, step)
        except BaseException as trouble:
            causes.append(trouble)
            broken_off.set()
            raise

    with ThreadPoolExecutor(at_once) as pool:
        results = [pool.submit(guarded, one) for one in ones]
        try:
            wait(results, return_when=FIRST_EXCEPTION)
            if causes:
                raise causes[0]
            return [one.result() for one in results]
        finally:
            broken_off.set()
            pool.shutdown(wait=False, cancel_futures=True)
