"""Keeps a copy of a collection's maps with all times of a place together, made anew only where a source changed."""

from __future__ import annotations

import math
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import orjson

from builder.enrich.inspect import environment
from builder.enrich.timemajorworker import MAX_VALUES_BYTES
from builder.errors import UnreferenceableError
from builder.memory.sealed import opened, sealed

if TYPE_CHECKING:
    from builder.enrich.inspect import Inspector
    from builder.enrich.inspection import Inspection
    from builder.enrich.inspectors import Inspectors
    from builder.memory.state import State

VERSION = "3"
"""Part of what is remembered; raised when the same files would be copied otherwise."""

SILENCE_S = 300.0
"""Longest time between two signs of life of the child."""


@dataclass(frozen=True, slots=True)
class Part:
    """One granule of a copy.

    Attributes:
        name: What messages call it.
        version: A digest of its references and of what is known of its file.
        length: Its number of steps.
        file: Gives the file for as long as it is needed.
    """

    name: str
    version: str
    length: int
    file: Callable[[], AbstractContextManager[Path]]


@dataclass(frozen=True, slots=True)
class TimeMajor:
    """A copy with all times of a place together: its file, what it is called, and what was found in it."""

    path: Path
    name: str
    sha256: str
    seen: Inspection


class Keeper:
    """Keeps one collection's copy in the state, with word of what it was made from.

    Args:
        state: Where it is kept.
        collection: Identifier of the collection.
    """

    def __init__(self, state: State, collection: str) -> None:
        self._state = state
        self._name = f"copies/time-major/{collection}"

    def forget(self) -> None:
        """Remove the copy and what is known of it."""
        for suffix in ("json", "nc"):
            self._state.drop(f"{self._name}.{suffix}")

    def of(
        self,
        parts: Sequence[Part],
        key: str,
        combined: bytes,
        address: Callable[[str], str],
        inspector: Inspector | Inspectors,
    ) -> TimeMajor:
        """Return the copy of these granules, made anew where they are not those of the last one.

        Steps that did not change are taken over from the copy before, so that only new files are fetched, and the
        first, whose types and attributes the copy has.

        Args:
            parts: The granules in the order of time.
            key: What their files have in common.
            combined: Their combined references.
            address: Gives the public address of the copy from its name.
            inspector: Makes references into it.

        Raises:
            UnreferenceableError: It cannot be made, with the reason.
            SourceError: A granule's file cannot be had, or is another one than at first.
        """
        known = self._known(key)
        digest = sha256("\0".join([VERSION, key, *(part.version for part in parts)]).encode()).hexdigest()
        name = f"series-{digest[:16]}.nc"
        if known is not None and known["digest"] == digest and known["href"] == address(name):
            return self._made(known)
        before = None if known is None else known["parts"]
        path = self._write(parts, combined, before)
        seen = inspector.inspect(path, address(name))
        if seen.references is None:
            path.unlink()
            raise UnreferenceableError(next((one.message for one in seen.findings), "it has no references"))
        from pydantic import TypeAdapter

        from builder.enrich.inspection import Inspection

        known = {
            "digest": digest,
            "href": address(name),
            "name": name,
            "sha256": seen.sha256,
            "parts": [[part.version, part.length] for part in parts],
            "seen": TypeAdapter(Inspection).dump_python(seen, mode="json"),
        }
        path.replace(self._state.lasting / f"{self._name}.nc")
        self._state.keep(f"{self._name}.json", sealed(f"{VERSION} {key}", orjson.dumps(known)))
        return self._made(known)

    def _known(self, key: str) -> dict[str, Any] | None:
        """Return what is known of the copy, where it is whole and its granules stacked as these do."""
        known: dict[str, Any] | None = opened(f"{VERSION} {key}", self._state.read(f"{self._name}.json"))
        file = self._state.file(f"{self._name}.nc")
        if known is None or file is None:
            return None
        with file.open("rb") as stream:
            return known if file_digest(stream, "sha256").hexdigest() == known["sha256"] else None

    def _made(self, known: dict[str, Any]) -> TimeMajor:
        from pydantic import TypeAdapter

        from builder.enrich.inspection import Inspection

        path = self._state.file(f"{self._name}.nc")
        assert path is not None
        seen = TypeAdapter(Inspection).validate_python(known["seen"])
        return TimeMajor(path, known["name"], known["sha256"], seen)

    def _write(self, parts: Sequence[Part], combined: bytes, before: list[tuple[str, int]] | None) -> Path:
        """Have the file written beside its place."""
        target = self._state.lasting / f"{self._name}.part"
        target.parent.mkdir(parents=True, exist_ok=True)
        _check_room(combined, target.parent)
        starts, start = dict[str, int](), 0
        for version, length in before or ():
            starts[version] = start
            start += length
        with tempfile.TemporaryDirectory(prefix="time-major-", dir=self._state.overlay) as scratch:
            references, asked = Path(scratch) / "references.json", Path(scratch) / "asked.json"
            references.write_bytes(combined)
            wanted: dict[str, Any] = {
                "references": str(references),
                "target": f"{scratch}/copy.nc",
                "scratch": scratch,
                "before": str(self._state.file(f"{self._name}.nc")) if starts else None,
                "pieces": [[part.name, part.length, starts.get(part.version)] for part in parts],
            }
            asked.write_bytes(orjson.dumps(wanted))
            _run(asked, parts)
            Path(wanted["target"]).replace(target)
        return target


def _check_room(combined: bytes, folder: Path) -> None:
    """Refuse values that are too many, or for which the disk has no room.

    Raises:
        UnreferenceableError: They are.
    """
    import numpy as np

    from builder.enrich.combine import take_apart

    whole = take_apart("", orjson.loads(combined)["refs"])
    arrays = whole.arrays.values() if whole else ()
    size = sum(math.prod(array["shape"]) * np.dtype(array["dtype"]).itemsize for array in arrays)
    if size > MAX_VALUES_BYTES:
        raise UnreferenceableError(f"{size / 1e9:.1f} GB of values are more than a copy may hold")
    if 2 * size > shutil.disk_usage(folder).free:
        raise UnreferenceableError(f"there is no room on the disk for twice {size / 1e9:.1f} GB of values")


def _run(asked: Path, parts: Sequence[Part]) -> None:
    """Let a child process of its own write the copy, and hand it the files that it asks for.

    Raises:
        UnreferenceableError: It could not.
        SourceError: A file could not be had.
    """
    with _child(asked) as child, _Files(parts) as files:
        while not (said := _hear(child)).get("done"):
            if "want" in said:
                _tell(child, {"path": str(files.next(int(said["want"])))})
            elif "refused" in said:
                raise UnreferenceableError(str(said["refused"]))


class _Files:
    """Holds one granule's file at a time."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._held: AbstractContextManager[Path] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._held is not None:
            self._held.__exit__(None, None, None)
            self._held = None

    def next(self, number: int) -> Path:
        """Let go of the file before, and return the path of one."""
        self.__exit__()
        held = self._parts[number].file()
        path = held.__enter__()
        self._held = held
        return path.resolve()


@contextmanager
def _child(asked: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(  # noqa: S603  (our own)
        [sys.executable, "-P", "-m", "builder.enrich.timemajorworker", str(asked)],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=environment(),
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def _tell(child: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
    assert child.stdin is not None
    try:
        child.stdin.write(orjson.dumps(message) + b"\n")
    except BrokenPipeError:
        raise UnreferenceableError(f"copying ended the process (status {child.wait(5)})") from None


def _hear(child: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Return the child's next line."""
    assert child.stdout is not None
    if not select.select([child.stdout], [], [], SILENCE_S)[0]:
        raise UnreferenceableError(f"copying made no progress for {SILENCE_S:g} s")
    try:
        return dict(orjson.loads(child.stdout.readline()))
    except (orjson.JSONDecodeError, TypeError, ValueError):
        raise UnreferenceableError("copying ended the process") from None
