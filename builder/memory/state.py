"""What a build remembers between runs: ledgers, record bodies, change history and file inspections."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest, sha256
from itertools import islice
from pathlib import Path
from threading import get_ident
from typing import IO, Any

import orjson

from builder.errors import UsageError
from builder.ledger import Change, Entry, entry_of, is_gone
from builder.memory.history import Told, append
from builder.memory.known import Known, run_of
from builder.room import full_named
from builder.sources.protocol import Record

_LAST = {"ledger.ndjson": 1, "harvest.json": 2}
"""What `State.commit` moves last: a ledger names bodies, and what the next pass asks for builds on the ledger."""

_DAMAGE = (ValueError, KeyError, TypeError)
"""How a damaged ledger or history shows."""


@dataclass(frozen=True, slots=True)
class State:
    """A folder of remembered things with a scratch folder over it.

    Everything is written to ``overlay`` first and read through it; only `commit` touches
    ``folder``. A plan is a build that never commits.

    Args:
        folder: Where state is kept between runs.
        overlay: Scratch folder of this run, on the same file system.
        lasting: Where `keep` writes: ``folder``, or ``overlay`` in a plan.
    """

    folder: Path
    overlay: Path
    lasting: Path

    def __post_init__(self) -> None:
        """Have the scratch folder there."""
        self.overlay.mkdir(parents=True, exist_ok=True)

    def read(self, name: str) -> bytes | None:
        """Return what is remembered under a relative name, or None."""
        for root in (self.overlay, self.folder):
            file = root / name
            if file.is_file():
                return file.read_bytes()
        return None

    def write(self, name: str, data: bytes) -> None:
        """Remember bytes under a relative name, from the next `commit` on."""
        file = self.overlay / name
        try:
            file.write_bytes(data)
        except FileNotFoundError:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)

    def lines(self, name: str) -> Generator[bytes, None, None]:
        """Yield what is remembered under a relative name line by line; nothing where there is nothing."""
        for root in (self.overlay, self.folder):
            file = root / name
            if file.is_file():
                with file.open("rb") as stream:
                    yield from stream
                return

    def digest(self, name: str) -> bytes:
        """Return the SHA-256 of what is remembered under a relative name; of nothing where there is nothing."""
        with (self.file(name) or Path(os.devnull)).open("rb") as stream:
            return file_digest(stream, "sha256").digest()

    def adopt(self, name: str, part: Path) -> None:
        """Remember a scratch file of the overlay, which goes over into the state, as `write` does."""
        file = self.overlay / name
        file.parent.mkdir(parents=True, exist_ok=True)
        part.replace(file)

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """Remember what is written in this block, as `write` does; until its end the old is read."""
        file = self.overlay / name
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".{file.name}.part")
        with part.open("wb") as stream:
            yield stream
        part.replace(file)

    def commit(self) -> None:
        """Make this run's memory permanent: bodies and inspections first, ledgers, then what relies on them."""
        late: list[tuple[int, Path]] = []
        for folder, folders, names in os.walk(self.overlay):
            folders.sort()
            target = self.folder / Path(folder).relative_to(self.overlay)
            if names:
                target.mkdir(parents=True, exist_ok=True)
            for name in sorted(names):
                if name in _LAST:
                    late.append((_LAST[name], target / name))
                else:
                    os.replace(f"{folder}/{name}", f"{target}/{name}")  # noqa: PTH105  (a path object is dear by the thousand)
        for _, file in sorted(late):
            (self.overlay / file.relative_to(self.folder)).replace(file)
        os.sync()

    def keep(self, name: str, data: bytes) -> None:
        """Remember bytes at once and whole, whatever becomes of this run."""
        file = self.lasting / name
        file.parent.mkdir(parents=True, exist_ok=True)
        part = self.overlay / f".{get_ident()}.part"  # partners are asked in several threads
        part.write_bytes(data)
        part.replace(file)

    def file(self, name: str) -> Path | None:
        """Return the file that is remembered under a name, or None."""
        return next((root / name for root in (self.overlay, self.folder) if (root / name).is_file()), None)

    def drop(self, name: str) -> None:
        """Forget what was kept under a name."""
        (self.lasting / name).unlink(missing_ok=True)

    def kept(self, folder: str) -> list[str]:
        """Return the names of what is kept below a folder, sorted."""
        files = (self.lasting / folder).rglob("*")
        return sorted(file.relative_to(self.lasting).as_posix() for file in files if file.is_file())

    def known(self, collection: str) -> Known:
        """Open what is known of a collection's records.

        Raises:
            UsageError: The ledger file is damaged.
        """
        name = f"{collection}/ledger.ndjson"
        try:
            return Known(self.file(name), self.overlay)
        except _DAMAGE as trouble:
            raise self._damaged(name) from trouble

    def entries(self, collection: str) -> Iterator[Entry]:
        """Yield what is known of the records that are not withdrawn, by identifier.

        Raises:
            UsageError: The ledger file is damaged.
        """
        with self.known(collection) as known:
            yield from (entry for _, entry in known.unmet())

    def ledger_lines(self, collection: str, *, gone: bool) -> Iterator[bytes]:
        """Yield the lines of the ledger for records that are withdrawn, or for those that are not, by identifier."""
        lines = islice(self.lines(f"{collection}/ledger.ndjson"), 1, None)
        return (line for line in lines if is_gone(line) is gone)

    def entry(self, collection: str, line: bytes) -> Entry:
        """Read a line of the ledger.

        Raises:
            UsageError: The ledger file is damaged.
        """
        try:
            return entry_of(line)
        except _DAMAGE as trouble:
            raise self._damaged(f"{collection}/ledger.ndjson") from trouble

    def _run(self, collection: str) -> int:
        """Return the number of the run that last changed something, which is all that the first line says."""
        name = f"{collection}/ledger.ndjson"
        try:
            return run_of(next(self.lines(name), b""))
        except _DAMAGE as trouble:
            raise self._damaged(name) from trouble

    def _damaged(self, name: str) -> UsageError:
        hint = "restore it, or remove it to harvest anew"
        return UsageError("the ledger is damaged", where=str(self.folder / name), hint=hint)

    def _told(self, collection: str, until: int) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Yield the changes of a collection up to a run, each with its line."""
        name = f"{collection}/changes.ndjson"
        for line in self.lines(name):
            try:
                change = orjson.loads(line)
                counts = change["run"] <= until and change["identifier"] is not None
            except _DAMAGE as trouble:
                hint = "restore it, or remove it; the history starts over"
                raise UsageError("the history is damaged", where=str(self.folder / name), hint=hint) from trouble
            if counts:
                yield change, line.rstrip() + b"\n"

    def remember(self, collection: str, known: Known, changes: Iterable[Change]) -> Told:
        """Keep a ledger as changes leave it, and add them to the collection's history as one numbered run.

        The number is kept in the ledger, which `commit` moves last: a run that was interrupted before that has none.

        Args:
            collection: Identifier of the collection.
            known: Its ledger.
            changes: What happened to its records, sorted by identifier; gone through more than once.

        Returns:
            The changes as the history tells them.

        Raises:
            UsageError: The history is damaged.
        """
        run = known.run + 1
        name = f"{collection}/changes.ndjson"
        with self.writing(name) as lines:
            place = append(lines, self._told(collection, known.run), run, changes)
        with self.writing(f"{collection}/ledger.ndjson") as lines:
            lines.writelines(known.after(run, changes))
        return Told(self.overlay / name, *place)

    def history(self, collection: str) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Yield the last change of each record of a collection, oldest first, each with its line.

        Raises:
            UsageError: The history is damaged.
        """
        return self._told(collection, self._run(collection))

    def store(self, collection: str, record: Record, *, doubted: bool = False) -> None:
        """Keep a record's body (and companion) under its digest; what is kept is read only where it is doubted."""
        name = _body_name(collection, record.sha256)
        if self.file(name) is None or (doubted and not self._holds(name, record)):
            self.write(name, record.body)
            if record.companion:
                self.write(f"{name}.companion", record.companion)

    def _holds(self, name: str, record: Record) -> bool:
        return (self.read(name), self.read(f"{name}.companion") or b"") == (record.body, record.companion)

    def record(self, collection: str, entry: Entry) -> Record:
        """Return a record as it was received.

        Raises:
            UsageError: Its body is missing or damaged.
        """
        name = _body_name(collection, entry.sha256)
        found = Record(
            identifier=entry.identifier,
            format=entry.format,
            body=self.read(name) or b"",
            media_type=entry.media_type,
            url=entry.url,
            datestamp=entry.datestamp,
            sets=entry.sets,
            companion=self.read(f"{name}.companion") or b"",
        )
        if found.sha256 != entry.sha256:
            where, hint = str(self.folder / name), "build with --full, which harvests everything anew"
            raise UsageError("a record's body is missing or damaged", where=where, hint=hint)
        return found


def cache_name(kind: str, *parts: str) -> str:
    """Name a cached result by everything it depends on."""
    digest = sha256("\0".join(parts).encode()).hexdigest()
    return f"{kind}/{digest[:2]}/{digest[2:]}"


@contextmanager
def open_state(folder: Path) -> Iterator[State]:
    """Open a state folder for one run alone; what is not committed is forgotten.

    Raises:
        UsageError: Another run holds the folder.
    """
    with scratch(folder) as overlay, full_named(folder):
        yield State(folder, overlay, folder)


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Hold a folder for one run alone and make a scratch folder in it (one file system, so that moving is renaming).

    Raises:
        UsageError: Another run holds the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _hold(held, folder)
        for left in folder.glob(".scratch-*"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=".scratch-", dir=folder) as name:
            yield Path(name)
    finally:
        os.close(held)


def _hold(held: int, folder: Path) -> None:
    """Lock an open folder, until it is closed.

    Raises:
        UsageError: Another run holds it.
    """
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as trouble:
        raise UsageError(
            "another run is using this folder", where=str(folder), hint="wait for it, or choose another folder"
        ) from trouble


def _body_name(collection: str, digest: str) -> str:
    return f"{collection}/records/{digest[:2]}/{digest[2:]}"
