"""Reads DataCite metadata, kernel 3 and 4 as XML and DataCite's JSON, as one and the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from builder.crosswalks.datacitexml import as_json
from builder.crosswalks.dois import doi_of
from builder.crosswalks.jsontext import Json, line, many, objects, read_json, wording
from builder.crosswalks.licenses import clearest, license_of
from builder.crosswalks.pangaea import name_of, put_addresses
from builder.crosswalks.people import full_name, merged, organisation
from builder.crosswalks.shapes import Position, outlines_of, pairs_of, points_of
from builder.crosswalks.times import parse_time, put_period
from builder.crosswalks.values import (
    access_of,
    box_of,
    language_of,
    number,
    one_line,
    orcid_of,
    paragraphs,
    present,
    unique,
)
from builder.crosswalks.xmltext import open_record
from builder.dataset import Access, Concepts, Dataset, Draft, License, Link, Party, Publication
from builder.errors import RecordError
from builder.findings import warning

if TYPE_CHECKING:
    from builder.sources.protocol import Record

T = TypeVar("T")
_ROLES = {
    "ContactPerson": "pointOfContact",
    "DataCurator": "custodian",
    "DataManager": "custodian",
    "Distributor": "distributor",
    "Editor": "editor",
    "HostingInstitution": "distributor",
    "Producer": "originator",
    "ProjectLeader": "principalInvestigator",
    "ResearchGroup": "originator",
    "RightsHolder": "rightsHolder",
    "Sponsor": "sponsor",
    "Funder": "funder",
}
"""contributorType → ISO 19115 role; any other is a ``contributor``."""

_CITING = frozenset(
    {"References", "Cites", "IsCitedBy", "IsReferencedBy", "IsSupplementTo", "IsDocumentedBy", "IsDescribedBy"}
)
_FAMILY = frozenset({"IsPartOf", "HasPart"})
_VERSIONS = {"IsNewVersionOf": "predecessor-version", "IsPreviousVersionOf": "successor-version"}


def describe(record: Record) -> Dataset:
    """Describe a DataCite record, XML or JSON.

    A date given as a year alone is not taken as the day of publication. A point in the text form of
    kernel 3 is left out where its order is not evident: the kernel says latitude first, and
    DataCite's own example has longitude first.

    Raises:
        ProtocolError: The body is not well-formed XML.
        RecordError: It is no DataCite document.
    """
    if record.body.lstrip().startswith(b"<"):
        root, draft = open_record(record, "datacite", "resource")
        said: Json = as_json(root)
        at = "/resource/"
    else:
        said, at, draft = _unwrapped(record), "", Draft(record.identifier, source=record.identifier, rule="datacite")
    _put_words(draft, said, at)
    _put_dates(draft, said, at)
    _put_rights(draft, said, at)
    _put_places(draft, said, at)
    _put_people(draft, said, at)
    _put_addresses(draft, said, at)
    _put_relations(draft, said, at)
    draft.identifier = name_of(_doi(said)) or _doi(said) or draft.identifier
    return draft.build()


def _unwrapped(record: Record) -> Json:
    document = read_json(record)
    for step in ("data", "attributes"):
        if isinstance(document, dict) and isinstance(document.get(step), dict):
            document = document[step]
    if not isinstance(document, dict) or not ({"titles", "creators", "doi"} & document.keys()):
        raise RecordError("the JSON is no DataCite metadata", where=record.identifier)
    return document


def _put_words(draft: Draft, said: Json, at: str) -> None:
    titles = sorted(objects(said.get("titles")), key=lambda title: bool(title.get("titleType")))
    draft.put("title", line(titles, "title"), f"{at}titles/title")
    ranked = sorted(objects(said.get("descriptions")), key=lambda one: one.get("descriptionType") != "Abstract")
    draft.put("description", paragraphs(wording(ranked, "description")), f"{at}descriptions/description")
    subjects = list(objects(said.get("subjects")))
    draft.put("keywords", unique([line(one, "subject") for one in subjects]), f"{at}subjects/subject")
    schemes: dict[str, list[str]] = {}
    for one in subjects:
        scheme = line(one, "schemeUri", "subjectScheme")
        if scheme:
            schemes.setdefault(scheme, []).append(line(one, "valueUri", "subject"))
    themes = tuple(Concepts(scheme, unique(ids)) for scheme, ids in schemes.items())
    draft.put("themes", themes, f"{at}subjects/subject")
    draft.put("language", language_of(line(said.get("language"))), f"{at}language")
    draft.put("version", line(said.get("version")), f"{at}version")
    if line(said.get("types"), "resourceTypeGeneral") == "Collection":
        draft.put("level", "collection", f"{at}resourceType")


def _put_dates(draft: Draft, said: Json, at: str) -> None:
    dates = {line(one, "dateType"): line(one, "date") for one in objects(said.get("dates"))}
    where = f"{at}dates/date"
    for name, kinds in (("published", ("Issued", "Available")), ("created", ("Created",)), ("updated", ("Updated",))):
        moments = (parse_time(dates[kind]) for kind in kinds if len(dates.get(kind, "")) > 4)
        draft.put(name, next((moment for moment in moments if moment), None), where)
    collected = dates.get("Collected") or dates.get("Coverage") or ""
    start, bar, end = collected.partition("/")
    put_period(draft, (start, where), (end if bar else start, where))


def _put_rights(draft: Draft, said: Json, at: str) -> None:
    where = f"{at}rightsList/rights"
    found: list[License | None] = []
    for one in objects(said.get("rightsList")):
        text, address = line(one, "rights"), line(one, "rightsUri", "rightsURI")
        if "info:eu-repo" in address or "/access_right/" in address or text.lower().startswith("access"):
            access = access_of(text or address)
            draft.put("access", access if access and _sure(access, address) else None, where)
        else:
            found.append(license_of(line(one, "rightsIdentifier") or text, address))
    draft.put("license", clearest(found), where)


def _sure(access: Access, address: str) -> bool:
    return not address or access.restricted or "open" in address.lower()


def _put_places(draft: Draft, said: Json, at: str) -> None:
    where = f"{at}geoLocations/geoLocation"
    spots = list(objects(said.get("geoLocations")))
    rings = [_ring(polygon) for one in spots for polygon in many(one.get("geoLocationPolygon"))]
    boxes = _each(draft, spots, "geoLocationBox", _sides)
    points = _each(draft, spots, "geoLocationPoint", _point)
    draft.put("coverage.boxes", tuple(boxes), f"{where}/geoLocationBox")
    draft.put("coverage.geometry", outlines_of(rings), f"{where}/geoLocationPolygon")
    draft.put("coverage.geometry", points_of(points), f"{where}/geoLocationPoint")


def _each(draft: Draft, spots: list[Json], name: str, read: Callable[[Any], T | None]) -> list[T]:
    """Return the places of one kind, with a finding for each that cannot be read."""
    found = []
    for spot in (spot[name] for spot in spots if spot.get(name)):
        place = read(spot)
        if place is None:
            message = f"a place is left out, as its order is not evident: {line(spot)[:80]!r}"
            draft.find(warning("datacite.place", draft.identifier, message, "use the named sides of kernel 4"))
        else:
            found.append(place)
    return found


def _sides(box: Any) -> tuple[float, float, float, float] | None:
    """Read a box: four named sides, or in kernel 3 a text of south, west, north, east."""
    if isinstance(box, dict):
        names = ("westBoundLongitude", "southBoundLatitude", "eastBoundLongitude", "northBoundLatitude")
        return box_of(*(line(box.get(name)) for name in names))
    sides = line(box).replace(",", " ").split()
    return box_of(sides[1], sides[0], sides[3], sides[2]) if len(sides) == 4 else None


def _point(point: Any) -> Position | None:
    """Read a point: two named numbers, or in kernel 3 a text of which only one order can be right."""
    if isinstance(point, dict):
        named = [number(line(point.get(name))) for name in ("pointLongitude", "pointLatitude")]
        return next(iter(pairs_of(named, latitude_first=False)), None)
    written = [number(part) for part in line(point).replace(",", " ").split()]
    pair = next(iter(pairs_of(written, latitude_first=False)), None) if len(written) == 2 else None
    if pair is None or max(map(abs, pair)) <= 90:
        return None
    return pair if abs(pair[0]) > 90 else pair[::-1]


def _ring(polygon: Any) -> list[list[float]]:
    corners = polygon.get("polygonPoint") if isinstance(polygon, dict) else polygon
    nested = (corner.get("polygonPoint", corner) for corner in objects(corners))
    points = (_point(corner) for corner in nested)
    return [point for point in points if point]


def _put_people(draft: Draft, said: Json, at: str) -> None:
    creators = [_party(one, "author") for one in objects(said.get("creators"))]
    helpers = [
        _party(one, _ROLES.get(line(one, "contributorType"), "contributor"))
        for one in objects(said.get("contributors"))
    ]
    name = line(said.get("publisher"), "name")
    url = "https://www.pangaea.de/" if name == "PANGAEA" else None
    draft.put(
        "parties", merged([*creators, *helpers, organisation(name, "publisher", url=url)]), f"{at}creators/creator"
    )


def _party(one: Json, role: str) -> Party:
    name = full_name(line(one, "familyName"), line(one, "givenName")) or line(one, "name")
    if line(one, "nameType") == "Organizational" or role == "distributor":
        return organisation(line(one, "name") or name, role)
    identifiers = (line(entry, "nameIdentifier") for entry in objects(one.get("nameIdentifiers")))
    orcid = next((found for found in map(orcid_of, identifiers) if found), None)
    return Party(name=name, roles=(role,), organization=line(one.get("affiliation"), "name") or None, orcid=orcid)


def _put_relations(draft: Draft, said: Json, at: str) -> None:
    where = f"{at}relatedIdentifiers/relatedIdentifier"
    related = list(_relations(said))
    papers = (doi_of(target) for relation, target in related if relation in _CITING)
    draft.put("publications", tuple(map(Publication, present(papers))), where)
    names = {kind: [doi_of(name) or name for relation, name in related if relation == kind] for kind in _FAMILY}
    draft.put("parent", next(iter(names["IsPartOf"]), None), where)
    draft.put("children", unique(names["HasPart"]), where)
    landing = line(said.get("url")) or _address(_doi(said) or "")
    links = (Link("via", landing, "text/html", "Landing page"), *_further(related))
    draft.put("links", tuple(link for link in links if link.href), f"{at}identifier")


def _further(related: list[tuple[str, str]]) -> Iterator[Link]:
    for relation, target in related:
        if relation not in _FAMILY | _CITING:
            yield Link(_VERSIONS.get(relation, "related"), _address(target), title=relation)


def _address(target: str) -> str:
    doi = doi_of(target)
    return f"https://doi.org/{doi}" if doi else target if target.startswith("http") else ""


def _relations(said: Json) -> Iterator[tuple[str, str]]:
    for one in objects(said.get("relatedIdentifiers")):
        relation, target = line(one, "relationType"), one_line(line(one, "relatedIdentifier"))
        if relation and target:
            yield relation, target


def _doi(said: Json) -> str | None:
    return doi_of(line(said.get("doi"))) or doi_of(line(said.get("id")))


def _put_addresses(draft: Draft, said: Json, at: str) -> None:
    doi = _doi(said)
    draft.put("doi", doi, f"{at}identifier")
    zipped = "application/zip" in many(said.get("formats"))
    put_addresses(draft, doi, f"{at}identifier", zipped=zipped)
