"""What an object was made from besides its record, and by what one tells later that nothing of it has changed."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from builder.memory.state import cache_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.dataset import Resource
    from builder.enrich.inspection import Inspection


class Seen(NamedTuple):
    """A data file that was looked into, if there is one, and local files that were copied; all of it goes into JSON.

    Attributes:
        kept: What the state calls what was found in the file; empty where none was looked into.
        found: SHA-256 of that, hex.
        href: Address of the file, as its record has it.
        local: Where it lies below the folder of the definition; None for a partner's.
        size: Bytes.
        etag: What the server called this version of it.
        last_modified: When it was changed, in the server's words.
        mtime_ns: When a local file was changed.
        copy: What the state calls a readable copy of it.
        reads: Address from which pages read it; empty where they cannot.
        web: Whether that host lets pages of other origins read.
        referenced: Whether there are references into it.
        combine_key: Equal for files whose references stack.
        copies: Local files beside the item: path below the folder of the definition, size, time of change.
    """

    kept: str = ""
    found: str = ""
    href: str = ""
    local: str | None = None
    size: int = 0
    etag: str | None = None
    last_modified: str | None = None
    mtime_ns: int | None = None
    copy: str | None = None
    reads: str = ""
    web: bool = False
    referenced: bool = False
    combine_key: str | None = None
    copies: tuple[tuple[str, int, int], ...] = ()


def seen_in(name: str, data: bytes, resource: Resource, found: Inspection) -> Seen:
    """Return by what one tells later that a file is still the one that something was found in.

    Args:
        name: What the state calls what was found.
        data: What it keeps.
        resource: The file as it was asked for.
        found: The same as ``data``.
    """
    return Seen(
        kept=name,
        found=sha256(data).hexdigest(),
        href=resource.href,
        local=resource.local,
        size=found.size,
        etag=found.etag,
        last_modified=found.last_modified,
        mtime_ns=found.mtime_ns,
        copy=found.copy.kept if found.copy is not None else None,
        reads=read_from(found) if found.references is not None else "",
        referenced=found.references is not None,
        combine_key=found.combine_key,
    )


def read_from(found: Inspection) -> str:
    """Return from where pages read a file that has references."""
    return found.copy.href if found.copy is not None else found.href


def with_copies(seen: Seen | None, base: Path, copies: Mapping[str, str]) -> Seen | None:
    """Add local files that are about to be copied, as they are now.

    Args:
        seen: What else there is.
        base: Folder of the definition.
        copies: As `builder.gathering.compose.Composed` has them.
    """
    if not copies:
        return seen
    facts = ((local, (base / local).stat()) for local in sorted(set(copies.values())))
    return (seen or Seen())._replace(copies=tuple((name, fact.st_size, fact.st_mtime_ns) for name, fact in facts))


def tried(collection: str, identifier: str) -> str:
    """Return by what the state tells that the file of a record was tried in vain: such a record is shown without it."""
    return cache_name("tried", collection, identifier)


def waiting_in(collection: str) -> str:
    """Return the folder of the state with a file for each record of a collection of which `waits` tells."""
    return f"waiting/{collection}"


def waits(collection: str, identifier: str) -> str:
    """Return by what the state tells that a record is shown without its file, which waits to be looked into."""
    return cache_name(waiting_in(collection), identifier)
