"""Has the references of granules joined by a child process, which takes the memory, and ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from builder.enrich.inspect import KILLED, TOO_LONG, ChildLostError, environment, was_killed
from builder.findings import Finding, finding_of

TIMEOUT_S = 3600.0

REFERENCES, PARQUET = "references.json", "references.parquet"
"""Names of what the child writes."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Combined references, as files.

    Attributes:
        references: All of them as JSON.
        parquet: Folder with the same as Parquet where they are many, else None.
        order: Names and lengths of the granules in the order of time.
    """

    references: Path
    parquet: Path | None
    order: tuple[tuple[str, int], ...]


def join_apart(
    parts: Sequence[tuple[str, Path]], folder: Path, *, timeout_s: float = TIMEOUT_S
) -> tuple[Joined | None, tuple[Finding, ...]]:
    """Join references; see `builder.enrich.combine.combine_in_order`.

    Args:
        parts: A name for messages, and the file in which it is remembered what was found in a granule.
        folder: Empty folder for the result.
        timeout_s: Wall seconds that it may take.

    Returns:
        The combined references, or None with a finding that says what stands in the way.

    Raises:
        ChildLostError: The child did not come to its end.
    """
    asked = orjson.dumps(request(parts, folder))
    done = _run(asked, timeout_s)
    if was_killed(done.returncode):  # by the machine, which may have room by now
        done = _run(asked, timeout_s)
    if was_killed(done.returncode):
        raise ChildLostError(KILLED, "the process that joins was killed twice")
    if done.returncode:
        last = (done.stderr.decode(errors="replace").strip() or f"status {done.returncode}").splitlines()[-1]
        raise ChildLostError("netcdf.crashed", f"joining failed: {last[:300]}")
    return result(orjson.loads(done.stdout), folder)


def _run(asked: bytes, timeout_s: float) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            [sys.executable, "-P", "-m", "builder.enrich.joinworker"],
            input=asked,
            capture_output=True,
            env=environment(),
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ChildLostError(TOO_LONG, f"joining took longer than {timeout_s:g} s") from None


def request(parts: Sequence[tuple[str, Path]], folder: Path) -> dict[str, Any]:
    """Return what the child is asked for, as JSON."""
    return {"folder": _hex(folder), "parts": [(name, _hex(path)) for name, path in parts]}


def result(said: Mapping[str, Any], folder: Path) -> tuple[Joined | None, tuple[Finding, ...]]:
    """Read what the child says."""
    findings = tuple(map(finding_of, said["findings"]))
    if said["order"] is None:
        return None, findings
    order = tuple((name, length) for name, length in said["order"])
    return Joined(folder / REFERENCES, folder / PARQUET if said["parquet"] else None, order), findings


def _hex(path: Path) -> str:
    return os.fsencode(path.resolve()).hex()
