"""Reads records that maintainers write by hand in a definition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import ValidationError

from builder.dataset import Dataset, Draft, License, Link, Party, Resource
from builder.definitions.periods import period_of
from builder.definitions.places import outline
from builder.definitions.records import HandFile, HandPerson, HandRecord
from builder.errors import RecordError
from builder.media import media_type

if TYPE_CHECKING:
    from builder.sources.protocol import Record

_PLAIN = ("title", "description", "keywords", "doi", "citation", "platform", "instruments")


def describe(record: Record) -> Dataset:
    """Describe a hand-written record.

    Args:
        record: Its body is the JSON of a `HandRecord`.

    Raises:
        RecordError: The body is not such a record.
    """
    hand = _read(record)
    draft = Draft(record.identifier, source="definition", rule="definition")
    for name in _PLAIN:
        draft.put(name, getattr(hand, name), name)
    if hand.start:
        draft.put("coverage.start", period_of(hand.start)[0], "start")
    if hand.end:
        draft.put("coverage.end", period_of(hand.end)[1], "end")
    _put_place(draft, hand)
    if hand.license:
        draft.put("license", License(hand.license, url=hand.license_url), "license")
    draft.put("parties", tuple(_party(person) for person in hand.people), "people")
    draft.put("links", tuple(_links(hand)), "links")
    draft.put("resources", tuple(_resources(hand.files)), "files")
    return draft.build()


def _read(record: Record) -> HandRecord:
    try:
        return HandRecord.model_validate_json(record.body, strict=True)
    except ValidationError as trouble:
        first = trouble.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise RecordError(
            f"not a hand-written record: {place or 'it'}: {first['msg']}", where=record.identifier
        ) from trouble


def _put_place(draft: Draft, hand: HandRecord) -> None:
    if hand.geometry:
        draft.put("coverage.geometry", hand.geometry.model_dump(mode="json"), "geometry")
    if hand.bbox:
        draft.put("coverage.geometry", outline(hand.bbox), "bbox")
    if hand.point:
        draft.put("coverage.geometry", {"type": "Point", "coordinates": list(hand.point)}, "point")


def _party(person: HandPerson) -> Party:
    return Party(person.name, person.roles, person.organization, person.email, person.url, person.orcid)


def _links(hand: HandRecord) -> Iterable[Link]:
    for link in hand.links:
        yield Link(link.rel, link.href, link.media_type, link.title)
    if hand.license_url and not hand.license:
        yield Link("license", hand.license_url)


def _resources(files: tuple[HandFile, ...]) -> Iterable[Resource]:
    for file in files:
        yield Resource(
            key=file.roles[0] if file.roles else "data",
            href=file.href,
            media_type=file.media_type or media_type(urlsplit(file.href).path),
            roles=file.roles,
            title=file.title,
            description=file.description,
            size=file.size,
            checksum=file.checksum,
            restricted=file.restricted,
        )
