"""Writes one dataset of a catalogue as a catalogue of its own."""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

from builder.invcatalog.model import INVCATALOG, XLINK, Catalog, InvDataset, Service
from builder.invcatalog.services import join

_HREF = f"{{{XLINK}}}href"
_EMPTY = f'<catalog xmlns="{INVCATALOG}" xmlns:xlink="{XLINK}" version="1.0.1"/>'
_UNNEEDED = frozenset({"serviceName", "access"})


def single(dataset: InvDataset, catalog: Catalog) -> bytes:
    """Return a stand-alone InvCatalog 1.0 document with one dataset.

    It answers what THREDDS answers to ``catalog.xml?dataset=ID``: the services are leaves with
    absolute bases, inherited metadata is the dataset's own, and links are absolute. The same dataset
    gives the same bytes whatever stands around it in the catalogue.
    """
    root = etree.fromstring(_EMPTY)
    services = _services(dataset)
    for name, service in services.items():
        said = {"name": name, "serviceType": service.type, "base": service.base}
        etree.SubElement(root, _name("service"), said | ({"suffix": service.suffix} if service.suffix else {}))
    attributes = {"name": dataset.name, "ID": dataset.id, "restrictAccess": "yes" if dataset.restricted else None}
    element = etree.SubElement(root, _name("dataset"), {key: text for key, text in attributes.items() if text})
    if dataset.harvest:
        element.set("harvest", "true")
    names = {service: name for name, service in services.items()}
    for access in dataset.access:
        said = {"serviceName": names[access.service], "urlPath": access.url_path}
        said |= {"dataFormat": access.data_format} if access.data_format else {}
        etree.SubElement(element, _name("access"), said)
    if not dataset.access:
        element.set("urlPath", dataset.url_path)
    for metadata in dataset.metadata():
        if etree.QName(metadata).localname not in _UNNEEDED:
            element.append(_copy(metadata, catalog.base))
    _lay_out(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _services(dataset: InvDataset) -> dict[str, Service]:
    """Return the services in use by name; where two have one name, the later gets a number."""
    named: dict[str, Service] = {}
    for service in dict.fromkeys(access.service for access in dataset.access):
        name, number = service.name or service.type, 2
        while name in named:
            name, number = f"{service.name}-{number}", number + 1
        named[name] = service
    return named


def _copy(metadata: etree._Element, base: str) -> etree._Element:
    """Copy a metadata element into the namespace of InvCatalog 1.0, its links made absolute."""
    copy = deepcopy(metadata)
    copy.tail = None
    home = etree.QName(metadata).namespace
    for element in copy.iter("*"):
        if home != INVCATALOG and etree.QName(element).namespace == home:
            element.tag = _name(etree.QName(element).localname)
        href = element.get(_HREF)
        if href is not None:
            element.set(_HREF, join(base, href))
    return copy


def _lay_out(root: etree._Element) -> None:
    """Drop white space between elements, so that the writer can indent evenly."""
    for element in root.iter():
        if element.tail is not None and not element.tail.strip():
            element.tail = None
        if len(element) and element.text is not None and not element.text.strip():
            element.text = None
    etree.cleanup_namespaces(root, keep_ns_prefixes=["xlink"])


def _name(local: str) -> str:
    return f"{{{INVCATALOG}}}{local}"
