"""Has a readable copy made of a NetCDF file whose values references cannot express."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING

import orjson

from builder.enrich.inspect import KILLED, TOO_LONG, Inspector, environment, was_killed
from builder.enrich.inspection import Copied, Inspection
from builder.enrich.inspectors import Inspectors
from builder.findings import note, warning
from builder.stac.layout import item_id

if TYPE_CHECKING:
    from builder.memory.state import State

TIMEOUT_S = 300.0
LOST = "the process that copies was killed"
ROOM_BYTES = 16 << 20
"""Less than this beside a copy that failed is a full disk."""
LATE = "copying took longer than {:g} s"
VERSION = "1"
"""Part of the name of a copy; raised when the same file would be copied otherwise."""


def copied(
    path: Path,
    found: Inspection,
    state: State,
    address: Callable[[str], str],
    inspector: Inspector | Inspectors,
) -> Inspection:
    """Return an inspection with a readable copy and references into it, or with a finding that says why there is none.

    Args:
        path: The file.
        found: What was found in it.
        state: Where the copy is kept between runs.
        address: Gives the public address of a path below the collection's folder.
        inspector: Makes the references.
    """
    digest = sha256(f"{VERSION} {found.href} {found.sha256}".encode()).hexdigest()
    kept = f"copies/{digest[:2]}/{digest[2:]}.nc"
    target = state.lasting / kept
    target.parent.mkdir(parents=True, exist_ok=True)
    part = state.overlay / f"{target.name}.{get_ident()}"  # two records may name one file
    reason = make_copy(path, part, TIMEOUT_S)
    if reason is not None:
        code = {LOST: KILLED, LATE.format(TIMEOUT_S): TOO_LONG}.get(reason, "netcdf.no-copy")
        said = warning(code, found.href, f"no readable copy: {reason}")
        return replace(found, findings=(*found.findings, said))
    part.replace(target)
    stem = found.href.partition("?")[0].rsplit("/", 1)[-1].rsplit(".", 1)[0]
    name = f"data/{item_id(stem)}-{digest[:8]}.nc"  # one for each version: records may have met different ones
    href = address(name)
    seen = inspector.inspect(target, href, references="://" in href)
    said = note("netcdf.copied", found.href, "a readable copy stands in for it")
    return replace(
        found,
        copy=Copied(kept, name, href, seen.size, seen.sha256),
        references=seen.references,
        parquet=seen.parquet,
        combine_key=seen.combine_key,
        read_cost=seen.read_cost,
        findings=(*found.findings, *(one for one in seen.findings if one not in found.findings), said),
    )


def make_copy(source: Path, target: Path, timeout_s: float) -> str | None:
    """Write a copy of a file with a child process of its own; return None, or why there is none.

    Args:
        source: The file, which is not trusted.
        target: Where the copy goes; nothing is left there where there is none.
        timeout_s: Longest time it may take, seconds.

    Raises:
        OSError: There is no room for it on the disk.
    """
    command = [sys.executable, "-P", "-m", "builder.enrich.copyworker", str(source.resolve()), str(target)]
    try:
        done = subprocess.run(  # noqa: S603  (our own)
            command, capture_output=True, timeout=timeout_s, check=True, start_new_session=True, env=environment()
        )
        reason: str | None = orjson.loads(done.stdout).get("refused")
    except subprocess.TimeoutExpired:
        reason = LATE.format(timeout_s)
    except subprocess.CalledProcessError as lost:
        reason = LOST if was_killed(lost.returncode) else "copying ended the process"
    except orjson.JSONDecodeError:
        reason = "copying ended the process"
    if reason is not None:
        try:
            _check_room(target)
        finally:
            target.unlink(missing_ok=True)
    return reason


def _check_room(part: Path) -> None:
    """Make sure that a copy was not given up for want of room: netCDF-C says "HDF error" to a full disk, too.

    Raises:
        OSError: There is no room to write on.
    """
    with part.open("ab") as file:
        try:
            file.write(bytes(ROOM_BYTES))
            os.fsync(file.fileno())
        except OSError as trouble:
            trouble.filename = str(part)
            raise
