"""What every adapter gives the harvest: records exactly as received, and whether it saw them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol, runtime_checkable

from builder.findings import Finding


@dataclass(frozen=True, slots=True)
class Record:
    """One metadata document exactly as a partner gave it.

    Attributes:
        identifier: The partner's own identifier (OAI identifier, CKAN id, access URL).
        format: Name of the crosswalk that reads ``body``: ``ckan``, ``pan_md``, ``oai_dc``,
            ``datacite``, ``iso19139``, ``dif``, ``mmd``, ``mm2``, ``thredds``, ``ncml``,
            ``schemaorg``, ``stac``, ``file`` (a listing entry) or ``definition`` (hand-written).
        body: The document; empty when ``deleted``.
        media_type: Media type of ``body``.
        url: Where it was read (request URL or file URL), for links and messages.
        datestamp: The partner's own stamp, as written; never the time of the harvest.
        deleted: Whether the partner says the record is withdrawn.
        sets: OAI-PMH set memberships.
        companion: A second document that belongs to ``body`` (the ``.xmd`` sidecar of an MM2 record).
    """

    identifier: str
    format: str
    body: bytes
    media_type: str
    url: str
    datestamp: str | None = None
    deleted: bool = False
    sets: tuple[str, ...] = ()
    companion: bytes = b""

    @property
    def sha256(self) -> str:
        """Hex digest of ``body`` and ``companion``: what decides whether a record has changed."""
        return sha256(self.body + self.companion).hexdigest()


@runtime_checkable
class Source(Protocol):
    """One partner endpoint that can be read from beginning to end.

    ``scan`` yields records, and findings for what it had to leave out; one bad record never ends
    it. It raises `builder.errors.SourceError` when it cannot go on. ``complete`` and ``counts`` are
    true once it is exhausted.
    """

    @property
    def complete(self) -> bool:
        """Whether everything was seen; only then may absence mean withdrawal."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """The protocol's own figures (headers, deleted, refs, latest ...)."""
        ...

    def scan(self) -> Iterator[Record | Finding]:
        """Yield every record of the selection, in the partner's order."""
        ...
