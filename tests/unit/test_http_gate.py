"""The HTTP gate against servers that misbehave in the ways partners' servers do."""

from __future__ import annotations

import gzip
import hashlib
import json
import ssl
from datetime import UTC, datetime
from ipaddress import ip_address
from itertools import count
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from builder.errors import FetchError, ProtocolError
from builder.sources.gunzip import gunzip
from builder.sources.http import HttpGate, Limits, origin_of
from builder.sources.redact import one_line, redact
from builder.sources.retry import retry_after
from builder.sources.silence import Silence
from tests.servers.faults import FAULTS, Faulty, lasting, once, redirect, status
from tests.servers.local import Answer, LocalServer

CONTENT = b"<good>" + b"0123456789" * 500 + b"</good>"
HAS_IPV6 = Path("/proc/net/if_inet6").exists() and bool(Path("/proc/net/if_inet6").read_text())
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def good(_request):
    return Answer(200, {"Content-Type": "text/xml"}, CONTENT)


def gate_for(server, waits=None, **limits):
    waits = [] if waits is None else waits
    return HttpGate(hosts=[server.host], delay_s=0, limits=Limits(**limits), sleep=waits.append)


def test_a_good_answer_comes_back_whole_with_lower_case_headers():
    with LocalServer(good) as server:
        answer = gate_for(server).get(server.url + "/a")
    assert (answer.status, answer.body, answer.url) == (200, CONTENT, server.url + "/a")
    assert answer.headers["content-type"] == "text/xml"
    assert server.requests[0].headers["user-agent"].startswith("iaos/")


def test_credentials_of_netrc_are_not_sent(tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with LocalServer(good) as server:
        gate_for(server).get(server.url)
        requests.get(server.url, timeout=10)
    assert ["authorization" in one.headers for one in server.requests] == [False, True]


def test_a_proxy_of_the_environment_is_used_but_for_hosts_that_need_none(monkeypatch):
    with LocalServer(good) as proxy, LocalServer(good) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with HttpGate(["data.example.org", server.host], delay_s=0) as gate:
            for address in ["http://data.example.org/a", "http://data.example.org/b", server.url]:
                assert gate.get(address).body == CONTENT
    assert [one.headers["host"] for one in proxy.requests] == ["data.example.org"] * 2
    assert len(server.requests) == 1


def test_cookies_go_back_to_the_host_that_set_them_and_to_no_other():
    def balanced(_request):
        return Answer(200, {"Set-Cookie": "node=7; Path=/"}, CONTENT)

    with LocalServer(balanced) as server, LocalServer(good) as other:
        elsewhere = other.url.replace("127.0.0.1", "localhost")
        gate = HttpGate([server.host, elsewhere.removeprefix("http://")], delay_s=0)
        for address in (server.url, server.url + "/next", elsewhere):
            gate.get(address)
    assert [one.headers.get("cookie") for one in server.requests] == [None, "node=7"]
    assert other.requests[0].headers.get("cookie") is None


AWKWARD = [
    "/a b?q=x y",
    "/Ny-Ålesund?place=Tromsø",
    "/a%20b%2Fc?d=%zz",
    "/a?set=a:b|c&x=[1]",
    "?q",
    "/a#part",
    "/a//b/../c",
]


@pytest.mark.parametrize("path", AWKWARD)
def test_awkward_addresses_are_asked_as_requests_asks_them(path):
    with LocalServer(good) as server:
        gate_for(server).get(server.url + path)
        requests.get(server.url + path, timeout=10)
    assert server.requests[0].target == server.requests[1].target


def test_what_cannot_be_sent_is_a_fault_of_this_request():
    with LocalServer(good) as server, pytest.raises(FetchError, match="InvalidHeader"):
        gate_for(server).get(server.url, headers={"If-None-Match": '"a\rX: y"'})
    assert server.requests == []


def test_why_there_is_no_answer_is_said():
    with LocalServer(good) as server:
        gate = gate_for(server)
    with pytest.raises(FetchError, match=r"no complete answer \(NewConnectionError\)") as found:
        gate.get(server.url)
    assert found.value.unreachable


def test_what_is_wrong_with_a_certificate_is_said(tmp_path, monkeypatch):
    lasting = (datetime(2020, month, 1, tzinfo=UTC) for month in (1, 2))
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, *lasting)
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    pem = made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "both.pem").write_bytes(pem + private)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "both.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    with LocalServer(good) as server:
        server._http.socket = context.wrap_socket(server._http.socket, server_side=True)
        with gate_for(server, tries=1) as gate, pytest.raises(FetchError, match="certificate has expired") as found:
            gate.get(server.url.replace("http:", "https:"))
    assert found.value.unreachable
    assert "REQUESTS_CA_BUNDLE" in found.value.hint


TRANSIENT = ["503, Retry-After in seconds", "429", "500", "cut, lying length", "a byte now and then", "gzip cut"]
TRANSIENT += ["503, Retry-After as a date", "503, Retry-After of 11 days", "503, Retry-After nonsense"]
SLOW, SOON = {"a byte now and then"}, 0.8  # seconds; at its pace the body takes 100
TRANSIENT += ["gzip bomb"]
FINAL = ["redirect loop", "redirect to another host"]


@pytest.mark.parametrize("name", TRANSIENT)
def test_a_passing_fault_is_outlived(name):
    with LocalServer(Faulty(good, once(1, FAULTS[name]))) as server:
        assert gate_for(server, response_s=SOON if name in SLOW else 60).get(server.url).body == CONTENT
    assert len(server.requests) == 2


@pytest.mark.parametrize("name", TRANSIENT)
def test_a_lasting_fault_ends_in_one_line_after_all_tries(name):
    with LocalServer(Faulty(good, lasting(1, FAULTS[name]))) as server, pytest.raises(FetchError) as caught:
        gate_for(server, tries=3, response_s=SOON if name in SLOW else 60).get(server.url)
    assert len(server.requests) == 3
    assert "\n" not in str(caught.value)
    assert server.host in str(caught.value)


@pytest.mark.parametrize("name", FINAL)
def test_what_no_waiting_mends_is_not_tried_again(name):
    with LocalServer(Faulty(good, once(1, FAULTS[name]))) as server:
        if name == "redirect loop":
            assert gate_for(server).get(server.url).body == CONTENT  # one turn is no loop
            return
        with pytest.raises(FetchError):
            gate_for(server).get(server.url)
    assert len(server.requests) == 1


def test_a_redirect_loop_ends():
    with LocalServer(Faulty(good, lasting(1, redirect("")))) as server, pytest.raises(FetchError, match="without end"):
        gate_for(server).get(server.url)
    assert len(server.requests) == 10


def test_redirects_are_followed_within_the_allow_list_only():
    with LocalServer(good) as other, LocalServer(Faulty(good, once(1, redirect(f"{other.url}/x")))) as server:
        with pytest.raises(FetchError, match="not allowed"):
            gate_for(server).get(server.url)
        assert other.requests == []
    with LocalServer(good) as other, LocalServer(Faulty(good, once(1, redirect(f"{other.url}/x")))) as server:
        gate = HttpGate(hosts=[server.host, other.host], delay_s=0)
        assert gate.get(server.url).url == f"{other.url}/x"


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("http://elsewhere.example/x", "add its host to `fetch_hosts`"),
        ("http://me:secret@127.0.0.1:{port}/x", "without user names"),
        ("file:///etc/passwd", "only http and https are asked"),
    ],
)
def test_what_to_do_about_a_redirect_that_is_not_followed_is_said(target, hint):
    with LocalServer(lambda _: Answer(302, {"Location": target.format(port=server.host.rpartition(":")[2])})) as server:
        with pytest.raises(FetchError, match="not allowed") as caught:
            gate_for(server).get(server.url)
        assert hint in caught.value.hint
        assert "secret" not in str(caught.value)


def test_the_body_of_a_redirect_is_not_read():
    def endless(request):
        if request.path == "/end":
            return good(request)
        return Answer(302, {"Location": "/end", "Content-Encoding": "gzip"}, gzip.compress(b" " * 2**24))

    with LocalServer(endless) as server:
        assert gate_for(server, max_bytes=10**4).get(server.url).body == CONTENT


def test_a_malformed_redirect_is_an_error_not_a_crash():
    with LocalServer(Faulty(good, once(1, redirect("http://[::1")))) as server, pytest.raises(FetchError):
        gate_for(server).get(server.url)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("503, Retry-After in seconds", 7, 7),  # what the header says
        ("503, Retry-After of 11 days", 120, 120),  # Limits.retry_after_s
        ("503, Retry-After as a date", 120, 120),  # in 2065
        ("503, Retry-After nonsense", 0.5, 0.625),  # first backoff and a quarter of jitter
        ("500", 0.5, 0.625),
    ],
)
def test_waiting_follows_the_server_within_reason(name, least, most):
    waits = []
    with LocalServer(Faulty(good, once(1, FAULTS[name]))) as server:
        gate_for(server, waits).get(server.url)
    assert len(waits) == 1
    assert least <= waits[0] <= most


def test_backoff_doubles():
    waits = []
    with LocalServer(Faulty(good, lasting(1, status(500)))) as server, pytest.raises(FetchError):
        gate_for(server, waits, tries=4).get(server.url)
    for wait, base in zip(waits, (0.5, 1.0, 2.0), strict=True):
        assert base <= wait <= 1.25 * base


def test_requests_keep_their_distance():
    waits = []
    with LocalServer(good) as server:
        gate = HttpGate(hosts=[server.host], delay_s=3600, sleep=waits.append)
        gate.get(server.url)
        gate.get(server.url)
    assert len(waits) == 1
    assert 3590 < waits[0] <= 3600
    assert gate.requests == 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("120", 120.0),  # RFC 9110 section 10.2.3, both examples
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0),
        (" 5 ", 5.0),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("", None),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
    ],
)
def test_retry_after(value, expected):
    assert retry_after(value) == expected


def test_retry_after_date_is_relative_to_now(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "946684799")  # 1999-12-31T23:59:59Z
    assert retry_after("Sat, 01 Jan 2000 00:00:59 GMT") == 60.0


def test_client_errors_are_final_and_keep_status_and_body():
    with LocalServer(Faulty(good, lasting(1, status(404)))) as server, pytest.raises(FetchError) as caught:
        gate_for(server).get(server.url)
    assert len(server.requests) == 1
    assert caught.value.status == 404
    assert b"Try later" in caught.value.body


def test_size_limit_counts_decoded_bytes():
    def packed(_request):
        return Answer(200, {"Content-Encoding": "gzip"}, gzip.compress(CONTENT))

    with LocalServer(packed) as server:
        assert gate_for(server).get(server.url, max_bytes=len(CONTENT)).body == CONTENT
        with pytest.raises(FetchError, match="larger than"):
            gate_for(server).get(server.url, max_bytes=len(CONTENT) - 1)


def test_of_a_body_that_is_said_to_be_too_large_nothing_is_read(tmp_path):
    head = Answer(200, {}, b"II*\0" * 1000, declared=5_000_000, pace_s=0.05)  # as slow as to be told of late
    with LocalServer(lambda _: head) as server, gate_for(server, max_bytes=4_000_000, response_s=2) as gate:
        for ask in (gate.get, lambda url: gate.download(url, tmp_path / "x")):
            with pytest.raises(FetchError, match="body larger than 4000000 bytes") as found:
                ask(server.url)
            assert not found.value.passing
        assert gate.get(server.url, method="HEAD").headers["content-length"] == "5000000"
        assert gate.glance(server.url, most=4).body == b"II*\0"
    assert len(server.requests) == 4


def test_a_bomb_is_stopped_by_its_ratio_before_its_size():
    bombed = Faulty(good, lasting(1, FAULTS["gzip bomb"]))
    with LocalServer(bombed) as server, pytest.raises(FetchError, match="200 times"):  # Limits.max_ratio
        gate_for(server, tries=2, max_bytes=2**30).get(server.url)


@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "gzip"}])
def test_an_empty_body_is_a_body(headers):
    with LocalServer(lambda _: Answer(200, headers)) as server:
        assert gate_for(server).get(server.url).body == b""


def test_gunzip_reads_several_members_and_notices_a_missing_end():
    whole = gzip.compress(b"one") + gzip.compress(b"two" * 100_000)
    pieces = [whole[i : i + 7] for i in range(0, len(whole), 7)]
    assert b"".join(gunzip(pieces)) == b"one" + b"two" * 100_000
    with pytest.raises(EOFError):
        list(gunzip([whole[:-1]]))
    assert max(map(len, gunzip([gzip.compress(b" " * 2**22)]))) <= 2**16


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://data.example.org/x", True),
        ("HTTPS://DATA.EXAMPLE.ORG/x", True),
        ("https://data.example.org:443/x", True),
        ("http://data.example.org/x", True),
        ("http://data.example.org:443/x", False),
        ("https://data.example.org:8443/x", False),
        ("https://me@data.example.org/x", False),
        ("https://data.example.org@evil.org/x", False),
        ("https://data.example.org.evil.org/", False),
        ("https://evil.org/data.example.org", False),
        ("https://evil.org\\@data.example.org/", False),
        ("ftp://data.example.org/x", False),
        ("file:///etc/passwd", False),
        ("//data.example.org/x", False),
        ("https://[::1", False),
        ("https://data.example.org:x/", False),
        ("", False),
    ],
)
def test_allow_list(url, allowed):
    assert HttpGate(hosts=["data.example.org"]).allows(url) is allowed


@pytest.mark.parametrize(
    ("host", "url", "allowed"),
    [
        ("a.example:443", "https://a.example/x", True),
        ("a.example:443", "https://a.example:443/x", True),
        ("a.example:443", "http://a.example/x", False),
        ("[2001:db8::1]:443", "https://[2001:db8::1]/x", True),
        ("a.example:80", "http://a.example/x", True),
        ("a.example:8443", "https://a.example/x", False),
    ],
)
def test_usual_ports_in_the_allow_list_go_without_saying(host, url, allowed):
    assert HttpGate(hosts=[host]).allows(url) is allowed


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://[2001:db8::1]:8080/x", True),
        ("http://[2001:DB8:0:0::1]:8080/x", True),
        ("http://[2001:db8::1]/x", False),
        ("http://[2001:db8::1:8080]/x", False),
        ("http://[2001:db8::2]:8080/x", False),
    ],
)
def test_allow_list_of_ipv6(url, allowed):
    assert HttpGate(hosts=["[2001:db8::1]:8080"]).allows(url) is allowed


@pytest.mark.skipif(not HAS_IPV6, reason="no IPv6 on this machine")
def test_a_private_ipv6_address_that_is_listed_is_asked():
    with LocalServer(good, "::1") as server:
        with gate_for(server) as gate:
            assert gate.get(f"{server.url.replace('::1', '0:0::1')}/x").body == CONTENT
        with HttpGate(hosts=["[::2]"], anywhere=True) as gate, pytest.raises(FetchError, match="not allowed"):
            gate.get(server.url)


def test_recorded_hostile_addresses(shared_data):
    """The list of hostile/urls.json; relative addresses are resolved before they reach the gate."""
    from urllib.parse import urljoin

    cases = json.loads((shared_data / "hostile/urls.json").read_bytes())
    gate = HttpGate(hosts=[f"https://{origin_of(cases['base'])}"])
    assert [url for url in cases["refuse"] if gate.allows(urljoin(cases["base"], url))] == []
    assert [url for url in cases["accept"] if not gate.allows(urljoin(cases["base"], url))] == []


def test_read_asks_again_for_a_document_that_cannot_be_read():
    numbers = count(1)

    def parse(_answer):
        if next(numbers) < 3:
            raise ProtocolError("half a page")
        return "read"

    with LocalServer(good) as server:
        assert gate_for(server).read(server.url, parse) == "read"
    assert len(server.requests) == 3


def test_read_gives_up_with_the_reason_of_the_reader():
    def parse(_answer):
        raise ProtocolError("half a page", where="here")

    with LocalServer(good) as server, pytest.raises(ProtocolError, match="half a page"):
        gate_for(server, tries=2).read(server.url, parse)
    assert len(server.requests) == 2


def test_download_puts_a_whole_file_in_place(tmp_path):
    target = tmp_path / "new" / "file.nc"
    with LocalServer(Faulty(good, once(1, FAULTS["cut, lying length"]))) as server:
        done = gate_for(server).download(server.url + "/file.nc", target, max_bytes=10**6)
    assert target.read_bytes() == CONTENT
    assert (done.size, done.sha256, done.path) == (len(CONTENT), SHA256, target)
    assert done.headers["content-type"] == "text/xml"
    assert server.requests[0].headers["accept-encoding"] == "identity"
    assert [p.name for p in target.parent.iterdir()] == ["file.nc"]


@pytest.mark.parametrize("name", ["cut, lying length", "500", "gzip bomb", "redirect to another host"])
def test_a_failed_download_leaves_the_old_file_and_nothing_else(tmp_path, name):
    target = tmp_path / "file.nc"
    target.write_bytes(b"last good")
    with LocalServer(Faulty(good, lasting(1, FAULTS[name]))) as server, pytest.raises(FetchError):
        gate_for(server, tries=2).download(server.url, target)
    assert target.read_bytes() == b"last good"
    assert list(tmp_path.iterdir()) == [target]


def test_download_is_bounded(tmp_path):
    with LocalServer(good) as server, pytest.raises(FetchError, match="larger than 100 bytes"):
        gate_for(server).download(server.url, tmp_path / "x", max_bytes=100)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://me:pw@example.org/x", "https://example.org/x"),
        ("a http://h/x?token=abc&page=2 b", "a http://h/x?token=REDACTED&page=2 b"),
        ("http://h/x?page=2&api_key=abc#top", "http://h/x?page=2&api_key=REDACTED#top"),
        ("http://h/oai?verb=ListRecords&resumptionToken=abc", "http://h/oai?verb=ListRecords&resumptionToken=abc"),
        ("mail me@example.org = fine", "mail me@example.org = fine"),
        ("https://h/@user/x?y=a@b", "https://h/@user/x?y=a@b"),
    ],
)
def test_redact(text, clean):
    assert redact(text) == clean


def test_messages_never_hold_secrets():
    with LocalServer(Faulty(good, lasting(1, status(403)))) as server, pytest.raises(FetchError) as caught:
        gate_for(server).get(server.url + "/x?access_token=SECRET")
    assert "SECRET" not in str(caught.value)


def test_one_line():
    assert one_line("a\n\tb\x1b[31m \u202e c") == "a b [31m c"
    assert len(one_line("x" * 1000)) == 200


DEAD = "127.0.0.1:9"


def test_a_dead_host_is_not_waited_for_by_every_file(monkeypatch):
    now, waits = [1000.0], []
    monkeypatch.setattr("builder.sources.silence.time.monotonic", lambda: now[0])

    def waited(seconds):
        waits.append(seconds)
        now[0] += 10

    def refused(url, says):
        with pytest.raises(FetchError, match=says) as caught:
            gate.get(url)
        assert (caught.value.passing, caught.value.unreachable) == (True, True)

    with LocalServer(good) as server:
        gate = HttpGate([DEAD, server.host], delay_s=0, sleep=waited)
        for number in range(3):
            refused(f"http://{DEAD}/{number}.nc", "no complete answer")
        assert len(waits) == 3 * 4
        for number in range(100):
            refused(f"http://{DEAD}/{number}.nc", "no good answer 15 times in a row")
        assert len(waits) == 3 * 4
        assert gate.get(server.url).body == CONTENT
        now[0] += 61
        refused(f"http://{DEAD}/4.nc", "no good answer 16 times in a row")
        assert len(waits) == 3 * 4 + 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_host_that_has_no_time_is_not_waited_for_by_every_file(monkeypatch, status):
    now, waits, answers = [1000.0], [], [status]
    monkeypatch.setattr("builder.sources.silence.time.monotonic", lambda: now[0])

    def waited(seconds):
        waits.append(seconds)
        now[0] += seconds

    with LocalServer(lambda _: Answer(answers[0], {"Retry-After": "120"}, b"text")) as server:
        gate = HttpGate([server.host], delay_s=0, sleep=waited)
        for number in range(3):
            with pytest.raises(FetchError, match=f"HTTP status {status}"):
                gate.get(f"{server.url}/{number}.nc")
        for number in range(100):
            with pytest.raises(FetchError, match="no good answer 15 times in a row") as caught:
                gate.get(f"{server.url}/{number}.nc")
            assert (caught.value.passing, caught.value.unreachable) == (True, False)
        assert len(server.requests) == 3 * 5
        now[0] += 61
        answers[0] = 404
        for number in range(20):
            with pytest.raises(FetchError, match="HTTP status 404"):
                gate.get(f"{server.url}/{number}.nc")


def test_a_host_that_answers_now_and_then_is_asked_on(monkeypatch):
    monkeypatch.setattr("builder.sources.silence.time.monotonic", lambda: 0.0)
    silence = Silence()

    def ask(*, answered):
        with silence.listening("a", "http://a/"):
            if not answered:
                raise requests.ConnectTimeout

    for _ in range(3):
        for _ in range(14):
            with pytest.raises(requests.ConnectTimeout):
                ask(answered=False)
        ask(answered=True)


def test_tries_from_before_an_answer_do_not_count_after_it(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("builder.sources.silence.time.monotonic", lambda: now[0])
    silence, answered = Silence(), []

    def ask(path):
        with silence.listening("a", f"http://a{path}"):
            answered.append(path)

    def hang(meanwhile=None):
        with silence.listening("a", "http://a/slow"):
            if meanwhile:
                ask(meanwhile)
            raise requests.ReadTimeout

    for _ in range(14):
        with pytest.raises(requests.ReadTimeout):
            hang()
        now[0] += 10
    with pytest.raises(requests.ReadTimeout):
        hang("/quick")
    ask("/next")
    assert answered == ["/quick", "/next"]


def test_a_host_that_starts_again_is_waited_for(monkeypatch):
    monkeypatch.setattr("builder.sources.silence.time.monotonic", lambda: 0.0)
    waits = []
    gate = HttpGate([DEAD], delay_s=0, sleep=waits.append)
    for _ in range(10):
        with pytest.raises(FetchError, match="no complete answer"):
            gate.get(f"http://{DEAD}/a.nc")
    assert len(waits) == 10 * 4


def test_a_host_that_hangs_is_left_alone_too(monkeypatch):
    monkeypatch.setattr("builder.sources.silence.RESTART_S", 0.0)
    with LocalServer(lambda _: Answer(200, {}, b"late", silence_s=1)) as server:
        gate = gate_for(server, read_s=0.05, tries=5)
        for _ in range(3):
            with pytest.raises(FetchError, match="no complete answer"):
                gate.get(server.url)
        with pytest.raises(FetchError, match="no good answer 15 times in a row") as caught:
            gate.get(server.url)
        assert (caught.value.passing, caught.value.unreachable) == (True, False)
