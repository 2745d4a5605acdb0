"""Faults that real partners' servers have shown, put in front of any handler on chosen requests.

``Faulty(handler, once(3, FAULTS["cut"]))`` spoils the third request only;
``Faulty(handler, lasting(3, FAULTS["cut"]))`` every request from the third on.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import count

from tests.servers.local import Answer, Handler, Request

Fault = Callable[[Request, Answer], Answer]
Plan = Callable[[int], Fault | None]


class Faulty:
    """A handler that lets a plan spoil another handler's answers; requests are counted from 1."""

    def __init__(self, handler: Handler, plan: Plan) -> None:
        self._handler = handler
        self._plan = plan
        self._count = count(1)

    def __call__(self, request: Request) -> Answer:
        fault = self._plan(next(self._count))
        answer = self._handler(request)
        return fault(request, answer) if fault else answer


def once(number: int, fault: Fault) -> Plan:
    """Spoil one request."""
    return lambda n: fault if n == number else None


def lasting(number: int, fault: Fault) -> Plan:
    """Spoil a request and all that follow."""
    return lambda n: fault if n >= number else None


def status(code: int, retry_after: str | None = None) -> Fault:
    """Answer with a status, an HTML body and, if given, a Retry-After header."""
    headers = {"Content-Type": "text/html"} | ({"Retry-After": retry_after} if retry_after else {})
    return lambda _request, _answer: Answer(code, headers, b"<html><body>Try later</body></html>")


def redirect(location: str) -> Fault:
    """Send elsewhere; an empty location means the same address again."""
    return lambda request, _answer: Answer(302, {"Location": location or request.target})


def body(content: bytes, media_type: str = "text/html") -> Fault:
    """Answer 200 with another body."""
    return lambda _request, _answer: Answer(200, {"Content-Type": media_type}, content)


def cut(_request: Request, answer: Answer) -> Answer:
    """Send half of the body, with the length of that half."""
    return replace(answer, body=answer.body[: len(answer.body) // 2])


def cut_lying(_request: Request, answer: Answer) -> Answer:
    """Send half of the body with the length of the whole, then close."""
    return replace(answer, body=answer.body[: len(answer.body) // 2], declared=len(answer.body))


def slow(_request: Request, answer: Answer) -> Answer:
    """Send a byte now and then, for much longer than anyone should wait."""
    return replace(answer, pace_s=0.02)


def slow_head(_request: Request, answer: Answer) -> Answer:
    """Send the headers at that pace too, and a long one among them."""
    return replace(answer, headers={**answer.headers, "X-Long": "x" * 5000}, pace_s=0.02, pace_head=True)


def hang(_request: Request, answer: Answer) -> Answer:
    """Take the request and say nothing for longer than a drill's patience."""
    return replace(answer, silence_s=30)


def reset(_request: Request, answer: Answer) -> Answer:
    """Reset the connection in the middle of the body."""
    return replace(answer, reset=True)


def gzip_cut(_request: Request, answer: Answer) -> Answer:
    """Send half of a gzip body, with the length of that half."""
    packed = gzip.compress(answer.body, mtime=0)
    return replace(answer, headers={**answer.headers, "Content-Encoding": "gzip"}, body=packed[: len(packed) // 2])


def gzip_bomb(_request: Request, answer: Answer) -> Answer:
    """Send 32 MiB of blanks in 32 kB."""
    return replace(answer, headers={**answer.headers, "Content-Encoding": "gzip"}, body=_bomb())


@cache
def _bomb() -> bytes:
    return gzip.compress(b" " * 2**25, mtime=0)


def latin_1(_request: Request, answer: Answer) -> Answer:
    """Put bytes of ISO-8859-1 in the place of the Norwegian letters."""
    text = answer.body.decode()
    return replace(answer, body=b"".join(c.encode("latin-1" if c in "æøåÆØÅ" else "utf-8") for c in text))


def bad_utf8(_request: Request, answer: Answer) -> Answer:
    """Take the second byte of each Norwegian letter away, as who cuts a text by bytes."""
    return replace(answer, body=re.sub(rb"\xc3[\x80-\xbf]", b"\xc3", answer.body))


def repeated_token(request: Request, answer: Answer) -> Answer:
    """Give back the very token that was sent (nothing where none was sent)."""
    sent = request.args.get("resumptionToken")
    if sent is None:
        return answer
    element = f"<resumptionToken>{sent.replace('&', '&amp;')}</resumptionToken>".encode()
    bare = re.sub(rb"<resumptionToken.*?</resumptionToken>", b"", answer.body)
    return replace(answer, body=bare.replace(b"</ListRecords>", element + b"</ListRecords>"))


def oai_error(code: str) -> Fault:
    """Answer with an OAI-PMH error."""
    return body(
        b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2024-01-01T00:00:00Z</responseDate>'
        b'<request>http://127.0.0.1/oai</request><error code="%s">no</error></OAI-PMH>' % code.encode(),
        "text/xml",
    )


FAULTS: dict[str, Fault] = {
    "503, Retry-After in seconds": status(503, "7"),
    "503, Retry-After as a date": status(503, "Wed, 21 Oct 2065 07:28:00 GMT"),
    "503, Retry-After of 11 days": status(503, "999999"),
    "503, Retry-After nonsense": status(503, "soon²"),
    "429": status(429, "1"),
    "500": status(500),
    "cut, true length": cut,
    "cut, lying length": cut_lying,
    "HTML with 200": body(b"<!DOCTYPE html><html><body>Maintenance<br></body></html>"),
    "empty body": body(b"", "text/xml"),
    "a byte now and then": slow,
    "gzip cut": gzip_cut,
    "gzip bomb": gzip_bomb,
    "redirect loop": redirect(""),
    "redirect to another host": redirect("http://evil.invalid/"),
    "bad UTF-8": latin_1,
    "repeated token": repeated_token,
    "expired token": oai_error("badResumptionToken"),
}

_DATE, _HUGE = "Wed, 21 Oct 2065 07:28:00 GMT", "999999"
R1: dict[str, Fault] = {
    "503, Retry-After in seconds": status(503, "1"),
    "503, Retry-After as a date": status(503, _DATE),
    "503, Retry-After of 11 days": status(503, _HUGE),
    "429, Retry-After in seconds": status(429, "1"),
    "429, Retry-After as a date": status(429, _DATE),
    "429, Retry-After of 11 days": status(429, _HUGE),
    "hang": hang,
    "headers byte by byte": slow_head,
    "reset": reset,
    "latin-1": latin_1,
    "bad UTF-8": bad_utf8,
    **{
        name: FAULTS[name]
        for name in (
            "500",
            "a byte now and then",
            "cut, true length",
            "cut, lying length",
            "gzip cut",
            "gzip bomb",
            "HTML with 200",
            "empty body",
            "expired token",
            "repeated token",
            "redirect loop",
        )
    },
}
"""The 18 faults that a harvest must outlive; of those with Retry-After both statuses, and the slow one in two ways."""
