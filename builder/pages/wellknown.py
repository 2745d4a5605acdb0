"""Files beside the pages for crawlers and browsers: robots.txt, sitemap.xml, opensearch.xml."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from builder.pages.markup import icon
from builder.pages.messages import Messages

OPENSEARCH = "opensearch.xml"
MEDIA_TYPE = "application/opensearchdescription+xml"
_NAMESPACE = "http://a9.com/-/spec/opensearch/1.1/"


def robots(base: str) -> bytes:
    """Return ``robots.txt``: everything may be read."""
    sitemap = f"\nSitemap: {base}sitemap.xml\n" if base else ""
    return f"User-agent: *\nAllow: /\n{sitemap}".encode()


def sitemap(base: str, paths: Iterable[str]) -> bytes:
    """Return ``sitemap.xml`` (sitemaps.org 0.9) for pages at these paths below ``base``."""
    lines = [f"<url><loc>{escape(base + quote(path))}</loc></url>" for path in sorted(paths)]
    start = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    return "\n".join([start, *lines, "</urlset>\n"]).encode()


def opensearch(words: Messages, base: str, language: str) -> bytes:
    """Return ``opensearch.xml`` (OpenSearch 1.1 draft 6), by which a browser can add the search page."""
    described = {
        "ShortName": words("site.name"),  # at most 16 characters
        "LongName": words("site.long"),  # at most 48
        "Description": words("site.summary"),
        "Language": language,
        "InputEncoding": "UTF-8",
        "OutputEncoding": "UTF-8",
    }
    root = ET.Element("OpenSearchDescription", xmlns=_NAMESPACE)
    for name, value in described.items():
        ET.SubElement(root, name).text = value
    ET.SubElement(root, "Image", width="16", height="16", type="image/svg+xml").text = icon()
    page = f"{base}search/index.html?q={{searchTerms}}"
    ET.SubElement(root, "Url", type="text/html", rel="results", template=page)
    ET.SubElement(root, "Url", type=MEDIA_TYPE, rel="self", template=f"{base}{OPENSEARCH}")
    data: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"
