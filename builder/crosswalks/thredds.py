"""Reads a single dataset of a THREDDS catalogue: its metadata, and its services as resources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, get_args
from urllib.parse import unquote, urlsplit

from builder.crosswalks.licenses import license_of
from builder.crosswalks.people import merged, organisation
from builder.crosswalks.thredds_coverage import put_place, put_time
from builder.crosswalks.times import parse_time
from builder.crosswalks.values import access_of, number, one_line, unique
from builder.crosswalks.xmltext import every, first, place, prose, texts, words
from builder.dataset import Access as AccessRule
from builder.dataset import Concepts, Dataset, Draft, Link, Party, Resource, Variable
from builder.definitions.records import Role
from builder.errors import RecordError
from builder.findings import note, warning
from builder.invcatalog import XLINK, Access, InvDataset, read_catalog
from builder.media import media_type

if TYPE_CHECKING:
    from lxml import etree

    from builder.sources.protocol import Record

_HREF, _TITLE = f"{{{XLINK}}}href", f"{{{XLINK}}}title"
_RIGHTS = frozenset({"rights", "license", "constraint", "constraints"})
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_STANDARD_NAME = re.compile(r"[a-z][a-z0-9_]*")
_VIRTUAL = re.compile(r"(.*/)?(Best|TwoD|GC|[^/]*(_best\.ncd|_fmrc\.ncd|_fc\.cdmr|_offset_[^/]*|_RUN_[^/]*))")
_VIRTUAL_NAME = re.compile(r"(?i)best .*time ?series|full collection.*|feature collection")
_FORMATS = {"netcdf": "x.nc", "netcdf-4": "x.nc", "grib-1": "x.grib", "grib-2": "x.grib2", "csv": "x.csv"}
_MOST_BYTES = 2**53
"""Larger numbers of bytes cannot be meant, nor written exactly in JSON."""

_STAMPS = {
    "modified": "updated", "created": "created", "metadataCreated": "created", "issued": "published",
    "available": "published",
}  # fmt: skip
"""Type of a ``date`` element → field."""


class _Service(NamedTuple):
    key: str
    media_type: str | None
    roles: tuple[str, ...] = ("data",)
    title: str | None = None


_FILE = _Service("data", None)
_SERVICES = {
    "httpserver": _FILE,
    "http": _FILE,
    "file": _FILE,
    "opendap": _Service("opendap", "application/x-netcdf", title="OPeNDAP"),
    "dods": _Service("opendap", "application/x-netcdf", title="OPeNDAP"),
    "dap4": _Service("dap4", None, title="OPeNDAP DAP4"),
    "wms": _Service("wms", None, title="Web Map Service"),
    "wcs": _Service("wcs", None, title="Web Coverage Service"),
    "netcdfsubset": _Service("ncss", None, title="NetCDF Subset Service"),
    "netcdfserver": _Service("ncss", None, title="NetCDF Subset Service"),
    "ncss": _Service("ncss", None, title="NetCDF Subset Service"),
    "iso": _Service("metadata-iso", "application/xml", ("metadata",), "ISO 19115"),
    "ncml": _Service("metadata-ncml", "application/xml", ("metadata",), "NcML"),
    "uddc": _Service("metadata-uddc", "text/html", ("metadata",), "Data discovery conventions report"),
}
"""Service type in lower case → resource; others, such as CdmRemote, have no use outside their own client."""


def describe(record: Record) -> Dataset:
    """Describe the dataset of a catalogue that holds just one, as THREDDS gives for ``catalog.xml?dataset=ID``.

    Raises:
        ProtocolError: The body is no inventory catalogue.
        RecordError: It does not hold exactly one accessible dataset.
    """
    datasets = read_catalog(record.body, record.url).datasets
    if len(datasets) != 1:
        raise RecordError(f"a catalogue of {len(datasets)} datasets where one was expected", where=record.identifier)
    dataset = datasets[0]
    draft = Draft(record.identifier, source=record.identifier, rule="thredds")
    name = dataset.name or unquote(dataset.url_path.rstrip("/").rpartition("/")[2])
    draft.put("title", name, "/catalog/dataset/@name")
    _put_documentation(draft, dataset)
    _put_rights(draft, dataset)
    for coverage in dataset.find("timeCoverage"):
        put_time(draft, coverage)
    for coverage in dataset.find("geospatialCoverage"):
        put_place(draft, coverage)
    for date in dataset.find("date"):
        if date.get("type") in _STAMPS:
            draft.put(_STAMPS[date.get("type", "")], parse_time(words(date)), place(date))
    draft.put("parties", merged(_parties(dataset)), "/catalog/dataset/creator|publisher|contributor")
    _put_keywords(draft, dataset)
    draft.put("variables", tuple(_variables(dataset)), "/catalog/dataset/variables")
    draft.put("resources", _resources(draft, dataset), "/catalog/dataset/access")
    draft.put("links", (*_pages(record), *_links(dataset)), "/catalog/dataset/documentation|metadata")
    return draft.build()


def _put_documentation(draft: Draft, dataset: InvDataset) -> None:
    for name, types, joint in (
        ("description", ("summary", "abstract"), "\n\n"),
        ("lineage", ("history",), "\n\n"),
        ("processing_level", ("processing_level",), "; "),
        ("citation", ("citation",), "; "),
        ("description", ("",), "\n\n"),
    ):
        found = [element for element in dataset.find("documentation") if _type(element) in types]
        spoken = unique([prose(element) for element in found if not (name == "description" and element.get(_HREF))])
        draft.put(name, joint.join(spoken), place(found[0]) if found else "")


def _type(documentation: etree._Element) -> str:
    return documentation.get("type", "").strip().lower()


def _put_rights(draft: Draft, dataset: InvDataset) -> None:
    """Set what may be done with the data: words that ask for a login restrict the access, others are the licence."""
    if dataset.restricted:
        statement = "The server asks for a login (restrictAccess)"
        draft.put("access", AccessRule(restricted=True, statement=statement), "/catalog/dataset/@restrictAccess")
    for element in dataset.find("documentation"):
        if _type(element) not in _RIGHTS:
            continue
        spoken, where = words(element), place(element)
        access = access_of(spoken)
        if access is not None and access.restricted:
            draft.put("access", access, where)
        else:
            draft.put("license", license_of(spoken, element.get(_HREF)), where)


def _parties(dataset: InvDataset) -> Iterator[Party]:
    """Yield creators and publishers, each once: what is written again for another vocabulary is a twin."""
    for name, role in (("creator", "originator"), ("publisher", "publisher")):
        twins: dict[tuple[str, ...], list[Party]] = {}
        for element in dataset.find(name):
            contact = first(element, "contact")
            given = ("", "") if contact is None else (contact.get("url", ""), contact.get("email", ""))
            url, email = (one_line(text) for text in given)
            party = organisation(
                next(iter(texts(element, "name")), ""),
                role,
                url=next((text for text in (url, email) if text.startswith(("http://", "https://"))), None),
                email=email if _EMAIL.fullmatch(email) else None,
            )
            twins.setdefault((url, email) if url or email else (party.name,), []).append(party)
        yield from (max(group, key=lambda party: len(party.name)) for group in twins.values())
    for element in dataset.find("contributor"):
        yield Party(words(element), (_role(element.get("role", "")),))


def _role(text: str) -> str:
    """Return the ISO 19115 role that a text names, else ``contributor``."""
    asked = re.sub(r"[\s_-]", "", text).lower()
    return next((role for role in get_args(Role) if role.lower() == asked), "contributor")


def _put_keywords(draft: Draft, dataset: InvDataset) -> None:
    elements = list(dataset.find("keyword"))
    by_vocabulary: dict[str, list[str]] = {}
    for element in elements:
        by_vocabulary.setdefault(one_line(element.get("vocabulary")), []).extend(
            map(one_line, words(element).split(","))
        )
    projects = [words(element) for element in dataset.find("project")]
    every_word = [word for found in by_vocabulary.values() for word in found]
    draft.put("keywords", unique([*every_word, *projects]), "/catalog/dataset/keyword|project")
    themes = tuple(Concepts(scheme, unique(found)) for scheme, found in by_vocabulary.items() if scheme and any(found))
    draft.put("themes", themes, place(elements[0]) if elements else "")


def _variables(dataset: InvDataset) -> Iterator[Variable]:
    """Yield every variable once; vocabulary names are standard names only where the vocabulary is CF's."""
    met: set[str] = set()
    for group in dataset.find("variables"):
        is_cf = group.get("vocabulary", "").strip().upper().startswith("CF")
        for element in every(group, "variable"):
            name = one_line(element.get("name"))
            if not name or name in met:
                continue
            met.add(name)
            said = one_line(element.get("vocabulary_name"))
            standard = said if is_cf and _STANDARD_NAME.fullmatch(said) else None
            other = said if said and not standard else None
            unit = one_line(element.get("units")) or None
            yield Variable(name, description=words(element) or other, standard_name=standard, unit=unit)


def _resources(draft: Draft, dataset: InvDataset) -> tuple[Resource, ...]:
    plain = any(
        element.get("name") == "NotAThreddsDataset" and element.get("value", "").lower() == "true"
        for element in dataset.find("property")
    )
    virtual = bool(_VIRTUAL.fullmatch(dataset.url_path) or _VIRTUAL_NAME.fullmatch(dataset.name))
    made: dict[str, Resource] = {}
    for access in dataset.access:
        service = _SERVICES.get(access.service.kind)
        refused = (plain and service is not _FILE) or (virtual and service is _FILE)
        if service is not None and not refused:
            made.setdefault(service.key + access.url, _resource(service, access, dataset, virtual=virtual))
    if virtual:
        draft.find(note("thredds.virtual", draft.identifier, "is put together by the server; there is no data file"))
    if not made:
        message = "has no address that can be used"
        draft.find(warning("thredds.no-address", draft.identifier, message, "tell the data centre"))
    return tuple(sorted(made.values(), key=lambda resource: resource.key != "data"))


def _resource(service: _Service, access: Access, dataset: InvDataset, *, virtual: bool) -> Resource:
    if service is _FILE:
        kind = _media_type(access.url, access.data_format, dataset)
        return Resource("data", access.url, kind, size=_size(dataset), service="httpserver")
    return Resource(
        key=service.key,
        href=access.url,
        media_type=service.media_type,
        roles=service.roles,
        title=service.title,
        description="Virtual dataset: no single file stands behind it" if virtual and "data" in service.roles else None,
        service=service.key.removeprefix("metadata-"),
    )


def _media_type(url: str, data_format: str | None, dataset: InvDataset) -> str:
    by_name = media_type(urlsplit(url).path)
    if by_name != "application/octet-stream":
        return by_name
    said = data_format or next((words(element) for element in dataset.find("dataFormat")), "")
    return media_type(_FORMATS.get(said.lower(), ""))


def _size(dataset: InvDataset) -> int | None:
    """Return the size where it is given in bytes; other units are rounded."""
    for element in dataset.find("dataSize"):
        size = number(words(element))
        if element.get("units", "").strip().lower() == "bytes" and size is not None and 0 <= size < _MOST_BYTES:
            return int(size)
    return None


def _pages(record: Record) -> Iterator[Link]:
    if record.url:
        kind = "text/html" if urlsplit(record.url).path.endswith(".html") else "application/xml"
        yield Link("via", record.url, kind, "In the THREDDS catalogue")


def _links(dataset: InvDataset) -> Iterator[Link]:
    """Yield the pages and metadata documents that the record points to."""
    for element in dataset.metadata():
        href = (element.get(_HREF) or "").strip()
        if not href.startswith(("http://", "https://")):
            continue
        title = element.get(_TITLE) or words(element) or None
        match element.tag.rpartition("}")[2]:
            case "documentation" if _type(element) not in _RIGHTS:
                yield Link("about", href, title=title)
            case "metadata":
                yield Link("describedby", href, title=element.get(_TITLE) or element.get("metadataType"))
