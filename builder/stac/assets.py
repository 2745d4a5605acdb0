"""Resources of a dataset as STAC assets, and the files the build puts beside an item."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from builder.dataset import Dataset, Resource
from builder.findings import Finding, error
from builder.media import media_type
from builder.stac.context import ItemContext, Json
from builder.stac.layout import record_type, relative
from builder.stac.links import JSON, safe_href, service, unlinkable

LINKED_SERVICES = frozenset({"wms", "wcs", "wfs", "wmts", "ncss", "netcdfsubset", "csw"})
"""Services that are no files: they become links."""

RESERVED_KEYS = frozenset({"references", "readable-copy", "source-record", "explain", "preview"})
"""Asset keys of the files the build makes."""

LOGIN = "login"
"""Name of the authentication scheme of restricted data."""

_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;.*)?", re.ASCII)
_MULTIHASH = {"md5": ("d50110", 32), "sha1": ("1114", 40), "sha256": ("1220", 64), "sha512": ("1340", 128)}
"""Algorithm → multihash prefix (multiformats code and length) and hex digits of the digest."""


def build_assets(
    dataset: Dataset, context: ItemContext, path: str
) -> tuple[dict[str, Json], list[Json], list[Finding]]:
    """Return the assets of the object at ``path``, the links to services, and what was left out.

    A restricted file stays listed with a reference to the authentication scheme `LOGIN`; a copy
    of one inside the catalogue would be open, so it is refused.
    """
    assets: dict[str, Json] = {}
    services: list[Json] = []
    findings: list[Finding] = []
    for resource in dataset.resources:
        href = safe_href(resource.href)
        closed = is_restricted(dataset, resource)
        is_service = (resource.service or "").lower() in LINKED_SERVICES
        if href is None or (is_service and "://" not in href):
            findings.append(unlinkable(context, resource.href, f"asset {resource.key!r}"))
        elif closed and "://" not in href:
            findings.append(_open_copy(context, resource))
        elif is_service:
            services.append(service(resource, href, dataset) | ({"auth:refs": [LOGIN]} if closed else {}))
        else:
            assets[_unused(resource.key, assets)] = _asset(resource, _from(path, href, context), closed=closed)
    assets |= _beside(dataset, context, path)
    _cross_reference(assets)
    return assets, services, findings


def is_restricted(dataset: Dataset, resource: Resource) -> bool:
    """Tell whether a resource needs a login: its own data may, or the dataset's data may."""
    return resource.restricted or (dataset.access.restricted and "data" in resource.roles)


def is_restricted_dataset(dataset: Dataset) -> bool:
    """Tell whether any of a dataset's data needs a login."""
    return dataset.access.restricted or any(resource.restricted for resource in dataset.resources)


def _from(path: str, href: str, context: ItemContext) -> str:
    """Return the address as seen from the object: files of the build are given relative to the collection's folder."""
    return href if "://" in href else relative(path, f"{context.place.folder}/{href}")


def _asset(resource: Resource, href: str, *, closed: bool) -> Json:
    import pystac

    return pystac.Asset(
        href=href,
        title=resource.title or None,
        description=resource.description or None,
        media_type=_type(resource, href),
        roles=list(dict.fromkeys(resource.roles)),
        extra_fields=_file_facts(resource) | dict(resource.extra) | ({"auth:refs": [LOGIN]} if closed else {}),
    ).to_dict()


def _type(resource: Resource, href: str) -> str | None:
    said = (resource.media_type or "").strip()
    if _MEDIA_TYPE.fullmatch(said):
        return said
    if resource.service == "opendap":
        return "application/x-netcdf"
    guessed = media_type(href.partition("?")[0]).partition(";")[0]
    return guessed if guessed != "application/octet-stream" else None


def _file_facts(resource: Resource) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if resource.size is not None and resource.size >= 0:
        facts["file:size"] = resource.size
    algorithm, _, digest = (resource.checksum or "").lower().partition(":")
    prefix, digits = _MULTIHASH.get(algorithm.replace("-", ""), ("", -1))
    if len(digest) == digits and re.fullmatch(r"[0-9a-f]+", digest):
        facts["file:checksum"] = prefix + digest
    if resource.bands:
        facts["bands"] = list(resource.bands)
    if resource.packing:
        facts["raster:bands"] = list(resource.packing)
    return facts


def _beside(dataset: Dataset, context: ItemContext, path: str) -> dict[str, Json]:
    place, item = context.place, context.id
    beside: dict[str, Json] = {}
    if context.references and not is_restricted_dataset(dataset):
        beside["references"] = {
            "href": relative(path, place.references(item, context.references_media_type)),
            "type": context.references_media_type,
            "title": "Kerchunk references",
            "roles": ["references", "index"],
            **(context.source or {}),
        }
        for group in context.groups:
            beside[f"references:{group}"] = {
                "href": relative(path, place.group_references(item, group)),
                "type": JSON,
                "title": f"Kerchunk references of the group {group}",
                "roles": ["group-references", "index"],
                "iaos:group": group,
            }
    if context.copy is not None:
        facts = {key: value for key, value in context.copy.items() if key != "name"}
        beside["readable-copy"] = {
            "href": relative(path, f"{place.folder}/{context.copy['name']}"),
            "type": media_type("x.nc"),
            "title": "Readable copy",
            "description": "The same values to the bit, deflated, because readers cannot decode the partner's file.",
            "roles": ["readable-copy"],
            **facts,
        }
    if context.thumbnail and not is_restricted_dataset(dataset):
        beside["preview"] = {
            "href": relative(path, place.thumbnail(item)),
            "type": "image/png",
            "title": "Small picture of the data",
            "roles": ["thumbnail"],
        }
    if context.record_file:
        record = place.record(item, context.record.media_type)
        beside["source-record"] = {
            "href": relative(path, record),
            "type": record_type(context.record.media_type),
            "title": "Source record, byte for byte",
            "roles": ["metadata"],
        }
    if context.explanation:
        beside["explain"] = {
            "href": relative(path, place.explain(item)),
            "type": JSON,
            "title": "Where each field comes from",
            "roles": ["metadata"],
        }
    return beside


def _unused(key: str, taken: Iterable[str]) -> str:
    wanted = re.sub(r"[^A-Za-z0-9_.-]+", "-", key).strip("-") or "data"
    names = RESERVED_KEYS | set(taken)
    if wanted not in names:
        return wanted
    return next(name for name in (f"{wanted}-{number}" for number in range(2, len(names) + 3)) if name not in names)


def _cross_reference(assets: dict[str, Json]) -> None:
    """Say on the data asset that OPeNDAP serves the same file, where there is exactly one of each."""
    dap = [key for key in assets if key.startswith("opendap")]
    if len(dap) == 1 and "data" in assets and "data-2" not in assets:
        assets["data"]["alternate"] = {"opendap": {"href": assets[dap[0]]["href"], "title": "OPeNDAP"}}


def _open_copy(context: ItemContext, resource: Resource) -> Finding:
    return error(
        "stac.restricted-copy",
        context.record.identifier,
        f"{resource.key!r} needs a login at the partner and was not copied into the catalogue",
        "set `published_at`, or lift the restriction with an override",
    )
