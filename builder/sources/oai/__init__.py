"""Reads OAI-PMH 2.0 providers: strict documents, paging that cannot loop, and the records they hold."""

from __future__ import annotations

from builder.sources.oai.client import Provider
from builder.sources.oai.documents import (
    Identity,
    OaiError,
    OaiFormat,
    OaiHeader,
    OaiRecord,
    OaiSet,
    Page,
    SetPage,
    read_formats,
    read_identify,
    read_page,
    read_sets,
)
from builder.sources.oai.source import OaiSource

__all__ = [
    "Identity",
    "OaiError",
    "OaiFormat",
    "OaiHeader",
    "OaiRecord",
    "OaiSet",
    "OaiSource",
    "Page",
    "Provider",
    "SetPage",
    "read_formats",
    "read_identify",
    "read_page",
    "read_sets",
]
