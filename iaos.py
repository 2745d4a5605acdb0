"""The face for script writers: `open` and `extract` data, and search a catalogue by its `Client`."""

from builder.reading.extract import extract
from builder.reading.opening import open  # noqa: A004
from builder.search import Client

__all__ = ["Client", "extract", "open"]
