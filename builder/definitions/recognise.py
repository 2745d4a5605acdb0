"""Tells from an answer what kind of server gave it, and collects what a definition of it would need."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

from builder.errors import ProtocolError
from builder.sources.strictjson import strict_json
from builder.strictxml import local_name, parse_lenient_encoding

if TYPE_CHECKING:
    from lxml import etree

    from builder.sources.oai.documents import Identity, OaiFormat, OaiSet

SHOWN = 30
"""How many sets, organisations or folders a draft lists."""

_PREFERRED = ("pan_md", "mmd", "iso19139", "iso19115", "dif", "datacite4", "oai_datacite", "datacite", "oai_dc")
_LISTING_TITLE = re.compile(r"index of|directory|contents of", re.IGNORECASE)
_PREFIX = re.compile(r"[A-Za-z0-9_.!~*'()-]+")
_DATA = frozenset(
    {".nc", ".nc4", ".cdf", ".h5", ".hdf", ".tif", ".tiff", ".csv", ".tab", ".tsv", ".txt", ".xml", ".zip"}
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server says of itself.

    Attributes:
        kind: In words, e.g. ``an OAI-PMH provider``.
        title: Its name; may be empty.
        source: The source block of a definition, without what is optional.
        told: Lines for people; those that begin with a blank belong to the one above.
    """

    kind: str
    title: str
    source: Mapping[str, str]
    told: tuple[str, ...] = ()


def oai_facts(url: str, identity: Identity, formats: Sequence[OaiFormat], sets: Sequence[OaiSet]) -> Facts:
    """Describe an OAI-PMH provider; the richest format iAOS can read is proposed."""
    prefixes = [one.prefix for one in formats if _PREFIX.fullmatch(one.prefix)]
    best = next((prefix for prefix in _PREFERRED if prefix in prefixes), prefixes[0] if prefixes else "oai_dc")
    told = [
        f"Deleted records: {identity.deleted_record or 'not said'}",
        f"Datestamps from {identity.earliest_datestamp or '?'}, written {identity.granularity or '?'}",
        f"{len(prefixes)} formats: {', '.join(prefixes)}",
        *_counted("sets", (f"{one.spec} - {one.name}" if one.name else one.spec for one in sets)),
    ]
    return Facts(
        "an OAI-PMH provider", identity.name or "", {"type": "oai-pmh", "url": url, "metadataPrefix": best}, tuple(told)
    )


def ckan_facts(url: str, status: bytes, search: bytes) -> Facts | None:
    """Describe a CKAN site from its answers to `status_show` and `package_search`; None if it is none.

    Either may be empty.
    """
    about, found = _result(status), _result(search)
    if "ckan_version" not in about and "count" not in found:
        return None
    told = [
        f"CKAN {about.get('ckan_version', 'of unknown version')}",
        f"{found.get('count', 'an unknown number of')} packages",
        *_counted("organisations", map(_organization, _facet(found, "organization"))),
    ]
    return Facts("a CKAN site", str(about.get("site_title") or ""), {"type": "ckan", "url": url}, tuple(told))


def thredds_facts(url: str, body: bytes) -> Facts | None:
    """Describe a THREDDS, Hyrax or RAMADDA catalogue; None if the document is none."""
    try:
        root, _ = parse_lenient_encoding(body, where=url)
    except ProtocolError:
        return None
    if local_name(root) != "catalog":
        return None
    datasets, references, services = (_named(root, name) for name in ("dataset", "catalogRef", "service"))
    kinds = sorted({_attribute(one, "serviceType") for one in services} - {""})
    told = [
        f"{sum(map(_has_data, datasets))} data sets here",
        *_counted("catalogues below", (_first_attribute(one, "title", "name", "href") for one in references)),
        f"Services: {', '.join(kinds) or 'none'}",
    ]
    title = next((name for name in (_attribute(one, "name") for one in (root, *datasets)) if name), "")
    return Facts("a THREDDS catalogue", title, {"type": "thredds", "url": url}, tuple(told))


def stac_facts(url: str, body: bytes) -> Facts | None:
    """Describe a STAC catalogue, collection or API by its root; None if the document is none."""
    root = _object(body)
    if not isinstance(root.get("stac_version"), str) or root.get("type") == "Feature":
        return None
    links = _objects(root.get("links"))
    api = any(link.get("rel") == "search" for link in links)
    children = [link for link in links if link.get("rel") == "child"]
    told = [
        f"STAC {root['stac_version']}, {'an API' if api else 'static'}",
        *_counted("children", (str(link.get("title") or link.get("href")) for link in children)),
    ]
    title = str(root.get("title") or root.get("id") or "")
    return Facts("a STAC API" if api else "a STAC catalogue", title, {"type": "stac", "url": url}, tuple(told))


def listing_facts(url: str, body: bytes) -> Facts | None:
    """Describe an HTML directory listing; None for any other page."""
    from lxml import etree, html

    try:
        page = html.document_fromstring(body)
    except (etree.ParserError, ValueError):
        return None
    title = " ".join((page.findtext(".//title") or "").split())
    names = sorted(set(_entries(url, (str(one.get("href", "")) for one in page.iter("a")))))
    files = [name for name in names if not name.endswith("/")]
    suffixes = Counter(PurePosixPath(name).suffix.lower() for name in files)
    if not _LISTING_TITLE.match(title) and not _DATA & set(suffixes):
        return None
    told = [
        *_counted(
            "files", (f"{count} {suffix or 'without suffix'}" for suffix, count in sorted(suffixes.items())), len(files)
        ),
        *_counted("folders", (name for name in names if name.endswith("/"))),
    ]
    return Facts("a directory listing", title, {"type": "files", "url": url}, tuple(told))


def is_oai(body: bytes) -> bool:
    """Tell whether an answer comes from an OAI-PMH provider, be it an error."""
    return b"<OAI-PMH" in body[:4000]


def _entries(url: str, hrefs: Iterable[str]) -> Iterable[str]:
    """Name the direct children of a folder among the links of its page."""
    folder = urljoin(url, ".")
    for href in hrefs:
        try:
            parts = urlsplit(urljoin(url, href))
        except ValueError:
            continue
        below = f"{parts.scheme}://{parts.netloc}{parts.path}".removeprefix(folder)
        name = unquote(below)
        if below and "://" not in below and not parts.query and "/" not in below[:-1]:
            yield name


def _counted(noun: str, lines: Iterable[str], count: int | None = None) -> list[str]:
    """Say how many there are, then name the first of them."""
    every = [f" {line}" for line in lines]
    more = [f" ... and {len(every) - SHOWN} more"] if len(every) > SHOWN else []
    return [f"{len(every) if count is None else count} {noun}{':' if every else ''}", *every[:SHOWN], *more]


def _organization(item: Mapping[str, Any]) -> str:
    return f"{item.get('name')} - {item.get('display_name')} ({item.get('count')} packages)"


def _facet(found: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    facets = found.get("search_facets")
    facet = facets.get(name) if isinstance(facets, dict) else None
    return _objects(facet.get("items") if isinstance(facet, dict) else None)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _named(root: etree._Element, name: str) -> list[etree._Element]:
    return [element for element in root.iter() if local_name(element) == name]


def _first_attribute(element: etree._Element, *names: str) -> str:
    return next((value for value in (_attribute(element, name) for name in names) if value), "")


def _has_data(dataset: etree._Element) -> bool:
    return bool(dataset.get("urlPath")) or any(local_name(child) == "access" for child in dataset)


def _attribute(element: etree._Element, name: str) -> str:
    """Return an attribute whatever its namespace (`xlink:title`)."""
    return next((str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == name), "")


def _object(body: bytes) -> dict[str, Any]:
    try:
        read = strict_json(body, "answer", unique_keys=False)
    except ProtocolError:
        return {}
    return read if isinstance(read, dict) else {}


def _result(body: bytes) -> dict[str, Any]:
    answer = _object(body)
    result = answer.get("result")
    return result if answer.get("success") is True and isinstance(result, dict) else {}
