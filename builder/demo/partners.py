"""The demo's partners on 127.0.0.1: one WSGI server with a CKAN, an OAI-PMH provider and a THREDDS server in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from builder.demo import ckan, ice, oai, snow, sound, thredds
from builder.demo.science import CTD_YEARS, ICE_DAYS, SHIPS, STATIONS, write_ctd, write_ice, write_station
from builder.serve import file_app, running

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PORT = 8470
"""The partners' usual port; it is part of the addresses in the built catalogue."""


def write_files(folder: Path) -> None:
    """Generate the partners' data files, the same bytes every time."""
    for name in ("ctd", "ice", "aws", "sound", "snow", "radar"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for ship in SHIPS:
        for year in CTD_YEARS:
            write_ctd(folder / "ctd" / f"{ship}_CTD_{year}.nc", ship, year)
    for day in ICE_DAYS:
        write_ice(folder / "ice" / f"ice_conc_nh_{day:%Y%m%d}.nc", day)
    for station in STATIONS:
        write_station(folder / "aws", station)
    sound.write_recordings(folder / "sound")
    snow.write_rasters(folder / "snow")
    ice.write_scene(folder / "radar")


def partners_app(folder: Path, url: str) -> WSGIApplication:
    """Return the WSGI application that is all partners at once.

    Args:
        folder: Where `write_files` has put the data.
        url: Address at which it is reached, without a slash at the end.
    """
    provider = oai.provider(f"{url}/oai")
    files = file_app(folder)

    def app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
        if action := re.fullmatch(r"/ckan/api/(?:3/)?action/(\w+)", path):
            status, body = ckan.answer(action[1], query or _form(environ), f"{url}/files/aws/")
            return _send(start, status, "application/json;charset=utf-8", body)
        if path == "/oai":
            return _send(start, 200, "text/xml;charset=utf-8", provider(query or _form(environ)))
        if path.startswith(("/thredds/fileServer/", "/files/")):
            environ["PATH_INFO"] = path.removeprefix("/files").removeprefix("/thredds/fileServer")
            return files(environ, start)
        page = thredds.catalogue(folder, path.removeprefix("/thredds/")) if path.startswith("/thredds/") else None
        return _send(start, 200, "application/xml", page) if page else _send(start, 404, "text/plain", b"not found\n")

    return app


def _form(environ: WSGIEnvironment) -> str:
    size = int(environ.get("CONTENT_LENGTH") or 0)
    return environ["wsgi.input"].read(min(size, 65536)).decode() if size else ""


def _send(start: StartResponse, status: int, kind: str, body: bytes) -> list[bytes]:
    words = {200: "OK", 400: "Bad Request", 404: "Not Found"}
    start(f"{status} {words[status]}", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]


@contextmanager
def partners(folder: Path, port: int = PORT) -> Iterator[str]:
    """Write the data files and run the partners while the block runs; gives their address.

    Raises:
        UsageError: The port is taken.
    """
    write_files(folder)
    with running(lambda url: partners_app(folder, url.rstrip("/")), port, hint="--partner-port") as server:
        yield server.url.rstrip("/")
