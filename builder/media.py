"""Media types by file name, one table for catalogue, website, server and publishing."""

from __future__ import annotations

BY_SUFFIX = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".json": "application/json",
    ".ndjson": "application/x-ndjson",
    ".geojson": "application/geo+json",
    ".jsonld": "application/ld+json",
    ".xml": "application/xml",
    ".atom": "application/atom+xml",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".bib": "application/x-bibtex",
    ".ris": "application/x-research-info-systems",
    ".nc": "application/netcdf",
    ".nc4": "application/netcdf",
    ".cdf": "application/netcdf",
    ".h5": "application/x-hdf5",
    ".hdf5": "application/x-hdf5",
    ".hdf": "application/x-hdf",
    ".tif": "image/tiff; application=geotiff",
    ".tiff": "image/tiff; application=geotiff",
    ".grib": "application/wmo-GRIB2",
    ".grib2": "application/wmo-GRIB2",
    ".csv": "text/csv",
    ".tab": "text/tab-separated-values",
    ".tsv": "text/tab-separated-values",
    ".parquet": "application/vnd.apache.parquet",
    ".zip": "application/zip",
    ".gz": "application/gzip",
    ".pdf": "application/pdf",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
}
"""Suffix in lower case → media type (IANA where registered)."""


RUN_BY_BROWSERS = frozenset(
    {"text/html", "text/javascript", "image/svg+xml", "application/xml", "application/atom+xml"}
)
"""What may carry scripts, or style sheets that do: HTML, and every kind of XML."""


def media_type(name: str) -> str:
    """Return the media type of a file name or URL path; ``application/octet-stream`` if unknown."""
    dot = name.rfind(".")
    return BY_SUFFIX.get(name[dot:].lower(), "application/octet-stream") if dot >= 0 else "application/octet-stream"


def inert_type(name: str) -> str:
    """Return the media type under which a partner's file may stand on our own site: never one that a browser runs."""
    found = media_type(name)
    return BY_SUFFIX[".txt"] if found.partition(";")[0] in RUN_BY_BROWSERS else found
