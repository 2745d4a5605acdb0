"""Work for the tests of the engine, importable by every worker."""

from __future__ import annotations

import os
import signal
import time
from hashlib import sha256
from pathlib import Path

_BLOCK = bytes(1 << 20)


def covariance(seed):
    """The bytes of a matrix product, whose last digits depend on the number of BLAS threads."""
    import numpy as np

    matrix = np.random.default_rng(seed).normal(size=(300, 300))
    return (matrix @ matrix.T).tobytes()


def own_process(batch):
    """The number of the process."""
    return os.getpid()


def digest(megabytes, batch):
    """Digest so much, which takes a processor with SHA instructions 0.5 to 1 ms per megabyte."""
    found = sha256(str(batch).encode())
    for _ in range(megabytes):
        found.update(_BLOCK)
    return found.hexdigest()


def threads_after(module, load):
    """How many threads each library of the own process uses; then, if told so, load a module."""
    from importlib import import_module

    from threadpoolctl import threadpool_info

    found = {library["filepath"]: library["num_threads"] for library in threadpool_info()}
    if load:
        import_module(module)
    return found


def blas_threads_beside():
    """How many BLAS threads a process has, and how many a batch when the one in the thread beside it has ended."""
    from concurrent.futures import ThreadPoolExecutor
    from threading import Event, Thread

    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_info, threadpool_limits

    from processors.engine import _alone

    began, beside = Event(), Event()

    def blas_threads():
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    def short(batch):
        began.set()
        return beside.wait(30)

    def long(batch):
        beside.set()
        first.result(30)
        return blas_threads()

    setting = Thread(target=threadpool_limits, args=(2,))
    setting.start()
    setting.join()
    with ThreadPoolExecutor(2) as pool:
        before = blas_threads()
        first = pool.submit(_alone, short, 0)
        began.wait(30)
        return before, pool.submit(_alone, long, 1).result()


def die_once(marker, batch):
    """Kill the own process the first time batch 3 comes."""
    if batch == 3 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return batch * batch


def die_always(batch):
    """Kill the own process."""
    os.kill(os.getpid(), signal.SIGKILL)
    return batch


def announce(folder, batch):
    """Leave the own process's id, then take a while."""
    (Path(folder) / f"{batch}-{os.getpid()}").touch()
    time.sleep(0.15)
    return batch, os.getpid()


def refuse(batch):
    """Refuse, as a processor does."""
    from processors.errors import Refusal

    raise Refusal("batch is empty", f"batch {batch}", "give it values")
