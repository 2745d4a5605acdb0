"""Tables of a dataset: its files, variables, dimensions and columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

from builder.media import media_type
from builder.pages.markup import plain, safe_href
from builder.pages.values import (
    Json,
    instant,
    items,
    mapping,
    mappings,
    number,
    properties,
    remembered,
    size_words,
    text,
    texts,
    whole,
)

PARQUET = media_type("x.parquet")
ABOUT_ROLES = frozenset({"metadata", "overview", "thumbnail", "graphic"})
_HASHES = {"1220": "SHA-256", "1114": "SHA-1", "d50110": "MD5", "1340": "SHA-512"}
"""Prefix of a multihash (multiformats code and length) → algorithm."""


class File(NamedTuple):
    """An asset.

    Attributes:
        title: What it is called.
        href: Where it is; None where the address is not one a page may link to.
        address: The address as text.
        media: Media type without parameters.
        size: In words.
        bytes: As a number.
        checksum: Algorithm and hex digest.
        restricted: Whether it needs a login.
        about: Whether it describes the data instead of being data.
        picture: Whether it is a thumbnail.
    """

    title: str
    href: str | None
    address: str
    media: str
    size: str | None
    bytes: int | None
    checksum: tuple[str, str] | None
    description: str | None
    restricted: bool
    about: bool
    picture: bool


class Variable(NamedTuple):
    """A measured quantity."""

    name: str
    words: str | None
    standard_name: str | None
    unit: str | None
    dimensions: str
    auxiliary: bool


class Dimension(NamedTuple):
    """A dimension of a data cube."""

    name: str
    type: str
    size: int | None
    extent: str
    unit: str | None


class Column(NamedTuple):
    """A column of a table."""

    name: str
    words: str | None
    unit: str | None
    method: str | None


def files(stac: Json) -> tuple[File, ...]:
    """Read the assets: data first, then references, then what describes them."""
    found = [_file(key, mapping(asset)) for key, asset in mapping(stac.get("assets")).items()]
    return tuple(sorted(found, key=lambda file: (file.picture, file.about)))


def _file(key: str, asset: Json) -> File:
    roles = set(texts(asset.get("roles")))
    address = text(asset.get("href")) or ""
    size = whole(asset.get("file:size"))
    about = text(asset.get("description"))
    return File(
        title=text(asset.get("title")) or _file_name(address) or key,
        href=_opened(safe_href(address), text(asset.get("type")), roles),
        address=address,
        media=(text(asset.get("type")) or "").partition(";")[0].strip(),
        size=size_words(size),
        bytes=size,
        checksum=_checksum(text(asset.get("file:checksum")) or ""),
        description=(plain(about) or None) if about else None,
        restricted=bool(asset.get("auth:refs")),
        about=bool(roles & ABOUT_ROLES) and "data" not in roles,
        picture="thumbnail" in roles,
    )


def _opened(href: str | None, media: str | None, roles: set[str]) -> str | None:
    """Return where a browser finds something: no server of files shows a folder, as which many references are kept."""
    store = media == PARQUET and any(role.endswith("references") for role in roles)
    return f"{href}/.zmetadata" if href and store and "://" not in href else href


def _file_name(address: str) -> str | None:
    """Return the last part of an address where it looks like a file's name."""
    name = unquote(address.partition("?")[0].rpartition("/")[2])
    return text(name) if "." in name else None


def _checksum(multihash: str) -> tuple[str, str] | None:
    known = ((name, multihash.removeprefix(prefix)) for prefix, name in _HASHES.items() if multihash.startswith(prefix))
    return next(known, None)


def variables(stac: Json) -> tuple[Variable, ...]:
    """Read ``cube:variables``; without them the CF parameters. Data come before auxiliary variables."""
    fields = properties(stac)
    parameters = mappings(fields.get("cf:parameter")) or mappings(mapping(stac.get("summaries")).get("cf:parameter"))
    return _variables((fields.get("cube:variables"), parameters))


@remembered(64)
def _variables(said: Sequence[Any]) -> tuple[Variable, ...]:
    cube, parameters = mapping(said[0]), mappings(said[1])
    found = [
        Variable(
            name=name,
            words=text(entry.get("description")),
            standard_name=text(entry.get("cf:standard_name")),
            unit=text(entry.get("unit")),
            dimensions=", ".join(texts(entry.get("dimensions"))),
            auxiliary=entry.get("type") == "auxiliary",
        )
        for name, entry in ((name, mapping(entry)) for name, entry in cube.items())
    ]
    if not found:
        found = [
            Variable(name, None, name, text(entry.get("unit")), "", auxiliary=False)
            for entry in parameters
            if (name := text(entry.get("name")))
        ]
    return tuple(sorted(found, key=lambda variable: variable.auxiliary))


def dimensions(stac: Json) -> tuple[Dimension, ...]:
    """Read ``cube:dimensions``."""
    cube = mapping(properties(stac).get("cube:dimensions")).items()
    return tuple(_dimension(name, mapping(entry)) for name, entry in cube)


def _dimension(name: str, entry: Json) -> Dimension:
    sides = [_side(side) for side in items(entry.get("extent"))]
    sides = sides[:1] if len(set(sides)) == 1 else sides
    extent = " … ".join(sides) if any(side != "…" for side in sides) else ""
    kind = text(entry.get("axis")) or text(entry.get("type")) or ""
    return Dimension(name, kind, whole(entry.get("iaos:size")), extent, text(entry.get("unit")))


def _side(value: object) -> str:
    amount = number(value)
    if amount is not None:
        return f"{amount:,.7g}".replace("-", "\u2212")
    moment = instant(value)
    return moment.words if moment else text(value) or "…"


def columns(stac: Json) -> tuple[Column, ...]:
    """Read ``table:columns`` of the object or of its first asset that has them."""
    tables = [properties(stac), *(mapping(asset) for asset in mapping(stac.get("assets")).values())]
    rows = next((found for table in tables if (found := mappings(table.get("table:columns")))), [])
    return tuple(
        Column(name, text(entry.get("description")), text(entry.get("unit")), text(entry.get("method")))
        for entry in rows
        if (name := text(entry.get("name")))
    )
