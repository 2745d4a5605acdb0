"""The content security policy of the pages."""

from __future__ import annotations

import re

_HOST = re.compile(r"http://[A-Za-z0-9.-]+(:\d+)?")

CONTENT_SECURITY = (
    "default-src 'none'; style-src 'self'; img-src 'self' https: data:; font-src 'self'; script-src 'self'; "
    "connect-src 'self' https:; base-uri 'none'; form-action 'none'; object-src 'none'"
)
"""Nothing runs but the site's own files; JSON-LD is data and needs no leave."""


def policy(*hosts: str | None) -> dict[str, str]:
    """Return the policy of a page that reads files of these hosts over http, which the usual one does not allow."""
    plain = [host for host in hosts if host and _HOST.fullmatch(host)]
    if not plain:
        return {}
    allowed = "connect-src 'self' https:"
    return {"csp": CONTENT_SECURITY.replace(allowed, " ".join([allowed, *plain]))}


def plain_origin(address: str | None) -> str | None:
    """Return scheme and host of an address on http; None for any other.

    >>> plain_origin("http://data.example.org:8080/thredds/catalog.xml")
    'http://data.example.org:8080'
    """
    return "/".join(address.split("/")[:3]) if address and address.startswith("http://") else None
