"""What every adapter gives the harvest: records exactly as received, and whether it saw them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol, runtime_checkable

from builder.findings import Finding, Severity


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


@dataclass(frozen=True, slots=True)
class Refused(Finding):
    """A record that is there but cannot be taken: it is not withdrawn, and asked for again next time.

    Attributes:
        identifier: The partner's identifier.
        url: Where it would have been read; records known from there are there too.
    """

    identifier: str = ""
    url: str = ""


def refused(code: str, identifier: str, message: str, hint: str, url: str = "") -> Refused:
    """Make the refusal of a record whose identifier is known."""
    return Refused(code, Severity.ERROR, identifier, message, hint, identifier, url)


@dataclass(frozen=True, slots=True)
class Ask:
    """What one pass asks of a source.

    Attributes:
        since: Where the last complete pass ended, in the protocol's own terms (``Source.bookmark``);
            None asks for everything.
        began: When this pass began, interruptions included; None where nothing is to be remembered.
    """

    since: str | None = None
    began: datetime | None = None


Got = Record | Finding


@runtime_checkable
class Source(Protocol):
    """One partner endpoint that can be read from beginning to end.

    ``scan`` yields records, and findings for what it had to leave out; one bad record never ends
    it. It raises `builder.errors.SourceError` when it cannot go on. ``complete``, ``counts``,
    ``bookmark`` and ``total`` are true once it is exhausted.
    """

    @property
    def complete(self) -> bool:
        """Whether everything asked for was seen; only then may absence mean withdrawal."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """The protocol's own figures (headers, deleted, refs, latest ...)."""
        ...

    @property
    def bookmark(self) -> str | None:
        """From where the next pass may ask for changes only; None where it must ask for everything."""
        ...

    @property
    def total(self) -> int | None:
        """How many records the partner has in all, known after a pass that asked for changes only."""
        ...

    def scan(self, ask: Ask | None = None) -> Iterator[Got]:
        """Yield every record of the selection, or those that changed, in the partner's order."""
        ...

    def named(self, identifiers: Sequence[str]) -> Iterator[Got]:
        """Yield those of the named records that are there; nothing where records cannot be asked for by name."""
        ...
