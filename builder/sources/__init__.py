"""Where records come from: one adapter per protocol behind the same `Source`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from builder.definitions.model import SourceDefinition
    from builder.sources.http import HttpGate
    from builder.sources.protocol import Source


def adapter(source: SourceDefinition, gate: HttpGate, base: Path) -> Source:
    """Make the adapter that reads a source.

    Args:
        source: The source block of a definition; its ``type`` decides.
        gate: What the adapter fetches through.
        base: Folder of the definition, against which its local paths are resolved.

    Raises:
        SourceError: It is none that can be read: a processor makes the items.
    """
    match source.type:
        case "ckan":
            from builder.sources.ckan import CkanAdapter

            return CkanAdapter(source, gate)
        case "oai-pmh":
            from builder.sources.oai import OaiSource

            return OaiSource(source, gate)
        case "thredds":
            from builder.sources.thredds import ThreddsCrawler

            return ThreddsCrawler(source, gate)
        case "files":
            from builder.sources.files import FilesAdapter

            return FilesAdapter(source, gate, base)
        case "stac":
            from builder.sources.stac import StacAdapter

            return StacAdapter(source, gate, base)
        case "process":
            hint = "`iaos build` runs it"
            raise SourceError("there is no server to ask: a processor makes it", where=source.processor, hint=hint)
