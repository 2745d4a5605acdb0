"""A small web server for one folder on 127.0.0.1: Range, CORS and media types as object storage gives them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

from builder.media import media_type

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and its address, ending with a slash."""

    url: str
    thread: threading.Thread

    def wait(self) -> None:
        """Block until the process is interrupted."""
        self.thread.join()


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Say nothing: the access log of a local look is noise."""

    def guess_type(self, path: object) -> str:
        """Name the media type by our own table, as publishing does."""
        return media_type(str(path))

    def end_headers(self) -> None:
        """Allow scripts of other origins to read, ranges included."""
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Expose-Headers", "Content-Range, Content-Length, ETag, Accept-Ranges")
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def do_OPTIONS(self) -> None:
        """Answer a CORS preflight."""
        self.send_response(HTTPStatus.NO_CONTENT)
        self.send_header("Access-Control-Allow-Methods", "GET, HEAD")
        self.send_header("Access-Control-Allow-Headers", "Range")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send_head(self) -> BinaryIO | None:  # type: ignore[override]
        """Answer with one range where one is asked for (RFC 9110 section 14)."""
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        file = Path(self.translate_path(self.path))
        if asked is None or not file.is_file():
            return super().send_head()  # type: ignore[return-value]
        size = file.stat().st_size
        span = _span(asked, size)
        if span is None:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        first, last = span
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Type", media_type(file.name))
        self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Last-Modified", formatdate(file.stat().st_mtime, usegmt=True))
        self.end_headers()
        if self.command == "GET":
            with file.open("rb") as stream:
                stream.seek(first)
                self.wfile.write(stream.read(last - first + 1))
        return None


def _span(asked: re.Match[str], size: int) -> tuple[int, int] | None:
    first, last = asked.groups()
    if not first:
        return (max(0, size - int(last)), size - 1) if last and size and int(last) else None
    start, stop = int(first), min(int(last), size - 1) if last else size - 1
    return (start, stop) if start <= stop else None


@contextmanager
def serve(folder: Path, port: int = 0) -> Iterator[Server]:
    """Serve a folder on 127.0.0.1 while the block runs; port 0 lets the system choose."""
    with ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Server(f"http://127.0.0.1:{server.server_address[1]}/", thread)
        server.shutdown()
