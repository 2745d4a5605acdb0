"""What a maintainer may write by hand about a dataset: whole records, and corrections to a partner's."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from builder.definitions.periods import period_of
from builder.definitions.types import Bbox, Doi, HttpUrl, Instant, Point, Slug, Strict, Text, check_geometry

Role = Literal[
    "resourceProvider", "custodian", "owner", "user", "distributor", "originator", "pointOfContact",
    "principalInvestigator", "processor", "publisher", "author", "sponsor", "coAuthor", "collaborator",
    "editor", "mediator", "rightsHolder", "contributor", "funder", "stakeholder",
]  # fmt: skip
"""CI_RoleCode of ISO 19115-1:2014."""


class HandGeometry(Strict):
    """A GeoJSON geometry in WGS 84, longitude before latitude."""

    type: Literal["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"] = Field(
        description="GeoJSON type."
    )
    coordinates: tuple[Any, ...] = Field(description="GeoJSON coordinates, `[longitude, latitude]` innermost.")

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        check_geometry(self.type, self.coordinates)
        return self


class HandPerson(Strict):
    """A person or organisation that made or keeps the data."""

    name: Text = Field(description="Name of the person or organisation.")
    roles: tuple[Role, ...] = Field((), description="ISO 19115 roles, e.g. `author`, `pointOfContact`.")
    organization: Text | None = Field(None, description="Where the person works.")
    email: str | None = Field(
        None, pattern=r"^[^\s@]+@[^\s@]+$", description="Address of an office rather than of a person; it is published."
    )
    url: HttpUrl | None = Field(None, description="Home page.")
    orcid: str | None = Field(
        None, pattern=r"^([0-9]{4}-){3}[0-9]{3}[0-9X]$", description="ORCID iD, without `https://orcid.org/`."
    )


class HandLink(Strict):
    """A page or document about the data."""

    rel: Literal["about", "cite-as", "describedby", "license", "related", "via"] = Field(
        "about", description="How the page relates to the dataset."
    )
    href: HttpUrl = Field(description="Address of the page.")
    title: Text | None = Field(None, description="What a reader finds there.")
    media_type: Text | None = Field(None, description="Media type, e.g. `application/pdf`.")


class HandFile(Strict):
    """A file that holds the data; becomes an asset."""

    href: HttpUrl = Field(description="Address of the file.")
    title: Text | None = Field(None, description="What the file holds.")
    description: Text | None = Field(None, description="More about the file, CommonMark.")
    media_type: Text | None = Field(None, description="Media type, e.g. `text/csv`; guessed from the name if empty.")
    roles: tuple[Text, ...] = Field(("data",), description="STAC asset roles: `data`, `metadata`, `thumbnail` ...")
    size: int | None = Field(None, ge=0, description="Bytes.")
    checksum: str | None = Field(
        None,
        pattern=r"^(md5|sha1|sha256|sha512):[0-9a-f]+$",
        description="Digest with its algorithm, e.g. `sha256:...`.",
    )
    restricted: bool = Field(default=False, description="Whether the file needs a login.")


class HandRecord(Strict):
    """One dataset described by hand, for partners without a machine interface."""

    id: Slug = Field(description="Identifier of the dataset, unique within the collection; never change it.")
    title: Text = Field(description="Title of the dataset.")
    description: Text = Field(description="What was measured, how, where and why; CommonMark.")
    start: Instant | None = Field(None, description="First year, month, day or time of the data.")
    end: Instant | None = Field(None, description="Last year, month, day or time; empty if observation goes on.")
    bbox: Bbox | None = Field(
        None, description="`[west, south, east, north]` in degrees; west > east crosses the antimeridian."
    )
    point: Point | None = Field(None, description="`[longitude, latitude]` of a station.")
    geometry: HandGeometry | None = Field(None, description="GeoJSON geometry, where box and point do not do.")
    license: Text | None = Field(None, description="SPDX identifier, or `other`.")
    license_url: HttpUrl | None = Field(None, description="Text of the licence.")
    citation: Text | None = Field(None, description="How the dataset wants to be cited.")
    doi: Doi | None = Field(None, description="DOI, without `https://doi.org/`.")
    keywords: tuple[Text, ...] = Field((), description="Words a reader would search for.")
    platform: Text | None = Field(None, description="Ship, mooring, station or community that carried the observation.")
    instruments: tuple[Text, ...] = Field((), description="Instruments, each by name.")
    people: tuple[HandPerson, ...] = Field((), description="Who made and keeps the data.")
    links: tuple[HandLink, ...] = Field((), description="Pages about the data.")
    files: tuple[HandFile, ...] = Field((), description="Files that hold the data; may be empty.")

    @model_validator(mode="after")
    def _one_place_and_order(self) -> Self:
        if sum(place is not None for place in (self.bbox, self.point, self.geometry)) > 1:
            raise ValueError("give one of `bbox`, `point` and `geometry`, not several")
        _check_order(self.start, self.end)
        return self

    def body(self) -> bytes:
        """Return the record as the JSON document that the crosswalk `definition` reads."""
        return self.model_dump_json(exclude_defaults=True, by_alias=True).encode()


class OverrideValues(Strict):
    """Fields of a dataset that a definition may correct; ``null`` takes the partner's value away."""

    title: Text | None = Field(None, description="Title of the dataset.")
    description: Text | None = Field(None, description="Description, CommonMark.")
    license: Text | None = Field(None, description="SPDX identifier, or `other`.")
    license_url: HttpUrl | None = Field(None, description="Text of the licence set by `license`.")
    keywords: tuple[Text, ...] | None = Field(None, description="Keywords, instead of the partner's.")
    doi: Doi | None = Field(None, description="DOI, without `https://doi.org/`.")
    citation: Text | None = Field(None, description="How the dataset wants to be cited.")
    platform: Text | None = Field(None, description="Ship, mooring, station or satellite.")
    instruments: tuple[Text, ...] | None = Field(None, description="Instruments, each by name.")
    mission: Text | None = Field(None, description="Cruise, campaign or satellite mission.")
    processing_level: Text | None = Field(None, description="Processing level, e.g. `L2`.")
    lineage: Text | None = Field(None, description="How the data were processed.")
    version: Text | None = Field(None, description="Version of the dataset, in quotes.")
    language: Text | None = Field(None, description="Language of the metadata, e.g. `en`.")
    start: Instant | None = Field(None, description="First year, month, day or time of the data.")
    end: Instant | None = Field(None, description="Last year, month, day or time; null if observation goes on.")
    bbox: Bbox | None = Field(
        None, description="`[west, south, east, north]` in degrees, instead of the partner's place."
    )
    status: Literal["published", "in-review", "withdrawn"] = Field(
        "published", description="Only published datasets enter the catalogue: `withdrawn` takes one out."
    )
    level: Literal["item", "collection"] = Field("item", description="What the record becomes.")
    restricted: bool = Field(default=False, description="Whether the data need a login.")

    @model_validator(mode="after")
    def _something_in_order(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("sets no field")
        if self.license_url and not self.license:
            raise ValueError("`license_url` needs `license` beside it")
        _check_order(self.start, self.end)
        return self


def _check_order(start: str | None, end: str | None) -> None:
    if start and end and period_of(start)[0] > period_of(end)[1]:
        raise ValueError("`start` is after `end`")
