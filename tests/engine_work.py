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


def digest(batch):
    """Digest some 60 MB, which takes a processor with SHA instructions some 60 ms."""
    found = sha256(str(batch).encode())
    for _ in range(60):
        found.update(_BLOCK)
    return found.hexdigest()


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
