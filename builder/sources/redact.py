"""Takes passwords and access tokens out of text that a reader may see."""

from __future__ import annotations

import re

_USERINFO = re.compile(r"\b([a-z][a-z0-9+.-]*://)[^\s/?#@\"'<>]+@", re.IGNORECASE)
_PARAMETER = re.compile(
    r"([?&;](?:access_?token|auth_?token|token|api_?key|password|passwd|pwd|secret|client_secret|sig|signature|"
    r"x-amz-(?:signature|credential|security-token))=)[^&#\s;\"'<>]+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return text with the user part and the secret query parameters of its URLs taken out.

    >>> redact("see https://me:pw@example.org/x.nc?token=abc&page=2")
    'see https://example.org/x.nc?token=REDACTED&page=2'
    """
    if "=" not in text and "@" not in text:
        return text
    return _PARAMETER.sub(r"\1REDACTED", _USERINFO.sub(r"\1", text))


def one_line(text: str, limit: int = 200) -> str:
    """Return a partner's words as one printable line of at most ``limit`` characters."""
    line = redact(" ".join("".join(c if c.isprintable() else " " for c in text[: 20 * limit]).split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
