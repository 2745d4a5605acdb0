"""What a THREDDS inventory catalogue says, with inheritance applied and services resolved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from lxml import etree

from builder.findings import Finding
from builder.strictxml import local_name

INVCATALOG = "http://www.unidata.ucar.edu/namespaces/thredds/InvCatalog/v1.0"
XLINK = "http://www.w3.org/1999/xlink"

MANY = frozenset(
    {
        "access", "contributor", "creator", "date", "documentation", "keyword", "metadata", "project", "property",
        "publisher", "variables",
    }
)  # fmt: skip
"""Metadata elements that a dataset may have several of; of the others its own replaces the inherited one."""


class Service(NamedTuple):
    """A leaf service.

    Attributes:
        name: Its name in the catalogue.
        type: Service type as written.
        base: Absolute URL.
        suffix: What is appended to every address.
        kind: Service type in lower case.
        prefix: What stands before a path, percent-encoded; empty where no browser can open it.
    """

    name: str
    type: str
    base: str
    suffix: str = ""
    kind: str = ""
    prefix: str = ""


class Access(NamedTuple):
    """One way to reach a dataset: the service, the path as written, and the whole URL."""

    service: Service
    url_path: str
    url: str
    data_format: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class InvDataset:
    """A dataset element that can be accessed, or a container of others.

    Attributes:
        name: Title as written.
        id: The ``ID`` attribute; not unique and not stable in practice.
        within: Names of the containers around it, joined by ``/``.
        access: Ways to reach it, those with an http or https URL; may be empty.
        own: Metadata elements of its own, in document order.
        inherited: Metadata elements that come from the containers, outermost first.
        url_path: The ``urlPath`` attribute, or that of its first access.
        restricted: The server asks for a login (``restrictAccess``).
        harvest: It is meant as an entry of a discovery catalogue.
        undefined: By the letter of the specification it has no service.
    """

    name: str
    id: str | None
    within: str
    access: tuple[Access, ...] = ()
    own: tuple[etree._Element, ...] = ()
    inherited: tuple[etree._Element, ...] = ()
    url_path: str = ""
    restricted: bool = False
    harvest: bool = False
    undefined: bool = False

    @property
    def urls(self) -> tuple[str, ...]:
        """Every address, sorted: what tells two datasets apart."""
        return tuple(sorted(access.url for access in self.access))

    @property
    def opendap(self) -> bool:
        """Whether a service of type OPENDAP, in any letter case, was resolved for it."""
        return not self.undefined and any(access.service.kind == "opendap" for access in self.access)

    def metadata(self) -> tuple[etree._Element, ...]:
        """Return the metadata that applies to it: its own before the inherited, where the nearest single value wins."""
        own = {local_name(element) for element in self.own}
        nearest = {local_name(element): element for element in self.inherited}
        return self.own + tuple(
            element
            for element in self.inherited
            if (name := local_name(element)) in MANY or (name not in own and nearest[name] is element)
        )

    def find(self, name: str) -> Iterator[etree._Element]:
        """Yield the metadata elements of a local name."""
        return (element for element in self.metadata() if local_name(element) == name)


@dataclass(frozen=True, slots=True)
class CatalogRef:
    """A reference to another catalogue: its title, absolute URL and ``ID``."""

    title: str
    url: str
    id: str | None = None


@dataclass(frozen=True, eq=False)
class Catalog:
    """One inventory catalogue.

    Attributes:
        url: Address it was read from, after redirects.
        base: Address against which its links are resolved.
        name: Its own name.
        datasets: Accessible datasets, in document order.
        containers: Datasets that only hold others.
        resolvers: Datasets that only lead to the latest one (``Resolver`` services).
        refs: References to other catalogues.
        aliases: Identifiers that an alias points to; aliases are no datasets.
        services: Leaf services anywhere in the document, each name once.
        findings: What contradicts the specification.
    """

    url: str
    base: str
    name: str = ""
    datasets: tuple[InvDataset, ...] = ()
    containers: tuple[InvDataset, ...] = ()
    resolvers: tuple[InvDataset, ...] = ()
    refs: tuple[CatalogRef, ...] = ()
    aliases: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = field(default=())

    @cached_property
    def counts(self) -> dict[str, int]:
        """Figures by which two readings of a catalogue are compared."""
        ids = [dataset.id for dataset in self.datasets if dataset.id]
        return {
            "datasets": len(self.datasets),
            "opendap": sum(dataset.opendap for dataset in self.datasets),
            "latest": len(self.resolvers),
            "refs": len(self.refs),
            "containers": len(self.containers),
            "alias": len(self.aliases),
            "undefined_service": sum(dataset.undefined for dataset in self.datasets),
            "dup_ids": len(ids) - len(set(ids)),
            "services": len(self.services),
        }
