"""A file server with byte ranges and ETags; keeps what it is asked."""

from __future__ import annotations

import functools
import http.server
import re
import threading
import time
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

CLOSED = ".closed"
"""Name of a file beside the others, with which all is forbidden."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def __init__(self, *args, folder, log, ranges=True, late_s=0):
        self.folder, self.log, self.ranges, self.late_s = folder, log, ranges, late_s
        super().__init__(*args)

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, *, body):
        path = self.folder / self.path.lstrip("/").partition("?")[0]
        if (self.folder / CLOSED).exists():
            return self.reply(403, b"", {}, body=body)
        if not path.is_file():
            return self.reply(404, b"", {}, body=body)
        size = path.stat().st_size
        etag = sha256(f"{size} {path.stat().st_mtime_ns}".encode()).hexdigest()[:16]
        headers = {"ETag": f'"{etag}"', "Accept-Ranges": "bytes"}
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")) if self.ranges else None
        first, last = (int(found[1]), min(int(found[2]), size - 1)) if found else (0, size - 1)
        if found:
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        time.sleep(self.late_s)
        with path.open("rb") as file:
            file.seek(first)
            data = file.read(last + 1 - first) if body else b""
        self.log.append((self.command, self.path, len(data)))
        return self.reply(206 if found else 200, data, headers | {"Content-Length": str(last + 1 - first)}, body=body)

    def reply(self, status, data, headers, *, body):
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(data))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *_):
        """Keep quiet."""


@contextmanager
def ranged(folder, **options):
    """Serve a folder; yields the base address and the growing list of (method, path, bytes sent)."""
    log = []
    handler = functools.partial(Handler, folder=Path(folder), log=log, **options)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", log
    finally:
        server.shutdown()
        server.server_close()
