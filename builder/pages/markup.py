"""Makes partners' words and addresses harmless: Markdown to clean HTML, addresses by an allow-list of schemes."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import nh3
from markupsafe import Markup, escape

from builder.pages.values import text
from builder.resources import site_folder

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

LIMIT_BYTES = 50_000
"""Longest description that is read as Markdown; the rest is cut off."""
SCHEMES = frozenset({"http", "https", "mailto"})
TAGS = frozenset(
    {"a", "p", "br", "em", "strong", "b", "i", "code", "pre", "blockquote", "ul", "ol", "li", "sub", "sup",
     "h3", "table", "thead", "tbody", "tr", "th", "td", "hr"}
)  # fmt: skip
_CLEANER = nh3.Cleaner(
    tags=set(TAGS), attributes={"a": {"href"}}, url_schemes=set(SCHEMES), link_rel="noopener nofollow"
)
_HEADING = re.compile(r"(</?)h[1-6]\b", re.IGNORECASE)
"""Headings within a description all stand one step below those of the page's sections."""
_MARKED = re.compile(r"[<>&*_`\[\]#|~\\]|https?://|^\s*([-+>]|\d+[.)])\s|^ {4}|^[=-]{3,}", re.MULTILINE)
_HTML = re.compile(r"\s*<(p|div|ul|ol|table|h[1-6]|br)\b", re.IGNORECASE)
_PARAGRAPHS = re.compile(r"\n\s*\n")
_SPACES = re.compile(r"\s+")
_MARKS = re.compile(r"\[([^\]]*)\]\((?:[^()]|\([^()]*\))*\)|[*_`#]+")
"""A link, of which the words stay, and what emphasises."""
_BRACKETED = re.compile(r"</?[A-Za-z!][^<>]{0,2000}>")


def safe_href(value: object) -> str | None:
    """Return an address that may stand in ``href`` or ``src``; None where it may not.

    Allowed are http, https and mailto, and relative references that stay on this site (RFC 3986).
    Blanks and characters that are not allowed in an address are percent-encoded.
    """
    address = text(value)
    return _safe(address) if address else None


@lru_cache(maxsize=1024)
def _safe(address: str) -> str | None:
    if re.search(r"[\\\t\r\n]", address) or not _stays_harmless(address):
        return None
    return quote(address, safe="%/:=&?~#+!$,;'@()*[]")


def _stays_harmless(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if parts.scheme:
        return parts.scheme == "mailto" or (parts.scheme in SCHEMES and bool(parts.netloc))
    return not address.startswith("//") and ":" not in re.split("[/?#]", address, maxsplit=1)[0]


@lru_cache(maxsize=512)
def rich(source: str) -> Markup:
    """Turn a partner's Markdown or HTML description into clean HTML.

    A text that begins with an HTML block is taken for HTML; in all others tags are shown as text.
    Only the tags of the allow-list survive, and links get ``rel="noopener nofollow"``.
    """
    body = source.encode()[:LIMIT_BYTES].decode(errors="ignore")
    if not _MARKED.search(body):
        paragraphs = [f"<p>{escape(part)}</p>" for part in _PARAGRAPHS.split(body) if part.strip()]
        return Markup("".join(paragraphs))  # noqa: S704 - escaped just now
    html = _HEADING.sub(r"\1h3", body if _HTML.match(body) else _markdown().render(body))
    return Markup(_CLEANER.clean(html))  # noqa: S704 - cleaned just now


def plain(source: str, limit: int = 300) -> str:
    """Return a description as one line of text without tags, for summaries and machine-readable data."""
    words = unescape(_BRACKETED.sub(" ", source[: limit * 4]))
    words = _MARKS.sub(r"\1", words)
    words = _SPACES.sub(" ", words).strip()
    return words if len(words) <= limit else words[:limit].rsplit(" ", 1)[0] + "…"


@cache
def icon() -> str:
    """Return the site's icon as an address that needs no request (RFC 2397)."""
    picture = (site_folder() / "static" / "favicon.svg").read_text(encoding="utf-8")
    return f"data:image/svg+xml,{quote(picture.strip(), safe='/:=(),;@')}"


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("js-default", {"html": False, "linkify": False, "maxNesting": 20})
    parser.validateLink = lambda url: safe_href(unescape(url)) is not None  # type: ignore[method-assign]
    parser.disable("image")
    return parser
