"""Resolves the services of a THREDDS catalogue to leaf services and access URLs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote, urljoin, urlsplit

from lxml import etree

from builder.invcatalog.model import Access, Service
from builder.strictxml import local_name

Scope = Mapping[str, tuple[Service, ...]]
"""Service name → the leaf services it stands for."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_NOT_ESCAPED = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SAFE = "%/:?=&;,@!$'()*+~[]"


def is_service(element: etree._Element) -> bool:
    """Tell whether an element is a service."""
    return local_name(element) == "service"


def scope_of(element: etree._Element, base: str, outer: Scope) -> Scope:
    """Return the services that can be named inside an element: those around it and its own.

    Children of a service that is not compound cannot be named (InvCatalog 1.0, service element).
    """
    own = {
        service.get("name", ""): leaves(service, base)
        for child in reversed(element)
        if is_service(child)
        for service in reversed(list(_named(child)))
    }
    return {**outer, **own} if own else outer


def _named(service: etree._Element) -> Iterator[etree._Element]:
    yield service
    if service.get("serviceType", "").lower() == "compound":
        for child in service:
            if is_service(child):
                yield from _named(child)


def leaves(service: etree._Element, base: str) -> tuple[Service, ...]:
    """Flatten a service: compound ones into what they hold, each leaf once.

    Args:
        service: The service element.
        base: Address against which relative bases are resolved.
    """
    found = [
        Service(
            name=leaf.get("name", ""),
            type=leaf.get("serviceType", ""),
            base=join(base, leaf.get("base") or "."),
            suffix=leaf.get("suffix", ""),
        )
        for leaf in _named(service)
        if leaf.get("serviceType", "").lower() != "compound"
    ]
    return tuple({(leaf.kind, leaf.base, leaf.suffix): leaf for leaf in reversed(found)}.values())[::-1]


def join(base: str, reference: str) -> str:
    """Resolve a reference against an address; what cannot be resolved stays as it is."""
    try:
        return urljoin(base, reference.strip())
    except ValueError:
        return reference


def access_of(service: Service, url_path: str, data_format: str | None = None) -> Access | None:
    """Make the access of a dataset through a service, or None where it has no usable address.

    The address is base, path and suffix joined as strings with one slash in between, as THREDDS
    does it; resolving the path as a relative reference would lose the base of Hyrax servers.
    Usable are http and https addresses whose path does not climb out of the service.
    """
    path = url_path.strip()
    if _SCHEME.match(path):
        url = path
    else:
        path = path.replace("#", "%23")
        glue = "" if path.startswith("?") or service.base.endswith(("?", "=", "&")) else "/"
        url = (service.base.rstrip("/") if glue else service.base) + glue + path.lstrip("/" if glue else "")
    url = quote(_NOT_ESCAPED.sub("%25", url + service.suffix), safe=_SAFE)
    return Access(service, url_path, url, data_format) if _usable(url) else None


def _usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    steps = re.split(r"[/\\]", unquote(parts.path))
    return parts.scheme in {"http", "https"} and bool(host) and parts.username is None and ".." not in steps
