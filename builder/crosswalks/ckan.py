"""CKAN packages: core fields, the extras of many portals, and the ISO record that harvested ones carry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from builder.crosswalks.ckanfiles import describe_resources
from builder.crosswalks.ckanplaces import put_depth, put_place, put_time, unpacked
from builder.crosswalks.dois import doi_of
from builder.crosswalks.jsontext import Json, many, objects, read_json, wording, wordings
from builder.crosswalks.licenses import license_of
from builder.crosswalks.people import full_name, merged, organisation
from builder.crosswalks.times import parse_time
from builder.crosswalks.values import access_of, language_of, one_line, orcid_of, paragraphs, unique
from builder.dataset import Access, Concepts, Dataset, Draft, Link, Party, Publication, Resource
from builder.errors import IaosError, RecordError
from builder.findings import note
from builder.merge import merge, only

if TYPE_CHECKING:
    from builder.sources.protocol import Record

_HTTP = ("http://", "https://")
_REGISTERED = frozenset({"", "published", "approved"})
_SCHEMES = {
    "eov": "https://goosocean.org/what-we-do/framework/essential-ocean-variables/",
    "ecv": "https://gcos.wmo.int/site/global-climate-observing-system-gcos/essential-climate-variables",
}
_EMBEDDED = "harvest_document_content"
_STAMPS = {
    "created": ("metadata_created",),
    "updated": ("metadata_modified", "modified"),
    "published": ("issued",),
}
_PI = ("Principal Investigator", "Principal Investigator(s)", "principal_investigator")
_CURATOR = ("Data Curator", "Data Curator(s)", "data_curator")
_PLATFORM = ("Observing system name", "platform", "observing_system_name")
_PARAMETERS = ("Parameter name(s)", "Parameter names", "parameters")
_PROJECT = ("Project/Program name(s)", "project", "projects")


def describe(record: Record) -> Dataset:
    """Describe a CKAN package.

    Extras are read as if they were fields. A package that carries the ISO record it was harvested
    from is completed from that record, which knows time, depth and people better.

    Raises:
        RecordError: The body is no JSON object.
    """
    package = read_json(record)
    if not isinstance(package, dict):
        raise RecordError("not a CKAN package", where=record.identifier)
    package = _with_extras(package)
    draft = Draft(_identifier(package, record), source=record.identifier, rule="ckan")
    _put_words(draft, package)
    put_place(draft, package)
    put_time(draft, package)
    put_depth(draft, package)
    _put_terms(draft, package)
    _put_people(draft, package)
    _put_references(draft, package, record)
    return _completed(draft.build(), package, record)


def _with_extras(package: Json) -> dict[str, Any]:
    extras = {wording(extra, "key"): extra.get("value") for extra in objects(unpacked(package.get("extras")))}
    return {**{key: value for key, value in extras.items() if key}, **package}


def _identifier(package: Json, record: Record) -> str:
    return wording(package, "id") or record.identifier


def _put_words(draft: Draft, package: Json) -> None:
    for name in ("title", "notes"):
        field = {"title": "title", "notes": "description"}[name]
        for place in (f"{name}_translated", name):
            text = _english(unpacked(package.get(place)))
            draft.put(field, one_line(text) if name == "title" else paragraphs(text), place)
    draft.put("title", one_line(wording(package, "name")), "name")
    tags = [wording(tag, "display_name", "name") for tag in objects(unpacked(package.get("tags")))]
    themes = {name: unique(_listed(package.get(name))) for name in _SCHEMES}
    draft.put("themes", tuple(Concepts(_SCHEMES[name], ids) for name, ids in themes.items() if ids), "eov, ecv")
    words = [*tags, *_listed(package.get("keywords")), *themes["eov"]]
    draft.put(
        "keywords", unique([one_line(word) for word in [*words, *_first(package, _PARAMETERS)]]), "tags, keywords, eov"
    )
    draft.put("platform", one_line("; ".join(_first(package, _PLATFORM))), _PLATFORM[0])
    draft.put("mission", one_line("; ".join(_first(package, _PROJECT))), _PROJECT[0])
    draft.put("version", one_line(wording(package.get("version"))), "version")
    draft.put(
        "language",
        language_of(wording(package.get("language")) or wording(package.get("metadata-language"))),
        "language",
    )
    for field, names in _STAMPS.items():
        for name in names:
            draft.put(field, parse_time(wording(package.get(name))), name)
    draft.put("processing_level", one_line(wording(package.get("processing_level"))), "processing_level")
    draft.put("lineage", paragraphs(wording(package.get("provenance"))), "provenance")


def _put_terms(draft: Draft, package: Json) -> None:
    names = (wording(package.get("license_id")), wording(package.get("license_title")))
    url = wording(package.get("license_url")) or None
    chosen = license_of(names[0] or names[1], url)
    if chosen is not None and chosen.id == "other" and names[1]:
        chosen = license_of(names[1], url) or chosen
    draft.put("license", chosen, "license_id")
    if package.get("private") is True:
        draft.put("access", Access(restricted=True, statement="private package"), "private")
    for name in ("access_constraints", "access_rights"):
        draft.put("access", access_of(wording(package.get(name))), name)
    if wording(package.get("state")) not in {"", "active"}:
        draft.put("status", "withdrawn", "state")


def _put_people(draft: Draft, package: Json) -> None:
    parties = merged([*_people(package), *_organisations(package)])
    draft.put("parties", parties, "author, maintainer, organization")


def _people(package: Json) -> Iterator[Party]:
    for name, role in (
        ("author", "author"),
        ("creator", "author"),
        ("maintainer", "pointOfContact"),
        ("contact", "pointOfContact"),
    ):
        value = unpacked(package.get(name))
        for person in many(value):
            yield from _person(person, role, wording(package.get(f"{name}_email")))
    for names, role in ((_PI, "principalInvestigator"), (_CURATOR, "custodian")):
        for name in names:
            for person in wordings(unpacked(package.get(name))):
                yield from _person(person, role, "")
    for person in objects(unpacked(package.get("cited-responsible-party"))):
        yield from _responsible(person)


def _person(person: Any, role: str, email: str) -> Iterator[Party]:
    if isinstance(person, str):
        for name in re.split(r"\s*[;\n]\s*", person):
            if name.strip():
                yield Party(one_line(name), (role,), email=email or None)
        return
    name = one_line(full_name(wording(person, "name", "family"), wording(person, "given_name", "given")))
    if name:
        yield Party(
            name,
            (role,),
            organization=one_line(wording(person, "affiliation")) or None,
            email=wording(person, "email") or None,
            url=wording(person, "url") or None,
            orcid=orcid_of(wording(person, "identifier")),
        )


def _responsible(party: Json) -> Iterator[Party]:
    institute = one_line(wording(party, "organisation-name"))
    name = one_line(wording(party, "individual-name")) or institute
    roles = tuple(wordings(party.get("role"))) or ("pointOfContact",)
    if name:
        yield Party(
            name,
            roles,
            organization=institute or None,
            email=wording(party, "contact-info_email") or None,
            orcid=orcid_of(wording(party, "individual-uri_code")),
        )


def _organisations(package: Json) -> Iterator[Party]:
    owner = unpacked(package.get("organization"))
    title = one_line(wording(owner, "title", "name")) if owner else ""
    if title:
        yield organisation(title, "distributor")
    publication = unpacked(package.get("publication"))
    publisher = one_line(wording(publication, "publisher")) if isinstance(publication, dict) else ""
    for name in unique([publisher, *(wording(entry, "name") for entry in objects(unpacked(package.get("publisher"))))]):
        yield organisation(name, "publisher")


def _put_references(draft: Draft, package: Json, record: Record) -> None:
    codes = [wording(entry, "code") for entry in objects(unpacked(package.get("unique-resource-identifier-full")))]
    named = (wording(package.get("doi")), *codes, wording(package.get("guid")), wording(package.get("url")))
    doi = next((found for found in map(doi_of, named) if found), None)
    state = wording(package.get("publication_state")).lower()
    if doi and state not in _REGISTERED:
        draft.find(note("ckan.doi-unregistered", draft.identifier, f"the DOI {doi} is not registered ({state})"))
        doi = None
    draft.put("doi", doi, "doi")
    draft.put("publications", _publications(package), "related_publications")
    files = list(describe_resources(package))
    original = wording(package.get("xml_location_url"))
    if original.startswith(_HTTP):
        files.append(Resource("metadata-iso", original, "application/xml", roles=("metadata",), title="ISO metadata"))
    draft.put("resources", tuple(file for file in files if isinstance(file, Resource)), "resources")
    links = [Link("via", record.url, "text/html", "Page at the source")] if record.url else []
    if wording(package.get("guid")).startswith(_HTTP):
        links.append(Link("canonical", wording(package.get("guid"))))
    if wording(package.get("url")).startswith(_HTTP):
        links.append(Link("related", wording(package.get("url"))))
    draft.put("links", (*links, *(file for file in files if isinstance(file, Link))), "url, resources")


def _publications(package: Json) -> tuple[Publication, ...]:
    """Read papers, one a line, as EnviDat lists them, and the addresses of DCAT-AP's ``is_referenced_by``."""
    lines = wording(package.get("related_publications")).splitlines()
    named = [(doi_of(line), one_line(line.lstrip("*- "))) for line in lines]
    named += [(doi_of(word), "") for word in wordings(unpacked(package.get("is_referenced_by")))]
    return tuple(Publication(doi, words or None) for doi, words in dict(named).items() if doi)


def _completed(dataset: Dataset, package: Json, record: Record) -> Dataset:
    """Let the embedded ISO record say what it says better than the portal's own fields."""
    body = wording(package.get(_EMBEDDED))
    if not body.lstrip().startswith("<"):
        return dataset
    from builder.crosswalks import iso19139

    try:
        iso = iso19139.describe(replace(record, format="iso19139", body=body.encode(), media_type="application/xml"))
    except IaosError as trouble:
        said = note("ckan.embedded-iso", record.identifier, f"the embedded ISO record is left out: {trouble.message}")
        return replace(dataset, findings=(*dataset.findings, said))
    better = replace(only(iso, "coverage.time", "coverage.vertical", "parties"), identifier=dataset.identifier)
    return merge(merge(better, dataset), iso)


def _english(value: Any) -> str:
    return wording(value, "en", "eng", "fr", "de") if isinstance(value, dict) else wording(value)


def _listed(value: Any) -> list[str]:
    value = unpacked(value)
    if isinstance(value, dict):
        value = value.get("en") or next(iter(value.values()), None)
    words = wordings(value)
    return [part for word in words for part in word.split(",")] if len(words) == 1 else words


def _first(package: Json, names: tuple[str, ...]) -> list[str]:
    for name in names:
        found = [part.strip() for word in wordings(unpacked(package.get(name))) for part in re.split(r"[,;]", word)]
        if any(found):
            return [word for word in found if word]
    return []
