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
    service = _service(address, protocol) or _service("", title or "")
    path = _path(address)
    suffix = _suffix(path)
    if _is_listing(address, path, service) or (service == "opendap" and suffix in {".graph", ".subset"}):
        return Link("related", address, "text/html", title or description)
    if service == "opendap":
        return Resource("opendap", _FORM.sub("", address), title=title, description=description, service=service)
    if service == "httpserver" or (not service and _is_data(path, suffix, f"{protocol} {function}")):
        return Resource(
            "data", address, _kind(kind, path, title), title=title, description=description, service=service
        )
    if service:
        return Resource(service, address, title=title, description=description, service=service)
    return Link("related", address, "text/html" if suffix in {".html", ".htm", ""} else None, title or description)


def _is_listing(address: str, path: str, service: str | None) -> bool:
    return bool(_CATALOGUE.search(address)) or (service in {"opendap", "httpserver"} and path.endswith("/"))


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


def _is_data(path: str, suffix: str, said: str) -> bool:
    """Tell whether a file is meant: by its suffix, or because it is offered for download and looks like no page."""
    if suffix in _DATA:
        return True
    return "download" in said.lower() and path.strip("/") != "" and not path.endswith("/") and suffix not in _PAGE


def _kind(said: str | None, path: str, title: str | None) -> str | None:
    guesses = (said or "", media_type(path), media_type(title or ""))
    return next((guess for guess in guesses if "/" in guess and guess != "application/octet-stream"), None)
