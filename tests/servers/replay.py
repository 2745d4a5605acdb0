"""Serves recorded partner answers again, each at an address that tells which file it is.

A definition of a test points at ``server.url`` plus one of these paths, all below the folder of ``http-index.json``:

- ``/<relative path of a file>``: the file with its recorded status and headers (200 where none was recorded).
  Redirects lead back to this server where their target was recorded, or to the same file name without the host.
- ``/<folder>/oai?verb=...``: an OAI-PMH provider made of the folder's answers. A request is answered by the recorded
  one with the same arguments; else by a file named like the resumption token, or like the verb
  (``ListRecords.xml``, ``list_records*.xml``); else by ``badArgument``.
- ``/<path>?verb=...`` after `ReplayServer.oai_of` was given the path: a real provider (the `oaipmh` package, with
  tokens, sets and deletions) of recorded metadata documents, for formats of which no lists were recorded.
- ``/<folder>/api/3/action/<action>?...`` (also without ``/3``): a CKAN made of the folder's packages, those of all
  files whose names contain ``match`` given to `ReplayServer.ckan`, with ``rows``, ``start``, ``q`` and ``fq`` on
  the organisation.

Whatever `ReplayServer.add` was given comes before all of these.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from tests.servers.ckan_app import Portal
from tests.servers.faults import oai_error
from tests.servers.local import Answer, Handler, LocalServer, Request, wsgi
from tests.servers.oai_app import Document, documents_app

_TYPES = {".xml": "text/xml", ".json": "application/json", ".html": "text/html", ".nc": "application/x-netcdf"}
_DROPPED = {"content-encoding", "content-length", "transfer-encoding", "connection", "set-cookie", "keep-alive"}


class ReplayServer(LocalServer):
    """Replays a folder of recorded answers inside a ``with`` block.

    Args:
        folder: The folder; its files are only read.
        index: Its ``http-index.json``; taken from the folder where not given.
        wrap: Put around the handler, e.g. ``lambda handler: Faulty(handler, plan)``.
    """

    def __init__(
        self, folder: Path, index: Path | None = None, wrap: Callable[[Handler], Handler] = lambda handler: handler
    ) -> None:
        super().__init__(wrap(self._answer))
        self._folder = folder.resolve()
        index = index or folder / "http-index.json"
        self._index: dict[str, Any] = json.loads(index.read_bytes()) if index.is_file() else {}
        self._by_url = {_without_scheme(entry["url"]): name for name, entry in self._index.items()}
        self._added: dict[str, Answer] = {}
        self._portals: dict[str, Handler] = {}
        self._providers: dict[str, Handler] = {}

    def add(
        self, path: str, status: int = 200, headers: Mapping[str, str] | None = None, body: bytes | str = b""
    ) -> str:
        """Serve one more answer; a path with ``?`` must match the query too. Returns its address."""
        content = body.encode() if isinstance(body, str) else body
        self._added[path] = Answer(status, headers or {}, content)
        return self.url + path

    def ckan(self, folder: str, match: str = "") -> str:
        """Make a CKAN of the packages recorded in a folder; returns the root address of the portal."""
        from builder.sources.ckan import packages_in

        packages = [
            package
            for file in sorted((self._folder / folder).glob("*.json"))
            if match in file.name
            for package in packages_in(file.read_bytes(), file.name)
        ]
        self._portals[folder] = wsgi(Portal(packages).app)
        return f"{self.url}/{folder}"

    def oai(self, folder: str) -> str:
        """Return the base URL of the OAI-PMH provider made of a folder."""
        return f"{self.url}/{folder}/oai"

    def oai_of(self, path: str, documents: Iterable[Document], prefix: str, page: int = 50) -> str:
        """Make a provider of documents at a path; returns its base URL.

        ``Document(identifier, body)`` gives out a recorded file as it is; a body of None makes a tombstone.
        Calling it again for the same path changes what is provided.
        """
        self._providers[path] = wsgi(documents_app(documents, prefix, page))
        return self.url + path

    def file(self, name: str) -> str:
        """Return the address of a recorded file."""
        return f"{self.url}/{name}"

    def _answer(self, request: Request) -> Answer:
        for key in (request.target, request.path):
            if key in self._added:
                return self._added[key]
        if request.path in self._providers:
            return self._providers[request.path](request)
        path = unquote(request.path).lstrip("/")
        if path.endswith("/oai"):
            return self._oai(path.removesuffix("/oai"), request)
        if match := re.fullmatch(r"(.+)/api/(?:3/)?action/\w+", path):
            return self._portals[match[1]](request) if match[1] in self._portals else Answer(404)
        return self._file(path)

    def _file(self, name: str) -> Answer:
        file = (self._folder / name).resolve()
        if not file.is_relative_to(self._folder) or not file.is_file():
            return Answer(404, {"Content-Type": "text/html"}, b"<html><body>Not recorded</body></html>")
        entry = self._index.get(name, {})
        headers = {k: v for k, v in (entry.get("headers") or {}).items() if k.lower() not in _DROPPED}
        for key in [k for k in headers if k.lower() == "location"]:
            headers[key] = self._here(urljoin(entry["url"], headers[key]))
        if not any(key.lower() == "content-type" for key in headers):
            headers["Content-Type"] = _TYPES.get(file.suffix, "application/octet-stream")
        return Answer(int(entry.get("status", 200)), headers, _bytes(file))

    def _here(self, url: str) -> str:
        name = self._by_url.get(_without_scheme(url))
        return f"{self.url}/{name}" if name else self.url + urlsplit(url).path

    def _oai(self, folder: str, request: Request) -> Answer:
        wanted = request.args
        for name, entry in self._index.items():
            if name.startswith(f"{folder}/") and dict(parse_qsl(urlsplit(entry["url"]).query)) == wanted:
                return self._file(name)
        token, verb = wanted.get("resumptionToken"), wanted.get("verb", "")
        snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", verb).lower()
        for name in (token,) if token else (f"{verb}.xml", f"{snake}.xml"):
            if re.fullmatch(r"[\w.-]+", name) and (self._folder / folder / name).is_file():
                return self._file(f"{folder}/{name}")
        return oai_error("badResumptionToken" if token else "badArgument")(request, Answer())


def _without_scheme(url: str) -> str:
    return url.partition("://")[2]


@cache
def _bytes(file: Path) -> bytes:
    return file.read_bytes()
