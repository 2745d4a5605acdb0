"""Says which folder has no room, where the system does not."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def full_named(*folders: Path) -> Iterator[None]:
    """Have the error of a full disk name one of the folders that are written to in this block: that with least room."""
    try:
        yield
    except OSError as trouble:
        if trouble.errno in {errno.ENOSPC, errno.EDQUOT} and trouble.filename is None:
            trouble.filename = str(min(folders, key=lambda folder: shutil.disk_usage(folder).free))
        raise
