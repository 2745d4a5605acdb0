"""What earlier builds made of each record, so that a record with unchanged inputs is not composed again."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from builder.findings import Finding, finding_of
from builder.resources import site_folder
from builder.stac.serialize import to_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from builder.compose import Composed
    from builder.definitions.model import CollectionDefinition
    from builder.ledger import Entry
    from builder.stac.context import Related
    from builder.state import State

_MAKERS = (
    "antimeridian",
    "jinja2",
    "markdown-it-py",
    "markupsafe",
    "nh3",
    "numpy",
    "orjson",
    "pyarrow",
    "pyproj",
    "pystac",
    "shapely",
)
"""Libraries whose version may show in what is made."""

_SUFFIXES = frozenset({".py", ".html", ".toml", ".css", ".svg", ".tsv", ".yaml", ".json"})


@dataclass(frozen=True, slots=True)
class Made:
    """What was made of one record.

    Attributes:
        identifier: The record's identifier.
        key: Digest of all it was made from.
        id: Id of the STAC object.
        path: Its path.
        files: Path and SHA-256 of everything that stands beside it, itself included.
        findings: What was doubtful.
        share: What it adds to what is said of all together, see `builder.gather.share_of`.
    """

    identifier: str
    key: str
    id: str
    path: str
    files: Mapping[str, str]
    findings: tuple[Finding, ...]
    share: Mapping[str, Any]


class Memo:
    """What was made of the records of one collection; asked and told in the order of their identifiers.

    Args:
        state: Where it is kept.
        definition: The collection.
        around: All else that pages and objects are made from: the partner, the collection's head, addresses.
    """

    def __init__(self, state: State, definition: CollectionDefinition, *around: Mapping[str, Any] | str | bool) -> None:
        self.state = state
        self.name = f"{definition.id}/made.ndjson"
        said = [definition.model_dump_json(), *(_text(part) for part in around)]
        self.base = sha256("\0".join([maker(), *said]).encode()).digest()
        self._lines = self.state.lines(self.name)
        self._next = next(self._lines, None)
        self._same = True
        self._after = tempfile.TemporaryFile(dir=state.overlay)  # noqa: SIM115  (closed with the memo)

    def key(self, entry: Entry, related: Sequence[Related] = ()) -> str:
        """Return the digest of all that is made from a record and of what it is linked to."""
        return sha256(self.base + orjson.dumps(entry) + (orjson.dumps(related) if related else b"")).hexdigest()

    def recall(self, entry: Entry, related: Sequence[Related] = ()) -> Made | None:
        """Return what was made of a record from the same inputs, or None."""
        while self._next is not None and (found := _read(self._next)).identifier <= entry.identifier:
            if found.identifier == entry.identifier:
                return found if found.key == self.key(entry, related) else None
            self._next, self._same = next(self._lines, None), False
        return None

    def again(self) -> None:
        """Remember what was recalled last for the next time too."""
        assert self._next is not None
        self._after.write(self._next)
        self._next = next(self._lines, None)

    def keep(self, made: Made) -> None:
        """Remember what was made of a record."""
        line = orjson.dumps(made) + b"\n"
        if line == self._next:
            self._next = next(self._lines, None)
        else:
            self._same = False
        self._after.write(line)

    def leave(self) -> None:
        """Leave what is remembered as it is."""
        self._lines.close()
        self._after.close()

    def close(self) -> None:
        """Hand what is remembered to the state."""
        with self._after as after:
            if not self._same or self._next is not None:
                after.seek(0)
                self.state.write_from(self.name, after)


def may_be_kept(composed: Composed) -> bool:
    """Tell whether a record's own bytes and the definition are all an object was made from.

    Data files that were looked into or copied may change without the record, and an id that was
    made unique depends on other records: these are composed every time.
    """
    return not (composed.inspected or composed.copies or composed.renamed)


@cache
def maker() -> str:
    """Return a digest of this program, its templates, and the libraries that show in what it makes."""
    digest = sha256()
    for folder in (Path(__file__).parent, site_folder()):
        for file in sorted(folder.rglob("*")):
            if file.suffix in _SUFFIXES and "node_modules" not in file.parts:
                digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
                digest.update(file.read_bytes())
    for name in _MAKERS:
        digest.update(f"{name} {version(name)}\0".encode())
    return digest.hexdigest()


def _text(part: Mapping[str, Any] | str | bool) -> str:
    return str(part) if isinstance(part, str | bool) else to_bytes(part).decode()


def _read(line: bytes) -> Made:
    said = orjson.loads(line)
    return Made(**{**said, "findings": tuple(map(finding_of, said["findings"]))})
