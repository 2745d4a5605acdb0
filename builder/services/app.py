"""One WSGI application: the catalogue, and the processing services at ``/ogc`` and ``/wps``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from builder.services.jobs import Jobs
from builder.services.ogc import OgcApi
from builder.services.wps import WpsService

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


@contextmanager
def services(files: WSGIApplication, url: str, engine: str) -> Iterator[WSGIApplication]:
    """Put the processing services beside the files of a catalogue while the block runs.

    Args:
        files: Answers everything else.
        url: Address of the server, with a slash at its end.
        engine: Where processors work.

    Raises:
        UsageError: pywps is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="iaos-jobs-") as name:
        jobs = Jobs(Path(name), url, engine)
        api, wps = OgcApi(jobs), WpsService(jobs)
        answering: dict[str, WSGIApplication] = {"ogc": api, "wps": wps}

        def app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
            """Give a request to the service whose path it has."""
            path = environ.get("PATH_INFO", "/")
            target = answering.get(path.split("/")[1]) if path.startswith("/") else None
            if target is None or (target is api and environ["REQUEST_METHOD"] == "OPTIONS"):
                return files(environ, start)
            if _foreign(environ, url):
                start("403 Forbidden", [("Content-Type", "text/plain"), ("Content-Length", "0")])
                return []
            return target(environ, start)

        try:
            yield app
        finally:
            jobs.close()
            wps.close()


def _foreign(environ: WSGIEnvironment, url: str) -> bool:
    """Tell whether a page of another site, or one that pretends to be this host, asks in a user's name."""
    asked = environ.get("HTTP_HOST", "")
    names = {urlsplit(url).netloc, f"localhost:{urlsplit(url).port}"}
    everywhere = urlsplit(url).hostname == "0.0.0.0"  # noqa: S104  (compared, not listened on)
    return (asked not in names and not everywhere) or environ.get("HTTP_SEC_FETCH_SITE") == "cross-site"
