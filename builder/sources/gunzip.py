"""Unpacks gzip as it arrives, in small pieces, and notices when the end is missing."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

PIECE = 2**16
_GZIP = 16 + zlib.MAX_WBITS


def gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the unpacked content of one or more gzip members (RFC 1952) in pieces of at most 64 KiB.

    urllib3 takes a gzip body that breaks off for a complete one; a listing cut like that would
    look like a shorter listing.

    Raises:
        EOFError: The last member is not complete.
        zlib.error: It is not gzip.
    """
    member = None
    for chunk in chunks:
        rest = chunk
        while rest:
            if member is None or member.eof:
                member = zlib.decompressobj(_GZIP)
            piece = member.decompress(rest, PIECE)
            rest = member.unused_data or member.unconsumed_tail
            if piece:
                yield piece
    if member is not None and not member.eof:
        tail = member.flush()
        if tail:
            yield tail
        if not member.eof:
            raise EOFError("gzip body breaks off")
