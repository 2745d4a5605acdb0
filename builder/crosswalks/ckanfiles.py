"""What the resources of a CKAN package are: data files, services, documents, or only links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from builder.crosswalks.ckanplaces import unpacked
from builder.crosswalks.jsontext import Json, objects, wording
from builder.crosswalks.online import classify
from builder.dataset import Link, Resource
from builder.media import BY_SUFFIX

_FORMATS = {
    "netcdf": ".nc", "netcdf4": ".nc", "netcdf3": ".nc", "nc": ".nc", "hdf5": ".h5", "geotiff": ".tif", "tiff": ".tif",
    "tif": ".tif", "csv": ".csv", "tsv": ".tsv", "tab": ".tab", "json": ".json", "geojson": ".geojson", "xml": ".xml",
    "zip": ".zip", "pdf": ".pdf", "parquet": ".parquet", "txt": ".txt", "text": ".txt", "wav": ".wav", "grib": ".grib",
}  # fmt: skip
_PAGES = frozenset({"html", "url", "link", "website", "web page", "doi"})
_OPEN_LEVELS = frozenset({"", "public"})


def describe_resources(package: Json) -> Iterator[Resource | Link]:
    """Yield an asset for each data file or service and a link for each page.

    A resource that only members may open (ckanext-restricted) is marked so.
    """
    for resource in objects(unpacked(package.get("resources"))):
        if wording(resource.get("state")) in {"", "active"}:
            found = _describe(resource)
            if found is not None:
                yield found


def _describe(resource: Json) -> Resource | Link | None:
    url = _clean(wording(resource, "url"))
    words = wording(resource, "format").lower().lstrip(".").strip()
    title, text = wording(resource, "name") or None, wording(resource, "description") or None
    if words in _PAGES or re.match(r"https?://(dx\.)?doi\.org/", url):
        return Link("related", url, "text/html", title) if url.startswith(("http://", "https://")) else None
    found = classify(
        url, protocol=words, function="download", title=title, description=text, kind=_kind(resource, words)
    )
    if not isinstance(found, Resource):
        return found
    return Resource(
        key=found.key,
        href=found.href,
        media_type=found.media_type,
        roles=found.roles,
        title=title,
        description=text,
        size=_size(resource),
        checksum=_checksum(resource),
        service=found.service,
        restricted=_restricted(resource),
    )


def _kind(resource: Json, words: str) -> str | None:
    given = wording(resource, "mimetype")
    suffix = _FORMATS.get(words) or _FORMATS.get(words.partition(" ")[0]) or ""
    return BY_SUFFIX.get(suffix) or (given if "/" in given else None)


def _clean(url: str) -> str:
    return quote(url.strip(), safe="%/:=&?~#+!$,;'@()*[]")


def _size(resource: Json) -> int | None:
    text = wording(resource, "size")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _checksum(resource: Json) -> str | None:
    digest = wording(resource, "hash").lower().removeprefix("md5:").removeprefix("sha256:")
    algorithm = {32: "md5", 40: "sha1", 64: "sha256"}.get(len(digest))
    return f"{algorithm}:{digest}" if algorithm and re.fullmatch(r"[0-9a-f]+", digest) else None


def _restricted(resource: Json) -> bool:
    """Tell whether only members may open a file; a rule that cannot be read closes it."""
    written = resource.get("restricted")
    rule = unpacked(written)
    if written and rule is None:
        return True
    level = rule if isinstance(rule, str) else wording(rule, "level")
    return level.strip().lower() not in _OPEN_LEVELS
