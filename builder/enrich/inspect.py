"""Looks into NetCDF files without trusting them: a child process opens them, the parent reads JSON."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from builder.dataset import Coverage, Projection
from builder.enrich.inspection import Inspection
from builder.findings import Finding, Severity, error, warning
from builder.references.table import Range

TIMEOUT_S = 60.0
HEADER_TIMEOUT_S = 15.0
START_TIMEOUT_S = 60.0
MEMORY_BYTES = 1 << 30
MAX_FRAME_BYTES = 256 << 20

KILLED = "netcdf.killed"
"""Code of what the machine did to the child, which says nothing of the file."""

TOO_LONG = "netcdf.timeout"
"""Code of what took too long, as all does on a machine that has other work."""

__all__ = ["Inspection", "Inspector", "inspect"]


class ChildLostError(Exception):
    """The child ended, hung or talked nonsense while it had a file open."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def inspect(
    path: Path, href: str, *, references: bool = True, timeout_s: float = TIMEOUT_S, memory_bytes: int = MEMORY_BYTES
) -> Inspection:
    """Inspect one file with a child process of its own; see `Inspector.inspect`."""
    with Inspector(timeout_s=timeout_s, memory_bytes=memory_bytes) as inspector:
        return inspector.inspect(path, href, references=references)


class Inspector:
    """Inspects files one after the other with one warm child process, replaced whenever a file harms it.

    Args:
        timeout_s: Wall seconds for the references of one file; its header gets at most 15 of them.
        memory_bytes: Address space a file may cost beyond what the libraries take.
    """

    def __init__(self, *, timeout_s: float = TIMEOUT_S, memory_bytes: int = MEMORY_BYTES) -> None:
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._child: subprocess.Popen[bytes] | None = None
        self._fetch: Callable[[list[Range]], None] | None = None

    def __enter__(self) -> Self:
        """Return the inspector; the child starts with the first file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the child."""
        self._end()

    def inspect(self, path: Path, href: str, *, references: bool = True) -> Inspection:
        """Return header, coverage and references of a file; what goes wrong becomes a finding.

        Args:
            path: Local file; nothing of it appears in the result.
            href: Public address of the same bytes, where the references will point.
            references: Whether to make references at all.

        Raises:
            OSError: The local file cannot be read.
        """
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        blank = Inspection(href, path.stat().st_size, digest)
        found = self._look(path, blank, references=references)
        if any("MemoryError" in one.message or one.code == KILLED for one in found.findings):
            self._end()  # it has what earlier files left in it, or is lost
            found = self._look(path, blank, references=references)
        local = str(path.resolve())
        findings = (replace(one, message=one.message.replace(local, "the file")) for one in found.findings)
        return replace(found, findings=tuple(findings))

    def inspect_parts(self, path: Path, href: str, fetch: Callable[[list[Range]], None]) -> Inspection:
        """Return the same of a remote file, from the parts of it that are needed; its checksum stays unknown.

        Args:
            path: A sparse file of the full size.
            href: Its public address.
            fetch: Fills ranges of the sparse file.

        Raises:
            FetchError: A part could not be had.
        """
        self._fetch = fetch
        try:
            return self._look(path, Inspection(href, path.stat().st_size), references=True)
        finally:
            self._fetch = None

    def _look(self, path: Path, blank: Inspection, *, references: bool) -> Inspection:
        try:
            self._ask(path, blank.href, references=references)
            limit = HEADER_TIMEOUT_S if self._fetch is None else self._timeout_s  # parts are located before the header
            header = self._receive(min(self._timeout_s, limit))
        except ChildLostError as lost:
            finding = error(lost.code, blank.href, str(lost), "ask the partner to check the file")
            return replace(blank, findings=(finding,))
        result = _with_header(blank, header)
        if not (references and result.readable):
            return result
        try:
            return _with_references(result, self._receive(self._timeout_s))
        except ChildLostError as lost:
            finding = warning(lost.code, blank.href, f"no references: {lost}")
            return replace(result, findings=(*result.findings, finding))

    def _ask(self, path: Path, href: str, *, references: bool) -> None:
        request = {
            "path": os.fsencode(path.resolve()).hex(),
            "href": href,
            "references": references,
            "partial": self._fetch is not None,
            "memory_bytes": self._memory_bytes,
            "cpu_s": self._timeout_s + HEADER_TIMEOUT_S,
        }
        if self._child is None or self._child.poll() is not None:
            self._start()
        self._tell(request)

    def _tell(self, request: dict[str, Any]) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(orjson.dumps(request) + b"\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            raise self._lost(KILLED, "the reading process ended while it waited") from None

    def _start(self) -> None:
        self._end()
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "builder.enrich.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=environment(),
        )
        try:
            self._receive(START_TIMEOUT_S)
        except ChildLostError as lost:
            raise ChildLostError(KILLED, f"the reading process did not start: {lost}") from None

    def _receive(self, timeout_s: float) -> dict[str, Any]:
        """Return the child's next answer; the parts it wants first are fetched, which does not count as its time."""
        message = self._message(timeout_s)
        while "want" in message and self._fetch is not None:
            with ExitStack() as trouble:
                trouble.callback(self._end)  # it would take the next request for what it waits for
                self._fetch([(int(offset), int(length)) for offset, length in message["want"]])
                trouble.pop_all()
            self._tell({"have": True})
            message = self._message(timeout_s)
        return message

    def _message(self, timeout_s: float) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        length = int.from_bytes(self._read(8, deadline, timeout_s), "big")
        if length > MAX_FRAME_BYTES:
            raise self._lost("netcdf.crashed", "the reading process gave an absurd answer")
        try:
            message = dict(orjson.loads(self._read(length, deadline, timeout_s)))
        except (orjson.JSONDecodeError, TypeError, ValueError):
            raise self._lost("netcdf.crashed", "the reading process gave a garbled answer") from None
        if "failed" in message:
            raise self._lost("netcdf.failed", f"reading the file failed: {message['failed']}")
        return message

    def _read(self, count: int, deadline: float, timeout_s: float) -> bytes:
        assert self._child is not None
        assert self._child.stdout is not None
        pipe, parts = self._child.stdout.fileno(), []
        while count:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise self._lost(TOO_LONG, f"reading the file took longer than {timeout_s:g} s")
            part = os.read(pipe, min(count, 1 << 20))
            if not part:
                code = KILLED if was_killed(self._child.wait()) else "netcdf.crashed"
                raise self._lost(code, f"reading the file ended the process ({self._cause()})")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _cause(self) -> str:
        assert self._child is not None
        status = self._child.wait()
        return signal.Signals(-status).name if status < 0 else f"exit status {status}"

    def _lost(self, code: str, message: str) -> ChildLostError:
        self._end()
        return ChildLostError(code, message)

    def _end(self) -> None:
        if self._child is None:
            return
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # of a request that no child took
                    pipe.close()
        self._child = None


def was_killed(status: int) -> bool:
    """Tell whether the machine or its user ended a child: none of its limits sends these signals."""
    return -status in {signal.SIGKILL, signal.SIGTERM}


def environment() -> dict[str, str]:
    """Return the child's environment: this very package, and few threads, each of which costs address space."""
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    few = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return {**os.environ, **few, "PYTHONPATH": path}


def _with_header(blank: Inspection, header: dict[str, Any]) -> Inspection:
    findings = tuple(_finding(parts) for parts in header.get("findings", ()))
    if not header["readable"]:
        return replace(blank, findings=findings)
    projection = header.get("projection")
    return replace(
        blank,
        ncml=header["ncml"].encode(),
        coverage=_coverage(header.get("coverage") or {}),
        projection=None if projection is None else _projection(projection),
        findings=findings,
    )


def _with_references(result: Inspection, answer: dict[str, Any]) -> Inspection:
    text = answer.get("references")
    return replace(
        result,
        references=None if text is None else text.encode(),
        parquet=answer.get("parquet") or {},
        combine_key=answer.get("combine_key"),
        read_cost=answer.get("read_cost") or {},
        findings=(*result.findings, *(_finding(parts) for parts in answer.get("findings", ()))),
    )


def _coverage(parts: dict[str, Any]) -> Coverage:
    vertical = parts.get("vertical")
    return Coverage(
        geometry=parts.get("geometry"),
        boxes=tuple((w, s, e, n) for w, s, e, n in parts.get("boxes", ())),
        start=_instant(parts.get("start")),
        end=_instant(parts.get("end")),
        vertical=None if vertical is None else (vertical[0], vertical[1], vertical[2]),
    )


def _projection(parts: dict[str, Any]) -> Projection:
    listed = {key: tuple(parts[key]) for key in ("bbox", "shape", "transform") if parts.get(key) is not None}
    return Projection(code=parts.get("code"), wkt2=parts.get("wkt2"), **listed)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _finding(parts: dict[str, str]) -> Finding:
    return Finding(parts["code"], Severity(parts["severity"]), parts["where"], parts["message"], parts["hint"])
