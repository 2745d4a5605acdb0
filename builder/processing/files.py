"""The input files of runs: which version of each there is, its digest, and where it can be read."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from builder.datafiles.inspections import MAX_BYTES
from builder.errors import FetchError, IaosError
from builder.sources.ranges import Version, version_of

if TYPE_CHECKING:
    from builder.processing.runs import Given
    from builder.sources.http import HttpGate
    from processors.protocol import Input, Inputs

GateOf = Callable[[str], "HttpGate"]
"""Opens the gate of a collection by its identifier: its own host and those its definition names."""


@dataclass
class Files:
    """Knows the digests of inputs from night to night, so that an unchanged one is neither read nor fetched.

    Attributes:
        gate_of: Through what the files of a collection are fetched.
        known: Digest of each version of a file that was met before.
        recheck: Tells of a collection whether its remote files are asked each night if they are still the same.
        scratch: Where files may lie while a run reads them.
        met: The part of ``known`` that was of use, with what is new.
    """

    gate_of: GateOf
    known: dict[str, str]
    recheck: Callable[[str], bool]
    scratch: Path
    met: dict[str, str] = field(default_factory=dict)
    _gates: dict[str, HttpGate] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """Close the connections."""
        self._stack.close()

    def version(self, given: Given) -> str:
        """Name the version of a file by all that is known of it without reading it; empty where that does not do."""
        file = given.file
        if file.local is not None and not file.record:
            return ""
        remote = None
        if file.local is None and given.offer is not None and self.recheck(given.offer.collection):
            remote = self._asked(given)
            if remote is None:
                return ""
        return sha256(orjson.dumps([file.record, remote])).hexdigest()

    def digest(self, version: str) -> str | None:
        """Return the digest of a version that was met before."""
        found = self.known.get(version) if version else None
        if found:
            self.met[version] = found
        return found

    @contextmanager
    def opened(self, given: Iterable[tuple[Given, str]]) -> Iterator[Inputs]:
        """Give the files of a run as inputs, with remote ones fetched while the block runs.

        Args:
            given: The files with their versions.

        Raises:
            FetchError: One cannot be fetched.
            IaosError: One cannot be read.
        """
        with tempfile.TemporaryDirectory(prefix="inputs-", dir=self.scratch) as name:
            inputs: dict[str, list[Input]] = {}
            for number, (one, version) in enumerate(given):
                found = self._input(one, Path(name) / str(number))
                if version:
                    self.met[version] = found.sha256
                inputs.setdefault(one.slot, []).append(found)
            yield inputs

    def _input(self, given: Given, folder: Path) -> Input:
        from processors.protocol import Input

        file = given.file
        path = file.local
        if path is None:
            path = folder / (re.sub(r"[^\w.+-]+", "_", file.name)[-150:] or "data")
            self._gate(given).download(file.href, path, max_bytes=MAX_BYTES)
        try:
            return Input.of(path, file.href)
        except OSError as trouble:
            raise IaosError(f"cannot be read: {trouble.strerror}", where=file.href) from trouble

    def _asked(self, given: Given) -> list[str | int | None] | None:
        try:
            version = version_of(self._gate(given), given.file.href)
        except FetchError:
            return None  # then it is fetched, and that says what is wrong
        return None if version == Version() else [version.size, version.etag, version.last_modified]

    def _gate(self, given: Given) -> HttpGate:
        name = given.offer.collection if given.offer else ""
        if name not in self._gates:
            self._gates[name] = self._stack.enter_context(self.gate_of(name))
        return self._gates[name]
