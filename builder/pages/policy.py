"""The content security policy of the pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from builder.pages.values import Json

_HOST = re.compile(r"http://[A-Za-z0-9.-]+(:\d+)?")
_DRAWING = re.compile(r"https?://[A-Za-z0-9.-]+(:\d+)?")
_FILES, _PICTURES = "connect-src 'self' https:", "img-src 'self' data:"

CONTENT_SECURITY = (
    f"default-src 'none'; style-src 'self'; {_PICTURES}; font-src 'self'; script-src 'self'; "
    f"{_FILES}; base-uri 'none'; form-action 'none'; object-src 'none'"
)
"""Nothing runs but the site's own files; JSON-LD is data and needs no leave."""

ASKING = CONTENT_SECURITY.replace("form-action 'none'", "form-action 'self'")
"""The policy of a page with a form that leads to the search page."""


def policy(*hosts: str | None, services: Sequence[Json] = ()) -> dict[str, str]:
    """Return the policy of a page, where the usual one does not do; other hosts than these it may not ask.

    Args:
        hosts: Whose files it reads over http.
        services: Map services that may draw on its map.
    """
    csp = CONTENT_SECURITY
    plain = [host for host in hosts if host and _HOST.fullmatch(host)]
    if plain:
        csp = csp.replace(_FILES, " ".join([_FILES, *plain]))
    origins = ("{0.scheme}://{0.netloc}".format(urlsplit(one["href"])) for one in services)
    drawing = sorted({origin for origin in origins if _DRAWING.fullmatch(origin)})
    if drawing:
        csp = csp.replace(_PICTURES, " ".join([_PICTURES, *drawing]))
    return {} if csp == CONTENT_SECURITY else {"csp": csp}


def plain_origin(address: str | None) -> str | None:
    """Return scheme and host of an address on http; None for any other.

    >>> plain_origin("http://data.example.org:8080/thredds/catalog.xml")
    'http://data.example.org:8080'
    """
    return "/".join(address.split("/")[:3]) if address and address.startswith("http://") else None
