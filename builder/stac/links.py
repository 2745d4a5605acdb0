"""Links of STAC objects: which addresses may be linked to, and the ones that hold the tree together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from builder.dataset import Dataset, Resource
from builder.findings import Finding, warning
from builder.stac.context import ItemContext, Json
from builder.stac.layout import ROOT, page_of, relative

JSON = "application/json"
GEOJSON = "application/geo+json"
PARQUET = "application/vnd.apache.parquet"
DERIVED_FROM = "derived_from"
"""Relation to what an object was made from (STAC)."""
DERIVATION = "http://www.w3.org/ns/prov#hadDerivation"
"""Relation to what was made from an object: the inverse that the PROV ontology names, and an address (RFC 8288)."""
STRUCTURAL = frozenset({"root", "parent", "self", "child", "item", "items", "collection", "data", "alternate"})
"""Relations that only the catalogue itself sets."""

_SAFE = "%/:?#@!$&'()*+,;=~-._"
_NO_HOST = re.compile(r"""[@\\"<>^`{|}\s]""")

_DOI = re.compile(r"10\.[0-9a-zA-Z]{4,}/[^\s]+")

WMS_PARAMETERS = frozenset({"service", "version", "request", "layers", "styles"})
"""What an address of a map service may name that belongs to one request."""


def safe_href(href: str) -> str | None:
    """Return an address that may be linked to, percent-encoded where needed, or None.

    Allowed are http and https URLs with a host and without credentials, and relative paths
    that stay below the object.
    """
    text = re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "", href).strip()
    try:
        parts = urlsplit(text)
        web = parts.scheme in {"http", "https"} and bool(parts.hostname) and not _NO_HOST.search(parts.netloc)
    except ValueError:
        return None
    if not text or not (web or _below(text, parts.scheme, parts.netloc)):
        return None
    text = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", text)
    host = len(f"{parts.scheme}://{parts.netloc}") if web else 0
    return quote(text[:host], safe=f"{_SAFE}[]") + quote(text[host:], safe=_SAFE)


def web_href(href: str | None) -> str | None:
    """Return an http or https URL that may be linked to, or None; a relative path is none."""
    safe = safe_href(href or "")
    return safe if safe and "://" in safe else None


def _below(text: str, scheme: str, host: str) -> bool:
    segments = text.partition("?")[0].split("/")
    return (
        not scheme and not host and not text.startswith(("/", "#", "?")) and ".." not in segments and "\\" not in text
    )


def doi_of(text: str | None) -> str | None:
    """Return the bare DOI in a text such as ``doi:10.1594/…`` or ``https://doi.org/10.1594/…``."""
    found = _DOI.search(text or "")
    return found.group(0) if found else None


def link(rel: str, href: str, media_type: str | None = None, title: str | None = None, **extra: Any) -> Json:
    """Return a link, without the fields that are empty."""
    made: Json = {"rel": rel, "href": href}
    if media_type:
        made["type"] = media_type
    if title:
        made["title"] = title
    made.update(extra)
    return made


def unique(links: Iterable[Json]) -> list[Json]:
    """Return links in their order, the first of each relation and target only."""
    seen: dict[tuple[str, str], Json] = {}
    for entry in links:
        seen.setdefault((entry["rel"], entry["href"]), entry)
    return list(seen.values())


def structural(path: str, parent: str, parent_title: str, root_title: str = "") -> list[Json]:
    """Return the links every object has: root, parent, and its page."""
    return [
        link("root", relative(path, ROOT), JSON, root_title or None),
        link("parent", relative(path, parent), JSON, parent_title),
        link("alternate", relative(path, page_of(path)), "text/html", "Page"),
    ]


def outward(dataset: Dataset, context: ItemContext, findings: list[Finding]) -> Iterator[Json]:
    """Yield the links that lead out of the catalogue; addresses that may not be linked to are reported."""
    for entry in dataset.links:
        if not entry.rel or entry.rel in STRUCTURAL:
            continue
        href = web_href(entry.href)
        if href is None:
            findings.append(unlinkable(context, entry.href, f"link {entry.rel!r}"))
        else:
            yield link(entry.rel, href, entry.media_type, entry.title, **entry.extra)
    yield from _terms(dataset)


def inward(path: str, context: ItemContext) -> Iterator[Json]:
    """Yield the links to what the object at ``path`` was made from and what was made from it."""
    for other in context.related:
        is_item = other.path.count("/") == 2 and not other.path.endswith("/collection.json")
        yield link(other.rel, relative(path, other.path), GEOJSON if is_item else JSON, other.title)


def _terms(dataset: Dataset) -> Iterator[Json]:
    doi, terms = doi_of(dataset.doi), dataset.license
    href = web_href(terms.url) if terms else None
    if doi:
        yield link("cite-as", doi_url(doi))
    if terms and href:
        yield link("license", href, "text/html", terms.title or terms.id)


def doi_url(doi: str) -> str:
    """Return the address of a DOI."""
    return f"https://doi.org/{quote(doi, safe='/:;()._-')}"


def service(resource: Resource, href: str, dataset: Dataset) -> Json:
    """Return the link to a service that is no file: WMS with its layers, else a service description."""
    title = resource.title or (resource.service or "").upper()
    parts = urlsplit(href)
    query = parse_qsl(parts.query, keep_blank_values=True)
    layers = _layers(query, dataset) if resource.service == "wms" else []
    if not layers:
        return link("service-desc", href, resource.media_type, title)
    rest = [(key, value) for key, value in query if key.lower() not in WMS_PARAMETERS]
    base = urlunsplit(parts._replace(query=urlencode(rest), fragment=""))
    known = resource.extra.get("iaos:map_crs") or {}
    drawn = {layer: known[layer] for layer in layers if layer in known}
    return link("wms", base, "image/png", title, **{"wms:layers": layers} | ({"iaos:map_crs": drawn} if drawn else {}))


def _layers(query: list[tuple[str, str]], dataset: Dataset) -> list[str]:
    """Return the layers an address names, else the variables, which THREDDS serves under their own names."""
    named = next((value for key, value in query if key.lower() == "layers"), "")
    measured = [entry.name for entry in dataset.variables if entry.name and entry.dimensions and not entry.auxiliary]
    return [layer for layer in named.split(",") if layer] or measured


def unlinkable(context: ItemContext, href: str, what: str) -> Finding:
    """Report an address that was left out."""
    return warning(
        "stac.href",
        context.record.identifier,
        f"{what} left out: {href[:200]!r} is not an address one can link to",
        "give an http or https URL without credentials",
    )
