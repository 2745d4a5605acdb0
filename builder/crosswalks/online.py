"""Tells from its protocol and address what an online resource is: a file, a data service, a picture, or a page."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from builder.dataset import Link, Resource
from builder.media import BY_SUFFIX, media_type

_SERVICES = (
    ("wms", r"\bwms\b", r"[?&]service=wms\b|/wms(?:_ql)?(?:/|$|\?)"),
    ("wmts", r"\bwmts\b", r"[?&]service=wmts\b|/wmts(?:/|$|\?)"),
    ("wcs", r"\bwcs\b", r"[?&]service=wcs\b|/wcs(?:/|$|\?)"),
    ("wfs", r"\bwfs\b", r"[?&]service=wfs\b|/wfs(?:/|$|\?)"),
    ("csw", r"\bcsw\b", r"[?&]service=csw\b"),
    ("ncss", r"netcdf ?subset|\bncss\b", r"/ncss/"),
    ("opendap", r"opendap|\bdap\b|\bdods\b", r"/dodsC/|/opendap/|/erddap/(?:grid|table)dap/"),
    ("odata", r"\bodata\b", r"/odata/v\d"),
    ("httpserver", r"\bhttpserver\b", r"/fileServer/"),
)
_RULES = tuple(
    (name, re.compile(protocol, re.IGNORECASE), re.compile(address, re.IGNORECASE))
    for name, protocol, address in _SERVICES
)
_CATALOGUE = re.compile(r"/catalog(?:\.html|\.xml|/)|/contents\.html|thredds\.html", re.IGNORECASE)
_FORM = re.compile(r"\.(?:html?|info|das|dds|dmr|ascii)$", re.IGNORECASE)
_DATA = frozenset(BY_SUFFIX) - {
    ".html", ".css", ".js", ".md", ".xml", ".atom", ".svg", ".png", ".jpg", ".webp", ".ico", ".woff2", ".bib", ".ris",
    ".pdf", ".json", ".jsonld",
} | {".dat", ".asc", ".xlsx", ".xls", ".ods", ".mat", ".shp", ".kml", ".kmz", ".gpkg", ".tar", ".tgz", ".bz2", ".7z",
     ".he5", ".grb", ".grb2", ".bufr", ".zarr", ".odv", ".cnv"}  # fmt: skip
_WEB = frozenset({"", ".html", ".htm", ".php", ".xml", ".graph"})
_DRAWN = frozenset({".graph", ".subset"})
_DOCUMENTS = frozenset({"application/pdf", "text/html", "application/msword"})
_PAGE = frozenset({".html", ".htm", ".pdf", ".doc", ".docx", ".php", ".jsp", ".aspx"})


def classify(
    url: str,
    *,
    protocol: str = "",
    function: str = "",
    title: str | None = None,
    description: str | None = None,
    kind: str | None = None,
) -> Resource | Link | None:
    """Describe an online resource as an asset, or as a link where it holds no data.

    Args:
        url: Its address; anything but http, https and ftp is left out.
        protocol: What the record calls its protocol, e.g. ``OGC:WMS``, ``WWW:DOWNLOAD-1.0-http--download``.
        function: What the record says it is for (``download``, ``information`` ...).
        title: Its name.
        description: What is said about it.
        kind: Media type the record gives.
    """
    address = url.strip()
    if not address.lower().startswith(("http://", "https://", "ftp://")):
        return None
    offered = "" if kind in _DOCUMENTS else f"{protocol} {function}"
    what = _kind_of(address, protocol, title or "", offered)
    if what == "page":
        return Link("related", address, _page_type(address), title or description)
    if what in {"file", "httpserver"}:
        media, service = _media(kind, _path(address), title), what if what == "httpserver" else None
        return Resource("data", address, media, title=title, description=description, service=service)
    base = _FORM.sub("", address) if what == "opendap" else address
    return Resource(what, base, title=title, description=description, service=what)


def _page_type(address: str) -> str | None:
    return "text/html" if _suffix(_path(address)) in _WEB else None


def _kind_of(address: str, protocol: str, title: str, offered: str) -> str:
    """Return the name of a service, ``file`` or ``page``."""
    service, path = _service(address, f"{protocol} {title}"), _path(address)
    if _is_listing(address, path, service):
        return "page"
    return service or ("file" if offered and _is_data(path, [_suffix(path), _suffix(title)], offered) else "page")


def _is_listing(address: str, path: str, service: str | None) -> bool:
    """Tell whether a page lists or draws files rather than being one."""
    if _CATALOGUE.search(address) or (service == "opendap" and _suffix(path) in _DRAWN):
        return True
    return service in {"opendap", "httpserver"} and path.endswith("/")


def _service(address: str, protocol: str) -> str | None:
    words = protocol.replace("_", " ").replace("–", "-")
    return next((name for name, says, looks in _RULES if says.search(words) or looks.search(address)), None)


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def _suffix(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    return f".{name.rsplit('.', 1)[-1].lower()}" if "." in name else ""


def _is_data(path: str, suffixes: list[str], said: str) -> bool:
    """Tell whether a file is meant: by its suffix, or because it is offered for download and looks like no page."""
    if not _DATA.isdisjoint(suffixes):
        return True
    named = path.strip("/") != "" and not path.endswith("/")
    return named and "download" in said.lower() and _PAGE.isdisjoint(suffixes)


def _media(said: str | None, path: str, title: str | None) -> str | None:
    guesses = (said or "", media_type(path), media_type(title or ""))
    return next((guess for guess in guesses if "/" in guess and guess != "application/octet-stream"), None)
