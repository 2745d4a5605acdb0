"""What the live map needs to offer layers of partners' map services (web-map-links extension, WMS)."""

from __future__ import annotations

from builder.pages.markup import safe_href
from builder.pages.values import Json, links, mapping, text, texts

MOST = 20


def services(item: Json) -> tuple[Json, ...]:
    """Return the layers that a page may offer: open ones that their service draws in a polar reference system.

    The build asked the service for its capabilities (``iaos:map_crs``); one that was not asked, or draws in no
    system of the live map, is left among the related links.
    """
    found = [
        {"href": href, "layer": layer, "title": text(link.get("title")) or "WMS", "codes": codes}
        for link in links(item, "wms")
        if (href := safe_href(link.get("href"))) and "://" in href and not link.get("auth:refs")
        for layer in texts(link.get("wms:layers"))
        if (codes := texts(mapping(link.get("iaos:map_crs")).get(layer)))
    ]
    return tuple(found[:MOST])
