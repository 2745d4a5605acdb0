"""What the live map needs to show an item's cloud-optimised GeoTIFFs: address, grid, range, unit and classes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from builder.pages.markup import safe_href
from builder.pages.values import Json, items, mapping, mappings, number, properties, text, texts

PLACED = re.compile(r"EPSG:(?:3413|3995|6931|3575|3411|4326|326(?:0[1-9]|[1-5]\d|60))")
"""Reference systems that the page can place (``site/src/lib/projections.ts``)."""
_CODE = re.compile(r"[A-Z]{2,10}:\d{1,9}")
MOST = 20
MOST_CLASSES = 40
_HEX = re.compile(r"#?([0-9A-Fa-f]{6})")


def rasters(item: Json) -> tuple[Json, ...]:
    """Return the rasters that a page may show, as it is told of them; none that needs a login or a plain http host.

    Those in a reference system that it cannot place come last: of them it says so.
    """
    found = [
        said
        for key, asset in mapping(item.get("assets")).items()
        if isinstance(asset, dict) and (said := _described(item, str(key), asset))
    ]
    return tuple(sorted(found, key=lambda one: not is_placed(one))[:MOST])


def is_placed(raster: Json) -> bool:
    """Tell whether the page can place a raster on its map."""
    return PLACED.fullmatch(raster["code"]) is not None


def _described(item: Json, key: str, asset: Json) -> Json | None:
    if not _is_open_cog(asset):
        return None
    href, code = safe_href(asset.get("href")), text(asset.get("proj:code") or properties(item).get("proj:code"))
    if not href or not _CODE.fullmatch(code or "") or href.startswith("http://"):
        return None
    band = _first(asset, "raster:bands") | _first(asset, "bands")
    said = {
        "href": href,
        "title": text(asset.get("title")) or key,
        "code": code,
        "unit": text(band.get("unit")) or text(asset.get("unit")),
        "scale": number(_either(band, asset, "scale")),
        "offset": number(_either(band, asset, "offset")),
        "classes": list(_classes(band, asset)),
        **dict(zip(("low", "high"), _rescaled(item, key) or _range(band, asset), strict=True)),
    }
    return {name: value for name, value in said.items() if value not in (None, [])}


def _first(asset: Json, name: str) -> dict[str, Any]:
    return dict(next(iter(mappings(asset.get(name))), {}))


def _is_open_cog(asset: Json) -> bool:
    media = text(asset.get("type")) or ""
    cog = media.startswith("image/tiff") and "cloud-optimized" in media
    return cog and "data" in texts(asset.get("roles")) and not asset.get("auth:refs")


def _range(band: Json, asset: Json) -> tuple[float | None, float | None]:
    statistics = mapping(band.get("statistics")) or mapping(asset.get("statistics"))
    return number(statistics.get("minimum")), number(statistics.get("maximum"))


def _either(band: Json, asset: Json, name: str) -> object:
    """Return a value of the raster extension 1.1 (bare name) or 2.0 (with its prefix)."""
    return next((one for one in (band.get(f"raster:{name}"), band.get(name), asset.get(f"raster:{name}")) if one), None)


def _rescaled(item: Json, key: str) -> tuple[float, float] | None:
    """Return the range that the render extension names for an asset."""
    for render in mapping(properties(item).get("renders") or item.get("renders")).values():
        ranges = items(mapping(render).get("rescale"))
        if key in texts(mapping(render).get("assets")) and ranges and len(items(ranges[0])) == 2:
            low, high = (number(side) for side in ranges[0])
            if low is not None and high is not None:
                return low, high
    return None


def _classes(band: Json, asset: Json) -> Iterator[tuple[float, str, str]]:
    """Yield value, name and colour of the classes that are drawn, empty where the file's own stands for it.

    No data is left transparent.
    """
    listed = mappings(band.get("classification:classes")) or mappings(asset.get("classification:classes"))
    for one in listed[:MOST_CLASSES]:
        value = number(one.get("value"))
        name = text(one.get("title")) or text(one.get("description")) or text(one.get("name"))
        colour = _HEX.fullmatch(text(one.get("color_hint")) or "")
        if value is not None and one.get("nodata") is not True:
            yield value, name or f"{value:g}", colour[1] if colour else ""
