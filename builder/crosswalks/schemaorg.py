"""Reads schema.org Dataset as JSON-LD, alone, in a graph, or in the page that carries it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from builder.crosswalks.dois import doi_of
from builder.crosswalks.jsontext import Json, line, many, objects, read_json, wording, wordings
from builder.crosswalks.licenses import license_of
from builder.crosswalks.pangaea import is_pangaea, links, metadata_resources, name_of
from builder.crosswalks.people import cite, full_name, merged, organisation
from builder.crosswalks.schemaplaces import put_places
from builder.crosswalks.times import parse_time, put_period
from builder.crosswalks.values import access_of, language_of, orcid_of, paragraphs, unique
from builder.dataset import Access, Column, Concepts, Dataset, Draft, Link, Party, Publication, Resource, Variable
from builder.errors import RecordError
from builder.media import media_type

if TYPE_CHECKING:
    from builder.sources.protocol import Record

_BYTES = re.compile(r"(\d{1,18})\s*(?:b|bytes?)?", re.ASCII | re.IGNORECASE)


def describe(record: Record) -> Dataset:
    """Describe a schema.org Dataset.

    Raises:
        RecordError: The body is neither JSON-LD nor a page that holds some, or has no Dataset in it.
    """
    said = _dataset(record)
    draft = Draft(record.identifier, source=record.identifier, rule="schemaorg")
    _put_words(draft, said)
    _put_terms(draft, said)
    _put_period(draft, said)
    put_places(draft, said)
    _put_people(draft, said)
    _put_relations(draft, said)
    _put_files(draft, said)
    _put_variables(draft, said)
    draft.identifier = name_of(_doi(said)) or _doi(said) or draft.identifier
    return draft.build()


def _dataset(record: Record) -> Json:
    for document in _documents(record):
        for node in _nodes(document):
            if "Dataset" in wordings(node.get("@type")):
                return node
    raise RecordError("holds no schema.org Dataset", where=record.identifier)


def _documents(record: Record) -> Iterator[Any]:
    if not record.body.lstrip().startswith(b"<"):
        yield read_json(record)
        return
    from lxml import etree, html

    try:
        page = html.document_fromstring(record.body)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as trouble:
        raise RecordError(f"the page cannot be read: {trouble}", where=record.identifier) from trouble
    for script in page.iter("script"):
        if script.get("type") == "application/ld+json":
            yield read_json(record, (script.text or "").encode("utf-8", "replace"))


def _nodes(document: Any) -> Iterator[Json]:
    for node in objects(document):
        yield node
        yield from objects(node.get("@graph"))


def _put_words(draft: Draft, said: Json) -> None:
    draft.put("title", line(said.get("name")), "name")
    short, whole = wording(said.get("description")), wording(said.get("abstract"))
    if short.endswith(("[…]", "[...]", "…")):
        draft.put("description", paragraphs(whole), "abstract")
    draft.put("description", paragraphs(short), "description")
    draft.put("description", paragraphs(whole), "abstract")
    keywords = [word.strip() for text in wordings(said.get("keywords")) for word in _split(text)]
    draft.put("keywords", unique(keywords), "keywords")
    schemes: dict[str, list[str]] = {}
    for term in objects(said.get("keywords")):
        scheme = line(term.get("inDefinedTermSet"), "@id", "url", "name")
        if scheme:
            schemes.setdefault(scheme, []).append(line(term, "@id", "url", "termCode", "name"))
    themes = tuple(Concepts(scheme, unique(ids)) for scheme, ids in schemes.items())
    draft.put("themes", themes, "keywords/inDefinedTermSet")
    draft.put("language", language_of(line(said.get("inLanguage"), "alternateName", "name")), "inLanguage")
    draft.put("version", line(said.get("version")), "version")


def _split(text: str) -> list[str]:
    return text.split(";") if ";" in text else text.split(",")


def _put_terms(draft: Draft, said: Json) -> None:
    for entry in many(said.get("license")):
        text, url = line(entry, "name", "identifier"), line(entry, "url", "@id")
        web = url if isinstance(entry, dict) else ""
        draft.put("license", license_of(text, web), "license")
    access = access_of(line(said.get("conditionsOfAccess")))
    draft.put("access", access, "conditionsOfAccess")
    if said.get("isAccessibleForFree") is False:
        draft.put("access", Access(restricted=True, statement="not accessible for free"), "isAccessibleForFree")


def _put_period(draft: Draft, said: Json) -> None:
    for name, key in (("published", "datePublished"), ("created", "dateCreated"), ("updated", "dateModified")):
        date = line(said.get(key))
        draft.put(name, parse_time(date) if len(date) > 4 else None, key)
    start, bar, end = line(said.get("temporalCoverage")).partition("/")
    put_period(draft, (start, "temporalCoverage"), (end if bar else start, "temporalCoverage"))


def _put_people(draft: Draft, said: Json) -> None:
    url = line(said.get("publisher"), "url") or None
    parties = [
        *(_party(one, "author") for key in ("creator", "author") for one in many(said.get(key))),
        *(_party(one, "contributor") for one in many(said.get("contributor"))),
        *(_party(one, "distributor") for one in many(said.get("provider"))),
        organisation(line(said.get("publisher")), "publisher", url=url),
    ]
    draft.put("parties", merged(parties), "creator")


def _party(entry: Any, role: str) -> Party:
    if not isinstance(entry, dict):
        return Party(name=line(entry), roles=(role,))
    name = full_name(line(entry.get("familyName")), line(entry.get("givenName"))) or line(entry.get("name"))
    email, url = line(entry.get("email")).removeprefix("mailto:") or None, line(entry.get("url")) or None
    if "Organization" in wordings(entry.get("@type")):
        return organisation(name, role, url=url, email=email)
    home = line(entry.get("affiliation"), "name") or None
    orcid = orcid_of(line(entry.get("identifier"), "value", "@id", "url")) or orcid_of(line(entry.get("@id")))
    return Party(name=name, roles=(role,), organization=home, email=email, url=url, orcid=orcid)


def _put_relations(draft: Draft, said: Json) -> None:
    doi = _doi(said)
    draft.put("doi", doi, "identifier")
    own = [paper for paper in map(_publication, many(said.get("citation"))) if paper.citation or paper.doi]
    draft.put("publications", tuple(own), "citation")
    parent = line(said.get("isPartOf"), "@id", "identifier", "url", "name")
    draft.put("parent", doi_of(parent) or parent, "isPartOf")
    children = wordings(said.get("hasPart"), "@id", "identifier", "url", "name")
    draft.put("children", unique([doi_of(child) or child for child in children]), "hasPart")
    _put_links(draft, said, doi)


def _put_links(draft: Draft, said: Json, doi: str | None) -> None:
    if doi and is_pangaea(doi):
        draft.put("links", links(doi), "url")
    page = line(said.get("url"))
    draft.put("links", (Link("via", page, "text/html", "Landing page"),) if page else (), "url")


def _publication(entry: Any) -> Publication:
    if not isinstance(entry, dict):
        return Publication(doi_of(line(entry)), line(entry))
    names = (_party(one, "author").name for one in many(entry.get("creator") or entry.get("author")))
    address = line(entry, "url", "@id")
    parts = (line(entry.get("isPartOf"), "name"), line(entry, "issueNumber"), line(entry, "pagination"), address)
    citation = cite(names, line(entry, "datePublished")[:4], line(entry, "name", "headline"), *parts)
    return Publication(doi_of(line(entry, "identifier")) or doi_of(address), citation or None)


def _put_files(draft: Draft, said: Json) -> None:
    files = [file for file in map(_file, objects(said.get("distribution"))) if file.href]
    doi = _doi(said)
    extra = metadata_resources(doi) if doi and is_pangaea(doi) else ()
    draft.put("resources", (*files, *extra), "distribution")
    size = line(said.get("size"), "unitText")
    if size == "datasets" or draft.has("children"):
        draft.put("level", "collection", "size" if size else "hasPart")


def _doi(said: Json) -> str | None:
    marks = (*wordings(said.get("identifier"), "value", "@id", "url"), line(said.get("@id")), line(said.get("url")))
    return next((found for found in map(doi_of, marks) if found), None)


def _file(entry: Json) -> Resource:
    href = line(entry.get("contentUrl")) or line(entry.get("url"))
    kind = line(entry.get("encodingFormat")) or line(entry.get("fileFormat"))
    guessed = media_type(href.partition("?")[0])
    size, digest = _BYTES.fullmatch(line(entry.get("contentSize"))), line(entry.get("sha256"))
    return Resource(
        key="data",
        href=href,
        media_type=_media(kind, guessed),
        title=line(entry.get("name")) or None,
        description=line(entry.get("description")) or None,
        size=int(size[1]) if size else None,
        checksum=f"sha256:{digest}" if digest else None,
    )


def _media(*guesses: str) -> str | None:
    return next((one for one in guesses if "/" in one and one != "application/octet-stream"), None)


def _put_variables(draft: Draft, said: Json) -> None:
    """Measured variables are the columns of a table where a table is offered, else variables of any file."""
    measured = [one if isinstance(one, dict) else {"name": line(one)} for one in many(said.get("variableMeasured"))]
    named = [one for one in measured if line(one.get("name"))]
    if any("tab-separated" in kind or "csv" in kind for kind in _kinds(said)):
        draft.put("columns", tuple(map(_column, named)), "variableMeasured")
    else:
        draft.put("variables", tuple(map(_variable, named)), "variableMeasured")


def _column(one: Json) -> Column:
    words = (line(one, field) or None for field in ("description", "unitText", "measurementTechnique"))
    return Column(line(one, "name"), *words)


def _variable(one: Json) -> Variable:
    return Variable(line(one, "name"), line(one, "description") or None, unit=line(one, "unitText", "unitCode") or None)


def _kinds(said: Json) -> list[str]:
    return [line(file, "encodingFormat") for file in objects(said.get("distribution"))]
