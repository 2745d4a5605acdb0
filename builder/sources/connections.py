"""Connections that only reach public addresses and do not wait for ever for the head of an answer."""

from __future__ import annotations

import io
import math
import socket
import time
from collections.abc import Container, Mapping
from http.client import HTTPResponse
from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

import urllib3
from requests import PreparedRequest
from requests import Session as Environment
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar, get_cookie_header
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import InvalidHeader, MaxRetryError, NewConnectionError, ProtocolError, SSLError

from builder.errors import FetchError
from builder.sources.hosts import spelled


class Connections:
    """The open connections of the gate, with the cookies that came over them.

    Every address that a name resolves to must be public, unless the host itself was listed as that
    address or as ``localhost``: a name that a partner (or who took over the name) points into our
    own network leads nowhere. Proxies named in the environment resolve for themselves; credentials
    of ``~/.netrc`` are not sent. Addresses, proxies, certificates and cookies are treated as requests
    does, without the work that it does anew for each answer.

    Args:
        listed: Hosts listed literally.
        head_s: Longest time from the request to the end of the answer's headers, seconds; a silence that is
            allowed when it ends is still waited for.
        kept: Most connections to one host that are kept open.
        headers: Sent with every request.
    """

    def __init__(self, listed: Container[str], head_s: float, kept: int, headers: Mapping[str, str]) -> None:
        self._adapter = _Adapter(pool_maxsize=kept)
        self._adapter.poolmanager.pool_classes_by_scheme = _pools(listed, head_s)
        self._headers = {"Accept": "*/*", **headers}
        self._settings: dict[tuple[str, str], tuple[Any, Any]] = {}
        self._cookies = RequestsCookieJar()

    def close(self) -> None:
        """Close them all."""
        self._adapter.close()

    def open(
        self, method: str, url: str, headers: Mapping[str, str], data: bytes | None, timeout: urllib3.Timeout
    ) -> urllib3.HTTPResponse:
        """Ask, and return the answer with its body not yet read; redirects are left to the gate.

        Raises:
            urllib3.exceptions.HTTPError: There is no answer.
            requests.RequestException: The address is malformed.
        """
        asked = PreparedRequest()
        asked.prepare_url(url, None)
        asked.headers = CaseInsensitiveDict(self._headers | dict(headers))
        if self._cookies and (cookie := get_cookie_header(self._cookies, asked)):  # type: ignore[no-untyped-call]
            asked.headers["Cookie"] = cookie
        proxies, verify = self._settings_of(url)
        pool: Any = self._adapter.get_connection_with_tls_context(asked, verify, proxies=proxies)
        try:
            answer: urllib3.HTTPResponse = pool.urlopen(
                method,
                self._adapter.request_url(asked, proxies),
                body=data,
                headers=asked.headers,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
                retries=self._adapter.max_retries,
                timeout=timeout,
            )
        except OSError as trouble:
            raise ProtocolError(str(trouble)) from trouble
        except ValueError as trouble:
            raise InvalidHeader(str(trouble)) from trouble
        if "Set-Cookie" in answer.headers:
            extract_cookies_to_jar(self._cookies, asked, answer)  # type: ignore[no-untyped-call]
        return answer

    def _settings_of(self, url: str) -> tuple[Any, Any]:
        """Ask the environment for proxies and certificates, once per host."""
        host = urlsplit(url)[:2]
        if host not in self._settings:
            found = Environment().merge_environment_settings(url, {}, None, None, None)
            self._settings[host] = found["proxies"], found["verify"]
        return self._settings[host]


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
    if public(peer) or (spelled(host) in listed and (host == "localhost" or _is_address(host))):
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


def reason_of(trouble: BaseException) -> BaseException:
    """Return why there is no answer."""
    return trouble.reason if isinstance(trouble, MaxRetryError) and trouble.reason else trouble


def said_of(reason: BaseException) -> tuple[str, str]:
    """Name why there is no answer, of a certificate what is wrong with it, and what can be done."""
    kind = type(reason).__name__
    fault = getattr(reason.args[0], "verify_message", "") if isinstance(reason, SSLError) and reason.args else ""
    if not fault:
        return kind, ""
    return f"{kind}: {fault}", "tell the data centre; REQUESTS_CA_BUNDLE may name a file of certificates to trust"


def unreachable(reason: BaseException) -> bool:
    """Tell whether nobody answers at a host: no such name, nothing at its port, or a certificate that is not its own.

    Slow hosts and those that hang up are not among them.
    """
    return isinstance(reason, NewConnectionError | SSLError)


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
