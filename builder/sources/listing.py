"""Reads directory listings: Apache, nginx (HTML and JSON), Hyrax and S3."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode, urljoin, urlsplit, urlunsplit

from lxml import etree, html

from builder.errors import ProtocolError
from builder.sources.strictjson import strict_json
from builder.strictxml import local_name, parse_xml

_DAP = re.compile(
    r"(.*\.[^./]+)\.(ddx|dds|das|info|html|rdf|covjson|iso|ver|ascii|dods|dap|dmr|dmr\.xml|dmr\.html|dds\.html)"
)
"""What Hyrax appends to the name of a dataset for each of its answers."""

_HYRAX_PAGES = frozenset({"contents.html", "catalog.xml", "catalog.html"})
_TITLES = ("index of", "opendap hyrax", "opendap server", "directory listing", "directory of", "contents of")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2})?|\d{2}-[A-Z][a-z]{2}-\d{4} \d{2}:\d{2}(?::\d{2})?")
_BYTES = re.compile(r"\s*(\d{1,15})(?:\s|$)")
_SHAPES = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%d-%b-%Y %H:%M", "%d-%b-%Y %H:%M:%S")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a listing.

    Attributes:
        name: Path relative to where the listing began, percent-decoded.
        href: Address, or a path on this machine for local folders.
        size: Bytes; None where the listing rounds.
        modified: ISO 8601, UTC.
        etag: Entity tag, without quotes.
        opendap: Whether the address also answers OPeNDAP (Hyrax).
    """

    name: str
    href: str
    size: int | None = None
    modified: str | None = None
    etag: str | None = None
    opendap: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a listing, sorted, each file and folder once.

    Attributes:
        base: Address to which the names of files are relative.
        files: The files.
        folders: Addresses of the listings of folders.
        more: Address of the next page, where there is one.
    """

    base: str
    files: tuple[Entry, ...]
    folders: tuple[str, ...] = ()
    more: str | None = None


def read_listing(body: bytes, url: str) -> Listing:
    """Read a listing; only what lies below its own folder is taken, and no links that sort it.

    Args:
        body: The page.
        url: Its address after redirects.

    Raises:
        ProtocolError: The page is no listing.
    """
    head = body[:512].lstrip().lower()
    if head.startswith((b"[", b"{")):
        return _sorted(folder_of(url), *_nginx(strict_json(_escaped(body), url), url))
    if b"<listbucketresult" in head:
        return _bucket(parse_xml(body, where=url), url)
    if b"<html" in body[:2000].lower() and b"</html" not in body[-2000:].lower():
        raise ProtocolError("the page breaks off", where=url)
    return _sorted(folder_of(url), *_page(body, url))


def folder_of(url: str) -> str:
    """Return the address of the folder in which a listing stands."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path[: parts.path.rfind("/") + 1] or "/", "", ""))


def _sorted(base: str, files: list[Entry], folders: list[str]) -> Listing:
    once: dict[str, Entry] = {}
    for entry in files:
        known = once.setdefault(entry.href, entry)
        if known.size is None and entry.size is not None:
            once[entry.href] = entry
    return Listing(base, tuple(sorted(once.values(), key=lambda entry: entry.name)), tuple(sorted(set(folders))))


def decoded(path: str) -> str:
    """Return the name behind a percent-encoded path; servers with old disks say it in Latin-1 and not in UTF-8."""
    name = unquote_to_bytes(path)
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("latin-1")


def _escaped(body: bytes) -> bytes:
    """Return JSON in which bytes that are no UTF-8, which nginx takes from names on its disk, are single surrogates."""
    return body.decode("utf-8", "surrogateescape").encode("utf-8", "backslashreplace")


def _quoted(name: str) -> str | None:
    """Percent-encode a name as it is on the server's disk; None where there can be no such name."""
    try:
        return quote(name, errors="surrogateescape")
    except UnicodeEncodeError:
        return None


def _nginx(content: Any, url: str) -> tuple[list[Entry], list[str]]:
    """Read nginx's ``autoindex_format json``."""
    if not isinstance(content, list):
        raise ProtocolError("the JSON is no directory listing", where=url)
    files, folders = [], []
    for item in content:
        name = item.get("name") if isinstance(item, dict) else None
        quoted = _quoted(name) if isinstance(name, str) and _plain(name) else None
        if quoted is None:
            continue
        href = folder_of(url) + quoted
        if item.get("type") == "directory":
            folders.append(f"{href}/")
        else:
            size, changed = item.get("size"), mail_date(item.get("mtime"))
            files.append(Entry(decoded(quoted), href, size if isinstance(size, int) else None, changed))
    return files, folders


def _plain(name: str) -> bool:
    return bool(name) and not {"", ".", ".."} & set(name.split("/"))


def count_of(text: str | None) -> int | None:
    """Return a number of bytes written in digits; None where it is none."""
    return int(text) if text and re.fullmatch(r"[0-9]{1,15}", text) else None


def mail_date(text: Any) -> str | None:
    """Return an HTTP date (RFC 9110, 5.6.7) as ISO 8601 in UTC; None where it is none."""
    try:
        return _iso(parsedate_to_datetime(text)) if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _bucket(root: etree._Element, url: str) -> Listing:
    """Read S3's ListObjects and ListObjectsV2 (Amazon S3 API, ListBucketResult)."""
    prefix, parts = root.findtext("{*}Prefix") or "", urlsplit(url)
    bucket = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + "/", "", ""))
    objects = [_object(element, prefix, bucket) for element in root.iterfind("{*}Contents")]
    deeper = [element.text or "" for element in root.iterfind("{*}CommonPrefixes/{*}Prefix")]
    folders = [
        f"{bucket}?{urlencode({'list-type': 2, 'delimiter': '/', 'prefix': below})}"
        for below in deeper
        if below.startswith(prefix) and below != prefix
    ]
    page = _sorted(bucket + quote(prefix), [entry for entry in objects if entry is not None], folders)
    return replace(page, more=_next_page(root, url))


def _object(element: etree._Element, prefix: str, bucket: str) -> Entry | None:
    key = element.findtext("{*}Key") or ""
    name = key.removeprefix(prefix).lstrip("/")
    if not key.startswith(prefix) or not _plain(name):
        return None
    said = {local_name(child): (child.text or "").strip() for child in element}
    etag, modified = said.get("ETag", "").strip('"'), said.get("LastModified")
    return Entry(name, bucket + quote(key), count_of(said.get("Size")), modified or None, etag or None)


def _next_page(root: etree._Element, url: str) -> str | None:
    if (root.findtext("{*}IsTruncated") or "").strip() != "true":
        return None
    token, marker = root.findtext("{*}NextContinuationToken"), root.findtext("{*}NextMarker")
    if token:
        return _with_query(url, {"continuation-token": token})
    keys = [key for key in (element.text for element in root.iterfind("{*}Contents/{*}Key")) if key]
    return _with_query(url, {"marker": marker or keys[-1]}) if marker or keys else None


def _with_query(url: str, further: dict[str, str]) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode(dict(parse_qsl(parts.query, keep_blank_values=True)) | further)))


def _page(body: bytes, url: str) -> tuple[list[Entry], list[str]]:
    try:
        page = html.document_fromstring(body)
    except (etree.LxmlError, ValueError) as trouble:
        raise ProtocolError("the page cannot be read", where=url) from trouble
    title = " ".join(f"{page.findtext('.//title') or ''} {page.findtext('.//h1') or ''}".split()).lower()
    folder, links = folder_of(url), list(_links(page, url))
    below = [(link, href) for link, href in links if href.startswith(folder) and href != folder]
    upwards = any(folder.startswith(href) and href != folder for _, href in links)
    if not (below or upwards or title.startswith(_TITLES)):
        raise ProtocolError("the page is no directory listing", where=url)
    hyrax = urlsplit(url).path.endswith("/contents.html") or title.startswith("opendap hyrax")
    return _hyrax(below, folder) if hyrax else _plain_page(below, folder)


def _plain_page(below: list[tuple[etree._Element, str]], folder: str) -> tuple[list[Entry], list[str]]:
    folders = [href for _, href in below if href.endswith("/")]
    files = [_entry(link, href.removeprefix(folder), folder) for link, href in below if not href.endswith("/")]
    return [entry for entry in files if _plain(entry.name)], folders


def _hyrax(below: list[tuple[etree._Element, str]], folder: str) -> tuple[list[Entry], list[str]]:
    own = {folder + name for name in _HYRAX_PAGES}
    ends = ("/", "/contents.html")
    folders = [href for _, href in below if href.endswith(ends) and href not in own]
    files = [
        _hyrax_entry(link, href.removeprefix(folder), folder)
        for link, href in below
        if not href.endswith(ends) and href not in own
    ]
    return [entry for entry in files if _plain(entry.name)], folders


def _links(page: etree._Element, url: str) -> Iterator[tuple[etree._Element, str]]:
    """Yield the links of a page with their addresses; those with a query only sort the listing."""
    for link in page.iter("a"):
        try:
            parts = urlsplit(urljoin(url, (link.get("href") or "").strip()))
        except ValueError:
            continue
        if link.get("href") and not parts.query:
            yield link, urlunsplit(parts._replace(fragment=""))


def _entry(link: etree._Element, rest: str, folder: str) -> Entry:
    """Read the date and, where they are exact, the bytes that stand behind a name in its row or line."""
    row = next(link.iterancestors("tr"), None)
    if row is None:
        said = link.tail or ""
    else:
        said = " ".join(str(text) for text in row.itertext()).replace(link.text or "", " ", 1)
    stamp = _DATE.search(said)
    if stamp is None:
        return Entry(decoded(rest), folder + rest)
    counted = _BYTES.match(said, stamp.end())
    return Entry(decoded(rest), folder + rest, int(counted[1]) if counted else None, _date(stamp[0]))


def _hyrax_entry(link: etree._Element, rest: str, folder: str) -> Entry:
    """Read a link to a dataset; those to the answers about it name the same dataset."""
    answer = _DAP.fullmatch(rest)
    name = answer[1] if answer else rest
    size = None if answer else _content_size(link)
    return Entry(decoded(name), folder + name, size, _hyrax_date(link), opendap=True)


def _hyrax_date(link: etree._Element) -> str | None:
    stamps = (row.find(".//time") for row in link.iterancestors("tr"))
    stamp = next((found for found in stamps if found is not None), None)
    return None if stamp is None else _date(stamp.get("datetime", "").removesuffix("GMT"))


def _content_size(link: etree._Element) -> int | None:
    """Return the bytes that schema.org's ``contentSize`` gives beside a link."""
    cell = link.getparent()
    said = "" if cell is None else str(cell.xpath("string(.//meta[@itemprop='contentSize']/@content)"))
    return count_of(said)


def _date(text: str) -> str | None:
    for shape in _SHAPES:
        try:
            return _iso(datetime.strptime(text.replace("T", " "), shape).replace(tzinfo=UTC))
        except ValueError:
            continue
    return None
