"""What is known about an object besides its dataset: its collection, its record, and the files beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from builder.definitions.model import CollectionDefinition
from builder.sources.protocol import Record
from builder.stac.layout import Place

Json = dict[str, Any]


class Footprint(Protocol):
    """Where a dataset is, repaired and in WGS 84 (RFC 7946)."""

    @property
    def geometry(self) -> Mapping[str, Any] | None:
        """GeoJSON geometry, cut at the antimeridian; None where the place is unknown."""
        ...

    @property
    def bbox(self) -> Sequence[float] | None:
        """West, south, east, north in degrees; west > east across the antimeridian."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Related:
    """Another object of the catalogue, as a link leads to it.

    Attributes:
        rel: Relation.
        path: Path of the object in the catalogue.
        title: Its title.
    """

    rel: str
    path: str
    title: str


@dataclass(frozen=True, slots=True)
class ItemContext:
    """The surroundings of one Item (or of the Collection made from one record).

    Attributes:
        definition: The collection it belongs to.
        record: The record it was made from.
        id: Its STAC id, made with `builder.stac.layout.item_id`.
        by_year: Whether the collection has year sub-catalogues, so that its parent is one of them.
        record_file: Whether the source record is published beside it.
        references: Whether kerchunk references are published beside it.
        explanation: Whether its explanation is published beside it.
        thumbnail: Whether a small picture of the data is published beside it.
        references_media_type: Media type of the references.
        source: By what a reader can tell whether the referenced file is still the same (``iaos:source_size`` …).
        copy: What the asset of a readable copy says, and its ``name`` below the collection; None where there is none.
        groups: Groups of the file that have references of their own.
        extra: Further properties the build knows, with their prefix (``iaos:…``).
        related: Objects it was made from, or that were made from it.
    """

    definition: CollectionDefinition
    record: Record
    id: str
    by_year: bool = False
    record_file: bool = True
    references: bool = False
    explanation: bool = False
    thumbnail: bool = False
    references_media_type: str = "application/json"
    source: Mapping[str, Any] | None = None
    copy: Mapping[str, Any] | None = None
    groups: tuple[str, ...] = ()
    extra: Mapping[str, Any] | None = None
    related: tuple[Related, ...] = ()

    @property
    def place(self) -> Place:
        """The collection's folder."""
        return Place(self.definition.partner.id, self.definition.id)
