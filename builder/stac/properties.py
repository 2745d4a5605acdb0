"""What a dataset says, as STAC properties: common metadata and the fields of the extensions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from builder.dataset import Dataset, Party
from builder.findings import Finding, warning
from builder.stac.assets import LOGIN, is_restricted_dataset
from builder.stac.context import Footprint, ItemContext, Json
from builder.stac.cube import cube
from builder.stac.links import doi_of, safe_href, web_href

if TYPE_CHECKING:
    import pystac

_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
_LABEL = r"(?![Xx][Nn]--)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})+", re.ASCII)  # RFC 5321, dot-string@domain
_LICENSE = re.compile(r"[\w.+-]+", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
PROVIDER_ROLES = {
    "publisher": "host",
    "distributor": "host",
    "resourceProvider": "host",
    "custodian": "host",
    "processor": "processor",
    "owner": "licensor",
    "rightsHolder": "licensor",
    "originator": "producer",
    "author": "producer",
    "principalInvestigator": "producer",
}
"""ISO 19115 role → role of a STAC provider."""

_ORGANISATION_ROLES = frozenset({"publisher", "distributor", "resourceProvider", "custodian", "owner", "originator"})


def times(dataset: Dataset, where: str, findings: list[Finding]) -> Json:
    """Return the time of a dataset as STAC says it; all values None where nothing is known.

    An observation that goes on has its start as ``datetime`` and ``iaos:ongoing``, since an open
    interval is not allowed in an Item and the day of the build would change every night.
    """
    start, end = utc(dataset.coverage.start), utc(dataset.coverage.end)
    if start and end and end < start:
        findings.append(
            warning(
                "stac.time-order", where, f"ends ({stamp(end)}) before it starts ({stamp(start)}); the end is left out"
            )
        )
        return {"datetime": stamp(start)}
    if start and end and start != end:
        return {"datetime": None, "start_datetime": stamp(start), "end_datetime": stamp(end)}
    instant = start or end
    goes_on = start and not end and not dataset.coverage.original_temporal  # else the end was said, but not readably
    return {"datetime": stamp(instant) if instant else None} | ({"iaos:ongoing": True} if goes_on else {})


def utc(value: datetime | None) -> datetime | None:
    """Return an instant in UTC; one without a zone is taken as UTC."""
    if value is None:
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def stamp(value: datetime) -> str:
    """Return an instant as RFC 3339 in UTC with a Z, fractions of a second only where there are some."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def describe(item: pystac.Item, dataset: Dataset, context: ItemContext, findings: list[Finding]) -> None:
    """Fill the properties of an item from a dataset.

    Args:
        item: The item; its geometry and time are already set.
        dataset: What the record says.
        context: The item's surroundings.
        findings: Gets a finding for every value that had to be left out.
    """
    put = item.properties.update
    put(_words(dataset, context, findings))
    put(_people(dataset))
    put(_record(dataset, context))
    put(_observation(dataset))
    put(dict(context.extra or {}))
    _scientific(item, dataset, context, findings)
    _versions(item, dataset)
    _tables(item, dataset)
    _projection(item, dataset)
    cube(item, dataset)


def _words(dataset: Dataset, context: ItemContext, findings: list[Finding]) -> Json:
    if not dataset.title:
        findings.append(warning("stac.no-title", context.record.identifier, "has no title; its identifier stands in"))
    words: Json = {"title": dataset.title or dataset.identifier or context.id}
    if dataset.description:
        words["description"] = dataset.description
    if dataset.keywords:
        words["keywords"] = list(dict.fromkeys(word for word in dataset.keywords if word))
    if dataset.language and _LANGUAGE.fullmatch(dataset.language):
        words["language"] = {"code": dataset.language}
    return words | _terms(dataset, context) | _dates(dataset)


def _terms(dataset: Dataset, context: ItemContext) -> Json:
    said = dataset.license
    terms: Json = {"license": license_id(said.id if said else context.definition.license)}
    if said and terms["license"] == "other" and (said.title or said.id != "other"):
        terms["iaos:license"] = said.title or said.id
    return terms | _access(dataset)


def _access(dataset: Dataset) -> Json:
    said = dataset.access.statement
    if not is_restricted_dataset(dataset):
        return {"iaos:access": said} if said else {}
    reason = said or "The partner asks for a login or for permission."
    closed = {"iaos:restricted": True} if dataset.access.restricted else {}
    return {"auth:schemes": {LOGIN: {"type": "login", "description": reason}}, **closed}


def license_id(text: str) -> str:
    """Return a licence as STAC 1.1 allows it: an SPDX identifier or expression word, else ``other``."""
    return text if _LICENSE.fullmatch(text) else "other"


def _dates(dataset: Dataset) -> Json:
    dates = {"created": dataset.created, "updated": dataset.updated, "published": dataset.published}
    return {name: stamp(moment) for name, value in dates.items() if (moment := utc(value))}


def _people(dataset: Dataset) -> Json:
    contacts = [contact(party) for party in dataset.parties if party.name or party.organization]
    themes = [
        {"scheme": theme.scheme, "concepts": [{"id": entry} for entry in dict.fromkeys(theme.ids) if entry]}
        for theme in dataset.themes
        if theme.scheme and any(theme.ids)
    ]
    providers = list(providers_of(dataset.parties))
    named = {"contacts": contacts, "themes": themes, "providers": providers}
    return {name: value for name, value in named.items() if value}


def contact(party: Party) -> Json:
    """Return a party as a contact (contacts extension)."""
    name = party.name or party.organization
    orcid = party.orcid.rsplit("/", 1)[-1] if party.orcid else None
    page = web_href(party.url)
    entry: Json = {
        "name": name,
        "organization": party.organization if party.organization != name else None,
        "identifier": f"https://orcid.org/{orcid}" if orcid else None,
        "emails": [{"value": party.email}] if _EMAIL.fullmatch(party.email or "") else None,
        "links": [{"rel": "about", "href": page, "type": "text/html"}] if page else None,
        "roles": list(dict.fromkeys(filter(None, party.roles))),
    }
    return {key: value for key, value in entry.items() if value}


def providers_of(parties: tuple[Party, ...]) -> Iterator[Json]:
    """Yield the organisations among the parties as STAC providers, each once with all its roles."""
    roles: dict[str, dict[str, None]] = {}
    pages: dict[str, str] = {}
    for party in parties:
        name, page = _organisation(party), None if party.orcid else web_href(party.url)
        found = dict.fromkeys(PROVIDER_ROLES[role] for role in party.roles if role in PROVIDER_ROLES)
        if name and found:
            roles.setdefault(name, {}).update(found)
            pages |= {name: page} if page and name not in pages else {}
    for name, said in roles.items():
        yield {"name": name, "roles": list(said)} | ({"url": pages[name]} if name in pages else {})


def _organisation(party: Party) -> str | None:
    """Return the organisation a party is or belongs to, where that can be told."""
    acts_as_one = not party.orcid and not _ORGANISATION_ROLES.isdisjoint(party.roles)
    return party.organization or (party.name if acts_as_one else None)


def _record(dataset: Dataset, context: ItemContext) -> Json:
    record = context.record
    source: Json = {
        "protocol": context.definition.source.type,
        "endpoint": getattr(context.definition.source, "url", None),
        "identifier": record.identifier,
        "format": record.format,
        "url": record.url if safe_href(record.url) else None,
        "set": list(record.sets) or None,
        "datestamp": record.datestamp,
        "sha256": record.sha256,
        "warnings": [finding.message for finding in dataset.findings] or None,
    }
    return {"iaos:source": {name: value for name, value in source.items() if value is not None}}


def _observation(dataset: Dataset) -> Json:
    facts: Json = {
        "platform": dataset.platform,
        "instruments": list(dataset.instruments) or None,
        "mission": dataset.mission,
        "processing:level": dataset.processing_level,
        "processing:lineage": dataset.lineage,
        "iaos:original_temporal": dataset.coverage.original_temporal,
        "iaos:parent": dataset.parent,
    }
    if dataset.coverage.vertical:
        low, high, unit = dataset.coverage.vertical
        facts["iaos:vertical"] = {"minimum": low, "maximum": high, "unit": unit}
    return {name: value for name, value in facts.items() if value}


def _scientific(item: pystac.Item, dataset: Dataset, context: ItemContext, findings: list[Finding]) -> None:
    from pystac.extensions.scientific import ScientificExtension

    doi = doi_of(dataset.doi)
    if dataset.doi and not doi:
        findings.append(warning("stac.doi", context.record.identifier, f"{dataset.doi[:200]!r} is not a DOI; left out"))
    if doi or dataset.citation:
        ScientificExtension.ext(item, add_if_missing=True).apply(doi, dataset.citation)
    papers = [{"doi": doi_of(paper.doi), "citation": paper.citation} for paper in dataset.publications]
    known = [{name: value for name, value in paper.items() if value} for paper in papers]
    if any(known):  # not through pystac, which writes null where a field is missing
        item.properties["sci:publications"] = [paper for paper in known if paper]


def _versions(item: pystac.Item, dataset: Dataset) -> None:
    from pystac.extensions.version import VersionExtension

    if dataset.version:
        VersionExtension.ext(item, add_if_missing=True).version = dataset.version


def _tables(item: pystac.Item, dataset: Dataset) -> None:
    from pystac.extensions.table import Column, TableExtension

    if not dataset.columns:
        return
    table = TableExtension.ext(item, add_if_missing=True)
    table.columns = [
        Column(
            {
                key: value
                for key, value in (
                    ("name", column.name),
                    ("description", column.description),
                    ("type", column.type),
                    ("unit", column.unit),
                    ("method", column.method),
                )
                if value
            }
        )
        for column in dataset.columns
        if column.name
    ]
    if dataset.row_count is not None:
        table.row_count = dataset.row_count


def _projection(item: pystac.Item, dataset: Dataset) -> None:
    from pystac.extensions.projection import ProjectionExtension

    native = dataset.projection
    if native is None:
        return
    projection = ProjectionExtension.ext(item, add_if_missing=True)
    values: dict[str, Any] = {
        "code": native.code,
        "wkt2": native.wkt2,
        "projjson": None if native.code else _projjson(native.wkt2),
        "bbox": list(native.bbox) if native.bbox else None,
        "shape": list(native.shape) if native.shape else None,
        "transform": list(native.transform) if native.transform else None,
    }
    for name, value in values.items():
        if value is not None:
            setattr(projection, name, value)


@lru_cache(64)
def _projjson(wkt2: str | None) -> Json | None:
    """Return a reference system as PROJJSON 0.7; None where PROJ does not understand its text."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        return CRS.from_wkt(wkt2).to_json_dict() if wkt2 else None
    except CRSError:
        return None


def located(footprint: Footprint) -> Json:
    """Return what says that nothing is known about the place, or nothing."""
    return {} if footprint.geometry else {"iaos:unlocated": True}
