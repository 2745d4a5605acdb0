"""Accepts kerchunk references only where every one of them leads into a file that the item itself offers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from builder.errors import UnreferenceableError
from builder.references.encode import FILES

_KEY = re.compile(r"(?!/)(?!.*(?:^|/)\.\.?(?:/|$))[^\x00-\x1f\x7f\\{}]{1,1000}")
"""A path below the store: no root, no step up, no control characters, no template."""


def is_references(content: Any) -> bool:
    """Tell whether a JSON document is meant as kerchunk references of any version."""
    return isinstance(content, Mapping) and isinstance(content.get("refs"), Mapping)


def accept_references(content: Any, offers: Callable[[str], bool]) -> set[str]:
    """Check references of version 1 (https://fsspec.github.io/kerchunk/spec.html) and return their targets.

    Templates and generators are refused: the first are programs, the second unfold without bound.

    Args:
        content: The parsed document.
        offers: Tells whether an address is one of the item's own files.

    Raises:
        UnreferenceableError: Something in it would be read that the item does not offer.
    """
    if not is_references(content) or content.keys() - {"version", "refs", FILES} or content.get("version") != 1:
        raise UnreferenceableError("references other than plain ones of version 1 are refused")
    targets: set[str] = set()
    for key, value in content["refs"].items():
        if not _KEY.fullmatch(key):
            raise UnreferenceableError(f"the key {key[:80]!r} of the references leads out of the store")
        if not isinstance(value, str | dict):
            targets.add(_target(key, value))
    for target in sorted(targets):
        if not target.startswith(("http://", "https://")) or not offers(target):
            raise UnreferenceableError(f"the references read {target[:200]!r}, which the item does not offer")
    return targets


def _target(key: str, value: Any) -> str:
    match value:
        case [str(target)]:
            return target
        case [str(target), int(offset), int(length)] if offset >= 0 and length >= 0:
            return target
        case _:
            raise UnreferenceableError(f"the reference {key[:80]!r} is neither text nor address, offset and length")
