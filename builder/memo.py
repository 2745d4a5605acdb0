"""What earlier builds made of each record, so that a record with unchanged inputs is not composed again."""

from __future__ import annotations

import tempfile
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from zlib import crc32

import orjson

from builder.findings import Finding, finding_of
from builder.resources import site_folder
from builder.stac.serialize import to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from builder.compose import Composed
    from builder.definitions.model import CollectionDefinition
    from builder.ledger import Entry
    from builder.stac.context import Related
    from builder.stac.summaries import SummaryShare
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

STRETCH = 100
"""Most records that are taken over in one go."""


class Share(NamedTuple):
    """What an object adds to what is said of all together; JSON text but for the first and last.

    Attributes:
        summary: `builder.stac.summaries.share_of` it.
        rest: `builder.stac.summaries.rest_of` it.
        listed: Its line in the list of its collection.
        found: `builder.index.described.line_of` it.
        row: `builder.tables.writer.share_of` its row, or null.
        shapes: `builder.tables.writer.shapes_of` its row, or null.
        files: How many open files it has.
    """

    summary: SummaryShare
    rest: bytes
    listed: bytes
    found: bytes
    row: bytes
    shapes: bytes
    files: int


class Shares(NamedTuple):
    """Identifiers, ids and paths of objects that follow each other, and their shares: a column for each part."""

    identifiers: Sequence[str]
    ids: Sequence[str]
    paths: Sequence[str]
    summaries: Sequence[SummaryShare]
    rests: Sequence[bytes]
    listed: Sequence[bytes]
    found: Sequence[bytes]
    rows: Sequence[bytes]
    shapes: Sequence[bytes]
    files: Sequence[int]


class Made(NamedTuple):
    """What was made of one record.

    Attributes:
        identifier: The record's identifier.
        key: What `Memo.key` returned for it.
        id: Id of the STAC object.
        path: Its path.
        files: Path and SHA-256 of everything that stands beside it, itself included.
        findings: What was doubtful.
        share: What it adds to what is said of all together.
    """

    identifier: str
    key: bytes
    id: str
    path: str
    files: Mapping[str, str]
    findings: tuple[Finding, ...]
    share: Share

    def shares(self) -> Shares:
        """Return its share as that of objects of which there is one."""
        return Shares._make([part] for part in (self.identifier, self.id, self.path, *self.share))

    def line(self) -> bytes:
        """Return it as a line: key, checksum of the rest, JSON texts; none of them holds a tab."""
        summary, *texts, files = self.share
        about = (self.identifier, self.id, self.path, self.files, self.findings, files)
        rest = b"\t".join((orjson.dumps(about), orjson.dumps(tuple(summary)), *texts)) + b"\n"
        return b"%b%d\t%b" % (self.key, crc32(rest), rest)


class Remembered(NamedTuple):
    """What was made of records that follow each other.

    Attributes:
        files: Path and SHA-256 of all files of theirs.
        findings: What was doubtful.
        shares: What they add to what is said of all together.
    """

    files: Mapping[str, str]
    findings: Sequence[Finding]
    shares: Shares


class Stretch(NamedTuple):
    """Records that follow each other and have not changed: their lines in the ledger, and in the memory."""

    ledger: list[bytes]
    memory: list[bytes]

    def singly(self) -> Iterator[Stretch]:
        """Yield each by itself."""
        return (Stretch([line], [memory]) for line, memory in zip(self.ledger, self.memory, strict=True))

    def read(self) -> Remembered | None:
        """Return what was made of them; None where a line of the memory is damaged."""
        parts = [line[:-1].split(b"\t") for line in self.memory]
        if not all(map(_is_whole, self.memory, parts)):
            return None
        _, _, about, summaries, *texts = zip(*parts, strict=True)
        identifiers, ids, paths, files, findings, counts = zip(*_array(about), strict=True)
        shares = Shares._make((identifiers, ids, paths, _array(summaries), *texts, counts))
        said = tuple(map(finding_of, chain.from_iterable(findings)))
        return Remembered(dict(chain.from_iterable(map(dict.items, files))), said, shares)


class Fresh(NamedTuple):
    """A record that has to be made anew, and the key of what is made of it."""

    entry: Entry
    key: bytes


class Memo:
    """What was made of the records of one collection; asked and told in the order of their identifiers.

    Args:
        state: Where it is kept.
        definition: The collection.
        around: All else that pages and objects are made from: the partner, the collection's head, addresses.
    """

    def __init__(self, state: State, definition: CollectionDefinition, *around: Mapping[str, Any] | str | bool) -> None:
        self.state, self.collection = state, definition.id
        self.name = f"{definition.id}/made.ndjson"
        said = [definition.model_dump_json(), *(_text(part) for part in around)]
        self.base = sha256("\0".join([maker(), *said]).encode()).digest()
        self._lines = self.state.lines(self.name)
        self._same = True
        self._after = tempfile.TemporaryFile(dir=state.overlay)  # noqa: SIM115  (closed with the memo)

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
        stretch = Stretch([], [])
        memory = next(self._lines, b"")
        for line in self.state.ledger_lines(self.collection, gone=False):
            key = self.key(line, related)
            if not memory.startswith(key):
                identifier = self.state.entry(self.collection, line).identifier
                while memory and not memory.startswith(key) and _identifier(memory) < identifier:
                    memory, self._same = next(self._lines, b""), False
            known = memory.startswith(key)
            if known:
                stretch.ledger.append(line)
                stretch.memory.append(memory)
                memory = next(self._lines, b"")
            if not known or len(stretch.ledger) == STRETCH:
                yield stretch, None if known else self.fresh(line, related)
                stretch = Stretch([], [])
        yield stretch, None
        self._same = self._same and not memory

    def fresh(self, line: bytes, related: Mapping[str, Sequence[Related]]) -> Fresh:
        """Read a line of the ledger as that of a record that has to be made anew."""
        return Fresh(self.state.entry(self.collection, line), self.key(line, related))

    def again(self, stretch: Stretch) -> None:
        """Remember for the next time too what was remembered."""
        self._after.writelines(stretch.memory)

    def keep(self, made: Made) -> None:
        """Remember what was made of a record."""
        self._same = False
        self._after.write(made.line())

    def leave(self) -> None:
        """Leave what is remembered as it is."""
        self._lines.close()
        self._after.close()

    def close(self) -> None:
        """Hand what is remembered to the state."""
        with self._after as after:
            if not self._same:
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


def _identifier(line: bytes) -> str:
    """Return of which record a line is; nothing, which comes before all, where it is damaged."""
    try:
        return str(orjson.loads(line.split(b"\t", 3)[2])[0])
    except (orjson.JSONDecodeError, IndexError, TypeError):
        return ""


def _is_whole(line: bytes, parts: Sequence[bytes]) -> bool:
    """Tell whether the checksum in a line is that of what stands behind it."""
    return parts[1] == b"%d" % crc32(memoryview(line)[len(parts[0]) + len(parts[1]) + 2 :])


def _array(texts: Sequence[bytes]) -> list[Any]:
    """Read JSON texts together."""
    return cast("list[Any]", orjson.loads(b"[%b]" % b",".join(texts)))
