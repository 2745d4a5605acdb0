"""Reads PANGAEA's own format pan_md, the richest it serves: events, columns, review status, login."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from builder.crosswalks.dois import doi_of
from builder.crosswalks.licenses import license_of
from builder.crosswalks.pangaea import data_resource, links, metadata_resources, name_of
from builder.crosswalks.people import cite, full_name, merged, organisation
from builder.crosswalks.shapes import points_of
from builder.crosswalks.times import parse_time, put_period
from builder.crosswalks.values import box_of, number, orcid_of, unique
from builder.crosswalks.xmltext import Said, every, first, open_record, place, place_of, said, text, texts, words
from builder.dataset import Access, Column, Concepts, Dataset, Draft, GeoJSON, Link, Party, Publication
from builder.findings import note, warning

if TYPE_CHECKING:
    from lxml import etree

    from builder.sources.protocol import Record

MOST_POINTS = 500
"""More event points than this are thinned out evenly."""

_NEAR = 0.1
"""How far, in degrees, events may end short of the extent and still be its geometry."""

_MOST_WORDS = 20
_VERSION = "Other version"
_NOWHERE: Said = ("", "")
Entries = Mapping[str, Said]
"""Key of ``technicalInfo`` → its value and place."""

_TYPES = {"numeric": "number", "string": "string", "datetime": "datetime"}


def describe(record: Record) -> Dataset:
    """Describe a pan_md record.

    Only what PANGAEA calls published is published; a record without a status is taken to be in
    review. The OAI datestamp and ``xmlLastModified`` are never used: they move whenever PANGAEA
    re-indexes.

    Raises:
        ProtocolError: The body is not well-formed XML.
        RecordError: It is no pan_md document.
    """
    root, draft = open_record(record, "panmd", "MetaData")
    entries = {entry.get("key", ""): (entry.get("value", ""), place(entry)) for entry in every(root, ".//entry")}
    _put_words(draft, root)
    _put_status(draft, entries)
    _put_identity(draft, root, entries)
    _put_family(draft, root, entries)
    _put_resources(draft, root, entries)
    _put_extent(draft, root)
    _put_people(draft, root)
    _put_columns(draft, root)
    _put_references(draft, root)
    _put_observation(draft, root)
    draft.identifier = name_of(text(root, "citation/URI")) or draft.identifier
    return draft.build()


def _put_words(draft: Draft, root: etree._Element) -> None:
    draft.put("title", *said(root, "citation/title"))
    draft.put("description", *said(root, "abstract", "comment", lines=True))
    published, where = said(root, "citation/dateTime")
    draft.put("created", parse_time(published), where)
    draft.put("published", parse_time(published), where)
    license_node = first(root, "license")
    label, where = said(license_node, "label", "name", "URI")
    draft.put("license", license_of(label, text(license_node, "URI")), where)
    projects = [name for node in every(root, "project") for name in (text(node, "label"), text(node, "name"))]
    subjects = texts(root, "keywords/keyword")
    parameters = unique(texts(root, "matrixColumn[@source='data'][@type='numeric']/parameter/name"))
    few = parameters if len(parameters) <= _MOST_WORDS else ()
    draft.put("keywords", unique([*subjects, *projects, *few]), place_of(every(root, "keywords")))
    if projects:
        draft.put("themes", (Concepts("PANGAEA Project List", unique(projects)),), place_of(every(root, "project")))


def _put_status(draft: Draft, entries: Entries) -> None:
    status, where = entries.get("status", _NOWHERE)
    level: Literal["published", "in-review"] = "published" if status.lower() == "published" else "in-review"
    draft.put("status", level, where)
    if not status:
        draft.find(warning("panmd.no-status", draft.identifier, "does not say that it is published; left out"))
    login, where = entries.get("loginOption", _NOWHERE)
    restricted = bool(login) and login.lower() != "unrestricted"
    draft.put("access", Access(restricted=restricted, statement=login) if login else None, where)
    modified, where = entries.get("lastModified", _NOWHERE)
    draft.put("updated", parse_time(modified), where)


def _put_identity(draft: Draft, root: etree._Element, entries: Entries) -> None:
    address, where = said(root, "citation/URI")
    doi = doi_of(address)
    registered = doi is not None and _is_registered(address, entries)
    draft.put("doi", doi if registered else None, where)
    if doi and not registered:
        draft.find(note("panmd.doi-unregistered", draft.identifier, f"the DOI {doi} is reserved, not registered"))
    own = links(doi, registered=registered) if doi else ()
    draft.put("links", (*own, *_versions(root)), where or "/MetaData/reference")


def _versions(root: etree._Element) -> Iterator[Link]:
    for node in every(root, f"reference[@relationType='{_VERSION}']"):
        address = text(node, "URI")
        if address.startswith("http"):
            yield Link("related", address, title=text(node, "title") or _VERSION)


def _is_registered(address: str, entries: Entries) -> bool:
    registry = entries.get("DOIRegistryStatus", _NOWHERE)[0].lower()
    return registry == "registered" if registry else address.startswith("https://doi.org/")


def _put_family(draft: Draft, root: etree._Element, entries: Entries) -> None:
    children, where = entries.get("collectionChilds", _NOWHERE)
    numbers = (child.strip().removeprefix("D") for child in children.split(","))
    draft.put("children", tuple(f"10.1594/PANGAEA.{child}" for child in numbers if child.isdecimal()), where)
    parent, parent_place = said(root, "citation/parentURI")
    draft.put("parent", doi_of(parent) or parent, parent_place)
    hierarchy, place_of_level = entries.get("hierarchyLevel", _NOWHERE)
    if hierarchy == "parent" or "collectionType" in entries or draft.has("children"):
        draft.put("level", "collection", place_of_level or where)


def _put_resources(draft: Draft, root: etree._Element, entries: Entries) -> None:
    address, where = said(root, "citation/URI")
    doi = doi_of(address)
    if doi is None:
        draft.find(warning("panmd.no-doi", draft.identifier, "has no DOI address, so its data cannot be linked to"))
        return
    zipped = draft.has("level") or entries.get("mimeType", _NOWHERE)[0] == "application/zip"
    closed = not _is_open(entries)
    data = data_resource(doi, zipped=zipped, restricted=closed)
    draft.put("resources", (data, *metadata_resources(doi)), where)


def _is_open(entries: Entries) -> bool:
    login, status = (entries.get(key, _NOWHERE)[0].lower() for key in ("loginOption", "status"))
    return login in {"", "unrestricted"} and status == "published"


def _put_extent(draft: Draft, root: etree._Element) -> None:
    area = first(root, "extent/geographic")
    west, south, east, north = (
        text(area, f"{side}Bound{axis}")
        for side, axis in (("west", "Longitude"), ("south", "Latitude"), ("east", "Longitude"), ("north", "Latitude"))
    )
    box = box_of(west, south, east, north)
    mean = (number(text(area, "meanLongitude")), number(text(area, "meanLatitude")))
    if area is not None and box:
        draft.put("coverage.boxes", (box,), place(area))
        if mean[0] is not None and mean[1] is not None:
            draft.put("coverage.mean_point", mean, f"{place(area)}/meanLongitude")
            _doubt(draft, box, mean[0])
    events = every(root, "event")
    draft.put("coverage.geometry", _points(events, box), place_of(events))
    put_period(draft, said(root, "extent/temporal/minDateTime"), said(root, "extent/temporal/maxDateTime"))
    _put_vertical(draft, root)


def _doubt(draft: Draft, box: tuple[float, float, float, float], mean: float) -> None:
    """Report a mean longitude outside the box: then west > east is not the crossing it should be."""
    west, _, east, _ = box
    if (mean - west) % 360 > (east - west) % 360 + _NEAR:
        draft.find(
            warning("panmd.mean-outside", draft.identifier, f"mean longitude {mean} is not between {west} and {east}")
        )


def _points(events: list[etree._Element], box: tuple[float, float, float, float] | None) -> GeoJSON | None:
    """Return the event points where they reach as far as the extent does; else the extent says more."""
    found = dict.fromkeys(point for event in events for point in _ends(event))
    points = [list(point) for point in found]
    if not points or (box and not _reaches(points, box)):
        return None
    step = max(1.0, len(points) / MOST_POINTS)
    return points_of([points[int(number * step)] for number in range(min(len(points), MOST_POINTS))])


def _ends(event: etree._Element) -> Iterator[tuple[float, float]]:
    for suffix in ("", "2"):
        longitude = number(text(event, f"longitude{suffix}"))
        latitude = number(text(event, f"latitude{suffix}"))
        if longitude is not None and latitude is not None and abs(latitude) <= 90 and abs(longitude) <= 180:
            yield longitude, latitude


def _reaches(points: list[list[float]], box: tuple[float, float, float, float]) -> bool:
    west, south, east, north = box
    width = (east - west) % 360
    offsets = [
        (longitude - west + 180) % 360 - 180 if width < 180 else (longitude - west) % 360 for longitude, _ in points
    ]
    latitudes = [latitude for _, latitude in points]
    return (
        abs(min(offsets)) <= _NEAR
        and abs(max(offsets) - width) <= _NEAR
        and abs(min(latitudes) - south) <= _NEAR
        and abs(max(latitudes) - north) <= _NEAR
    )


def _put_vertical(draft: Draft, root: etree._Element) -> None:
    for elevation in every(root, "extent/elevation"):
        low, high = number(text(elevation, "min")), number(text(elevation, "max"))
        if low is not None and high is not None:
            down = elevation.get("name", "").upper().startswith("DEPTH")
            low, high = (0.0 - high, 0.0 - low) if down else (low, high)
            draft.put("coverage.vertical", (low, high, elevation.get("unit") or "m"), place(elevation))


def _person(node: etree._Element, role: str) -> Party:
    name = full_name(text(node, "lastName"), text(node, "firstName"))
    email, url, orcid = (text(node, path) or None for path in ("eMail", "URI", "orcid"))
    return Party(name=name, roles=(role,), email=email, url=url, orcid=orcid_of(orcid))


def _put_people(draft: Draft, root: etree._Element) -> None:
    authors = every(root, "citation/author")
    leaders = {words(node): node for node in every(root, "matrixColumn/PI")}
    parties = [
        *(_person(node, "author") for node in authors),
        *(_person(node, "principalInvestigator") for node in leaders.values()),
        *(organisation(name, "originator") for name in texts(root, "citation/source")),
        organisation("PANGAEA", "publisher", url="https://www.pangaea.de/"),
    ]
    draft.put("parties", merged(parties), place_of(authors) or "/MetaData/citation")


def _put_columns(draft: Draft, root: etree._Element) -> None:
    nodes = every(root, "matrixColumn")
    columns = (_column(node) for node in nodes)
    draft.put("columns", tuple(column for column in columns if column.name), place_of(nodes))
    size = first(root, "size")
    if size is not None and size.get("unit") in {"rows", "records"} and words(size).isdecimal():
        draft.put("row_count", int(words(size)), place(size))


def _column(node: etree._Element) -> Column:
    parameter = text(node, "parameter/name")
    comment = text(node, "comment")
    return Column(
        name=text(node, "caption", "parameter/shortName", "parameter/name"),
        description=" – ".join(part for part in (parameter, comment) if part) or None,
        unit=text(node, "parameter/unit") or None,
        method=text(node, "method/name") or None,
        type=_TYPES.get(node.get("type", "")),
    )


def _put_references(draft: Draft, root: etree._Element) -> None:
    nodes = [*every(root, "citation/supplementTo"), *every(root, "reference")]
    papers = [node for node in nodes if node.get("relationType") != _VERSION]
    draft.put("publications", tuple(map(_publication, papers)), place_of(papers))


def _publication(node: etree._Element) -> Publication:
    authors = [full_name(text(one, "lastName"), text(one, "firstName")) for one in every(node, "author")]
    title, year, source, volume, pages, address = (
        text(node, path) for path in ("title", "year", "source", "volume", "pages", "URI")
    )
    year = year or text(node, "prepubStatus")
    return Publication(doi_of(address), cite(authors, year, title, source, volume, pages, address) or None)


def _put_observation(draft: Draft, root: etree._Element) -> None:
    basis, campaigns = every(root, "event/basis/name"), every(root, "event/campaign/name")
    missions = campaigns or every(root, "project/label")
    for field, nodes in (("platform", basis), ("mission", missions)):
        draft.put(field, ", ".join(unique(list(map(words, nodes)))[:_MOST_WORDS]), place_of(nodes))
    methods = every(root, "event/method/name")
    draft.put("instruments", unique(list(map(words, methods)))[:_MOST_WORDS], place_of(methods))
