"""What one source may cost and where it may lead: the numbers of R2, deadlines, politeness, and connected addresses."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from builder.definitions.model import CkanSource
from builder.errors import FetchError
from builder.sources import limits
from builder.sources.connections import public
from builder.sources.http import USER_AGENT, HttpGate
from builder.sources.limits import Limits
from tests.harvesting import define, live, report_of, run
from tests.servers.ckan_app import Portal, make_package
from tests.servers.crawled import catalogues
from tests.servers.faults import redirect, slow_head
from tests.servers.local import Answer, LocalServer, wsgi
from tests.servers.oai_app import oai_app


def good(_request):
    return Answer(200, {"Content-Type": "text/plain"}, b"good")


def test_the_bounds_are_those_of_the_design():
    """operations.md, section 2, R2."""
    bounds = Limits()
    assert (bounds.connect_s, bounds.read_s, bounds.response_s) == (10, 60, 300)
    assert (bounds.retry_after_s, bounds.tries) == (120, 5)
    assert limits.AT_ONCE == 2
    assert CkanSource(type="ckan", url="https://example.org").delay_s == 0.2
    assert USER_AGENT.startswith("iaos/")
    assert "+https://" in USER_AGENT


def delayed(handler, seconds):
    def answer(request):
        time.sleep(seconds)
        return handler(request)

    return answer


SOURCES = {  # adapter: handler, source block, requests of an undisturbed pass
    "oai-pmh": (wsgi(oai_app()), lambda url: {"url": f"{url}/oai", "metadataPrefix": "oai_dc"}, 6),
    "ckan": (wsgi(Portal(map(make_package, range(105))).app), lambda url: {"url": url, "page_size": 20}, 6),
    "thredds": (catalogues(), lambda url: {"url": f"{url}/catalog.xml"}, 13),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_a_source_that_takes_too_long_is_gone_on_with_by_the_next_run(tmp_path, kind):
    handler, source, requests = SOURCES[kind]
    with LocalServer(delayed(handler, 0.3)) as server:
        block = {"type": kind, **source(server.url)}
        define(tmp_path / "collections", "c", {**block, "deadline_s": 0.8})
        first = run(tmp_path)
        assert first.exit_status == 3
        assert "takes longer than" in report_of(first, "c").findings[-1].message
        for _ in range(requests):  # each goes one request further at least
            if run(tmp_path).exit_status == 0:
                break
        whole = live(tmp_path, "c")
        assert len(set(server.targets)) == len(server.targets)
        assert len(server.targets) >= requests - 1  # OAI-PMH does without Identify
        define(tmp_path / "collections", "c", block)
        assert run(tmp_path, full=True).exit_status == 0
    assert live(tmp_path, "c") == whole


def test_two_gates_keep_their_distance_from_one_host():
    waits = []
    with LocalServer(good) as server:
        for _ in range(2):
            HttpGate([server.host], delay_s=3600, sleep=waits.append).get(server.url)
    assert len(waits) == 1
    assert 3500 < waits[0] <= 3600


def test_the_delay_is_the_definitions(tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr("builder.harvest.HttpGate", lambda **words: HttpGate(**words, sleep=waits.append))
    with LocalServer(wsgi(Portal(map(make_package, range(3))).app)) as server:
        define(tmp_path / "collections", "c", {"type": "ckan", "url": server.url, "page_size": 2, "delay_s": 1800})
        run(tmp_path)
    assert len(server.requests) == 2
    assert [1700 < wait <= 1800 for wait in waits] == [True]


def test_a_host_is_asked_twice_at_once_by_all_gates_together():
    lock, now, most = threading.Lock(), [0], [0]

    def busy(request):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.1)
        with lock:
            now[0] -= 1
        return good(request)

    with LocalServer(busy) as server, ThreadPoolExecutor(8) as pool:
        gates = [HttpGate([server.host], delay_s=0) for _ in range(4)]
        list(pool.map(lambda n: gates[n % 4].get(f"{server.url}/{n}"), range(16)))
    assert most[0] == limits.AT_ONCE


@pytest.fixture
def pointing(monkeypatch):
    """Let ``partner.example`` resolve to this machine."""
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *more, **words: real("127.0.0.1" if host == "partner.example" else host, *more, **words),
    )


def test_a_name_that_leads_into_our_own_network_is_not_asked(pointing):
    with LocalServer(good) as server:
        named = server.url.replace("127.0.0.1", "partner.example")
        host = server.host.replace("127.0.0.1", "partner.example")
        with pytest.raises(FetchError, match="no public address"):
            HttpGate([host], delay_s=0, limits=Limits(tries=1)).get(named)
        with pytest.raises(FetchError, match="no public address"):  # listing another address does not help
            HttpGate([host, server.host], delay_s=0, limits=Limits(tries=1)).get(named)
        assert server.requests == []
        assert HttpGate([server.host], delay_s=0).get(server.url).body == b"good"


def test_a_redirect_to_such_a_name_is_not_followed(pointing):
    with LocalServer(good) as inside:
        named = inside.url.replace("127.0.0.1", "partner.example")
        with LocalServer(lambda request: redirect(f"{named}/secret")(request, Answer())) as server:
            gate = HttpGate([server.host, named.removeprefix("http://")], delay_s=0, limits=Limits(tries=1))
            with pytest.raises(FetchError, match="no public address"):
                gate.get(server.url)
        assert inside.requests == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [  # RFC 6890 and the IANA special-purpose registries
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.216.34", True),
    ],
)
def test_public_addresses(address, expected):
    assert public(address) is expected


def test_headers_that_come_byte_by_byte_end_at_the_deadline_of_the_response():
    with LocalServer(lambda request: slow_head(request, good(request))) as server:  # at its pace the head takes 100 s
        gate = HttpGate([server.host], delay_s=0, limits=Limits(tries=1, read_s=60, response_s=0.5))
        with pytest.raises(FetchError, match="no complete answer"):
            gate.get(server.url)
