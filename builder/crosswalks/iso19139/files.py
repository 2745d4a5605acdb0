"""Reads the online resources of ISO metadata: distribution, services, pictures, landing pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from builder.crosswalks.dois import doi_of
from builder.crosswalks.iso19139.spoken import code, spoken, spoken_at
from builder.crosswalks.online import classify
from builder.crosswalks.pangaea import put_addresses
from builder.crosswalks.values import one_line
from builder.crosswalks.xmltext import every, first, place_of
from builder.dataset import Draft, Link, Resource
from builder.media import media_type

if TYPE_CHECKING:
    from lxml import etree

_PATHS = (
    "distributionInfo/*/transferOptions/*/onLine/*",
    "distributionInfo/*/distributor/*/distributorTransferOptions/*/onLine/*",
    "identificationInfo/SV_ServiceIdentification/containsOperations/*/connectPoint/*",
)


def put_files(draft: Draft, root: etree._Element, data: etree._Element | None) -> None:
    """Set the resources and the links of a dataset; the same address is taken once.

    Args:
        draft: The description; its licence is read first.
        root: The document.
        data: The identification of the data.
    """
    nodes = [node for path in _PATHS for node in every(root, path)]
    page, where = spoken_at(root, "dataSetURI", "metadataLinkage/*/linkage")
    online = _once([one for node in nodes for one in _resource(node)])
    resources = [one for one in online if isinstance(one, Resource)]
    zipped = "format=zip" in " ".join(one.href for one in resources)
    put_addresses(draft, doi_of(page), where, zipped=zipped)
    draft.put("resources", (*resources, *_thumbnail(data)), place_of(nodes))
    landing = Link("via", page, "text/html", "Landing page")
    draft.put("links", tuple(_links([landing, *online])), where or place_of(nodes))


def _links(online: list[Resource | Link]) -> Iterator[Link]:
    for one in _once(online):
        if isinstance(one, Link) and one.href.startswith(("http://", "https://")):
            yield one


def _once(online: list[Resource | Link]) -> list[Resource | Link]:
    """Return what has the same address once, as it stands first."""
    return list({one.href: one for one in reversed(online)}.values())[::-1]


def _resource(node: etree._Element) -> Iterator[Resource | Link]:
    name = first(node, "name")
    kinds = (child.get("type") for child in name) if name is not None else iter(())
    found = classify(
        spoken(first(node, "linkage")),
        protocol=one_line(spoken(first(node, "protocol"))),
        function=code(first(node, "function")),
        title=one_line(spoken(name)) or None,
        description=one_line(spoken(first(node, "description"))) or None,
        kind=next((kind for kind in kinds if kind), None),
    )
    if found:
        yield found


def _thumbnail(data: etree._Element | None) -> Iterator[Resource]:
    for node in every(data, "graphicOverview/*"):
        address = spoken(first(node, "fileName")) or spoken(first(node, "linkage/*/linkage"))
        kind = media_type(address.partition("?")[0])
        kind = kind if kind.startswith("image/") else media_type(f".{spoken(first(node, 'fileType'))}")
        if address.startswith(("http://", "https://")):
            picture = Resource("thumbnail", address, roles=("thumbnail",))
            yield replace(picture, media_type=kind) if kind.startswith("image/") else picture
            return
