"""Reads THREDDS inventory catalogues of every version: TDS, Hyrax and RAMADDA."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from lxml import etree

from builder.errors import ProtocolError
from builder.findings import Finding, warning
from builder.invcatalog.model import INVCATALOG, XLINK, Access, Catalog, CatalogRef, InvDataset, Service
from builder.invcatalog.services import Scope, Services, access_of, join, service_of
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
    """What a dataset takes over from the elements around it; ``service`` is the name of one."""

    within: str
    scope: Scope
    inherited: tuple[etree._Element, ...] = ()
    service: str | None = None
    restricted: bool = False


class _Asked(NamedTuple):
    """An access as written: name and type of the service, path, format."""

    name: str | None
    path: str
    type: str = ""
    data_format: str | None = None


class _Parts:
    """The children of a dataset, sorted: its metadata, what passes to those inside, and its structure."""

    def __init__(self, element: etree._Element) -> None:
        self.own: list[etree._Element] = []
        self.passed: list[etree._Element] = []
        self.inner: list[etree._Element] = []
        self.access: list[_Asked] = []
        self.has_services = False
        self.service: str | None = None
        self.passed_service: str | None = None
        for child in element:
            match local_name(child):
                case "dataset" | "catalogRef":
                    self.inner.append(child)
                case "access":
                    path, kind = child.get("urlPath", ""), child.get("serviceType", "")
                    self.access.append(_Asked(child.get("serviceName"), path, kind, child.get("dataFormat")))
                case "service":
                    self.has_services = True
                case name if name:
                    self._metadata(child, name, inherits=False)

    def _metadata(self, element: etree._Element, name: str, *, inherits: bool) -> None:
        """Collect metadata; ``metadata`` may stand in itself, and one that is a link or foreign stays whole."""
        if name == "metadata":
            inherits = inherits or element.get("inherited", "").lower() in _TRUE
            if not _is_foreign(element):
                for child in element:
                    inner = local_name(child)
                    if inner and inner not in _STRUCTURE:
                        self._metadata(child, inner, inherits=inherits)
                return
        self.own.append(element)
        if inherits:
            self.passed.append(element)
        if name == "serviceName":
            self._name_service((element.text or "").strip() or None, inherits=inherits)

    def _name_service(self, name: str | None, *, inherits: bool) -> None:
        self.service = self.service or name
        if inherits:
            self.passed_service = self.passed_service or name


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
        self.services = Services(self.base)
        scope = self.services.scope(self.root, {})
        self.only = self.services.only(self.root, scope)
        stack = [(child, _Inside("", scope)) for child in reversed(self.root)]
        while stack:
            element, around = stack.pop()
            match local_name(element):
                case "dataset":
                    inner, inside = self._dataset(element, around)
                    stack += [(child, inside) for child in reversed(inner)]
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
            services=tuple(self.services.names),
            findings=tuple(self._findings()),
        )

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

    def _dataset(self, element: etree._Element, around: _Inside) -> tuple[list[etree._Element], _Inside]:
        """Read a dataset; return the elements in it that are to be read, and what they take over."""
        if element.get("alias") is not None:
            self.aliases.append(element.get("alias", ""))
            return [], around
        parts = _Parts(element)
        scope = self.services.scope(element, around.scope) if parts.has_services else around.scope
        named, path = element.get("serviceName"), element.get("urlPath")
        if path is not None:
            parts.access.insert(0, _Asked(named or parts.service or around.service, path.strip()))
        restricted = around.restricted or element.get("restrictAccess") is not None
        said = self._file(element, parts, around._replace(scope=scope, restricted=restricted))
        if not parts.inner:
            return [], around
        return parts.inner, _Inside(
            within=f"{around.within}/{said.name}" if around.within else said.name,
            scope=scope,
            inherited=(*around.inherited, *parts.passed),
            service=(named if self.old else None) or parts.passed_service or around.service,
            restricted=restricted,
        )

    def _file(self, element: etree._Element, parts: _Parts, around: _Inside) -> InvDataset:
        """Put a dataset where it belongs: accessible, leading to the latest, or a container."""
        found, undefined = self._resolve(parts.access, around.scope)
        useful = [entry for entry in found if entry[0].kind != "resolver"]
        leads_on = bool(found) and not useful
        access = self._access(found if leads_on else useful)
        said = InvDataset(
            name=" ".join(element.get("name", "").split()),
            id=element.get("ID"),
            within=around.within,
            access=access,
            own=tuple(parts.own),
            inherited=around.inherited,
            url_path=element.get("urlPath", "").strip() or _first_path(access, parts.access),
            restricted=around.restricted,
            harvest=element.get("harvest", "").lower() in _TRUE,
            undefined=undefined and not leads_on,
        )
        (self.resolvers if leads_on else self.datasets if parts.access else self.containers).append(said)
        return said

    def _resolve(self, asked: list[_Asked], scope: Scope) -> tuple[list[tuple[Service, _Asked]], bool]:
        """Return the leaf services of each access, and whether none was defined although some were asked for."""
        found: list[tuple[Service, _Asked]] = []
        defined = not asked
        for one in asked:
            services = scope.get(one.name) if one.name else None
            defined = defined or services is not None
            if services is None and one.type and not one.name:
                services = (service_of(one.type, one.type, self.base, {}),) if "://" in one.path else None
            if services is None:
                services = self._fallback(one.name)
            found += [(service, one) for service in services]
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

    def _access(self, found: list[tuple[Service, _Asked]]) -> tuple[Access, ...]:
        made: dict[tuple[str, str], Access] = {}
        for service, asked in found:
            access = access_of(service, asked.path, asked.data_format)
            if access is None:
                what = f"an address through the {service.type} service {service.name!r} cannot be used"
                self.trouble["thredds.unusable-address", what] += 1
            else:
                made.setdefault((service.kind, access.url), access)
        return tuple(made.values())


def _first_path(access: tuple[Access, ...], asked: list[_Asked]) -> str:
    paths = (*(entry.url_path for entry in access), *(one.path for one in asked))
    return next((path.strip() for path in paths if path.strip()), "")


def _is_foreign(metadata: etree._Element) -> bool:
    if metadata.get(f"{{{XLINK}}}href") is not None:
        return True
    home = etree.QName(metadata).namespace
    return any(local_name(child) and etree.QName(child).namespace != home for child in metadata)
