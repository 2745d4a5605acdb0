"""Finds the chunk index of an HDF5 dataset in its object header, which HDF5's own interface does not tell.

HDF5 File Format Specification 3.0, sections IV.A.1 (object headers) and IV.A.2.i (data layout message, version 3).
"""

from __future__ import annotations

from collections.abc import Iterator

from builder.references.btree import UNDEFINED, UnknownIndexError
from builder.references.table import Range, Read

LAYOUT, CONTINUATION = 0x0008, 0x0010
FIRST_READ = 1024
MAX_BLOCK = 1 << 20
MAX_BLOCKS = 64


def chunk_index(read: Read, address: int) -> int | None:
    """Return the address of a dataset's version 1 B-tree; None where no chunk was ever written.

    Raises:
        UnknownIndexError: The header or its layout message is of another version.
    """
    start, length, version, ordered = _first_block(read, address)
    blocks: list[Range] = [(start, length)]
    for done in range(MAX_BLOCKS):
        if done == len(blocks):
            break
        (body,) = read([blocks[done]])
        if version == 2 and done:
            if body[:4] != b"OCHK":
                raise UnknownIndexError("a continued object header has no signature")
            body = body[4:-4]
        for kind, message in _messages(body, version, ordered=ordered):
            if kind == LAYOUT:
                return _tree_of(message)
            if kind == CONTINUATION and len(message) >= 16:
                blocks.append((_number(message, 0, 8), min(_number(message, 8, 8), MAX_BLOCK)))
    raise UnknownIndexError("an object header without a data layout")


def _first_block(read: Read, address: int) -> tuple[int, int, int, bool]:
    """Return where the first messages lie, how long they are, the header's version, and if they carry an order."""
    (head,) = read([(address, FIRST_READ)])
    if head[:1] == b"\x01" and len(head) >= 16:
        return address + 16, min(_number(head, 8, 4), MAX_BLOCK), 1, False
    if head[:5] != b"OHDR\x02" or len(head) < 64:
        raise UnknownIndexError("an object header of an unknown version")
    flags = head[5]
    at = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    return address + at + width, min(_number(head, at, width), MAX_BLOCK), 2, bool(flags & 4)


def _messages(body: bytes, version: int, *, ordered: bool) -> Iterator[tuple[int, bytes]]:
    head = 8 if version == 1 else 6 if ordered else 4
    at = 0
    while at + head <= len(body):
        kind = _number(body, at, 2 if version == 1 else 1)
        size = _number(body, at + (2 if version == 1 else 1), 2)
        yield kind, body[at + head : at + head + size]
        at += head + size


def _tree_of(message: bytes) -> int | None:
    if message[:2] != b"\x03\x02" or len(message) < 11:
        raise UnknownIndexError("a chunk index that is no version 1 B-tree")
    address = _number(message, 3, 8)
    return None if address == UNDEFINED else address


def _number(data: bytes, at: int, width: int) -> int:
    return int.from_bytes(data[at : at + width], "little")
