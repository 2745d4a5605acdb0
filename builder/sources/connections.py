"""Connections that only reach public addresses and do not wait for ever for the head of an answer."""

from __future__ import annotations

import io
import math
import socket
import time
from collections.abc import Container
from http.client import HTTPResponse
from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError, SSLError

from builder.errors import FetchError


class Session(requests.Session):
    """A session of the gate.

    Every address that a name resolves to must be public, unless the host itself was listed as that
    address or as ``localhost``: a name that a partner (or who took over the name) points into our
    own network leads nowhere. Proxies named in the environment resolve for themselves.

    Args:
        listed: Hosts listed literally.
        head_s: Longest time from the request to the end of the answer's headers, seconds; a silence that is
            allowed when it ends is still waited for.
        kept: Most connections to one host that are kept open.
    """

    def __init__(self, listed: Container[str], head_s: float, kept: int) -> None:
        super().__init__()
        self._settings: dict[tuple[str, str], Any] = {}
        self.auth = _nobody
        adapter = _Adapter(pool_maxsize=kept)
        adapter.poolmanager.pool_classes_by_scheme = _pools(listed, head_s)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def merge_environment_settings(self, url: Any, *given: Any) -> Any:
        """Ask the environment for proxies and certificates once per host; requests does so every time."""
        host = urlsplit(url)[:2]
        if host not in self._settings:
            self._settings[host] = super().merge_environment_settings(url, *given)
        return self._settings[host]

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Leave redirects to the gate; requests would read the whole body and trust the address."""


def _nobody(request: Any) -> Any:
    """Ask without credentials: requests would send those of ``~/.netrc``, which it looks up every time."""
    return request


class _Adapter(HTTPAdapter):
    poolmanager: Any


def _pools(listed: Container[str], head_s: float) -> dict[str, Any]:
    class Answer(HTTPResponse):
        def begin(self) -> None:
            timed = _Timed(self.fp, head_s)
            self.fp = io.BufferedReader(timed)
            super().begin()
            timed.until = math.inf

    class Plain(HTTPConnection):
        response_class = Answer

        def _new_conn(self) -> socket.socket:
            return _checked(super()._new_conn(), self.host, listed)

    class Secure(HTTPSConnection):
        response_class = Answer

        def _new_conn(self) -> socket.socket:
            return _checked(super()._new_conn(), self.host, listed)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


class _Timed(io.RawIOBase):
    """Reads from a connection until a time; a timeout of the socket starts anew with every byte."""

    def __init__(self, stream: io.BufferedIOBase, seconds: float) -> None:
        self._stream = stream
        self.until = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if time.monotonic() > self.until:
            raise TimeoutError("headers not complete in time")
        return self._stream.readinto1(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _checked(connected: socket.socket, host: str, listed: Container[str]) -> socket.socket:
    peer = connected.getpeername()[0].partition("%")[0]
    if public(peer) or (host in listed and (host == "localhost" or _is_address(host))):
        return connected
    connected.close()
    raise FetchError(
        f"{host} leads to {peer}, which is no public address",
        where=host,
        hint="list the address itself in `fetch_hosts` if that is right",
    )


def public(address: str) -> bool:
    """Tell whether an IP address may be reached without being listed (RFC 6890 says which are global)."""
    parsed = ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return (mapped or parsed).is_global


def reachable(host: str) -> bool:
    """Tell whether a host may be asked without being listed; where a name leads is only known once it is connected."""
    if _is_address(host):
        return public(host.strip("[]"))
    return bool(host) and host != "localhost"


def unreachable(trouble: BaseException) -> bool:
    """Tell whether nobody answers at a host: no such name, nothing at its port, or a certificate that is not its own.

    Slow hosts and those that hang up are not among them.
    """
    wrapped = trouble.args[0] if trouble.args else None
    reason = wrapped.reason if isinstance(wrapped, MaxRetryError) else wrapped
    return isinstance(reason, NewConnectionError | SSLError)


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
