"""A threaded HTTP server on 127.0.0.1 whose every byte a test decides.

A handler is a function from `Request` to `Answer`; any WSGI application becomes one with `wsgi`::

    with LocalServer(wsgi(app)) as server:
        gate = HttpGate(hosts=[server.host], delay_s=0)
        gate.get(server.url + "/path")
"""

from __future__ import annotations

import io
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What was asked: the method, path and query string as sent, headers by lower-case name, body."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def target(self) -> str:
        """Path and query as sent."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def args(self) -> dict[str, str]:
        """Arguments of the query, or of a form sent by POST; the last of each name."""
        return dict(parse_qsl(self.query or self.body.decode("latin-1"), keep_blank_values=True))


@dataclass(frozen=True)
class Answer:
    """What goes back.

    Attributes:
        status: HTTP status.
        headers: Without Content-Length.
        body: As sent on the wire.
        declared: Content-Length to state; None means the true one.
        pace_s: Seconds between single bytes of the body; 0 sends it at once.
        pace_head: The head comes at that pace too.
        silence_s: Seconds before anything is sent.
        reset: The connection is reset after half of the body.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    declared: int | None = None
    pace_s: float = 0.0
    pace_head: bool = False
    silence_s: float = 0.0
    reset: bool = False


Handler = Callable[[Request], Answer]


class LocalServer:
    """Serves a handler inside a ``with`` block; ``requests`` lists what was asked, in order.

    Args:
        handler: Answers.
        address: Where it listens.
    """

    def __init__(self, handler: Handler, address: str = "127.0.0.1") -> None:
        self._address = address
        self.requests: list[Request] = []
        self._handler = handler

    def __enter__(self) -> Self:
        outer = self

        class Connection(_Connection):
            def respond(self, request: Request) -> Answer:
                outer.requests.append(request)
                return outer._handler(request)

        kind = _Http6 if ":" in self._address else _Http
        self._http = kind((self._address, 0), Connection)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def host(self) -> str:
        """``127.0.0.1:port``, as allow-lists want it."""
        name = f"[{self._address}]" if ":" in self._address else self._address
        return f"{name}:{self._http.server_port}"

    @property
    def url(self) -> str:
        """Root address without a slash at the end."""
        return f"http://{self.host}"

    @property
    def targets(self) -> list[str]:
        """Path and query of every request so far."""
        return [request.target for request in self.requests]


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up, as the gate does on purpose."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Http6(_Http):
    address_family = socket.AF_INET6


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def respond(self, request: Request) -> Answer:
        raise NotImplementedError

    def log_message(self, *_: Any) -> None:
        """Keep test output clean."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        headers = {key.lower(): value for key, value in self.headers.items()}
        answer = self.respond(Request(self.command, parts.path, parts.query, headers, self.rfile.read(size)))
        time.sleep(answer.silence_s)
        self.send_response(answer.status)
        for key, value in answer.headers.items():
            self.send_header(key, value)
        declared = len(answer.body) if answer.declared is None else answer.declared
        self.send_header("Content-Length", str(declared))
        self.close_connection = declared != len(answer.body)
        body = b"" if self.command == "HEAD" else answer.body
        try:
            self._send(answer, body)
        except OSError:
            self.close_connection = True

    def _send(self, answer: Answer, body: bytes) -> None:
        head = b"".join([*self._headers_buffer, b"\r\n"])
        self._headers_buffer.clear()
        if answer.reset:
            self.wfile.write(head + body[: len(body) // 2])
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            raise ConnectionResetError
        at_once = b"" if answer.pace_head else head if answer.pace_s else head + body
        self.wfile.write(at_once)
        for byte in (head + body)[len(at_once) :]:
            self.wfile.write(bytes([byte]))
            time.sleep(answer.pace_s)

    do_GET = do_POST = do_HEAD = _serve  # noqa: N815  (names that http.server looks for)


def wsgi(app: Callable[..., Any]) -> Handler:
    """Make a handler of a WSGI application."""

    def handle(request: Request) -> Answer:
        environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()} | {
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query,
            "CONTENT_LENGTH": str(len(request.body)),
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        started: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            started.update(status=int(status.split(maxsplit=1)[0]), headers=dict(headers))

        body = b"".join(app(environ, start_response))
        kept = {key: value for key, value in started["headers"].items() if key.lower() != "content-length"}
        return Answer(started["status"], kept, body)

    return handle
