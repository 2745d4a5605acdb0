"""A real OAI-PMH provider (the `oaipmh` package) over made-up or given records, as a WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Document:
    """A metadata document to be provided as it is; a body of None makes a tombstone."""

    identifier: str
    body: bytes | None
    stamp: datetime = datetime(2020, 1, 1)  # noqa: DTZ001  (oaipmh works with naive UTC)
    sets: tuple[str, ...] = ()


class Repository:
    """Records behind the interface that the package asks for."""

    def __init__(self, records: Iterable[tuple[Any, Any, None]], formats: Iterable[tuple[str, str, str]]) -> None:
        self._all = list(records)
        self._formats = list(formats)

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
        return self._formats

    def listSets(self, cursor: int = 0, batch_size: int = 10) -> list[tuple[str, str, None]]:  # noqa: N802
        """Answer ListSets."""
        specs = sorted({spec for header, _, _ in self._all for spec in header.setSpec()})
        if not specs:
            raise error.NoSetHierarchyError("there are no sets")
        return [(spec, f"Set {spec}", None) for spec in specs][cursor : cursor + batch_size]

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
    """Make a provider of made-up records 0 to ``size`` - 1, at any path.

    They are stamped a day apart from 2020-01-01; even ones are in set ``even``, the rest in ``odd``.
    """
    registry = MetadataRegistry()
    registry.registerWriter("oai_dc", oai_dc_writer)
    registry.registerWriter("pan_md", _write_panmd)
    formats = [
        ("oai_dc", "http://www.openarchives.org/OAI/2.0/oai_dc.xsd", "http://www.openarchives.org/OAI/2.0/oai_dc/"),
        ("pan_md", "http://ws.pangaea.de/schemas/pangaea/MetaData.xsd", _PANMD),
    ]
    return _wsgi(Repository(map(_made_up, range(size)), formats), registry, PAGE)


def documents_app(documents: Iterable[Document], prefix: str, page: int = PAGE) -> Callable[..., Iterable[bytes]]:
    """Make a provider of documents, each given out under ``prefix`` as it is."""

    def write(element: Any, metadata: Any) -> None:
        element.append(etree.fromstring(metadata.element()))

    registry = MetadataRegistry()
    registry.registerWriter(prefix, write)
    records = [
        (
            common.Header(None, document.identifier, document.stamp, list(document.sets), document.body is None),
            None if document.body is None else common.Metadata(document.body, {}),
            None,
        )
        for document in documents
    ]
    formats = [(prefix, "http://example.org/schema.xsd", "http://example.org/")]
    return _wsgi(Repository(records, formats), registry, page)


def _wsgi(repository: Repository, registry: Any, page: int) -> Callable[..., Iterable[bytes]]:
    server = BatchingServer(repository, registry, resumption_batch_size=page)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = server.handleRequest(dict(parse_qsl(environ["QUERY_STRING"])))
        start_response("200 OK", [("Content-Type", "text/xml; charset=utf-8")])
        return [body]

    return app


def _made_up(number: int) -> tuple[Any, Any, None]:
    stamp = datetime(2020, 1, 1) + timedelta(days=number)  # noqa: DTZ001
    gone = deleted(number)
    header = common.Header(None, identifier(number), stamp, ["odd" if number % 2 else "even"], gone)
    title = [f"Temperatur ved Tromsø, nummer {number}"]
    return header, None if gone else common.Metadata(None, {"title": title, "date": ["2020"]}), None


def _write_panmd(element: Any, metadata: Any) -> None:
    root = etree.SubElement(element, f"{{{_PANMD}}}MetaData", nsmap={"md": _PANMD})
    citation = etree.SubElement(root, f"{{{_PANMD}}}citation")
    etree.SubElement(citation, f"{{{_PANMD}}}title").text = metadata.getMap()["title"][0]
