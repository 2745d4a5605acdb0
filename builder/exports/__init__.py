"""Descriptions of the collections for other catalogues: DCAT-AP, ISO 19115-3 and an OAI-PMH static repository."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from builder.exports.dcat import catalogue
from builder.exports.described import Described, Publisher, describe
from builder.exports.iso import iso_bytes
from builder.exports.oai import static_repository
from builder.stac.serialize import to_bytes

__all__ = ["DCAT", "ISO", "OAI", "Described", "Publisher", "describe", "exports", "iso_bytes"]

DCAT = "dcat.jsonld"
OAI = "oai.xml"
ISO = "iso19115-3.xml"
"""Name of the record in each collection's folder."""


def exports(publisher: Publisher, described: Sequence[Described]) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of the files that describe all collections to other catalogues.

    Both formats are about addresses, so nothing comes without a base URL; OAI-PMH also asks for a mailbox.
    """
    if publisher.base:
        yield DCAT, to_bytes(catalogue(publisher, described))
    if publisher.base and publisher.contact and described:
        yield OAI, static_repository(publisher, described)
