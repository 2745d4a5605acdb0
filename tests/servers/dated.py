"""An OAI-PMH provider in memory that lists by datestamp, and whose records a test changes while they are listed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from builder.sources.answers import Response
from builder.sources.limits import Limits
from tests.servers.local import Answer, Request

DAY, SECOND = "YYYY-MM-DD", "YYYY-MM-DDThh:mm:ssZ"
_DC = 'xmlns:d="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/"'


@dataclass
class Kept:
    """One record: its datestamp as the provider keeps it, finer than it tells; what it holds, or a title."""

    stamp: str
    title: str = "t"
    deleted: bool = False
    content: str | None = None


@dataclass
class Dated:
    """A provider; a handler of `LocalServer`, and in `gate` what answers without a server.

    Attributes:
        records: By identifier.
        now: Its clock, to the second.
        earliest: What Identify says.
        granularity: `DAY` or `SECOND`.
        rows: Records of a page.
        sized: Tokens come with the size of the list.
        before: Called with the arguments of each request before it is answered; what it returns is the answer.
    """

    records: dict[str, Kept]
    now: str = "2024-06-01T12:00:00Z"
    earliest: str = "2020-01-01T00:00:00Z"
    granularity: str = SECOND
    policy: str = "persistent"
    rows: int = 2
    sized: bool = True
    before: Callable[[dict[str, str]], bytes | None] = lambda _args: None
    asked: list[dict[str, str]] = field(default_factory=list)
    _lists: dict[str, list[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Answer:
        """Answer a request."""
        return Answer(200, {"Content-Type": "text/xml"}, self.answer(request.args))

    @property
    def gate(self) -> Any:
        """Return what a source can ask in the place of the HTTP gate."""
        provider = self

        class Gate:
            limits = Limits()

            def read(self, url: str, parse: Callable[[Response], Any]) -> Any:
                return parse(Response(url, 200, {}, provider.answer(dict(parse_qsl(urlsplit(url).query)))))

        return Gate()

    @property
    def begun(self) -> list[dict[str, str]]:
        """Arguments of the lists that were begun, in the order of their ``from`` and ``until``."""
        lists = [args for args in self.asked if args["verb"] == "ListRecords" and "resumptionToken" not in args]
        return sorted(lists, key=lambda args: (args.get("from", ""), args.get("until", "9")))

    def answer(self, args: dict[str, str]) -> bytes:
        """Answer a request, one at a time; a list is as it was when it was begun, its records as they are."""
        with self._lock:
            self.asked.append(args)
            given = self.before(args)
            return envelope(self.now, self._content(args)) if given is None else given

    def _content(self, args: dict[str, str]) -> str:
        if args["verb"] == "Identify":
            return (
                f"<Identify><repositoryName>Dated</repositoryName><earliestDatestamp>{self.earliest}"
                f"</earliestDatestamp><deletedRecord>{self.policy}</deletedRecord>"
                f"<granularity>{self.granularity}</granularity></Identify>"
            )
        if args["verb"] == "GetRecord":
            there = args["identifier"] in self.records
            content = f"<GetRecord>{self._record(args['identifier'])}</GetRecord>"
            return content if there else '<error code="idDoesNotExist">no</error>'
        name, _, first = args.get("resumptionToken", "").rpartition("|")
        if not name:
            since, until = args.get("from", ""), args.get("until", "9")
            name, first = f"{since}|{until}", "0"
            self._lists[name] = sorted(own for own, kept in self.records.items() if _within(kept.stamp, since, until))
        listed, start = self._lists[name], int(first)
        if not listed:
            return '<error code="noRecordsMatch">none</error>'
        size = f' completeListSize="{len(listed)}"' if self.sized else ""
        token = f"{name}|{start + self.rows}" if start + self.rows < len(listed) else ""
        records = "".join(self._record(own) for own in listed[start : start + self.rows])
        return f"<ListRecords>{records}<resumptionToken{size}>{token}</resumptionToken></ListRecords>"

    def _record(self, identifier: str) -> str:
        kept = self.records.get(identifier)
        if kept is None:
            return ""
        told = kept.stamp[:10] if self.granularity == DAY else f"{kept.stamp[:19]}Z"
        state = ' status="deleted"' if kept.deleted else ""
        content = f"<d:dc {_DC}><dc:title>{kept.title}</dc:title></d:dc>" if kept.content is None else kept.content
        return (
            f"<record><header{state}><identifier>{identifier}</identifier><datestamp>{told}</datestamp></header>"
            f"{'' if kept.deleted else f'<metadata>{content}</metadata>'}</record>"
        )


def _within(own: str, since: str, until: str) -> bool:
    """Compare as providers do that keep fractions: what is later than ``until`` within its second is outside."""
    kept = own.removesuffix("Z")
    return since.removesuffix("Z") <= kept and (
        kept[:10] if len(until) == len("2020-01-01") else kept
    ) <= until.removesuffix("Z")


def envelope(now: str, content: str) -> bytes:
    """Wrap what is answered."""
    return (
        f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>{now}</responseDate>'
        f"<request>http://127.0.0.1/oai</request>{content}</OAI-PMH>"
    ).encode()
