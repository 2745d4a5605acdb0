"""What a maintainer may write in a `collections/*.yaml` file, field by field."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from builder.definitions.processing import ProcessInput
from builder.definitions.records import HandRecord, OverrideValues
from builder.definitions.types import (
    Bbox,
    Doi,
    Host,
    HttpUrl,
    Interval,
    LocalPath,
    MetadataPrefix,
    OaiDate,
    Slug,
    Strict,
    Text,
    TimePattern,
)
from builder.spheres import Sphere

BboxPolicy = Literal["trust", "sort_lat", "sort_both", "eswn", "geometry_first"]
Level = Literal["auto", "item", "collection"]
FileFormat = Literal[
    "auto", "netcdf", "geotiff", "table", "ckan", "pan_md", "datacite", "oai_dc", "iso19139", "dif", "mmd", "mm2",
    "ncml", "schemaorg", "stac",
]  # fmt: skip


class Partner(Strict):
    """The institute behind the data; collections of one partner stand together."""

    id: Slug = Field(description="Folder of the partner in the catalogue, e.g. `imr`.")
    name: Text = Field(description="Full name of the institute; the same in every definition of this partner.")
    url: HttpUrl | None = Field(None, description="Home page of the institute.")
    description: Text | None = Field(None, description="What the institute observes, in a sentence or two.")


class ProviderModel(Strict):
    """An organisation that made, licensed, processed or hosts the data (STAC provider)."""

    name: Text = Field(description="Full name of the organisation.")
    roles: tuple[Literal["producer", "licensor", "processor", "host"], ...] = Field(
        (), description="What it did: `producer`, `licensor`, `processor`, `host`."
    )
    url: HttpUrl | None = Field(None, description="Home page of the organisation.")
    description: Text | None = Field(None, description="What it did, in words.")


class SourceModel(Strict):
    """What all sources share."""

    fetch_hosts: tuple[Host, ...] = Field(
        (), description="Further hosts (`host` or `host:port`) from which catalogue documents and data may be fetched."
    )
    delay_s: float = Field(
        0.2, ge=0, le=3600, allow_inf_nan=False, description="Least time between two requests to the host, seconds."
    )
    deadline_s: float = Field(
        14_400.0,
        gt=0,
        allow_inf_nan=False,
        description="Longest time for a pass over records, and for one over data files, seconds; the next run goes on.",
    )
    full_every_days: int = Field(
        7, ge=0, description="After how many days everything is asked for again, not only what changed; 0: every time."
    )
    max_loss: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Largest part of the records that may be withdrawn in one pass (10 may always); "
        "more is held back until confirmed with `--confirm`.",
    )
    connections: int = Field(
        16,
        ge=1,
        le=64,
        description="Most parts of one data file that are fetched at a time; `delay_s` is not for these.",
    )


class CkanSource(SourceModel):
    """A CKAN action API, read with `package_search`."""

    type: Literal["ckan"] = Field(description="Protocol: a CKAN action API.")
    url: HttpUrl = Field(description="Root of the CKAN site, without `/api/3/action`.")
    organization: Text | None = Field(None, description="Only packages of this organisation (its name).")
    query: Text | None = Field(None, description="Solr query `q`.")
    filter: Text | None = Field(None, description="Solr filter query `fq`.")
    page_size: int = Field(500, ge=1, le=1000, description="Packages per request.")


class OaiPmhSource(SourceModel):
    """An OAI-PMH 2.0 provider, read with `ListRecords`."""

    type: Literal["oai-pmh"] = Field(description="Protocol: OAI-PMH 2.0.")
    url: HttpUrl = Field(description="Base URL of the provider.")
    metadata_prefix: MetadataPrefix = Field(
        alias="metadataPrefix", description="Format to ask for, e.g. `pan_md`, `iso19139`, `datacite4`, `oai_dc`."
    )
    set: Text | None = Field(None, description="Only this set (`setSpec`).")
    from_: OaiDate | None = Field(None, alias="from", description="Earliest datestamp, `YYYY-MM-DD` or with time.")
    until: OaiDate | None = Field(None, description="Latest datestamp, `YYYY-MM-DD` or with time.")
    identifiers: tuple[Text, ...] = Field((), description="Read exactly these with `GetRecord` instead of a list.")
    repeat_prefix: bool = Field(
        default=False,
        description="Send `metadataPrefix` with every resumption token too (pycsw demands it, against the standard).",
    )

    windows: int = Field(
        1,
        ge=1,
        le=16,
        description="How many windows of datestamps a whole list is asked for in side by side, each a request at once "
        "with the others; for providers who agree to it, with a lower `delay_s`.",
    )

    @model_validator(mode="after")
    def _dates_alike(self) -> Self:
        if self.from_ and self.until:
            if len(self.from_) != len(self.until):
                raise ValueError("`from` and `until` need the same granularity (OAI-PMH 2.0 section 3.3.1)")
            if self.from_ > self.until:
                raise ValueError("`from` is after `until`")
        return self


class ThreddsSource(SourceModel):
    """A THREDDS, Hyrax or RAMADDA catalogue, crawled through its references."""

    type: Literal["thredds"] = Field(description="Protocol: a THREDDS catalogue.")
    url: HttpUrl = Field(description="`catalog.xml` (or the `catalog.html` a browser shows).")
    depth: int = Field(20, ge=0, le=50, description="How many catalogue references to follow downwards.")
    include: tuple[Text, ...] = Field((), description="Shell patterns on the dataset's path; empty means all.")
    exclude: tuple[Text, ...] = Field((), description="Shell patterns that leave a dataset or catalogue out.")


class FilesSource(SourceModel):
    """Files in an HTTP directory listing or a local folder, or records written by hand."""

    type: Literal["files"] = Field(description="Files behind `url` or `path`, or hand-written `records`.")
    url: HttpUrl | None = Field(None, description="Address of the listing, or of one file.")
    path: LocalPath | None = Field(None, description="Local file or folder, relative to the definition and below it.")
    published_at: HttpUrl | None = Field(
        None,
        description="Where the files of `path` are served; empty means that the build copies them into the catalogue.",
    )
    format: FileFormat = Field(
        "auto",
        description="Format of the documents (`netcdf`, `geotiff`, `table`, `iso19139`, `mmd`, `ckan` ...); "
        "`auto` looks at each file.",
    )
    depth: int = Field(5, ge=0, le=20, description="How many folders to go down.")
    include: tuple[Text, ...] = Field((), description="Shell patterns on the relative path; empty means all.")
    exclude: tuple[Text, ...] = Field((), description="Shell patterns that leave files out.")
    records: tuple[HandRecord, ...] = Field(
        (), description="Hand-written records, for partners without a machine interface: one mapping per dataset."
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum((self.url is not None, self.path is not None, bool(self.records))) != 1:
            raise ValueError("needs exactly one of `url`, `path` and `records`")
        if self.published_at and not self.path:
            raise ValueError("`published_at` only goes with `path`")
        twice = [name for name, count in Counter(record.id for record in self.records).items() if count > 1]
        if twice:
            raise ValueError(f"two records have the id `{twice[0]}`")
        return self


class StacSource(SourceModel):
    """A remote static STAC catalogue or STAC API."""

    type: Literal["stac"] = Field(description="Protocol: a STAC catalogue or API.")
    url: HttpUrl = Field(description="Address of the root catalogue or of the API.")
    collections: tuple[Text, ...] = Field((), description="Only these collections.")
    bbox: Bbox | None = Field(None, description="West, south, east, north; west > east crosses the antimeridian.")
    datetime: Interval | None = Field(None, description="Instant or interval, `start/end`, `..` for open.")
    track: LocalPath | None = Field(
        None,
        description="Track file of a cruise (CSV or GeoJSON with time, longitude, latitude), "
        "relative to the definition and below it.",
    )
    track_distance_km: float = Field(
        100.0, gt=0, le=20_038, allow_inf_nan=False, description="How far from the track a scene may lie."
    )
    track_hours: float = Field(
        24.0, gt=0, le=87_660, allow_inf_nan=False, description="How many hours before or after the ship's passage."
    )
    limit: int = Field(10_000, ge=1, description="Most items to take.")


class ProcessSource(SourceModel):
    """A processor of this program or of a plug-in; its products become the items."""

    type: Literal["process"] = Field(description="No protocol: a processor makes the items from other collections.")
    processor: Text = Field(description="Name of the processor; `iaos process list` names those that are there.")
    parameters: dict[str, Any] = Field(
        {}, description="Its parameters by name; `iaos process describe` explains them. The rest have their defaults."
    )
    inputs: dict[str, ProcessInput] = Field(min_length=1, description="What it reads, by the names of its inputs.")
    per: Literal["collection", "item", "day", "month", "year"] = Field(
        "collection",
        description="One run over all that the first input selects, or one for each item, day, month or year of it; "
        "each run becomes one item.",
    )


SourceDefinition = Annotated[
    CkanSource | OaiPmhSource | ThreddsSource | FilesSource | StacSource | ProcessSource, Field(discriminator="type")
]


class Policies(Strict):
    """How doubtful values of this partner are to be read."""

    bbox: BboxPolicy = Field(
        "geometry_first",
        description="`trust`: west > east crosses 180°; `sort_lat`/`sort_both`: swapped corners are put right; "
        "`eswn`: written east, south, west, north; `geometry_first`: use the geometry, else trust a box only if "
        "a mean point confirms it.",
    )
    time_from_name: TimePattern | None = Field(
        None,
        description="Regular expression on the file name with groups `year`, `month`, `day`, `doy`, `hour`, `minute`, "
        "`second`, optionally prefixed `end_`; used where the dataset tells no time.",
    )
    assets_include: tuple[Text, ...] = Field((), description="Shell patterns on asset URLs; empty means all.")
    assets_exclude: tuple[Text, ...] = Field((), description="Shell patterns on asset URLs that leave an asset out.")
    level: Level = Field(
        "auto",
        description="Whether a record becomes an Item or a Collection of its own; `auto` decides by time and place.",
    )
    references: bool = Field(default=True, description="Make kerchunk references for NetCDF assets.")
    copies: bool = Field(
        default=False,
        description="Publish a copy of NetCDF files that references cannot express (szip, LZF, scale-offset, compound "
        "types ...), deflated; the licence must allow it.",
    )
    time_major: bool = Field(
        default=False,
        description="Publish a copy of granules that stack, with all times of a place together, so that a point series "
        "takes few requests; the licence must allow it. Needs `references` and `combine`.",
    )
    recheck: bool = Field(
        default=True,
        description="Ask each night whether a referenced file is still the same one; turn off for very many files "
        "whose records change with them.",
    )
    combine: bool = Field(default=True, description="Also make one combined reference where the granules stack.")
    ignore_fields: tuple[Text, ...] = Field(
        (), description="Fields of the partner's record that change without meaning; left out when comparing."
    )

    @model_validator(mode="after")
    def _stacked(self) -> Self:
        if self.time_major and not (self.references and self.combine):
            raise ValueError("`time_major` needs `references` and `combine`")
        return self


class Override(Strict):
    """Corrections applied to the records whose identifier matches; later ones win."""

    match: Text = Field("*", description="Shell pattern on the record's identifier; upper and lower case differ.")
    set: OverrideValues = Field(description="Dataset fields and their values, e.g. `license: CC-BY-4.0`.")


class CollectionDefinition(Strict):
    """One collection of the catalogue and where its records come from."""

    id: Slug = Field(description="Identifier of the collection; also its folder.")
    title: Text = Field(description="Title of the collection.")
    description: Text = Field(description="What a reader finds in it, CommonMark.")
    partner: Partner = Field(description="The institute behind the data.")
    license: Text = Field("other", description="SPDX identifier, or `other`.")
    license_url: HttpUrl | None = Field(None, description="Text of the licence, needed with `other`.")
    providers: tuple[ProviderModel, ...] = Field((), description="Organisations that made, keep or serve the data.")
    keywords: tuple[Text, ...] = Field((), description="Words a reader would search for.")
    spheres: tuple[Sphere, ...] = Field(
        (), description="Topics of GCMD's Earth Science keywords; it is listed under each of them."
    )
    citation: Text | None = Field(None, description="How the collection as a whole wants to be cited.")
    doi: Doi | None = Field(None, description="DOI of the collection, without `https://doi.org/`.")
    source: SourceDefinition = Field(description="Where the records come from; `type` names the protocol.")
    policies: Policies = Field(Policies(), description="How to read boxes, times and assets of this partner.")
    overrides: tuple[Override, ...] = Field((), description="Corrections to single records.")
    enabled: bool = Field(default=True, description="Whether the nightly build harvests it.")
    checked: date | None = Field(
        None, description="Day on which the endpoint last answered a maintainer; empty means never."
    )
    note: Text | None = Field(None, description="What a maintainer should know, e.g. why it is off.")
