"""A partner far away with as many invented records as wanted, behind OAI-PMH at ``/oai`` and CKAN's action API.

Run as a script it is a process of its own that answers late, as `latency` does, with ``/counts`` and
``/change?every=N``, which gives every Nth record another title and the time of now.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import orjson

from tests.servers.latency import serve, started
from tests.synthetic import package

OLD = "2024-01-01T00:00:00Z"
EARLIEST = datetime(2014, 1, 1, tzinfo=UTC)
YEARS_S, WEEK_S = 3652 * 86_400, 7 * 86_400
OAI_PAGE = 100
CKAN_CAP = 1000
"""CKAN's default for ``ckan.search.rows_max``."""
_SINCE = re.compile(r"metadata_modified:\[(\S+) TO \*\]")
_DC = (
    '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
)


@contextmanager
def distant(records: int, *, latency_s: float = 0.1, moved: bool = False) -> Iterator[str]:
    """Serve records from another process, stamped over ten years, if ``moved`` half in one week; yields the address."""
    with started(__file__, str(records), "--latency", str(latency_s), *(["--moved"] if moved else [])) as address:
        yield address


class Partner:
    """The records of a partner, ready to be sent in both protocols."""

    def __init__(self, records: int, *, moved: bool = False) -> None:
        self.stamps = [_stamp(number, records, moved=moved) for number in range(records)]
        self._packages = [_package(number, OLD, 0) for number in range(records)]
        self._elements = [_element(number, stamp, 0) for number, stamp in enumerate(self.stamps)]

    def answer(self, head: str) -> bytes:
        """Answer a request."""
        target = urlsplit(head.split(" ", 2)[1])
        args = dict(parse_qsl(target.query))
        if target.path == "/change":
            self.change(int(args["every"]))
            return _http("text/plain", b"changed")
        if target.path == "/oai":
            return _http("text/xml", self.oai(args))
        return _http("application/json", self.ckan(args))

    def change(self, every: int) -> None:
        """Change every Nth record, now."""
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        for number in range(0, len(self.stamps), every):
            self.stamps[number] = now
            self._packages[number] = _package(number, now, 1)
            self._elements[number] = _element(number, now, 1)

    def ckan(self, args: dict[str, str]) -> bytes:
        """Answer ``package_search``, the only action there is; records lie in the order of their ids."""
        since = _SINCE.search(args.get("fq", ""))
        found = self._between(since[1] if since else "", "")
        start, rows = int(args.get("start", 0)), min(int(args.get("rows", 10)), CKAN_CAP)
        page = b",".join(self._packages[number] for number in found[start : start + rows])
        return b'{"help":"","success":true,"result":{"count":%d,"results":[%b]}}' % (len(found), page)

    def oai(self, args: dict[str, str]) -> bytes:
        """Answer ``Identify`` or ``ListRecords`` of ``oai_dc``, `OAI_PAGE` records at a time."""
        if args["verb"] == "Identify":
            return _envelope(
                "<Identify><repositoryName>Invented</repositoryName><protocolVersion>2.0</protocolVersion>"
                f"<earliestDatestamp>{EARLIEST:%Y-%m-%dT%H:%M:%SZ}</earliestDatestamp><deletedRecord>persistent</deletedRecord>"
                "<granularity>YYYY-MM-DDThh:mm:ssZ</granularity></Identify>"
            )
        begun = f"{args.get('from', '')}|{args.get('until', '')}|0"
        since, until, first = args.get("resumptionToken", begun).split("|")
        found, start = self._between(since, until), int(first)
        if not found:
            return _envelope('<error code="noRecordsMatch">none</error>')
        page = "".join(self._elements[number] for number in found[start : start + OAI_PAGE])
        token = f"{since}|{until}|{start + OAI_PAGE}" if start + OAI_PAGE < len(found) else ""
        size = f'<resumptionToken completeListSize="{len(found)}" cursor="{start}">{token}</resumptionToken>'
        return _envelope(f"<ListRecords>{page}{size}</ListRecords>")

    def _between(self, since: str, until: str) -> range | list[int]:
        """Return the records of a time, its ends included."""
        if not since and not until:
            return range(len(self.stamps))
        return [number for number, own in enumerate(self.stamps) if since <= own <= (until or "9")]


def _stamp(number: int, records: int, *, moved: bool) -> str:
    """Stamp records over ten years, or every other one in a week when they came to another system."""
    length, begin = (WEEK_S, YEARS_S // 2) if moved and number % 2 else (YEARS_S, 0)
    return f"{EARLIEST + timedelta(seconds=begin + length * number // records):%Y-%m-%dT%H:%M:%SZ}"


def _http(media_type: str, body: bytes) -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (media_type.encode(), len(body)) + body
    )


def _envelope(content: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
        f"<responseDate>{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}</responseDate><request>http://127.0.0.1/oai</request>"
        f"{content}</OAI-PMH>"
    ).encode()


def _package(number: int, stamp: str, edition: int) -> bytes:
    return orjson.dumps({**package(number, edition), "metadata_modified": stamp.removesuffix("Z")})


def _element(number: int, stamp: str, edition: int) -> str:
    """Write the same record in Dublin Core."""
    told = package(number, edition)
    extras = {extra["key"]: extra["value"] for extra in told["extras"]}
    fields = [
        ("title", told["title"]),
        ("creator", told["author"]),
        ("publisher", told["organization"]["title"]),
        ("description", told["notes"]),
        ("date", "2024-01-01"),
        ("identifier", f"https://data.example.org/{told['id']}"),
        *(("subject", tag["name"]) for tag in told["tags"]),
        ("coverage", f"DATE/TIME START: {extras['temporal-extent-begin']}"),
    ]
    lines = "".join(f"<dc:{name}>{escape(value)}</dc:{name}>" for name, value in fields)
    return (
        f"<record><header><identifier>oai:example.org:{told['id']}</identifier><datestamp>{stamp}</datestamp></header>"
        f"<metadata>{_DC}{lines}</oai_dc:dc></metadata></record>"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("records", type=int)
    parser.add_argument("--latency", type=float, default=0.1)
    parser.add_argument("--moved", action="store_true")
    said = parser.parse_args()
    asyncio.run(serve(Partner(said.records, moved=said.moved).answer, said.latency, 50e6))
