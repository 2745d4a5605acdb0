"""What the items of a collection offer to processors: files, with the place and time of their item."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import orjson

from builder.findings import Finding
from builder.gathering.compose import contained, depends_on_more, read, shown, stac_id, unique_id
from builder.geometry.footprint import footprint
from builder.media import media_type
from builder.stac.item import needs_collection
from builder.stac.layout import Place
from builder.stac.links import safe_href

if TYPE_CHECKING:
    from builder.datafiles.inspecting import Inspecting
    from builder.datafiles.readings import Described, Readings
    from builder.dataset import Dataset, Resource
    from builder.definitions.model import CollectionDefinition
    from builder.memory.state import State
    from builder.processing.remembered import Remembered
    from builder.sources.protocol import Record


@dataclass(frozen=True, slots=True)
class File:
    """One file of an item.

    Attributes:
        key: Name of its asset.
        href: Its address; a path from the root of the catalogue where the build copies it there.
        name: File name.
        media_type: Bare media type.
        roles: Roles of its asset.
        local: Where it lies on this machine, if it does.
        record: Digest of the record that describes it: another one may mean another file.
    """

    key: str
    href: str
    name: str
    media_type: str
    roles: tuple[str, ...]
    local: Path | None
    record: str


@dataclass(frozen=True, slots=True)
class Offer:
    """One item as an input.

    Attributes:
        collection: Identifier of its collection.
        identifier: Identifier of the record it is made from.
        id: Its STAC id.
        path: Where it stands in the catalogue.
        title: Its title.
        geometry: Where it is, GeoJSON; None where that is unknown.
        start: First instant.
        end: Last instant.
        files: Its open files.
        lasting: Whether its record and definition alone decide all this: no data file was or could be looked into, and
            no other record has its id.
    """

    collection: str
    identifier: str
    id: str
    path: str
    title: str
    geometry: dict[str, Any] | None
    start: datetime | None
    end: datetime | None
    files: tuple[File, ...]
    lasting: bool = False


def offers(
    definition: CollectionDefinition,
    state: State,
    inspecting: Inspecting,
    base: Path,
    readings: Readings,
    remembered: Remembered,
) -> Iterator[Offer]:
    """Yield the items of a collection as the catalogue will show them, by the identifiers of their records.

    A record that cannot be understood is passed over; it is reported where its own collection is built.

    Args:
        definition: The collection.
        state: Its ledger and records.
        inspecting: Looks into data files.
        base: Folder of its local files.
        readings: Takes the descriptions that are made, so that the catalogue need not make them again.
        remembered: Knows what unchanged records offered before.
    """
    taken: set[str] = set()
    later = readings.later.get(definition.id, ())
    for entry in state.entries(definition.id):
        if entry.identifier in later:
            continue
        made: Offer | Finding | None = remembered.recall(entry, taken)
        if made is None:
            record = contained(entry, partial(state.record, definition.id, entry), [])
            if record is None:
                continue
            described = contained(entry, partial(read, definition, record, inspecting), [])
            if described is None:
                continue
            readings.keep(definition.id, record, described)
            made = contained(entry, partial(_offer, definition, record, described, base, taken), [])
        if isinstance(made, Offer):
            taken.add(made.id)
            remembered.keep(entry, made)
            yield made


def _offer(
    definition: CollectionDefinition, record: Record, described: Described, base: Path, taken: set[str]
) -> Offer | Finding:
    dataset, inspection = described
    refused = shown(record, dataset, inspection)
    if refused is not None:
        return refused
    own_id = stac_id(definition, dataset)
    name = unique_id(own_id, record, taken)
    lasting = name == own_id and not depends_on_more(definition, dataset)
    place = Place(definition.partner.id, definition.id)
    own = needs_collection(dataset, definition.policies.level)
    where = footprint(dataset.coverage, definition.policies.bbox, where=record.identifier)
    return Offer(
        definition.id,
        record.identifier,
        name,
        place.child(name) if own else place.item(name),
        dataset.title or dataset.identifier,
        where.geometry,
        dataset.coverage.start or dataset.coverage.end,
        dataset.coverage.end or dataset.coverage.start,
        tuple(_files(dataset, record, place, base)),
        lasting,
    )


def _files(dataset: Dataset, record: Record, place: Place, base: Path) -> Iterator[File]:
    if dataset.access.restricted:
        return
    for resource in dataset.resources:
        href = safe_href(resource.href)
        by_file = resource.service in {None, "httpserver", "http", "file"}
        if href is None or resource.restricted or not by_file or (resource.local is None and "://" not in href):
            continue
        kind = resource.media_type or media_type(urlsplit(href).path)
        yield File(
            resource.key,
            href if "://" in href else f"{place.folder}/{unquote(href)}",
            unquote(PurePosixPath(urlsplit(href).path).name),
            kind.partition(";")[0].strip().lower(),
            resource.roles,
            base / resource.local if resource.local else None,
            _digest(record, resource),
        )


def _digest(record: Record, resource: Resource) -> str:
    """Name a file by all its record says; of a product only what is said of that file counts."""
    said = resource.checksum or record.sha256
    return sha256(orjson.dumps([resource.href, said, resource.size])).hexdigest()
