"""A small web server on 127.0.0.1: Range, CORS and media types as object storage gives them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, BinaryIO
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from builder.errors import UsageError
from builder.media import media_type

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_CORS = [
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Headers", "Range"),
    ("Access-Control-Expose-Headers", "Content-Range, Content-Length, ETag, Accept-Ranges"),
    ("Accept-Ranges", "bytes"),
]
_BLOCK = 2**18


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and its address, ending with a slash."""

    url: str
    thread: threading.Thread

    def wait(self) -> None:
        """Block until the process is interrupted."""
        self.thread.join()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Say nothing: the access log of a local look is noise."""


@contextmanager
def running(
    make_app: Callable[[str], WSGIApplication], port: int = 0, *, host: str = "127.0.0.1", hint: str = "--port"
) -> Iterator[Server]:
    """Run a WSGI application while the block runs.

    Args:
        make_app: Makes the application, given the address it is reached at.
        port: 0 lets the system choose.
        host: Address of this machine on which it listens.
        hint: The option by which a user chooses another port.

    Raises:
        UsageError: The port is taken.
    """
    try:
        httpd = make_server(host, port, lambda *_: [], server_class=_Server, handler_class=_Quiet)
    except OSError as trouble:
        message = f"port {port} is taken, or it is no address of this machine"
        raise UsageError(message, where=host, hint=f"choose another with {hint}") from trouble
    with httpd:
        url = f"http://{host}:{httpd.server_address[1]}/"
        httpd.set_app(make_app(url))
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield Server(url, thread)
        httpd.shutdown()
        thread.join()


@contextmanager
def serve(folder: Path, port: int = 0, *, host: str = "127.0.0.1", engine: str | None = None) -> Iterator[Server]:
    """Serve a folder while the block runs.

    Args:
        folder: A built catalogue.
        port: 0 lets the system choose.
        host: Address of this machine on which it listens.
        engine: Where processors work that are asked for at ``/ogc`` and ``/wps``; None for no processing services.

    Raises:
        UsageError: The port is taken, or what processing services need is not installed.
    """
    with ExitStack() as stack:
        files = file_app(folder)

        def make(url: str) -> WSGIApplication:
            if engine is None:
                return files
            from builder.services.app import services

            return stack.enter_context(services(files, url, engine))

        yield stack.enter_context(running(make, port, host=host))


def file_app(folder: Path) -> WSGIApplication:
    """Return a WSGI application that serves the files below a folder.

    Answers GET, HEAD and OPTIONS, single byte ranges (RFC 9110 section 14), and ``index.html`` for
    a path that ends with a slash. Nothing outside the folder is reachable.
    """
    root = folder.resolve()

    def app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/")
        if method == "OPTIONS":
            return _answer(start, "204 No Content", [("Access-Control-Allow-Methods", "GET, HEAD")])
        file = (root / (path + "index.html" if path.endswith("/") else path).lstrip("/")).resolve()
        if method not in {"GET", "HEAD"}:
            return _answer(start, "405 Method Not Allowed", [("Allow", "GET, HEAD, OPTIONS")])
        if not file.is_relative_to(root):
            return _answer(start, "404 Not Found")
        if file.is_dir():
            return _answer(start, "301 Moved Permanently", [("Location", f"{path}/")])
        if not file.is_file():
            return _missing(start, root)
        return send_file(start, file, environ.get("HTTP_RANGE", ""), body=method == "GET")

    return app


def _missing(start: StartResponse, root: Path) -> Iterable[bytes]:
    page = root / "404.html"
    body = page.read_bytes() if page.is_file() else b"not found\n"
    start("404 Not Found", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body))), *_CORS])
    return [body]


def _answer(start: StartResponse, status: str, headers: Iterable[tuple[str, str]] = ()) -> list[bytes]:
    start(status, [("Content-Length", "0"), *headers, *_CORS])
    return []


def send_file(start: StartResponse, file: Path, asked: str, *, body: bool) -> Iterable[bytes]:
    """Answer with a file, or with the part of it that a ``Range`` header asks for."""
    size = file.stat().st_size
    match = _RANGE.fullmatch(asked)
    span = _span(match, size) if match else (0, size - 1)
    if span is None:
        return _answer(start, "416 Range Not Satisfiable", [("Content-Range", f"bytes */{size}")])
    first, last = span
    headers = [("Content-Type", media_type(file.name)), ("Content-Length", str(last - first + 1)), *_CORS]
    if match:
        headers.append(("Content-Range", f"bytes {first}-{last}/{size}"))
    start("206 Partial Content" if match else "200 OK", headers)
    return _blocks(file.open("rb"), first, last) if body else []


def _blocks(stream: BinaryIO, first: int, last: int) -> Iterator[bytes]:
    with stream:
        stream.seek(first)
        left = last - first + 1
        while left > 0 and (block := stream.read(min(_BLOCK, left))):
            left -= len(block)
            yield block


def _span(asked: re.Match[str], size: int) -> tuple[int, int] | None:
    first, last = asked.groups()
    if not first:
        return (max(0, size - int(last)), size - 1) if last and size and int(last) else None
    start, stop = int(first), min(int(last), size - 1) if last else size - 1
    return (start, stop) if start <= stop else None
