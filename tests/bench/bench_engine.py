"""The seam for parallel work: our engines beside a bare ProcessPoolExecutor, on batches of some 60 ms of work.

Two workers each, which have started and done a batch before they are timed; medians of five rounds (`--quick`: one),
in each of which every side is opened, timed and closed. The processor time is that of all processes of a side, so it
stands where other work disturbs the clock. The Dask scheduler is measured with the settings that docs/processing.md
advises, and as it comes. Goal (design of the data half): a remote Dask scheduler keeps at least 0.9 of the bare pool's
throughput. Where workers, scheduler and client share two processors, that is the ratio of the processor times at best.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from processors.engine import open_engine  # noqa: E402
from tests.engine_work import digest  # noqa: E402

BATCHES = 64
WORKERS = 2
BATCH_S = 0.06
ADVISED = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False", "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "500ms"}

Side = Callable[[Any], list[str]]


@contextmanager
def scheduler(folder: Path, settings: dict[str, str]) -> Iterator[str]:
    """Run a Dask scheduler with two workers, each a process of its own; gives its address."""
    from distributed import Client

    file = folder / f"scheduler-{time.monotonic_ns()}.json"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
    with ExitStack() as stack:

        def start(*words: str) -> None:
            command = [sys.executable, "-m", "dask", *words, "--no-dashboard", "--scheduler-file", str(file)]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            child = subprocess.Popen(command, env=environment, cwd=folder, **quiet)
            stack.callback(child.wait)
            stack.callback(child.terminate)

        start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-show")
        while not (file.exists() and file.read_text()):
            time.sleep(0.1)
        for _ in range(WORKERS):
            start("worker", "--nthreads", "1", "--no-nanny")
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(WORKERS, timeout=60)
            address = str(client.scheduler.address)
        yield address


@contextmanager
def bare_pool(work: Callable[[int], str]) -> Iterator[Side]:
    """Open a pool as the standard library has it."""
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        yield lambda batches: list(pool.map(work, batches))


@contextmanager
def engine_of(work: Callable[[int], str], folder: Path, kind: str, settings: dict[str, str]) -> Iterator[Side]:
    """Open one of our engines."""
    with ExitStack() as stack:
        where = stack.enter_context(scheduler(folder, settings)) if kind == "tcp" else kind
        engine = stack.enter_context(open_engine(where, folder, workers=WORKERS))
        yield lambda batches: list(engine.map(work, batches))


def processor_s() -> float:
    """Processor time of this process and of those it runs."""
    own = psutil.Process()
    times = [process.cpu_times() for process in (own, *own.children(recursive=True))]
    return sum(time.user + time.system for time in times)


def megabytes_of_a_batch() -> int:
    """How much to digest for a batch of the length wanted."""
    began = time.process_time()
    digest(500, 0)
    return round(500 * BATCH_S / (time.process_time() - began))


def measure(side: AbstractContextManager[Side]) -> tuple[float, float, list[str]]:
    """Return wall and processor time of the batches, and what they gave."""
    with side as run:
        run(range(2 * WORKERS))
        wall, processor = time.perf_counter(), processor_s()
        answers = run(range(BATCHES))
        return time.perf_counter() - wall, processor_s() - processor, answers


def main() -> None:
    """Measure and print."""
    megabytes = megabytes_of_a_batch()
    work = partial(digest, megabytes)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sides = {
            "ProcessPoolExecutor": partial(bare_pool, work),
            "iaos, processes": partial(engine_of, work, folder, "processes", {}),
            "iaos, tcp scheduler": partial(engine_of, work, folder, "tcp", ADVISED),
            "... Dask as it comes": partial(engine_of, work, folder, "tcp", {}),
            "iaos, dask": partial(engine_of, work, folder, "dask", {}),
        }
        taken: dict[str, list[tuple[float, float]]] = {label: [] for label in sides}
        for _ in range(1 if "--quick" in sys.argv else 5):
            answers = {}
            for label, side in sides.items():
                wall, processor, answers[label] = measure(side())
                taken[label].append((wall, processor))
            assert len(set(map(tuple, answers.values()))) == 1, "the engines disagree"
    bare = [statistics.median(column) for column in zip(*taken["ProcessPoolExecutor"], strict=True)]
    print(f"{BATCHES} batches of {1000 * bare[1] / BATCHES:.0f} ms ({megabytes} MB); goal >= 0.9 (tcp)")
    for label, times in taken.items():
        wall, processor = (statistics.median(column) for column in zip(*times, strict=True))
        print(
            f"{label:22} {BATCHES / wall:5.1f} batches/s, {bare[0] / wall:4.2f} of the pool; "
            f"processor {1000 * processor / BATCHES:5.1f} ms a batch, {bare[1] / processor:4.2f}"
        )


if __name__ == "__main__":
    main()
