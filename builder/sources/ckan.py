"""Harvests a CKAN portal through its action API, and splits recorded CKAN answers into packages."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
from ckanapi import RemoteCKAN
from ckanapi.errors import CKANAPIError, ServerIncompatibleError

from builder.errors import ProtocolError
from builder.findings import Finding, Severity, error, note, warning
from builder.sources.ahead import next_ahead
from builder.sources.ckanremote import CkanError, Session, refusal, unwrap
from builder.sources.protocol import Ask, Record, Refused, refused
from builder.sources.redact import one_line, redact
from builder.sources.strictjson import strict_json

if TYPE_CHECKING:
    from builder.definitions.model import CkanSource
    from builder.sources.http import HttpGate

MAX_PACKAGES = 1_000_000
_ONE_STATUS = frozenset({403, 404, 500})
_ABSENT = frozenset({403, 404})
"""A deleted package answers 403, as a private one does."""

OVERLAP = timedelta(hours=1)
"""How far before the start of the last pass the next one begins (as ckanext-harvest does)."""
AT_ONCE = 50
"""Packages asked for by id in one request."""


class CkanAdapter:
    """A CKAN source: the packages of one organisation, one search, or all.

    Attributes:
        complete: As many packages were seen and could be taken as the portal counts.
        counts: ``count`` as the portal says, ``packages`` met, ``pages``, ``deleted``.
        bookmark: From when the next pass may ask for modified packages only.
        total: How many packages the selection holds, after a pass over the modified ones: deletions
            leave no other trace.
    """

    def __init__(self, source: CkanSource, gate: HttpGate) -> None:
        self.complete = False
        self.counts: dict[str, int] = {}
        self.bookmark: str | None = None
        self.total: int | None = None
        self._source = source
        self._site = source.url.rstrip("/")
        self._session = Session(gate)
        self._remote = RemoteCKAN(self._site, get_only=True, session=self._session)
        self._remote.base_url = "api/3/action/"
        self._met: set[str] = set()
        self._whole = True
        self._one_by_one = False

    def scan(self, ask: Ask | None = None) -> Iterator[Record | Finding]:
        """Yield every package once, and a finding for each that had to be left out.

        Where the portal's search is down and no search was asked for, packages are read one by one.

        Raises:
            SourceError: The portal does not answer as CKAN does, or its paging does not move on.
        """
        ask = ask or Ask()
        self.complete, self._whole = False, True
        self.bookmark = self.total = None
        self.counts = dict.fromkeys(("packages", "pages", "deleted"), 0)
        self._met.clear()
        after = (ask.began - OVERLAP).strftime("%Y-%m-%dT%H:%M:%SZ") if ask.began else None
        since = None if after and after < (ask.since or "") else ask.since  # a later one comes from a wrong clock
        try:
            yield from self._searched(f"metadata_modified:[{since} TO *]" if since else "")
            self.total = self._search("", rows=0)[0] if since else None
            self.bookmark = after
        except CkanError as trouble:
            if not trouble.search_down or self.counts["pages"] or self._source.query or self._source.filter:
                raise
            yield warning("ckan.search-down", trouble.where, trouble.message, "packages are read one by one instead")
            self._one_by_one = True
            yield from self._shown()
        self.complete = self._whole

    def named(self, identifiers: Sequence[str]) -> Iterator[Record | Finding]:
        """Yield those of the named packages that are there and in the selection."""
        if self._one_by_one:
            for identifier in identifiers:
                yield from self._show(identifier, maybe=True)
            return
        for first in range(0, len(identifiers), AT_ONCE):
            quoted = (_quoted(identifier) for identifier in identifiers[first : first + AT_ONCE])
            for package in self._search(f"id:({' OR '.join(quoted)})", rows=AT_ONCE)[1]:
                yield from records_of(package, self._site)

    def _searched(self, further: str) -> Iterator[Record | Finding]:
        """Read all pages; once more where the portal changed meanwhile, as pages shift then."""
        seen = yield from self._pass(further)
        if len(seen.counts) > 1:
            yield note("ckan.moved", self._site, "packages came or went while the list was read", "read once more")
            seen = yield from self._pass(further)
        self.counts["count"] = seen.last
        if seen.counts != {len(seen.ids)}:
            self._whole = False
            message = f"the portal counts {seen.last} packages but lists {len(seen.ids)}"
            yield warning("ckan.count", self._site, message, "nothing is taken for withdrawn in this harvest")

    def _pass(self, further: str) -> Generator[Record | Finding, None, _Pass]:
        seen = _Pass()
        for results in next_ahead(self._pages(further, seen)):
            for package in results:
                yield from self._take(package)
        return seen

    def _pages(self, further: str, seen: _Pass) -> Iterator[list[Any]]:
        start = 0
        while start < MAX_PACKAGES:
            count, results = self._search(further, start)
            self.counts["pages"] += 1
            fresh = seen.add(count, results)
            if results and not fresh:
                raise ProtocolError(
                    f"the same page came again at start={start}", where=self._site, hint="the portal's paging is broken"
                )
            yield results
            start += len(results)
            if not results or len(seen.ids) >= count:
                return
        raise ProtocolError(f"more than {MAX_PACKAGES} packages", where=self._site)

    def _search(self, further: str, start: int = 0, rows: int | None = None) -> tuple[int, list[Any]]:
        """Ask for one page of the selection, narrowed down by a ``further`` filter query."""
        params = {
            "q": self._source.query,
            "fq": self._filter(further),
            "sort": "id asc",
            "rows": str(self._source.page_size if rows is None else rows),
            "start": str(start),
        }
        result = self._call("package_search", {key: value for key, value in params.items() if value})
        count = result.get("count") if isinstance(result, dict) else None
        results = result.get("results") if isinstance(result, dict) else None
        if not isinstance(count, int) or not isinstance(results, list):
            raise ProtocolError("package_search without `count` and `results`", where=self._site)
        return count, results

    def _filter(self, further: str) -> str:
        """Join the filters of the definition with a further one."""
        organization = f'organization:"{self._source.organization}"' if self._source.organization else ""
        given = self._source.filter or ""
        several = f"({given})" if given and (organization or further) else given
        parts = [part for part in (organization, several, further) if part]
        return " ".join(f"+{part}" for part in parts) if len(parts) > 1 else "".join(parts)

    def _shown(self) -> Iterator[Record | Finding]:
        names = self._call("package_list", {})
        if not isinstance(names, list):
            raise ProtocolError("package_list is not a list", where=self._site)
        self.counts["count"] = len(names)
        for name in dict.fromkeys(str(name) for name in names):
            yield from self._show(name, maybe=False)

    def _show(self, name: str, *, maybe: bool) -> Iterator[Record | Finding]:
        """Ask for one package; that it is not there says nothing where it only may be."""
        try:
            package = self._call("package_show", {"id": name})
        except CkanError as trouble:
            if trouble.status not in _ONE_STATUS:
                raise
            if not (maybe and trouble.status in _ABSENT):
                self._whole = False
                yield error("ckan.package-refused", one_line(name), trouble.message, "left out; tell the portal")
            return
        if self._chosen(package):
            yield from self._take(package)

    def _chosen(self, package: Any) -> bool:
        owner = package.get("organization") if isinstance(package, dict) else None
        name = owner.get("name") if isinstance(owner, dict) else None
        return self._source.organization is None or name == self._source.organization

    def _take(self, package: Any) -> Iterator[Record | Finding]:
        identifier = identity_of(package)
        if identifier in self._met:
            return
        if identifier:
            self._met.add(identifier)
            self.counts["packages"] += 1
        for got in records_of(package, self._site):
            if isinstance(got, Record):
                self.counts["deleted"] += got.deleted
            elif got.severity is Severity.ERROR and not isinstance(got, Refused):
                self._whole = False
            yield got

    def _call(self, action: str, params: Mapping[str, str]) -> Any:
        try:
            return self._remote.call_action(action, params)
        except (CKANAPIError, ServerIncompatibleError) as trouble:
            raise refusal(trouble, f"{self._site}/api/3/action/{action}", self._session.status) from None


def packages_in(document: bytes, where: str = "document") -> list[dict[str, Any]]:
    """Return the packages of a recorded CKAN answer, whatever action it answers.

    Read are package_search, package_show, current_package_list_with_resources and
    group_package_show, each with or without its ``success`` envelope. A key written twice in one
    object, as people do in files, counts as written last.

    Raises:
        ProtocolError: It is not JSON, holds no packages, or CKAN says that it failed.
    """
    content = strict_json(document, where, unique_keys=False)
    if isinstance(content, dict) and "success" in content:
        content = unwrap(content, document, where)
    if isinstance(content, dict) and isinstance(content.get("results"), list):
        content = content["results"]
    found = content if isinstance(content, list) else [content]
    packages = [package for package in found if identity_of(package)]
    if found and not packages:
        raise ProtocolError("no CKAN packages in it", where=where)
    return packages


def records_of(package: Any, site: str) -> Iterator[Record | Finding]:
    """Yield the record of a package, and what is to be said about it.

    Deleted packages become tombstones; private and unfinished ones are left out with a note.
    Passwords and tokens inside URLs are taken out of the record, with a warning.

    Args:
        package: The package dictionary.
        site: Root of the portal, without a slash at the end.
    """
    identifier = identity_of(package)
    if identifier is None:
        yield error("ckan.no-id", site, "package without an id", "left out; tell the portal")
        return
    state = package.get("state", "active")
    hidden = "private" if package.get("private") is True else f"in state {one_line(str(state), 20)}"
    if state != "deleted" and hidden != "in state active":
        yield note("ckan.not-public", identifier, f"package is {hidden}", "left out")
        return
    try:
        text = orjson.dumps(package, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError as trouble:
        yield refused("ckan.no-json", identifier, f"package cannot be written as JSON: {trouble}", "left out")
        return
    clean = redact(text)
    if clean != text:
        yield warning("ckan.secret", identifier, "a password or token was taken out of a URL", "tell the portal")
    name, modified = package.get("name"), package.get("metadata_modified")
    yield Record(
        identifier=identifier,
        format="ckan",
        body=b"" if state == "deleted" else clean.encode(),
        media_type="application/json",
        url=f"{site}/dataset/{quote(_words(name) or identifier, safe='')}",
        datestamp=_words(modified),
        deleted=state == "deleted",
    )


def identity_of(package: Any) -> str | None:
    """Return the id of a package, or its name where an export left the id out."""
    if not isinstance(package, dict):
        return None
    given = (package.get("id"), package.get("name"))
    return next((value for value in given if isinstance(value, str) and value.strip() and value.isprintable()), None)


def _quoted(identifier: str) -> str:
    """Write an identifier as a Lucene phrase."""
    escaped = identifier.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _words(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


@dataclass
class _Pass:
    """What one reading of all pages met: ids, the counts stated, and the pages."""

    ids: set[str] = field(default_factory=set)
    counts: set[int] = field(default_factory=set)
    last: int = 0
    pages: set[bytes] = field(default_factory=set)

    def add(self, count: int, results: list[Any]) -> bool:
        """Note a page; tell whether it is another one than all before."""
        ids = [identity_of(package) or "" for package in results]
        page = sha256("\n".join(ids).encode("utf-8", "replace")).digest()
        fresh = page not in self.pages
        self.pages.add(page)
        self.ids.update(filter(None, ids))
        self.counts.add(count)
        self.last = count
        return fresh
