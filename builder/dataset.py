"""A neutral description of one dataset: what every crosswalk produces and every output is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from builder.findings import Finding

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees; west > east means that it crosses the antimeridian."""

GeoJSON = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Where and when.

    Attributes:
        geometry: GeoJSON geometry in WGS 84 as the partner gave it, before any repair.
        boxes: The partner's boxes, before any repair.
        start: First instant, timezone-aware UTC.
        end: Last instant; None with a start means that observation goes on.
        original_temporal: The partner's own words where they could not be read as a time.
        vertical: Lowest and highest value and their unit, positive up, e.g. ``(-2500.0, 0.0, "m")``.
        mean_point: Longitude and latitude of the partner's own mid-point, to check a box with.
    """

    geometry: GeoJSON | None = None
    boxes: tuple[Box, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    original_temporal: str | None = None
    vertical: tuple[float, float, str] | None = None
    mean_point: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """A person or organisation and what it did.

    ``roles`` use ISO 19115 role codes (``author``, ``principalInvestigator``, ``pointOfContact``,
    ``publisher``, ``distributor``, ``originator`` ...).
    """

    name: str
    roles: tuple[str, ...] = ()
    organization: str | None = None
    email: str | None = None
    url: str | None = None
    orcid: str | None = None


@dataclass(frozen=True, slots=True)
class License:
    """Under what terms: an SPDX identifier, or ``other`` with a URL or the partner's words."""

    id: str
    title: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """Whether the data may be opened by anyone; a restricted dataset gets no open data asset."""

    restricted: bool = False
    statement: str | None = None


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension of a data cube (datacube extension): ``type`` is x, y, z, temporal or other."""

    name: str
    type: Literal["x", "y", "z", "temporal", "other"]
    size: int | None = None
    extent: tuple[float | str | None, float | str | None] | None = None
    unit: str | None = None
    reference_system: str | int | Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """A measured quantity (datacube and CF extensions)."""

    name: str
    description: str | None = None
    standard_name: str | None = None
    unit: str | None = None
    dimensions: tuple[str, ...] = ()
    data_type: str | None = None
    auxiliary: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a tabular file (table extension, Table Schema)."""

    name: str
    description: str | None = None
    unit: str | None = None
    method: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """A file or service that holds or describes the data; becomes a STAC asset.

    Attributes:
        key: Asset key (``data``, ``opendap``, ``metadata-iso`` ...); made unique by the STAC writer.
        href: Absolute URL, or a path relative to the item for files that the build writes.
        media_type: IANA media type where known.
        roles: STAC asset roles.
        title: For people.
        size: Bytes, only where the partner gives bytes.
        checksum: Hex digest prefixed by its algorithm, e.g. ``sha256:…`` or ``md5:…``.
        service: THREDDS or OGC service type in lower case (``opendap``, ``httpserver``, ``wms`` ...).
        restricted: Whether this one file needs a login although the dataset may be open.
        local: Path of the file on this machine, relative to the definition's folder, for files that
            are read from there.
        bands: Bands of a raster as STAC's common metadata has them.
        packing: Scale and offset of each of them; empty where none has any.
        extra: Further fields of the asset, e.g. those of the raster extension.
    """

    key: str
    href: str
    media_type: str | None = None
    roles: tuple[str, ...] = ("data",)
    title: str | None = None
    description: str | None = None
    size: int | None = None
    checksum: str | None = None
    service: str | None = None
    restricted: bool = False
    local: str | None = None
    bands: tuple[Mapping[str, Any], ...] = ()
    packing: tuple[Mapping[str, float], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """A typed link to something outside the catalogue (``via``, ``cite-as``, ``canonical``, ``license``)."""

    rel: str
    href: str
    media_type: str | None = None
    title: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Publication:
    """A paper or dataset related to this one (scientific extension)."""

    doi: str | None = None
    citation: str | None = None


@dataclass(frozen=True, slots=True)
class Concepts:
    """Keywords of one vocabulary (themes extension)."""

    scheme: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Projection:
    """The native reference system of gridded data (projection extension)."""

    code: str | None = None
    wkt2: str | None = None
    bbox: tuple[float, ...] | None = None
    shape: tuple[int, int] | None = None
    transform: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a field's value comes from: the place in the source record and the rule that read it."""

    source: str
    place: str
    rule: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """What one record says, free of the format it was said in.

    ``level`` is ``collection`` where the partner's record describes a series with children of its
    own, else ``item``. ``status`` is ``published``, ``in-review`` or ``withdrawn``; only published
    datasets enter the catalogue. ``trace`` has one entry per field name that was set.
    """

    identifier: str
    title: str | None = None
    description: str | None = None
    level: Literal["item", "collection"] = "item"
    status: Literal["published", "in-review", "withdrawn"] = "published"
    coverage: Coverage = Coverage()
    created: datetime | None = None
    updated: datetime | None = None
    published: datetime | None = None
    license: License | None = None
    access: Access = Access()
    parties: tuple[Party, ...] = ()
    keywords: tuple[str, ...] = ()
    themes: tuple[Concepts, ...] = ()
    doi: str | None = None
    citation: str | None = None
    publications: tuple[Publication, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    variables: tuple[Variable, ...] = ()
    columns: tuple[Column, ...] = ()
    row_count: int | None = None
    projection: Projection | None = None
    platform: str | None = None
    instruments: tuple[str, ...] = ()
    mission: str | None = None
    processing_level: str | None = None
    lineage: str | None = None
    version: str | None = None
    language: str | None = None
    parent: str | None = None
    children: tuple[str, ...] = ()
    resources: tuple[Resource, ...] = ()
    links: tuple[Link, ...] = ()
    findings: tuple[Finding, ...] = ()
    trace: Mapping[str, Trace] = field(default_factory=dict)


class Draft:
    """Collects the fields of a `Dataset` together with the place each value came from.

    A crosswalk calls `put` for every field it understands; empty values are ignored, so the first
    place that says something wins when a crosswalk tries several in order.
    """

    def __init__(self, identifier: str, *, source: str, rule: str) -> None:
        self.identifier = identifier
        self._source = source
        self._rule = rule
        self._values: dict[str, Any] = {}
        self._trace: dict[str, Trace] = {}
        self._findings: list[Finding] = []

    def put(self, name: str, value: Any, place: str) -> None:
        """Set a field unless it is already set or the value is empty.

        Dotted names such as ``coverage.start`` set one field of the nested `Coverage`.
        """
        if value is None or value in ("", (), []) or name in self._values:
            return
        self._values[name] = tuple(value) if isinstance(value, list) else value
        self._trace[name] = Trace(self._source, place, self._rule)

    def has(self, name: str) -> bool:
        """Tell whether a field has been set."""
        return name in self._values

    def find(self, finding: Finding) -> None:
        """Record something doubtful about this record."""
        self._findings.append(finding)

    def build(self) -> Dataset:
        """Return the finished description."""
        coverage = {k.removeprefix("coverage."): v for k, v in self._values.items() if k.startswith("coverage.")}
        plain = {k: v for k, v in self._values.items() if not k.startswith("coverage.")}
        return Dataset(
            identifier=self.identifier,
            coverage=Coverage(**coverage),
            findings=tuple(self._findings),
            trace=dict(self._trace),
            **plain,
        )
