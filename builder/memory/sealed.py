"""Seals what a run remembers of its work: what is damaged, or was made from something else, counts as unknown."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import orjson

_SEALED = '{"seal":"%s","said":'
_BEGIN = len(_SEALED % ("0" * 64))


def sealed(key: str, said: bytes) -> bytes:
    """Return JSON text to be remembered, with a digest of it and of what it was made from.

    Args:
        key: Names all that it was made from.
        said: The text.
    """
    digest = sha256(key.encode() + b"\0" + said).hexdigest()
    return b"%b%b}" % ((_SEALED % digest).encode(), said)


def opened(key: str, data: bytes | None) -> Any:
    """Return what was sealed with the same key; None where nothing is remembered, or not that."""
    body = (data or b"")[_BEGIN:-1]
    return orjson.loads(body) if data == sealed(key, body) else None
