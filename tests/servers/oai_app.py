"""A real OAI-PMH provider (the `oaipmh` package) over made-up records, as a WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from lxml import etree
from oaipmh import common, error
from oaipmh.metadata import MetadataRegistry
from oaipmh.server import BatchingServer, oai_dc_writer

SIZE = 250
PAGE = 50
DELETED_EVERY = 17
"""Records 16, 33, ... are tombstones: 14 of 250."""

_PANMD = "http://www.pangaea.de/MetaData"


def identifier(number: int) -> str:
    """Return the identifier of a record."""
    return f"oai:example.org:{number:04d}"


def deleted(number: int) -> bool:
    """Tell whether a record is a tombstone."""
    return number % DELETED_EVERY == DELETED_EVERY - 1


class Repository:
    """Records 0 to 249, a day apart from 2020-01-01; even ones are in set ``even``, the rest in ``odd``."""

    def __init__(self, size: int = SIZE) -> None:
        self._all = [self._make(number) for number in range(size)]

    @staticmethod
    def _make(number: int) -> tuple[Any, Any, None]:
        stamp = datetime(2020, 1, 1) + timedelta(days=number)  # noqa: DTZ001  (oaipmh works with naive UTC)
        gone = deleted(number)
        header = common.Header(None, identifier(number), stamp, ["odd" if number % 2 else "even"], gone)
        title = [f"Temperatur ved Tromsø, nummer {number}"]
        return header, None if gone else common.Metadata(None, {"title": title, "date": ["2020"]}), None

    def identify(self) -> Any:
        """Answer Identify."""
        return common.Identify(
            repositoryName="Made up",
            baseURL="http://127.0.0.1/oai",
            protocolVersion="2.0",
            adminEmails=["nobody@example.org"],
            earliestDatestamp=datetime(2020, 1, 1),  # noqa: DTZ001
            deletedRecord="persistent",
            granularity="YYYY-MM-DDThh:mm:ssZ",
            compression=["identity"],
        )

    def listMetadataFormats(self, identifier: str | None = None) -> list[tuple[str, str, str]]:  # noqa: N802
        """Answer ListMetadataFormats."""
        return [
            ("oai_dc", "http://www.openarchives.org/OAI/2.0/oai_dc.xsd", "http://www.openarchives.org/OAI/2.0/oai_dc/"),
            ("pan_md", "http://ws.pangaea.de/schemas/pangaea/MetaData.xsd", _PANMD),
        ]

    def listSets(self, cursor: int = 0, batch_size: int = 10) -> list[tuple[str, str, None]]:  # noqa: N802
        """Answer ListSets."""
        return [("even", "Even numbers", None), ("odd", "Odd numbers", None)][cursor : cursor + batch_size]

    def listRecords(  # noqa: N802
        self,
        metadataPrefix: str,  # noqa: N803
        set: str | None = None,  # noqa: A002
        from_: datetime | None = None,
        until: datetime | None = None,
        cursor: int = 0,
        batch_size: int = 10,
    ) -> list[Any]:
        """Answer ListRecords."""
        found = [
            record
            for record in self._all
            if (set is None or set in record[0].setSpec())
            and (from_ is None or record[0].datestamp() >= from_)
            and (until is None or record[0].datestamp() <= until)
        ]
        return found[cursor : cursor + batch_size]

    def listIdentifiers(self, **kw: Any) -> list[Any]:  # noqa: N802
        """Answer ListIdentifiers."""
        return [header for header, _, _ in self.listRecords(**kw)]

    def getRecord(self, metadataPrefix: str, identifier: str) -> Any:  # noqa: N802, N803
        """Answer GetRecord."""
        for record in self._all:
            if record[0].identifier() == identifier:
                return record
        raise error.IdDoesNotExistError(f"{identifier} is unknown")


def oai_app(size: int = SIZE) -> Callable[..., Iterable[bytes]]:
    """Make the provider as a WSGI application, at any path."""
    registry = MetadataRegistry()
    registry.registerWriter("oai_dc", oai_dc_writer)
    registry.registerWriter("pan_md", _write_panmd)
    server = BatchingServer(Repository(size), registry, resumption_batch_size=PAGE)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = server.handleRequest(dict(parse_qsl(environ["QUERY_STRING"])))
        start_response("200 OK", [("Content-Type", "text/xml; charset=utf-8")])
        return [body]

    return app


def _write_panmd(element: Any, metadata: Any) -> None:
    root = etree.SubElement(element, f"{{{_PANMD}}}MetaData", nsmap={"md": _PANMD})
    citation = etree.SubElement(root, f"{{{_PANMD}}}citation")
    etree.SubElement(citation, f"{{{_PANMD}}}title").text = metadata.getMap()["title"][0]
