"""The catalogue in DCAT-AP 3.0 as JSON-LD, so that CKAN and the data portals of Europe can harvest it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from builder.exports.described import Described, Distribution, Publisher

CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "geo": "http://www.opengis.net/ont/geosparql#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_EU = "http://publications.europa.eu/resource/authority"
THEME = f"{_EU}/data-theme/ENVI"
"""Environment, in the EU's list of themes that DCAT-AP asks for."""
LANGUAGE = f"{_EU}/language/ENG"
ACCESS = {False: f"{_EU}/access-right/PUBLIC", True: f"{_EU}/access-right/RESTRICTED"}
MEDIA = "https://www.iana.org/assignments/media-types/"


def catalogue(publisher: Publisher, described: Sequence[Described]) -> dict[str, Any]:
    """Return the catalogue with one dataset per collection.

    Args:
        publisher: Who runs it; needs a base URL.
        described: Its collections.
    """
    return {
        "@context": CONTEXT,
        "@id": f"{publisher.base}#catalogue",
        "@type": "dcat:Catalog",
        "dct:title": _english(publisher.name),
        "dct:description": _english(publisher.summary or publisher.name),
        "dct:publisher": _agent(publisher.name),
        "dct:language": {"@id": LANGUAGE, "@type": "dct:LinguisticSystem"},
        "foaf:homepage": {"@id": f"{publisher.base}index.html", "@type": "foaf:Document"},
        "dcat:themeTaxonomy": {"@id": f"{_EU}/data-theme"},
        "dcat:dataset": [_dataset(one, publisher) for one in described],
    }


def _dataset(one: Described, publisher: Publisher) -> dict[str, Any]:
    said = {
        "@id": one.page,
        "@type": "dcat:Dataset",
        "dct:title": one.title,
        "dct:description": one.abstract,
        "dct:identifier": f"https://doi.org/{one.doi}" if one.doi else one.page,
        "dct:publisher": _agent(one.partner),
        "dct:creator": [_agent(name) for name in one.creators],
        "dcat:contactPoint": _contacts(one, publisher),
        "dcat:keyword": [*one.keywords, *one.variables],
        "dcat:theme": {"@id": THEME},
        "dcat:landingPage": {"@id": one.landing or one.page, "@type": "foaf:Document"},
        "dct:accessRights": {"@id": ACCESS[one.restricted], "@type": "dct:RightsStatement"},
        "dct:modified": _moment(one.updated),
        "dct:spatial": _place(one),
        "dct:temporal": _period(one),
        "dcat:distribution": [_distribution(file, one) for file in one.distributions],
    }
    return {key: value for key, value in said.items() if value not in (None, [], "")}


def _distribution(file: Distribution, one: Described) -> dict[str, Any]:
    words, href = one.license
    terms = {"@type": "dct:LicenseDocument"} | ({"@id": href} if href else {}) | ({"dct:title": words} if words else {})
    said = {
        "@type": "dcat:Distribution",
        "dct:title": file.title,
        "dcat:accessURL": {"@id": file.href},
        "dcat:downloadURL": {"@id": file.href},
        "dcat:mediaType": {"@id": MEDIA + file.media, "@type": "dct:MediaType"},
        "dcat:byteSize": {"@value": str(file.size), "@type": "xsd:nonNegativeInteger"} if file.size else None,
        "dct:license": terms if words or href else None,
    }
    return {key: value for key, value in said.items() if value}


def _english(words: str) -> dict[str, str]:
    return {"@value": words, "@language": "en"}


def _agent(name: str) -> dict[str, str]:
    return {"@type": "foaf:Agent", "foaf:name": name}


def _contacts(one: Described, publisher: Publisher) -> list[dict[str, Any]]:
    found = one.contacts or (((publisher.name, publisher.contact),) if publisher.contact else ())
    return [
        {"@type": "vcard:Organization", "vcard:fn": name, "vcard:hasEmail": {"@id": f"mailto:{mail}"}}
        for name, mail in found
    ]


def _moment(value: str | None) -> dict[str, str] | None:
    return {"@value": value, "@type": "xsd:dateTime"} if value else None


def _place(one: Described) -> dict[str, Any] | None:
    """Return the box as well-known text, longitude first; across ±180° it is two boxes."""
    if one.box is None:
        return None
    west, south, east, north = one.box
    sides = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    rings = [
        f"(({w:g} {south:g}, {e:g} {south:g}, {e:g} {north:g}, {w:g} {north:g}, {w:g} {south:g}))" for w, e in sides
    ]
    shape = f"POLYGON {rings[0]}" if len(rings) == 1 else f"MULTIPOLYGON ({', '.join(rings)})"
    return {"@type": "dct:Location", "dcat:bbox": {"@value": shape, "@type": "geo:wktLiteral"}}


def _period(one: Described) -> dict[str, Any] | None:
    sides = {"dcat:startDate": _moment(one.start), "dcat:endDate": _moment(one.end)}
    known = {key: value for key, value in sides.items() if value}
    return {"@type": "dct:PeriodOfTime"} | known if known else None
