"""Looks into GeoTIFF files without trusting them: grid, reference system, and whether they are cloud-optimised."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path
from typing import Any

import orjson

from builder.dataset import Projection
from builder.enrich.inspect import KILLED, TOO_LONG, was_killed
from builder.enrich.inspection import Inspection
from builder.findings import Finding, error, note, warning

TIMEOUT_S = 60
GEOTIFF = "image/tiff; application=geotiff"
COG = f"{GEOTIFF}; profile=cloud-optimized"


def inspect_raster(path: Path, href: str) -> Inspection:
    """Describe a GeoTIFF with a child process of its own: grid, rio-cogeo's verdict, and a picture.

    Args:
        path: Local file.
        href: Its public address, for findings.

    Raises:
        OSError: The local file cannot be read.
    """
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    size = path.stat().st_size
    return understand(_ask(path), Inspection(href, size, digest))


def understand(said: dict[str, Any], blank: Inspection) -> Inspection:
    """Complete an inspection with what `builder.enrich.rasterworker.describe` says."""
    href = blank.href
    if "refused" in said:
        passing = said.get("code")
        hint = "the next run tries again" if passing else "ask the partner to check the file"
        reason = error(passing or "raster.unreadable", href, f"GeoTIFF {said['refused']}", hint)
        return replace(blank, findings=(reason,))
    projection = _projection(said)
    return replace(
        blank,
        projection=projection,
        media_type=GEOTIFF if said["errors"] else COG,
        thumbnail=said["thumbnail"],
        bands=tuple(said["bands"]),
        packing=tuple(said["packing"]),
        findings=tuple(_findings(href, said["errors"], placed=projection is not None)),
    )


def _findings(href: str, errors: list[str], *, placed: bool) -> Iterator[Finding]:
    if not placed:
        message = "GeoTIFF has no coordinate reference system, or no place in it"
        yield warning("raster.no-crs", href, message, "ask the partner to set both")
    if errors:
        hint = "rewrite it with `rio cogeo create` to make it quick to read over the network"
        yield note("raster.not-cog", href, f"GeoTIFF is not cloud-optimised: {'; '.join(errors)}", hint)


def _ask(path: Path) -> dict[str, Any]:
    command = [sys.executable, "-P", "-m", "builder.enrich.rasterworker", str(path.resolve())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=True)  # noqa: S603  (our own)
        return dict(orjson.loads(done.stdout))
    except subprocess.TimeoutExpired:
        return {"refused": f"took longer than {TIMEOUT_S} s to read", "code": TOO_LONG}
    except subprocess.CalledProcessError as lost:
        own = lost.returncode > 0  # an error of Python's, such as no memory for its libraries
        code = {"code": KILLED} if own or was_killed(lost.returncode) else {}
        return {"refused": "ended the process that read it"} | code
    except orjson.JSONDecodeError:
        return {"refused": "ended the process that read it"}


def _projection(said: dict[str, Any]) -> Projection | None:
    if not (said["code"] or said["wkt"]):
        return None
    rows, columns = said["shape"]
    a, b, c, d, e, f = said["transform"]
    xs = [c + a * column + b * row for column in (0, columns) for row in (0, rows)]
    ys = [f + d * column + e * row for column in (0, columns) for row in (0, rows)]
    return Projection(
        code=said["code"],
        wkt2=said["wkt"],
        bbox=(min(xs), min(ys), max(xs), max(ys)),
        shape=(rows, columns),
        transform=(a, b, c, d, e, f),
    )
