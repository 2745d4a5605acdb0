"""A PANGAEA-like OAI-PMH provider with invented expeditions, on the PyPI package `oaipmh`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from urllib.parse import parse_qs

from ruamel.yaml import YAML

from builder.demo.templates import template


@dataclass(frozen=True, slots=True)
class Expedition:
    """One invented data set; only what varies between them."""

    number: int
    title: str
    event: str
    box: Sequence[float]
    mean: Sequence[float]
    start: str
    end: str
    columns: Sequence[Sequence[str]] = (("Depth water", "m"), ("Temperature, water", "deg C"), ("Salinity", ""))
    author: Sequence[str] = ("Hansen", "Ingrid")
    abstract: str = "Invented measurements that show how an expedition's data set looks in the catalogue."
    status: str = "published"
    restricted: bool = False
    parent: int | None = None
    children: str = ""
    deleted: bool = False


def expeditions() -> list[Expedition]:
    """Read the invented data sets."""
    rows = YAML(typ="safe").load(files("builder.demo").joinpath("expeditions.yaml").read_text(encoding="utf-8"))
    return [Expedition(**row) for row in rows]


STAMP = datetime(2019, 6, 1)  # noqa: DTZ001  (the package works with naive UTC)
BATCH = 3


class _Repository:
    """Answers the `oaipmh` server's questions from the invented data sets."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.expeditions = expeditions()

    def identify(self) -> object:
        from oaipmh.common import Identify

        return Identify(
            repositoryName="Demo expeditions (synthetic)",
            baseURL=self.url,
            protocolVersion="2.0",
            adminEmails=["nobody@example.org"],
            earliestDatestamp=datetime(2015, 1, 1),  # noqa: DTZ001
            deletedRecord="transient",
            granularity="YYYY-MM-DDThh:mm:ssZ",
            compression=["identity"],
        )

    def listMetadataFormats(self, identifier: str | None = None) -> list[tuple[str, str, str]]:  # noqa: N802  (their name)
        del identifier
        return [("pan_md", "http://ws.pangaea.de/schemas/pangaea/MetaData.xsd", "http://www.pangaea.de/MetaData")]

    def listSets(self) -> Iterator[tuple[str, str, str]]:  # noqa: N802
        yield "intaros", "INTAROS", ""

    def listRecords(self, metadataPrefix: str, **selection: object) -> Iterable[tuple[object, object, None]]:  # noqa: N802, N803
        del metadataPrefix, selection
        return [(_header(expedition), expedition, None) for expedition in self.expeditions]

    def listIdentifiers(self, metadataPrefix: str, **selection: object) -> Iterable[object]:  # noqa: N802, N803
        del metadataPrefix, selection
        return [_header(expedition) for expedition in self.expeditions]

    def getRecord(self, metadataPrefix: str, identifier: str) -> tuple[object, object, None]:  # noqa: N802, N803
        from oaipmh.error import IdDoesNotExistError

        del metadataPrefix
        for expedition in self.expeditions:
            if _identifier(expedition) == identifier:
                return _header(expedition), expedition, None
        raise IdDoesNotExistError(identifier)


def _identifier(expedition: Expedition) -> str:
    return f"oai:pangaea.de:doi:10.1594/PANGAEA.{expedition.number}"


def _header(expedition: Expedition) -> object:
    from oaipmh.common import Header

    return Header(None, _identifier(expedition), STAMP, ["intaros"], expedition.deleted)


def _write(element: object, expedition: Expedition) -> None:
    from lxml import etree

    element.append(etree.fromstring(template("panmd.xml").render(d=expedition)))  # type: ignore[attr-defined]


def provider(url: str) -> Callable[[str], bytes]:
    """Return a function from query string to OAI-PMH answer.

    Args:
        url: Base URL the provider says it has.
    """
    from oaipmh.metadata import MetadataRegistry
    from oaipmh.server import Server

    registry = MetadataRegistry()
    registry.registerWriter("pan_md", _write)
    server = Server(_Repository(url), metadata_registry=registry, resumption_batch_size=BATCH)

    def answer(query: str) -> bytes:
        arguments = {key: values[-1] for key, values in parse_qs(query, keep_blank_values=True).items()}
        return bytes(server.handleRequest(arguments))

    return answer
