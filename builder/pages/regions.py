"""The choice of named regions on the search page."""

from __future__ import annotations

from builder.index.regions import REGIONS, box_text
from builder.pages.messages import Messages


def named_regions(words: Messages) -> list[tuple[str, str]]:
    """Return the names of all regions in order, each with its box as `bbox` takes it."""
    return sorted((words(f"region.{name}"), box_text(name)) for name in REGIONS)
