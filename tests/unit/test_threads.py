"""Work for several collections goes on at the same time, and all of it ends when the run is broken off."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from builder.threads import in_threads


def test_results_come_in_the_order_of_the_work_done_at_the_same_time():
    both = threading.Barrier(2)

    def work(one, step):
        both.wait(10)
        step(one)
        return one.upper()

    steps = []
    assert in_threads(work, ["a", "b"], 2, steps.append) == ["A", "B"]
    assert sorted(steps) == ["a", "b"]
    assert in_threads(work, [], 2, steps.append) == []


@pytest.fixture
def interruptible():
    """Ctrl-C is what it is in a terminal, even where the tests run in the background, which is started without."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("order", [["breaks", "long", "late"], ["long", "breaks", "late"]], ids=["first", "second"])
@pytest.mark.parametrize("cause", ["error", "signal"])
def test_all_work_ends_at_its_next_step_when_the_run_is_broken_off(cause, order):
    steps, begun = [], threading.Barrier(2)

    def work(one, step):
        if one != "late":
            begun.wait(10)
        if one == "breaks":
            if cause == "error":
                raise OSError("the disk is full")
            time.sleep(0.3)  # as a user does it: when the main thread has long been waiting
            os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            step(one)
            time.sleep(0.02)

    with pytest.raises(OSError if cause == "error" else KeyboardInterrupt):
        in_threads(work, order, 2, steps.append)
    assert steps.count("long") < 500
    assert "late" not in steps
