"""What earlier builds made of each record, so that a record with unchanged inputs is not composed again."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from heapq import merge
from importlib.metadata import version
from itertools import compress
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from builder.datafiles.seen import Seen
from builder.gathering.made import Common, Made, Remembered, Stretch, identifier_of, seen_of
from builder.resources import HERE, site_folder
from builder.stac.serialize import to_bytes

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from builder.definitions.model import CollectionDefinition
    from builder.gathering.compose import Composed
    from builder.ledger import Entry
    from builder.memory.state import State
    from builder.stac.context import Related

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

STRETCH = 100
"""Most records that are taken over in one go."""

FIRST, SINCE, COMMON = "made.ndjson", "made-since.ndjson", "made-common.ndjson"

PARTS = 8
"""The first file is written anew when the one of what was made since has grown to one in so many parts of it."""


class Fresh(NamedTuple):
    """A record that has to be made anew, and the key of what is made of it."""

    entry: Entry
    key: bytes


class Memo:
    """What was made of the records of one collection; asked and told in the order of their identifiers.

    It lies in two files, so that a night writes only what was made since the first was written. Lines that no longer
    count stay in the first until that is written anew (see `PARTS`). A third file has what many lines have in common.

    Args:
        state: Where it is kept.
        definition: The collection.
        around: All else that pages and objects are made from: the partner, the collection's head, addresses.
    """

    def __init__(self, state: State, definition: CollectionDefinition, *around: Mapping[str, Any] | str | bool) -> None:
        self.state, self.collection = state, definition.id
        said = [definition.model_dump_json(), *(_text(part) for part in around)]
        self.base = sha256("\0".join([maker(), *said]).encode()).digest()
        first, since = (state.file(self._name(name)) for name in (FIRST, SINCE))
        self._first, self._since = (_Lines(state.lines(self._name(name))) for name in (FIRST, SINCE))
        self._common = Common(state.lines(self._name(COMMON)))
        self._anew = not first or (since.stat().st_size if since else 0) * PARTS >= first.stat().st_size
        self._same = True
        self._part = state.overlay / f"{definition.id}.made"
        self._after = self._part.open("wb")

    def key(self, line: bytes, related: Mapping[str, Sequence[Related]]) -> bytes:
        """Return how its line in the memory begins: a digest of all that is made from a record and of its links.

        Args:
            line: The record's line in the ledger.
            related: By identifier of a record, what it is linked to.
        """
        linked = related.get(self.state.entry(self.collection, line).identifier) if related else None
        return b"%b\t" % sha256(self.base + line + (orjson.dumps(linked) if linked else b"")).hexdigest().encode()

    def stretches(self, related: Mapping[str, Sequence[Related]]) -> Iterator[tuple[Stretch, Fresh | None]]:
        """Go through the ledger.

        Args:
            related: By identifier of a record, what it is linked to.

        Yields:
            Records that follow each other and have been made from the same inputs; and the record after them that has
            to be made anew.
        """
        stretch = Stretch([], [], [])
        for line in self.state.ledger_lines(self.collection, gone=False):
            key = self.key(line, related)
            found = self._found(key, line)
            if found is not None:
                stretch.ledger.append(line)
                stretch.memory.append(found.take())
                stretch.late.append(found is self._since)
            if found is None or len(stretch.ledger) == STRETCH:
                yield stretch, None if found else self.fresh(line, related)
                stretch = Stretch([], [], [])
        yield stretch, None
        self._same = self._same and not self._since.line

    def _found(self, key: bytes, line: bytes) -> _Lines | None:
        """Return in which file the line with a key comes next; in the later one, if in both."""
        if (found := self._at_hand(key)) is None:
            identifier = self.state.entry(self.collection, line).identifier
            self._first.go_on(key, identifier)
            self._same = not self._since.go_on(key, identifier) and self._same
            found = self._at_hand(key)
        return found

    def _at_hand(self, key: bytes) -> _Lines | None:
        for lines in (self._since, self._first):
            if lines.line.startswith(key):
                return lines
        return None

    def fresh(self, line: bytes, related: Mapping[str, Sequence[Related]]) -> Fresh:
        """Read a line of the ledger as that of a record that has to be made anew."""
        return Fresh(self.state.entry(self.collection, line), self.key(line, related))

    def read(self, stretch: Stretch) -> Remembered | None:
        """Return what was made of records; None where their lines are damaged."""
        return stretch.read(self._common)

    def again(self, stretch: Stretch) -> None:
        """Remember for the next time too what was remembered."""
        self._after.writelines(stretch.memory if self._anew else compress(stretch.memory, stretch.late))

    def keep(self, made: Made) -> None:
        """Remember what was made of a record."""
        self._same = False
        self._after.write(made.line(self._common))

    def leave(self) -> None:
        """Leave what is remembered as it is."""
        self._first.close()
        self._since.close()
        self._after.close()
        self._part.unlink()

    def close(self) -> None:
        """Hand what is remembered to the state."""
        if self._same:
            self.leave()
            return
        self._after.close()
        self.state.adopt(self._name(FIRST if self._anew else SINCE), self._part)
        if self._anew:
            self.state.write(self._name(SINCE), b"")
        if self._anew or self._common.grown:
            self.state.write(self._name(COMMON), b"".join(self._common.lines(used=self._anew)))

    def _name(self, name: str) -> str:
        return f"{self.collection}/{name}"


class _Lines:
    """The lines of a file of the memory, in the order of identifiers; the next of them is at hand."""

    def __init__(self, lines: Generator[bytes, None, None]) -> None:
        self._lines = lines
        self.line = next(lines, b"")

    def take(self) -> bytes:
        """Return the line at hand, and go on to the next."""
        line, self.line = self.line, next(self._lines, b"")
        return line

    def go_on(self, key: bytes, identifier: str) -> bool:
        """Pass over lines of records that come before one, and damaged ones; tell whether there were any."""
        passed = False
        while self.line and not self.line.startswith(key) and identifier_of(self.line) < identifier:
            self.line, passed = next(self._lines, b""), True
        return passed

    def close(self) -> None:
        """Read no more."""
        self._lines.close()


def seen_before(state: State, collection: str) -> Iterator[tuple[str, Seen | None]]:
    """Yield identifiers of a collection's records, in order, and what objects were made from besides these.

    Of a record that was made anew, what was remembered before may come first.
    """
    for line in merge(*(state.lines(f"{collection}/{name}") for name in (FIRST, SINCE)), key=identifier_of):
        seen = seen_of(line) or ()
        yield identifier_of(line), Seen(*seen) if len(seen) == len(Seen._fields) else None


def may_be_kept(composed: Composed) -> bool:
    """Tell whether one can tell later that all an object was made from is as it was.

    An id that was made unique depends on other records, which may change: these are composed every time.
    """
    return not (composed.fleeting or composed.renamed)


@cache
def maker() -> str:
    """Return a digest of this program, its templates, and the libraries that show in what it makes."""
    digest = sha256()
    for folder in (HERE, site_folder()):
        for file in sorted(folder.rglob("*")):
            if file.suffix in _SUFFIXES and "node_modules" not in file.parts:
                digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
                digest.update(file.read_bytes())
    for name in _MAKERS:
        digest.update(f"{name} {version(name)}\0".encode())
    return digest.hexdigest()


def _text(part: Mapping[str, Any] | str | bool) -> str:
    return str(part) if isinstance(part, str | bool) else to_bytes(part).decode()
