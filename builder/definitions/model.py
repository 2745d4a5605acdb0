"""What a maintainer may write in a `collections/*.yaml` file, field by field."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$")]
HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s@]+$")]
BboxPolicy = Literal["trust", "sort_lat", "sort_both", "eswn", "geometry_first"]
Level = Literal["auto", "item", "collection"]


class Strict(BaseModel):
    """Refuses unknown keys and never changes once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Partner(Strict):
    """The institute behind the data; collections of one partner stand together."""

    id: Slug = Field(description="Folder of the partner in the catalogue, e.g. `imr`.")
    name: str = Field(min_length=1, description="Full name of the institute.")
    url: HttpUrl | None = Field(None, description="Home page of the institute.")
    description: str | None = Field(None, description="What the institute observes, in a sentence or two.")


class ProviderModel(Strict):
    """An organisation that made, licensed, processed or hosts the data (STAC provider)."""

    name: str = Field(min_length=1)
    roles: tuple[Literal["producer", "licensor", "processor", "host"], ...] = ()
    url: HttpUrl | None = None
    description: str | None = None


class SourceModel(Strict):
    """What all sources share."""

    fetch_hosts: tuple[str, ...] = Field(
        (), description="Further hosts (`host` or `host:port`) from which catalogue documents and data may be fetched."
    )
    delay_s: float = Field(0.2, ge=0, description="Least time between two requests to the host, seconds.")


class CkanSource(SourceModel):
    """A CKAN action API, read with `package_search`."""

    type: Literal["ckan"]
    url: HttpUrl = Field(description="Root of the CKAN site, without `/api/3/action`.")
    organization: str | None = Field(None, description="Only packages of this organisation (its name).")
    query: str | None = Field(None, description="Solr query `q`.")
    filter: str | None = Field(None, description="Solr filter query `fq`.")
    page_size: int = Field(500, ge=1, le=1000, description="Packages per request.")


class OaiPmhSource(SourceModel):
    """An OAI-PMH 2.0 provider, read with `ListRecords`."""

    type: Literal["oai-pmh"]
    url: HttpUrl = Field(description="Base URL of the provider.")
    metadata_prefix: str = Field(
        alias="metadataPrefix", description="Format to ask for, e.g. `pan_md`, `iso19139`, `datacite4`, `oai_dc`."
    )
    set: str | None = Field(None, description="Only this set (`setSpec`).")
    from_: str | None = Field(None, alias="from", description="Earliest datestamp, `YYYY-MM-DD` or with time.")
    until: str | None = Field(None, description="Latest datestamp.")
    identifiers: tuple[str, ...] = Field((), description="Read exactly these with `GetRecord` instead of a list.")
    repeat_prefix: bool = Field(
        False,
        description="Send `metadataPrefix` with every resumption token too (pycsw demands it, against the standard).",
    )


class ThreddsSource(SourceModel):
    """A THREDDS, Hyrax or RAMADDA catalogue, crawled through its references."""

    type: Literal["thredds"]
    url: HttpUrl = Field(description="`catalog.xml` (or the `catalog.html` a browser shows).")
    depth: int = Field(20, ge=0, le=50, description="How many catalogue references to follow downwards.")
    include: tuple[str, ...] = Field((), description="Shell patterns on the dataset's path; empty means all.")
    exclude: tuple[str, ...] = Field((), description="Shell patterns that leave a dataset or catalogue out.")


class FilesSource(SourceModel):
    """Files in an HTTP directory listing or a local folder: NetCDF, GeoTIFF, tables or metadata documents."""

    type: Literal["files"]
    url: HttpUrl | None = Field(None, description="Address of the listing, or of one file.")
    path: str | None = Field(None, description="Local file or folder, relative to the definition.")
    published_at: HttpUrl | None = Field(
        None,
        description="Where the files of `path` are served; empty means that the build copies them into the catalogue.",
    )
    format: str = Field(
        "auto",
        description="Format of the documents (`netcdf`, `geotiff`, `table`, `iso19139`, `mmd`, `ckan` ...); `auto` looks at each file.",
    )
    depth: int = Field(5, ge=0, le=20, description="How many folders to go down.")
    include: tuple[str, ...] = Field((), description="Shell patterns on the relative path; empty means all.")
    exclude: tuple[str, ...] = Field((), description="Shell patterns that leave files out.")
    records: tuple[dict[str, Any], ...] = Field(
        (), description="Hand-written records, for partners without a machine interface: one mapping per dataset."
    )


class StacSource(SourceModel):
    """A remote static STAC catalogue or STAC API."""

    type: Literal["stac"]
    url: HttpUrl = Field(description="Address of the root catalogue or of the API.")
    collections: tuple[str, ...] = Field((), description="Only these collections.")
    bbox: tuple[float, float, float, float] | None = Field(None, description="West, south, east, north.")
    datetime: str | None = Field(None, description="Instant or interval, `start/end`, `..` for open.")
    track: str | None = Field(
        None,
        description="Track file of a cruise (CSV or GeoJSON with time, longitude, latitude), relative to the definition.",
    )
    track_distance_km: float = Field(100.0, gt=0, description="How far from the track a scene may lie.")
    track_hours: float = Field(24.0, gt=0, description="How many hours before or after the ship's passage.")
    limit: int = Field(10_000, ge=1, description="Most items to take.")


SourceDefinition = Annotated[
    CkanSource | OaiPmhSource | ThreddsSource | FilesSource | StacSource, Field(discriminator="type")
]


class Policies(Strict):
    """How doubtful values of this partner are to be read."""

    bbox: BboxPolicy = Field(
        "geometry_first",
        description="`trust`: west > east crosses 180°; `sort_lat`/`sort_both`: swapped corners are put right; "
        "`eswn`: written east, south, west, north; `geometry_first`: use the geometry, else trust a box only if a mean point confirms it.",
    )
    time_from_name: str | None = Field(
        None,
        description="Regular expression on the file name with groups `year`, `month`, `day`, `doy`, `hour`, `minute`, `second`, "
        "optionally prefixed `end_`.",
    )
    assets_include: tuple[str, ...] = Field((), description="Shell patterns on asset URLs; empty means all.")
    assets_exclude: tuple[str, ...] = Field((), description="Shell patterns on asset URLs that leave an asset out.")
    level: Level = Field(
        "auto",
        description="Whether a record becomes an Item or a Collection of its own; `auto` decides by time and place.",
    )
    references: bool = Field(True, description="Make kerchunk references for NetCDF assets.")
    combine: bool = Field(True, description="Also make one combined reference where the granules stack.")
    ignore_fields: tuple[str, ...] = Field(
        (), description="Fields of the partner's record that change without meaning; left out when comparing."
    )


class Override(Strict):
    """Corrections applied to the records whose identifier matches."""

    match: str = Field("*", description="Shell pattern on the record's identifier.")
    set: dict[str, Any] = Field(description="Dataset fields and their values, e.g. `license: CC-BY-4.0`.")


class CollectionDefinition(Strict):
    """One collection of the catalogue and where its records come from."""

    id: Slug = Field(description="Identifier of the collection; also its folder.")
    title: str = Field(min_length=1)
    description: str = Field(min_length=1, description="CommonMark.")
    partner: Partner
    license: str = Field("other", description="SPDX identifier, or `other`.")
    license_url: HttpUrl | None = Field(None, description="Text of the licence, needed with `other`.")
    providers: tuple[ProviderModel, ...] = ()
    keywords: tuple[str, ...] = ()
    citation: str | None = Field(None, description="How the collection as a whole wants to be cited.")
    doi: str | None = Field(None, description="DOI of the collection, without `https://doi.org/`.")
    source: SourceDefinition
    policies: Policies = Policies()
    overrides: tuple[Override, ...] = ()
    enabled: bool = Field(True, description="Whether the nightly build harvests it.")
    checked: date | None = Field(
        None, description="Day on which the endpoint last answered a maintainer; empty means never."
    )
    note: str | None = Field(None, description="What a maintainer should know, e.g. why it is off.")
