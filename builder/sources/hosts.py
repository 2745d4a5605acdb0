"""Spells hosts in one way, and says where addresses lead and why some are not asked."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urljoin, urlsplit

from builder.errors import FetchError
from builder.sources.redact import redact


def spelled(host: str) -> str:
    """Return a host in lower case, an IP address without brackets in its one way of writing (RFC 5952)."""
    try:
        return ip_address(host.strip("[]")).compressed
    except ValueError:
        return host.lower()


def as_listed(host: str) -> str:
    """Return a host of an allow-list as addresses are compared with it, in which usual ports go without saying."""
    name = host.lower().removeprefix("http://").rstrip("/")
    return f"https://{name.removesuffix(':443')}" if name.endswith(":443") else name.removesuffix(":80")


def joined(base: str, location: str) -> str:
    """Return where a redirect leads."""
    try:
        return urljoin(base, location)
    except ValueError as trouble:
        raise FetchError("redirect to a malformed address", where=redact(base)) from trouble


def not_asked(url: str) -> str:
    """Say what can be done about an address that is not asked."""
    try:
        parts = urlsplit(url)
        host_decides = parts.scheme in {"http", "https"} and parts.username is None
    except ValueError:
        host_decides = False
    if host_decides:
        return "add its host to `fetch_hosts` if it is right"
    return "only http and https are asked, and without user names; tell the data centre"
