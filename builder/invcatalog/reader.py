"""Reads THREDDS inventory catalogues of every version: TDS, Hyrax and RAMADDA."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from lxml import etree

from builder.errors import ProtocolError
from builder.findings import Finding, warning
from builder.invcatalog.model import INVCATALOG, XLINK, Access, Catalog, CatalogRef, InvDataset, Service
from builder.invcatalog.services import Scope, access_of, is_service, join, leaves, scope_of
from builder.strictxml import local_name, parse_xml

_KINDS = {
    "metadata": "a THREDDS metadata document",
    "netcdf": "an NcML document",
    "gridDataset": "a description of a grid by a subset service",
    "html": "an HTML page",
}
_STRUCTURE = frozenset({"dataset", "catalogRef", "service", "access"})
_FURTHER = frozenset({"property", "metadata", "documentation"})
_TRUE = frozenset({"true", "1"})


class NotACatalog(ProtocolError):
    """A document is something else than a catalogue; ``kind`` is its root element, ``html`` or ``empty``."""

    def __init__(self, kind: str, *, where: str) -> None:
        what = "an empty answer" if kind == "empty" else _KINDS.get(kind, f"a document with the root <{kind}>")
        super().__init__(f"{what}, not a THREDDS catalogue", where=where)
        self.kind = kind


def read_catalog(body: bytes, url: str) -> Catalog:
    """Read an inventory catalogue (InvCatalog 0.6 to 1.2, any prefix, also without namespace).

    Only ``metadata inherited="true"`` passes to the datasets inside; in version 0.6 the attribute
    ``serviceName`` does too (InvCatalog 1.0 specification, "metadata element" and "dataset element").

    Args:
        body: The document.
        url: Its address after redirects; the ``base`` of the catalogue goes before it.

    Raises:
        NotACatalog: It is HTML, empty, or has another root.
        ProtocolError: It is not well-formed.
    """
    if not body.strip():
        raise NotACatalog("empty", where=url)
    try:
        root = parse_xml(body, where=url, doctype=True)
    except ProtocolError:
        if b"<html" in body[:1024].lower():
            raise NotACatalog("html", where=url) from None
        raise
    kind = local_name(root)
    if kind != "catalog":
        raise NotACatalog(kind, where=url)
    return _Reader(root, url).read()


class _Inside(NamedTuple):
    """What a dataset takes over from the elements around it."""

    within: str
    scope: Scope
    inherited: tuple[etree._Element, ...] = ()
    service_name: str | None = None
    restricted: bool = False


@dataclass
class _Reader:
    root: etree._Element
    url: str
    datasets: list[InvDataset] = field(default_factory=list)
    containers: list[InvDataset] = field(default_factory=list)
    resolvers: list[InvDataset] = field(default_factory=list)
    refs: list[CatalogRef] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    trouble: Counter[tuple[str, str]] = field(default_factory=Counter)

    def read(self) -> Catalog:
        """Walk the document in its order; the stack holds what is still to be read."""
        self.base = join(self.url, self.root.get("base", ""))
        self.old = etree.QName(self.root).namespace != INVCATALOG
        top = [leaves(child, self.base) for child in self.root if is_service(child)]
        self.only = top[0] if len(top) == 1 else ()
        stack = [(child, _Inside("", scope_of(self.root, self.base, {}))) for child in reversed(self.root)]
        while stack:
            element, around = stack.pop()
            match local_name(element):
                case "dataset":
                    inside = self._dataset(element, around)
                    stack += [(child, inside) for child in reversed(element) if _has_structure(child)]
                case "catalogRef":
                    self._ref(element)
                case name if name and name not in _STRUCTURE | _FURTHER:
                    self.trouble["thredds.unknown-element", f"element <{name}> is not known"] += 1
        return self._result()

    def _result(self) -> Catalog:
        return Catalog(
            url=self.url,
            base=self.base,
            name=self.root.get("name", ""),
            datasets=tuple(self.datasets),
            containers=tuple(self.containers),
            resolvers=tuple(self.resolvers),
            refs=tuple(self.refs),
            aliases=tuple(self.aliases),
            services=self._services(),
            findings=tuple(self._findings()),
        )

    def _services(self) -> tuple[str, ...]:
        names = {
            element.get("name", ""): None
            for element in self.root.iter("{*}service")
            if not any(is_service(child) for child in element) and _known_path(element)
        }
        return tuple(names)

    def _findings(self) -> list[Finding]:
        return [
            warning(code, self.url, message + (f" ({times} times)" if times > 1 else ""), "tell the data centre")
            for (code, message), times in self.trouble.items()
        ]

    def _ref(self, element: etree._Element) -> None:
        href = (element.get(f"{{{XLINK}}}href") or element.get("href") or "").strip()
        if not href:
            self.trouble["thredds.no-href", "catalogue reference without xlink:href"] += 1
        title = element.get(f"{{{XLINK}}}title") or element.get("name") or href
        self.refs.append(CatalogRef(title, join(self.base, href) if href else "", element.get("ID")))

    def _dataset(self, element: etree._Element, around: _Inside) -> _Inside:
        if element.get("alias") is not None:
            self.aliases.append(element.get("alias", ""))
            return around
        own: list[etree._Element] = []
        passed: list[etree._Element] = []
        _sort_metadata(element, own, passed, inherits=False)
        named = element.get("serviceName")
        around = around._replace(
            scope=scope_of(element, self.base, around.scope),
            service_name=(named or around.service_name) if self.old else None,
            restricted=around.restricted or element.get("restrictAccess") is not None,
        )
        said = InvDataset(
            name=" ".join(element.get("name", "").split()),
            id=element.get("ID"),
            within=around.within,
            own=tuple(own),
            inherited=around.inherited,
            url_path=element.get("urlPath", "").strip(),
            restricted=around.restricted,
            harvest=element.get("harvest", "").lower() in _TRUE,
        )
        self._file(said, element, around, named or _service_name(said) or around.service_name)
        within = f"{around.within}/{said.name}" if around.within else said.name
        return around._replace(within=within, inherited=(*around.inherited, *passed) if passed else around.inherited)

    def _file(self, said: InvDataset, element: etree._Element, around: _Inside, service: str | None) -> None:
        """Put a dataset where it belongs: accessible, leading to the latest, or a container."""
        elements = [child for child in element if local_name(child) == "access"]
        asked: list[tuple[str | None, str, str, str | None]] = []
        if element.get("urlPath") is not None:
            asked.append((service, said.url_path, "", None))
        asked += [
            (child.get("serviceName"), child.get("urlPath", ""), child.get("serviceType", ""), child.get("dataFormat"))
            for child in elements
        ]
        if not asked:
            self.containers.append(said)
            return
        found, undefined = self._resolve(asked, around.scope)
        if found and all(service.kind == "resolver" for service, _, _ in found):
            self.resolvers.append(replace(said, access=self._access(found)))
            return
        found = [entry for entry in found if entry[0].kind != "resolver"]
        access = self._access(found)
        paths = (said.url_path, *(entry.url_path for entry in access), *(path for _, path, _ in found))
        path = next((path.strip() for path in paths if path.strip()), "")
        self.datasets.append(replace(said, access=access, url_path=path, undefined=undefined))

    def _resolve(
        self, asked: list[tuple[str | None, str, str, str | None]], scope: Scope
    ) -> tuple[list[tuple[Service, str, str | None]], bool]:
        """Return the leaf services of each access, and whether none was defined."""
        found: list[tuple[Service, str, str | None]] = []
        defined = False
        for name, path, kind, data_format in asked:
            services = scope.get(name) if name else None
            defined = defined or services is not None
            if services is None and kind and not name:
                services = (Service(kind, kind, self.base),) if "://" in path else None
            if services is None:
                services = self._fallback(name)
            found += [(service, path, data_format) for service in services]
        return found, not defined

    def _fallback(self, name: str | None) -> tuple[Service, ...]:
        if name:
            self.trouble["thredds.undefined-service", f"datasets name the service {name!r}, which is not defined"] += 1
            return ()
        if self.only:
            self.trouble["thredds.no-service", "datasets name no service; the only one of the catalogue is used"] += 1
        else:
            self.trouble["thredds.no-service", "datasets name no service, so they have no address"] += 1
        return self.only

    def _access(self, found: list[tuple[Service, str, str | None]]) -> tuple[Access, ...]:
        made: dict[tuple[str, str], Access] = {}
        for service, path, data_format in found:
            access = access_of(service, path, data_format)
            if access is None:
                what = f"an address through the {service.type} service {service.name!r} cannot be used"
                self.trouble["thredds.unusable-address", what] += 1
            else:
                made.setdefault((service.kind, access.url), access)
        return tuple(made.values())


def _has_structure(element: etree._Element) -> bool:
    return local_name(element) in {"dataset", "catalogRef"}


def _known_path(element: etree._Element) -> bool:
    return all(local_name(outer) in {"catalog", "dataset", "service"} for outer in element.iterancestors())


def _sort_metadata(
    element: etree._Element, own: list[etree._Element], passed: list[etree._Element], *, inherits: bool
) -> None:
    """Collect what applies to a dataset itself, and what of it passes to those inside.

    ``metadata`` may stand in ``metadata``; one that is a link or holds a foreign format stays whole.
    """
    for child in element:
        name = local_name(child)
        if name in _STRUCTURE or not name:
            continue
        if name == "metadata" and not _is_foreign(child):
            _sort_metadata(child, own, passed, inherits=inherits or child.get("inherited", "").lower() in _TRUE)
            continue
        own.append(child)
        if inherits or (name == "metadata" and child.get("inherited", "").lower() in _TRUE):
            passed.append(child)


def _is_foreign(metadata: etree._Element) -> bool:
    if metadata.get(f"{{{XLINK}}}href") is not None:
        return True
    home = etree.QName(metadata).namespace
    return any(local_name(child) and etree.QName(child).namespace != home for child in metadata)


def _service_name(said: InvDataset) -> str | None:
    element = next(said.find("serviceName"), None)
    return (element.text or "").strip() or None if element is not None else None
