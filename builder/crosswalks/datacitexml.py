"""Turns DataCite XML, kernel 3 or 4, into the shape of DataCite's own JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.crosswalks.xmltext import every, first, prose, text, texts, words
from builder.strictxml import local_name

if TYPE_CHECKING:
    from lxml import etree


def as_json(root: etree._Element) -> dict[str, Any]:
    """Return what a ``<resource>`` says with the field names of DataCite JSON."""
    kind = first(root, "resourceType")
    return {
        "doi": text(root, "identifier"),
        "titles": _labelled(root, "titles/title", "title"),
        "descriptions": [
            {"description": prose(node), "descriptionType": node.get("descriptionType")}
            for node in every(root, "descriptions/description")
        ],
        "subjects": _labelled(root, "subjects/subject", "subject"),
        "dates": _labelled(root, "dates/date", "date"),
        "rightsList": _labelled(root, "rightsList/rights", "rights") or _labelled(root, "rights", "rights"),
        "creators": [_person(node, "creatorName") for node in every(root, "creators/creator")],
        "contributors": [_person(node, "contributorName") for node in every(root, "contributors/contributor")],
        "relatedIdentifiers": _labelled(root, "relatedIdentifiers/relatedIdentifier", "relatedIdentifier"),
        "geoLocations": [_place(node) for node in every(root, "geoLocations/geoLocation")],
        "publisher": text(root, "publisher"),
        "language": text(root, "language"),
        "version": text(root, "version"),
        "formats": texts(root, "formats/format"),
        "types": {"resourceTypeGeneral": kind.get("resourceTypeGeneral") if kind is not None else None},
    }


def _labelled(root: etree._Element, path: str, name: str) -> list[dict[str, Any]]:
    """Return the attributes of each element, written as in the JSON, and its text under ``name``."""
    return [
        {**{str(key).replace("URI", "Uri"): value for key, value in node.attrib.items()}, name: words(node)}
        for node in every(root, path)
    ]


def _person(node: etree._Element, name: str) -> dict[str, Any]:
    named = first(node, name)
    return {
        "name": words(named),
        "nameType": named.get("nameType") if named is not None else None,
        "familyName": text(node, "familyName"),
        "givenName": text(node, "givenName"),
        "contributorType": node.get("contributorType"),
        "affiliation": texts(node, "affiliation"),
        "nameIdentifiers": [{"nameIdentifier": words(one)} for one in every(node, "nameIdentifier")],
    }


def _place(node: etree._Element) -> dict[str, Any]:
    place: dict[str, Any] = {
        local_name(child): _fields(child) or words(child)
        for child in node
        if local_name(child) in {"geoLocationBox", "geoLocationPoint"}
    }
    polygons = every(node, "geoLocationPolygon")
    place["geoLocationPolygon"] = [
        {"polygonPoint": [_fields(corner) for corner in every(polygon, "polygonPoint")]} for polygon in polygons
    ]
    return place


def _fields(node: etree._Element) -> dict[str, str]:
    return {local_name(child): words(child) for child in node if local_name(child)}
