"""Inputs that a person or a program names: files, addresses, and STAC items, local or remote."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag, urlsplit

from builder.errors import UsageError
from builder.media import media_type
from builder.processing.offers import File, Offer
from builder.processing.runs import files_of
from builder.reading.locate import absolute
from builder.sources.http import HttpGate, origin_of

if TYPE_CHECKING:
    from processors.protocol import Input, Processor, Slot

MAX_BYTES = 2 * 2**30
"""Largest file that is fetched."""
MAX_ITEM = 16 * 2**20
JSON_TYPES = frozenset({"application/json", "application/geo+json"})
"""What an input takes that reads STAC items itself: local ones are given to it as they are."""
GIVE = "give a file, an address or a STAC item"


def own_host(href: str) -> HttpGate:
    """Open a gate to the host of an address, redirects included, and to no other."""
    return HttpGate([origin_of(href)], delay_s=0)


def inputs_of(
    processor: Processor,
    given: Sequence[tuple[str | None, str]],
    folder: Path,
    *,
    local: bool = True,
    gate_of: Callable[[str], HttpGate] = own_host,
) -> dict[str, list[Input]]:
    """Return what was named as inputs; remote files are fetched.

    A STAC item stands for its data files of the type that the input likes best, or for the asset that is named
    after ``#``.

    Args:
        processor: Who reads them.
        given: Name of the input (None for the first), and a path or address each.
        folder: Where fetched files are put.
        local: Whether files of this machine may be named.
        gate_of: Opens the gate through which an address is fetched.

    Raises:
        UsageError: An input is not there, or an item has no such file.
        FetchError: An address does not answer.
    """
    slots = {slot.name: slot for slot in processor.inputs}
    found: dict[str, list[Input]] = {}
    for name, text in given:
        slot = slots[name] if name else processor.inputs[0]
        for file in _files(slot, text, gate_of, local=local):
            number = sum(map(len, found.values()))
            found.setdefault(slot.name, []).append(_input(file, folder / str(number), gate_of))
    return found


def _files(slot: Slot, text: str, gate_of: Callable[[str], HttpGate], *, local: bool) -> Iterable[File]:
    href, asset = urldefrag(text) if "://" in text else _split(text)
    if "://" not in href and not local:
        raise UsageError("is no address", where=text, hint="give an http(s) address")
    if not urlsplit(href).path.lower().endswith((".json", ".geojson")):
        return [_plain(href)]
    reads_items = not JSON_TYPES.isdisjoint(slot.media_types) and not asset
    item = None if reads_items and "://" not in href else _item(href, gate_of)
    if item is None:
        return [_plain(href)]
    offer = Offer("", "", str(item.get("id")), "", "", None, None, None, tuple(_assets(item, href, local=local)))
    return _chosen(offer, slot, href, asset) or [_plain(href)]


def _chosen(offer: Offer, slot: Slot, href: str, asset: str) -> list[File]:
    """Return the files of an item that an input takes; none where it reads items itself."""
    files = [one.file for one in files_of(slot, [asset] if asset else (), offer)]
    if not files and (asset or JSON_TYPES.isdisjoint(slot.media_types)):
        raise _without(offer, slot, href, asset)
    return files


def _without(offer: Offer, slot: Slot, href: str, asset: str) -> UsageError:
    keys = ", ".join(file.key for file in offer.files) or "none"
    wanted = f"no asset {asset!r}" if asset else f"no data file for the input `{slot.name}`"
    return UsageError(f"the item has {wanted}", where=href, hint=f"name one after #: {keys}")


def _split(text: str) -> tuple[str, str]:
    """Split a path from the asset after ``#``; a file may have that in its name."""
    path, _, asset = text.partition("#")
    return (text, "") if Path(text).exists() or not asset else (path, asset)


def _item(href: str, gate_of: Callable[[str], HttpGate]) -> dict[str, Any] | None:
    import orjson

    try:
        document = orjson.loads(_body(href, gate_of))
    except OSError as trouble:
        raise UsageError(f"cannot be read: {trouble.strerror}", where=href, hint=GIVE) from trouble
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) and document.get("type") == "Feature" else None


def _body(href: str, gate_of: Callable[[str], HttpGate]) -> bytes:
    if "://" not in href:
        return Path(href).read_bytes()
    with gate_of(href) as gate:
        return gate.get(href, max_bytes=MAX_ITEM).body


def _assets(item: dict[str, Any], base: str, *, local: bool) -> Iterator[File]:
    assets = item.get("assets")
    for key, asset in assets.items() if isinstance(assets, dict) else ():
        if isinstance(asset, dict) and isinstance(asset.get("href"), str) and not asset.get("auth:refs"):
            href = absolute(asset["href"], base)
            if "://" in href or (local and "://" not in base):
                kind = asset.get("type") or media_type(urlsplit(href).path)
                yield _plain(href, key, str(kind).partition(";")[0].strip(), tuple(map(str, asset.get("roles") or ())))


def _plain(href: str, key: str = "", kind: str = "", roles: tuple[str, ...] = ()) -> File:
    path = None if "://" in href else Path(href)
    if path is not None and (path / "manifest.safe").is_file():
        path = path / "manifest.safe"
    name = path.name if path else unquote(PurePosixPath(urlsplit(href).path).name)
    return File(key, href if path is None else name, name, kind, roles, path, "")


def _input(file: File, folder: Path, gate_of: Callable[[str], HttpGate]) -> Input:
    from processors.protocol import Input

    path = file.local
    if path is None:
        path = folder / (re.sub(r"[^\w.+-]+", "_", file.name)[-150:] or "data")
        with gate_of(file.href) as gate:
            gate.download(file.href, path, max_bytes=MAX_BYTES)
    try:
        return Input.of(path, file.href)
    except OSError as trouble:
        raise UsageError(f"cannot be read: {trouble.strerror}", where=str(path), hint=GIVE) from trouble
