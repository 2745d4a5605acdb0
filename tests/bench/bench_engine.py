"""The seam for parallel work: our engines beside a bare ProcessPoolExecutor, on batches of some 60 ms of work.

Two workers each, which have started and done a batch before they are timed; medians of five runs, in turns (`--quick`:
one). Goal (design of the data half): a remote Dask scheduler keeps at least 0.9 of the bare pool's throughput.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from processors.engine import open_engine  # noqa: E402
from tests.engine_work import digest  # noqa: E402

BATCHES = 64
WORKERS = 2


@contextmanager
def scheduler(folder: Path) -> Iterator[str]:
    """Run a Dask scheduler with two workers, each a process of its own; gives its address."""
    from distributed import Client

    file = folder / "scheduler.json"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
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


def main() -> None:
    """Measure and print."""
    runs = 1 if "--quick" in sys.argv else 5
    with tempfile.TemporaryDirectory() as name, scheduler(Path(name)) as address, ExitStack() as stack:
        pool = stack.enter_context(ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")))
        sides = {"ProcessPoolExecutor": lambda batches: list(pool.map(digest, batches))}
        for kind in ("processes", address):
            engine = stack.enter_context(open_engine(kind, Path(name), workers=WORKERS))
            label = "iaos, processes" if kind == "processes" else "iaos, tcp scheduler"
            sides[label] = lambda batches, engine=engine: list(engine.map(digest, batches))
        answers = {label: side(range(4)) for label, side in sides.items()}
        assert len(set(map(tuple, answers.values()))) == 1, "the engines disagree"
        taken: dict[str, list[float]] = {label: [] for label in sides}
        for _ in range(runs):
            for label, side in sides.items():
                began = time.perf_counter()
                side(range(BATCHES))
                taken[label].append(time.perf_counter() - began)
        bare = statistics.median(taken["ProcessPoolExecutor"])
        for label, times in taken.items():
            median = statistics.median(times)
            print(f"{label:22} {BATCHES / median:7.1f} batches/s   throughput {bare / median:5.2f}   goal >= 0.9 (tcp)")


if __name__ == "__main__":
    main()
