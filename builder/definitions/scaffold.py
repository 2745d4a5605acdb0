"""Drafts a definition by asking a server what it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from pydantic import TypeAdapter, ValidationError

from builder.definitions.recognise import (
    Facts,
    ckan_facts,
    is_oai,
    listing_facts,
    oai_facts,
    stac_facts,
    thredds_facts,
)
from builder.definitions.types import HttpUrl, Slug
from builder.errors import ProtocolError, SourceError, UsageError
from builder.sources.redact import one_line

if TYPE_CHECKING:
    from builder.sources.answers import Response
    from builder.sources.http import HttpGate
    from builder.sources.oai.client import Provider
    from builder.sources.oai.documents import OaiSet

_OPTIONS = {
    "oai-pmh": ('# set: "..."              # only this set',),
    "ckan": (
        '# organization: "..."     # only this organisation, by its short name',
        '# query: "..."            # Solr query',
    ),
    "thredds": (
        '# include: ["*.nc"]       # only these paths',
        "# depth: 5                # catalogues to follow downwards",
    ),
    "files": ('# include: ["*.nc"]       # only these paths', "# depth: 2                # folders to go down"),
    "stac": ('# collections: ["..."]    # only these', "# bbox: [-180, 60, 180, 90]"),
}
_ROOT = re.compile(r"/(api(/[0-9])?/action|dataset|organization|group)(/.*)?$")


def draft(url: str, gate: HttpGate, name: str = "") -> str:
    """Ask a server what it is and write the YAML of a definition for it.

    Tried in turn: what the address itself gives (THREDDS, STAC), OAI-PMH, CKAN, a directory listing. What the
    server tells of its formats, sets, organisations and folders stands in comments. The text can be loaded as
    it is; it is not enabled.

    Args:
        url: Address a maintainer would paste, also of a page such as ``catalog.html``.
        gate: What the server is asked through; it must allow the host.
        name: Identifier of the collection; made of the host if not given.

    Raises:
        UsageError: The address is none.
        SourceError: The server does not answer, or speaks none of the protocols.
    """
    try:
        TypeAdapter(HttpUrl).validate_python(url)
    except ValidationError as trouble:
        hint = "for files of this machine write `source: {type: files, path: FOLDER}`"
        raise UsageError("not an http(s) address without user name", where=one_line(url), hint=hint) from trouble
    facts = _Probe(gate).facts(url)
    return "\n".join(_lines(url, facts, name)) + "\n"


@dataclass
class _Probe:
    """Asks a server, and remembers what went wrong."""

    gate: HttpGate
    failures: list[str] = field(default_factory=list)

    def facts(self, url: str) -> Facts:
        page = self.get(url)
        known = (
            (self.document(page) if page else None)
            or self.oai(url)
            or self.ckan(url)
            or (listing_facts(page.url, page.body) if page else None)
        )
        if known is None:
            why = f"; {self.failures[0]}" if page is None and self.failures else ""
            raise SourceError(
                f"no OAI-PMH, CKAN, THREDDS or STAC server and no directory listing found{why}",
                where=one_line(url),
                hint="paste the address of the interface itself, e.g. the OAI-PMH base URL or catalog.xml",
            )
        return known

    def get(self, url: str) -> Response | None:
        try:
            return self.gate.get(url)
        except SourceError as trouble:
            elsewhere = bool(trouble.where) and not self.gate.allows(trouble.where)
            self.failures.append(f"it leads to {trouble.where}, another host" if elsewhere else trouble.message)
            return None

    def document(self, page: Response) -> Facts | None:
        """Recognise what an address gives, or the catalogue behind its page."""
        found = thredds_facts(page.url, page.body) or stac_facts(page.url, page.body)
        machine = _catalog_xml(page.url)
        if found or machine == page.url:
            return found
        behind = self.get(machine)
        return thredds_facts(behind.url, behind.body) if behind else None

    def oai(self, url: str) -> Facts | None:
        from builder.sources.oai.client import Provider, request_url
        from builder.sources.oai.documents import read_identify

        base = urlunsplit((*urlsplit(url)[:3], "", ""))
        answer = self.get(request_url(base, {"verb": "Identify"}))
        if answer is None or not is_oai(answer.body):
            return None
        provider = Provider(base, self.gate)
        try:
            return oai_facts(base, read_identify(answer.body, base), provider.formats(), self.sets(provider))
        except ProtocolError as trouble:
            self.failures.append(trouble.message)
            return None

    def sets(self, provider: Provider) -> tuple[OaiSet, ...]:
        from builder.sources.oai.documents import OaiError

        try:
            return provider.sets()
        except OaiError:
            return ()  # noSetHierarchy: the provider has none

    def ckan(self, url: str) -> Facts | None:
        scheme, host, path, _, _ = urlsplit(url)
        root = urlunsplit((scheme, host, _ROOT.sub("", path.rstrip("/")), "", ""))
        status = self.get(f"{root}/api/3/action/status_show")
        facets = "facet.field=%5B%22organization%22%5D&facet.limit=200"
        search = self.get(f"{root}/api/3/action/package_search?rows=0&{facets}")
        return ckan_facts(root, status.body if status else b"", search.body if search else b"")


def _catalog_xml(url: str) -> str:
    """Return the machine's side of a catalogue page; other addresses as they are."""
    scheme, host, path, query, _ = urlsplit(url)
    folder, _, name = path.rpartition("/")
    if name == "contents.html":
        return urlunsplit((scheme, host, f"{folder}/catalog.xml", "", ""))
    if name.endswith(".html") and "catalog" in path:
        return urlunsplit((scheme, host, f"{path.removesuffix('.html')}.xml", "", ""))
    return urlunsplit((scheme, host, path, query, ""))


def _lines(url: str, facts: Facts, name: str = "") -> Iterator[str]:
    host = urlsplit(url).hostname or ""
    title = one_line(facts.title) or host
    own = name or slug(host)
    yield "# yaml-language-server: $schema=schema.json"
    yield "#"
    yield f"# Drafted from {one_line(url, 1000)}: {facts.kind}."
    for line in facts.told:
        yield f"#   {'  ' if line.startswith(' ') else ''}{one_line(line)}"
    yield "#"
    yield f"# Fill in the lines marked with <-, then run `iaos check` and `iaos plan {own} --sample 10`."
    yield f"id: {_quoted(own)}  # <- folder of the collection, for good"
    yield f"title: {_quoted(title)}  # <-"
    yield f"description: {_quoted(f'Data sets of {title}.')}  # <- what a reader finds in it"
    yield "partner:"
    yield f"  id: {_quoted(slug(host))}  # <- folder of the institute"
    yield f"  name: {_quoted(title)}  # <- full name of the institute"
    yield "license: other  # <- SPDX identifier, or license_url beside it"
    yield "source:"
    for key, value in facts.source.items():
        yield f"  {key}: {value if key == 'type' else _quoted(value, 2000)}"
    for line in _OPTIONS[facts.source["type"]]:
        yield f"  {line}"
    yield "enabled: false  # <- true once it has been looked at"


def _quoted(text: str, limit: int = 200) -> str:
    """Write text as a double-quoted scalar: JSON's strings of printable characters are YAML's."""
    return json.dumps(one_line(text, limit), ensure_ascii=False)


def slug(called: str) -> str:
    """Return an identifier that resembles the name of a host or a file."""
    name = re.sub(r"[^a-z0-9]+", "-", called.lower().removeprefix("www.")).strip("-")[:60]
    try:
        return str(TypeAdapter(Slug).validate_python(name))
    except ValidationError:
        return "new-collection"
