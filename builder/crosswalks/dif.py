"""Reads NASA's Directory Interchange Format, versions 9 and 10."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from builder.crosswalks.dois import doi_of
from builder.crosswalks.licenses import license_of
from builder.crosswalks.online import classify
from builder.crosswalks.pangaea import is_pangaea, name_of, put_addresses
from builder.crosswalks.people import full_name, merged, organisation
from builder.crosswalks.times import parse_time, put_period
from builder.crosswalks.values import access_of, box_of, language_of, number, present, unique
from builder.crosswalks.xmltext import every, open_record, place, place_of, said, text, texts, words
from builder.dataset import Concepts, Dataset, Draft, Link, Party, Publication, Resource
from builder.findings import note

if TYPE_CHECKING:
    from lxml import etree

    from builder.sources.protocol import Record

_POINTER = re.compile(r"\s*\*\* For all details see the full metadata description at \"[^\"]*\"!?$")
_REFERENCE_END = re.compile(r"\n\s*\n")
_LEVELS = ("Category", "Topic", "Term", "Variable_Level_1", "Variable_Level_2", "Variable_Level_3", "Detailed_Variable")
_KEYWORD_SCHEME = "https://gcmd.earthdata.nasa.gov/kms/concepts/concept_scheme/sciencekeywords"
_ROLES = {"investigator": "principalInvestigator", "dif author": "custodian", "metadata author": "custodian"}
"""DIF personnel role → ISO 19115 role; any other is a ``pointOfContact``."""


def describe(record: Record) -> Dataset:
    """Describe a DIF record.

    PANGAEA's revision date is not used: it moves whenever PANGAEA re-indexes.

    Raises:
        ProtocolError: The body is not well-formed XML.
        RecordError: It is no DIF document.
    """
    root, draft = open_record(record, "dif", "DIF")
    _put_words(draft, root)
    _put_dates(draft, root)
    _put_places(draft, root)
    _put_people(draft, root)
    _put_observation(draft, root)
    _put_addresses(draft, root)
    return draft.build()


def _put_words(draft: Draft, root: etree._Element) -> None:
    draft.put("title", *said(root, "Entry_Title", "*/Dataset_Title"))
    summary, where = said(root, "Summary/Abstract", "Summary", lines=True)
    draft.put("description", _POINTER.sub("", summary), where)
    nodes = every(root, "Parameters") + every(root, "Science_Keywords")
    paths = [" > ".join(unique([text(node, name) for name in _LEVELS])) for node in nodes]
    projects = texts(root, "Project/Short_Name") + texts(root, "Project/Long_Name")
    keywords = [*texts(root, "Keyword"), *texts(root, "Ancillary_Keyword"), *projects, *paths]
    draft.put("keywords", unique(keywords), place_of(every(root, "Keyword") or nodes))
    topics = Concepts("ISO 19115 topic categories", unique(texts(root, "ISO_Topic_Category")))
    themes = [one for one in (Concepts(_KEYWORD_SCHEME, unique(paths)), topics) if one.ids]
    draft.put("themes", tuple(themes), place_of(nodes or every(root, "ISO_Topic_Category")))
    _put_terms(draft, root)


def _put_terms(draft: Draft, root: etree._Element) -> None:
    terms, where = said(root, "Use_Constraints")
    draft.put("license", license_of(terms, text(root, "Use_Constraints/License_URL/URL")), where)
    access, where = said(root, "Access_Constraints")
    draft.put("access", access_of(access), where)
    language, where = said(root, "Data_Set_Language", "Dataset_Language")
    draft.put("language", language_of(language), where)
    draft.put("processing_level", *said(root, "Product_Level_Id"))


def _put_dates(draft: Draft, root: etree._Element) -> None:
    released, where = said(root, "*/Dataset_Release_Date", "Metadata_Dates/Data_Creation")
    draft.put("published", parse_time(released) if len(released) > 4 else None, where)
    created, where = said(root, "DIF_Creation_Date", "Metadata_Dates/Metadata_Creation")
    draft.put("created", parse_time(created), where)
    if not _is_pangaea(root):
        revised, where = said(root, "Last_DIF_Revision_Date", "Metadata_Dates/Metadata_Last_Revision")
        draft.put("updated", parse_time(revised), where)
    spans = every(root, "Temporal_Coverage")
    starts = [*(said(span, "Start_Date", ".//Beginning_Date_Time", ".//Single_DateTime") for span in spans)]
    ends = [*(said(span, "Stop_Date", ".//Ending_Date_Time", ".//Single_DateTime") for span in spans)]
    if spans:
        first = min(starts, key=lambda one: str(parse_time(one[0]) or "9"))
        last = max(ends, key=lambda one: str(parse_time(one[0], end=True) or "9"))
        put_period(draft, first, last)


def _put_places(draft: Draft, root: etree._Element) -> None:
    sides = ("Westernmost_Longitude", "Southernmost_Latitude", "Easternmost_Longitude", "Northernmost_Latitude")
    nodes = every(root, ".//Southernmost_Latitude/..")
    boxes = [box for box in (box_of(*(text(node, side) for side in sides)) for node in nodes) if box]
    spatial = every(root, "Spatial_Coverage")
    draft.put("coverage.boxes", tuple(dict.fromkeys(boxes)), place_of(spatial))
    for node in spatial:
        draft.put("coverage.vertical", _vertical(node), place(node))


def _vertical(node: etree._Element) -> tuple[float, float, str] | None:
    names = ("Maximum_Depth", "Minimum_Depth", "Minimum_Altitude", "Maximum_Altitude")
    deep, shallow, low, high = (number(_metres(node, name)) for name in names)
    if deep is not None and shallow is not None:
        return 0.0 - deep, 0.0 - shallow, "m"
    return (low, high, "m") if low is not None and high is not None else None


def _metres(node: etree._Element, path: str) -> str:
    return re.sub(r"\s*(?:m|met(?:er|re)s?)\.?$", "", text(node, path), flags=re.IGNORECASE)


def _put_people(draft: Draft, root: etree._Element) -> None:
    creators, publishers = texts(root, "*/Dataset_Creator"), texts(root, "*/Dataset_Publisher")
    authors = [Party(name=name.strip(), roles=("author",)) for name in ";".join(creators).split(";")]
    centres = every(root, "Data_Center") + every(root, "Organization")
    nodes = every(root, "Personnel") + every(root, "Data_Center/Personnel") + every(root, "Organization/Personnel")
    helpers = [person for node in nodes for person in _people(node)]
    hosts = [organisation(name, "publisher") for name in publishers]
    hosts += [_centre(node, publishers) for node in centres]
    where = place_of([*every(root, "*/Dataset_Creator"), *nodes, *centres])
    draft.put("parties", merged([*authors, *helpers, *hosts]), where)


def _people(node: etree._Element) -> Iterator[Party]:
    roles = tuple(_ROLES.get(role.lower(), "pointOfContact") for role in texts(node, "Role"))
    for person in [*every(node, "Contact_Person"), node]:
        name = full_name(text(person, "Last_Name"), text(person, "First_Name"))
        if name:
            yield Party(name=name, roles=unique(list(roles)), email=text(person, "Email") or None)
    group = text(node, "Contact_Group/Name")
    if group:
        yield organisation(group, *unique(list(roles)), email=text(node, "Contact_Group/Email") or None)


def _centre(node: etree._Element, publishers: list[str]) -> Party:
    short, long = text(node, "*/Short_Name"), text(node, "*/Long_Name")
    url = text(node, "Data_Center_URL", "Organization_URL") or None
    return organisation(short if short in publishers or not long else long, "distributor", url=url)


def _put_observation(draft: Draft, root: etree._Element) -> None:
    for name, paths in (("platform", ("Source_Name", "Platform")), ("mission", ("Project",))):
        nodes = [node for path in paths for node in every(root, path)]
        labels = unique([text(node, "Short_Name", "Long_Name") for node in nodes])
        draft.put(name, ", ".join(labels), place_of(nodes))
    sensors = every(root, "Sensor_Name") + every(root, "Platform/Instrument")
    labels = unique([text(node, "Short_Name", "Long_Name") for node in sensors])
    draft.put("instruments", labels, place_of(sensors))


def _is_pangaea(root: etree._Element) -> bool:
    return is_pangaea(text(root, "Entry_ID")) or is_pangaea(text(root, "*/Online_Resource"))


def _put_addresses(draft: Draft, root: etree._Element) -> None:
    landing, where = said(root, "*/Online_Resource")
    stated, doi_place = said(root, "*/Persistent_Identifier/Identifier", "*/Dataset_DOI")
    entry = text(root, "Entry_ID/Short_Name", "Entry_ID")
    doi = next(iter(present(map(doi_of, (stated, landing, entry)))), None)
    draft.put("doi", doi, doi_place or where)
    draft.put("version", *said(root, "*/Version", "Entry_ID/Version"))
    parent, parent_place = said(root, "Parent_DIF", "Metadata_Association/Entry_ID")
    draft.put("parent", doi_of(parent) or parent, parent_place)
    references = every(root, "Reference")
    draft.put("publications", tuple(paper for node in references for paper in _papers(node)), place_of(references))
    zipped = "zip" in " ".join(texts(root, ".//Distribution_Format"))
    if is_pangaea(doi) and zipped:
        draft.put("level", "collection", place_of(every(root, "Distribution")))
    put_addresses(draft, doi, where, zipped=zipped)
    _put_online(draft, root, landing)
    draft.identifier = unique([name_of(doi) or "", entry, draft.identifier])[0]


def _put_online(draft: Draft, root: etree._Element, landing: str) -> None:
    where = place_of(every(root, "Related_URL"))
    online = list(_online(root))
    draft.put("resources", tuple(one for one in online if isinstance(one, Resource)), where)
    page = [Link("via", landing, "text/html", "Landing page")] if landing.startswith("http") else []
    links = [one for one in online if isinstance(one, Link) and one.href != landing]
    draft.put("links", (*page, *links), where)
    if not draft.has("resources"):
        draft.find(note("dif.no-data", draft.identifier, "names no address of the data"))


def _papers(node: etree._Element) -> Iterator[Publication]:
    """Yield the papers of a reference: one, or in older records several parted by empty lines."""
    if len(node):
        yield Publication(doi_of(text(node, "Persistent_Identifier/Identifier", "DOI")), words(node))
        return
    for entry in _REFERENCE_END.split(node.text or ""):
        citation = " ".join(entry.split())
        if citation:
            yield Publication(doi_of(citation), citation)


def _online(root: etree._Element) -> Iterator[Resource | Link]:
    for node in every(root, "Related_URL"):
        kind = " ".join(texts(node, "URL_Content_Type/*"))
        function = "download" if "GET DATA" in kind.upper() else "information"
        for url in texts(node, "URL"):
            found = classify(
                url, protocol=kind, function=function, description=text(node, "Description") or None,
                title=text(node, "Title") or None,
            )  # fmt: skip
            if found:
                yield found
