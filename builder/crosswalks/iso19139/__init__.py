"""Reads ISO 19139 (gmd, gmi) and ISO 19115-3 (mdb) records, matched by local names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.crosswalks.dois import doi_of
from builder.crosswalks.iso19139.constraints import put_constraints
from builder.crosswalks.iso19139.extents import put_extents
from builder.crosswalks.iso19139.files import put_files
from builder.crosswalks.iso19139.observation import put_observation
from builder.crosswalks.iso19139.parties import put_parties
from builder.crosswalks.iso19139.spoken import code, spoken, spoken_all, spoken_at
from builder.crosswalks.pangaea import is_pangaea, name_of
from builder.crosswalks.people import cite
from builder.crosswalks.times import parse_time
from builder.crosswalks.values import language_of, one_line, unique
from builder.crosswalks.xmltext import every, first, open_record, place, place_of
from builder.dataset import Concepts, Dataset, Draft, Publication
from builder.strictxml import local_name

if TYPE_CHECKING:
    from lxml import etree

    from builder.sources.protocol import Record

_TOPICS = "ISO 19115 topic categories"
_KINDS = {"creation": "created", "publication": "published", "revision": "updated", "lastUpdate": "updated"}
"""CI_DateTypeCode of the dataset's own dates → field."""

_SERIES = frozenset({"series", "collection", "collectionHardware", "collectionSession"})


def describe(record: Record) -> Dataset:
    """Describe an ISO record.

    Where several identifications stand side by side, the data is described and the services are
    only linked. The date of PANGAEA's metadata is not used: it moves whenever PANGAEA re-indexes.

    Raises:
        ProtocolError: The body is not well-formed XML.
        RecordError: It is no ISO metadata document.
    """
    root, draft = open_record(record, "iso19139", "MD_Metadata", "MI_Metadata")
    data = _identification(root)
    _put_words(draft, root, data)
    _put_keywords(draft, data)
    _put_identity(draft, root, data)
    _put_dates(draft, root, data)
    put_constraints(draft, data)
    put_extents(draft, root, data)
    put_parties(draft, root, data)
    _put_family(draft, root, data)
    put_files(draft, root, data)
    put_observation(draft, root)
    name = spoken_at(root, "metadataIdentifier/*/code", "fileIdentifier")[0]
    draft.identifier = name_of(spoken(first(root, "dataSetURI"))) or one_line(name) or draft.identifier
    return draft.build()


def _identification(root: etree._Element) -> etree._Element | None:
    found = every(root, "identificationInfo/*")
    data = (node for node in found if local_name(node) != "SV_ServiceIdentification")
    return next(data, found[0] if found else None)


def _put_words(draft: Draft, root: etree._Element, data: etree._Element | None) -> None:
    title, where = spoken_at(data, "citation/*/title")
    draft.put("title", one_line(title), where)
    draft.put("description", *spoken_at(data, "abstract"))
    for node, path in ((data, "language"), (data, "defaultLocale/*/language"), (root, "language")):
        said = first(node, path)
        draft.put("language", language_of(code(said)) if said is not None else None, f"identificationInfo/*/{path}")
    edition, where = spoken_at(data, "citation/*/edition")
    draft.put("version", one_line(edition) if "://" not in edition else None, where)
    draft.put("citation", *spoken_at(data, "citation/*/otherCitationDetails"))
    lineage = spoken_at(root, "dataQualityInfo/*/lineage/*/statement", "resourceLineage/*/statement")
    draft.put("lineage", *lineage)
    level = spoken_at(data, "processingLevel/*/code")
    draft.put("processing_level", *level)


def _put_keywords(draft: Draft, data: etree._Element | None) -> None:
    groups = every(data, "descriptiveKeywords/MD_Keywords")
    keywords: list[str] = []
    schemes: dict[str, list[str]] = {}
    for group in groups:
        found = [one_line(text) for text in spoken_all(group, "keyword")]
        keywords += found
        scheme = one_line(spoken(first(group, "thesaurusName/*/title")))
        if scheme:
            schemes.setdefault(scheme, []).extend(found)
    topics = [code(node) for node in every(data, "topicCategory")]
    draft.put("keywords", unique(keywords), place_of(groups))
    if any(topics):
        schemes.setdefault(_TOPICS, []).extend(topics)
    themes = tuple(Concepts(scheme, unique(ids)) for scheme, ids in schemes.items() if any(ids))
    draft.put("themes", themes, place_of(groups or every(data, "topicCategory")))


def _put_identity(draft: Draft, root: etree._Element, data: etree._Element | None) -> None:
    for node in [*every(data, "citation/*/identifier"), *every(root, "dataSetURI")]:
        draft.put("doi", doi_of(spoken(first(node, "*/code")) or spoken(node)), place(node))
    address, where = spoken_at(root, "metadataIdentifier/*/code", "fileIdentifier")
    draft.put("doi", doi_of(address), where)


def _put_dates(draft: Draft, root: etree._Element, data: etree._Element | None) -> None:
    for node in every(data, "citation/*/date/CI_Date"):
        name = _KINDS.get(code(first(node, "dateType")))
        if name:
            draft.put(name, _moment(spoken(first(node, "date"))), place(node))
    if is_pangaea(spoken(first(root, "dataSetURI"))):
        return
    for node in every(root, "dateInfo/CI_Date"):
        name = _KINDS.get(code(first(node, "dateType")))
        if name and name != "published":
            draft.put(name, _moment(spoken(first(node, "date"))), place(node))
    stamp, where = spoken_at(root, "dateStamp")
    name = "created" if "created" in stamp.lower() else "updated"
    draft.put(name, _moment(stamp), where)


def _moment(text: str) -> object:
    """Read a date, also one with a word after it; a year alone is no moment."""
    first_word = (text.split() or [""])[0]
    return parse_time(text) or parse_time(first_word) if len(text) > 4 else None


def _put_family(draft: Draft, root: etree._Element, data: etree._Element | None) -> None:
    parent, where = spoken_at(root, "parentIdentifier", "parentMetadata/*/identifier/*/code", "parentMetadata/*/title")
    draft.put("parent", doi_of(parent) or one_line(parent), where)
    levels = every(root, "hierarchyLevel") + every(root, "metadataScope/*/resourceScope")
    if _SERIES.intersection(map(code, levels)) or _has_zip(root):
        draft.put("level", "collection", place_of(levels))
    _put_related(draft, root, every(data, "aggregationInfo/*") + every(data, "associatedResource/*"))


def _put_related(draft: Draft, root: etree._Element, related: list[etree._Element]) -> None:
    for node in filter(_is_parent, related):
        draft.put("parent", doi_of(_named(node)) or _named(node), place(node))
    sources = every(root, "dataQualityInfo/*/lineage/*/source/*/sourceCitation/*")
    cited = [_citation(node) for node in related if not _is_parent(node) and doi_of(_named(node))]
    papers = [paper for paper in map(_paper, [*sources, *cited]) if paper.citation]
    draft.put("publications", tuple(papers), place_of(sources + related))


def _is_parent(node: etree._Element) -> bool:
    """Tell whether an association names the series a dataset belongs to; projects are no series."""
    larger = code(first(node, "associationType")) == "largerWorkCitation"
    return larger and code(first(node, "initiativeType")) not in {"project", "program"}


def _citation(node: etree._Element) -> etree._Element:
    return next(iter(every(node, "aggregateDataSetName/*") + every(node, "name/*")), node)


def _named(node: etree._Element) -> str:
    own = spoken(first(node, "aggregateDataSetIdentifier/*/code"))
    return one_line(own or spoken(first(_citation(node), "identifier/*/code")))


def _has_zip(root: etree._Element) -> bool:
    """Tell whether PANGAEA offers an archive: its ISO records call a series a dataset."""
    formats = spoken_all(root, "distributionInfo/*/distributionFormat/*/name")
    return is_pangaea(spoken(first(root, "dataSetURI"))) and "application/zip" in formats


def _paper(node: etree._Element) -> Publication:
    names = spoken_all(node, "citedResponsibleParty/*/individualName")
    year = spoken(first(node, "date/*/date"))[:4]
    address = spoken(first(node, "identifier/*/code"))
    parts = (spoken(first(node, f"series/*/{part}")) for part in ("name", "issueIdentification", "page"))
    return Publication(
        doi_of(address), cite(names, year, one_line(spoken(first(node, "title"))), *parts, address) or None
    )
