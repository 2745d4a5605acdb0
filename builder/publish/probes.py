"""Asks a website what readers need of it: byte ranges and leave for pages of other origins (CORS)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from builder.findings import Finding, error, warning

ORIGIN = "https://reader.example"
EXPOSED = ("Content-Range", "ETag", "Accept-Ranges")
"""Content-Length needs no leave (Fetch standard, CORS-safelisted response-header names)."""

TIMEOUT_S = (10, 60)

CORS_HINT = (
    'set on the bucket: [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET", "HEAD"], "AllowedHeaders": ["Range"], '
    '"ExposeHeaders": ["Content-Range", "Content-Length", "ETag", "Accept-Ranges"], "MaxAgeSeconds": 86400}]'
)
RANGE_HINT = "the server or a proxy before it must pass Range on and must not compress data"


def cors(url: str, where: str) -> list[Finding]:
    """Check that a page of another origin may read ranges of an object.

    Args:
        url: Address of an object, signed or public.
        where: What to call it in findings (a signed address is a secret).
    """
    import requests

    try:
        got = requests.get(url, headers={"Origin": ORIGIN, "Range": "bytes=0-3"}, timeout=TIMEOUT_S, stream=True)
        asked = requests.options(
            url,
            headers={
                "Origin": ORIGIN,
                "Access-Control-Request-Method": "GET",
                "Access-Control-Request-Headers": "range",
            },
            timeout=TIMEOUT_S,
        )
    except requests.RequestException as trouble:
        return [warning("verify.unreachable", where, f"cannot be asked for CORS: {type(trouble).__name__}")]
    got.close()
    return [warning("verify.cors", where, lack, CORS_HINT) for lack in _cors_lacks(got.headers, asked)]


def _cors_lacks(got: Mapping[str, str], asked: Any) -> list[str]:
    if got.get("Access-Control-Allow-Origin") not in {"*", ORIGIN}:
        return ["pages of other origins may not read it (no Access-Control-Allow-Origin)"]
    lacks = []
    exposed = _names(got.get("Access-Control-Expose-Headers"))
    hidden = [name for name in EXPOSED if name.lower() not in exposed]
    if hidden and "*" not in exposed:
        lacks.append(f"pages of other origins do not see {', '.join(hidden)} (Access-Control-Expose-Headers)")
    allowed = _names(asked.headers.get("Access-Control-Allow-Headers"))
    if not asked.ok or not allowed & {"range", "*"}:
        lacks.append("pages of other origins may not send Range (Access-Control-Allow-Headers)")
    return lacks


def _names(header: str | None) -> set[str]:
    return {name.strip().lower() for name in (header or "").split(",")}


def ranges(url: str, where: str, size: int) -> list[Finding]:
    """Check that a part of an object can be asked for, and that a part beyond its end is refused.

    Args:
        url: Address of the object.
        where: What to call it in findings.
        size: Its true size in bytes.
    """
    import requests

    said = []
    try:
        for first, expected in ((0, 206), (size + 10, 416)):
            headers = {"Range": f"bytes={first}-{first + 3}", "Accept-Encoding": "identity"}
            with requests.get(url, headers=headers, timeout=TIMEOUT_S, stream=True) as got:
                if got.status_code != expected:
                    said.append(f"bytes {first} to {first + 3} of {size} give {got.status_code}, not {expected}")
                elif expected == 206 and got.headers.get("Content-Range") != f"bytes 0-{min(3, size - 1)}/{size}":
                    said.append(f"Content-Range is {got.headers.get('Content-Range')!r}, the object has {size} bytes")
    except requests.RequestException as trouble:
        said.append(f"cannot be asked for ranges: {type(trouble).__name__}")
    return [error("verify.range", where, text, RANGE_HINT) for text in said]
