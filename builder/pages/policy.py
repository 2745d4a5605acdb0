"""The content security policy of the pages."""

from __future__ import annotations

import re

from builder.pages.markup import safe_href
from builder.pages.reading import Reading

_HOST = re.compile(r"http://[A-Za-z0-9.-]+(:\d+)?")

CONTENT_SECURITY = (
    "default-src 'none'; style-src 'self'; img-src 'self' https: data:; font-src 'self'; script-src 'self'; "
    "connect-src 'self' https:; base-uri 'none'; form-action 'none'; object-src 'none'"
)
"""Nothing runs but the site's own files; JSON-LD is data and needs no leave."""


def policy(found: Reading | None) -> dict[str, str]:
    """Return the policy of a page that reads a file over http, which the usual one does not allow."""
    host = safe_href(found.host) if found and found.host else None
    if not host or not _HOST.fullmatch(host):
        return {}
    return {"csp": CONTENT_SECURITY.replace("connect-src 'self' https:", f"connect-src 'self' https: {host}")}
