"""Reads NcML headers by the Attribute Convention for Data Discovery (ACDD 1.3) and CF."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from builder.crosswalks.cf import attributes_of, dimensions_of, variables_of
from builder.crosswalks.dois import doi_of
from builder.crosswalks.licenses import license_of
from builder.crosswalks.people import merged, organisation
from builder.crosswalks.standardnames import checked
from builder.crosswalks.times import parse_time, put_period
from builder.crosswalks.values import access_of, box_of, language_of, number, one_line, paragraphs, unique
from builder.crosswalks.xmltext import every, open_record
from builder.dataset import Box, Concepts, Dataset, Draft, Link, Party, Publication
from builder.findings import warning

if TYPE_CHECKING:
    from lxml import etree

    from builder.sources.protocol import Record

_GCMD = "https://gcmd.earthdata.nasa.gov/kms/concepts/concept_scheme/sciencekeywords"
_ROLES = {
    "principal investigator": "principalInvestigator",
    "principalinvestigator": "principalInvestigator",
    "pi": "principalInvestigator",
    "author": "author",
    "editor": "editor",
    "publisher": "publisher",
    "distributor": "distributor",
    "point of contact": "pointOfContact",
    "pointofcontact": "pointOfContact",
    "processor": "processor",
}
_METRES = re.compile(r"m|met(?:er|re)s?|EPSG:\s*\d+.*", re.IGNORECASE)
_SIDES = ("geospatial_lon_min", "geospatial_lat_min", "geospatial_lon_max", "geospatial_lat_max")


class _Said:
    """The attributes of a whole file: what a server computed first, then the file's own.

    ``VAR.attribute``, which Hyrax adds for every variable, is none of the file's.
    """

    def __init__(self, root: etree._Element) -> None:
        names = {node.get("name", "") for node in every(root, "variable")}
        own = {k: v for k, v in attributes_of(root).items() if k.partition(".")[0] not in names or "." not in k}
        self.own = {name.lower(): value for name, value in own.items()}
        self.server: dict[str, tuple[str, str]] = {}
        for group in every(root, "group"):
            if group.get("name") == "CFMetadata":
                self.server = {k.lower(): (v, "/netcdf/group[CFMetadata]/@") for k, v in attributes_of(group).items()}

    def get(self, *names: str) -> tuple[str, str]:
        """Return the first value said under any of the names, and its place; both empty where there is none."""
        for name in names:
            if name in self.own:
                return self.own[name], f"/netcdf/@{name}"
        return "", ""

    def computed(self, name: str) -> tuple[str, str]:
        """Return a value, the server's before the file's own, because a server takes it from the coordinates."""
        value, place = self.server.get(name, ("", ""))
        return (value, place + name) if value else self.get(name)


def describe(record: Record) -> Dataset:
    """Describe a NetCDF file by its header.

    Raises:
        ProtocolError: The body is not well-formed XML.
        RecordError: It is no NcML document.
    """
    root, draft = open_record(record, "acdd", "netcdf")
    said = _Said(root)
    _put_words(draft, said)
    _put_dates(draft, said)
    _put_place(draft, said)
    _put_vertical(draft, said, root)
    _put_people(draft, said)
    _put_observation(draft, said)
    _put_identity(draft, said)
    draft.put("dimensions", dimensions_of(root), "/netcdf/dimension")
    variables, doubts = checked(variables_of(root), record.url or record.identifier)
    draft.put("variables", variables, "/netcdf/variable")
    for doubt in doubts:
        draft.find(doubt)
    return draft.build()


def _put_words(draft: Draft, said: _Said) -> None:
    title, place = said.get("title")
    draft.put("title", one_line(title), place)
    summary, place = said.get("summary", "description", "abstract")
    draft.put("description", paragraphs(summary.strip('"')), place)
    text, place = said.get("keywords")
    words = unique([one_line(word).removeprefix("GCMDSK:") for word in re.split(r"[,;]", text)])
    draft.put("keywords", words, place)
    scheme, place = said.get("keywords_vocabulary")
    paths = unique([word for word in words if word.upper().startswith("EARTH SCIENCE >")])
    if paths and re.search(r"GCMD|Global Change Master", scheme):
        draft.put("themes", (Concepts(_GCMD, paths),), place)
    terms, place = said.get("license", "distribution_statement", "use_constraints")
    draft.put("license", license_of(terms, said.get("license_url")[0] or None), place)
    access = access_of(terms)
    if access is not None and access.restricted:
        draft.put("access", access, place)
    language, place = said.get("language")
    draft.put("language", language_of(language), place)
    history, place = said.get("history")
    draft.put("lineage", paragraphs(history), place)


def _put_dates(draft: Draft, said: _Said) -> None:
    put_period(draft, said.computed("time_coverage_start"), said.computed("time_coverage_end"))
    for name, sources in (
        ("created", ("date_created", "creation_date")),
        ("updated", ("date_modified", "date_update", "date_metadata_modified")),
        ("published", ("date_issued",)),
    ):
        text, place = said.get(*sources)
        draft.put(name, parse_time(text), place)


def _put_place(draft: Draft, said: _Said) -> None:
    sides = [said.computed(name) for name in _SIDES]
    box = box_of(*(text for text, _ in sides))
    if box is None:
        return
    draft.put("coverage.boxes", (_within_180(box),), sides[0][1])
    for name, low, high in (("longitude", box[0], box[2]), ("latitude", box[1], box[3])):
        alone = number(said.get(name)[0])
        if alone is not None and alone * (low + high) < 0 and low * high > 0:
            message = f"the attribute {name} ({alone:g}) lies on the other side of the globe than {low:g} to {high:g}"
            draft.find(warning("netcdf.hemisphere", draft.identifier, message, f"correct the sign of {name}"))


def _within_180(box: Box) -> Box:
    """Bring longitudes from 0 to 360 into -180 to 180; all round the globe stays all round."""
    west, south, east, north = box
    if max(west, east) <= 180.0 or west < -180.0:
        return box
    if east - west >= 359.0:
        return -180.0, south, 180.0, north
    west, east = (round(lon - 360.0, 9) if lon > 180.0 else lon for lon in (west, east))
    return west, south, east, north


def _put_vertical(draft: Draft, said: _Said, root: etree._Element) -> None:
    """Set the vertical extent in metres, positive up, where it is known which way the values count."""
    (low_text, place), (high_text, _) = (
        said.computed("geospatial_vertical_min"),
        said.computed("geospatial_vertical_max"),
    )
    low, high = number(low_text), number(high_text)
    units = said.computed("geospatial_vertical_units")[0]
    if low is None or high is None or (units and not _METRES.fullmatch(units)):
        return
    stated = said.computed("geospatial_vertical_positive")[0].lower()
    axes = {attributes_of(node).get("positive", "").lower() for node in every(root, "variable")} - {""}
    positive = stated or (axes.pop() if len(axes) == 1 else "")
    if positive == "down":
        draft.put("coverage.vertical", (0.0 - max(low, high), 0.0 - min(low, high), "m"), place)
    elif positive == "up":
        draft.put("coverage.vertical", (min(low, high), max(low, high), "m"), place)


def _put_people(draft: Draft, said: _Said) -> None:
    parties = [
        *_people(said, "creator", "author"),
        *(
            Party(name=name, roles=("principalInvestigator",))
            for name in _names(said.get("pi_name", "principal_investigator")[0])
        ),
        *_contributors(said),
        *_people(said, "publisher", "publisher"),
        *(organisation(name, "originator") for name in unique([_last(said.get("institution")[0])])),
        *(organisation(name, "distributor") for name in unique([said.get("data_assembly_center")[0]])),
    ]
    place = next((place for _, place in map(said.get, ("creator_name", "institution", "publisher_name")) if place), "")
    draft.put("parties", merged(parties), place or "/netcdf")


def _people(said: _Said, kind: str, role: str) -> Iterator[Party]:
    names = _names(said.get(f"{kind}_name", *(["author"] if kind == "creator" else []))[0])
    emails = [part.strip() for part in re.split(r"[,;]", said.get(f"{kind}_email")[0])]
    home = one_line(said.get(f"{kind}_institution")[0]) or None
    url = said.get(f"{kind}_url")[0]
    link = url if re.match(r"https?://", url) else None
    firm = said.get(f"{kind}_type")[0].lower() in {"institution", "group", "organization", "organisation"}
    for index, name in enumerate(names):
        email = emails[index] if len(emails) == len(names) and "@" in emails[index] else None
        only = link if len(names) == 1 else None
        if firm or name == home:
            yield organisation(name, role, url=only, email=email)
        else:
            yield Party(name=name, roles=(role,), organization=home, email=email, url=only)


def _contributors(said: _Said) -> Iterator[Party]:
    names = _names(said.get("contributor_name")[0])
    roles = [part.strip().lower() for part in re.split(r"[,;]", said.get("contributor_role")[0])]
    for index, name in enumerate(names):
        role = roles[index] if len(roles) == len(names) else ""
        yield Party(name=name, roles=(_ROLES.get(role, "contributor"),))


def _names(text: str) -> tuple[str, ...]:
    """Take a list of names apart: by semicolons, else by commas where no part could be a first name alone."""
    parts = re.split(r";", text) if ";" in text else text.split(",")
    parts = [one_line(part) for part in parts]
    if ";" not in text and not all(" " in part for part in parts):
        parts = [one_line(text)]
    return unique(parts)


def _last(text: str) -> str:
    """Return the long name of ``NSIDC > National Snow and Ice Data Center``, or the text itself."""
    return one_line(text.rpartition(" > ")[2])


def _put_observation(draft: Draft, said: _Said) -> None:
    name, place = said.get("platform_name", "platform", "platform_code", "ship")
    draft.put("platform", one_line(name), place)
    text, place = said.get("instrument", "sensor", "instruments", "sensors")
    draft.put("instruments", unique([one_line(part) for part in re.split(r"[,;]", text)]), place)
    project, place = said.get("project", "program")
    draft.put("mission", one_line(project), place)
    level, place = said.get("processing_level")
    draft.put("processing_level", one_line(level), place)
    version, place = said.get("product_version", "version")
    draft.put("version", one_line(version), place)


def _put_identity(draft: Draft, said: _Said) -> None:
    for name in ("doi", "identifier_product_doi", "id", "metadata_link"):
        text, place = said.get(name)
        draft.put("doi", doi_of(text), place)
    citation, place = said.get("citation")
    draft.put("citation", one_line(citation), place)
    references, place = said.get("references")
    doi = doi_of(references)
    if doi is not None:
        draft.put("publications", (Publication(doi, one_line(references)),), place)
    link, place = said.get("metadata_link", "infourl", "info_url")
    if re.match(r"https?://\S+$", link):
        draft.put("links", (Link("via", link, "text/html", "About the data"),), place)
