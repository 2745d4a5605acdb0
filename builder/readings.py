"""What records were read as while inputs for processors were looked for, so that none is described twice in a night."""

from __future__ import annotations

import pickle
import tempfile
import zlib
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from builder.dataset import Dataset
    from builder.enrich.inspection import Inspection
    from builder.sources.protocol import Record

Described: TypeAlias = "tuple[Dataset, Inspection | None]"
"""A record as it was understood, and what its data file said."""


class Readings:
    """Keeps descriptions in a scratch file, as many as there are, in the memory of a few.

    Args:
        folder: Where the scratch file may lie; it has no name and goes with the process.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (lives as long as this)
        self._places: dict[tuple[str, str, str], tuple[int, int]] = {}

    def __enter__(self) -> Self:
        """Keep until the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, what: object, trace: TracebackType | None) -> None:
        """Give the scratch file back."""
        self._file.close()

    def keep(self, collection: str, record: Record, described: Described) -> None:
        """Remember what a record of a collection was read as."""
        data = zlib.compress(pickle.dumps(described, pickle.HIGHEST_PROTOCOL), 1)
        start = self._file.seek(0, 2)
        self._file.write(data)
        self._places[collection, record.identifier, record.sha256] = start, len(data)

    def take(self, collection: str, record: Record) -> Described | None:
        """Return what a record was read as in this night, once; None where it was not read yet."""
        place = self._places.pop((collection, record.identifier, record.sha256), None)
        if place is None:
            return None
        self._file.seek(place[0])
        found: Described = pickle.loads(zlib.decompress(self._file.read(place[1])))  # noqa: S301  (written above)
        return found
