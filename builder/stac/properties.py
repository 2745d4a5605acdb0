"""What a dataset says, as STAC properties: common metadata and the fields of the extensions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from builder.dataset import Dataset, Party
from builder.findings import Finding, warning
from builder.stac.assets import LOGIN, is_restricted_dataset
from builder.stac.context import Footprint, ItemContext, Json
from builder.stac.cube import cube
from builder.stac.links import doi_of, safe_href

if TYPE_CHECKING:
    import pystac

_EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+")
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
    return {"datetime": stamp(instant) if instant else None} | ({"iaos:ongoing": True} if start and not end else {})


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
    if is_restricted_dataset(dataset):
        reason = dataset.access.statement or "The partner asks for a login or for permission."
        terms |= {"iaos:restricted": True, "auth:schemes": {LOGIN: {"type": "login", "description": reason}}}
    elif dataset.access.statement:
        terms["iaos:access"] = dataset.access.statement
    return terms


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
    entry: Json = {"name": party.name or party.organization}
    if party.organization and party.organization != entry["name"]:
        entry["organization"] = party.organization
    if party.orcid:
        orcid = party.orcid.rsplit("/", 1)[-1]
        entry["identifier"] = f"https://orcid.org/{orcid}"
    if party.email and _EMAIL.fullmatch(party.email):
        entry["emails"] = [{"value": party.email}]
    href = safe_href(party.url) if party.url else None
    if href and "://" in href:
        entry["links"] = [{"rel": "about", "href": href, "type": "text/html"}]
    if party.roles:
        entry["roles"] = list(dict.fromkeys(role for role in party.roles if role))
    return entry


def providers_of(parties: tuple[Party, ...]) -> Iterator[Json]:
    """Yield the organisations among the parties as STAC providers, each once with all its roles."""
    roles: dict[str, dict[str, None]] = {}
    urls: dict[str, str] = {}
    for party in parties:
        name = party.organization or (party.name if _ORGANISATION_ROLES & set(party.roles) and not party.orcid else "")
        found = dict.fromkeys(PROVIDER_ROLES[role] for role in party.roles if role in PROVIDER_ROLES)
        if not name or not found:
            continue
        roles.setdefault(name, {}).update(found)
        href = safe_href(party.url) if party.url and not party.orcid else None
        if href and "://" in href:
            urls.setdefault(name, href)
    for name, said in roles.items():
        yield {"name": name, "roles": list(said)} | ({"url": urls[name]} if name in urls else {})


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
    return {name: value for name, value in facts.items() if value is not None}


def _scientific(item: pystac.Item, dataset: Dataset, context: ItemContext, findings: list[Finding]) -> None:
    from pystac.extensions.scientific import Publication, ScientificExtension

    doi = doi_of(dataset.doi)
    if dataset.doi and not doi:
        findings.append(warning("stac.doi", context.record.identifier, f"{dataset.doi[:200]!r} is not a DOI; left out"))
    papers = [
        Publication(doi_of(paper.doi), paper.citation)
        for paper in dataset.publications
        if paper.citation or doi_of(paper.doi)
    ]
    if doi or dataset.citation or papers:
        ScientificExtension.ext(item, add_if_missing=True).apply(doi, dataset.citation, papers or None)
    for paper in item.properties.get("sci:publications", ()):
        for name in [name for name in paper if paper[name] is None]:
            del paper[name]  # pystac writes null, which the schema refuses


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
        "bbox": list(native.bbox) if native.bbox else None,
        "shape": list(native.shape) if native.shape else None,
        "transform": list(native.transform) if native.transform else None,
    }
    for name, value in values.items():
        if value is not None:
            setattr(projection, name, value)


def located(footprint: Footprint) -> Json:
    """Return what says that nothing is known about the place, or nothing."""
    return {} if footprint.geometry else {"iaos:unlocated": True}
