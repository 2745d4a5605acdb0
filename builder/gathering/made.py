"""What was made of a record, as it is remembered: a line of text that goes over unread where nothing changed."""

from __future__ import annotations

from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from zlib import crc32

import orjson

from builder.findings import Finding, finding_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from builder.stac.summaries import SummaryShare


MOST_COMMON = 1000
"""Most texts that have a name; others stand in their lines."""


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
        seen: What it was made from besides its record, as `builder.datafiles.seen.Seen` or the same from JSON.
    """

    summary: SummaryShare
    rest: bytes
    listed: bytes
    found: bytes
    row: bytes
    shapes: bytes
    files: int
    seen: Sequence[Any] | None


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
    seen: Sequence[Sequence[Any] | None]


class Common:
    """Texts that many lines share, and in their place have a name: an equals sign and a digest.

    Args:
        lines: What `lines` yielded when it was remembered; a damaged one has a name that nobody asks for.

    Attributes:
        grown: Whether any text is new.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._texts = {_name_of(line[:-1]): line[:-1] for line in lines}
        self._used: set[bytes] = set()
        self.grown = False

    def name(self, text: bytes) -> bytes:
        """Return the name of a text, or the text where it is short or there are `MOST_COMMON` others."""
        name = _name_of(text)
        if name not in self._texts:
            if len(text) < 2 * len(name) or len(self._texts) >= MOST_COMMON:
                return text
            self._texts[name] = text
            self.grown = True
        self._used.add(name)
        return name

    def texts(self, names: Sequence[bytes]) -> list[bytes]:
        """Return texts for names, and what is no name as it is; nothing where a text is lost."""
        self._used.update(self._texts.keys() & names)
        try:
            return [self._texts[name] if name.startswith(b"=") else name for name in names]
        except KeyError:
            return []

    def lines(self, *, used: bool) -> Iterator[bytes]:
        """Yield a line for each text, or for each that was asked for."""
        return (text + b"\n" for name, text in self._texts.items() if not used or name in self._used)


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

    def line(self, common: Common) -> bytes:
        """Return it as a line: key, checksum of the rest, JSON texts; none of them holds a tab."""
        summary, rest, *texts, shapes, files, seen = self.share
        texts = [common.name(rest), *texts, common.name(shapes)]
        about = (self.identifier, self.id, self.path, self.files, self.findings, files, seen and tuple(seen))
        behind = b"\t".join((orjson.dumps(about), orjson.dumps(tuple(summary)), *texts)) + b"\n"
        return b"%b%d\t%b" % (self.key, crc32(behind), behind)


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
    """Records that follow each other and have not changed.

    Attributes:
        ledger: Their lines in the ledger.
        memory: Their lines in the memory.
        late: Whether each of these was added to the memory later.
    """

    ledger: list[bytes]
    memory: list[bytes]
    late: list[bool]

    def singly(self) -> Iterator[Stretch]:
        """Yield each by itself."""
        return (Stretch([line], [memory], [late]) for line, memory, late in zip(*self, strict=True))

    def read(self, common: Common) -> Remembered | None:
        """Return what was made of them; None where a line of the memory is damaged, or what it names is lost."""
        parts = [line[:-1].split(b"\t") for line in self.memory]
        if not all(map(_is_whole, self.memory, parts)):
            return None
        _, _, about, summaries, *texts = zip(*parts, strict=True)
        rests, shapes = common.texts(texts[0]), common.texts(texts[-1])
        if not (rests and shapes):
            return None
        identifiers, ids, paths, files, findings, counts, seen = zip(*_array(about), strict=True)
        shares = Shares._make((identifiers, ids, paths, _array(summaries), rests, *texts[1:-1], shapes, counts, seen))
        said = tuple(map(finding_of, chain.from_iterable(findings)))
        return Remembered(dict(chain.from_iterable(map(dict.items, files))), said, shares)


def identifier_of(line: bytes) -> str:
    """Return of which record a line is; nothing, which comes before all, where it is damaged."""
    try:
        return str(orjson.loads(line.split(b"\t", 3)[2])[0])
    except (orjson.JSONDecodeError, IndexError, TypeError):
        return ""


def seen_of(line: bytes) -> Sequence[Any] | None:
    """Return what an object was made from besides its record; None where that is nothing, or the line is damaged."""
    try:
        seen = orjson.loads(line.split(b"\t", 3)[2])[-1]
    except (orjson.JSONDecodeError, IndexError, TypeError, KeyError):
        return None
    return seen if isinstance(seen, list) else None


def _is_whole(line: bytes, parts: Sequence[bytes]) -> bool:
    """Tell whether the checksum in a line is that of what stands behind it."""
    return parts[1] == b"%d" % crc32(memoryview(line)[len(parts[0]) + len(parts[1]) + 2 :])


def _array(texts: Sequence[bytes]) -> list[Any]:
    """Read JSON texts together."""
    return cast("list[Any]", orjson.loads(b"[%b]" % b",".join(texts)))


def _name_of(text: bytes) -> bytes:
    return b"=" + sha256(text).hexdigest()[:32].encode()
