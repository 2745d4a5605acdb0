"""Resolves the services of a THREDDS catalogue to leaf services and access URLs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote, unquote, urljoin, urlsplit

from lxml import etree

from builder.invcatalog.model import Access, Service
from builder.strictxml import local_name

Scope = Mapping[str, tuple[Service, ...]]
"""Service name → the leaf services it stands for."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SIMPLE = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9._/=+~-]*")
_PLAIN = re.compile(r"[A-Za-z0-9._/=+,~-]+")
_NOT_ESCAPED = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SAFE = "%/:?=&;,@!$'()*+~[]"


class Services:
    """The services of one catalogue.

    Args:
        base: Address against which relative bases are resolved.

    Attributes:
        names: Name of every leaf in the document, each once.
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self.names: dict[str, None] = {}

    def scope(self, element: etree._Element, outer: Scope) -> Scope:
        """Return the services that can be named inside an element: those around it and its own.

        Children of a service that is not compound cannot be named (InvCatalog 1.0, service element).
        """
        own: dict[str, tuple[Service, ...]] = {}
        for child in element:
            if local_name(child) == "service":
                self._flatten(child, own)
        return {**outer, **own} if own else outer

    def only(self, root: etree._Element, scope: Scope) -> tuple[Service, ...]:
        """Return the leaves of the one service of a catalogue; nothing where it has several."""
        top = [child.get("name", "") for child in root if local_name(child) == "service"]
        return scope[top[0]] if len(top) == 1 else ()

    def _flatten(self, service: etree._Element, found: dict[str, tuple[Service, ...]]) -> tuple[Service, ...]:
        """Enter a service and those in it by name; return the leaves it stands for, each once."""
        name, kind = service.get("name", ""), service.get("serviceType", "")
        children = [child for child in service if local_name(child) == "service"]
        if not children:
            self.names[name] = None
        if kind.lower() == "compound":
            below = [leaf for child in children for leaf in self._flatten(child, found)]
            leaves = tuple({(leaf.kind, leaf.base, leaf.suffix): leaf for leaf in reversed(below)}.values())[::-1]
        else:
            for child in children:
                self._flatten(child, {})
            leaves = (service_of(name, kind, self.base, service),)
        found.setdefault(name, leaves)
        return leaves


def service_of(name: str, kind: str, base: str, element: Mapping[str, str] | etree._Element) -> Service:
    """Make a leaf service, its base resolved and tried for whether a browser can open it."""
    home = join(base, element.get("base") or ".")
    return Service(name, kind, home, element.get("suffix") or "", kind.lower(), _prefix(home))


@lru_cache(maxsize=1024)
def _prefix(home: str) -> str:
    prefix = escaped(home if home.endswith(("/", "?", "=", "&")) else f"{home}/")
    return prefix if is_usable(prefix) else ""


def join(base: str, reference: str) -> str:
    """Resolve a reference against an address (RFC 3986, 5.2); what cannot be resolved stays as it is."""
    reference = reference.strip()
    try:
        origin, folder = _places(base)
        if origin and _SIMPLE.fullmatch(reference) and "/." not in reference and "//" not in reference:
            return (origin if reference.startswith("/") else folder) + reference
        return urljoin(base, reference)
    except ValueError:
        return reference


@lru_cache(maxsize=1024)
def _places(base: str) -> tuple[str, str]:
    """Return the origin of an http address and its folder; for these, simple references are just appended."""
    parts = urlsplit(base)
    if parts.scheme not in {"http", "https"} or not parts.netloc or "/." in parts.path:
        return "", ""
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin, f"{origin}{parts.path.rpartition('/')[0]}/"


def access_of(service: Service, url_path: str, data_format: str | None = None) -> Access | None:
    """Make the access of a dataset through a service, or None where it has no usable address.

    The address is base, path and suffix joined as strings with one slash in between, as THREDDS
    does it; resolving the path as a relative reference would lose the base of Hyrax servers.
    Usable are http and https addresses whose path does not climb out of the service.
    """
    path = url_path.strip()
    if service.prefix and _PLAIN.fullmatch(path) and ".." not in path and not service.prefix.endswith(("?", "=", "&")):
        return Access(service, url_path, service.prefix + path.lstrip("/") + service.suffix, data_format)
    if _SCHEME.match(path):
        url = path
    else:
        path = path.replace("#", "%23")
        glue = "" if path.startswith("?") or service.base.endswith(("?", "=", "&")) else "/"
        url = (service.base.rstrip("/") if glue else service.base) + glue + path.lstrip("/" if glue else "")
    url = escaped(url + service.suffix)
    return Access(service, url_path, url, data_format) if is_usable(url) else None


def escaped(url: str) -> str:
    """Percent-encode what an address may not hold; what is encoded already stays."""
    return quote(_NOT_ESCAPED.sub("%25", url), safe=_SAFE)


def is_usable(url: str) -> bool:
    """Tell whether an address can be opened: http or https, a host, no password, no climbing path."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    steps = re.split(r"[/\\]", unquote(parts.path))
    return parts.scheme in {"http", "https"} and bool(host) and parts.username is None and ".." not in steps
