"""Asks a website what readers need of it: byte ranges and leave for pages of other origins (CORS)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from builder.findings import Finding, error, warning
from builder.manifest import Published
from builder.media import RUN_BY_BROWSERS, media_type

ORIGIN = "https://reader.example"
EXPOSED = ("Content-Range", "ETag", "Accept-Ranges")
"""Content-Length needs no leave (Fetch standard, CORS-safelisted response-header names)."""

SHOWN = ("text/html", "text/css", "text/javascript", "image/svg+xml")
"""What a browser shows or runs only under its own media type."""

SCRIPTS = frozenset({"text/javascript", "application/javascript", "application/x-javascript"})
"""What servers call scripts; browsers run all of these (WHATWG, MIME Sniffing, 4.6)."""

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
    """Check that a part of an object can be asked for, packed or not, and that a part beyond its end is refused.

    Args:
        url: Address of the object.
        where: What to call it in findings.
        size: Its true size in bytes.
    """
    import requests

    said: list[str] = []
    try:
        for first, expected, accepted in ((0, 206, "identity"), (size + 10, 416, "identity"), (0, 206, "gzip")):
            if said:
                break
            headers = {"Range": f"bytes={first}-{first + 3}", "Accept-Encoding": accepted}
            with requests.get(url, headers=headers, timeout=TIMEOUT_S, stream=True) as got:
                how = f" where {accepted} is accepted" if accepted != "identity" else ""
                if got.status_code != expected:
                    said.append(f"bytes {first} to {first + 3} of {size} give {got.status_code}, not {expected}{how}")
                elif expected == 206 and got.headers.get("Content-Range") != f"bytes 0-{min(3, size - 1)}/{size}":
                    said.append(f"Content-Range is {got.headers.get('Content-Range')!r}, the object has {size} bytes")
    except requests.RequestException as trouble:
        said.append(f"cannot be asked for ranges: {type(trouble).__name__}")
    return [error("verify.range", where, text, RANGE_HINT) for text in said]


def types(address: Callable[[str], str | None], manifest: Mapping[str, Published]) -> list[Finding]:
    """Check that browsers are told what pages, style sheets and scripts are, and not to run what partners sent.

    One object of each kind is asked for.

    Args:
        address: Gives the address of an object.
        manifest: Path → object.
    """
    return [finding for path, wanted in _typical(manifest) for finding in _type(address(path) or "", path, wanted)]


def _typical(manifest: Mapping[str, Published]) -> Iterator[tuple[str, str]]:
    """Yield one path of each kind that matters, with its media type."""
    met: set[tuple[str, ...]] = set()
    for path, entry in sorted(manifest.items()):
        wanted, by_name = (kind.partition(";")[0] for kind in (entry.media_type, media_type(path)))
        kind = wanted, by_name
        if kind not in met and (wanted in SHOWN or (wanted == "text/plain" and by_name in RUN_BY_BROWSERS)):
            met.add(kind)
            yield path, wanted


def _type(url: str, path: str, wanted: str) -> Iterator[Finding]:
    import requests

    try:
        with requests.get(url, timeout=TIMEOUT_S, stream=True) as got:
            told = got.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            ok = got.ok
    except requests.RequestException:
        return  # told of where its bytes are read
    same = told == wanted or {told, wanted} <= SCRIPTS
    if ok and wanted in SHOWN and not same:
        text = f"is sent as {told or 'nothing'}, not as {wanted}: browsers do not show or run it"
        yield error("verify.type", path, text, "have the server send the media types of the manifest, as by suffix")
    elif ok and wanted not in SHOWN and told in RUN_BY_BROWSERS | SCRIPTS:
        text = f"is sent as {told}, not as {wanted}: a browser would run what a partner wrote"
        yield warning("verify.type", path, text, "have the server send all below `data/` as text/plain")
